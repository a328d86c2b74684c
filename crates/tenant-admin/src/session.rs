//! Who is signed in: sessions in the store, known there only by the digest of their id.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use async_trait::async_trait;
use moka::future::Cache;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use store::{
    AdminId, Store, StoreError,
    admins::{
        Admin,
        sessions::{SEEN_STEP, Seat, SessionRow},
    },
};
use time::OffsetDateTime;
use token_service::Sender;
use tower_sessions::{
    Expiry, Session, SessionManagerLayer, SessionStore,
    cookie::SameSite,
    session::{Error as SessionError, Id, Record},
    session_store::{Error, Result},
};

use crate::extract::Person;

/// A session ends this long after sign-in, however much it is used.
const HOURS: i64 = 12;
/// The same in milliseconds.
const LIFETIME: i64 = HOURS * 3_600_000;
/// A session that was not used for so long has ended. Milliseconds.
const IDLE: i64 = 2 * 3_600_000;
/// After the password, the code has to come within this time.
const CODE_MINUTES: i64 = 10;
/// Key of a session in which somebody is signed in.
const SIGNED_IN: &str = "signed-in";
/// Key of a session in which a password was right, and a code is still to come.
const PENDING: &str = "pending";
/// Sessions that are remembered, each as long as the epoch stands.
const CAPACITY: u64 = 10_000;

/// How somebody signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum How {
    /// With a password of ours, and a code where they have set that up.
    Password,
    /// At the OpenID provider, whose matter a second factor is.
    Provider,
}

/// What a session holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SignedIn {
    /// Whose.
    pub(crate) admin: AdminId,
    /// How.
    pub(crate) how: How,
    /// Since when, in milliseconds.
    pub(crate) at: i64,
    /// From where.
    pub(crate) address: String,
    /// User-Agent.
    pub(crate) agent: String,
}

impl SignedIn {
    /// Now, from there.
    pub(crate) fn new(admin: AdminId, how: How, sender: &Sender, now: i64) -> Self {
        let address = sender.address.map(|address| address.to_string()).unwrap_or_default();
        Self { admin, how, at: now, address, agent: sender.agent.clone() }
    }
}

/// Name of the cookie. `__Host-` makes browsers insist on Secure, Path=/ and no Domain.
pub(crate) fn cookie_name(secure: bool) -> &'static str {
    if secure { "__Host-rollcall" } else { "rollcall" }
}

/// `Set-Cookie` that removes the cookie; a `__Host-` one goes only with all its attributes.
pub(crate) fn removal(secure: bool) -> String {
    let name = cookie_name(secure);
    let mark = if secure { "; Secure" } else { "" };
    format!("{name}=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax{mark}")
}

/// The layer that gives each request its session. Without `always_save` the 12 hours run from sign-in.
pub(crate) fn layer(store: Store, secure: bool) -> SessionManagerLayer<Sessions> {
    SessionManagerLayer::new(Sessions(store))
        .with_name(cookie_name(secure))
        .with_secure(secure)
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_path("/")
        .with_expiry(Expiry::OnInactivity(time::Duration::hours(HOURS)))
}

/// Signs in: the session's id is renewed, so one that somebody planted before is worth nothing. It is kept at once, so
/// that whatever ends sessions from now on ends this one.
pub(crate) async fn begin(session: &Session, signed_in: &SignedIn) -> std::result::Result<(), SessionError> {
    session.cycle_id().await?;
    session.clear().await;
    session.set_expiry(Some(Expiry::OnInactivity(time::Duration::hours(HOURS))));
    session.insert(SIGNED_IN, signed_in).await?;
    session.save().await
}

/// Keeps that the password was right, at once, until the code comes. It is no session of anybody: no page but that of the
/// code looks at it.
pub(crate) async fn hold(session: &Session, signed_in: &SignedIn) -> std::result::Result<(), SessionError> {
    session.cycle_id().await?;
    session.clear().await;
    session.set_expiry(Some(Expiry::OnInactivity(time::Duration::minutes(CODE_MINUTES))));
    session.insert(PENDING, signed_in).await?;
    session.save().await
}

