//! A resource as it is sent.

use std::{fmt, ops::Deref, sync::OnceLock};

use serde_json::Value;

/// A resource as it is sent: its text, where it was kept as it is shown, or a tree that is yet to be written. Whoever looks
/// into it sees the tree.
#[derive(Clone, Debug)]
pub struct Shown(Form);

#[derive(Clone, Debug)]
enum Form {
    Tree(Value),
    Text(String, OnceLock<Value>),
}

impl Shown {
    /// Of a JSON object's text.
    pub(crate) fn of_text(text: String) -> Self {
        Self(Form::Text(text, OnceLock::new()))
    }

    /// Its text.
    #[must_use]
    pub fn into_text(self) -> String {
        match self.0 {
            Form::Tree(tree) => serde_json::to_string(&tree).unwrap_or_default(),
            Form::Text(text, _) => text,
        }
    }

    /// The tree.
    #[must_use]
    pub fn into_value(self) -> Value {
        match self.0 {
            Form::Tree(tree) => tree,
            Form::Text(ref text, _) => read(text),
        }
    }

    /// Appends its text.
    pub fn write(&self, out: &mut String) {
        match &self.0 {
            Form::Tree(tree) => out.push_str(&serde_json::to_string(tree).unwrap_or_default()),
            Form::Text(text, _) => out.push_str(text),
        }
    }
}

impl From<Value> for Shown {
    fn from(tree: Value) -> Self {
        Self(Form::Tree(tree))
    }
}

impl Deref for Shown {
    type Target = Value;

    fn deref(&self) -> &Value {
        match &self.0 {
            Form::Tree(tree) => tree,
            Form::Text(text, tree) => tree.get_or_init(|| read(text)),
        }
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Tree(tree) => tree.fmt(out),
            Form::Text(text, _) => out.write_str(text),
        }
    }
}

impl PartialEq for Shown {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

/// Texts are made by this program alone, so each is JSON.
fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}
