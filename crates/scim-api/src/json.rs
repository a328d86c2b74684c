//! Text → JSON value, without doubt and within bounds: no key twice in one object, not too many values.

use std::{collections::HashSet, fmt};

use scim_core::{ScimError, ScimType};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Most values in one body: each one costs memory whatever its length, and 100,000 members need less.
const MAX_VALUES: usize = 1_000_000;
/// Most keys in one object.
const MAX_KEYS: usize = 10_000;
/// Longest key or path shown in an error, in characters.
const MAX_SHOWN: usize = 128;

/// Reads one JSON value. 400 `invalidSyntax` with line and column for what is no JSON (numbers beyond a double
/// included), for a key that is twice in one object, and for one that differs from another in case alone, since names
/// are compared without case (RFC 7643 §2.1); 413 beyond [`MAX_VALUES`] and [`MAX_KEYS`].
pub(crate) fn parse(text: &str) -> Result<Value, ScimError> {
    let mut reader = Reader::default();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let read = reader.read(&mut deserializer, &Place::Body);
    let read = read.and_then(|value| deserializer.end().map(|()| value));
    read.map_err(|error| match reader.excess {
        Some(excess) => ScimError::new(413, excess),
        None if error.is_data() => syntax(format!("The body is ambiguous: {error}.")),
        None => syntax(format!("The body is not valid JSON: {error}.")),
    })
}

fn syntax(detail: String) -> ScimError {
    ScimError::bad_request(ScimType::InvalidSyntax, detail)
}

/// What was read so far.
#[derive(Default)]
struct Reader {
    values: usize,
    /// Why reading stopped, when the body is too large rather than wrong.
    excess: Option<String>,
}

impl Reader {
    fn read<'de, D: Deserializer<'de>>(&mut self, from: D, place: &Place<'_>) -> Result<Value, D::Error> {
        Seed { reader: self, place }.deserialize(from)
    }

    fn stop<E: Error>(&mut self, excess: String) -> E {
        self.excess = Some(excess);
        E::custom("too much")
    }
}

/// Where in the body a value stands.
enum Place<'a> {
    Body,
    Key(&'a Place<'a>, &'a str),
    Element(&'a Place<'a>, usize),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Body => Ok(()),
            Self::Key(Self::Body, key) => formatter.write_str(key),
            Self::Key(parent, key) => write!(formatter, "{parent}.{key}"),
            Self::Element(parent, at) => write!(formatter, "{parent}[{at}]"),
        }
    }
}

/// Where a NUL character stands in a body that was read, as the beginning of a sentence: a value by its path, a name by the
/// path of what it is in.
pub(crate) fn nul(value: &Value) -> Option<String> {
    find_nul(value, &Place::Body)
}

