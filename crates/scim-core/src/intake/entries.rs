//! A multi-valued attribute's list without repeats (RFC 7643 §2.4).

use std::collections::HashMap;

use serde_json::{Value, json};

/// Canonical elements in order. Two elements are the same when they are equal, or when they are objects whose
/// `value` and `type` agree: those are merged, since RFC 7643 §2.4 wants each such pair once.
#[derive(Default)]
pub(crate) struct Entries {
    list: Vec<Value>,
    seen: HashMap<String, usize>,
}

impl Entries {
    /// Of a list as it is: where two elements are merged, a mark as primary stays.
    pub(crate) fn of(list: Vec<Value>) -> Self {
        let mut entries = Self::default();
        for element in list {
            entries.keep(element);
        }
        entries
    }

    /// Like [`Self::push`], but a mark as primary on the earlier of two alike stays.
    pub(crate) fn keep(&mut self, mut element: Value) {
        let marked = self.seen.get(&key(&element)).and_then(|at| self.list.get(*at)).is_some_and(is_primary);
        if let (true, Value::Object(fields)) = (marked, &mut element) {
            fields.remove("primary");
        }
        self.push(element);
    }

    /// Appends an element or lays it over its like; gives its position.
    pub(crate) fn push(&mut self, element: Value) -> usize {
        let key = key(&element);
        if let Some(&at) = self.seen.get(&key) {
            if let (Some(Value::Object(kept)), Value::Object(fields)) = (self.list.get_mut(at), element) {
                kept.extend(fields);
            }
            return at;
        }
        let at = self.list.len();
        self.seen.insert(key, at);
        self.list.push(element);
        at
    }

    /// The elements so far.
    pub(crate) fn list(&self) -> &[Value] {
        &self.list
    }

    /// The list.
    pub(crate) fn into_list(self) -> Vec<Value> {
        self.list
    }
}

/// Equal for elements that are the same; a PATCH leaves their parts in any order.
fn key(element: &Value) -> String {
    match (element.get("value"), element) {
        (Some(value), _) => json!([value, element.get("type")]).to_string(),
        (None, Value::Object(fields)) => {
            let mut parts: Vec<_> = fields.iter().collect();
            parts.sort_unstable_by_key(|(name, _)| *name);
            json!(parts).to_string()
        }
        (None, simple) => simple.to_string(),
    }
}

/// Whether an element is marked as the primary one.
pub(crate) fn is_primary(element: &Value) -> bool {
    element.get("primary") == Some(&Value::Bool(true))
}
