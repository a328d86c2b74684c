//! Right sides of comparisons: mostly values that some row has, or pieces of them.

use scim_core::{ResourceKind, fold, resource::AttrRef, schema::AttributeType, timestamp};
use serde_json::Value;
use store_testing::{Dice, sample};

use super::{
    kept::{Kept, Row},
    tree::{Constant, Id},
};

/// Texts that no row has, or that no database may be given as they are.
const STRANGE: &[&str] = &[
    "",
    "\0",
    "a\0",
    "a\0b",
    "nobody",
    "\u{10ffff}\u{10ffff}",
    "%%",
    "a' OR 'a'='a",
    "é\u{301}",
    "{}",
    "\\u0000",
];

/// Kinds of ids that an attribute holds.
pub(super) fn holds_ids(kind: ResourceKind, target: &AttrRef) -> bool {
    target.extension.is_none()
        && matches!(
            (kind, target.attribute.name.as_str(), target.leaf().name.as_str()),
            (_, "id", _)
                | (ResourceKind::User, "groups", "value")
                | (ResourceKind::Group, "members", "value")
        )
}

/// The right side for an attribute and an operator.
pub(super) fn constant(
    dice: &mut Dice,
    kept: &Kept,
    kind: ResourceKind,
    target: &AttrRef,
    op: &str,
) -> Constant {
    if matches!(op, "eq" | "ne") && dice.chance(6) {
        return Constant::Written(dice.word(&["null", "NULL"]).to_owned());
    }
    if holds_ids(kind, target) && dice.chance(90) {
        return Constant::Id(id(dice, kept, kind, target, op));
    }
    let known = values(kept.rows(kind), target);
    let known = if known.is_empty() { None } else { Some(dice.pick(&known).clone()) };
    let written = match target.leaf().kind {
        AttributeType::Boolean => boolean(dice),
        AttributeType::Integer | AttributeType::Decimal => number(dice, known.as_ref()),
        AttributeType::DateTime => {
            let millis = known.as_ref().and_then(millis).unwrap_or_default();
            let instant = instant(dice, millis);
            quoted(dice, &instant)
        }
        _ => {
            let text = text(dice, known.as_ref().and_then(Value::as_str), op);
            quoted(dice, &text)
        }
    };
    Constant::Written(written)
}

/// Values that rows have: as they were sent where the document holds them, else as they are compared.
fn values(rows: &[Row], target: &AttrRef) -> Vec<Value> {
    let mut all = Vec::new();
    for row in rows {
        let in_document = match &target.extension {
            None => row.document.get(&target.attribute.name),
            Some(urn) => row.document.get(urn.as_ref()).and_then(|inner| inner.get(&target.attribute.name)),
        };
        let top = in_document.or_else(|| row.form.get(&target.attribute.name));
        gather(top, target.sub.as_ref().map(|sub| sub.name.as_str()), &mut all);
    }
    all
}

fn gather(value: Option<&Value>, sub: Option<&str>, all: &mut Vec<Value>) {
    match (value, sub) {
        (None, _) => {}
        (Some(Value::Array(elements)), _) => {
            elements.iter().for_each(|element| gather(Some(element), sub, all))
        }
        (Some(value), Some(sub)) => gather(value.get(sub), None, all),
        (Some(value), None) => all.push(value.clone()),
    }
}

fn id(dice: &mut Dice, kept: &Kept, kind: ResourceKind, target: &AttrRef, op: &str) -> Id {
    let of_group = match (kind, target.attribute.name.as_str()) {
        (ResourceKind::User, "groups") => true,
        (ResourceKind::Group, "members") => dice.chance(30),
        _ => kind == ResourceKind::Group,
    };
    let rows = if of_group { kept.groups.len() } else { kept.users.len() };
    let cut = match op {
        "co" => (dice.between(0..=30), dice.between(0..=5)),
        "sw" => (0, dice.between(0..=30)),
        "ew" => (dice.between(0..=34), 0),
        _ => (0, if dice.chance(5) { 1 } else { 0 }),
    };
    Id { of_group, row: dice.below(rows), upper: dice.chance(8), cut }
}