fn find_nul(value: &Value, place: &Place<'_>) -> Option<String> {
    let or_body = |place: &Place<'_>, body: &str| match place {
        Place::Body => body.to_owned(),
        inside => shown(&inside.to_string()),
    };
    match value {
        Value::String(text) => text.contains('\0').then(|| or_body(place, "The body")),
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(at, item)| find_nul(item, &Place::Element(place, at)))
        }
        Value::Object(fields) => fields.iter().find_map(|(name, value)| {
            if name.contains('\0') {
                return Some(format!("A name in {}", or_body(place, "the body")));
            }
            find_nul(value, &Place::Key(place, name))
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// A text from the body, fit for an error: bounded, no control characters.
fn shown(text: &str) -> String {
    text.chars().take(MAX_SHOWN).map(|ch| if ch.is_control() { '\u{fffd}' } else { ch }).collect()
}

struct Seed<'a> {
    reader: &'a mut Reader,
    place: &'a Place<'a>,
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.reader.values += 1;
        if self.reader.values > MAX_VALUES {
            let excess =
                format!("The body holds more than {MAX_VALUES} values; send it in several requests.");
            return Err(self.reader.stop(excess));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number is out of range"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let Self { reader, place } = self;
        let mut list = Vec::new();
        while let Some(item) = items
            .next_element_seed(Seed { reader: &mut *reader, place: &Place::Element(place, list.len()) })?
        {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let Self { reader, place } = self;
        let mut fields = Map::new();
        let mut names: HashSet<String> = HashSet::new();
        while let Some(key) = entries.next_key::<String>()? {
            let here = Place::Key(place, &key);
            if !names.insert(key.to_ascii_lowercase()) {
                return Err(A::Error::custom(repeated(&fields, &key, &here)));
            }
            if names.len() > MAX_KEYS {
                let problem = format!("An object of the body holds more than {MAX_KEYS} keys; send fewer.");
                return Err(reader.stop(problem));
            }
            let value = entries.next_value_seed(Seed { reader: &mut *reader, place: &here })?;
            fields.insert(key, value);
        }
        Ok(Value::Object(fields))
    }
}

fn repeated(fields: &Map<String, Value>, key: &str, here: &Place<'_>) -> String {
    let path = shown(&here.to_string());
    let other = fields.keys().find(|known| *known != key && known.eq_ignore_ascii_case(key));
    match other {
        Some(other) => format!(
            "{path} is there twice, also as {:?}; names regard no case, so send it once",
            shown(other)
        ),
        None => format!("{path} is there twice; send it once"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_what_serde_json_reads() {
        for text in [
            "null",
            " true ",
            "-0",
            "-7",
            "18446744073709551615",
            "99999999999999999999",
            "1.5e3",
            "\"a\\u00e9\\ud83d\\ude00\"",
            "[]",
            "[1,[2,{}],\"x\"]",
            "{\"b\":1,\"a\":{\"b\":[null]},\"\":0}",
        ] {
            let wanted: Value = serde_json::from_str(text).expect(text);
            let read = parse(text).expect(text);
            assert_eq!(read, wanted, "{text}");
            assert_eq!(read.to_string(), wanted.to_string(), "order and numbers: {text}");
        }
    }

    #[test]
    fn a_key_is_there_once() {
        for (text, wanted) in [
            (
                "{\"a\":1,\"a\":1}",
                "The body is ambiguous: a is there twice; send it once at line 1 column 10.",
            ),
            (
                "{\"userName\":1,\n\"username\":2}",
                "username is there twice, also as \"userName\"; names regard no case",
            ),
            ("{\"userName\":1,\n\"username\":2}", "line 2 column 10"),
            ("{\"emails\":[{},{\"value\":1,\"type\":2,\"VALUE\":3}]}", "emails[1].VALUE is there twice"),
            ("[[{\"a\":{\"b\":1,\"b\":1}}]]", "[0][0].a.b is there twice"),
            ("{\"a\\nb\":1,\"a\\nb\":1}", "a\u{fffd}b is there twice"),
            ("{\"\\u0061\":1,\"a\":1}", "a is there twice; send it once"),
        ] {
            let error = parse(text).expect_err(text);
            assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidSyntax)), "{text}");
            assert!(error.detail.contains(wanted), "{text}: {}", error.detail);
        }
        // The same name elsewhere is another one, and only ASCII has case.
        assert!(parse("[{\"a\":1},{\"a\":{\"a\":1}},{\"\u{e9}\":1,\"\u{c9}\":1}]").is_ok());
        let long = format!("{{\"{0}\":1,\"{0}\":1}}", "x".repeat(100_000));
        assert!(parse(&long).expect_err("twice").detail.len() < 300);
    }

    #[test]
    fn a_value_is_never_told() {
        let error = parse("{\"password\":\"Sommer-2031\",\"password\":\"Sommer-2032\"}").expect_err("twice");
        assert!(error.detail.contains("password") && !error.detail.contains("Sommer"), "{}", error.detail);
    }

    #[test]
    fn values_and_keys_are_counted() {
        let full = format!("[{}1]", "1,".repeat(MAX_VALUES - 2));
        assert!(parse(&full).is_ok());
        let keys = |count: usize| (0..count).map(|at| (format!("k{at}"), json!(1))).collect::<Map<_, _>>();
        assert!(parse(&Value::Object(keys(MAX_KEYS)).to_string()).is_ok());
        for text in
            [format!("[{}1]", "1,".repeat(MAX_VALUES - 1)), json!([{"a": keys(MAX_KEYS + 1)}]).to_string()]
        {
            let error = parse(&text).expect_err("too much");
            assert_eq!((error.status, error.scim_type), (413, None));
        }
    }

    #[test]
    fn numbers_and_nesting_have_ends() {
        for text in ["1e400", "-1e400", "[1e999999999999]"] {
            let error = parse(text).expect_err(text);
            assert!(error.detail.contains("out of range at line 1"), "{}", error.detail);
        }
        for text in ["[".repeat(100_000), "{\"a\":".repeat(100_000), "[1".to_owned(), "1 2".to_owned()] {
            assert_eq!(parse(&text).expect_err("no JSON").scim_type, Some(ScimType::InvalidSyntax));
        }
    }
}
