//! Issue, verify, revoke.

use std::{
    net::IpAddr,
    sync::{Arc, Weak},
    time::Duration,
};

use moka::future::Cache;
use scim_core::profile::CredentialKind;
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use store::{
    ChangeContext, CredentialId, Store, StoreError, TenantId, UserId,
    credentials::{AllowedFrom, Credential},
};
use tokio::task::AbortHandle;
use uuid::Uuid;

use crate::{
    Lifetime, Longest, MasterKey, Options,
    claims::{self, Claims},
    desk::MACHINES,
    federation::{Directories, Issuers},
    master_key::MasterKeyError,
    meter::Shown,
    places::{self, Places},
    platform::PlatformTokens,
    proofs::{Fingerprint, Proofs},
    refusals::Refusals,
    scopes,
    signing::{Keys, Signed},
    uses::Uses,
    vault::Vault,
    verified::{Checked, Verified},
};

/// Verified credentials kept in memory.
const CACHED: u64 = 10_000;
/// After this long a row is read again though nothing has changed, so that what lies behind it is known to be in use.
pub(crate) const REMEMBERED: Duration = Duration::from_secs(3600);
/// Time between two writes of the noted uses, and of what was refused.
const FLUSH_EVERY: Duration = Duration::from_secs(5);
/// Longest name of a credential, in characters.
const NAME_LENGTH: usize = 100;
/// Characters at the end of a token that are kept, for people.
pub(crate) const HINT_LENGTH: usize = 4;

/// A token to be made.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// For people, 1 to 100 characters.
    pub name: String,
    /// Blank-separated scopes, each of [`crate::scopes::TENANT`].
    pub scope: String,
    /// Milliseconds; later than now, and not further ahead than [`TokenService::longest`]. Cut to a whole second.
    pub expires_at: i64,
    /// A live user of the tenant, for a token that stands for this user alone; `None`: for the tenant.
    pub user: Option<UserId>,
    /// Where it may come from; at most [`places::MAX_NETWORKS`] networks.
    pub allowed_from: AllowedFrom,
}

/// A token that was just made: the only time that its text exists.
pub struct Issued {
    /// `rcl_` + JWT.
    pub token: SecretString,
    /// What is kept of it.
    pub credential: Credential,
}

/// Who is calling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// Tenant that the credential belongs to.
    pub tenant: TenantId,
    /// Credential.
    pub credential: CredentialId,
    /// Its kind.
    pub kind: CredentialKind,
    /// Its name.
    pub name: String,
    /// Blank-separated scopes.
    pub scope: String,
    /// The only user that the scopes reach; `None`: all that the tenant has. Whoever lets a principal in looks here too.
    pub user: Option<UserId>,
}

impl Principal {
    /// Whoever presents this credential of a tenant.
    pub(crate) fn of(tenant: TenantId, credential: Credential) -> Self {
        let Credential { id, kind, name, scope, user, .. } = credential;
        Self { tenant, credential: id, kind, name, scope, user }
    }

    /// Holds the scope?
    #[must_use]
    pub fn may(&self, scope: &str) -> bool {
        scopes::holds(&self.scope, scope)
    }
}

/// Why a credential was refused. Outside, all but `Busy` and `Unavailable` are the same 401; inside, the log says which.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Not one of ours: malformed, a bad signature, another installation.
    #[error("not a token of this installation")]
    Foreign,
    /// Was good until then.
    #[error("the credential has expired")]
    Expired,
    /// Was revoked.
    #[error("the credential was revoked")]
    Revoked,
    /// A good signature, and no row.
    #[error("the token is unknown")]
    Unknown,
    /// A good signature, and the token is the installation's: it opens no tenant's address.
    #[error("a token of the installation, which is for /api/v1 alone")]
    OfPlatform,
    /// Good, and not to be used from there.
    #[error("credential {credential} is not allowed from {}", told(*address))]
    Elsewhere {
        /// Its tenant.
        tenant: TenantId,
        /// Which.
        credential: CredentialId,
        /// Where it came from; `None`: not known.
        address: Option<IpAddr>,
    },
    /// A token of the installation, good, and not to be used from there.
    #[error("the token of the installation is not allowed from there")]
    PlatformElsewhere,
    /// Unknown user name or wrong password.
    #[error("wrong user name or password")]
    WrongPassword,
    /// Too many passwords are being checked: try again.
    #[error("too many passwords are being checked at once")]
    Busy,
    /// Cannot tell now.
    #[error("credentials cannot be checked now")]
    Unavailable(#[source] StoreError),
}

fn told(address: Option<IpAddr>) -> String {
    address.map_or_else(|| "an unknown address".to_owned(), |address| address.to_string())
}

/// Why a credential cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// Name, scope, expiry or networks do not fit, or the name is taken; the text is for the person who asked.
    #[error("{0}")]
    Unfit(String),
    /// Another one has the name or user name; the text says what to do.
    #[error("{0}")]
    Taken(String),
    /// Store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The token service; cheap to clone. Verified credentials are cached in the process until the store's epoch moves.
