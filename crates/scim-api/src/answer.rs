//! Answers: SCIM JSON with its headers, and every error in SCIM's form (RFC 7644 §3.12).

use axum::{body::Body, response::Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use provisioning::Rendered;
use scim_core::ScimError;
use serde_json::Value;

use crate::{request_id, streaming::Text};

/// Media type of every body (RFC 7644 §8.1); the charset parameter is what Okta's documentation shows.
pub(crate) const CONTENT_TYPE: HeaderValue = HeaderValue::from_static("application/scim+json;charset=utf-8");

/// Seconds after which a client may try again when the server was busy.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("5");

/// `detail` of every 500: what went wrong is in the log, under the request id.
pub(crate) const FAULT: &str = "The server could not carry out the request. Nothing is wrong with the request itself; if it \
                     happens again, give the request id to whoever runs the server.";

/// `detail` of every 503.
const BUSY: &str =
    "The server is busy or its database cannot be reached. Try again after the time in Retry-After.";

/// `detail` of every 504.
const UNKNOWN: &str = "The request was begun and its end is not known: it was carried out as a whole, or not at all. Read the \
                       resource, or send the request again.";

/// The challenges of every 401: the same for every address, so that they tell nothing about a tenant
/// (RFC 9110 §11.6.1, RFC 6750 §3, RFC 7617 §2.1). A field each, for clients that read only the first scheme of one.
const CHALLENGES: [HeaderValue; 2] = [
    HeaderValue::from_static("Bearer realm=\"SCIM\""),
    HeaderValue::from_static("Basic realm=\"SCIM\", charset=\"UTF-8\""),
];

/// A SCIM error as an HTTP answer, for SCIM addresses and for fall-backs elsewhere. 401 carries `WWW-Authenticate`,
/// 429 and 503 `Retry-After`; the text of a 500, 502, 503 or 504 is replaced by a constant one.
#[must_use]
pub fn error_response(error: &ScimError, request_id: Option<&str>) -> Response {
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = match status {
        StatusCode::NOT_IMPLEMENTED => error.to_json(request_id),
        StatusCode::SERVICE_UNAVAILABLE => ScimError::new(503, BUSY).to_json(request_id),
        StatusCode::GATEWAY_TIMEOUT => ScimError::new(504, UNKNOWN).to_json(request_id),
        status if status.is_server_error() => ScimError::new(status.as_u16(), FAULT).to_json(request_id),
        _ => error.to_json(request_id),
    };
    let mut response = json(status, &body);
    let headers = response.headers_mut();
    match status {
        StatusCode::UNAUTHORIZED => {
            for challenge in CHALLENGES {
                headers.append(header::WWW_AUTHENTICATE, challenge);
            }
        }
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            headers.insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        _ => {}
    }
    if let Some(id) = request_id.and_then(|id| HeaderValue::from_str(id).ok()) {
        headers.insert(request_id::HEADER, id);
    }
    guard(&mut response);
    response
}

/// A JSON body.
pub(crate) fn json(status: StatusCode, body: &Value) -> Response {
    with_body(status, Body::from(body.to_string()))
}

/// A JSON body that is written while its members are being read: of unknown length.
pub(crate) fn streamed(status: StatusCode, text: Text) -> Response {
    with_body(status, text.into_body())
}

fn with_body(status: StatusCode, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, CONTENT_TYPE);
    response
}

/// A whole resource with `Location` and `ETag` (RFC 7644 §3.1, §3.14).
pub(crate) fn resource(status: StatusCode, rendered: &Rendered) -> Response {
    let mut response = match &rendered.more_members {
        None => with_body(status, Body::from(rendered.body.clone().into_text())),
        Some(more) => {
            let mut text = Text::default();
            text.resource(&rendered.body, Some(more.clone()));
            streamed(status, text)
        }
    };
    name_resource(&mut response, rendered);
    response
}

/// The headers of a resource without its body: 204 to a PATCH, 304 to a GET.
pub(crate) fn resource_without_body(status: StatusCode, rendered: &Rendered) -> Response {
    let mut response = empty(status);
    name_resource(&mut response, rendered);
    response
}

/// No body.
pub(crate) fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

fn name_resource(response: &mut Response, rendered: &Rendered) {
    let mut set = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    };
    set(header::LOCATION, &rendered.location);
    set(header::ETAG, &rendered.etag);
}

/// Headers of every answer: personal data is kept by no cache and taken for nothing but JSON.
pub(crate) fn guard(response: &mut Response) {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;
    use scim_core::ScimType;

    use super::*;

    async fn body(response: Response) -> Value {
        let bytes = response.into_body().collect().await.expect("a body").to_bytes();
        serde_json::from_slice(&bytes).expect("JSON")
    }

    #[tokio::test]
    async fn errors_are_scim_json() {
        let error = ScimError::bad_request(ScimType::InvalidFilter, "no");
        let response = error_response(&error, Some("r-1"));
        assert_eq!(response.status(), 400);
        assert_eq!(response.headers()["content-type"], "application/scim+json;charset=utf-8");
        assert_eq!(response.headers()["x-request-id"], "r-1");
        assert_eq!(response.headers()["cache-control"], "no-store");
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        let body = body(response).await;
        assert_eq!(body["schemas"][0], "urn:ietf:params:scim:api:messages:2.0:Error");
        assert_eq!(body["status"], "400");
        assert_eq!(body["scimType"], "invalidFilter");
        assert_eq!(body["detail"], "no (request id r-1)");
    }

    #[tokio::test]
    async fn faults_keep_their_cause_to_themselves() {
        for status in [500, 502, 42] {
            let response = error_response(&ScimError::new(status, "table users is gone"), None);
            assert!(response.status().is_server_error());
            assert_eq!(body(response).await["detail"], FAULT);
        }
        let response = error_response(&ScimError::new(503, "pool timed out"), None);
        assert_eq!(response.headers()["retry-after"], "5");
        assert_eq!(body(response).await["detail"], BUSY);
        let response = error_response(&ScimError::new(504, "the connection broke"), None);
        assert_eq!(body(response).await["detail"], UNKNOWN);
        let response = error_response(&ScimError::new(501, "No /Me here."), None);
        assert_eq!(body(response).await["detail"], "No /Me here.");
    }

    #[test]
    fn refusals_challenge() {
        let response = error_response(&ScimError::new(401, "no"), None);
        let challenges: Vec<_> = response.headers().get_all("www-authenticate").iter().collect();
        assert_eq!(challenges, ["Bearer realm=\"SCIM\"", "Basic realm=\"SCIM\", charset=\"UTF-8\""]);
    }
}
