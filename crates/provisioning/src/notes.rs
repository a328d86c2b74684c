//! What people are told of a change beside what it did: what was left out, and what should be known of what is kept.
//! Notes hold paths and reasons, never values; they go into the audit entry of the change.

use scim_core::{
    Document, ResourceType, ScimError,
    intake::{Findings, Note, validate_for},
    path::Resolved,
    profile::UnknownAttributePolicy,
};

use crate::Request;

/// Unknown attributes named in an error, at most.
const NAMED_UNKNOWN: usize = 20;

/// Notes of one change, at most; a last one counts the rest.
const MOST: usize = 100;

/// Notes of names in a body that were left out. 400 `invalidValue` where the tenant wants no attributes that nobody
/// knows; what SCIM knows and the product does not offer is left out in any case.
pub(crate) fn dropped(
    request: Request<'_>,
    kind: &ResourceType,
    paths: &[String],
) -> Result<Vec<Note>, ScimError> {
    let profile = &request.tenant.profile;
    let is_known = |path: &str| matches!(kind.resolve(path), Resolved::NotOffered(_));
    if profile.policies.unknown_attribute == UnknownAttributePolicy::Reject {
        let unknown: Vec<&str> =
            paths.iter().map(String::as_str).filter(|path| !is_known(path)).take(NAMED_UNKNOWN).collect();
        if !unknown.is_empty() {
            return Err(ScimError::invalid_value(
                &unknown.join(", "),
                "no attribute of that name is known here; compare it with /Schemas, or leave it out.",
            ));
        }
    }
    let note = |path: &String| {
        let text = if is_known(path) {
            format!("was left out: {} has no such attribute", profile.title)
        } else {
            "was left out: no attribute of that name is known".to_owned()
        };
        Note { path: path.clone(), text }
    };
    Ok(paths.iter().map(note).collect())
}

/// Checks a document and puts it in the form in which it is kept; gives the notes of that, without those that were true
/// of the document `before` already: they were told when it became so.
pub(crate) fn validate(
    request: Request<'_>,
    kind: &ResourceType,
    findings: Findings,
    before: Option<&Document>,
    document: &mut Document,
) -> Result<Vec<Note>, ScimError> {
    let sets = &request.tenant.value_sets;
    let mut notes = validate_for(kind, sets, findings, document)?;
    if let (false, Some(before)) = (notes.is_empty(), before) {
        let known = validate_for(kind, sets, Findings::default(), &mut before.clone()).unwrap_or_default();
        notes.retain(|note| !known.contains(note));
    }
    Ok(notes)
}

/// All notes of a change, in the order told, as many as are kept.
pub(crate) fn all(request: Request<'_>, parts: [Vec<Note>; 2]) -> Vec<Note> {
    let mut notes: Vec<Note> = parts.into_iter().flatten().collect();
    if notes.len() > MOST {
        let rest = notes.split_off(MOST - 1).len();
        notes.push(Note { path: String::new(), text: format!("{rest} more were noted") });
    }
    for Note { path, text } in &notes {
        tracing::debug!(tenant = %request.tenant.id(), %path, %text, "noted");
    }
    notes
}
