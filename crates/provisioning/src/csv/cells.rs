//! From a value to the text of a cell and back.

use scim_core::schema::{Attribute, AttributeType};
use serde_json::{Number, Value};

/// What makes a spreadsheet program take a cell for a formula: `=`, `+`, `-`, `@`, a tab or a line end at its beginning,
/// and the wide forms of East Asian keyboards (OWASP, "CSV Injection").
const FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// What stands before such a cell.
const GUARD: char = '\'';

/// Would a spreadsheet program take this for a formula, guards before it left aside?
fn is_formula(text: &str) -> bool {
    text.trim_start_matches(GUARD).starts_with(FORMULA)
}

/// A text that no spreadsheet program computes; [`unguard`] gives the text again.
pub(super) fn guard(text: &str) -> String {
    if is_formula(text) { format!("{GUARD}{text}") } else { text.to_owned() }
}

/// The text that was guarded. One that no guard was needed for is as it is.
pub(crate) fn unguard(cell: &str) -> &str {
    cell.strip_prefix(GUARD).filter(|rest| is_formula(rest)).unwrap_or(cell)
}

/// Appends a cell. Quoted where RFC 4180 asks for it, and where a program of another country would see the end of a
/// cell: behind a semicolon or a tab a formula could begin.
pub(super) fn write_cell(out: &mut String, text: &str) {
    let text = guard(text);
    if !text.contains(['"', ',', '\r', '\n', ';', '\t']) {
        out.push_str(&text);
        return;
    }
    out.push('"');
    out.push_str(&text.replace('"', "\"\""));
    out.push('"');
}

/// What a cell means for an attribute; `None` for an empty one. A text that is none of the attribute's type stays a text,
/// so that validation can say what is wrong.
pub(super) fn value_of(attribute: &Attribute, cell: &str) -> Option<Value> {
    if !attribute.multi_valued {
        return single(attribute.kind, cell);
    }
    let values: Vec<Value> =
        split(cell).iter().filter_map(|part| single(attribute.kind, part.trim())).collect();
    (!values.is_empty()).then_some(Value::Array(values))
}

fn single(kind: AttributeType, text: &str) -> Option<Value> {
    let bare = text.trim();
    let typed = match kind {
        AttributeType::Boolean if bare.is_empty() => return None,
        AttributeType::Boolean if bare.eq_ignore_ascii_case("true") => Some(true.into()),
        AttributeType::Boolean if bare.eq_ignore_ascii_case("false") => Some(false.into()),
        AttributeType::Integer => bare.parse::<i64>().ok().map(Value::from),
        AttributeType::Decimal => match bare.parse::<i64>() {
            Ok(whole) => Some(whole.into()),
            Err(_) => bare.parse().ok().and_then(Number::from_f64).map(Value::Number),
        },
        _ => None,
    };
    typed.or_else(|| (!text.is_empty()).then(|| text.into()))
}

/// The text of a value; of a list its elements with commas between them.
pub(super) fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(list) => {
            let texts = list.iter().map(text_of).map(|text| text.replace('\\', "\\\\").replace(',', "\\,"));
            texts.collect::<Vec<_>>().join(",")
        }
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// The elements of a list: `\,` is a comma within one, `\\` a backslash, any other backslash itself.
fn split(cell: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut chars = cell.chars().peekable();
    while let Some(ch) = chars.next() {
        if ch == ',' {
            parts.push(String::new());
            continue;
        }
        let escaped = (ch == '\\').then(|| chars.next_if(|next| matches!(next, ',' | '\\'))).flatten();
        if let Some(part) = parts.last_mut() {
            part.push(escaped.unwrap_or(ch));
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn attribute(kind: &str, multi_valued: bool) -> Attribute {
        serde_json::from_value(json!({"name": "x", "type": kind, "multiValued": multi_valued})).expect("one")
    }

    #[test]
    fn no_cell_is_a_formula_and_each_reads_back() {
        for text in [
            "=1+1",
            "+12025550143",
            "-7",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            "\n=1",
            "＝1",
            "＋1",
            "－1",
            "＠x",
            "'=1",
            "''+1",
            "'",
            "''",
            "'tis",
            "O'Brien",
            "",
            "Ann",
            "a=b",
            "a;=1",
            "a\t=1",
            "\"=1\"",
            "12,17",
            "two\r\nlines",
        ] {
            let guarded = guard(text);
            assert!(!guarded.starts_with(FORMULA), "{text:?}");
            assert_eq!(unguard(&guarded), text, "{text:?}");
            let mut cell = String::new();
            write_cell(&mut cell, text);
            assert!(!cell.starts_with(FORMULA), "{text:?} as {cell}");
            if text.contains([';', '\t', ',', '"']) {
                assert!(cell.starts_with('"') && cell.ends_with('"'), "{text:?} as {cell}");
            }
        }
        assert_eq!(
            (guard("=1").as_str(), guard("Ann").as_str(), guard("'=1").as_str()),
            ("'=1", "Ann", "''=1")
        );
    }

    #[test]
    fn cells_have_the_type_of_their_attribute() {
        for (kind, multi_valued, cell, value) in [
            ("string", false, "7", Some(json!("7"))),
            ("string", false, " a ", Some(json!(" a "))),
            ("string", false, "", None),
            ("boolean", false, "TRUE", Some(json!(true))),
            ("boolean", false, " false ", Some(json!(false))),
            ("boolean", false, " ", None),
            ("boolean", false, "yes", Some(json!("yes"))),
            ("integer", false, "-7", Some(json!(-7))),
            ("integer", false, "7.5", Some(json!("7.5"))),
            ("decimal", false, "7", Some(json!(7))),
            ("decimal", false, "7.25", Some(json!(7.25))),
            ("decimal", false, "inf", Some(json!("inf"))),
            ("dateTime", false, "2026-01-31T08:00:00Z", Some(json!("2026-01-31T08:00:00Z"))),
            ("string", true, "a, b,,c", Some(json!(["a", "b", "c"]))),
            ("string", true, " , ", None),
            ("integer", true, "1,2", Some(json!([1, 2]))),
            ("string", true, "a\\,b,c\\\\d,e\\f", Some(json!(["a,b", "c\\d", "e\\f"]))),
        ] {
            assert_eq!(value_of(&attribute(kind, multi_valued), cell), value, "{kind} {cell:?}");
        }
    }

    #[test]
    fn values_read_back() {
        for (kind, multi_valued, value) in [
            ("string", false, json!("a,b\\c")),
            ("boolean", false, json!(true)),
            ("integer", false, json!(i64::MIN)),
            ("decimal", false, json!(0.1)),
            ("decimal", false, json!(1e300)),
            ("decimal", false, json!(2.0)),
            ("string", true, json!(["a", "b,c", "d\\", "\\,", ",", "\\"])),
            ("boolean", true, json!([true, false])),
        ] {
            assert_eq!(
                value_of(&attribute(kind, multi_valued), &text_of(&value)),
                Some(value.clone()),
                "{value}"
            );
        }
    }
}
