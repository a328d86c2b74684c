//! What lists of all resource types have in common.

use axum::response::Response;
use http::StatusCode;
use provisioning::{ListPosition, RenderedPage};
use scim_core::urn;
use serde_json::{Value, json};

use crate::answer;

/// A ListResponse (RFC 7644 §3.4.2, RFC 9865 §2): `Resources` is there even when empty, and the numbers are integers,
/// since identity providers insist on both.
pub(crate) fn response(page: RenderedPage) -> Response {
    let RenderedPage { total, resources, position } = page;
    let mut body = json!({"schemas": [urn::LIST_RESPONSE], "totalResults": total});
    let mut add = |name: &str, value: Value| {
        body[name] = value;
    };
    match position {
        ListPosition::Index(start_index) => add("startIndex", start_index.into()),
        ListPosition::Cursor { previous, next } => {
            let cursors = [("previousCursor", previous), ("nextCursor", next)];
            cursors.into_iter().for_each(|(name, cursor)| {
                if let Some(cursor) = cursor {
                    add(name, cursor.into());
                }
            });
        }
    }
    add("itemsPerPage", resources.len().into());
    add("Resources", resources.into());
    answer::json(StatusCode::OK, &body)
}

/// A list that is always sent whole.
pub(crate) fn whole(resources: Vec<Value>) -> Response {
    let total = resources.len() as u64;
    response(RenderedPage { total, resources, position: ListPosition::Index(1) })
}
