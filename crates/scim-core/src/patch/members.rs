//! PATCH operations on `members`: they become changes of edges and never touch the document.

use serde_json::Value;

use super::{MemberOp, Op, select::Selection};
use crate::{
    error::{ScimError, ScimType},
    intake::{Coercion, MemberRef, field, is_unassigned, take_members},
    leniency::Leniencies,
    resource::AttrRef,
};

/// The change that one operation asks for; `None` when it asks for none.
pub(super) fn change(
    op: Op,
    target: &AttrRef,
    selection: Option<&Selection>,
    value: Option<&Value>,
    leniencies: Leniencies,
) -> Result<Option<MemberOp>, ScimError> {
    if let Some(sub) = &target.sub {
        return Err(fixed(&sub.name));
    }
    if let Some(selection) = selection {
        return selected(op, selection).map(Some);
    }
    let named = || named(value, leniencies);
    match op {
        Op::Add => Ok(Some(named()?).filter(|members| !members.is_empty()).map(MemberOp::Add)),
        Op::Replace => named().map(MemberOp::Replace).map(Some),
        Op::Remove if value.is_none_or(Value::is_null) => Ok(Some(MemberOp::Replace(Vec::new()))),
        Op::Remove if !leniencies.remove_by_value => Err(ScimError::invalid_value(
            "members",
            "remove takes no value; name the member in the path: members[value eq \"id\"].",
        )),
        Op::Remove => Ok(Some(named()?).filter(|members| !members.is_empty()).map(MemberOp::Remove)),
    }
}

/// `members[value eq "x" or value eq "y"]`.
fn selected(op: Op, selection: &Selection) -> Result<MemberOp, ScimError> {
    if op != Op::Remove {
        return Err(fixed("value"));
    }
    let ids = selection.ids().ok_or_else(|| {
        ScimError::bad_request(
            ScimType::InvalidPath,
            "path: members are selected by value eq \"id\" only, or by several of these joined with or.",
        )
    })?;
    Ok(MemberOp::Remove(ids.into_iter().map(|value| MemberRef { value }).collect()))
}

fn fixed(sub: &str) -> ScimError {
    ScimError::bad_request(
        ScimType::Mutability,
        format!("members.{sub}: a member cannot be changed; remove it and add another."),
    )
}

fn named(value: Option<&Value>, leniencies: Leniencies) -> Result<Vec<MemberRef>, ScimError> {
    let value = match value {
        Some(Value::Object(fields)) if leniencies.wrapped_members => field(fields, "members").or(value),
        value => value,
    };
    let Some(value) = value.filter(|value| !is_unassigned(value)) else { return Ok(Vec::new()) };
    let mut coercion = Coercion::new(leniencies);
    let members = take_members(&mut coercion, "members", value)?;
    coercion.finish()?;
    Ok(members)
}
