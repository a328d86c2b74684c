//! `/Me` (RFC 7644 §3.11): the user that the token is bound to, read and changed as `/Users/{id}` is.

use axum::body::Body;
use http::StatusCode;
use provisioning::IfMatch;
use scim_core::{ResourceKind, ScimError, projection::Projection};

use super::users;
use crate::{answer, call::Call, preconditions, routes::Answer};

const KIND: ResourceKind = ResourceKind::User;

/// Attempts of a change while others change the user too.
const ATTEMPTS: usize = 15;

/// GET /Me: `Location` is the permanent one, below `/Users`.
pub(crate) async fn get(mut call: Call, body: Body) -> Answer {
    call.id = bound_user(&call)?;
    users::get(call, body).await
}

/// POST /Me: nobody makes oneself.
pub(crate) async fn create(call: Call, _body: Body) -> Answer {
    bound_user(&call)?;
    Err(ScimError::new(
        501,
        "/Me is the user that this token is bound to, who exists. Users are made by POST to /Users, with a token that \
         is bound to nobody.",
    ))
}

/// PUT /Me.
pub(crate) async fn replace(call: Call, body: Body) -> Answer {
    let id = bound_user(&call)?;
    let projection = call.projection(KIND)?;
    let body = call.json(body).await?;
    let (request, provisioner) = (call.request(&projection), &call.state.provisioner);
    let change = |if_match| provisioner.replace_user(request, &id, if_match, &body);
    Ok(answer::resource(StatusCode::OK, &while_active(&call, &id, change).await?))
}

/// PATCH /Me: 200 with the whole user.
pub(crate) async fn patch(call: Call, body: Body) -> Answer {
    let id = bound_user(&call)?;
    let projection = call.projection(KIND)?;
    let body = call.json(body).await?;
    let (request, provisioner) = (call.request(&projection), &call.state.provisioner);
    let change = |if_match| provisioner.patch_user(request, &id, if_match, &body);
    Ok(answer::resource(StatusCode::OK, &while_active(&call, &id, change).await?))
}

/// DELETE /Me, by the tenant's delete policy.
pub(crate) async fn delete(call: Call, _body: Body) -> Answer {
    let id = bound_user(&call)?;
    let projection = call.projection(KIND)?;
    let (request, provisioner) = (call.request(&projection), &call.state.provisioner);
    let change = |if_match| provisioner.delete_user(request, &id, if_match);
    while_active(&call, &id, change).await?;
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

/// The user that the token is bound to, who may be gone by now; 501 for a token that is bound to nobody.
fn bound_user(call: &Call) -> Result<String, ScimError> {
    call.caller.principal.user.map(|user| user.to_string()).ok_or_else(|| {
        ScimError::new(
            501,
            "/Me is for tokens that are bound to a user, and this one is bound to nobody. Use /Users/{id}, or find the \
             user with a filter on /Users.",
        )
    })
}

/// Changes the user in the version in which it was seen to be active, so that someone who is being deactivated cannot
/// undo that. Who comes second looks again, unless the client named a version.
async fn while_active<T, F>(call: &Call, id: &str, change: impl Fn(IfMatch) -> F) -> Result<T, ScimError>
where
    F: Future<Output = Result<T, ScimError>>,
{
    let asked = preconditions::if_match(&call.headers);
    for _ in 0..ATTEMPTS {
        let version = active_version(call, id).await?;
        if asked.as_ref().is_some_and(|versions| !versions.contains(&version)) {
            return Err(ScimError::precondition_failed());
        }
        match change(Some(vec![version])).await {
            Err(error) if error.status == 412 && asked.is_none() => {}
            outcome => return outcome,
        }
    }
    Err(ScimError::new(503, "This user is being changed by many requests at once."))
}

/// The version of the user; 403 when deactivated, 404 when gone.
async fn active_version(call: &Call, id: &str) -> Result<i64, ScimError> {
    let projection = Projection { attributes: Some(vec!["active".to_owned()]), excluded: Vec::new() };
    let user = call.state.provisioner.user(call.request(&projection), id).await?;
    if user.body["active"] == false {
        return Err(ScimError::new(
            403,
            "This user is deactivated and can be read alone; the identity provider or an operator has to reactivate it \
             first.",
        ));
    }
    preconditions::version_of(&user.etag).ok_or_else(|| ScimError::new(500, answer::FAULT))
}
