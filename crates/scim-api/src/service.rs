//! The way of one request: id, host, address, then either SCIM or whatever else the server offers.

use std::{
    any::Any,
    convert::Infallible,
    future::Future,
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant as Moment},
};

use admission::Lane;
use axum::{Router, body::Body, extract::Request, response::Response};
use bytes::Bytes;
use futures::{FutureExt as _, stream};
use http::{HeaderValue, Method, StatusCode, header};
use scim_core::ScimError;
use telemetry::{
    requests::{self, Counted},
    spans::RequestSpan,
};
use tokio::time::Instant;
use tower::ServiceExt as _;
use tracing::{Instrument as _, Span, field};

use crate::{
    Address, Origins, RequestId, ScimState,
    address::host_name,
    answer,
    aside::{self, Load},
    call::Call,
    caller::{self, Door},
    error_response,
    query::Params,
    rate_limit::RateLimit,
    record::Record,
    request_id,
    routes::{self, Answer, Found},
};

/// Longest time that an endpoint may take: Okta gives up after 60 s.
const TIME_LIMIT: Duration = Duration::from_secs(55);

/// Serves every address form of [`crate::address`]. Anything that is not a SCIM address goes to `other`
/// (console, health, …); a request to a tenant's own host never does.
///
/// Each request gets an id ([`RequestId`], an extension and `x-request-id`), which each answer carries. A SCIM address
/// answers with SCIM JSON whatever happens: no credential, no such route, a fault, a panic, too much time.
pub fn service(state: ScimState, other: Router) -> Router {
    let origins = Origins::new(state.public_url.clone(), state.tenant_domain.as_deref());
    let rate_limit = RateLimit::new(state.rate_limit);
    let front = Arc::new(Front { state, origins, rate_limit, other });
    Router::new().fallback(move |request: Request| {
        let front = Arc::clone(&front);
        async move { front.serve(request).await }
    })
}

struct Front {
    state: ScimState,
    origins: Origins,
    rate_limit: RateLimit,
    other: Router,
}

impl Front {
    async fn serve(&self, mut request: Request) -> Response {
        let id = RequestId::of(request.headers());
        let id_header = HeaderValue::from_str(id.as_str()).ok();
        if let Some(value) = id_header.clone() {
            request.headers_mut().insert(request_id::HEADER, value);
        }
        request.extensions_mut().insert(id.clone());
        if let Some(span) = request.extensions().get::<RequestSpan>() {
            span.id(id.as_str());
        }

        let mut response = match host_of(&request) {
            Err(error) => error_response(&error, Some(id.as_str())),
            Ok(host) => match self.address(host, request.uri().path()).await {
                Some(address) => self.scim(address, id, request).await,
                None => self.other.clone().oneshot(request).await.unwrap_or_else(|never| match never {}),
            },
        };
        if let Some(value) = id_header {
            response.headers_mut().insert(request_id::HEADER, value);
        }
        response
    }

