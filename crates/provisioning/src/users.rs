//! What can be done with users.

use scim_core::{
    Document, ResourceType, ScimError,
    intake::{self, Findings, Intake, validate_for},
    leniency::Leniencies,
    patch::PatchRequest,
    product::rewrite_patch,
    profile::{DeletePolicy, DuplicatePolicy},
};
use serde_json::Value;
use store::{
    StoreError, TenantScope, UserId,
    users::{User, UserState},
};

use crate::{
    IfMatch, Provisioner, Query, Rendered, RenderedPage, Request, answer,
    attempts::{Attempts, whole},
    listing::{Selected, Source},
    note_dropped, note_warnings, scim_error, text,
};

/// What a POST did.
#[derive(Clone, Debug, PartialEq)]
pub struct Created {
    /// The user.
    pub rendered: Rendered,
    /// An existing user was linked (duplicate policy).
    pub linked: bool,
}

impl Provisioner {
    /// POST /Users.
    pub async fn create_user(&self, request: Request<'_>, body: &Value) -> Result<Created, ScimError> {
        let kind = user_type(request);
        let state = UserState::new(kind, self.check_new_user(request, body)?);
        let scope = self.scope(request);
        let mut attempts = Attempts::new(None);
        loop {
            match whole(|| scope.create_user(&state, request.context)).await {
                Ok(user) => {
                    return Ok(Created { rendered: answer::user(request, &user), linked: false });
                }
                Err(StoreError::Conflict { .. })
                    if request.tenant.profile.policies.duplicate == DuplicatePolicy::Link => {}
                Err(error) => return Err(scim_error(error)),
            }
            if let Some(user) = link(request, &scope, &state).await? {
                return Ok(Created { rendered: answer::user(request, &user), linked: true });
            }
            // The user whose name it was is gone, or was changed just now.
            attempts.again().await?;
        }
    }

    /// The document that a POST of this body would make; writes nothing.
    pub(crate) fn check_new_user(&self, request: Request<'_>, body: &Value) -> Result<Document, ScimError> {
        let (Intake { mut document, .. }, findings) = take(request, body)?;
        validate(request, findings, &mut document)?;
        Ok(document)
    }

    /// The document that a PUT of this body would make of the current one; writes nothing.
    pub(crate) fn check_replacement(
        &self,
        request: Request<'_>,
        current: &Document,
        body: &Value,
    ) -> Result<Document, ScimError> {
        let (sent, findings) = take(request, body)?;
        replacement(request, &sent, &findings, current)
    }

    /// GET /Users/{id}.
    pub async fn user(&self, request: Request<'_>, id: &str) -> Result<Rendered, ScimError> {
        let user = self.scope(request).user(user_id(id)?, wants_groups(request)).await.map_err(scim_error)?;
        user.map(|user| answer::user(request, &user)).ok_or_else(|| not_found(id))
    }

    /// GET /Users.
    pub async fn users(&self, request: Request<'_>, query: &Query) -> Result<RenderedPage, ScimError> {
        let selected = Selected::bind(request, user_type(request), query)?;
        self.list(&Source::Users(selected), query).await
    }

    /// PUT /Users/{id}. A body equal to what is kept changes nothing.
    pub async fn replace_user(
        &self,
        request: Request<'_>,
        id: &str,
        if_match: IfMatch,
        body: &Value,
    ) -> Result<Rendered, ScimError> {
        let (sent, findings) = take(request, body)?;
        let next = |current: &Document| replacement(request, &sent, &findings, current);
        let user = self.change_user(request, id, if_match, &next).await?;
        Ok(answer::user(request, &user))
    }

    /// PATCH /Users/{id}.
    pub async fn patch_user(
        &self,
        request: Request<'_>,
        id: &str,
        if_match: IfMatch,
        body: &Value,
    ) -> Result<Rendered, ScimError> {
        let (kind, leniencies) = (user_type(request), leniencies(request));
        let patch = PatchRequest::parse(body, leniencies)?;
        let next = |current: &Document| {
            let patched = rewrite_patch(kind, &patch, current).apply(kind, leniencies, current)?;
            note_dropped(request, kind, &patched.ignored)?;
            let mut document = patched.document;
            if document != *current {
                intake::check_immutable(kind, current, &document)?;
                if !intake::only_deactivates(current, &document) {
                    validate(request, Findings::default(), &mut document)?;
                }
            }
            Ok(document)
        };
        let user = self.change_user(request, id, if_match, &next).await?;
        Ok(answer::user(request, &user))
    }

    /// DELETE /Users/{id}, by the tenant's delete policy.
    pub async fn delete_user(
        &self,
        request: Request<'_>,
        id: &str,
        if_match: IfMatch,
    ) -> Result<(), ScimError> {
        match request.tenant.profile.policies.delete {
            DeletePolicy::Deactivate => {
                let next = |current: &Document| {
                    let mut document = current.clone();
                    document.insert("active".into(), Value::Bool(false));
                    Ok(document)
                };
                self.change_user(request, id, if_match, &next).await.map(|_| ())
            }
            DeletePolicy::SoftDelete => self.soft_delete(request, id, if_match).await,
            DeletePolicy::Purge => self.purge(request, id, if_match).await,
        }
    }

