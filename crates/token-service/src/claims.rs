//! A token's text: what it says, how it is signed, and how far its signature can be trusted. Whether it is still active
//! is for the database to say.

use jsonwebtoken::{Algorithm, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Refusal, keys::KeyRing};

/// Every token begins so: people and secret scanners know it by that.
pub(crate) const PREFIX: &str = "rcl_";

/// Claims of a token (RFC 7519 §4). No URL and no slug: a token outlives both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claims {
    /// The installation.
    pub(crate) iss: Uuid,
    /// The installation again: nobody else is to accept it.
    pub(crate) aud: Uuid,
    /// The credential: the token speaks for no one else, and is good only as long as its row is.
    pub(crate) sub: Uuid,
    /// The token. One that is a credential itself has its id; an access token, of which a client gets many, its own.
    pub(crate) jti: Uuid,
    /// The tenant; `None`: the token is the installation's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tenant: Option<Uuid>,
    /// Seconds since 1970 UTC.
    pub(crate) iat: i64,
    /// Seconds since 1970 UTC; we never set it, and heed it if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) nbf: Option<i64>,
    /// Seconds since 1970 UTC.
    pub(crate) exp: i64,
    /// Blank-separated (RFC 8693 §4.2).
    pub(crate) scope: String,
}

impl Claims {
    /// Made for an OAuth client, to live for a short while and without a row of its own?
    pub(crate) fn is_access_token(&self) -> bool {
        self.sub != self.jti
    }
}

/// Header of a token that a key of this id signs (RFC 8037 §3.1).
pub(crate) fn header(kid: &str) -> Header {
    Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::EdDSA) }
}

/// `rcl_` + JWT. `None` when the key cannot sign, which a loaded key can.
pub(crate) fn sign(claims: &Claims, kid: &str, key: &EncodingKey) -> Option<String> {
    let token = jsonwebtoken::encode(&header(kid), claims, key).ok()?;
    Some(format!("{PREFIX}{token}"))
}

/// Checks prefix, algorithm, key, signature, issuer, audience and times. `now` in milliseconds; there is no leeway,
/// since tokens are made and checked by one installation.
pub(crate) fn check(token: &str, keys: &KeyRing, installation: Uuid, now: i64) -> Result<Claims, Refusal> {
    let token = token.strip_prefix(PREFIX).ok_or(Refusal::Foreign)?;
    let header = jsonwebtoken::decode_header(token).map_err(|_| Refusal::Foreign)?;
    let key = header.kid.as_deref().and_then(|kid| keys.verifying(kid)).ok_or(Refusal::Foreign)?;
    let claims = jsonwebtoken::decode::<Claims>(token, key, &validation(installation))
        .map_err(|_| Refusal::Foreign)?
        .claims;
    let millis = |seconds: i64| seconds.saturating_mul(1000);
    if claims.nbf.is_some_and(|nbf| now < millis(nbf)) {
        return Err(Refusal::Foreign);
    }
    if millis(claims.exp) <= now {
        return Err(Refusal::Expired);
    }
    Ok(claims)
}

/// EdDSA alone, this installation alone. Times are checked against the store's clock instead of the system's.
fn validation(installation: Uuid) -> Validation {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_issuer(&[installation]);
    validation.set_audience(&[installation]);
    validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation
}

#[cfg(test)]
#[path = "claims_tests.rs"]
mod tests;
