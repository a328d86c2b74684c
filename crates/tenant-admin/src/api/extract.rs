//! What handlers take from a request; what cannot be read becomes a problem document.

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Request, rejection},
    http::request::Parts,
};
use http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use store::{Actor, ActorKind, ChangeContext};
use token_service::{PlatformPrincipal, platform::Caller};

use super::problem::ApiError;
use crate::extract::RequestId;

/// Parameters in the path.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(ApiError))]
pub(super) struct Segments<T>(pub(super) T);

/// Query parameters.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(ApiError))]
pub(super) struct Parameters<T>(pub(super) T);

/// A JSON body. None at all counts as `{}`.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let is_json = is_json(request.headers());
        let bytes = Bytes::from_request(request, state).await?;
        if bytes.is_empty() {
            return read(b"{}").map(Self);
        }
        if !is_json {
            return Err(ApiError::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "Send the body as JSON, with Content-Type: application/json.",
            ));
        }
        read(&bytes).map(Self)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// For a field in which null means something else than nothing at all: what is there is `Some`, null too.
pub(super) fn named<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    json: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(json).map(Some)
}

/// For a field that is left out or holds something: null does not fit.
pub(super) fn there<'de, T: Deserialize<'de>, D: Deserializer<'de>>(json: D) -> Result<Option<T>, D::Error> {
    T::deserialize(json).map(Some)
}

/// Reads a body: 400 for what is no JSON, 422 for what does not fit, with the field.
fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        if inner.is_data() { unfit(&path, &inner) } else { no_json(&inner) }
    })?;
    json.end().map_err(|error| no_json(&error))?;
    Ok(value)
}

/// Reads what was read as JSON already: 422 for what does not fit, with the field.
pub(super) fn of_value<T: DeserializeOwned>(json: serde_json::Value) -> Result<T, ApiError> {
    serde_path_to_error::deserialize(json).map_err(|error| {
        let path = error.path().to_string();
        unfit(&path, &error.into_inner())
    })
}

fn no_json(error: &serde_json::Error) -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, format!("The body is no JSON document: {error}."))
}

fn unfit(path: &str, error: &serde_json::Error) -> ApiError {
    let text = error.to_string();
    // The place in the text tells less than the field.
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text);
    // What is missing or unknown stands in the error alone: the path ends at what holds it.
    let quoted = ["missing field `", "unknown field `"].iter().find_map(|start| text.strip_prefix(start));
    let name = quoted.and_then(|rest| rest.split('`').next()).unwrap_or_default();
    let field = match (path, name) {
        ("" | ".", name) => name.to_owned(),
        (path, "") => path.to_owned(),
        (path, name) if path == name || path.ends_with(&format!(".{name}")) => path.to_owned(),
        (path, name) => format!("{path}.{name}"),
    };
    let error = ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, format!("The body does not fit: {text}."));
    if field.is_empty() { error } else { error.at(field) }
}

impl From<rejection::BytesRejection> for ApiError {
    fn from(rejection: rejection::BytesRejection) -> Self {
        match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => {
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, "The body is larger than this address takes.")
            }
            _ => Self::new(StatusCode::BAD_REQUEST, "The body did not arrive as a whole."),
        }
    }
}

impl From<rejection::PathRejection> for ApiError {
    fn from(_: rejection::PathRejection) -> Self {
        Self::not_found("The address holds something that names nothing here.")
    }
}

impl From<rejection::QueryRejection> for ApiError {
    fn from(rejection: rejection::QueryRejection) -> Self {
        Self::new(StatusCode::BAD_REQUEST, rejection.body_text())
    }
}

/// The vendor's application, where only a token of the installation is let in.
pub(super) struct Vendor {
    /// Who.
    pub(super) principal: PlatformPrincipal,
    request_id: String,
}

impl Vendor {
    /// Who and why, for a change.
    pub(super) fn context(&self) -> ChangeContext {
        ChangeContext {
            actor: Actor {
                kind: ActorKind::PlatformToken,
                id: self.principal.token.to_string(),
                name: self.principal.name.clone(),
            },
            cause: self.request_id.clone(),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Vendor {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let Some(Caller::Platform(principal)) = parts.extensions.get::<Caller>().cloned() else {
            return Err(ApiError::internal("a change without a token of the installation"));
        };
        let request_id = parts.extensions.get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
        Ok(Self { principal, request_id })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[serde(rename = "name")]
        _name: String,
        #[serde(rename = "list", default)]
        _list: Vec<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[serde(rename = "value")]
        _value: String,
    }

    #[tokio::test]
    async fn what_does_not_fit_is_named() {
        for (body, status, field) in [
            (r#"{"name": "x"}"#, 200, ""),
            (r#"{"name": 7}"#, 422, "name"),
            (r#"{}"#, 422, "name"),
            (r#"{"name": "x", "nmae": "y"}"#, 422, "nmae"),
            (r#"{"name": "x", "list": [{"value": "a"}, {"valeu": "b"}]}"#, 422, "list[1].valeu"),
            (r#"{"name": "x", "list": [{}]}"#, 422, "list[0].value"),
            (r#"{"name": "x", "list": 7}"#, 422, "list"),
            ("[]", 422, ""),
            ("{", 400, ""),
            ("{} x", 422, "name"),
            (r#"{"name": "x"} x"#, 400, ""),
            ("\u{feff}{}", 400, ""),
        ] {
            let found = match read::<Outer>(body.as_bytes()) {
                Ok(_) => (200, String::new()),
                Err(error) => {
                    let response = error.document("r");
                    let status = response.status().as_u16();
                    let body = axum::body::to_bytes(response.into_body(), 10_000).await.expect("a body");
                    let problem: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
                    (status, problem["field"].as_str().unwrap_or_default().to_owned())
                }
            };
            assert_eq!(found, (status, field.to_owned()), "{body}");
        }
    }

    #[test]
    fn json_has_several_names() {
        for (kind, expected) in [
            ("application/json", true),
            ("Application/JSON; charset=utf-8", true),
            ("application/merge-patch+json", true),
            ("text/plain", false),
            ("application/x-www-form-urlencoded", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, kind.parse().expect("a header value"));
            assert_eq!(is_json(&headers), expected, "{kind:?}");
        }
    }
}
