//! `/Groups` and `/Groups/{id}` (RFC 7644 §3.3 to §3.6).

use axum::body::Body;
use http::StatusCode;
use scim_core::{ResourceKind, projection::Projection};
use serde_json::Value;

use super::list as lists;
use crate::{answer, call::Call, preconditions, query::Params, routes::Answer};

const KIND: ResourceKind = ResourceKind::Group;

/// A PATCH that names more values than this is answered 204, so that a large change need not read and send all
/// members; so is each PATCH of a group that has more members than are read at once, so that a small change of a large
/// group stays small. Okta and Entra take either answer. `attributes` or `excludedAttributes` always get their 200
/// (RFC 7644 §3.5.2).
const LARGE_PATCH: usize = 100;

/// GET /Groups.
pub(crate) async fn list(mut call: Call, _body: Body) -> Answer {
    let params = std::mem::take(&mut call.params);
    find(&call, params).await
}

/// POST /Groups/.search.
pub(crate) async fn search(call: Call, body: Body) -> Answer {
    let params = Params::from_search(&call.json(body).await?)?;
    find(&call, params).await
}

async fn find(call: &Call, params: Params) -> Answer {
    let projection = params.projection(call.resource_type(KIND))?;
    let query = params.list()?;
    let page = call.state.provisioner.groups(call.request(&projection), &query).await?;
    Ok(lists::response(page))
}

/// POST /Groups.
pub(crate) async fn create(call: Call, body: Body) -> Answer {
    let projection = call.projection(KIND)?;
    let body = call.json(body).await?;
    let rendered = call.state.provisioner.create_group(call.request(&projection), &body).await?;
    Ok(answer::resource(StatusCode::CREATED, &rendered))
}

/// GET /Groups/{id}: 304 when `If-None-Match` names its version.
pub(crate) async fn get(call: Call, _body: Body) -> Answer {
    let projection = call.projection(KIND)?;
    let rendered = call.state.provisioner.group(call.request(&projection), &call.id).await?;
    if preconditions::none_match(&call.headers, &rendered.etag) {
        return Ok(answer::resource_without_body(StatusCode::NOT_MODIFIED, &rendered));
    }
    Ok(answer::resource(StatusCode::OK, &rendered))
}

/// PUT /Groups/{id}.
pub(crate) async fn replace(call: Call, body: Body) -> Answer {
    let projection = call.projection(KIND)?;
    let body = call.json(body).await?;
    let if_match = preconditions::if_match(&call.headers);
    let request = call.request(&projection);
    let rendered = call.state.provisioner.replace_group(request, &call.id, if_match, &body).await?;
    Ok(answer::resource(StatusCode::OK, &rendered))
}

/// PATCH /Groups/{id}: 200 with the whole group, members included; 204 when the change or the group is a large one.
pub(crate) async fn patch(call: Call, body: Body) -> Answer {
    let mut projection = call.projection(KIND)?;
    let body = call.json(body).await?;
    let if_match = preconditions::if_match(&call.headers);
    let silent = !call.params.projects() && values_named(&body) > LARGE_PATCH;
    if silent {
        projection = Projection { attributes: Some(vec!["id".to_owned()]), excluded: Vec::new() };
    }
    let request = call.request(&projection);
    let rendered = call.state.provisioner.patch_group(request, &call.id, if_match, &body).await?;
    Ok(if silent || (rendered.more_members.is_some() && !call.params.projects()) {
        answer::resource_without_body(StatusCode::NO_CONTENT, &rendered)
    } else {
        answer::resource(StatusCode::OK, &rendered)
    })
}

/// DELETE /Groups/{id}.
pub(crate) async fn delete(call: Call, _body: Body) -> Answer {
    let projection = call.projection(KIND)?;
    let if_match = preconditions::if_match(&call.headers);
    call.state.provisioner.delete_group(call.request(&projection), &call.id, if_match).await?;
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

/// How many values a PATCH names: the lengths of all lists in its operations, one for an operation without a list.
fn values_named(body: &Value) -> usize {
    operations(body).iter().map(|operation| lists_in(operation).max(1)).sum()
}

fn operations(body: &Value) -> &[Value] {
    let operations = body
        .as_object()
        .and_then(|fields| fields.iter().find(|(name, _)| name.eq_ignore_ascii_case("Operations")))
        .and_then(|(_, operations)| operations.as_array());
    operations.map_or(&[], Vec::as_slice)
}

/// Elements of the lists in `value` (`"value": […]`) and one below it (`"value": {"members": […]}`).
fn lists_in(operation: &Value) -> usize {
    let lists_of = |value: &Value| match value {
        Value::Array(items) => items.len(),
        Value::Object(fields) => fields.values().filter_map(Value::as_array).map(Vec::len).sum(),
        _ => 0,
    };
    operation.as_object().map_or(0, |fields| fields.values().map(lists_of).sum())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn counts_what_a_patch_names() {
        let members = json!([{"value": "a"}, {"value": "b"}]);
        let table = [
            (json!({}), 0),
            (json!({"Operations": {}}), 0),
            (json!({"Operations": [{"op": "replace", "value": {"id": "g", "displayName": "N"}}]}), 1),
            (json!({"operations": [{"op": "add", "path": "members", "value": members.clone()}]}), 2),
            (
                json!({"Operations": [{"op": "replace", "Value": {"members": members.clone()}}, {"op": "remove"}]}),
                3,
            ),
        ];
        for (body, wanted) in table {
            assert_eq!(values_named(&body), wanted, "{body}");
        }
    }
}