    /// What host and path name. While host names cannot be looked up each is as good as any other: the credential still
    /// names the tenant, or the path does.
    async fn address(&self, host: Option<String>, path: &str) -> Option<Address> {
        if let Some(host) = host.as_deref() {
            match self.state.tenants.slug_of_host(host).await {
                Ok(Some(slug)) => return Some(Address::on_domain(host.to_owned(), &slug, path)),
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, "host names of tenants cannot be looked up now"),
            }
        }
        Address::parse(&self.origins, host.as_deref(), path)
    }

    async fn scim(&self, address: Address, id: RequestId, request: Request) -> Response {
        let span = tracing::info_span!(
            "scim",
            request_id = id.as_str(),
            tenant = field::Empty,
            route = field::Empty,
            status = field::Empty,
        );
        let is_head = request.method() == Method::HEAD;
        let (begun, deadline) = (Moment::now(), Instant::now() + TIME_LIMIT);
        let (mut told, mut record) = (Told::of(request.method()), None);
        let work = self.answer(address, id.as_str(), request, deadline, &mut told, &mut record);
        let answer = contain(deadline, work).instrument(span.clone()).await;
        let mut response = answer.unwrap_or_else(|error| error_response(&error, Some(id.as_str())));
        span.record("status", response.status().as_u16());
        answer::guard(&mut response);
        requests::answered(told.0, response.status().as_u16(), begun.elapsed());
        if let Some(record) = record {
            response = record.hand_over(&self.state.journal, id.as_str(), begun, response).await;
        }
        if is_head { without_body(response) } else { response }
    }

    /// Caller first, route second: whoever has no credential learns nothing, not even which routes there are. `record`:
    /// what the journal is told of a request whose caller is known, however it ends; `told`: what operators are.
    async fn answer(
        &self,
        address: Address,
        request_id: &str,
        request: Request,
        deadline: Instant,
        Told(counted): &mut Told,
        record: &mut Option<Record>,
    ) -> Answer {
        let (parts, mut body) = request.into_parts();
        let trace = parts.extensions.get::<RequestSpan>();
        let door = Door {
            state: &self.state,
            origins: &self.origins,
            address: &address,
            headers: &parts.headers,
            sender: &caller::sender(&self.state, &parts.headers, &parts.extensions),
        };
        let caller = door.identify().await?;
        let span = Span::current();
        span.record("tenant", caller.tenant.row.slug.as_str());
        counted.tenant_class = caller.tenant.profile.class();
        if let Some(trace) = trace {
            trace.tenant(&caller.tenant.row.slug);
        }
        if self.state.journal.is_open() {
            let (begun, copied) = Record::begin(&caller, &parts, &address.rest, body);
            (*record, body) = (Some(begun), copied);
        }

        let own = caller.tenant.row.rate_limit;
        if let Err(too_many) = self.rate_limit.check(caller.tenant.id(), own, request_id) {
            self.state.admission.turn_away().await;
            return Ok(*too_many);
        }

        let found = if address.has_endpoint() {
            routes::find(&parts.method, &address.rest)
        } else {
            Found::Nothing(None)
        };
        let (route, id) = match found {
            Found::Route(route, id) => (route, id),
            Found::OtherMethods(allow) => return Ok(other_methods(&allow, request_id)),
            Found::Nothing(hint) => return Err(no_route(hint)),
        };
        span.record("route", route.name());
        counted.route = route.template;
        if let Some(trace) = trace {
            trace.route(counted.method, route.template);
        }
        if let Some(record) = record {
            (record.route, record.id) = (route.path, id.clone());
        }
        door.require(&caller.principal, route).await?;

        // Whoever sends a small body slowly takes up no place; a large one is not read without one.
        let body = aside::small(&parts.headers, body).await?;
        let entered = self.state.admission.enter(Lane::Tenant(caller.tenant.id())).await;
        let _place = entered.map_err(|_| ScimError::new(503, "no place"))?;
        let load = if route.is_long() { Load::Light(body) } else { Load::of(&parts.headers, body).await? };
        let context = Call::context_of(&caller, request_id);
        let call = Call {
            state: self.state.clone(),
            caller,
            context,
            base_url: address.base_url(&self.origins),
            id,
            params: Params::from_url(parts.uri.query())?,
            headers: parts.headers,
            deadline,
        };
        load.carry_out(|body| (route.handler)(call, body)).await
    }
}

/// What operators are told of a request, as far as it is known.
struct Told(Counted);

impl Told {
    fn of(method: &Method) -> Self {
        let method = requests::method(method.as_str());
        Self(Counted { method, route: requests::NO_ROUTE, tenant_class: requests::NO_TENANT })
    }
}

/// The host that a request is for: of the request target (HTTP/2, absolute form) or of `Host`. Where several are
/// given they must agree (RFC 9112 §3.2), since the host may name a tenant.
fn host_of(request: &Request) -> Result<Option<String>, ScimError> {
    let target = request.uri().authority().map(|authority| Some(authority.as_str()));
    let headers = request.headers().get_all(header::HOST).iter().map(|value| value.to_str().ok());
    let mut hosts = target.into_iter().chain(headers);
    let Some(first) = hosts.next() else { return Ok(None) };
    match first.map(host_name) {
        Some(host) if hosts.all(|other| other.map(host_name).as_ref() == Some(&host)) => Ok(Some(host)),
        _ => Err(ScimError::new(400, "The request names no host, or several; name one in Host.")),
    }
}

/// Runs the work of one request so that neither a panic nor endless waiting gets out.
async fn contain(deadline: Instant, work: impl Future<Output = Answer>) -> Answer {
    tokio::time::timeout_at(deadline, without_panic(work)).await.unwrap_or_else(|_| {
        tracing::error!("an endpoint took too long");
        Err(ScimError::new(504, "time limit"))
    })
}

