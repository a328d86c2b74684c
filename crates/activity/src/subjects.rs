//! Whom a request names: ids, user names, external ids, e-mail addresses. To find what is about somebody, and to forget
//! it.

use std::collections::BTreeSet;

use serde_json::Value;
use store::activity::{MAX_SUBJECTS, subject};
use uuid::Uuid;

use crate::mask::{MASK, literals};

/// Keys whose whole text is a name.
const NAMES: [&str; 2] = ["userName", "externalId"];

/// Names that were found, each once.
#[derive(Default)]
pub(crate) struct Subjects(BTreeSet<String>);

impl Subjects {
    /// Adds a name.
    pub(crate) fn name(&mut self, text: &str) {
        if self.0.len() < MAX_SUBJECTS
            && text != MASK
            && let Some(subject) = subject(text)
        {
            self.0.insert(subject);
        }
    }

    /// Adds what is recognised in a text: ids and addresses, and what a filter compares with.
    pub(crate) fn text(&mut self, text: &str) {
        if text.len() < 3 {
            return;
        }
        let apart = |ch: char| ch.is_whitespace() || "\"'()[]<>,;=/?&".contains(ch);
        for piece in text.split(apart) {
            if piece.contains('@') || piece.len() == 36 && Uuid::try_parse(piece).is_ok() {
                self.name(piece);
            }
        }
    }

    /// Adds what a filter or a path compares with.
    pub(crate) fn filter(&mut self, text: &str) {
        self.text(text);
        for literal in literals(text) {
            self.name(&literal);
        }
    }

    /// Adds what stands in a body, masked before.
    pub(crate) fn body(&mut self, value: &Value) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.body(item)),
            Value::Object(fields) => {
                for (key, field) in fields {
                    match field {
                        Value::String(text) if NAMES.iter().any(|name| name.eq_ignore_ascii_case(key)) => {
                            self.name(text);
                        }
                        Value::String(text)
                            if key.eq_ignore_ascii_case("path") || key.eq_ignore_ascii_case("filter") =>
                        {
                            self.filter(text);
                        }
                        other => self.body(other),
                    }
                }
                // A PATCH names in `path` what stands in `value`.
                let path = fields.get("path").and_then(Value::as_str).unwrap_or_default();
                if NAMES.iter().any(|name| name.eq_ignore_ascii_case(path))
                    && let Some(value) = fields.get("value").and_then(Value::as_str)
                {
                    self.name(value);
                }
            }
            Value::String(text) => self.text(text),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// All of them, in order.
    pub(crate) fn into_vec(self) -> Vec<String> {
        self.0.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_found_wherever_they_stand() {
        let id = "0196f5a0-0000-7000-8000-000000000001";
        let other = "0196f5a0-0000-7000-8000-000000000002";
        let mut subjects = Subjects::default();
        subjects.body(&json!({
            "userName": "Ann Smith", "EXTERNALID": "X1", "displayName": "Nobody", "password": MASK,
            "emails": [{"value": "Ann@Example.com"}],
            "meta": {"location": format!("https://scim.example.com/t/acme/scim/v2/Users/{id}")},
            "Operations": [
                {"op": "remove", "path": format!("members[value eq \"{other}\"]")},
                {"op": "replace", "path": "userName", "value": "Bob"},
            ],
        }));
        subjects.filter("userName eq \"Carl\"");
        subjects.filter("npi eq \"•••\"");
        let wanted = [id, other, "ann smith", "ann@example.com", "bob", "carl", "x1"];
        assert_eq!(subjects.into_vec(), wanted);
    }
}
