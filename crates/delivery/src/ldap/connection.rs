//! The connection to a directory: to an address that was checked, encrypted before anything is said, signed in, used again
//! while it lives.

use std::{ops::RangeInclusive, sync::Arc, time::Duration};

use egress::Client;
use ldap3::{
    Ldap, LdapConnAsync, LdapConnSettings, LdapError, LdapResult, Mod, ResultEntry, Scope, SearchEntry,
    SearchOptions, StdStream,
};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use url::{Host, Url};

use super::{
    dn::Dn,
    mapping::{Entry, Values},
    settings::{Secrets, Settings},
};
use crate::shared::{Had, Lent, Shared};

/// Longest wait for the answer to one operation.
pub(super) const ANSWER: Duration = Duration::from_secs(10);

/// Longest text of a directory's that is passed on, in characters.
const TEXT: usize = 200;

/// Entries that are read to tell one from several.
const SEVERAL: i32 = 5;

/// Results that say what is wrong with one operation, and nothing of others (RFC 4511 appendix A.2): of its attributes, of
/// its name, and of what an entry may be.
const OF_ONE: [RangeInclusive<u32>; 4] = [18..=21, 34..=34, 64..=67, 69..=69];

// Result codes (RFC 4511 section 4.1.9).
const SIZE_LIMIT_EXCEEDED: u32 = 4;
const NO_SUCH_OBJECT: u32 = 32;
const ENTRY_ALREADY_EXISTS: u32 = 68;

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The connection is of no use any more; another one may be.
    Lost(String),
    /// The directory does not allow it.
    Refused(String),
    /// It is about one user: what is to be written of it, or what is there already. Others can be written.
    Conflict(String),
    /// There is an entry of that name already.
    Exists,
    /// There is no entry of that name.
    Absent,
}

impl Fault {
    /// For people.
    pub(crate) fn into_text(self) -> String {
        match self {
            Self::Lost(text) | Self::Refused(text) | Self::Conflict(text) => text,
            Self::Exists => "there is such an entry already".to_owned(),
            Self::Absent => "there is no such entry".to_owned(),
        }
    }
}

/// A directory that can be spoken to. Its operations may be under way at once.
pub(crate) struct Connection {
    egress: Client,
    url: Url,
    host: String,
    port: u16,
    tls: Arc<ClientConfig>,
    bind_dn: String,
    password: String,
    open: Shared<Ldap, Fault>,
}

impl Connection {
    /// Of what is kept; nothing is connected to yet. The error is for people.
    pub(crate) fn new(egress: Client, settings: &Settings, secrets: Secrets) -> Result<Self, String> {
        let unreadable = || format!("{:?} is no URL of a directory", settings.url);
        let url = Url::parse(&settings.url).map_err(|_| unreadable())?;
        let host = url.host_str().and_then(|host| Host::parse(host).ok()).ok_or_else(unreadable)?.to_string();
        let is_encrypted = url.scheme() == "ldaps";
        let port = url.port().unwrap_or(if is_encrypted { 636 } else { 389 });
        let scheme = if is_encrypted { "ldaps" } else { "ldap" };
        let url = Url::parse(&format!("{scheme}://{host}:{port}")).map_err(|_| unreadable())?;
        let tls = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots(settings.ldap.ca.as_deref())?)
            .with_no_client_auth();
        Ok(Self {
            egress,
            url,
            host,
            port,
            tls: Arc::new(tls),
            bind_dn: settings.ldap.bind_dn.clone(),
            password: secrets.password,
            open: Shared::default(),
        })
    }

    /// The connection that is open, or a new one; which one it is is noted.
    pub(crate) async fn open(&self, had: &Had) -> Result<Session, Fault> {
        let (Lent { connection, .. }, _) =
            self.open.lend(had, |ldap| !ldap.is_closed(), self.connect()).await?;
        Ok(Session { ldap: connection, host: self.host.clone() })
    }

    /// The next one to ask gets another connection than this one; what is under way on it may end.
    pub(crate) fn forget(&self, had: &Had) {
        self.open.forget(had);
    }

    async fn connect(&self) -> Result<Ldap, Fault> {
        let lost = |error: &dyn std::fmt::Display| Fault::Lost(format!("{}: {error}", self.host));
        let stream = self.egress.connect(&self.host, self.port).await;
        let stream = stream.map_err(|error| Fault::Lost(error.to_string()))?;
        let stream = stream.into_std().map_err(|error| lost(&error))?;
        let settings = LdapConnSettings::new()
            .set_std_stream(StdStream::Tcp(stream))
            .set_conn_timeout(ANSWER)
            .set_config(self.tls.clone())
            // An answer other than yes ends the connection: nothing is ever said in clear.
            .set_starttls(self.url.scheme() == "ldap");
        let (connection, mut ldap) = LdapConnAsync::from_url_with_settings(settings, &self.url)
            .await
            .map_err(|error| match error {
                LdapError::LdapResult { result } => {
                    Fault::Refused(format!("{} does not begin TLS (StartTLS): {}", self.host, told(&result)))
                }
                LdapError::Timeout { .. } => lost(&"no connection in time"),
                error => lost(&format!("no connection over TLS: {error}")),
            })?;
        // It ends with the last handle, or with the connection; those who wait for an answer learn of it by themselves.
        tokio::spawn(connection.drive());
        let bound = ldap.with_timeout(ANSWER).simple_bind(&self.bind_dn, &self.password).await;
        match bound.map_err(|error| lost(&error))? {
            LdapResult { rc: 0, .. } => Ok(ldap),
            refused => {
                let text = format!("{} does not let {} sign in: {}", self.host, self.bind_dn, told(&refused));
                Err(Fault::Refused(text))
            }
        }
    }
}

