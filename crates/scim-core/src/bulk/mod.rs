//! Bulk (RFC 7644 §3.7) without I/O: a body → operations → an order that respects what names what → an answer.
//!
//! ```text
//! body ── BulkRequest::parse ──▶ operations ── plan ──▶ steps ── Run ──▶ calls, one at a time ──▶ response
//! ```
//!
//! [`Run`] asks for one [`Call`] after the other; whoever can change resources carries each one out as if it had
//! come alone, and tells [`Run`] how it went.

mod plan;
#[cfg(test)]
mod properties;
mod references;
mod run;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::{
    ResourceKind,
    error::{ScimError, ScimType},
    intake::{check_depth, field, invalid_syntax, shown},
    leniency::Leniencies,
};

pub use plan::{Step, plan};
pub use references::{find, substitute, without};
pub use run::{Call, Done, Run};

/// Most operations in one request; `bulk.maxOperations` of the service provider configuration.
pub const MAX_OPERATIONS: usize = 1_000;
/// Largest body in bytes, to be checked before it is parsed; `bulk.maxPayloadSize`.
pub const MAX_PAYLOAD_SIZE: usize = 4 * 1024 * 1024;

/// Schema of the request (RFC 7644 §8.2).
pub const BULK_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
/// Schema of the answer.
pub const BULK_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";

/// 413 for a body larger than [`MAX_PAYLOAD_SIZE`].
#[must_use]
pub fn payload_too_large() -> ScimError {
    let detail =
        format!("The body is larger than maxPayloadSize, {MAX_PAYLOAD_SIZE} bytes; split the request.");
    ScimError::new(413, detail)
}

/// A parsed body.
#[derive(Clone, Debug, PartialEq)]
pub struct BulkRequest {
    /// Stop after so many errors, at least 1; `None`: carry out all.
    pub fail_on_errors: Option<usize>,
    /// As sent, in order; at least one.
    pub operations: Vec<Operation>,
}

/// One operation as it was sent, well formed or not.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// As sent, in upper case; `None` when it was no text.
    pub method: Option<String>,
    /// The client's name for it.
    pub bulk_id: Option<String>,
    /// As sent; `None` when it was no text.
    pub path: Option<String>,
    /// What to do, or why it cannot be done.
    pub action: Result<Action, ScimError>,
}

/// A well-formed operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    /// Verb.
    pub method: Method,
    /// Endpoint.
    pub kind: ResourceKind,
    /// The resource; `None` for POST alone.
    pub id: Option<ResourceId>,
    /// `version` as sent, to be used like `If-Match`; never for POST.
    pub version: Option<String>,
    /// Body, an object; `None` for DELETE alone.
    pub data: Option<Value>,
}

/// The verb of an operation; taken in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Create.
    Post,
    /// Replace.
    Put,
    /// Change.
    Patch,
    /// Delete.
    Delete,
}

/// How a path names a resource.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ResourceId {
    /// By its id.
    Known(String),
    /// `bulkId:…`: made by the POST of this bulkId.
    BulkId(String),
}

impl BulkRequest {
    /// Reads a body: `schemas` names BulkRequest (lenient: may be missing), `Operations` is a non-empty list; keys
    /// and methods in any case, unknown keys ignored. 400 `invalidSyntax` or `invalidValue` otherwise, 413 beyond
    /// [`MAX_OPERATIONS`]. What is wrong with one operation stays with it: see [`Operation::action`].
    pub fn parse(body: Value, leniencies: Leniencies) -> Result<Self, ScimError> {
        let Value::Object(mut fields) = body else {
            return Err(invalid_syntax("The body must be one JSON object with schemas and Operations."));
        };
        if !names_bulk_request(&fields, leniencies) {
            return Err(invalid_syntax(format!(
                "schemas: does not name a bulk request; add \"{BULK_REQUEST}\"."
            )));
        }
        let fail_on_errors = fail_on_errors(take(&mut fields, "failOnErrors"), leniencies)?;
        let operations = match take(&mut fields, "Operations") {
            Some(Value::Array(operations)) if !operations.is_empty() => operations,
            _ => return Err(invalid_syntax("Operations: must be a list of at least one operation.")),
        };
        if operations.len() > MAX_OPERATIONS {
            let detail =
                format!("Operations: one request holds at most maxOperations, {MAX_OPERATIONS}; split it.");
            return Err(ScimError::new(413, detail));
        }
        let mut operations: Vec<_> =
            operations.into_iter().map(|operation| Operation::parse(operation, leniencies)).collect();
        refuse_repeats(&mut operations);
        Ok(Self { fail_on_errors, operations })
    }
}

