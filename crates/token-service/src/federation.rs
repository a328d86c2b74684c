//! Trust in the tokens of a tenant's own identity provider: set, shown, removed.
//!
//! Entra ID sends such a token when the field *Secret token* of an app is left blank: a JWT that its security token
//! service has signed for the customer's directory. What it is for is told by three claims, each pinned to the letter:
//! `iss` (the directory's issuer), `aud` (the template of custom apps) and `tid` (the directory). A directory belongs to
//! one tenant of the platform at most, and its tokens are taken only at addresses that name this tenant.

mod issuers;
mod verify;

pub(crate) use issuers::{Issuers, Source};
pub(crate) use verify::Directories;

use scim_core::profile::CredentialKind;
use store::{
    ChangeContext, CredentialId, StoreError, TenantId,
    credentials::{AllowedFrom, Credential},
    federations::Federation,
};
use url::Url;
use uuid::Uuid;

use crate::{Longest, TokenService, places, scopes, service::IssueError};

/// `aud` that Entra ID writes for every app that is not from its gallery: the id of the template that such apps are
/// made of. National clouds have others.
pub const ENTRA_AUDIENCE: &str = "8adf8e6e-67b2-4cf2-a259-e3dc5476c621";
/// Longest issuer, audience and address of keys, in bytes.
const TEXT_LENGTH: usize = 500;

/// The issuer of Entra ID's tokens of version 1.0, which its provisioning service sends.
#[must_use]
pub fn entra_issuer(directory: Uuid) -> String {
    format!("https://sts.windows.net/{directory}/")
}

/// Whose tokens a tenant is to take.
#[derive(Clone, Debug, Default)]
pub struct NewFederation {
    /// Id of the customer's directory (in Entra ID: *Tenant ID*), a UUID.
    pub directory: String,
    /// `iss`; `None`: [`entra_issuer`].
    pub issuer: Option<String>,
    /// `aud`; `None`: [`ENTRA_AUDIENCE`].
    pub audience: Option<String>,
    /// Where the issuer's keys are (RFC 7517 §5); `None`: where its OpenID configuration says.
    pub keys_url: Option<String>,
    /// Blank-separated scopes, each of [`crate::scopes::TENANT`].
    pub scope: String,
    /// Milliseconds, as in [`crate::NewBasic`]; `None`: until it is removed.
    pub expires_at: Option<i64>,
    /// Where it may come from.
    pub allowed_from: AllowedFrom,
}

/// A trust that was just set.
pub struct Federated {
    /// Its credential.
    pub credential: Credential,
    /// Whose tokens are taken.
    pub federation: Federation,
    /// How many keys the issuer has now; or why they cannot be had, which may be because of where this process runs.
    pub keys: Result<usize, String>,
}

impl TokenService {
    /// Takes the tokens of an identity provider from now on, and no longer those of the one before. Then asks the
    /// issuer for its keys, so that a mistake shows now. Whether the tenant's profile takes bearer tokens is for the
    /// caller to ask.
    pub async fn set_federation(
        &self,
        tenant: TenantId,
        new: NewFederation,
        context: &ChangeContext,
    ) -> Result<Federated, IssueError> {
        let federation = self.check_terms(&new).map_err(IssueError::Unfit)?;
        let longest = self.longest_of(tenant).await?;
        let credential =
            self.credential_of(&new, &federation, longest, context).map_err(IssueError::Unfit)?;
        let scope = self.inner.store.tenant(tenant);
        match scope.set_federation(&credential, &federation, context).await {
            Ok(()) => {}
            Err(StoreError::Conflict { attribute: "login" }) => {
                return Err(IssueError::Taken(format!(
                    "directory: {} belongs to another tenant of this platform; remove it there first",
                    federation.directory
                )));
            }
            Err(StoreError::Conflict { .. }) => {
                return Err(IssueError::Taken(format!(
                    "name: a token named {:?} exists; revoke it first",
                    credential.name
                )));
            }
            Err(error) => return Err(error.into()),
        }
        let keys = self.inner.issuers.look(&Source::of(&federation), &self.inner.store).await;
        Ok(Federated { credential, federation, keys })
    }

    /// The trust that was not removed, be it expired; `None` when there is none.
    pub async fn federation(&self, tenant: TenantId) -> Result<Option<(Credential, Federation)>, StoreError> {
        self.inner.store.tenant(tenant).current_federation().await
    }

    /// Refuses the identity provider's tokens: at once on this node, within 1 s on others. `false` when none were
    /// taken.
    pub async fn remove_federation(
        &self,
        tenant: TenantId,
        context: &ChangeContext,
    ) -> Result<bool, StoreError> {
        self.inner.store.tenant(tenant).remove_federation(context).await
    }

    fn check_terms(&self, new: &NewFederation) -> Result<Federation, String> {
        let directory = directory(&new.directory)?;
        let issuer = given(new.issuer.as_deref()).map_or_else(|| entra_issuer(directory), str::to_owned);
        self.check_url("issuer", &issuer)?;
        let audience = given(new.audience.as_deref()).unwrap_or(ENTRA_AUDIENCE);
        if audience.len() > TEXT_LENGTH || !audience.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(format!("audience: use at most {TEXT_LENGTH} visible ASCII characters"));
        }
        let keys_url = given(new.keys_url.as_deref()).map(str::to_owned);
        if let Some(url) = &keys_url {
            self.check_url("keys-url", url)?;
        }
        Ok(Federation { issuer, audience: audience.to_owned(), directory, keys_url })
    }

    /// Is it an address that keys can be fetched from?
    fn check_url(&self, field: &str, text: &str) -> Result<(), String> {
        let example = "write an address such as https://sts.windows.net/…/";
        if text.len() > TEXT_LENGTH {
            return Err(format!("{field}: use at most {TEXT_LENGTH} characters"));
        }
        // A URL is read without them, and kept as it was written.
        if text.contains(char::is_control) {
            return Err(format!("{field}: leave out line breaks and other control characters; {example}"));
        }
        let url: Url = text.parse().map_err(|error| format!("{field}: {error}; {example}"))?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(format!("{field}: leave out what follows ? or #; {example}"));
        }
        self.inner.issuers.egress().check(&url).map_err(|error| format!("{field}: {error}"))
    }

    fn credential_of(
        &self,
        new: &NewFederation,
        federation: &Federation,
        longest: Longest,
        context: &ChangeContext,
    ) -> Result<Credential, String> {
        let now = self.inner.store.now();
        let expires_at = new.expires_at.or_else(|| longest.end(now));
        if let Some(expires_at) = expires_at {
            longest.check(expires_at, now).map_err(|error| error.0)?;
        }
        Ok(Credential {
            id: CredentialId::generate(),
            kind: CredentialKind::Bearer,
            name: format!("Entra ID (directory {})", federation.directory),
            scope: scopes::check(&new.scope)?,
            login: Some(federation.login()),
            secret_hash: None,
            hint: String::new(),
            created_at: now,
            created_by: context.actor.name.clone(),
            expires_at,
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
}

/// Blank counts as not given.
fn given(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

fn directory(text: &str) -> Result<Uuid, String> {
    let parsed = Uuid::try_parse(text.trim()).ok().filter(|id| !id.is_nil());
    parsed.ok_or_else(|| {
        let shown: String = text.chars().take(50).collect();
        format!(
            "directory: {shown:?} is no directory id; copy the Tenant ID that Entra ID shows under Overview, such as \
             3f2c1a9e-7d54-4b0e-9a61-5c8d2e7f4b10"
        )
    })
}

#[cfg(test)]
#[path = "federation/federation_tests.rs"]
mod tests;