/// Runs work so that a panic becomes a 500.
pub(crate) async fn without_panic<T>(
    work: impl Future<Output = Result<T, ScimError>>,
) -> Result<T, ScimError> {
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|panic| {
        tracing::error!(panic = panic_text(&*panic), "an endpoint panicked");
        Err(ScimError::new(500, answer::FAULT))
    })
}

/// What a panic said, where that is a constant of the program; a formatted one could quote personal data.
fn panic_text(panic: &(dyn Any + Send)) -> &'static str {
    panic.downcast_ref::<&'static str>().copied().unwrap_or("(formatted text)")
}

fn other_methods(allow: &str, request_id: &str) -> Response {
    let error = ScimError::new(405, format!("This method is not offered here; offered are {allow}."));
    let mut response = error_response(&error, Some(request_id));
    if let Ok(allow) = HeaderValue::from_str(allow) {
        response.headers_mut().insert(header::ALLOW, allow);
    }
    response
}

fn no_route(hint: Option<&str>) -> ScimError {
    match hint {
        Some(path) => {
            ScimError::new(404, format!("No such endpoint; paths regard case, perhaps {path} was meant."))
        }
        None => ScimError::new(
            404,
            "No such endpoint; the base URL is followed by /Users, /Groups, /ServiceProviderConfig, /Schemas or \
             /ResourceTypes. Its end is part of it, such as /scim/v2: take it whole from the tenant's set-up page.",
        ),
    }
}

/// The answer to HEAD: the headers of GET, the length included where it is known (RFC 9110 §9.3.2).
fn without_body(mut response: Response) -> Response {
    let length = axum::body::HttpBody::size_hint(response.body()).exact();
    let has_length = !matches!(response.status(), StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    // The server would write the length of an empty body where that of the real one is not known.
    let unread = stream::empty::<Result<Bytes, Infallible>>();
    *response.body_mut() = if length.is_some() { Body::empty() } else { Body::from_stream(unread) };
    if let Some(length) = length.filter(|_| has_length) {
        response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(uri: &str, hosts: &[&str]) -> Result<Option<String>, u16> {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = uri.parse().expect("a URI");
        for host in hosts {
            let value = HeaderValue::from_bytes(host.as_bytes()).expect("a header value");
            request.headers_mut().append(header::HOST, value);
        }
        host_of(&request).map_err(|error| error.status)
    }

    #[test]
    fn hosts_must_agree() {
        assert_eq!(host("/scim", &[]), Ok(None));
        assert_eq!(host("/scim", &["A.example:1"]), Ok(Some("a.example".into())));
        assert_eq!(host("http://a.example/scim", &[]), Ok(Some("a.example".into())));
        assert_eq!(
            host("http://a.example/scim", &["a.example:80", "A.example."]),
            Ok(Some("a.example".into()))
        );
        assert_eq!(host("http://a.example/scim", &["b.example"]), Err(400));
        assert_eq!(host("/scim", &["a.example", "b.example"]), Err(400));
        assert_eq!(host("/scim", &["é"]), Err(400));
    }

    #[tokio::test]
    async fn a_panic_is_a_500() {
        let answer = contain(Instant::now() + TIME_LIMIT, async { panic!("on purpose") }).await;
        assert_eq!(answer.expect_err("contained").status, 500);
    }

    #[tokio::test]
    async fn endless_work_is_a_504() {
        let answer = contain(Instant::now() + Duration::from_millis(5), std::future::pending()).await;
        assert_eq!(answer.expect_err("contained").status, 504);
    }

    #[test]
    fn head_does_not_ask_a_stream_for_anything() {
        let pieces =
            futures::stream::poll_fn(|_| -> std::task::Poll<Option<Result<String, std::io::Error>>> {
                panic!("the body of an answer to HEAD was read")
            });
        let response = without_body(Response::new(Body::from_stream(pieces)));
        assert!(!response.headers().contains_key(header::CONTENT_LENGTH));
        assert_eq!(axum::body::HttpBody::size_hint(response.body()).exact(), None);
    }

    #[test]
    fn head_keeps_the_length() {
        let mut response = Response::new(Body::from("12345"));
        response = without_body(response);
        assert_eq!(response.headers()["content-length"], "5");
        assert_eq!(axum::body::HttpBody::size_hint(response.body()).exact(), Some(0));
    }
}
