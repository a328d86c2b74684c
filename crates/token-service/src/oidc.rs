//! Sign-in to the console at an OpenID provider (OpenID Connect Core 1.0, section 3.1): authorization code with PKCE
//! (RFC 7636), `state` and `nonce`.
//!
//! The usual crate for it needs the crate `rsa`, which this workspace does not take (RUSTSEC-2023-0071). What is left is a
//! redirect, one form and a signed token, over what is here for identity providers already: calls by `egress`, keys by
//! [`Issuers`], signatures by `jsonwebtoken`.

mod exchange;
mod mapping;
mod who;

pub use mapping::RoleMapping;

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use moka::future::Cache;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use store::StoreError;
use url::Url;

use crate::{TokenService, federation::Issuers, sealing};

/// How long the provider's configuration is used before it is read again.
const CONFIGURATION: Duration = Duration::from_secs(3600);
/// Longest time between the redirect and the return. Milliseconds.
const PATIENCE: i64 = 10 * 60 * 1000;
/// Longest page that is kept for afterwards: cookies are small.
const LONGEST_NEXT: usize = 1024;
/// What the state of a sign-in is sealed for.
const CONTEXT: &str = "oidc-sign-in";

/// Where people sign in, as it is set.
#[derive(Clone, Debug)]
pub struct OidcOptions {
    /// `iss`, to the letter.
    pub issuer: String,
    /// What the provider calls this installation.
    pub client_id: String,
    /// What the provider knows it by.
    pub client_secret: SecretString,
    /// `{public URL}/console/sign-in/callback`, to be entered at the provider.
    pub redirect_uri: Url,
    /// Which of the provider's values makes whom what.
    pub roles: RoleMapping,
    /// Take the provider's e-mail addresses for verified though it does not say so: for a directory of one's own, such as
    /// Entra ID, which has no such claim.
    pub trust_email: bool,
}

/// Why nobody was signed in.
#[derive(Debug, thiserror::Error)]
pub enum OidcError {
    /// The person may not, or has to begin again; the text is for them.
    #[error("{0}")]
    Refused(String),
    /// The provider cannot be used now; the text is for the log.
    #[error("{0}")]
    Failed(String),
    /// Store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A sign-in that has begun.
pub struct Begun {
    /// Where the browser goes.
    pub location: Url,
    /// What the browser keeps meanwhile: sealed, so that nothing is kept here for strangers.
    pub kept: String,
}

/// What the provider sent the browser back with (RFC 6749 §4.1.2, RFC 9207).
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Returned {
    /// To be exchanged for a token.
    pub code: String,
    /// As it was sent.
    pub state: String,
    /// Who answers, where the provider says so.
    pub iss: Option<String>,
    /// A word, when it did not work.
    pub error: Option<String>,
}

/// What the browser keeps.
#[derive(Serialize, Deserialize)]
struct Kept {
    state: String,
    nonce: String,
    verifier: String,
    next: String,
    at: i64,
}

/// What the provider says of itself (OpenID Connect Discovery 1.0, section 3).
#[derive(Clone, Debug, Deserialize)]
struct Configuration {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

/// The provider; cheap to clone.
#[derive(Clone)]
pub struct Provider {
    inner: Arc<Inner>,
}

struct Inner {
    options: OidcOptions,
    issuers: Issuers,
    configuration: Cache<(), Arc<Configuration>>,
}

impl Provider {
    /// Nothing is asked of it before somebody signs in.
    #[must_use]
    pub fn new(options: OidcOptions, egress: egress::Client) -> Self {
        let configuration = Cache::builder().max_capacity(1).time_to_live(CONFIGURATION).build();
        Self { inner: Arc::new(Inner { options, issuers: Issuers::new(egress), configuration }) }
    }

    /// What people know it by: its host.
    #[must_use]
    pub fn name(&self) -> String {
        let url: Option<Url> = self.inner.options.issuer.parse().ok();
        url.and_then(|url| url.host_str().map(str::to_owned))
            .unwrap_or_else(|| self.inner.options.issuer.clone())
    }

    /// Begins a sign-in that ends on the page `next` of the console.
    pub async fn begin(&self, tokens: &TokenService, next: &str) -> Result<Begun, OidcError> {
        let configuration = self.configuration().await?;
        let options = &self.inner.options;
        let next = if next.len() > LONGEST_NEXT { "" } else { next };
        let kept = Kept {
            state: random()?,
            nonce: random()?,
            verifier: random()?,
            next: next.to_owned(),
            at: tokens.inner.store.now(),
        };
        let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(kept.verifier.as_bytes()));
        let mut location = web(&configuration.authorization_endpoint)?;
        location
            .query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &options.client_id)
            .append_pair("redirect_uri", options.redirect_uri.as_str())
            .append_pair("scope", "openid email profile")
            .append_pair("state", &kept.state)
            .append_pair("nonce", &kept.nonce)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        Ok(Begun { location, kept: seal(tokens, &kept)? })
    }

    async fn configuration(&self) -> Result<Arc<Configuration>, OidcError> {
        let read = self.inner.configuration.try_get_with((), self.read_configuration()).await;
        read.map_err(|error| OidcError::Failed(error.to_string()))
    }

    async fn read_configuration(&self) -> Result<Arc<Configuration>, String> {
        let issuer = &self.inner.options.issuer;
        let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let found: Configuration = self.inner.issuers.document(&url).await?;
        if found.issuer != *issuer {
            return Err(format!(
                "{url} is the configuration of another issuer, {:?}: set oidc_issuer to that, to the letter",
                found.issuer.chars().take(200).collect::<String>()
            ));
        }
        Ok(Arc::new(found))
    }
}

/// An address of the provider's configuration.
fn web(text: &str) -> Result<Url, OidcError> {
    let url: Option<Url> = text.parse().ok();
    url.filter(|url| matches!(url.scheme(), "https" | "http"))
        .ok_or_else(|| OidcError::Failed("the provider's configuration holds an address that is none".into()))
}

fn random() -> Result<String, OidcError> {
    let bytes = sealing::random_key();
    let bytes = bytes.ok_or_else(|| OidcError::Failed("the system gives no random numbers".into()))?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(&bytes[..]))
}

fn seal(tokens: &TokenService, kept: &Kept) -> Result<String, OidcError> {
    let failed = |error: String| OidcError::Failed(error);
    let text = serde_json::to_vec(kept).map_err(|error| failed(error.to_string()))?;
    let sealed = tokens.inner.vault.seal(&text, CONTEXT).map_err(|error| failed(error.0))?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(sealed))
}

/// What was sealed here, not longer ago than [`PATIENCE`].
fn unseal(tokens: &TokenService, text: &str) -> Option<Kept> {
    let sealed = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
    let plain = tokens.inner.vault.open(&sealed, CONTEXT).ok()?;
    let kept: Kept = serde_json::from_slice(&plain).ok()?;
    let age = tokens.inner.store.now().saturating_sub(kept.at);
    (0..PATIENCE).contains(&age).then_some(kept)
}
