//! Queries over all resource types: the base URL itself and `/.search` (RFC 7644 §3.4.2.1, §3.4.3).

use axum::body::Body;
use scim_core::ResourceKind;

use super::list as lists;
use crate::{call::Call, query::Params, routes::Answer};

/// GET at the base URL.
pub(crate) async fn list(mut call: Call, _body: Body) -> Answer {
    let params = std::mem::take(&mut call.params);
    find(&call, params).await
}

/// POST /.search.
pub(crate) async fn search(call: Call, body: Body) -> Answer {
    let params = Params::from_search(&call.json(body).await?)?;
    find(&call, params).await
}

async fn find(call: &Call, params: Params) -> Answer {
    let users = params.projection(call.resource_type(ResourceKind::User))?;
    let groups = params.projection(call.resource_type(ResourceKind::Group))?;
    let query = params.list()?;
    let page = call.state.provisioner.resources(call.request(&users), &groups, &query).await?;
    Ok(lists::response(page))
}
