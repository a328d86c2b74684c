//! What stands around all routes of the API: request id, host, headers, problem documents; who calls, and whether the
//! token holds the scope that the route's description names.

use std::{collections::HashMap, net::SocketAddr, sync::Arc};

use admission::{Held, Lane};
use axum::{
    extract::{ConnectInfo, MatchedPath, RawPathParams, Request, State, rejection::RawPathParamsRejection},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use scim_core::profile::CredentialKind;
use token_service::{
    Presented, Principal, Refusal, Sender, authorization, host,
    platform::Caller,
    refusals::{Attempt, Because, Verdict},
    scopes,
};
use url::Url;

use super::{ApiState, problem::ApiError};
use crate::{
    extract::RequestId,
    guard::{REQUEST_ID, request_id},
};

/// What a route needs of its caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// Nothing.
    Nothing,
    /// A token with this scope.
    Scope(String),
}

/// What a handler leaves in its answer after it has waited for something to happen: the caller is asked for once more.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waited;

/// Through which a request came. A handler whose answer goes on asks there again and again.
pub(super) struct Door {
    state: ApiState,
    headers: HeaderMap,
    sender: Sender,
    scope: String,
    slug: Option<String>,
    /// While work is done for the caller.
    held: Held,
}

/// By path and method.
pub(super) type Needs = HashMap<(String, Method), Need>;

/// What [`require`] works with.
#[derive(Clone)]
pub(super) struct Guard {
    pub(super) state: ApiState,
    pub(super) needs: Arc<Needs>,
}

/// What the description says that each route needs. One that says nothing is not in it.
pub(super) fn needs(document: &utoipa::openapi::OpenApi) -> Needs {
    let document = serde_json::to_value(document).unwrap_or_default();
    let mut needs = Needs::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            let Ok(method) = Method::from_bytes(method.to_ascii_uppercase().as_bytes()) else { continue };
            let need = match operation["security"].as_array().map(Vec::as_slice) {
                Some([one]) if one.as_object().is_some_and(serde_json::Map::is_empty) => Some(Need::Nothing),
                Some([one]) => match one["bearer"].as_array().map(Vec::as_slice) {
                    Some([scope]) => scope.as_str().map(|scope| Need::Scope(scope.to_owned())),
                    _ => None,
                },
                _ => None,
            };
            needs.extend(need.map(|need| ((path.clone(), method), need)));
        }
    }
    needs
}

/// Outermost: gives the request an id, refuses foreign hosts, adds the headers, and writes problem documents.
pub(super) async fn frame(State(public): State<Url>, mut request: Request, next: Next) -> Response {
    let id = request_id(&request);
    request.extensions_mut().insert(RequestId(id.clone()));
    let mut response = if host::fits(request.uri(), request.headers(), &public) {
        next.run(request).await
    } else {
        let right = public.join("/api/v1/").map(String::from).unwrap_or_default();
        let detail = format!("Nothing is served under this host name. The API is at {right}");
        ApiError::new(StatusCode::MISDIRECTED_REQUEST, detail).into_response()
    };
    if let Some(error) = response.extensions_mut().remove::<ApiError>() {
        let allow = response.headers_mut().remove(header::ALLOW);
        response = error.document(&id);
        if let Some(allow) = allow {
            response.headers_mut().insert(header::ALLOW, allow);
        }
    }
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.entry(REQUEST_ID).or_insert(value);
    }
    response
}

/// In front of all routes: who does not hold the scope is refused before any of their code runs.
pub(super) async fn require(
    State(guard): State<Guard>,
    path: MatchedPath,
    parameters: Result<RawPathParams, RawPathParamsRejection>,
    mut request: Request,
    next: Next,
) -> Response {
    let method = match request.method() {
        &Method::HEAD => Method::GET,
        other => other.clone(),
    };
    let scope = match guard.needs.get(&(path.as_str().to_owned(), method)) {
        Some(Need::Nothing) => return next.run(request).await,
        Some(Need::Scope(scope)) => scope,
        None => return ApiError::internal(format_args!("{path:?} names no scope")).into_response(),
    };
    // What is no text names no tenant.
    let parameters = parameters.iter().flatten();
    let slug = parameters.into_iter().find(|(name, _)| *name == "slug").map(|(_, slug)| slug);
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
    let sender = Sender::of(request.headers(), peer, &guard.state.trusted_proxies);
    let door = Arc::new(Door {
        headers: request.headers().clone(),
        sender,
        scope: scope.clone(),
        slug: slug.map(str::to_owned),
        state: guard.state,
        held: Held::default(),
    });
    let caller = match door.let_in().await {
        Ok(caller) => caller,
        Err(error) => return error.into_response(),
    };
    if let Err(error) = door.enter(&caller).await {
        return error.into_response();
    }
    request.extensions_mut().insert(caller);
    request.extensions_mut().insert(door.clone());
    let mut response = next.run(request).await;
    door.leave();
    if response.extensions_mut().remove::<Waited>().is_some()
        && let Err(error) = door.let_in().await
    {
        return error.into_response();
    }
    response
}

impl Door {
    /// Waits for a place to work.
    async fn enter(&self, caller: &Caller) -> Result<(), ApiError> {
        let lane = match caller {
            Caller::Platform(_) => Lane::Platform,
            Caller::Tenant(principal) => Lane::Tenant(principal.tenant),
        };
        self.held.hold(self.state.admission.enter(lane).await.map_err(|_| ApiError::full())?);
        Ok(())
    }

    /// Gives the place back: from now on the caller only waits.
    pub(super) fn leave(&self) {
        self.held.release();
    }

