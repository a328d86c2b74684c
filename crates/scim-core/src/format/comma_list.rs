//! Lists with commas between their elements, as guides ask for where an identity provider has one text field.

use std::collections::HashSet;

use serde_json::Value;

use crate::fold::fold;

/// What stands between two elements of a list that is kept as one text.
const SEPARATOR: &str = ",";

/// The elements of a text: trimmed, without empty ones, each once (compared without case, the first spelling stays).
#[must_use]
pub fn split(text: &str) -> Vec<String> {
    distinct(text.split(SEPARATOR))
}

/// One text of elements.
#[must_use]
pub fn join(elements: &[String]) -> String {
    elements.join(SEPARATOR)
}

/// The elements of a text or of a list of texts and numbers, whose elements may be comma lists themselves. `None` for
/// a value that is neither.
#[must_use]
pub fn elements(value: &Value) -> Option<Vec<String>> {
    let items = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    let texts = items.iter().filter(|item| !item.is_null()).map(|item| match item {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    });
    let texts: Vec<String> = texts.collect::<Option<_>>()?;
    Some(distinct(texts.iter().flat_map(|text| text.split(SEPARATOR))))
}

fn distinct<'t>(parts: impl Iterator<Item = &'t str>) -> Vec<String> {
    let mut seen = HashSet::new();
    let parts = parts.map(str::trim).filter(|part| !part.is_empty());
    parts.filter(|part| seen.insert(fold(part))).map(str::to_owned).collect()
}