/// Whose code is awaited.
pub(crate) async fn held(session: &Session, now: i64) -> std::result::Result<Option<SignedIn>, SessionError> {
    let held: Option<SignedIn> = session.get(PENDING).await?;
    Ok(held.filter(|held| now.saturating_sub(held.at) < CODE_MINUTES * 60_000))
}

/// Digest by which a session is known in the store.
pub(crate) fn digest_of(session: &Session) -> Option<Vec<u8>> {
    session.id().map(digest)
}

/// The session of somebody who is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sitting {
    /// Digest.
    pub(crate) id_hash: Vec<u8>,
    /// How they signed in.
    pub(crate) how: How,
    /// Have they a second factor of ours?
    pub(crate) second_factor: bool,
}

/// Who sits in which session, as it was read: good only while the epoch stands, which every sign-out by others, every
/// change of a person and every second factor moves.
#[derive(Clone)]
pub(crate) struct Sittings {
    kept: Cache<Vec<u8>, Arc<Known>>,
}

struct Known {
    epoch: u64,
    admin: Arc<Admin>,
    sitting: Arc<Sitting>,
    since: i64,
    /// As it stands in the row, or later.
    seen: AtomicI64,
}

impl Known {
    fn is_alive(&self, now: i64) -> bool {
        let age = now.saturating_sub(self.since);
        let idle = now.saturating_sub(self.seen.load(Ordering::Relaxed));
        age < LIFETIME && idle < IDLE
    }
}

impl Default for Sittings {
    fn default() -> Self {
        let idle = std::time::Duration::from_secs(3600);
        Self { kept: Cache::builder().max_capacity(CAPACITY).time_to_idle(idle).build() }
    }
}

impl Sittings {
    /// Who is signed in.
    pub(crate) async fn person(
        &self,
        store: &Store,
        session: &Session,
        sender: &Sender,
    ) -> std::result::Result<Option<Person>, StoreError> {
        let Some(id_hash) = digest_of(session) else { return Ok(None) };
        let now = store.now();
        // Read before the rows: a change after this makes the entry worthless.
        let epoch = store.epoch();
        let remembered = self.kept.get(&id_hash).await;
        let remembered = remembered.filter(|known| known.epoch == epoch && known.is_alive(now));
        let known = match remembered {
            Some(known) => known,
            None => match read(store, &id_hash, epoch).await? {
                Some(known) => {
                    let known = Arc::new(known);
                    self.kept.insert(id_hash.clone(), known.clone()).await;
                    known
                }
                None => return Ok(None),
            },
        };
        if !known.is_alive(now) {
            // Another node may have seen it since: then the row was read just now, and says so.
            store.platform().delete_session(&id_hash).await?;
            return Ok(None);
        }
        let seen = known.seen.load(Ordering::Relaxed);
        if now.saturating_sub(seen) >= SEEN_STEP
            && known.seen.compare_exchange(seen, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        {
            let address = sender.address.map(|address| address.to_string()).unwrap_or_default();
            store.platform().session_seen(&id_hash, &address).await?;
        }
        Ok(Some(Person { admin: known.admin.clone(), sitting: Some(known.sitting.clone()) }))
    }
}

async fn read(store: &Store, id_hash: &[u8], epoch: u64) -> std::result::Result<Option<Known>, StoreError> {
    let platform = store.platform();
    let Some(row) = platform.session(id_hash).await? else { return Ok(None) };
    let Some(seat) = row.seat.filter(|seat| !seat.pending) else { return Ok(None) };
    let data: Option<HashMap<String, serde_json::Value>> = serde_json::from_str(&row.data).ok();
    let signed_in = data.and_then(|mut data| data.remove(SIGNED_IN));
    let signed_in: Option<SignedIn> = signed_in.and_then(|value| serde_json::from_value(value).ok());
    let Some(signed_in) = signed_in.filter(|signed_in| signed_in.admin == seat.admin) else {
        return Ok(None);
    };
    let Some(admin) = platform.admin_by_id(seat.admin).await? else { return Ok(None) };
    let factor = platform.second_factor(admin.id).await?;
    let sitting = Sitting {
        id_hash: id_hash.to_vec(),
        how: signed_in.how,
        second_factor: factor.is_some_and(|factor| factor.confirmed_at.is_some()),
    };
    Ok(Some(Known {
        epoch,
        admin: Arc::new(admin),
        sitting: Arc::new(sitting),
        since: seat.created_at,
        seen: AtomicI64::new(seat.last_seen_at),
    }))
}

/// Whoever was let in with this session, read anew, if it has not ended meanwhile. That a page is open is no use of it.
pub(crate) async fn still(
    store: &Store,
    session: &Session,
) -> std::result::Result<Option<Person>, StoreError> {
    let Some(id_hash) = digest_of(session) else { return Ok(None) };
    let known = read(store, &id_hash, store.epoch()).await?.filter(|known| known.is_alive(store.now()));
    Ok(known.map(|known| Person { admin: known.admin, sitting: Some(known.sitting) }))
}

/// Sessions over the platform's rows.
#[derive(Clone)]
pub(crate) struct Sessions(Store);

impl std::fmt::Debug for Sessions {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Sessions")
    }
}

