//! What can be done with groups. A tenant without groups answers 404 with the reason.

use scim_core::{
    Document, ResourceType, ScimError,
    intake::{self, Findings, Intake, Note},
    leniency::Leniencies,
    patch::{MemberOp, PatchRequest},
    search,
};
use serde_json::Value;
use store::{
    GroupId, StoreError, TenantScope,
    groups::{Group, GroupOutcome, GroupState},
};
use telemetry::spans;

use crate::{
    IfMatch, Provisioner, Query, Rendered, RenderedPage, Request, answer,
    attempts::{Attempts, whole},
    listing::{Selected, Source},
    notes, scim_error, text,
};

/// What a change makes of a group.
struct Next {
    document: Document,
    moves: Vec<MemberOp>,
    notes: Vec<Note>,
}

impl Provisioner {
    /// POST /Groups.
    pub async fn create_group(&self, request: Request<'_>, body: &Value) -> Result<Rendered, ScimError> {
        let kind = group_type(request)?;
        let (Intake { mut document, members, .. }, findings, dropped) = take(request, kind, body)?;
        let told = validate(request, kind, findings, None, &mut document)?;
        let moves = members.map(MemberOp::Add).into_iter().collect();
        let notes = notes::all(request, [dropped, told]);
        let state = state(request, kind, Next { document, moves, notes });
        let (scope, edges) = (self.scope(request), wants_members(request, kind));
        let create = || scope.create_group(&state, edges, request.context);
        let outcome = whole(create).await.map_err(scim_error)?;
        note_skipped(request, &outcome);
        Ok(answer::group(request, &scope, kind, &outcome.group))
    }

    /// GET /Groups/{id}.
    pub async fn group(&self, request: Request<'_>, id: &str) -> Result<Rendered, ScimError> {
        let kind = group_type(request)?;
        let scope = self.scope(request);
        let group = scope.group(group_id(id)?, wants_members(request, kind)).await;
        let group = group.map_err(scim_error)?.ok_or_else(|| not_found(id))?;
        Ok(answer::group(request, &scope, kind, &group))
    }

    /// GET /Groups.
    pub async fn groups(&self, request: Request<'_>, query: &Query) -> Result<RenderedPage, ScimError> {
        let selected = Selected::bind(request, group_type(request)?, query)?;
        self.list(&Source::Groups(selected), query).await
    }

    /// PUT /Groups/{id}: members become exactly those in the body.
    pub async fn replace_group(
        &self,
        request: Request<'_>,
        id: &str,
        if_match: IfMatch,
        body: &Value,
    ) -> Result<Rendered, ScimError> {
        let kind = group_type(request)?;
        let (sent, findings, dropped) = take(request, kind, body)?;
        let members = sent.members.clone().unwrap_or_default();
        let next = |current: &Document| {
            let mut document = sent.document.clone();
            intake::carry_immutable(kind, current, &mut document);
            intake::check_immutable(kind, current, &document)?;
            let told = validate(request, kind, findings.clone(), Some(current), &mut document)?;
            let notes = notes::all(request, [dropped.clone(), told]);
            Ok(Next { document, moves: vec![MemberOp::Replace(members.clone())], notes })
        };
        let group = self.change_group(request, kind, id, if_match, &next).await?;
        Ok(answer::group(request, &self.scope(request), kind, &group))
    }

    /// PATCH /Groups/{id}.
    pub async fn patch_group(
        &self,
        request: Request<'_>,
        id: &str,
        if_match: IfMatch,
        body: &Value,
    ) -> Result<Rendered, ScimError> {
        let (kind, leniencies) = (group_type(request)?, leniencies(request));
        let patch = PatchRequest::parse(body, leniencies)?;
        let next = |current: &Document| {
            let patched = patch.apply(kind, leniencies, current)?;
            let dropped = notes::dropped(request.rules(), kind, &patched.ignored)?;
            let (mut document, mut told) = (patched.document, Vec::new());
            if document != *current {
                intake::check_immutable(kind, current, &document)?;
                told = validate(request, kind, Findings::default(), Some(current), &mut document)?;
            }
            Ok(Next { document, moves: patched.members, notes: notes::all(request, [dropped, told]) })
        };
        let group = self.change_group(request, kind, id, if_match, &next).await?;
        Ok(answer::group(request, &self.scope(request), kind, &group))
    }

    /// DELETE /Groups/{id}; its members stay.
    pub async fn delete_group(
        &self,
        request: Request<'_>,
        id: &str,
        if_match: IfMatch,
    ) -> Result<(), ScimError> {
        group_type(request)?;
        let (scope, key) = (self.scope(request), group_id(id)?);
        let mut expected = None;
        if if_match.is_some() {
            expected = Some(live(&scope, id, &Attempts::new(if_match)).await?.version);
        }
        let deleted =
            whole(|| scope.delete_group(key, expected, request.context)).await.map_err(scim_error)?;
        if deleted { Ok(()) } else { Err(not_found(id)) }
    }