    /// Who calls, if they may at this moment.
    pub(super) async fn let_in(&self) -> Result<Caller, ApiError> {
        let caller = identify(&self.state, &self.headers, &self.sender).await?;
        admit(&self.state, caller, &self.sender, &self.scope, self.slug.as_deref()).await
    }
}

/// Who calls. What is refused is noted for the tenant whose token it is, or else for operators.
async fn identify(state: &ApiState, headers: &HeaderMap, sender: &Sender) -> Result<Caller, ApiError> {
    let (error, refusal) = match presented(headers) {
        None => (no_token(), None),
        Some(presented) => match state.tokens.identify(&presented, sender).await {
            Ok(caller) => return Ok(caller),
            Err(refusal) => (refused(&refusal), Some(refusal)),
        },
    };
    let base_url = state.public_url.origin().ascii_serialization() + "/api/v1";
    let attempt = Attempt { slug: None, base_url: &base_url, sent: state.tokens.sent_in(headers), sender };
    let because = refusal.as_ref().map_or(Because::Unusable, Because::Refusal);
    match state.tokens.refuse(attempt, because).await {
        Verdict::Refuse => Err(error),
        Verdict::TooMany => Err(ApiError::new(
            StatusCode::TOO_MANY_REQUESTS,
            "Too many wrong tokens have come from this address, and this one is wrong, too. A valid one is let in at once.",
        )),
    }
}

/// Lets in who may.
async fn admit(
    state: &ApiState,
    caller: Caller,
    sender: &Sender,
    scope: &str,
    slug: Option<&str>,
) -> Result<Caller, ApiError> {
    match &caller {
        Caller::Platform(principal) => {
            if !principal.may(scope) {
                return Err(lacks(scope));
            }
            state.tokens.note_platform_use(principal, &sender.line());
        }
        Caller::Tenant(principal) => {
            admit_tenant(state, principal, scope, slug).await?;
            state.tokens.note_use(principal, &sender.line());
        }
    }
    Ok(caller)
}

/// A tenant's token reads its own tenant's directory, and says which events are done; nothing else.
async fn admit_tenant(
    state: &ApiState,
    principal: &Principal,
    scope: &str,
    slug: Option<&str>,
) -> Result<(), ApiError> {
    if !scopes::TENANT.contains(&scope) || !principal.may(scope) {
        return Err(lacks(scope));
    }
    if principal.user.is_some() {
        return Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "This token is bound to one user: it reaches /Me of SCIM alone. Use a token that is bound to nobody.",
        ));
    }
    let tenant = state.tenants.by_id(principal.tenant).await?.ok_or_else(ApiError::no_tenant)?;
    if !tenant.profile.credentials.contains(&principal.kind) {
        return Err(invalid_token());
    }
    if slug != Some(tenant.row.slug.as_str()) {
        return Err(ApiError::no_tenant());
    }
    if !state.tenants.settled(tenant).await?.is_active() {
        return Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "This tenant is not active; it has to be activated before its tokens are taken.",
        ));
    }
    Ok(())
}

/// The one bearer token of a request; two credentials count as none.
fn presented(headers: &HeaderMap) -> Option<Presented> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next()?;
    if values.next().is_some() {
        return None;
    }
    authorization::parse(value.to_str().ok()?).filter(|presented| matches!(presented, Presented::Bearer(_)))
}

fn no_token() -> ApiError {
    let detail = "Send one token of this installation as Authorization: Bearer <token>.";
    ApiError::new(StatusCode::UNAUTHORIZED, detail).challenged("Bearer realm=\"rollcall\"".to_owned())
}

/// The same for all, so that nobody learns which tokens there are.
fn invalid_token() -> ApiError {
    let detail = "The token is not valid here. Check that it is whole and has neither expired nor been revoked, or make \
                  another one.";
    ApiError::new(StatusCode::UNAUTHORIZED, detail)
        .challenged("Bearer realm=\"rollcall\", error=\"invalid_token\"".to_owned())
}

fn lacks(scope: &str) -> ApiError {
    let detail = match scope {
        scopes::DIRECTORY_READ | scopes::RECEIPTS_WRITE => {
            format!("This token lacks the scope {scope}; use one that holds it.")
        }
        _ => format!(
            "This token lacks the scope {scope}, which only a token of the installation can hold (rollcall token create \
             --platform); use one that holds it."
        ),
    };
    let challenge = format!("Bearer realm=\"rollcall\", error=\"insufficient_scope\", scope=\"{scope}\"");
    ApiError::new(StatusCode::FORBIDDEN, detail).challenged(challenge)
}

fn refused(refusal: &Refusal) -> ApiError {
    match refusal {
        Refusal::Unavailable(error) => {
            tracing::error!(%error, "tokens cannot be checked");
            ApiError::busy()
        }
        Refusal::Busy => ApiError::new(
            StatusCode::TOO_MANY_REQUESTS,
            "Too many credentials are being checked at once. Try again in a few seconds.",
        ),
        refusal => {
            tracing::info!(reason = %refusal, "refused at /api/v1");
            invalid_token()
        }
    }
}

/// Is this kind of credential one that the tenant's profile takes? The error names the field of the request.
pub(super) fn takes(tenant: &provisioning::Tenant, kind: CredentialKind) -> Result<(), ApiError> {
    if tenant.profile.credentials.contains(&kind) {
        return Ok(());
    }
    let taken: Vec<String> = tenant.profile.credentials.iter().map(|kind| super::view::word(*kind)).collect();
    let (title, kind, taken) = (&tenant.profile.title, super::view::word(kind), taken.join(", "));
    Err(ApiError::unfit("kind", format!("kind: the profile {title} does not take {kind}; it takes {taken}")))
}