fn names_bulk_request(fields: &Map<String, Value>, leniencies: Leniencies) -> bool {
    match field(fields, "schemas") {
        None | Some(Value::Null) => leniencies.missing_schemas,
        Some(Value::Array(urns)) => {
            urns.iter().filter_map(Value::as_str).any(|named| named.eq_ignore_ascii_case(BULK_REQUEST))
        }
        Some(Value::String(urn)) => leniencies.single_as_list && urn.eq_ignore_ascii_case(BULK_REQUEST),
        Some(_) => false,
    }
}

fn fail_on_errors(value: Option<Value>, leniencies: Leniencies) -> Result<Option<usize>, ScimError> {
    let limit = match &value {
        None => return Ok(None),
        Some(Value::Number(number)) => number.as_u64(),
        Some(Value::String(text)) if leniencies.numbers_as_strings => text.trim().parse().ok(),
        Some(_) => None,
    };
    limit
        .filter(|limit| *limit > 0)
        .map(|limit| Some(usize::try_from(limit).unwrap_or(usize::MAX)))
        .ok_or_else(|| {
            ScimError::invalid_value(
                "failOnErrors",
                "must be a whole number of at least 1; leave it out to carry out all operations.",
            )
        })
}

/// The value of a key in any case, taken out; null is none.
fn take(fields: &mut Map<String, Value>, name: &str) -> Option<Value> {
    let key = match fields.contains_key(name) {
        true => name.to_owned(),
        false => fields.keys().find(|key| key.eq_ignore_ascii_case(name))?.clone(),
    };
    fields.remove(&key).filter(|value| !value.is_null())
}

/// A POST is known by its bulkId: where two share one, nobody can tell which of them a reference means.
fn refuse_repeats(operations: &mut [Operation]) {
    let mut uses: HashMap<String, usize> = HashMap::new();
    let posts = |operation: &Operation| operation.bulk_id.clone().filter(|_| operation.is_post());
    for bulk_id in operations.iter().filter_map(posts) {
        *uses.entry(bulk_id).or_default() += 1;
    }
    for operation in operations.iter_mut().filter(|operation| operation.is_post()) {
        let repeated =
            operation.bulk_id.as_ref().filter(|bulk_id| uses.get(*bulk_id).is_some_and(|uses| *uses > 1));
        if let (Some(bulk_id), Ok(_)) = (repeated, &operation.action) {
            operation.action = Err(ScimError::invalid_value(
                "bulkId",
                format!(
                    "several POST operations are named {:?}; give each one a bulkId of its own.",
                    shown(bulk_id)
                ),
            ));
        }
    }
}

impl Operation {
    /// Whether it is a POST, well formed or not.
    #[must_use]
    pub fn is_post(&self) -> bool {
        self.method.as_deref() == Some(Method::Post.as_str())
    }

    fn parse(operation: Value, leniencies: Leniencies) -> Self {
        let Value::Object(mut fields) = operation else {
            let action = Err(invalid_syntax("The operation must be an object with method and path."));
            return Self { method: None, bulk_id: None, path: None, action };
        };
        let method = text(take(&mut fields, "method")).map(|method| method.to_ascii_uppercase());
        let path = text(take(&mut fields, "path"));
        let bulk_id = word("bulkId", take(&mut fields, "bulkId"), leniencies);
        let action = Action::parse(method.as_deref(), path.as_deref(), &bulk_id, &mut fields, leniencies);
        Self { method, bulk_id: bulk_id.unwrap_or_default(), path, action }
    }
}

