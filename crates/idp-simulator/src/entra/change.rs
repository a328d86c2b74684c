//! A change as the engine means it, before it takes a form of the wire: an operation, a path, a value.

use serde_json::Value;

use crate::judge::ENTERPRISE;

/// The three verbs of PATCH.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Add,
    Replace,
    Remove,
}

/// One operation of a PATCH. Booleans are booleans here, whatever the wire makes of them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Change {
    pub(crate) op: Op,
    /// `None` for an operation whose value names the attributes.
    pub(crate) path: Option<String>,
    /// `None` for a remove.
    pub(crate) value: Option<Value>,
}

impl Change {
    pub(crate) fn add(path: impl Into<String>, value: impl Into<Value>) -> Self {
        Self { op: Op::Add, path: Some(path.into()), value: Some(value.into()) }
    }

    pub(crate) fn replace(path: impl Into<String>, value: impl Into<Value>) -> Self {
        Self { op: Op::Replace, path: Some(path.into()), value: Some(value.into()) }
    }

    pub(crate) fn remove(path: impl Into<String>) -> Self {
        Self { op: Op::Remove, path: Some(path.into()), value: None }
    }

    /// Without a path: the keys of the value are attributes, or paths with dots.
    pub(crate) fn whole(op: Op, value: Value) -> Self {
        Self { op, path: None, value: Some(value) }
    }
}

/// The path of an enterprise attribute.
pub(crate) fn enterprise(attribute: &str) -> String {
    format!("{ENTERPRISE}:{attribute}")
}

/// A path taken apart: `urn:…:attribute[select.0 eq select.1].sub`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Path {
    /// The extension; empty for core attributes.
    pub(crate) urn: String,
    /// With a small first letter, as every attribute of the core schemas has it; `None` for a whole extension.
    pub(crate) attribute: Option<String>,
    /// Sub-attribute and literal of the value filter.
    pub(crate) select: Option<(String, Value)>,
    pub(crate) sub: Option<String>,
}

impl Path {
    /// Reads a path of Entra's. A manager without its URN is the enterprise extension's.
    pub(crate) fn parse(text: &str) -> Self {
        let (urn, rest) = split_urn(text);
        let (attribute, select, sub) = match rest.split_once('[') {
            Some((attribute, rest)) => {
                let (filter, sub) = rest.rsplit_once(']').unwrap_or((rest, ""));
                let select = filter.split_once(" eq ").map(|(name, literal)| selector(name, literal));
                (attribute, select, sub.strip_prefix('.'))
            }
            None => match rest.split_once('.') {
                Some((attribute, sub)) => (attribute, None, Some(sub)),
                None => (rest, None, None),
            },
        };
        let attribute = (!attribute.is_empty()).then(|| small(attribute));
        let urn = if attribute.as_deref() == Some("manager") { ENTERPRISE } else { urn };
        Self { urn: urn.to_owned(), attribute, select, sub: sub.map(small) }
    }
}

/// The URN of a path, and the rest. Older jobs put a dot after the URN.
fn split_urn(text: &str) -> (&str, &str) {
    if let Some(rest) = text.strip_prefix(ENTERPRISE) {
        return (ENTERPRISE, rest.trim_start_matches([':', '.']));
    }
    if !text.starts_with("urn:") {
        return ("", text);
    }
    // A whole extension ends in its type, which begins with a capital; attributes do not.
    let end = text.find('[').unwrap_or(text.len());
    match text[..end].rfind(':') {
        Some(colon) if !text[colon + 1..].starts_with(char::is_uppercase) => {
            (&text[..colon], &text[colon + 1..])
        }
        _ => (text, ""),
    }
}

/// `"True"` selects what is true.
fn selector(name: &str, literal: &str) -> (String, Value) {
    let value = serde_json::from_str(literal).unwrap_or_else(|_| Value::from(literal));
    let value = match (name, value.as_str()) {
        ("primary", Some(text)) => Value::from(text.eq_ignore_ascii_case("true")),
        _ => value,
    };
    (name.to_owned(), value)
}

fn small(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_come_apart() {
        let dotted = format!("{ENTERPRISE}.department");
        let employee = enterprise("employeeNumber");
        for (text, urn, attribute, select, sub) in [
            ("title", "", Some("title"), None, None),
            ("DisplayName", "", Some("displayName"), None, None),
            ("name.givenName", "", Some("name"), None, Some("givenName")),
            (
                "emails[type eq \"work\"].value",
                "",
                Some("emails"),
                Some(("type", json!("work"))),
                Some("value"),
            ),
            (
                "addresses[type eq \"other\"].Formatted",
                "",
                Some("addresses"),
                Some(("type", json!("other"))),
                Some("formatted"),
            ),
            (
                "roles[primary eq \"True\"].display",
                "",
                Some("roles"),
                Some(("primary", json!(true))),
                Some("display"),
            ),
            ("phoneNumbers[type eq \"fax\"]", "", Some("phoneNumbers"), Some(("type", json!("fax"))), None),
            (employee.as_str(), ENTERPRISE, Some("employeeNumber"), None, None),
            (dotted.as_str(), ENTERPRISE, Some("department"), None, None),
            (ENTERPRISE, ENTERPRISE, None, None, None),
            ("manager", ENTERPRISE, Some("manager"), None, None),
            ("urn:x:y:2.0:User:npi", "urn:x:y:2.0:User", Some("npi"), None, None),
            ("urn:x:y:2.0:User", "urn:x:y:2.0:User", None, None, None),
        ] {
            let path = Path::parse(text);
            assert_eq!(path.urn, urn, "{text}");
            assert_eq!(path.attribute.as_deref(), attribute, "{text}");
            assert_eq!(path.select, select.map(|(name, value)| (name.to_owned(), value)), "{text}");
            assert_eq!(path.sub.as_deref(), sub, "{text}");
        }
    }
}
