//! PATCH (RFC 7644 §3.5.2) on a canonical document, with what identity providers make of it.

mod apply;
mod change;
mod members;
#[cfg(test)]
mod properties;
mod select;
#[cfg(test)]
mod tests;
mod work;

use serde_json::{Map, Value};

use crate::{
    Document,
    error::ScimError,
    intake::{self, MemberRef, check_depth, field, invalid_syntax},
    leniency::Leniencies,
    resource::ResourceType,
    urn,
};

/// Most operations in one PATCH.
pub const MAX_OPERATIONS: usize = 10_000;
/// Most members named in one PATCH or body.
pub const MAX_MEMBERS: usize = 100_000;

/// A parsed PATCH body.
#[derive(Clone, Debug, PartialEq)]
pub struct PatchRequest {
    /// In order.
    pub operations: Vec<Operation>,
}

/// The verb of an operation; taken in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Add.
    Add,
    /// Remove.
    Remove,
    /// Replace.
    Replace,
}

/// One operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// Verb.
    pub op: Op,
    /// Target; absent means the whole resource.
    pub path: Option<String>,
    /// Value.
    pub value: Option<Value>,
}

/// A change of a group's members. Members are edges, never part of the document, so that one change costs the same
/// in a group of any size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemberOp {
    /// Add these; those already in stay.
    Add(Vec<MemberRef>),
    /// Remove these; those not in are ignored.
    Remove(Vec<MemberRef>),
    /// Exactly these (empty: none).
    Replace(Vec<MemberRef>),
}

/// What a PATCH makes of a document.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Patched {
    /// The changed copy, canonical; not yet validated. Equal to the original when nothing changed.
    pub document: Document,
    /// Member changes, in order (groups only).
    pub members: Vec<MemberOp>,
    /// Paths that did nothing: SCIM knows them and the profile does not offer them, or nobody knows them and they
    /// stood inside a value. No repeats, at most 100.
    pub ignored: Vec<String>,
}

impl PatchRequest {
    /// Reads a body: `schemas` has PatchOp (lenient: may be missing), `Operations` is a non-empty list; keys in any
    /// case, unknown keys ignored. 400 `invalidSyntax` otherwise, 413 beyond [`MAX_OPERATIONS`] / [`MAX_MEMBERS`].
    pub fn parse(body: &Value, leniencies: Leniencies) -> Result<Self, ScimError> {
        let Value::Object(fields) = body else {
            return Err(invalid_syntax("The body must be one JSON object with schemas and Operations."));
        };
        check_depth(body)?;
        if !leniencies.missing_schemas && !names_patch_op(fields) {
            return Err(invalid_syntax(format!("schemas: does not name PATCH; add \"{}\".", urn::PATCH_OP)));
        }
        let operations = match field(fields, "Operations") {
            Some(Value::Array(operations)) if !operations.is_empty() => operations,
            _ => return Err(invalid_syntax("Operations: must be a list of at least one operation.")),
        };
        if operations.len() > MAX_OPERATIONS {
            let detail = format!("Operations: one PATCH holds at most {MAX_OPERATIONS}; split it.");
            return Err(ScimError::new(413, detail));
        }
        let operations =
            operations.iter().enumerate().map(|(position, operation)| Operation::parse(position, operation));
        let operations = operations.collect::<Result<Vec<_>, _>>()?;
        let listed: usize = operations.iter().map(Operation::listed).sum();
        if listed > MAX_MEMBERS {
            return Err(intake::too_many_members());
        }
        Ok(Self { operations })
    }

    /// Applies all operations in order to a copy of `document`; the first one that fails fails the whole, and its
    /// position is in the detail. Errors: 400 `noTarget`, `invalidPath`, `invalidFilter`, `invalidValue`,
    /// `mutability`; 413 when the operations together would be too much work.
    pub fn apply(
        &self,
        resource_type: &ResourceType,
        leniencies: Leniencies,
        document: &Document,
    ) -> Result<Patched, ScimError> {
        apply::apply(&self.operations, resource_type, leniencies, document)
    }
}

fn names_patch_op(fields: &Map<String, Value>) -> bool {
    let Some(Value::Array(urns)) = field(fields, "schemas") else { return false };
    urns.iter().filter_map(Value::as_str).any(|named| named.eq_ignore_ascii_case(urn::PATCH_OP))
}

impl Operation {
    fn parse(position: usize, operation: &Value) -> Result<Self, ScimError> {
        let Value::Object(fields) = operation else {
            return Err(invalid_syntax(format!("Operations[{position}]: must be an object with op.")));
        };
        let op = field(fields, "op").and_then(Value::as_str).and_then(Op::parse).ok_or_else(|| {
            invalid_syntax(format!("Operations[{position}].op: must be add, remove or replace."))
        })?;
        let path = match field(fields, "path") {
            None | Some(Value::Null) => None,
            Some(Value::String(path)) if path.trim().is_empty() => None,
            Some(Value::String(path)) => Some(path.clone()),
            Some(_) => {
                return Err(invalid_syntax(format!("Operations[{position}].path: must be a string.")));
            }
        };
        Ok(Self { op, path, value: field(fields, "value").cloned() })
    }

    /// Elements that the value lists, directly or under `members`.
    fn listed(&self) -> usize {
        match &self.value {
            Some(Value::Array(items)) => items.len(),
            Some(Value::Object(fields)) => {
                field(fields, "members").and_then(Value::as_array).map_or(0, Vec::len)
            }
            _ => 1,
        }
    }
}

impl Op {
    fn parse(text: &str) -> Option<Self> {
        [(Self::Add, "add"), (Self::Remove, "remove"), (Self::Replace, "replace")]
            .into_iter()
            .find_map(|(op, name)| text.trim().eq_ignore_ascii_case(name).then_some(op))
    }
}
