//! What lists of all resource types have in common.

use axum::response::Response;
use http::StatusCode;
use provisioning::{MoreMembers, RenderedPage};
use scim_core::urn;
use serde_json::{Value, json};

use crate::{answer, streaming::Text};

const RESOURCES: &str = "Resources";

/// A ListResponse (RFC 7644 §3.4.2): `Resources` is there even when empty, and the numbers are integers, since
/// identity providers insist on both.
pub(crate) fn response(start_index: u64, page: RenderedPage) -> Response {
    let RenderedPage { total, resources, more_members } = page;
    let mut list = json!({
        "schemas": [urn::LIST_RESPONSE],
        "totalResults": total,
        "startIndex": start_index,
        "itemsPerPage": resources.len(),
        RESOURCES: [],
    });
    if let (false, Value::Object(list)) = (more_members.is_empty(), &list) {
        let mut text = Text::default();
        text.object_with(list, RESOURCES, |text, _| write(text, &resources, more_members));
        return answer::streamed(StatusCode::OK, text);
    }
    list[RESOURCES] = resources.into();
    answer::json(StatusCode::OK, &list)
}

/// The array of the resources, some of which have members that are yet to be read.
fn write(text: &mut Text, resources: &[Value], more_members: Vec<(usize, MoreMembers)>) {
    let mut more_members = more_members.into_iter().peekable();
    text.push("[");
    for (position, resource) in resources.iter().enumerate() {
        text.push(if position == 0 { "" } else { "," });
        let more = more_members.next_if(|(of, _)| *of == position);
        text.resource(resource, more.map(|(_, more)| more));
    }
    text.push("]");
}

/// A list that is always sent whole.
pub(crate) fn whole(resources: Vec<Value>) -> Response {
    response(1, RenderedPage { total: resources.len() as u64, resources, more_members: Vec::new() })
}