fn boolean(dice: &mut Dice) -> String {
    // As text it is taken from identity providers that cannot do better.
    dice.word(&["true", "false", "true", "false", "TRUE", "False", "\"True\"", "\"false\""]).to_owned()
}

fn number(dice: &mut Dice, known: Option<&Value>) -> String {
    let value = known.and_then(Value::as_f64).unwrap_or(1.0);
    match dice.below(8) {
        0 => format!("{value:e}"),
        1 => format!("{:e}", value + 0.5),
        2 => format!("{:e}", value - 1.0),
        3 => dice
            .word(&["0", "-0", "0.0", "1E0", "-1e308", "9223372036854775807", "1.50", "2e-324"])
            .to_owned(),
        _ => known.map_or_else(|| "1".to_owned(), Value::to_string),
    }
}

/// Milliseconds of a value of a document or of a search form.
fn millis(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| timestamp::parse(value.as_str()?))
}

/// An instant close to another one, with any offset and any number of digits.
fn instant(dice: &mut Dice, millis: i64) -> String {
    let (first, last) = (-62_135_596_800_000 + 86_400_000, 253_402_300_799_999 - 86_400_000);
    let is_inside = (first..=last).contains(&millis);
    let millis = if is_inside { millis + *dice.pick(&[0, 0, 0, 0, 1, -1, 1000, -60_000]) } else { millis };
    let minutes = if is_inside { *dice.pick(&[0, 0, 60, 330, -480, -1, 839]) } else { 0 };
    let local = timestamp::to_rfc3339(millis + minutes * 60_000);
    let (seconds, fraction) = local.trim_end_matches('Z').split_once('.').expect("a fraction");
    let fraction = match dice.below(4) {
        0 if fraction == "000" => String::new(),
        1 => format!(".{}", fraction.trim_end_matches('0')),
        // Beyond milliseconds nothing is kept and nothing compared.
        2 => format!(".{fraction}{:03}", dice.below(1000)),
        _ => format!(".{fraction}"),
    };
    let fraction = if fraction == "." { String::new() } else { fraction };
    let offset = match minutes {
        0 => dice.word(&["Z", "+00:00", "-00:00"]).to_owned(),
        _ => {
            let sign = if minutes < 0 { '-' } else { '+' };
            format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
        }
    };
    format!("{seconds}{fraction}{offset}")
}

fn text(dice: &mut Dice, known: Option<&str>, op: &str) -> String {
    let known = match known {
        Some(known) if dice.chance(88) => known.to_owned(),
        _ if dice.chance(50) => sample::text(dice, ""),
        _ => return dice.word(STRANGE).to_owned(),
    };
    let known = match dice.below(10) {
        0 => known.to_uppercase(),
        1 => known.to_lowercase(),
        2 => fold(&known),
        _ => known,
    };
    let (middle, chars) = (dice.piece(&known), known.chars().count());
    let kept = dice.between(0..=chars);
    match op {
        "co" => middle.to_owned(),
        "sw" => known.chars().take(kept).collect(),
        "ew" => known.chars().skip(kept).collect(),
        "gt" | "ge" | "lt" | "le" if dice.chance(30) => known.chars().take(kept).collect(),
        _ => known,
    }
}

/// A JSON string, with escapes where there need not be any.
fn quoted(dice: &mut Dice, text: &str) -> String {
    if dice.chance(70) {
        return Value::from(text).to_string();
    }
    let mut written = String::from("\"");
    for character in text.chars() {
        let mut units = [0; 2];
        match character {
            '/' => written.push_str("\\/"),
            _ if dice.chance(40) => {
                for unit in character.encode_utf16(&mut units) {
                    written.push_str(&format!("\\u{unit:04x}"));
                }
            }
            _ => {
                let alone = Value::from(character.to_string()).to_string();
                written.push_str(&alone[1..alone.len() - 1]);
            }
        }
    }
    written.push('"');
    written
}
