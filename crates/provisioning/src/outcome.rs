//! What a request makes of a user's document: pure functions, so that a change and a trial of it cannot differ.

use scim_core::{
    Document, ResourceType, ScimError,
    intake::{self, Findings, Intake, Note},
    patch::PatchRequest,
    product::rewrite_patch,
    profile::Profile,
    value_set::ValueSets,
};
use serde_json::Value;
use telemetry::spans;

use crate::{Tenant, notes};

/// What judges a request: a profile, and the value sets that hold with it.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// Compiled; leniencies follow the tenant's compatibility.
    pub profile: &'a Profile,
    /// See [`Profile::value_sets_of`].
    pub value_sets: &'a ValueSets,
}

impl<'a> Rules<'a> {
    /// Those that hold for a tenant.
    #[must_use]
    pub fn of(tenant: &'a Tenant) -> Self {
        Self { profile: &tenant.profile, value_sets: &tenant.value_sets }
    }

    pub(crate) fn user(self) -> &'a ResourceType {
        &self.profile.user
    }
}

/// Why there is no outcome.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// Something is wrong with the resource as a whole, or with its values; at least one violation.
    Unfit(Findings),
    /// The request cannot be done.
    Scim(ScimError),
}

impl From<ScimError> for Refusal {
    fn from(error: ScimError) -> Self {
        Self::Scim(error)
    }
}

impl From<Refusal> for ScimError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Scim(error) => error,
            Refusal::Unfit(findings) => match findings.finish() {
                Err(error) => error,
                Ok(()) => Self::new(400, "The resource does not fit the rules of this tenant."),
            },
        }
    }
}

/// What a change makes of a user.
#[derive(Debug)]
pub(crate) struct Next {
    pub(crate) document: Document,
    pub(crate) notes: Vec<Note>,
}

/// A body, what is wrong with its single values (that is told together with what is wrong with the whole), and notes of
/// the names in it that were left out.
pub(crate) struct Sent {
    pub(crate) intake: Intake,
    findings: Findings,
    dropped: Vec<Note>,
}

/// Reads the body of a POST or a PUT.
pub(crate) fn take(rules: Rules<'_>, body: &Value) -> Result<Sent, ScimError> {
    let _span = spans::core("take").entered();
    let (intake, findings) = intake::take_all(rules.user(), rules.profile.leniencies, body)?;
    let dropped = notes::dropped(rules, rules.user(), &intake.dropped)?;
    Ok(Sent { intake, findings, dropped })
}

/// What becomes of a POST's body.
pub(crate) fn created(rules: Rules<'_>, sent: Sent) -> Result<Next, Refusal> {
    let _span = spans::core("create").entered();
    let Sent { intake: Intake { mut document, .. }, findings, dropped } = sent;
    let told = notes::validate(rules, rules.user(), findings, None, &mut document)?;
    Ok(Next { document, notes: notes::joined([dropped, told]) })
}

/// What becomes of a document by a PUT.
pub(crate) fn replaced(rules: Rules<'_>, sent: &Sent, current: &Document) -> Result<Next, Refusal> {
    let _span = spans::core("replace").entered();
    let (kind, findings) = (rules.user(), &sent.findings);
    let mut document = sent.intake.document.clone();
    // RFC 7644 §3.5.1 lets the server choose; nobody is reactivated by silence.
    if let (false, Some(active)) = (document.contains_key("active"), current.get("active")) {
        document.insert("active".into(), active.clone());
    }
    intake::carry_immutable(kind, current, &mut document);
    intake::check_immutable(kind, current, &document)?;
    let mut told = Vec::new();
    if !findings.is_empty() || !intake::only_deactivates(current, &document) {
        told = notes::validate(rules, kind, findings.clone(), Some(current), &mut document)?;
    }
    Ok(Next { document, notes: notes::joined([sent.dropped.clone(), told]) })
}

/// What becomes of a document by a PATCH.
pub(crate) fn patched(rules: Rules<'_>, patch: &PatchRequest, current: &Document) -> Result<Next, Refusal> {
    let _span = spans::core("patch").entered();
    let (kind, leniencies) = (rules.user(), rules.profile.leniencies);
    let patched = rewrite_patch(kind, patch, current).apply(kind, leniencies, current)?;
    let dropped = notes::dropped(rules, kind, &patched.ignored)?;
    let (mut document, mut told) = (patched.document, Vec::new());
    if document != *current {
        intake::check_immutable(kind, current, &document)?;
        if !intake::only_deactivates(current, &document) {
            told = notes::validate(rules, kind, Findings::default(), Some(current), &mut document)?;
        }
    }
    Ok(Next { document, notes: notes::joined([dropped, told]) })
}