#[derive(Clone)]
pub struct TokenService {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) store: Store,
    pub(crate) installation: Uuid,
    pub(crate) keys: Keys,
    pub(crate) vault: Vault,
    /// By fingerprint of what was presented, so that no token lies in memory.
    pub(crate) verified: Cache<Fingerprint, Verified>,
    pub(crate) proofs: Proofs,
    pub(crate) issuers: Issuers,
    pub(crate) directories: Directories,
    /// Longest life of new credentials.
    pub(crate) max_lifetime: Option<Lifetime>,
    pub(crate) places: Places,
    pub(crate) platform: PlatformTokens,
    uses: Uses,
    pub(crate) refusals: Refusals,
    pub(crate) shown: Shown,
    flusher: std::sync::OnceLock<AbortHandle>,
}

impl TokenService {
    /// [`Self::open_with`] the usual options.
    pub async fn open(store: Store, master_key: MasterKey) -> Result<Self, MasterKeyError> {
        Self::open_with(store, master_key, Options::default()).await
    }

    /// Unlocks the vault and loads the signing keys, making the first ones; fails when the master key is not the one they
    /// are kept under (the text says what to do). Starts a task that writes the noted uses every few seconds and ends with
    /// the service.
    pub async fn open_with(
        store: Store,
        master_key: MasterKey,
        options: Options,
    ) -> Result<Self, MasterKeyError> {
        let vault = Vault::unlock(&store, &master_key).await?;
        let keys = Keys::load(store.clone(), vault.clone()).await?;
        let installation = store.platform().installation_id().await.map_err(|error| {
            MasterKeyError(format!("The installation's id cannot be read from the database: {error}"))
        })?;
        let inner = Arc::new(Inner {
            store,
            installation,
            keys,
            vault,
            verified: Cache::builder().max_capacity(CACHED).time_to_live(REMEMBERED).build(),
            proofs: Proofs::new(&MACHINES),
            issuers: Issuers::new(options.egress),
            directories: Directories::default(),
            max_lifetime: options.max_lifetime,
            places: Places::default(),
            platform: PlatformTokens::default(),
            uses: Uses::default(),
            refusals: Refusals::new(master_key.fingerprints()),
            shown: Shown::default(),
            flusher: std::sync::OnceLock::new(),
        });
        let task = tokio::spawn(flush_regularly(Arc::downgrade(&inner)));
        let _ = inner.flusher.set(task.abort_handle());
        Ok(Self { inner })
    }

    /// Makes a bearer token. A user that it is bound to must be there now, and may be gone later: then it opens nothing.
    pub async fn issue(
        &self,
        tenant: TenantId,
        new: NewToken,
        context: &ChangeContext,
    ) -> Result<Issued, IssueError> {
        let (token, credential) = self.prepare(tenant, &new, self.inner.store.now(), context).await?;
        match self.inner.store.tenant(tenant).create_credential(&credential, context).await {
            Ok(()) => Ok(Issued { token, credential }),
            Err(StoreError::Conflict { .. }) => Err(IssueError::Taken(format!(
                "name: a token named {:?} exists; revoke it first, or choose another name",
                credential.name
            ))),
            Err(error) => Err(error.into()),
        }
    }

    /// A token and the row that is still to be kept of it.
    pub(crate) async fn prepare(
        &self,
        tenant: TenantId,
        new: &NewToken,
        now: i64,
        context: &ChangeContext,
    ) -> Result<(SecretString, Credential), IssueError> {
        let longest = self.longest_of(tenant).await?;
        let mut credential = check_new(new, now, longest).map_err(IssueError::Unfit)?;
        credential.created_by.clone_from(&context.actor.name);
        self.check_user(tenant, new.user).await?;
        let Signed { token, kid } = self.sign(tenant, &credential, now).await?;
        credential.kid = Some(kid);
        credential.hint = token.chars().skip(token.len().saturating_sub(HINT_LENGTH)).collect();
        Ok((token.into(), credential))
    }

    async fn check_user(&self, tenant: TenantId, user: Option<UserId>) -> Result<(), IssueError> {
        let Some(user) = user else { return Ok(()) };
        match self.inner.store.tenant(tenant).user(user, false).await? {
            Some(_) => Ok(()),
            None => Err(IssueError::Unfit(format!("user: this tenant has no user {user}"))),
        }
    }

    async fn sign(&self, tenant: TenantId, credential: &Credential, now: i64) -> Result<Signed, StoreError> {
        let Inner { installation, keys, .. } = &*self.inner;
        let claims = Claims {
            iss: *installation,
            aud: *installation,
            sub: credential.id.0,
            jti: credential.id.0,
            tenant: Some(tenant.0),
            iat: now.div_euclid(1000),
            nbf: None,
            exp: credential.expires_at.unwrap_or(now).div_euclid(1000),
            scope: credential.scope.clone(),
        };
        keys.sign(&claims).await
    }