fn digest(id: Id) -> Vec<u8> {
    Sha256::digest(id.0.to_be_bytes()).to_vec()
}

/// Whose session it is, by what it holds.
fn seat(data: &HashMap<String, serde_json::Value>) -> Result<Option<Seat>> {
    let (value, pending) = match (data.get(SIGNED_IN), data.get(PENDING)) {
        (Some(value), _) => (value, false),
        (None, Some(value)) => (value, true),
        (None, None) => return Ok(None),
    };
    let signed_in: SignedIn =
        serde_json::from_value(value.clone()).map_err(|error| Error::Encode(error.to_string()))?;
    let SignedIn { admin, at, address, agent, .. } = signed_in;
    Ok(Some(Seat { admin, pending, created_at: at, last_seen_at: at, address, agent }))
}

fn row(record: &Record) -> Result<SessionRow> {
    let data = serde_json::to_string(&record.data).map_err(|error| Error::Encode(error.to_string()))?;
    let seat = seat(&record.data)?;
    // By the store's clock, and not later again each time that something is saved.
    let ends = |seat: &Seat| {
        seat.created_at.saturating_add(if seat.pending { CODE_MINUTES * 60_000 } else { LIFETIME })
    };
    let expires_at = seat.as_ref().map_or_else(|| millis(record.expiry_date), ends);
    Ok(SessionRow { id_hash: digest(record.id), data, expires_at, seat })
}

fn backend(error: StoreError) -> Error {
    Error::Backend(error.to_string())
}

fn millis(instant: OffsetDateTime) -> i64 {
    instant.unix_timestamp().saturating_mul(1000).saturating_add(i64::from(instant.millisecond()))
}

#[async_trait]
impl SessionStore for Sessions {
    /// Ids are 128 random bits: two never meet.
    async fn create(&self, record: &mut Record) -> Result<()> {
        // A sign-in is a good and rare moment to sweep.
        self.0.platform().delete_expired_sessions().await.map_err(backend)?;
        self.0.platform().create_session(&row(record)?).await.map_err(backend)
    }

    /// One that was ended meanwhile stays so.
    async fn save(&self, record: &Record) -> Result<()> {
        self.0.platform().save_session(&row(record)?).await.map_err(backend)
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let Some(row) = self.0.platform().session(&digest(*id)).await.map_err(backend)? else {
            return Ok(None);
        };
        let data: HashMap<String, serde_json::Value> =
            serde_json::from_str(&row.data).map_err(|error| Error::Decode(error.to_string()))?;
        let expiry_date = OffsetDateTime::from_unix_timestamp(row.expires_at.div_euclid(1000))
            .map_err(|error| Error::Decode(error.to_string()))?;
        Ok(Some(Record { id: *id, data, expiry_date }))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        self.0.platform().delete_session(&digest(*id)).await.map_err(backend)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_kept_as_digests() {
        let id = Id::default();
        assert_eq!(digest(id).len(), 32);
        assert_eq!(digest(id), digest(id));
        assert_ne!(digest(id), digest(Id(id.0.wrapping_add(1))));
    }

    #[test]
    fn the_removal_of_a_host_cookie_has_its_attributes() {
        assert!(removal(true).starts_with("__Host-rollcall=;"));
        assert!(removal(true).contains("; Path=/;") && removal(true).ends_with("; Secure"));
        assert!(!removal(false).contains("Secure"));
    }
}
