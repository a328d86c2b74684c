//! What lists of all resource types have in common.

use axum::response::Response;
use http::StatusCode;
use provisioning::{ListPosition, MoreMembers, RenderedPage, Shown};
use scim_core::urn;
use serde_json::{Map, Value, json};

use crate::{answer, streaming::Text};

const RESOURCES: &str = "Resources";

/// A ListResponse (RFC 7644 §3.4.2, RFC 9865 §2): `Resources` is there even when empty, and the numbers are integers,
/// since identity providers insist on both.
pub(crate) fn response(page: RenderedPage) -> Response {
    let RenderedPage { total, resources, more_members, position } = page;
    let mut list = Map::new();
    list.insert("schemas".into(), json!([urn::LIST_RESPONSE]));
    list.insert("totalResults".into(), total.into());
    match position {
        ListPosition::Index(start_index) => {
            list.insert("startIndex".into(), start_index.into());
        }
        ListPosition::Cursor { previous, next } => {
            let cursors = [("previousCursor", previous), ("nextCursor", next)];
            list.extend(
                cursors.into_iter().filter_map(|(name, cursor)| Some((name.to_owned(), cursor?.into()))),
            );
        }
    }
    list.insert("itemsPerPage".into(), resources.len().into());
    list.insert(RESOURCES.into(), json!([]));
    let mut text = Text::default();
    text.object_with(&list, RESOURCES, |text, _| write(text, &resources, more_members));
    answer::streamed(StatusCode::OK, text)
}

/// The array of the resources, some of which have members that are yet to be read.
fn write(text: &mut Text, resources: &[Shown], more_members: Vec<(usize, MoreMembers)>) {
    let mut more_members = more_members.into_iter().peekable();
    text.push("[");
    for (position, resource) in resources.iter().enumerate() {
        text.push(if position == 0 { "" } else { "," });
        match more_members.next_if(|(of, _)| *of == position) {
            Some((_, more)) => text.resource(resource, Some(more)),
            None => text.shown(resource),
        }
    }
    text.push("]");
}

/// A list that is always sent whole.
pub(crate) fn whole(resources: Vec<Value>) -> Response {
    part(resources.len() as u64, 1, resources)
}

/// So many of a list that is in memory, from a place on.
pub(crate) fn part(total: u64, start_index: u64, resources: Vec<Value>) -> Response {
    let resources = resources.into_iter().map(Shown::from).collect();
    let position = ListPosition::Index(start_index);
    response(RenderedPage { total, resources, more_members: Vec::new(), position })
}