    /// Reads, computes what is next, and swaps it in; what stays the same is not written. The members are not read: a
    /// change of members costs the same in a group of any size.
    async fn change_group(
        &self,
        request: Request<'_>,
        kind: &ResourceType,
        id: &str,
        if_match: IfMatch,
        next: &(dyn Fn(&Document) -> Result<Next, ScimError> + Send + Sync),
    ) -> Result<Group, ScimError> {
        let scope = self.scope(request);
        let edges = wants_members(request, kind);
        let mut attempts = Attempts::new(if_match);
        loop {
            let current = live(&scope, id, &attempts).await?;
            let next = next(&current.document)?;
            let same = next.document == current.document;
            if same && next.moves.is_empty() {
                return with_members(&scope, current, edges).await?.ok_or_else(|| not_found(id));
            }
            // Parallel changes of members alone never meet, unless the client asks for a version.
            let expected = (!same || attempts.conditional()).then_some(current.version);
            let state = state(request, kind, next);
            let change = || scope.change_group(current.id, expected, &state, edges, request.context);
            match whole(change).await {
                Ok(outcome) => {
                    let outcome = outcome.ok_or_else(|| not_found(id))?;
                    note_skipped(request, &outcome);
                    return Ok(outcome.group);
                }
                Err(StoreError::Stale) => attempts.again().await?,
                Err(error) => return Err(scim_error(error)),
            }
        }
    }
}

/// The live group in a version that the client takes, without its members.
async fn live(scope: &TenantScope, id: &str, attempts: &Attempts) -> Result<Group, ScimError> {
    let group = scope.group(group_id(id)?, false).await.map_err(scim_error)?.ok_or_else(|| not_found(id))?;
    attempts.check(group.version)?;
    Ok(group)
}

/// The group as read, or read again with its members; `None` when it is gone by then.
async fn with_members(scope: &TenantScope, group: Group, members: bool) -> Result<Option<Group>, ScimError> {
    if !members {
        return Ok(Some(group));
    }
    scope.group(group.id, true).await.map_err(scim_error)
}

/// A body, what is wrong with its single values (that is told together with what is wrong with the whole), and notes of
/// the names in it that were left out.
fn take(
    request: Request<'_>,
    kind: &ResourceType,
    body: &Value,
) -> Result<(Intake, Findings, Vec<Note>), ScimError> {
    let _span = spans::core("take").entered();
    let (intake, findings) = intake::take_all(kind, leniencies(request), body)?;
    let dropped = notes::dropped(request.rules(), kind, &intake.dropped)?;
    Ok((intake, findings, dropped))
}

/// Checks a group, and whether the tenant wants one of that name.
fn validate(
    request: Request<'_>,
    kind: &ResourceType,
    findings: Findings,
    before: Option<&Document>,
    document: &mut Document,
) -> Result<Vec<Note>, ScimError> {
    let _span = spans::core("validate").entered();
    let notes = notes::validate(request.rules(), kind, findings, before, document)?;
    let external_id = document.get("externalId").and_then(Value::as_str);
    request.tenant.profile.roles.admit(text(document, "displayName"), external_id)?;
    Ok(notes)
}

fn state(request: Request<'_>, kind: &ResourceType, next: Next) -> GroupState {
    let Next { document, moves, notes } = next;
    let profile = &request.tenant.profile;
    let external_id = document.get("externalId").and_then(Value::as_str);
    let sets = &request.tenant.value_sets;
    GroupState {
        search: search::form(kind, &document),
        roles: profile.roles_of_group(sets, text(&document, "displayName"), external_id),
        document,
        members: moves,
        unknown_members: profile.policies.unknown_member,
        notes,
    }
}

/// Groups of this tenant, or 404 that says why there are none.
fn group_type<'a>(request: Request<'a>) -> Result<&'a ResourceType, ScimError> {
    let profile = &request.tenant.profile;
    profile.group.as_deref().ok_or_else(|| {
        ScimError::new(
            404,
            format!("{} has no groups. Turn off group push for it; users are at /Users.", profile.title),
        )
    })
}

fn leniencies(request: Request<'_>) -> Leniencies {
    request.tenant.profile.leniencies
}

fn wants_members(request: Request<'_>, kind: &ResourceType) -> bool {
    request.projection.wants_edges(kind)
}

/// An id that is no UUID belongs to nobody.
fn group_id(id: &str) -> Result<GroupId, ScimError> {
    id.parse().map_err(|()| not_found(id))
}

fn not_found(id: &str) -> ScimError {
    ScimError::not_found("Group", id)
}

/// Notes members that the policy left out.
fn note_skipped(request: Request<'_>, outcome: &GroupOutcome) {
    if !outcome.skipped.is_empty() {
        tracing::info!(
            tenant = %request.tenant.id(),
            group = %outcome.group.id,
            skipped = outcome.skipped.len(),
            "unknown members left out"
        );
    }
}
