//! An LDAP server for tests: OpenLDAP's slapd, with certificates and a folder of its own, on free ports of this machine. It
//! holds `dc=emp,dc=example` with `ou=emp` in it, and `cn=rollcall` may write there, over TLS alone.
//!
//! A missing slapd is a failure, never a skipped test.

#![allow(clippy::unwrap_used, reason = "a test whose directory cannot be set up has failed")]

mod certificates;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    net::{Ipv4Addr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, Mod, Scope, SearchEntry};
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs, pki_types::pem::PemObject as _};
use tempfile::TempDir;

/// Where entries of users lie.
pub const BASE: &str = "ou=emp,dc=emp,dc=example";
/// Who may write there.
pub const BIND_DN: &str = "cn=rollcall,dc=emp,dc=example";
/// Its password.
pub const PASSWORD: &str = "open sesame";

const SUFFIX: &str = "dc=emp,dc=example";
const ADMIN: &str = "cn=admin,dc=emp,dc=example";
const ADMIN_PASSWORD: &str = "the tests' own";

/// Longest wait for it to answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Attributes of an EMP record beside those that every directory knows.
const SCHEMA: &str = include_str!("../../../deploy/compose/ldap/emp.schema");

/// Attributes of an entry, with their values in order.
pub type Attributes = BTreeMap<String, Vec<String>>;

/// A directory that runs; it ends when dropped.
pub struct Directory {
    dir: TempDir,
    child: Child,
    ldap: u16,
    ldaps: u16,
    ca: String,
}

impl Directory {
    /// Without entries of users.
    pub async fn start() -> Self {
        Self::start_with("").await
    }

    /// With these entries (LDIF).
    pub async fn start_with(entries: &str) -> Self {
        Self::run(entries, true).await
    }

    /// One that does not know TLS.
    pub async fn start_in_clear() -> Self {
        Self::run("", false).await
    }

    async fn run(entries: &str, is_encrypted: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (ldap, ldaps) = (free_port(), free_port());
        let certificates = certificates::make();
        let ca = certificates.ca.clone();
        certificates.write(dir.path());
        fs::create_dir(dir.path().join("db")).unwrap();
        fs::write(dir.path().join("emp.schema"), SCHEMA).unwrap();
        fs::write(dir.path().join("slapd.conf"), configuration(dir.path(), is_encrypted)).unwrap();
        fs::write(dir.path().join("entries.ldif"), format!("{}{entries}", first_entries())).unwrap();
        let slapadd = slapd(dir.path(), &["-T", "add"]).args(["-q", "-l", "entries.ldif"]).output().unwrap();
        assert!(slapadd.status.success(), "slapadd: {}", String::from_utf8_lossy(&slapadd.stderr));
        let urls = match is_encrypted {
            true => format!("ldap://127.0.0.1:{ldap} ldaps://127.0.0.1:{ldaps}"),
            false => format!("ldap://127.0.0.1:{ldap}"),
        };
        let child = serve(dir.path(), &urls);
        let directory = Self { dir, child, ldap, ldaps, ca };
        directory.answers().await;
        directory
    }

