//! JSON that is written while its last parts are still being read: groups with very many members.

use std::collections::VecDeque;

use axum::body::Body;
use bytes::Bytes;
use futures::stream;
use provisioning::{MoreMembers, Shown};
use scim_core::{ResourceKind, ScimError};
use serde_json::{Map, Value};

/// A JSON text in the making: what is known of it, and members that are read when their turn comes. At no time is more
/// than one batch of members in memory.
#[derive(Default)]
pub(crate) struct Text {
    parts: VecDeque<Part>,
}

enum Part {
    /// As it is.
    Known(String),
    /// The rest of an array; `first`: nothing is in it yet.
    Members { more: MoreMembers, first: bool },
}

impl Text {
    /// Appends a text.
    pub(crate) fn push(&mut self, text: &str) {
        match self.parts.back_mut() {
            Some(Part::Known(known)) => known.push_str(text),
            _ => self.parts.push_back(Part::Known(text.to_owned())),
        }
    }

    /// Appends a resource of which everything is there.
    pub(crate) fn shown(&mut self, resource: &Shown) {
        match self.parts.back_mut() {
            Some(Part::Known(known)) => resource.write(known),
            _ => {
                let mut known = String::new();
                resource.write(&mut known);
                self.parts.push_back(Part::Known(known));
            }
        }
    }

    /// Appends an object, and in it a field whose value `write` appends in place of the one there.
    pub(crate) fn object_with(
        &mut self,
        object: &Map<String, Value>,
        field: &str,
        write: impl FnOnce(&mut Self, &Value),
    ) {
        let mut write = Some(write);
        for (position, (name, value)) in object.iter().enumerate() {
            self.push(if position == 0 { "{" } else { "," });
            self.push(&Value::from(name.as_str()).to_string());
            self.push(":");
            match write.take_if(|_| name == field) {
                Some(write) => write(self, value),
                None => self.push(&value.to_string()),
            }
        }
        self.push(if object.is_empty() { "{}" } else { "}" });
    }

    /// Appends a resource; if there are more members, they follow those that it holds.
    pub(crate) fn resource(&mut self, resource: &Value, more: Option<MoreMembers>) {
        match (resource, more) {
            (Value::Object(fields), Some(more)) => {
                self.object_with(fields, ResourceKind::Group.edges(), |text, members| {
                    text.members(members, more)
                });
            }
            _ => self.push(&resource.to_string()),
        }
    }

    fn members(&mut self, there: &Value, more: MoreMembers) {
        let there = there.to_string();
        self.push(there.strip_suffix(']').unwrap_or(&there));
        self.parts.push_back(Part::Members { more, first: there == "[]" });
        self.push("]");
    }

    /// The text as a body: of known length when all of it is there. An error while members are read ends the connection without an end of the body, so that no
    /// client takes a part of a list for the whole.
    pub(crate) fn into_body(mut self) -> Body {
        if let [Part::Known(known)] = self.parts.make_contiguous() {
            return Body::from(std::mem::take(known));
        }
        Body::from_stream(stream::try_unfold(self, async |mut text| {
            let piece = text.next().await.inspect_err(|error| {
                tracing::warn!(%error, "an answer ended in the middle, while members were read");
            })?;
            Ok::<_, ScimError>(piece.map(|piece| (Bytes::from(piece), text)))
        }))
    }

    /// The next piece; `None` at the end.
    async fn next(&mut self) -> Result<Option<String>, ScimError> {
        while let Some(part) = self.parts.pop_front() {
            match part {
                Part::Known(text) => return Ok(Some(text)),
                Part::Members { mut more, first } => {
                    let batch = more.next().await?;
                    if !batch.is_empty() {
                        self.parts.push_front(Part::Members { more, first: false });
                        return Ok(Some(joined(&batch, first)));
                    }
                }
            }
        }
        Ok(None)
    }
}

/// Elements of an array, each after a comma unless it is the first of all.
fn joined(elements: &[Value], first: bool) -> String {
    let mut text = String::new();
    for (position, element) in elements.iter().enumerate() {
        if position > 0 || !first {
            text.push(',');
        }
        text.push_str(&element.to_string());
    }
    text
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn an_object_with_a_field_written_by_hand() {
        let table = [
            (json!({}), "{}"),
            (json!({"a": 1}), r#"{"a":1}"#),
            (json!({"b": [], "a": 1}), r#"{"b":[7],"a":1}"#),
            (json!({"a\"": "\n", "b": [1], "c": {"b": 2}}), r#"{"a\"":"\n","b":[7],"c":{"b":2}}"#),
        ];
        for (object, wanted) in table {
            let mut text = Text::default();
            text.object_with(object.as_object().expect("an object"), "b", |text, _| text.push("[7]"));
            let bytes = text.into_body().collect().await.expect("a body").to_bytes();
            assert_eq!(bytes, wanted);
        }
    }

    #[test]
    fn elements_are_parted_by_commas() {
        assert_eq!(joined(&[json!(1), json!({"a": 2})], true), r#"1,{"a":2}"#);
        assert_eq!(joined(&[json!(1), json!(2)], false), ",1,2");
    }
}
