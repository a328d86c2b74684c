//! What stands around all pages: request id, host, security headers, error pages, sign-in.

use std::net::SocketAddr;

use admission::Lane;
use axum::{
    Extension,
    extract::{ConnectInfo, FromRequestParts, RawPathParams, Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Redirect, Response},
    routing::MethodRouter,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use token_service::Sender;
use tower_http::request_id::RequestId as TowerRequestId;
use tower_sessions::Session;

use crate::{
    ConsoleState, SecondFactor,
    error::PageError,
    extract::{Origin, Person, RequestId},
    guest, pager,
    pages::second_factor,
    rights::{Named, Right, Verdict},
    session::{How, Sittings},
};

/// No inline script or style, nothing from elsewhere, no framing.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      font-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; \
                      base-uri 'none'";
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Outermost: gives the request an id, refuses foreign hosts, adds the headers, and turns errors into pages.
pub(crate) async fn frame(State(state): State<ConsoleState>, mut request: Request, next: Next) -> Response {
    let id = request_id(&request);
    let of_guest = request.uri().path().starts_with("/setup");
    request.extensions_mut().insert(RequestId(id.clone()));
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
    let sender = Sender::of(request.headers(), peer, &state.trusted_proxies);
    request.extensions_mut().insert(sender);
    let mut response = if token_service::host::fits(request.uri(), request.headers(), &state.public_url) {
        next.run(request).await
    } else {
        PageError::WrongHost(state.public_url.join("/console/").map(String::from).unwrap_or_default())
            .into_response()
    };
    if let Some(error) = response.extensions_mut().remove::<PageError>() {
        let person = response.extensions_mut().remove::<Person>();
        let mut headers = std::mem::take(response.headers_mut());
        response = error.page(person.as_ref(), of_guest, &id);
        // What was set on the way out stays (cookies, redirects of htmx); what describes the body is the page's.
        headers.remove(header::CONTENT_LENGTH);
        headers.extend(response.headers().clone());
        *response.headers_mut() = headers;
    }
    secure(response.headers_mut(), &id);
    response
}

pub(crate) fn request_id(request: &Request) -> String {
    request
        .extensions()
        .get::<TowerRequestId>()
        .and_then(|id| id.header_value().to_str().ok().map(str::to_owned))
        .unwrap_or_else(|| uuid::Uuid::now_v7().to_string())
}

fn secure(headers: &mut HeaderMap, id: &str) {
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if let Ok(value) = HeaderValue::from_str(id) {
        headers.entry(REQUEST_ID).or_insert(value);
    }
}

/// A route that only those reach who have the right to it.
pub(crate) fn with_right(
    route: MethodRouter<ConsoleState>,
    state: &ConsoleState,
    right: Right,
) -> MethodRouter<ConsoleState> {
    if right == Right::Anybody {
        return route;
    }
    if right == Right::Guest {
        return route.layer(middleware::from_fn_with_state(state.clone(), guest::require));
    }
    route.layer(middleware::from_fn_with_state((state.clone(), right), require))
}

/// In front of all pages that are not open: without a session, reading leads to sign-in and changing is refused.
async fn require(
    State((state, right)): State<(ConsoleState, Right)>,
    Extension(sittings): Extension<Sittings>,
    session: Session,
    Origin(sender): Origin,
    request: Request,
    next: Next,
) -> Response {
    let Ok(_place) = state.admission.enter(Lane::Console).await else {
        return PageError::Busy.into_response();
    };
    let (mut parts, body) = request.into_parts();
    let person = match sittings.person(&state.store, &session, &sender).await {
        Ok(Some(person)) => person,
        Ok(None) => return to_sign_in(&Request::from_parts(parts, body)),
        Err(error) => return PageError::from(error).into_response(),
    };
    if lacks_second_factor(state.second_factor, &person) && !is_on_the_way(parts.uri.path()) {
        let mut response = to_second_factor(&parts);
        response.extensions_mut().insert(person);
        return response;
    }
    let named = match RawPathParams::from_request_parts(&mut parts, &()).await {
        Ok(parameters) => named(&state, &parameters).await,
        // Not the text that it should be: an address of nothing.
        Err(_) => Ok(Named::Unknown),
    };
    let mut response = match named.map(|named| right.verdict(&person.admin, named)) {
        Ok(Verdict::Granted) => {
            parts.extensions.insert(person.clone());
            next.run(Request::from_parts(parts, body)).await
        }
        Ok(Verdict::NotThere) => PageError::NotFound.into_response(),
        Ok(Verdict::NotYours) => PageError::NotYours(person.admin.role).into_response(),
        Err(error) => error.into_response(),
    };
    // An error page keeps the header of the signed-in console.
    response.extensions_mut().insert(person);
    response
}

/// The tenant that the address of a page names.
async fn named(state: &ConsoleState, parameters: &RawPathParams) -> Result<Named, PageError> {
    let Some((_, slug)) = parameters.iter().find(|(name, _)| *name == "slug") else {
        return Ok(Named::Nobody);
    };
    Ok(state.tenants.by_slug(slug).await?.map_or(Named::Unknown, |tenant| Named::Tenant(tenant.id())))
}

/// Must they set up a second factor before they see anything?
pub(crate) fn lacks_second_factor(rule: SecondFactor, person: &Person) -> bool {
    let sitting = person.sitting.as_ref();
    rule == SecondFactor::Required
        && sitting.is_some_and(|sitting| sitting.how == How::Password && !sitting.second_factor)
}

/// Does the address belong to the way of setting it up, or out?
fn is_on_the_way(path: &str) -> bool {
    path.starts_with(second_factor::PATH) || path == "/console/sign-out"
}

fn to_second_factor(parts: &http::request::Parts) -> Response {
    if parts.headers.contains_key("hx-request") || parts.method != Method::GET && parts.method != Method::HEAD
    {
        let mut response = PageError::SecondFactorFirst.into_response();
        response.headers_mut().insert("hx-redirect", HeaderValue::from_static(second_factor::PATH));
        return response;
    }
    Redirect::to(second_factor::PATH).into_response()
}

fn to_sign_in(request: &Request) -> Response {
    let page = request.uri().path_and_query().map_or("/console/", http::uri::PathAndQuery::as_str);
    if request.headers().contains_key("hx-request") {
        // A part of a page would be replaced by the sign-in form: let the whole page go there.
        let mut response = PageError::SignedOut.into_response();
        response.headers_mut().insert("hx-redirect", HeaderValue::from_static("/console/sign-in"));
        return response;
    }
    if *request.method() != Method::GET && *request.method() != Method::HEAD {
        return PageError::SignedOut.into_response();
    }
    let target = if page == "/console/" { "" } else { page };
    Redirect::to(&pager::link("/console/sign-in", &[("next", target)])).into_response()
}