impl Action {
    fn parse(
        method: Option<&str>,
        path: Option<&str>,
        bulk_id: &Result<Option<String>, ScimError>,
        fields: &mut Map<String, Value>,
        leniencies: Leniencies,
    ) -> Result<Self, ScimError> {
        let method = Method::parse(method)?;
        let (kind, id) = endpoint(path)?;
        if id.is_some() == (method == Method::Post) {
            return Err(wrong_place(method, kind));
        }
        if bulk_id.clone()?.is_none() && method == Method::Post {
            return Err(invalid_syntax("bulkId: a POST needs one; add a text that no other operation has."));
        }
        let version =
            word("version", take(fields, "version"), leniencies)?.filter(|_| method != Method::Post);
        let data = match (method, take(fields, "data")) {
            (Method::Delete, _) => None,
            (_, Some(data)) if data.is_object() => {
                check_depth(&data)?;
                Some(data)
            }
            _ => {
                let method = method.as_str();
                return Err(invalid_syntax(format!("data: a {method} needs its body here, as an object.")));
            }
        };
        Ok(Self { method, kind, id, version, data })
    }
}

impl Method {
    const ALL: [Self; 4] = [Self::Post, Self::Put, Self::Patch, Self::Delete];

    /// `POST`, `PUT`, `PATCH` or `DELETE`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// Status of an operation that succeeded.
    #[must_use]
    pub fn success(self) -> u16 {
        match self {
            Self::Post => 201,
            Self::Put | Self::Patch => 200,
            Self::Delete => 204,
        }
    }

    fn parse(method: Option<&str>) -> Result<Self, ScimError> {
        let known = Self::ALL.into_iter().find(|known| method == Some(known.as_str()));
        known.ok_or_else(|| {
            invalid_syntax(match method {
                Some("GET") => "method: GET is no bulk operation; send it as a request of its own.",
                _ => "method: must be POST, PUT, PATCH or DELETE.",
            })
        })
    }
}

/// `/Users`, `/Groups/id`, `/Users/bulkId:x`, relative to the tenant's base URL.
fn endpoint(path: Option<&str>) -> Result<(ResourceKind, Option<ResourceId>), ScimError> {
    let Some(path) = path else {
        return Err(invalid_syntax("path: name the resource, as /Users or /Users/{id}."));
    };
    let relative = path.trim_matches('/');
    let (endpoint, id) = relative.split_once('/').unwrap_or((relative, ""));
    let id = id.trim_start_matches('/');
    let kind = [ResourceKind::User, ResourceKind::Group]
        .into_iter()
        .find(|kind| kind.endpoint().strip_prefix('/') == Some(endpoint))
        .filter(|_| !id.contains(['/', '?', '#']) || id.starts_with(references::PREFIX))
        .ok_or_else(|| {
            ScimError::new(404, "path: no such endpoint; use /Users, /Users/{id}, /Groups or /Groups/{id}.")
        })?;
    let id = match id.strip_prefix(references::PREFIX) {
        _ if id.is_empty() => None,
        Some(bulk_id) => Some(ResourceId::BulkId(bulk_id.to_owned())),
        None => Some(ResourceId::Known(id.to_owned())),
    };
    Ok((kind, id))
}

/// 405: a POST to one resource, or another method to all of them.
fn wrong_place(method: Method, kind: ResourceKind) -> ScimError {
    let (method, endpoint) = (method.as_str(), kind.endpoint());
    let place = if method == Method::Post.as_str() { "" } else { "/{id}" };
    ScimError::new(405, format!("path: a {method} goes to {endpoint}{place}."))
}

fn text(value: Option<Value>) -> Option<String> {
    match value {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

/// A short text that may be left out; blank is left out.
fn word(name: &str, value: Option<Value>, leniencies: Leniencies) -> Result<Option<String>, ScimError> {
    match value {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text).filter(|text| !text.trim().is_empty())),
        Some(Value::Number(number)) if leniencies.numbers_as_strings => Ok(Some(number.to_string())),
        Some(_) => Err(ScimError::bad_request(ScimType::InvalidValue, format!("{name}: must be a text."))),
    }
}
