//! What can be done with users.

use scim_core::{
    Document, ResourceType, ScimError,
    patch::PatchRequest,
    profile::{DeletePolicy, DuplicatePolicy, Policies},
};
use serde_json::Value;
use store::{
    ChangeContext, StoreError, TenantScope, UserId,
    users::{Admitted, User, UserState},
};

use crate::{
    IfMatch, Provisioner, Query, Rendered, RenderedPage, Request, answer,
    attempts::{Attempts, whole},
    csv::apart::lay_back,
    listing::{Selected, Source},
    notes,
    outcome::{self, Next, Refusal, Sent},
    scim_error, text,
};

/// What a POST did.
#[derive(Clone, Debug, PartialEq)]
pub struct Created {
    /// The user.
    pub rendered: Rendered,
    /// An existing user was linked (duplicate policy).
    pub linked: bool,
    /// A soft-deleted user came back under its old id (`relink-on-return`).
    pub returned: bool,
}

impl Provisioner {
    /// POST /Users.
    pub async fn create_user(&self, request: Request<'_>, body: &Value) -> Result<Created, ScimError> {
        self.place_user(request, &new_state(request, body)?).await
    }

    /// Makes a user of a state, or whatever else the policies want.
    pub(crate) async fn place_user(
        &self,
        request: Request<'_>,
        state: &UserState,
    ) -> Result<Created, ScimError> {
        let (scope, policies) = (self.scope(request), request.tenant.profile.policies);
        let mut attempts = Attempts::new(None);
        loop {
            match whole(|| admit(&scope, policies, state, request.context)).await {
                Ok(Admitted { user, returned }) => {
                    return Ok(Created { rendered: answer::user(request, &user), linked: false, returned });
                }
                Err(StoreError::Conflict { .. }) if policies.duplicate == DuplicatePolicy::Link => {
                    if let Some(user) = link(request, &scope, state).await? {
                        let rendered = answer::user(request, &user);
                        return Ok(Created { rendered, linked: true, returned: false });
                    }
                }
                Err(StoreError::Stale) => {}
                Err(error) => return Err(scim_error(error)),
            }
            // The user whose name it was is gone, or was changed just now; or who comes back was just brought back.
            attempts.again().await?;
        }
    }

    /// The document that a POST of this body would make; writes nothing.
    pub(crate) fn check_new_user(&self, request: Request<'_>, body: &Value) -> Result<Document, ScimError> {
        Ok(logged(request, new_user(request, body))?.document)
    }

    /// Makes of a user in this version what a row of a file says: as a PUT, but `kept`, which the profile does not offer,
    /// stays.
    pub(crate) async fn merge_user(
        &self,
        request: Request<'_>,
        user: &User,
        body: &Value,
        kept: &Document,
    ) -> Result<User, ScimError> {
        let sent = take_with(request, body, kept)?;
        let next = |current: &Document| outcome::replaced(request.rules(), &sent, current);
        self.change_user(request, &user.id.to_string(), Some(vec![user.version]), &next).await
    }

    /// The document that [`Self::merge_user`] would make; writes nothing.
    pub(crate) fn check_merge(
        &self,
        request: Request<'_>,
        user: &User,
        body: &Value,
        kept: &Document,
    ) -> Result<Document, ScimError> {
        let sent = take_with(request, body, kept)?;
        Ok(logged(request, outcome::replaced(request.rules(), &sent, &user.document))?.document)
    }

    /// GET /Users/{id}.
    pub async fn user(&self, request: Request<'_>, id: &str) -> Result<Rendered, ScimError> {
        let user = self.scope(request).kept_user(user_id(id)?, wants_groups(request)).await;
        let user = user.map_err(scim_error)?.ok_or_else(|| not_found(id))?;
        answer::kept_user(request, user)
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
        let sent = outcome::take(request.rules(), body)?;
        let next = |current: &Document| outcome::replaced(request.rules(), &sent, current);
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
        let patch = PatchRequest::parse(body, request.tenant.profile.leniencies)?;
        let next = |current: &Document| outcome::patched(request.rules(), &patch, current);
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
                    Ok(Next { document, notes: Vec::new() })
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
        let attempts = Attempts::new(if_match);
        let version = live(&scope, id, &attempts, false).await?.version;
        let expected = attempts.conditional().then_some(version);
        let purged = whole(|| scope.purge_user(key, expected, request.context)).await.map_err(scim_error)?;
        if purged { Ok(()) } else { Err(not_found(id)) }
    }

    /// Reads, computes the next document, and swaps it in; a document that stays the same is not written.
    async fn change_user(
        &self,
        request: Request<'_>,
        id: &str,
        if_match: IfMatch,
        next: &(dyn Fn(&Document) -> Result<Next, Refusal> + Send + Sync),
    ) -> Result<User, ScimError> {
        let (scope, kind) = (self.scope(request), user_type(request));
        let mut attempts = Attempts::new(if_match);
        loop {
            let current = live(&scope, id, &attempts, wants_groups(request)).await?;
            let Next { document, notes } = logged(request, next(&current.document))?;
            if document == current.document {
                return Ok(current);
            }
            let state = UserState::after(kind, &current.document, document).noted(notes);
            let swap = || scope.swap_user(&current, &state, request.context);
            match whole(swap).await {
                Ok(user) => return user.ok_or_else(|| not_found(id)),
                Err(StoreError::Stale) => attempts.again().await?,
                Err(error) => return Err(scim_error(error)),
            }
        }
    }
}

/// What becomes of a POST's body.
fn new_user(request: Request<'_>, body: &Value) -> Result<Next, Refusal> {
    outcome::created(request.rules(), outcome::take(request.rules(), body)?)
}

/// The state that a POST of this body makes.
pub(crate) fn new_state(request: Request<'_>, body: &Value) -> Result<UserState, ScimError> {
    let Next { document, notes } = logged(request, new_user(request, body))?;
    Ok(UserState::new(user_type(request), document).noted(notes))
}

/// An outcome whose notes are in the log, too.
fn logged(request: Request<'_>, outcome: Result<Next, Refusal>) -> Result<Next, ScimError> {
    let next = outcome?;
    notes::log(request, &next.notes);
    Ok(next)
}

/// Makes a user, or brings one back where the policies want that.
async fn admit(
    scope: &TenantScope,
    policies: Policies,
    state: &UserState,
    context: &ChangeContext,
) -> Result<Admitted, StoreError> {
    if policies.relink_on_return {
        return scope.admit_user(state, context).await;
    }
    Ok(Admitted { user: scope.create_user(state, context).await?, returned: false })
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
    match whole(|| scope.swap_user(&current, state, request.context)).await {
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

/// A body, with what was kept apart from it.
fn take_with(request: Request<'_>, body: &Value, kept: &Document) -> Result<Sent, ScimError> {
    let mut sent = outcome::take(request.rules(), body)?;
    lay_back(&mut sent.intake.document, kept);
    Ok(sent)
}

/// Users of this tenant.
pub(crate) fn user_type(request: Request<'_>) -> &ResourceType {
    &request.tenant.profile.user
}

fn wants_groups(request: Request<'_>) -> bool {
    request.projection.wants_edges(user_type(request))
}

/// An id that is no UUID belongs to nobody.
pub(crate) fn user_id(id: &str) -> Result<UserId, ScimError> {
    id.parse().map_err(|()| not_found(id))
}

/// 404.
pub(crate) fn not_found(id: &str) -> ScimError {
    ScimError::not_found("User", id)
}
