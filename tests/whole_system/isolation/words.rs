//! The words that a tenant is made of: each is another one, and stands nowhere else.

use std::collections::BTreeMap;

use serde_json::Value;

/// What a tenant comes to hold. Each word is another one, so that one that was sent explains no other that comes back.
#[derive(Default)]
pub(super) struct Words {
    pub(super) values: BTreeMap<&'static str, String>,
    pub(super) hidden: Vec<String>,
}

impl Words {
    fn word(name: &str) -> String {
        format!("{}-{:016x}", name.replace(' ', "-"), rand::random::<u64>())
    }

    /// One that requests may be about.
    pub(super) fn named(&mut self, name: &'static str) -> String {
        let word = Self::word(name);
        self.values.insert(name, word.clone());
        word
    }

    /// One that nobody else ever says.
    pub(super) fn hidden(&mut self, name: &str) -> String {
        let word = Self::word(name);
        self.hidden.push(word.clone());
        word
    }

    /// One that the server made.
    pub(super) fn keep(&mut self, name: &'static str, value: &Value) {
        assert!(value.is_string(), "there is no {name}");
        self.values.insert(name, text(value));
    }
}

/// A JSON value that is a text.
pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}
