//! What people are told of a change beside what it did: what was left out, and what should be known of what is kept.
//! Notes hold paths and reasons, never values; they go into the audit entry of the change.

use scim_core::{
    Document, ResourceType, ScimError,
    intake::{Findings, Note, examine_for},
    path::Resolved,
    profile::UnknownAttributePolicy,
};

use crate::{
    Request,
    outcome::{Refusal, Rules},
};

/// Unknown attributes named in an error, at most.
const NAMED_UNKNOWN: usize = 20;

/// Notes of one change, at most; a last one counts the rest.
const MOST: usize = 100;

/// Notes of names in a body that were left out. 400 `invalidValue` where the tenant wants no attributes that nobody
/// knows; what SCIM knows and the product does not offer is left out in any case.
pub(crate) fn dropped(
    rules: Rules<'_>,
    kind: &ResourceType,
    paths: &[String],
) -> Result<Vec<Note>, ScimError> {
    let profile = rules.profile;
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
    rules: Rules<'_>,
    kind: &ResourceType,
    findings: Findings,
    before: Option<&Document>,
    document: &mut Document,
) -> Result<Vec<Note>, Refusal> {
    let (mut notes, found) = examine_for(kind, rules.value_sets, findings, document)?;
    if !found.is_empty() {
        return Err(Refusal::Unfit(found));
    }
    if let (false, Some(before)) = (notes.is_empty(), before) {
        let known = examine_for(kind, rules.value_sets, Findings::default(), &mut before.clone());
        // Of a document that would be refused today nothing was told.
        let known = known.ok().filter(|(_, found)| found.is_empty()).map(|(known, _)| known);
        notes.retain(|note| !known.as_ref().is_some_and(|known| known.contains(note)));
    }
    Ok(notes)
}

/// All notes of a change, in the order told, as many as are kept; also in the log.
pub(crate) fn all(request: Request<'_>, parts: [Vec<Note>; 2]) -> Vec<Note> {
    let notes = joined(parts);
    log(request, &notes);
    notes
}

/// The same without the log.
pub(crate) fn joined(parts: [Vec<Note>; 2]) -> Vec<Note> {
    let mut notes: Vec<Note> = parts.into_iter().flatten().collect();
    if notes.len() > MOST {
        let rest = notes.split_off(MOST - 1).len();
        notes.push(Note { path: String::new(), text: format!("{rest} more were noted") });
    }
    notes
}

/// For whoever looks for a fault.
pub(crate) fn log(request: Request<'_>, notes: &[Note]) {
    for Note { path, text } in notes {
        tracing::debug!(tenant = %request.tenant.id(), %path, %text, "noted");
    }
}
