//! Clients of OAuth 2.0 (RFC 6749 §2): made, and checked. What they get for their secret is in [`crate::access_tokens`].
//!
//! A client's secret is made here, 256 random bits, so nobody can find it by trying, however fast the hash. Hence it is
//! kept as its SHA-256 and not as a slow hash, which protects passwords that people choose: a check costs a microsecond,
//! and no crowd of guesses can keep anybody out.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use scim_core::profile::CredentialKind;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use store::{
    ChangeContext, CredentialId, StoreError, TenantId,
    credentials::{AllowedFrom, Credential},
};
use uuid::Uuid;

use crate::{
    Longest, Principal, Refusal, Sender, TokenService, meter, places, scopes,
    service::{IssueError, check_name},
    verified::Verified,
};

/// Every client id begins so.
pub const ID_PREFIX: &str = "rc_";
/// Every client secret begins so: people and secret scanners know it by that.
pub const SECRET_PREFIX: &str = "rcs_";
/// How the hash of a secret is written: this, and the digest in base64url.
const HASH_PREFIX: &str = "sha256$";

/// A client to be made; its id and secret are generated.
#[derive(Clone, Debug)]
pub struct NewClient {
    /// For people, as in [`crate::NewToken`].
    pub name: String,
    /// Blank-separated scopes, each of [`crate::scopes::TENANT`]: the most that its access tokens may hold.
    pub scope: String,
    /// Milliseconds; later than now, at most ten years (3653 days) ahead. Cut to a whole second.
    pub expires_at: i64,
    /// Where it and its access tokens may come from.
    pub allowed_from: AllowedFrom,
}

/// A client that was just made: the only time that its secret exists.
pub struct IssuedClient {
    /// `rc_` and 32 hexadecimal digits; no secret.
    pub client_id: String,
    /// `rcs_` and 43 characters of base64url.
    pub secret: SecretString,
    /// What is kept of it.
    pub credential: Credential,
}

/// A client that has proven who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Whose it is, and the most that it may do.
    pub principal: Principal,
    /// Its end, in milliseconds: no access token lives longer.
    pub expires_at: i64,
}

impl TokenService {
    /// Makes a client. Whether the tenant's profile takes one is for the caller to ask.
    pub async fn create_client(
        &self,
        tenant: TenantId,
        new: NewClient,
        context: &ChangeContext,
    ) -> Result<IssuedClient, IssueError> {
        let longest = self.longest_of(tenant).await?;
        let mut credential = check_new(&new, self.inner.store.now(), longest).map_err(IssueError::Unfit)?;
        credential.created_by.clone_from(&context.actor.name);
        let client_id = format!("{ID_PREFIX}{}", Uuid::new_v4().simple());
        let bytes = rand::random::<[u8; 32]>();
        let secret = SecretString::from(format!("{SECRET_PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(bytes)));
        credential.login = Some(client_id.clone());
        credential.secret_hash = Some(hash(&secret));
        match self.inner.store.tenant(tenant).create_credential(&credential, context).await {
            Ok(()) => Ok(IssuedClient { client_id, secret, credential }),
            Err(StoreError::Conflict { .. }) => Err(IssueError::Taken(format!(
                "name: a credential named {:?} exists; revoke it first, or choose another name",
                credential.name
            ))),
            Err(error) => Err(error.into()),
        }
    }

    /// [`Self::verify_client_from`] an unknown address.
    pub async fn verify_client(&self, client_id: &str, secret: &SecretString) -> Result<Client, Refusal> {
        self.verify_client_from(client_id, secret, &Sender::default()).await
    }

    /// Checks a client id and a secret, that the client is still good, and that it may come from where it was sent. An
    /// unknown client is answered as late as a wrong secret, and with the same [`Refusal::WrongPassword`].
    pub async fn verify_client_from(
        &self,
        client_id: &str,
        secret: &SecretString,
        sender: &Sender,
    ) -> Result<Client, Refusal> {
        let outcome = match self.proven(client_id, secret).await {
            Ok(verified) => {
                let place = self.inner.places.check(&verified, sender).await;
                place.map(|place| (place, verified))
            }
            Err(refusal) => Err(refusal),
        };
        meter::verified(CredentialKind::Oauth, outcome.as_ref().map(|(place, _)| (*place, false)));
        let (_, Verified { principal, expires_at, .. }) = outcome?;
        Ok(Client { principal, expires_at })
    }

    /// Leaves open where it comes from.
    async fn proven(&self, client_id: &str, secret: &SecretString) -> Result<Verified, Refusal> {
        let epoch = self.inner.store.epoch();
        let found = self.by_login(client_id, CredentialKind::Oauth).await.map_err(Refusal::Unavailable)?;
        let kept = found.as_ref().and_then(|(_, credential)| credential.secret_hash.as_deref());
        // Whoever is not found is compared too, for the time that it takes.
        let nobody = format!("{HASH_PREFIX}{}", "A".repeat(43));
        let given = hash(secret);
        let fits = verify_slices_are_equal(given.as_bytes(), kept.unwrap_or(&nobody).as_bytes()).is_ok();
        let (tenant, credential) = found.filter(|_| fits).ok_or(Refusal::WrongPassword)?;
        if credential.revoked_at.is_some() {
            return Err(Refusal::Revoked);
        }
        let expires_at = credential.expires_at.unwrap_or(i64::MAX);
        if expires_at <= self.inner.store.now() {
            return Err(Refusal::Expired);
        }
        Ok(Verified::of(tenant, credential, epoch, expires_at))
    }
}

fn hash(secret: &SecretString) -> String {
    let digest = Sha256::digest(secret.expose_secret().as_bytes());
    format!("{HASH_PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(digest))
}

/// Checks what was asked for and makes the row of it; who made it, id and secret are still to come.
fn check_new(new: &NewClient, now: i64, longest: Longest) -> Result<Credential, String> {
    let name = check_name(&new.name)?;
    // Tokens count in seconds, and the last one must not outlive its client.
    let expires_at = new.expires_at - new.expires_at.rem_euclid(1000);
    for instant in [new.expires_at, expires_at] {
        longest.check(instant, now).map_err(|error| error.0)?;
    }
    Ok(Credential {
        id: CredentialId::generate(),
        kind: CredentialKind::Oauth,
        name,
        scope: scopes::check(&new.scope)?,
        login: None,
        secret_hash: None,
        hint: String::new(),
        created_at: now,
        created_by: String::new(),
        expires_at: Some(expires_at),
        revoked_at: None,
        last_used_at: None,
        last_used_from: None,
        user: None,
        replaced: false,
        allowed_from: places::check(&new.allowed_from)?,
        warned_days: None,
        kid: None,
    })
}

#[cfg(test)]
#[path = "oauth_tests.rs"]
pub(crate) mod tests;
