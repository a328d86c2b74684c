//! The one error that the protocol knows: a status, a `scimType`, and a sentence for a person (RFC 7644 §3.12).

use serde_json::{Value, json};

use crate::urn;

/// The detail error keywords of RFC 7644 table 9 and RFC 9865 §2.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScimType {
    /// The filter is malformed or compares what cannot be compared.
    InvalidFilter,
    /// The answer would hold more than the server is willing to compute.
    TooMany,
    /// A unique attribute is taken.
    Uniqueness,
    /// A read-only or immutable attribute would change.
    Mutability,
    /// The body is not the JSON that the request needs.
    InvalidSyntax,
    /// A PATCH path is malformed or names nothing.
    InvalidPath,
    /// A PATCH path selects nothing.
    NoTarget,
    /// A value is missing or does not fit.
    InvalidValue,
    /// The protocol version is not served.
    InvalidVers,
    /// The request must not carry this in a URL.
    Sensitive,
    /// The cursor is none of ours.
    InvalidCursor,
    /// The cursor was ours, too long ago.
    ExpiredCursor,
    /// `count` differs from the one that the cursor was made with.
    InvalidCount,
}

impl ScimType {
    /// The keyword as it stands on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidFilter => "invalidFilter",
            Self::TooMany => "tooMany",
            Self::Uniqueness => "uniqueness",
            Self::Mutability => "mutability",
            Self::InvalidSyntax => "invalidSyntax",
            Self::InvalidPath => "invalidPath",
            Self::NoTarget => "noTarget",
            Self::InvalidValue => "invalidValue",
            Self::InvalidVers => "invalidVers",
            Self::Sensitive => "sensitive",
            Self::InvalidCursor => "invalidCursor",
            Self::ExpiredCursor => "expiredCursor",
            Self::InvalidCount => "invalidCount",
        }
    }
}

/// What the identity provider's administrator will read: `detail` names the attribute path and the remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{status} {detail}")]
pub struct ScimError {
    /// HTTP status, 4xx or 5xx.
    pub status: u16,
    /// Set only where RFC 7644 table 9 has a keyword.
    pub scim_type: Option<ScimType>,
    /// One or more sentences; never holds a secret or a sensitive value.
    pub detail: String,
}

impl ScimError {
    /// An error with a status and no keyword.
    #[must_use]
    pub fn new(status: u16, detail: impl Into<String>) -> Self {
        Self { status, scim_type: None, detail: detail.into() }
    }

    /// 400 with a keyword.
    #[must_use]
    pub fn bad_request(scim_type: ScimType, detail: impl Into<String>) -> Self {
        Self { status: 400, scim_type: Some(scim_type), detail: detail.into() }
    }

    /// 400 `invalidValue` at an attribute path.
    #[must_use]
    pub fn invalid_value(path: &str, problem: impl AsRef<str>) -> Self {
        Self::bad_request(ScimType::InvalidValue, format!("{path}: {}", problem.as_ref()))
    }

    /// 404 for a resource; says the same whether it never existed, was deleted, or is another tenant's.
    #[must_use]
    pub fn not_found(resource_type: &str, id: &str) -> Self {
        let shown: String = id.chars().take(64).collect();
        Self::new(404, format!("{resource_type} {shown:?} not found."))
    }

    /// 409 `uniqueness`.
    #[must_use]
    pub fn uniqueness(detail: impl Into<String>) -> Self {
        Self { status: 409, scim_type: Some(ScimType::Uniqueness), detail: detail.into() }
    }

    /// 412: the `If-Match` version is not the current one.
    #[must_use]
    pub fn precondition_failed() -> Self {
        Self::new(
            412,
            "The resource has changed since the version in If-Match; read it again and repeat the change.",
        )
    }

    /// The message body (RFC 7644 §3.12). `request_id` lets a person find the request in the logs; it ends the
    /// detail, because the Error schema has no attribute for it (RFC 7643 §3: `schemas` names those that define the
    /// attributes present) and the detail is what identity providers show.
    #[must_use]
    pub fn to_json(&self, request_id: Option<&str>) -> Value {
        let mut body = json!({
            "schemas": [urn::ERROR],
            "status": self.status.to_string(),
        });
        if let Some(scim_type) = self.scim_type {
            body["scimType"] = scim_type.as_str().into();
        }
        body["detail"] = match request_id {
            Some(request_id) => format!("{} (request id {request_id})", self.detail).into(),
            None => self.detail.as_str().into(),
        };
        body
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_holds_what_the_error_schema_defines_and_nothing_else() {
        let error = ScimError::bad_request(ScimType::InvalidFilter, "No.");
        let body = json!({
            "schemas": [urn::ERROR],
            "status": "400",
            "scimType": "invalidFilter",
            "detail": "No. (request id r-1)",
        });
        assert_eq!(error.to_json(Some("r-1")), body);
        let body = json!({"schemas": [urn::ERROR], "status": "404", "detail": "Gone."});
        assert_eq!(ScimError::new(404, "Gone.").to_json(None), body);
    }
}