    async fn soft_delete(&self, request: Request<'_>, id: &str, if_match: IfMatch) -> Result<(), ScimError> {
        let (scope, key) = (self.scope(request), user_id(id)?);
        let mut expected = None;
        if if_match.is_some() {
            expected = Some(live(&scope, id, &Attempts::new(if_match), false).await?.version);
        }
        let deleted =
            whole(|| scope.soft_delete_user(key, expected, request.context)).await.map_err(scim_error)?;
        if deleted { Ok(()) } else { Err(not_found(id)) }
    }

    async fn purge(&self, request: Request<'_>, id: &str, if_match: IfMatch) -> Result<(), ScimError> {
        let (scope, key) = (self.scope(request), user_id(id)?);
        // The store purges hidden users too; a client sees only live ones.
        live(&scope, id, &Attempts::new(if_match), false).await?;
        let purged = whole(|| scope.purge_user(key, request.context)).await.map_err(scim_error)?;
        if purged { Ok(()) } else { Err(not_found(id)) }
    }

    /// Reads, computes the next document, and swaps it in; a document that stays the same is not written.
    async fn change_user(
        &self,
        request: Request<'_>,
        id: &str,
        if_match: IfMatch,
        next: &(dyn Fn(&Document) -> Result<Document, ScimError> + Send + Sync),
    ) -> Result<User, ScimError> {
        let (scope, kind) = (self.scope(request), user_type(request));
        let mut attempts = Attempts::new(if_match);
        loop {
            let current = live(&scope, id, &attempts, wants_groups(request)).await?;
            let document = next(&current.document)?;
            if document == current.document {
                return Ok(current);
            }
            let state = UserState::after(kind, &current.document, document);
            let swap = || scope.replace_user(current.id, current.version, &state, request.context);
            match whole(swap).await {
                Ok(user) => return user.ok_or_else(|| not_found(id)),
                Err(StoreError::Stale) => attempts.again().await?,
                Err(error) => return Err(scim_error(error)),
            }
        }
    }
}

/// What becomes of a document by a PUT.
fn replacement(
    request: Request<'_>,
    sent: &Intake,
    findings: &Findings,
    current: &Document,
) -> Result<Document, ScimError> {
    let kind = user_type(request);
    let mut document = sent.document.clone();
    // RFC 7644 §3.5.1 lets the server choose; nobody is reactivated by silence.
    if let (false, Some(active)) = (document.contains_key("active"), current.get("active")) {
        document.insert("active".into(), active.clone());
    }
    intake::carry_immutable(kind, current, &mut document);
    intake::check_immutable(kind, current, &document)?;
    if findings.is_empty() && intake::only_deactivates(current, &document) {
        return Ok(document);
    }
    validate(request, findings.clone(), &mut document)?;
    Ok(document)
}

/// Makes the document of the user who has the name that of the body (duplicate policy `link`). `None` when that user is
/// gone or was changed meanwhile.
async fn link(
    request: Request<'_>,
    scope: &TenantScope,
    state: &UserState,
) -> Result<Option<User>, ScimError> {
    let name = text(&state.document, "userName");
    let Some(current) = scope.user_by_name(name, true).await.map_err(scim_error)? else { return Ok(None) };
    if current.document == state.document {
        return Ok(Some(current));
    }
    match whole(|| scope.replace_user(current.id, current.version, state, request.context)).await {
        Err(StoreError::Stale) => Ok(None),
        outcome => outcome.map_err(scim_error),
    }
}

/// The live user in a version that the client takes.
async fn live(scope: &TenantScope, id: &str, attempts: &Attempts, groups: bool) -> Result<User, ScimError> {
    let user = scope.user(user_id(id)?, groups).await.map_err(scim_error)?.ok_or_else(|| not_found(id))?;
    attempts.check(user.version)?;
    Ok(user)
}

/// A body, and what is wrong with its single values: that is told together with what is wrong with the whole.
fn take(request: Request<'_>, body: &Value) -> Result<(Intake, Findings), ScimError> {
    let kind = user_type(request);
    let (intake, findings) = intake::take_all(kind, leniencies(request), body)?;
    note_dropped(request, kind, &intake.dropped)?;
    Ok((intake, findings))
}

fn validate(request: Request<'_>, findings: Findings, document: &mut Document) -> Result<(), ScimError> {
    let notes = validate_for(user_type(request), &request.tenant.value_sets, findings, document)?;
    note_warnings(request, &notes);
    Ok(())
}

fn user_type(request: Request<'_>) -> &ResourceType {
    &request.tenant.profile.user
}

fn leniencies(request: Request<'_>) -> Leniencies {
    request.tenant.profile.leniencies
}

fn wants_groups(request: Request<'_>) -> bool {
    request.projection.wants_edges(user_type(request))
}

/// An id that is no UUID belongs to nobody.
fn user_id(id: &str) -> Result<UserId, ScimError> {
    id.parse().map_err(|()| not_found(id))
}

fn not_found(id: &str) -> ScimError {
    ScimError::not_found("User", id)
}
