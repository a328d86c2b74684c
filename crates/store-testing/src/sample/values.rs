//! Random values: few of them, so that resources share some, and enough that are hard to compare.

use scim_core::{
    schema::{Attribute, AttributeType},
    timestamp,
};
use serde_json::{Map, Value, json};

use crate::Dice;

/// What most texts are.
const COMMON: &[&str] = &[
    "Sales", "sales", "SALES", "Nurse", "nurse", "Émile", "émile", "Dr", "dr", "a", "A", "b", "ab", "Ab",
    "ann@work", "Ann@Work", "bob@home", "1 Market", "Zürich", "en-US", "de-DE", "Straße", "STRASSE",
];

/// Words of the filter language and of JSON, wildcards, quotes, blanks, control characters, and characters that fold
/// to several or change their length.
const HARD: &[&str] = &[
    "true", "null", "not", "eq", "and", "or pr", "(x", "x)", "[1]", "a.b", "$.x", "userName", "0", "-1",
    "1e3", "007", "%", "_", "100%", "a_b", "*", "\\", "\\\\", "\"", "'", "''; --", "a\"b", "\\\"", " ", " a",
    "a ", "a  b", "\t", "\n", "\r\n", "\u{1}", "\u{1f}", "\u{7f}", "\u{85}", "\u{a0}", "\u{feff}",
    "\u{200b}", "ß", "ẞ", "ss", "ſ", "s", "ﬀ", "ff", "ﬃ", "İ", "i̇", "ı", "I", "i", "K", "k", "Å", "å", "Σ",
    "σ", "ς", "ΐ", "ŉ", "ǰ", "Ꭰ", "ꭰ", "Ა", "ა", "é", "e\u{301}", "É", "😀", "א", "中文", "\u{d7ff}",
    "\u{e000}", "\u{fffd}", "\u{ffff}",
];

/// A filter, an object, and the end of the code points.
const HARDER: &[&str] = &["\"x\" or \"y\" pr", "{\"a\":1}", "\u{10ffff}", "z\u{10ffff}"];

const TYPES: &[&str] = &["work", "home", "Work", "other", "WORK", "İ"];

/// Some are no double.
const INTEGERS: &[i64] =
    &[0, 1, 1, 2, 2, 3, 7, -1, -2, 10, 100, (1 << 53) - 1, (1 << 53) + 1, i64::MIN, i64::MAX];

/// In JSON; some at the ends of what a double can be.
const DECIMALS: &[&str] = &[
    "0", "0.5", "0.5", "1", "1.0", "1.5", "1.5", "2", "-0.0", "-1.25", "0.1", "0.3", "1e3", "1e-7", "100",
    "1e308", "-1e308", "5e-324",
];

/// Neither a double nor a 64-bit integer, or the last of them.
const PRECISE: &[&str] =
    &["0.30000000000000004", "9007199254740993", "18446744073709551615", "1.7976931348623157e308"];

/// An instant from which others are not far.
const DAY: i64 = 1_700_000_000_000;

/// Close together, before 1970, and at both ends of the years; in milliseconds.
const INSTANTS: &[i64] = &[
    DAY,
    DAY,
    DAY + 1,
    DAY + 100,
    DAY + 3_600_000,
    DAY - 1,
    0,
    -1,
    -86_400_000,
    951_782_400_000,
    -62_135_596_800_000,
    253_402_300_799_999,
];

/// A text for an attribute.
pub fn text(dice: &mut Dice, name: &str) -> String {
    if name == "type" && dice.chance(85) {
        return dice.word(TYPES).to_owned();
    }
    match dice.below(10) {
        0..6 => dice.word(COMMON).to_owned(),
        6..9 if dice.chance(6) => dice.word(HARDER).to_owned(),
        6..9 => dice.word(HARD).to_owned(),
        _ => (0..dice.between(2..=4)).map(|_| dice.word(HARD)).collect(),
    }
}

/// A value of an attribute; of a list, zero to four of them.
pub fn value(dice: &mut Dice, attribute: &Attribute) -> Value {
    if !attribute.multi_valued {
        return single(dice, attribute);
    }
    let mut elements: Vec<Value> = (0..dice.below(5)).map(|_| single(dice, attribute)).collect();
    one_primary(&mut elements);
    Value::Array(elements)
}

fn single(dice: &mut Dice, attribute: &Attribute) -> Value {
    match attribute.kind {
        AttributeType::String => text(dice, &attribute.name).into(),
        AttributeType::Boolean => dice.chance(50).into(),
        AttributeType::Integer => (*dice.pick(INTEGERS)).into(),
        AttributeType::Decimal => {
            let text = if dice.chance(15) { dice.word(PRECISE) } else { dice.word(DECIMALS) };
            serde_json::from_str(text).expect("a number")
        }
        AttributeType::DateTime => timestamp::to_rfc3339(*dice.pick(INSTANTS)).into(),
        AttributeType::Binary => dice.word(&["QUJD", "qujd", "AAAA", "YQ==", "-_-_", "/+/+"]).into(),
        AttributeType::Reference => match dice.below(3) {
            0 => json!("https://h.example/Users/7"),
            1 => json!("HTTPS://H.example/users/7"),
            _ => text(dice, &attribute.name).into(),
        },
        AttributeType::Complex => complex(dice, attribute),
    }
}

fn complex(dice: &mut Dice, attribute: &Attribute) -> Value {
    let mut fields = Map::new();
    for sub in &attribute.sub_attributes {
        let percent = if sub.name == "value" { 85 } else { 55 };
        if sub.required || dice.chance(percent) {
            fields.insert(sub.name.clone(), value(dice, sub));
        }
    }
    Value::Object(fields)
}

/// Leaves the mark on the last of those that have it.
fn one_primary(elements: &mut [Value]) {
    let mut found = false;
    for element in elements.iter_mut().rev() {
        if element.get("primary") == Some(&Value::Bool(true)) {
            if found {
                element["primary"] = Value::Bool(false);
            }
            found = true;
        }
    }
}
