//! What stands around all pages: request id, host, security headers, error pages, sign-in.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use tower_http::request_id::RequestId as TowerRequestId;
use tower_sessions::Session;
use url::{Host, Url};

use crate::{
    ConsoleState,
    error::PageError,
    extract::{Operator, RequestId},
    pager, session,
};

/// No inline script or style, nothing from elsewhere, no framing.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      font-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; \
                      base-uri 'none'";
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Outermost: gives the request an id, refuses foreign hosts, adds the headers, and turns errors into pages.
pub(crate) async fn frame(State(state): State<ConsoleState>, mut request: Request, next: Next) -> Response {
    let id = request_id(&request);
    request.extensions_mut().insert(RequestId(id.clone()));
    let mut response = if host_fits(&request, &state.public_url) {
        next.run(request).await
    } else {
        PageError::WrongHost(state.public_url.join("/console/").map(String::from).unwrap_or_default())
            .into_response()
    };
    if let Some(error) = response.extensions_mut().remove::<PageError>() {
        let operator = response.extensions_mut().remove::<Operator>().map(|operator| operator.email);
        let mut headers = std::mem::take(response.headers_mut());
        response = error.page(operator, &id);
        // What was set on the way out stays (cookies, redirects of htmx); what describes the body is the page's.
        headers.remove(header::CONTENT_LENGTH);
        headers.extend(response.headers().clone());
        *response.headers_mut() = headers;
    }
    secure(response.headers_mut(), &id);
    response
}

fn request_id(request: &Request) -> String {
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

/// Is the request for the public URL's host? Ports do not matter: they cannot be forged into another site's reach
/// without the host. On a loopback public URL every loopback name is the same machine.
fn host_fits(request: &Request, public: &Url) -> bool {
    let asked = request
        .uri()
        .authority()
        .map(|authority| authority.host().to_owned())
        .or_else(|| {
            let text = request.headers().get(header::HOST)?.to_str().ok()?;
            Some(text.parse::<http::uri::Authority>().ok()?.host().to_owned())
        })
        .and_then(|host| Host::parse(&host).ok());
    match (asked, public.host().map(|host| host.to_owned())) {
        (Some(asked), Some(public)) => asked == public || (is_loopback(&asked) && is_loopback(&public)),
        _ => false,
    }
}

fn is_loopback(host: &Host<String>) -> bool {
    match host {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

/// In front of all pages that are not open: without a signed-in operator, reading leads to sign-in and changing is
/// refused.
pub(crate) async fn require_operator(
    State(state): State<ConsoleState>,
    session: Session,
    mut request: Request,
    next: Next,
) -> Response {
    match operator(&state, &session).await {
        Ok(Some(operator)) => {
            request.extensions_mut().insert(operator.clone());
            let mut response = next.run(request).await;
            // An error page keeps the header of the signed-in console.
            response.extensions_mut().insert(operator);
            response
        }
        Ok(None) => to_sign_in(&request),
        Err(error) => error.into_response(),
    }
}

async fn operator(state: &ConsoleState, session: &Session) -> Result<Option<Operator>, PageError> {
    let Some(signed_in) = session::current(session).await? else { return Ok(None) };
    let admin = state.store.platform().admin_by_id(signed_in.admin).await?;
    Ok(admin.map(|admin| Operator { id: admin.id, email: admin.email }))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(host: &str, public: &str) -> bool {
        let request =
            Request::builder().uri("/console/").header("host", host).body(axum::body::Body::empty());
        host_fits(&request.expect("request"), &Url::parse(public).expect("url"))
    }

    #[test]
    fn only_the_public_host_is_served() {
        assert!(fits("rollcall.example.com", "https://rollcall.example.com"));
        assert!(fits("Rollcall.Example.com:8443", "https://rollcall.example.com"));
        assert!(fits("localhost:8080", "http://127.0.0.1:9000"));
        assert!(fits("[::1]:8080", "http://127.0.0.1:9000"));
        assert!(!fits("evil.example", "http://127.0.0.1:9000"));
        assert!(!fits("localhost", "https://rollcall.example.com"));
        assert!(!fits("acme.rollcall.example.com", "https://rollcall.example.com"));
        assert!(!fits("rollcall.example.com@evil.example/", "https://rollcall.example.com"));
    }
}
