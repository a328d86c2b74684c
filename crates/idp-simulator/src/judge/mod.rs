//! What an identity provider demands of an answer: one function for each requirement.
//!
//! A verdict names the requirement that an answer broke, where it is written, and what came instead.
//! What came never holds a password, an NPI or a DEA number.

mod envelope;
mod group;
mod list;
mod product;
mod user;
mod values;

pub(crate) use envelope::{
    challenge, conflict, content_type, error_body, json, location, meta, nothing, schemas, status,
};
pub(crate) use group::{group_answer, group_members, group_name, without_members};
pub(crate) use list::{ListView, hit_is, list, only_id, page_starts_at, zero_or_one};
pub(crate) use product::{never, offers_exactly, refused_at, untold, value_at};
pub(crate) use user::{
    active, as_sent, attributes, emails, extensions_declared, gone, id, is_empty, names, no_password,
    same_id, unassigned, user_name,
};
pub(crate) use values::{no_nulls, primaries};

use serde_json::Value;

/// URN of a User (RFC 7643, 4.1).
pub(crate) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// URN of a Group (RFC 7643, 4.2).
pub(crate) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// URN of the enterprise extension (RFC 7643, 4.3).
pub(crate) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// URN of a PATCH body (RFC 7644, 3.5.2).
pub(crate) const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
const LIST_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// One demand and where it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Requirement {
    pub(crate) text: &'static str,
    pub(crate) source: &'static str,
}

impl std::fmt::Display for Requirement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.text, self.source)
    }
}

/// A requirement that was not met.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Broken {
    pub(crate) requirement: Requirement,
    pub(crate) found: String,
}

/// Met, or what was broken.
pub(crate) type Verdict = Result<(), Broken>;

/// Met when `good`; `found` is asked only otherwise.
pub(crate) fn demand(good: bool, requirement: Requirement, found: impl FnOnce() -> String) -> Verdict {
    if good { Ok(()) } else { Err(Broken { requirement, found: shorten(&found()) }) }
}

/// At most 160 characters of a text, on one line.
pub(crate) fn shorten(text: &str) -> String {
    let mut short: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = short.char_indices().nth(160) {
        short.truncate(end);
        short.push('…');
    }
    short
}

/// A value for a person's eyes: `absent`, or its JSON.
fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "absent".to_owned(), Value::to_string)
}

/// A SCIM error's own words, for the failure of an operation that should have succeeded.
fn detail(body: &Value) -> &str {
    body.get("detail").and_then(Value::as_str).unwrap_or_default()
}

/// Whether `schemas` holds a URN, compared without case (RFC 7643, 2.1).
fn has_schema(body: &Value, urn: &str) -> bool {
    body.get("schemas")
        .and_then(Value::as_array)
        .is_some_and(|list| list.iter().any(|s| s.as_str().is_some_and(|s| s.eq_ignore_ascii_case(urn))))
}

#[cfg(test)]
pub(crate) mod examples {
    use serde_json::Value;

    use crate::client::{Answer, Body};

    /// An answer of SCIM's media type.
    pub(crate) fn answer(status: u16, body: Value) -> Answer {
        Answer {
            request: "GET /Users".into(),
            status,
            content_type: Some("application/scim+json;charset=utf-8".into()),
            location: None,
            challenge: None,
            body: if body.is_null() { Body::Empty } else { Body::Json(body) },
        }
    }
}
