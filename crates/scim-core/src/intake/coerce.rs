//! One value to the canonical form of its attribute (RFC 7643 §2.3 to §2.5).

use std::borrow::Cow;

use serde_json::{Map, Number, Value};

use super::{
    Entries, MAX_ELEMENTS, MAX_STRING, is_primary,
    report::{Dropped, Problems},
};
use crate::{
    error::ScimError,
    leniency::Leniencies,
    schema::{Attribute, AttributeType, Mutability},
    timestamp,
};

/// Whether a value stands for "unassigned" (RFC 7643 §2.5): null, and what has nothing in it.
pub(crate) fn is_unassigned(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// A pass over values of one request: coerces, and gathers what is wrong and what is left out.
pub(crate) struct Coercion {
    leniencies: Leniencies,
    /// Violations so far.
    pub(crate) problems: Problems,
    /// Names left out so far.
    pub(crate) dropped: Dropped,
}

impl Coercion {
    /// Nothing found yet.
    pub(crate) fn new(leniencies: Leniencies) -> Self {
        Self { leniencies, problems: Problems::default(), dropped: Dropped::default() }
    }

    /// The switches of this pass.
    pub(crate) fn leniencies(&self) -> Leniencies {
        self.leniencies
    }

    /// The names left out, or one 400 `invalidValue` with all violations.
    pub(crate) fn finish(self) -> Result<Vec<String>, ScimError> {
        self.problems.finish()?;
        Ok(self.dropped.into_names())
    }

    /// What was found: the violations and the names left out.
    pub(crate) fn into_parts(self) -> (Problems, Vec<String>) {
        (self.problems, self.dropped.into_names())
    }

    /// The canonical value; `None` when it is unassigned, or wrong (and noted).
    pub(crate) fn value(&mut self, attribute: &Attribute, path: &str, value: &Value) -> Option<Value> {
        let read = attribute.constraint.as_ref().and_then(|constraint| constraint.read(attribute, value));
        let value = read.as_ref().unwrap_or(value);
        if is_unassigned(value) {
            None
        } else if attribute.multi_valued {
            self.list(attribute, path, value)
        } else {
            self.single(attribute, path, value)
        }
    }

    fn list(&mut self, attribute: &Attribute, path: &str, value: &Value) -> Option<Value> {
        let items = self.items(attribute, path, value)?;
        if items.len() > MAX_ELEMENTS {
            self.problems.push(path, &format!("holds more than {MAX_ELEMENTS} elements; send fewer"));
            return None;
        }
        let mut entries = Entries::default();
        for (position, item) in items.iter().enumerate() {
            let path = format!("{path}[{position}]");
            if is_unassigned(item) {
                continue;
            }
            if let Some(element) = self.element(attribute, &path, item) {
                entries.keep(element);
            }
        }
        let list = entries.into_list();
        if list.iter().filter(|element| is_primary(element)).count() > 1 {
            self.problems.push(&format!("{path}.primary"), "is true in more than one element; mark one only");
        }
        (!list.is_empty()).then_some(Value::Array(list))
    }

    /// The elements of a list, or of what stands for one.
    fn items<'v>(&mut self, attribute: &Attribute, path: &str, value: &'v Value) -> Option<Cow<'v, [Value]>> {
        match value {
            Value::Array(items) => Some(Cow::Borrowed(items)),
            // "12, 17" for a list of strings: guides ask for it where Okta has one text field.
            Value::String(text)
                if self.leniencies.single_as_list && attribute.kind == AttributeType::String =>
            {
                let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
                Some(parts.map(Value::from).collect())
            }
            single if self.leniencies.single_as_list => Some(Cow::Borrowed(std::slice::from_ref(single))),
            _ => {
                self.problems.push(path, "must be a list; put the value in [ ]");
                None
            }
        }
    }

    /// One element of a list.
    pub(crate) fn element(&mut self, attribute: &Attribute, path: &str, value: &Value) -> Option<Value> {
        if value.is_array() {
            self.problems.push(path, "is a list inside a list; send the elements themselves");
            return None;
        }
        self.single(attribute, path, value)
    }

    fn single(&mut self, attribute: &Attribute, path: &str, value: &Value) -> Option<Value> {
        let value = match value {
            Value::Array(items) if self.leniencies.single_as_list && items.len() == 1 => &items[0],
            Value::Array(_) => {
                self.problems.push(path, "takes one value, not a list; send the value alone");
                return None;
            }
            value => value,
        };
        if is_unassigned(value) {
            return None;
        }
        match attribute.kind {
            AttributeType::String | AttributeType::Reference => self.text(path, value).map(Value::String),
            AttributeType::Boolean => self.boolean(path, value),
            AttributeType::Integer => self.integer(path, value),
            AttributeType::Decimal => self.decimal(path, value),
            AttributeType::DateTime => self.date_time(path, value),
            AttributeType::Binary => self.binary(path, value),
            AttributeType::Complex => {
                let fields = self.complex(attribute, path, value)?;
                (!fields.is_empty()).then_some(Value::Object(fields))
            }
        }
    }

    fn wrong<T>(&mut self, path: &str, expected: &str, value: &Value) -> Option<T> {
        self.problems.push(path, &format!("must be {expected}, not {}", type_of(value)));
        None
    }

    /// A string that can be kept.
    pub(crate) fn text(&mut self, path: &str, value: &Value) -> Option<String> {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) if self.leniencies.numbers_as_strings && has_all_digits(number) => {
                number.to_string()
            }
            _ => return self.wrong(path, "a string", value),
        };
        if text.len() > MAX_STRING {
            self.problems.push(path, &format!("is longer than {MAX_STRING} bytes; shorten it"));
            return None;
        }
        if text.contains('\0') {
            self.problems.push(path, "holds a NUL character; remove it");
            return None;
        }
        Some(text)
    }

    fn boolean(&mut self, path: &str, value: &Value) -> Option<Value> {
        match value {
            Value::Bool(_) => return Some(value.clone()),
            Value::String(text) if self.leniencies.boolean_strings => {
                let text = text.trim();
                if text.is_empty() {
                    return None;
                }
                for known in [true, false] {
                    if text.eq_ignore_ascii_case(if known { "true" } else { "false" }) {
                        return Some(known.into());
                    }
                }
            }
            _ => {}
        }
        self.wrong(path, "true or false", value)
    }

    fn integer(&mut self, path: &str, value: &Value) -> Option<Value> {
        let whole = match value {
            Value::Number(number) => whole_number(number),
            Value::String(text) if self.leniencies.numbers_as_strings => text.trim().parse().ok(),
            _ => None,
        };
        match whole {
            Some(whole) => Some(whole.into()),
            None => self.wrong(path, "a whole number", value),
        }
    }

    fn decimal(&mut self, path: &str, value: &Value) -> Option<Value> {
        match value {
            Value::Number(number) => return Some(unsigned_zero(number.clone())),
            Value::String(text) if self.leniencies.numbers_as_strings => {
                if let Some(number) = text.trim().parse().ok().and_then(Number::from_f64) {
                    return Some(unsigned_zero(number));
                }
            }
            _ => {}
        }
        self.wrong(path, "a number", value)
    }

    fn date_time(&mut self, path: &str, value: &Value) -> Option<Value> {
        let instant = value.as_str().and_then(|text| timestamp::parse(text.trim()));
        // An offset can carry the instant out of the years that RFC 3339 can write.
        match instant.map(|millis| (millis, timestamp::to_rfc3339(millis))) {
            Some((millis, text)) if timestamp::parse(&text) == Some(millis) => Some(text.into()),
            _ => self.wrong(path, "a date with time and offset, such as 2026-01-31T08:00:00Z", value),
        }
    }

    fn binary(&mut self, path: &str, value: &Value) -> Option<Value> {
        match self.text(path, value)? {
            text if is_base64(&text) => Some(text.into()),
            _ => self.wrong(path, "base64 (RFC 4648)", value),
        }
    }

    /// The sub-attributes of a complex value, in schema order; empty when none has a value.
    pub(crate) fn complex(
        &mut self,
        attribute: &Attribute,
        path: &str,
        value: &Value,
    ) -> Option<Map<String, Value>> {
        let mut found: Map<String, Value> = Map::new();
        for (sub, value) in self.sub_values(attribute, path, value)? {
            if let Some(value) = self.value(sub, &format!("{path}.{}", sub.name), value) {
                found.insert(sub.name.clone(), value);
            }
        }
        let ordered = attribute.sub_attributes.iter();
        Some(
            ordered
                .filter_map(|sub| found.remove(&sub.name).map(|value| (sub.name.clone(), value)))
                .collect(),
        )
    }

    /// The sub-attributes that a client may write and that are named in a complex value, with what was sent for
    /// each; a bare string stands for `value`. `None` when it is no complex value (and noted).
    pub(crate) fn sub_values<'s, 'v>(
        &mut self,
        attribute: &'s Attribute,
        path: &str,
        value: &'v Value,
    ) -> Option<Vec<(&'s Attribute, &'v Value)>> {
        let fields = match value {
            Value::Object(fields) => fields,
            Value::String(_) | Value::Number(_) if self.leniencies.string_for_complex => {
                match attribute.sub("value") {
                    Some(sub) => return Some(vec![(sub, value)]),
                    None => return self.wrong(path, "an object", value),
                }
            }
            _ => return self.wrong(path, "an object", value),
        };
        let mut found = Vec::with_capacity(fields.len());
        for (key, value) in fields {
            match self.sub_attribute(attribute, key) {
                Some(sub) if sub.mutability == Mutability::ReadOnly => {}
                Some(sub) => found.push((sub, value)),
                None if is_unassigned(value) => {}
                None => self.dropped.push(&format!("{path}.{key}")),
            }
        }
        Some(found)
    }

    fn sub_attribute<'s>(&self, attribute: &'s Attribute, key: &str) -> Option<&'s Attribute> {
        // OneLogin's templates keep SCIM 1.1's name for a manager's id.
        let scim_1_manager = self.leniencies.string_for_complex
            && attribute.name == "manager"
            && key.eq_ignore_ascii_case("managerId");
        attribute.sub(if scim_1_manager { "value" } else { key }).map(AsRef::as_ref)
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "this string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// A number, and 0 for `-0` and `0.0`: there is one zero, however it is written.
fn unsigned_zero(number: Number) -> Value {
    if number.as_f64() == Some(0.0) { 0.into() } else { Value::Number(number) }
}

/// 2^53: up to here a double holds every whole number without loss.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

/// Whether a number is still what the client wrote: one of many digits was rounded when it was read.
fn has_all_digits(number: &Number) -> bool {
    !number.is_f64() || number.as_f64().is_some_and(|float| float.abs() <= MAX_EXACT)
}

/// `7` and `7.0` are whole; beyond 64 bits nothing is.
fn whole_number(number: &Number) -> Option<i64> {
    number.as_i64().or_else(|| {
        let float = number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() <= MAX_EXACT)?;
        format!("{float:.0}").parse().ok()
    })
}

/// Base64 in the standard or the URL-safe alphabet, padded or not.
fn is_base64(text: &str) -> bool {
    let digits = text.trim_end_matches('=');
    let padding = text.len() - digits.len();
    let fits = padding == 0 || (padding <= 2 && text.len().is_multiple_of(4));
    fits && digits.len() % 4 != 1
        && (digits.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(&byte))
            || digits.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)))
}
