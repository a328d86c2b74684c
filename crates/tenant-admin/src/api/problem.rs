//! What can go wrong, as a problem document (RFC 9457). Handlers give an [`ApiError`]; the frame around all routes logs
//! what is a fault of ours, adds the request id and writes it.

use std::{borrow::Cow, sync::Arc};

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use provisioning::{configuration::ConfigurationError, directory::CreateTenantError};
use serde::Serialize;
use store::StoreError;
use token_service::{people::PeopleError, service::IssueError};
use utoipa::ToSchema;

/// Longest text for people, in characters: it may quote what was sent.
const LONGEST: usize = 600;

/// An error (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Problem {
    /// Always `about:blank`: the status says what kind of error it is.
    #[schema(example = "about:blank")]
    r#type: &'static str,
    /// The status in words.
    #[schema(example = "Unprocessable Entity")]
    title: String,
    /// The HTTP status.
    #[schema(example = 422)]
    status: u16,
    /// What was wrong and what to do, for people.
    detail: String,
    /// The field or parameter that was wrong, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// By this the request is found in the server's log.
    request_id: String,
}

/// Why a request was not done.
#[derive(Clone, Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    detail: Cow<'static, str>,
    field: Option<String>,
    /// `WWW-Authenticate` (RFC 6750 §3).
    challenge: Option<String>,
    /// For the log alone.
    reason: Option<Arc<str>>,
}

impl ApiError {
    /// An error with a text for people.
    pub(crate) fn new(status: StatusCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { status, detail: detail.into(), field: None, challenge: None, reason: None }
    }

    /// The same about a field.
    pub(crate) fn at(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// With a challenge (RFC 6750 §3).
    pub(crate) fn challenged(mut self, challenge: String) -> Self {
        self.challenge = Some(challenge);
        self
    }

    /// 404.
    pub(crate) fn not_found(detail: &'static str) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    /// 404 of a tenant that is not there, or not the caller's: they are not told which.
    pub(crate) fn no_tenant() -> Self {
        Self::not_found("There is no tenant of this slug.")
    }

    /// 405.
    pub(crate) fn method_not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "This address does not take that method; /api/v1/openapi.json lists what it takes.",
        )
    }

    /// 422 about a field.
    pub(crate) fn unfit(field: &str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail).at(field)
    }

    /// 422, or another status, of a text that begins with the field's name: `slug: use …`.
    fn told(status: StatusCode, text: String) -> Self {
        let field = text.split_once(": ").map(|(field, _)| field);
        let is_name = |name: &&str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let field = field.filter(is_name).map(|field| match field {
            "expiry" => "expiresIn".to_owned(),
            "property" => "properties".to_owned(),
            "networks" => "allowedFrom".to_owned(),
            "keys-url" => "keysUrl".to_owned(),
            "max-token-lifetime" => "maxTokenLifetime".to_owned(),
            "rate-limit" => "rateLimit".to_owned(),
            other => other.to_owned(),
        });
        Self { field, ..Self::new(status, text) }
    }

    /// 500, described for the log.
    pub(crate) fn internal(reason: impl std::fmt::Display) -> Self {
        let detail = "The server failed on this request. Give the request id to its operator.";
        let reason = Some(reason.to_string().into());
        Self { reason, ..Self::new(StatusCode::INTERNAL_SERVER_ERROR, detail) }
    }

    /// 503.
    pub(crate) fn busy() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "The database is busy or unreachable; nothing was changed. Try again in a few seconds.",
        )
    }

    /// 503 of a node that has more to do than it can.
    pub(crate) fn full() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "This server has more to do than it can; nothing was done. Try again after the seconds in Retry-After.",
        )
    }

    /// The document as an answer.
    pub(crate) fn document(self, request_id: &str) -> Response {
        if let Some(reason) = &self.reason {
            tracing::error!(request_id, %reason, "a request of /api/v1 failed");
        }
        let problem = Problem {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error").to_owned(),
            status: self.status.as_u16(),
            detail: self.detail.chars().take(LONGEST).collect(),
            field: self.field.map(|field| field.chars().take(LONGEST).collect()),
            request_id: request_id.to_owned(),
        };
        let mut response = (self.status, Json(problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(Ok(challenge)) = self.challenge.map(|text| HeaderValue::from_str(&text)) {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        if matches!(self.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}

/// Only carries the error to the frame, which knows the request.
impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Contended(_) | StoreError::Unavailable(_) | StoreError::Reconfigured => Self::busy(),
            StoreError::Stale => Self::new(
                StatusCode::CONFLICT,
                "Somebody else has changed this meanwhile, and nothing was changed here. Read it again and repeat.",
            ),
            other => Self::internal(other),
        }
    }
}

impl From<ConfigurationError> for ApiError {
    fn from(error: ConfigurationError) -> Self {
        match error {
            ConfigurationError::Unfit(text) => Self::told(StatusCode::UNPROCESSABLE_ENTITY, text),
            ConfigurationError::Profile(error) => Self::unfit("text", error.to_string()),
            outdated @ ConfigurationError::Outdated(_) => {
                Self::new(StatusCode::CONFLICT, outdated.to_string()).at("version")
            }
            ConfigurationError::Store(error) => error.into(),
        }
    }
}

impl From<CreateTenantError> for ApiError {
    fn from(error: CreateTenantError) -> Self {
        match error {
            CreateTenantError::Unfit(text) => Self::told(StatusCode::UNPROCESSABLE_ENTITY, text),
            CreateTenantError::Taken(text) => Self::told(StatusCode::CONFLICT, text),
            CreateTenantError::Store(error) => error.into(),
        }
    }
}

impl From<IssueError> for ApiError {
    fn from(error: IssueError) -> Self {
        match error {
            IssueError::Unfit(text) => Self::told(StatusCode::UNPROCESSABLE_ENTITY, text),
            IssueError::Taken(text) => Self::told(StatusCode::CONFLICT, text),
            IssueError::Store(error) => error.into(),
        }
    }
}

impl From<PeopleError> for ApiError {
    fn from(error: PeopleError) -> Self {
        match error {
            PeopleError::Unfit(text) => Self::told(StatusCode::UNPROCESSABLE_ENTITY, text),
            PeopleError::Taken(text) => Self::told(StatusCode::CONFLICT, text),
            PeopleError::Unknown => Self::not_found("There is no person of this id."),
            PeopleError::LastOperator => Self::told(StatusCode::CONFLICT, error.to_string()),
            PeopleError::Store(error) => error.into(),
            other => Self::internal(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_names_its_field_does_so_in_the_document() {
        for (text, field) in [
            ("slug: use letters", Some("slug")),
            ("expiry: too far ahead", Some("expiresIn")),
            ("property: none of that name", Some("properties")),
            ("networks: too many", Some("allowedFrom")),
            ("keys-url: no address", Some("keysUrl")),
            ("domain-type: \"x\" is no value of it", Some("domain-type")),
            ("nothing is named here", None),
            ("The tenant: is odd", None),
        ] {
            let error = ApiError::told(StatusCode::CONFLICT, text.to_owned());
            assert_eq!((error.field.as_deref(), &*error.detail), (field, text));
        }
    }

    #[test]
    fn faults_of_ours_tell_the_caller_nothing_of_the_inside() {
        let error = ApiError::from(StoreError::Setup("password=hunter2".into()));
        assert_eq!(error.status, 500);
        assert!(!error.detail.contains("hunter2"));
        assert_eq!(ApiError::from(StoreError::Reconfigured).document("r").headers()["retry-after"], "5");
    }
}
