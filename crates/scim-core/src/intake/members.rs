//! `members` of a group as a client writes them.

use std::collections::HashSet;

use serde_json::Value;

use super::{Coercion, MAX_MEMBER_ID, MemberRef, field, is_unassigned};
use crate::{error::ScimError, patch::MAX_MEMBERS};

/// The members named, without repeats, in order. Entries that are null or empty name nobody; an entry without
/// `value` is noted as a violation. 413 beyond [`MAX_MEMBERS`].
pub(crate) fn take_members(
    coercion: &mut Coercion,
    path: &str,
    value: &Value,
) -> Result<Vec<MemberRef>, ScimError> {
    let items = match value {
        Value::Array(items) => items.as_slice(),
        empty if is_unassigned(empty) => &[],
        single if coercion.leniencies().single_as_list => std::slice::from_ref(single),
        _ => {
            coercion.problems.push(path, "must be a list; put the member in [ ]");
            &[]
        }
    };
    if items.len() > MAX_MEMBERS {
        return Err(too_many());
    }
    let mut seen = HashSet::with_capacity(items.len());
    let mut members = Vec::with_capacity(items.len());
    for (position, item) in items.iter().enumerate() {
        if let Some(id) = member_id(coercion, &format!("{path}[{position}]"), item)
            && seen.insert(id.clone())
        {
            members.push(MemberRef { value: id });
        }
    }
    Ok(members)
}

/// 413: more members than one request may name.
pub(crate) fn too_many() -> ScimError {
    ScimError::new(413, format!("members: one request names at most {MAX_MEMBERS}; split it."))
}

fn member_id(coercion: &mut Coercion, path: &str, item: &Value) -> Option<String> {
    let id = match item {
        empty if is_unassigned(empty) => return None,
        Value::Object(fields) => match field(fields, "value") {
            Some(empty) if is_unassigned(empty) => return None,
            Some(id) => id,
            None => {
                coercion.problems.push(path, "has no value; send the member's id as value");
                return None;
            }
        },
        Value::String(_) | Value::Number(_) if coercion.leniencies().string_for_complex => item,
        _ => {
            coercion.problems.push(path, "must be an object with the member's id as value");
            return None;
        }
    };
    let path = format!("{path}.value");
    let id = coercion.text(&path, id)?;
    if id.chars().count() > MAX_MEMBER_ID {
        coercion
            .problems
            .push(&path, &format!("is longer than {MAX_MEMBER_ID} characters and no id of ours"));
        return None;
    }
    Some(id)
}
