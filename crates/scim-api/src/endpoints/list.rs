//! What lists of all resource types have in common.

use axum::response::Response;
use http::StatusCode;
use provisioning::RenderedPage;
use scim_core::urn;
use serde_json::{Value, json};

use crate::answer;

/// A ListResponse (RFC 7644 §3.4.2): `Resources` is there even when empty, and the numbers are integers, since
/// identity providers insist on both.
pub(crate) fn response(start_index: u64, page: RenderedPage) -> Response {
    let RenderedPage { total, resources } = page;
    answer::json(
        StatusCode::OK,
        &json!({
            "schemas": [urn::LIST_RESPONSE],
            "totalResults": total,
            "startIndex": start_index,
            "itemsPerPage": resources.len(),
            "Resources": resources,
        }),
    )
}

/// A list that is always sent whole.
pub(crate) fn whole(resources: Vec<Value>) -> Response {
    response(1, RenderedPage { total: resources.len() as u64, resources })
}
