//! `/Users` and `/Users/{id}` (RFC 7644 §3.3 to §3.6).

use axum::body::Body;
use http::StatusCode;
use scim_core::ResourceKind;

use super::list as lists;
use crate::{answer, call::Call, preconditions, query::Params, routes::Answer};

const KIND: ResourceKind = ResourceKind::User;

/// GET /Users.
pub(crate) async fn list(mut call: Call, _body: Body) -> Answer {
    let params = std::mem::take(&mut call.params);
    find(&call, params).await
}

/// POST /Users/.search.
pub(crate) async fn search(call: Call, body: Body) -> Answer {
    let params = Params::from_search(&call.json(body).await?)?;
    find(&call, params).await
}

async fn find(call: &Call, params: Params) -> Answer {
    let projection = params.projection(call.resource_type(KIND))?;
    let query = params.list()?;
    let page = call.state.provisioner.users(call.request(&projection), &query).await?;
    Ok(lists::response(page))
}

/// POST /Users: 201, also when the tenant's policies linked an existing user or brought back a deleted one.
pub(crate) async fn create(call: Call, body: Body) -> Answer {
    let projection = call.projection(KIND)?;
    let body = call.json(body).await?;
    let created = call.state.provisioner.create_user(call.request(&projection), &body).await?;
    Ok(answer::resource(StatusCode::CREATED, &created.rendered))
}

/// GET /Users/{id}: 304 when `If-None-Match` names its version.
pub(crate) async fn get(call: Call, _body: Body) -> Answer {
    let projection = call.projection(KIND)?;
    let rendered = call.state.provisioner.user(call.request(&projection), &call.id).await?;
    if preconditions::none_match(&call.headers, &rendered.etag) {
        return Ok(answer::resource_without_body(StatusCode::NOT_MODIFIED, &rendered));
    }
    Ok(answer::resource(StatusCode::OK, &rendered))
}

/// PUT /Users/{id}.
pub(crate) async fn replace(call: Call, body: Body) -> Answer {
    let projection = call.projection(KIND)?;
    let body = call.json(body).await?;
    let if_match = preconditions::if_match(&call.headers);
    let request = call.request(&projection);
    let rendered = call.state.provisioner.replace_user(request, &call.id, if_match, &body).await?;
    Ok(answer::resource(StatusCode::OK, &rendered))
}

/// PATCH /Users/{id}: 200 with the whole user.
pub(crate) async fn patch(call: Call, body: Body) -> Answer {
    let projection = call.projection(KIND)?;
    let body = call.json(body).await?;
    let if_match = preconditions::if_match(&call.headers);
    let request = call.request(&projection);
    let rendered = call.state.provisioner.patch_user(request, &call.id, if_match, &body).await?;
    Ok(answer::resource(StatusCode::OK, &rendered))
}

/// DELETE /Users/{id}.
pub(crate) async fn delete(call: Call, _body: Body) -> Answer {
    let projection = call.projection(KIND)?;
    let if_match = preconditions::if_match(&call.headers);
    call.state.provisioner.delete_user(call.request(&projection), &call.id, if_match).await?;
    Ok(answer::empty(StatusCode::NO_CONTENT))
}
