//! Is a token from the identity provider that a tenant trusts?

use std::sync::Arc;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, Validation};
use moka::future::Cache;
use scim_core::profile::CredentialKind;
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use store::{
    CredentialId, StoreError, TenantId, credentials::Credential, federations::Federation, logins::Login,
};
use uuid::Uuid;

use super::issuers::Source;
use crate::{
    Refusal, TokenService,
    proofs::Fingerprint,
    service::REMEMBERED,
    verified::{Checked, Verified},
};

/// How far the issuer's clock may be from ours. Milliseconds.
const SKEW: i64 = 60 * 1000;
/// Directories that are kept, those that nobody has among them.
const CAPACITY: u64 = 10_000;

/// To whom directories belong, as long as the epoch stands.
pub(crate) struct Directories(Cache<Uuid, Known>);

#[derive(Clone)]
struct Known {
    epoch: u64,
    trust: Option<Arc<Trust>>,
}

/// Who trusts a directory.
struct Trust {
    tenant: TenantId,
    credential: Credential,
    federation: Federation,
}

impl Default for Directories {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(CAPACITY).time_to_live(REMEMBERED).build())
    }
}

/// What a token says of its signature (RFC 7515 §4.1).
#[derive(Deserialize)]
struct Head {
    alg: Algorithm,
    kid: String,
    /// Extensions that must be understood: none is.
    crit: Option<Value>,
}

/// What is asked of a token's claims. One audience: a token for several could be passed on by any of them.
#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    tid: Uuid,
    exp: i64,
    nbf: Option<i64>,
}

impl TokenService {
    pub(crate) async fn verify_federated(&self, token: &str) -> Result<Checked, Refusal> {
        let inner = &*self.inner;
        let fingerprint: Fingerprint = Sha256::digest(token.as_bytes()).into();
        // Read before the rows: a change after this makes the entry worthless.
        let epoch = inner.store.epoch();
        if let Some(verified) = inner.remembered(&fingerprint, epoch).await {
            return Ok(Checked { verified, cached: true });
        }
        let (head, claims) = read(token).ok_or(Refusal::Foreign)?;
        let trust = self.trust(claims.tid, epoch).await.map_err(Refusal::Unavailable)?;
        let trust = trust.ok_or(Refusal::Foreign)?;
        let Trust { tenant, credential, federation } = &*trust;
        if claims.iss != federation.issuer || claims.aud != federation.audience {
            return Err(Refusal::Foreign);
        }
        let key = inner.issuers.key(&Source::of(federation), &head.kid, head.alg, &inner.store).await;
        let key = key.ok_or(Refusal::Foreign)?;
        let validation = validation(key.algorithm, federation);
        jsonwebtoken::decode::<Value>(token, &key.decoding, &validation).map_err(|_| Refusal::Foreign)?;

        // Told only to whoever holds a good token: an end that nobody has signed is a guess like others.
        let expires_at = in_time(&claims, inner.store.now())?;
        if credential.revoked_at.is_some() {
            return Err(Refusal::Revoked);
        }
        let expires_at = expires_at.min(credential.expires_at.unwrap_or(i64::MAX));
        if expires_at <= inner.store.now() {
            return Err(Refusal::Expired);
        }
        let verified = Verified::of(*tenant, credential.clone(), epoch, expires_at);
        inner.verified.insert(fingerprint, verified.clone()).await;
        Ok(Checked { verified, cached: false })
    }

    /// Who trusts a directory, from memory or from the database.
    async fn trust(&self, directory: Uuid, epoch: u64) -> Result<Option<Arc<Trust>>, StoreError> {
        let Directories(known) = &self.inner.directories;
        if let Some(known) = known.get(&directory).await.filter(|known| known.epoch == epoch) {
            return Ok(known.trust);
        }
        let trust = self.by_directory(directory).await?.map(Arc::new);
        known.insert(directory, Known { epoch, trust: trust.clone() }).await;
        Ok(trust)
    }

    /// The same reads for a directory that nobody has, so that time does not tell.
    async fn by_directory(&self, directory: Uuid) -> Result<Option<Trust>, StoreError> {
        let store = &self.inner.store;
        let login = store.platform().directory(directory).await?;
        let nobody = Login { tenant: TenantId::generate(), credential: CredentialId::generate() };
        let Login { tenant, credential } = login.unwrap_or(nobody);
        let found = store.tenant(tenant).federation(credential).await?;
        let found = found.filter(|(credential, federation)| {
            credential.kind == CredentialKind::Bearer && federation.directory == directory
        });
        Ok(found.map(|(credential, federation)| Trust { tenant, credential, federation }))
    }
}

/// What a token says, unproven; `None` when it is no JWT with what is asked of it, or signed in another way.
fn read(token: &str) -> Option<(Head, Claims)> {
    let mut parts = token.split('.');
    let (head, claims) = (parts.next()?, parts.next()?);
    if parts.next()?.is_empty() || parts.next().is_some() {
        return None;
    }
    let head: Head = part(head)?;
    let taken = matches!(head.alg, Algorithm::RS256 | Algorithm::ES256) && head.crit.is_none();
    taken.then_some((head, part(claims)?))
}

fn part<T: for<'de> Deserialize<'de>>(text: &str) -> Option<T> {
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

/// When the token ends, in milliseconds, if it is its time now.
fn in_time(claims: &Claims, now: i64) -> Result<i64, Refusal> {
    let millis = |seconds: i64| seconds.saturating_mul(1000);
    if claims.nbf.is_some_and(|nbf| now.saturating_add(SKEW) < millis(nbf)) {
        return Err(Refusal::Foreign);
    }
    let expires_at = millis(claims.exp).saturating_add(SKEW);
    if expires_at <= now { Err(Refusal::Expired) } else { Ok(expires_at) }
}

/// The key's own algorithm, this issuer, this audience. Times are checked against the store's clock.
fn validation(algorithm: Algorithm, federation: &Federation) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.set_issuer(&[&federation.issuer]);
    validation.set_audience(&[&federation.audience]);
    validation.set_required_spec_claims(&["iss", "aud", "exp"]);
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation
}
