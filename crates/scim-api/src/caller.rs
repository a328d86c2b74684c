//! Which tenant, and who is calling: every source that names a tenant has to agree, and every refusal looks the same.
//!
//! Address, host name and credential may each name a tenant. Whoever has no valid credential for the address gets one
//! and the same 401, whether the tenant exists or not; only the log and the tenant's own people are told the reason.

use std::{net::SocketAddr, sync::Arc};

use axum::extract::ConnectInfo;
use http::{Extensions, HeaderMap, header};
use provisioning::Tenant;
use scim_core::ScimError;
use store::StoreError;
use telemetry::spans;
use token_service::{
    Presented, Principal, Refusal, Sender, authorization,
    refusals::{Attempt, Because, Verdict},
};
use tracing::Instrument as _;

use crate::{Address, Origins, ScimState, routes::Route};

/// Who is calling.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// The tenant that the credential belongs to; active.
    pub(crate) tenant: Arc<Tenant>,
    /// The credential.
    pub(crate) principal: Principal,
}

/// Why a caller is not let in. All but the last four are the same 401 outside.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("no usable Authorization header")]
    NoCredential,
    #[error(transparent)]
    Credential(Refusal),
    #[error("the tenant does not take this kind of credential")]
    KindNotTaken(Principal),
    #[error("no tenant of that name")]
    UnknownTenant(Principal),
    #[error("a credential of another tenant")]
    OtherTenant(Principal),
    #[error("the tenant is inactive")]
    Inactive(Principal),
    #[error("too many wrong credentials")]
    TooMany,
    #[error("too many passwords are being checked")]
    Busy,
    #[error("credentials or tenants cannot be checked now")]
    Unavailable(#[source] StoreError),
}

/// Where a request knocks.
pub(crate) struct Door<'a> {
    pub(crate) state: &'a ScimState,
    pub(crate) origins: &'a Origins,
    pub(crate) address: &'a Address,
    pub(crate) headers: &'a HeaderMap,
    /// Who knocks.
    pub(crate) sender: &'a Sender,
}

impl Door<'_> {
    /// Finds out who calls, and notes the use of the credential, or what was refused.
    pub(crate) async fn identify(&self) -> Result<Caller, ScimError> {
        let refused = match authenticate(self).await {
            Ok(caller) => {
                self.state.tokens.note_use(&caller.principal, &self.sender.line());
                return Ok(caller);
            }
            Err(refused) => refused,
        };
        let because = match &refused {
            Refused::NoCredential => Because::Unusable,
            Refused::Credential(refusal) => Because::Refusal(refusal),
            Refused::KindNotTaken(principal) => Because::NotTaken(principal),
            Refused::UnknownTenant(principal) => Because::UnknownTenant(principal),
            Refused::OtherTenant(principal) => Because::OtherTenant(principal),
            Refused::Inactive(principal) => Because::Inactive(principal),
            Refused::TooMany | Refused::Busy | Refused::Unavailable(_) => {
                return Err(answer(&refused, self.address));
            }
        };
        match self.note(because).await {
            Verdict::Refuse => Err(answer(&refused, self.address)),
            Verdict::TooMany => Err(answer(&Refused::TooMany, self.address)),
        }
    }

    /// 403 to a token that stands for one user, but for what is open to it, and to a credential without the scope of
    /// the route.
    pub(crate) async fn require(&self, principal: &Principal, route: &Route) -> Result<(), ScimError> {
        let (because, error) = if let Err(error) = require_reach(principal, route) {
            (Because::UserBound(principal), error)
        } else if let Err(error) = require_scope(principal, route.scope) {
            (Because::MissingScope(principal, route.scope), error)
        } else {
            return Ok(());
        };
        // Whoever has a valid credential is never told to wait.
        let _ = self.note(because).await;
        Err(error)
    }

    /// Notes a refusal for the tenant's people; says how it is to be answered.
    async fn note(&self, because: Because<'_>) -> Verdict {
        let attempt = Attempt {
            slug: self.address.slug.as_deref(),
            base_url: &self.address.base_url(self.origins),
            sent: self.state.tokens.sent_in(self.headers),
            sender: self.sender,
        };
        self.state.tokens.refuse(attempt, because).await
    }
}

/// Who sends a request.
pub(crate) fn sender(state: &ScimState, headers: &HeaderMap, extensions: &Extensions) -> Sender {
    let peer = extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
    Sender::of(headers, peer, &state.trusted_proxies)
}