/// A connection that somebody has signed in on.
pub(crate) struct Session {
    ldap: Ldap,
    host: String,
}

impl Session {
    /// The handle itself, for walks.
    pub(crate) fn handle(&self) -> Ldap {
        self.ldap.clone()
    }

    /// A few of the entries below a name that a filter finds and that are meant.
    pub(crate) async fn below(
        &mut self,
        base: &str,
        filter: &str,
        attributes: &[String],
        is_meant: impl Fn(&Entry) -> bool,
    ) -> Result<Vec<Entry>, Fault> {
        self.search(base, Scope::Subtree, filter, attributes, is_meant).await
    }

    /// The entry of a name.
    pub(crate) async fn entry(&mut self, dn: &str, attributes: &[String]) -> Result<Option<Entry>, Fault> {
        match self.search(dn, Scope::Base, "(objectClass=*)", attributes, |_| true).await {
            Ok(found) => Ok(found.into_iter().next()),
            Err(Fault::Absent) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    async fn search(
        &mut self,
        base: &str,
        scope: Scope,
        filter: &str,
        attributes: &[String],
        is_meant: impl Fn(&Entry) -> bool,
    ) -> Result<Vec<Entry>, Fault> {
        let options = SearchOptions::new().sizelimit(SEVERAL);
        let asked = self.ldap.with_timeout(ANSWER).with_search_options(options);
        let found = asked.search(base, scope, filter, attributes.to_vec()).await;
        let ldap3::SearchResult(entries, result) = found.map_err(|error| self.lost(&error))?;
        let entries = entries.into_iter().map(entry_of).filter(is_meant).collect();
        few(base, entries, &result)
    }

    /// Makes an entry.
    pub(crate) async fn add(&mut self, dn: &str, attributes: Vec<(String, Values)>) -> Result<(), Fault> {
        let attributes = attributes
            .into_iter()
            .map(|(name, values)| (name.into_bytes(), values.into_iter().map(String::into_bytes).collect()))
            .collect();
        let done = self.ldap.with_timeout(ANSWER).add(dn, attributes).await;
        self.judged(done, &format!("the entry {dn} could not be made"))
    }

    /// Gives attributes these values and no others; without any they are taken away.
    pub(crate) async fn replace(&mut self, dn: &str, attributes: Vec<(String, Values)>) -> Result<(), Fault> {
        let changes = attributes
            .into_iter()
            .map(|(name, values)| {
                Mod::Replace(name.into_bytes(), values.into_iter().map(String::into_bytes).collect())
            })
            .collect();
        let done = self.ldap.with_timeout(ANSWER).modify(dn, changes).await;
        self.judged(done, &format!("the entry {dn} could not be changed"))
    }

    /// Gives an entry another name; where only its own part differs it stays where it is.
    pub(crate) async fn rename(&mut self, from: &str, to: &Dn) -> Result<(), Fault> {
        let parent = to.parent();
        let moved = Dn::parse(from).is_none_or(|name| !name.parent().is_same(&parent));
        let parent = moved.then(|| parent.to_string());
        let done = self.ldap.with_timeout(ANSWER).modifydn(from, &to.rdn(), true, parent.as_deref()).await;
        self.judged(done, &format!("the entry {from} could not be moved to {to}"))
    }

    /// Deletes an entry.
    pub(crate) async fn delete(&mut self, dn: &str) -> Result<(), Fault> {
        let done = self.ldap.with_timeout(ANSWER).delete(dn).await;
        self.judged(done, &format!("the entry {dn} could not be deleted"))
    }

    fn judged(&self, done: Result<LdapResult, LdapError>, what: &str) -> Result<(), Fault> {
        let result = done.map_err(|error| self.lost(&error))?;
        match result.rc {
            0 => Ok(()),
            ENTRY_ALREADY_EXISTS => Err(Fault::Exists),
            NO_SUCH_OBJECT => Err(Fault::Absent),
            code if OF_ONE.iter().any(|codes| codes.contains(&code)) => {
                Err(Fault::Conflict(format!("{what}: {}", told(&result))))
            }
            _ => Err(Fault::Refused(format!("{what}: {}", told(&result)))),
        }
    }

    pub(crate) fn lost(&self, error: &LdapError) -> Fault {
        Fault::Lost(match error {
            LdapError::Timeout { .. } => format!("{} did not answer in time", self.host),
            error => format!("{}: the connection broke off: {error}", self.host),
        })
    }
}

/// What a search found, if that is all: of more than were wanted two are enough to know that it is not one.
fn few(base: &str, entries: Vec<Entry>, result: &LdapResult) -> Result<Vec<Entry>, Fault> {
    match result.rc {
        0 => Ok(entries),
        SIZE_LIMIT_EXCEEDED if entries.len() >= 2 => Ok(entries),
        NO_SUCH_OBJECT => Err(Fault::Absent),
        SIZE_LIMIT_EXCEEDED => {
            let told = told(result);
            let text = format!(
                "a search below {base} gave fewer entries than there are, so nobody can tell whose they are: {told}"
            );
            Err(Fault::Refused(text))
        }
        _ => Err(Fault::Refused(format!("a search below {base} was refused: {}", told(result)))),
    }
}

/// An entry as the library gives it. A malformed one makes the library panic: callers are ready for it.
pub(crate) fn entry_of(found: ResultEntry) -> Entry {
    let SearchEntry { dn, attrs, bin_attrs } = SearchEntry::construct(found);
    let texts = attrs.into_iter().map(|(name, values)| (name, values.into_iter().collect()));
    let lossy = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let bytes = bin_attrs.into_iter().map(|(name, values)| (name, values.into_iter().map(lossy).collect()));
    Entry::new(dn, texts.chain(bytes))
}

/// What a directory says of a result: its name, and its text, as long as that is short.
pub(crate) fn told(result: &LdapResult) -> String {
    // `rc=65 (objectClassViolation), dn: "…", text: "…"`
    let whole = result.to_string();
    let name = whole.split_once('(').and_then(|(_, rest)| rest.split_once(')')).map_or("", |(name, _)| name);
    let text: String = result.text.chars().filter(|ch| !ch.is_control()).take(TEXT).collect();
    let number = result.rc;
    if text.is_empty() { format!("{name} ({number})") } else { format!("{name} ({number}): {text}") }
}

/// Whom to trust: these certificates (PEM), or those of the system. The error is for people.
pub(crate) fn roots(ca: Option<&str>) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    let Some(pem) = ca else {
        // One that cannot be read is not trusted; the others are.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        return Ok(roots);
    };
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|error| format!("this is no certificate in PEM: {error}"))?;
        roots.add(certificate).map_err(|error| format!("a certificate cannot be used: {error}"))?;
    }
    if roots.is_empty() {
        return Err("there is no certificate in it; write PEM, -----BEGIN CERTIFICATE----- first".to_owned());
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_all_of_it_is_no_answer() {
        let entries =
            |count| (0..count).map(|at| Entry::new(format!("uid={at},dc=x"), [])).collect::<Vec<_>>();
        let result = |rc| LdapResult {
            rc,
            matched: String::new(),
            text: String::new(),
            refs: Vec::new(),
            ctrls: Vec::new(),
        };
        for (count, rc, found) in
            [(0, 0, Some(0)), (1, 0, Some(1)), (2, 4, Some(2)), (1, 4, None), (0, 4, None), (2, 53, None)]
        {
            let few = few("dc=x", entries(count), &result(rc));
            assert_eq!(few.as_ref().ok().map(Vec::len), found, "{count} {rc}: {few:?}");
        }
        assert_eq!(few("dc=x", Vec::new(), &result(NO_SUCH_OBJECT)), Err(Fault::Absent));
    }
}