    pub(crate) async fn verify_bearer(&self, token: &str) -> Result<Checked, Refusal> {
        let Inner { store, verified, .. } = &*self.inner;
        // Before anything is looked up: tokens of others are remembered too, and must not be taken here.
        if !token.starts_with(claims::PREFIX) {
            return Err(Refusal::Foreign);
        }
        let fingerprint: Fingerprint = Sha256::digest(token.as_bytes()).into();
        // Read before the row: a change after this makes the entry worthless.
        let epoch = store.epoch();
        if let Some(verified) = self.inner.remembered(&fingerprint, epoch).await {
            return Ok(Checked { verified, cached: true });
        }
        let entry = self.look_up(token, epoch, store.now()).await?;
        verified.insert(fingerprint, entry.clone()).await;
        Ok(Checked { verified: entry, cached: false })
    }

    /// Signature first, then the row.
    async fn look_up(&self, token: &str, epoch: u64, now: i64) -> Result<Verified, Refusal> {
        let Inner { store, installation, keys, .. } = &*self.inner;
        let ring = keys.fresh().await;
        let claims = claims::check(token, &ring, *installation, now)?;
        let tenant = TenantId(claims.tenant.ok_or(Refusal::OfPlatform)?);
        let row = store.tenant(tenant).credential(CredentialId(claims.sub)).await;
        let row = row.map_err(Refusal::Unavailable)?.ok_or(Refusal::Unknown)?;
        let made_for = if claims.is_access_token() { CredentialKind::Oauth } else { CredentialKind::Bearer };
        if row.kind != made_for || row.is_federated() {
            return Err(Refusal::Unknown);
        }
        if row.revoked_at.is_some() || self.is_revoked(&claims).await.map_err(Refusal::Unavailable)? {
            return Err(Refusal::Revoked);
        }
        let expires_at = claims.exp.saturating_mul(1000).min(row.expires_at.unwrap_or(i64::MAX));
        if expires_at <= now {
            return Err(Refusal::Expired);
        }
        let mut verified = Verified::of(tenant, row, epoch, expires_at);
        // An access token may hold less than its client.
        verified.principal.scope = scopes::common(&claims.scope, &verified.principal.scope);
        // Keys from before the epoch, because the database did not answer: then nobody shall remember what they said.
        verified.epoch = if ring.is_of(epoch) { epoch } else { 0 };
        Ok(verified)
    }

    /// Notes a use for the token list; written in batches every few seconds, newest wins.
    pub fn note_use(&self, principal: &Principal, from: &str) {
        let Inner { store, uses, .. } = &*self.inner;
        uses.note(principal.tenant, principal.credential, store.now(), from);
    }

    /// Writes the noted uses now (at shutdown, in tests).
    pub async fn flush_uses(&self) -> Result<(), StoreError> {
        self.inner.flush_uses().await
    }

    /// The tenant's credentials, newest first.
    pub async fn list(&self, tenant: TenantId) -> Result<Vec<Credential>, StoreError> {
        self.inner.store.tenant(tenant).credentials().await
    }

    /// Revokes; refused at once on this node, within 1 s on others. `false` when there is none or it is revoked.
    pub async fn revoke(
        &self,
        tenant: TenantId,
        id: CredentialId,
        context: &ChangeContext,
    ) -> Result<bool, StoreError> {
        self.inner.store.tenant(tenant).revoke_credential(id, context).await
    }
}

impl Inner {
    async fn flush_uses(&self) -> Result<(), StoreError> {
        self.uses.flush(&self.store).await.and(self.platform.flush(&self.store).await)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(task) = self.flusher.get() {
            task.abort();
        }
    }
}

/// Writes the noted uses, and what was refused, as long as there is a service.
async fn flush_regularly(service: Weak<Inner>) {
    loop {
        tokio::time::sleep(FLUSH_EVERY).await;
        let Some(inner) = service.upgrade() else { return };
        if let Err(error) = inner.flush_uses().await {
            tracing::warn!(%error, "last uses of credentials were not written");
        }
        if let Err(error) = inner.refusals.flush(&inner.store).await {
            tracing::warn!(%error, "what was refused was not written");
        }
    }
}

/// Checks what was asked for and makes the row of it; `created_by` and `hint` are still empty.
fn check_new(new: &NewToken, now: i64, longest: Longest) -> Result<Credential, String> {
    let name = check_name(&new.name)?;
    longest.check(new.expires_at, now).map_err(|error| error.0)?;
    // A token counts in seconds; row and token must end at the same instant.
    let expires_at = new.expires_at - new.expires_at.rem_euclid(1000);
    longest.check(expires_at, now).map_err(|error| error.0)?;
    Ok(Credential {
        id: CredentialId::generate(),
        kind: CredentialKind::Bearer,
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
        user: new.user,
        replaced: false,
        allowed_from: places::check(&new.allowed_from)?,
        warned_days: None,
        kid: None,
    })
}

/// A credential's name without the blanks around it.
pub(crate) fn check_name(name: &str) -> Result<String, String> {
    let name = name.trim();
    let length = name.chars().count();
    if length == 0 || length > NAME_LENGTH || name.chars().any(char::is_control) {
        return Err(format!("name: use 1 to {NAME_LENGTH} printable characters"));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
#[path = "service_tests.rs"]
pub(crate) mod tests;