async fn authenticate(door: &Door<'_>) -> Result<Caller, Refused> {
    let Door { state, address, headers, sender, .. } = *door;
    let presented = presented(headers).ok_or(Refused::NoCredential)?;
    // Tokens of a tenant's identity provider are taken at this tenant's own addresses alone.
    let verified = async {
        match address.slug {
            Some(_) => state.tokens.verify_named(&presented, sender).await,
            None => state.tokens.verify_from(&presented, sender).await,
        }
    };
    let verified = verified.instrument(spans::credential()).await;
    let principal = verified.map_err(|refusal| match refusal {
        Refusal::Unavailable(error) => Refused::Unavailable(error),
        Refusal::Busy => Refused::Busy,
        other => Refused::Credential(other),
    })?;
    // Looked up only for a good credential, so that nobody can time which tenants exist.
    let found = async {
        match &address.slug {
            Some(slug) => state.tenants.by_slug(slug).await,
            None => state.tenants.by_id(principal.tenant).await,
        }
    };
    let found = found.instrument(spans::tenant()).await;
    let Some(tenant) = found.map_err(Refused::Unavailable)? else {
        return Err(Refused::UnknownTenant(principal));
    };
    if tenant.id() != principal.tenant {
        return Err(Refused::OtherTenant(principal));
    }
    if !tenant.profile.credentials.contains(&principal.kind) {
        return Err(Refused::KindNotTaken(principal));
    }
    let tenant = state.tenants.settled(tenant).await.map_err(Refused::Unavailable)?;
    if !tenant.is_active() {
        return Err(Refused::Inactive(principal));
    }
    Ok(Caller { tenant, principal })
}

/// The one credential of a request; two of them count as none.
fn presented(headers: &HeaderMap) -> Option<Presented> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next()?;
    if values.next().is_some() {
        return None;
    }
    authorization::parse(value.to_str().ok()?)
}

fn answer(refused: &Refused, address: &Address) -> ScimError {
    let tenant = address.slug.as_deref().unwrap_or_default();
    match refused {
        Refused::Unavailable(error) => {
            tracing::error!(target: "scim_api::caller", tenant, %error, "{refused}");
            ScimError::new(503, "busy")
        }
        Refused::Inactive(_) => {
            tracing::info!(target: "scim_api::caller", tenant, reason = %refused, "refused");
            ScimError::new(403, "This tenant is not active; it has to be activated before it takes requests.")
        }
        Refused::TooMany => {
            tracing::info!(target: "scim_api::caller", tenant, reason = %refused, "refused");
            ScimError::new(
                429,
                "Too many wrong credentials have come from this address, or for this user name, and this one is wrong, \
                 too. Correct it, then send the request again: a valid credential is let in at once.",
            )
        }
        Refused::Busy => {
            tracing::warn!(target: "scim_api::caller", tenant, reason = %refused, "refused");
            ScimError::new(
                429,
                "Too many passwords are being checked at once, and this one was not. Nothing was done; send the request \
                 again after the seconds in Retry-After.",
            )
        }
        _ => {
            tracing::info!(target: "scim_api::caller", tenant, reason = %refused, "refused");
            unauthorized()
        }
    }
}

/// The 401 that every refused credential gets.
pub(crate) fn unauthorized() -> ScimError {
    ScimError::new(
        401,
        "The credential is missing or not valid for this address. Send the token of this tenant as \
         Authorization: Bearer <token>, or its user name and password as Authorization: Basic, whichever its set-up \
         page shows; and check that it has neither expired nor been revoked.",
    )
}

fn require_scope(principal: &Principal, scope: &str) -> Result<(), ScimError> {
    if principal.may(scope) {
        return Ok(());
    }
    tracing::info!(target: "scim_api::caller", credential = %principal.credential, scope, "scope not held");
    Err(ScimError::new(403, format!("This credential lacks the scope {scope}; use one that holds it.")))
}

fn require_reach(principal: &Principal, route: &Route) -> Result<(), ScimError> {
    if principal.user.is_none() || route.is_personal() {
        return Ok(());
    }
    let name = route.name();
    tracing::info!(target: "scim_api::caller", credential = %principal.credential, %name, "not for one user's token");
    Err(ScimError::new(
        403,
        format!(
            "This token is bound to one user: it reaches /Me and the discovery endpoints alone. For {name} use a token \
             of the tenant that is bound to nobody."
        ),
    ))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    /// Whoever is turned away by a crowd is told when to come back, at every address.
    #[test]
    fn a_crowd_is_no_wrong_password() {
        let origins = crate::Origins::new("https://scim.example.com".parse().expect("a URL"), None);
        for path in ["/t/acme/scim/v2/Users", "/scim/v2/Users"] {
            let address = Address::parse(&origins, Some("scim.example.com"), path).expect("a SCIM address");
            let response = crate::error_response(&answer(&Refused::Busy, &address), None);
            assert_eq!(response.status(), 429);
            assert_eq!(response.headers()["retry-after"], "5");
            assert!(response.headers().get("www-authenticate").is_none());
        }
    }

    #[test]
    fn two_credentials_are_none() {
        let mut headers = HeaderMap::new();
        headers.append(header::AUTHORIZATION, HeaderValue::from_static("Bearer a"));
        headers.append(header::AUTHORIZATION, HeaderValue::from_static("Bearer b"));
        assert!(presented(&headers).is_none());
    }
}