    async fn answers(&self) {
        let begun = Instant::now();
        while tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, self.ldap)).await.is_err() {
            assert!(begun.elapsed() < PATIENCE, "slapd does not answer");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// It goes away and comes back: its connections end.
    pub async fn restart(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let urls = format!("ldap://127.0.0.1:{} ldaps://127.0.0.1:{}", self.ldap, self.ldaps);
        self.child = serve(self.dir.path(), &urls);
        self.answers().await;
    }

    /// For TLS from the beginning.
    #[must_use]
    pub fn ldaps(&self) -> String {
        format!("ldaps://127.0.0.1:{}", self.ldaps)
    }

    /// For StartTLS.
    #[must_use]
    pub fn ldap(&self) -> String {
        format!("ldap://127.0.0.1:{}", self.ldap)
    }

    /// The certificate (PEM) that has to be trusted.
    #[must_use]
    pub fn ca(&self) -> &str {
        &self.ca
    }

    /// All entries of users, by name.
    pub async fn entries(&self) -> BTreeMap<String, Attributes> {
        self.search(BASE, Scope::OneLevel, &["*"]).await
    }

    /// Names of all entries of users, each with what changes whenever it is written to.
    pub async fn writes(&self) -> BTreeMap<String, Attributes> {
        self.search(BASE, Scope::OneLevel, &["entryCSN"]).await
    }

    /// An entry by its name.
    pub async fn entry(&self, dn: &str) -> Option<Attributes> {
        self.search(dn, Scope::Base, &["*"]).await.into_values().next()
    }

    async fn search(&self, base: &str, scope: Scope, attributes: &[&str]) -> BTreeMap<String, Attributes> {
        let mut ldap = self.admin().await;
        let found = ldap.search(base, scope, "(objectClass=*)", attributes.to_vec()).await.unwrap();
        assert!([0, 32].contains(&found.1.rc), "{:?}", found.1);
        let entries = found.0.into_iter().map(SearchEntry::construct);
        let sorted = |attributes: std::collections::HashMap<String, Vec<String>>| {
            let sort = |mut values: Vec<String>| {
                values.sort();
                values
            };
            attributes.into_iter().map(|(name, values)| (name, sort(values))).collect()
        };
        entries.map(|entry| (entry.dn, sorted(entry.attrs))).collect()
    }

    /// Somebody else makes an entry.
    pub async fn add(&self, dn: &str, attributes: &[(&str, &[&str])]) {
        let set = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
        let attributes = attributes.iter().map(|(name, values)| ((*name).to_owned(), set(values))).collect();
        self.admin().await.add(dn, attributes).await.unwrap().success().unwrap();
    }

    /// Somebody else gives an attribute these values; none: takes it away.
    pub async fn set(&self, dn: &str, attribute: &str, values: &[&str]) {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        let change = Mod::Replace(attribute.to_owned(), values);
        self.admin().await.modify(dn, vec![change]).await.unwrap().success().unwrap();
    }

    /// Somebody else removes an entry.
    pub async fn delete(&self, dn: &str) {
        self.admin().await.delete(dn).await.unwrap().success().unwrap();
    }

    async fn admin(&self) -> Ldap {
        let mut roots = RootCertStore::empty();
        roots.add(rustls::pki_types::CertificateDer::from_pem_slice(self.ca.as_bytes()).unwrap()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let settings = LdapConnSettings::new().set_config(Arc::new(config));
        let (connection, mut ldap) = LdapConnAsync::with_settings(settings, &self.ldaps()).await.unwrap();
        tokio::spawn(connection.drive());
        ldap.simple_bind(ADMIN, ADMIN_PASSWORD).await.unwrap().success().unwrap();
        ldap
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// An entry as LDIF has it; values of any kind.
#[must_use]
pub fn ldif(dn: &str, attributes: &[(&str, &str)]) -> String {
    let mut text = format!("dn: {dn}\n");
    for (name, value) in attributes {
        writeln!(text, "{name}: {value}").unwrap();
    }
    text.push('\n');
    text
}

/// Names of attributes that an entry has.
#[must_use]
pub fn names(attributes: &Attributes) -> BTreeSet<&str> {
    attributes.keys().map(String::as_str).collect()
}

/// `first`: which of slapd's tools it is to be, if not the server.
fn slapd(dir: &Path, first: &[&str]) -> Command {
    let program = std::env::var("ROLLCALL_TEST_SLAPD")
        .unwrap_or_else(|_| panic!("ROLLCALL_TEST_SLAPD is not set: start these tests with tests/run"));
    let mut command = Command::new(program);
    command.current_dir(dir).args(first).args(["-f", "slapd.conf"]);
    command
}

fn serve(dir: &Path, urls: &str) -> Child {
    // With a debug level, even none, it stays in the foreground.
    let mut command = slapd(dir, &[]);
    command.args(["-h", urls, "-d", "0"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

fn configuration(dir: &Path, is_encrypted: bool) -> String {
    let dir = dir.display();
    let tls = match is_encrypted {
        true => {
            "TLSCACertificateFile ca.pem\nTLSCertificateFile cert.pem\nTLSCertificateKeyFile key.pem\nsecurity simple_bind=64\n"
        }
        false => "",
    };
    let tls = tls.replace("File ", &format!("File {dir}/"));
    format!(
        "include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
include {dir}/emp.schema
pidfile {dir}/pid
modulepath /usr/lib/ldap
moduleload back_mdb
{tls}
database mdb
suffix \"{SUFFIX}\"
rootdn \"{ADMIN}\"
rootpw \"{ADMIN_PASSWORD}\"
directory {dir}/db
maxsize 1073741824
dbnosync
index objectClass,uid,employeeNumber,rollcallId eq
sizelimit size=500 size.prtotal=unlimited
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact=\"{BIND_DN}\" write by * none
"
    )
}

fn first_entries() -> String {
    [
        ldif(
            SUFFIX,
            &[("objectClass", "dcObject"), ("objectClass", "organization"), ("o", "EMP"), ("dc", "emp")],
        ),
        ldif(BASE, &[("objectClass", "organizationalUnit"), ("ou", "emp")]),
        ldif(
            BIND_DN,
            &[
                ("objectClass", "applicationProcess"),
                ("objectClass", "simpleSecurityObject"),
                ("cn", "rollcall"),
                ("userPassword", PASSWORD),
            ],
        ),
    ]
    .concat()
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}
