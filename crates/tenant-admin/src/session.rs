//! Who is signed in: sessions in the store, known there only by the digest of their id.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use store::{AdminId, Store, StoreError, platform::SessionRow};
use time::OffsetDateTime;
use tower_sessions::{
    Expiry, Session, SessionManagerLayer, SessionStore,
    cookie::SameSite,
    session::{Id, Record},
    session_store::{Error, Result},
};

/// A session ends this long after sign-in.
const HOURS: i64 = 12;
/// Key of the session's one value.
const SIGNED_IN: &str = "signed-in";

/// What a session holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SignedIn {
    /// Whose.
    pub(crate) admin: AdminId,
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

/// Signs in: the session's id is renewed, so one that somebody planted before is worth nothing.
pub(crate) async fn begin(
    session: &Session,
    admin: AdminId,
) -> std::result::Result<(), tower_sessions::session::Error> {
    session.cycle_id().await?;
    session.insert(SIGNED_IN, SignedIn { admin }).await
}

/// Who is signed in.
pub(crate) async fn current(
    session: &Session,
) -> std::result::Result<Option<SignedIn>, tower_sessions::session::Error> {
    session.get(SIGNED_IN).await
}

/// The same session, to be read anew: it may have ended meanwhile.
pub(crate) fn again(store: &Store, session: &Session) -> Session {
    Session::new(session.id(), Arc::new(Sessions(store.clone())), None)
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

fn backend(error: StoreError) -> Error {
    Error::Backend(error.to_string())
}

fn millis(instant: OffsetDateTime) -> i64 {
    instant.unix_timestamp().saturating_mul(1000).saturating_add(i64::from(instant.millisecond()))
}

#[async_trait]
impl SessionStore for Sessions {
    /// Ids are 128 random bits: two never meet, so creating is saving.
    async fn create(&self, record: &mut Record) -> Result<()> {
        // A sign-in is a good and rare moment to sweep.
        self.0.platform().delete_expired_sessions().await.map_err(backend)?;
        self.save(record).await
    }

    async fn save(&self, record: &Record) -> Result<()> {
        let data = serde_json::to_string(&record.data).map_err(|error| Error::Encode(error.to_string()))?;
        let row = SessionRow { id_hash: digest(record.id), data, expires_at: millis(record.expiry_date) };
        self.0.platform().save_session(&row).await.map_err(backend)
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
