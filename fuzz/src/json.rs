//! A mutator for JSON texts: changes the tree and leaves it JSON, so that mutants get past the parser.
//!
//! One time in four the bytes themselves are changed, so that malformed texts are tried too.

use libfuzzer_sys::fuzzer_mutate;
use scim_core::{schema, urn};
use serde_json::{Map, Value, json};

use crate::fixtures;

/// Changes the first `size` bytes of `data` in place; gives the new size, `max_size` at most.
pub fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let mut dice = Dice(u64::from(seed) | 1 << 40);
    if let (true, Ok(mut tree)) = (dice.below(4) > 0, serde_json::from_slice::<Value>(&data[..size])) {
        for _ in 0..=dice.below(3) {
            change(&mut tree, &mut dice);
        }
        let text = tree.to_string();
        if text.len() <= max_size {
            data[..text.len()].copy_from_slice(text.as_bytes());
            return text.len();
        }
    }
    fuzzer_mutate(data, size, max_size)
}

/// Numbers from a seed (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap_or(0) % sides.max(1)
    }

    fn pick<'t, T>(&mut self, items: &'t [T]) -> &'t T {
        &items[self.below(items.len())]
    }
}

/// One change at one place.
fn change(tree: &mut Value, dice: &mut Dice) {
    let (here, there) = (dice.below(count(tree)), dice.below(count(tree)));
    let other = nth(tree, &mut { there }).map(|node| node.clone()).unwrap_or_default();
    let Some(node) = nth(tree, &mut { here }) else { return };
    match (dice.below(6), &mut *node) {
        (0, _) => *node = other,
        (1, _) => *node = value(dice),
        (2 | 3, Value::Object(fields)) => change_fields(fields, other, dice),
        (2 | 3, Value::Array(items)) => change_items(items, other, dice),
        (2 | 3, Value::String(text)) => change_text(text, dice),
        (4, _) => *node = json!([node.take()]),
        (5, _) => *node = json!({name(dice): node.take()}),
        _ => *node = value(dice),
    }
}

fn change_fields(fields: &mut Map<String, Value>, other: Value, dice: &mut Dice) {
    let key = fields.keys().nth(dice.below(fields.len())).cloned();
    match (dice.below(5), key) {
        (0, Some(key)) => drop(fields.shift_remove(&key)),
        (1, Some(key)) => {
            let kept = fields.shift_remove(&key).unwrap_or_default();
            fields.insert(name(dice), kept);
        }
        (2, Some(key)) => {
            let kept = fields.shift_remove(&key).unwrap_or_default();
            fields.insert(swap_case(&key), kept);
        }
        (3, _) => drop(fields.insert(name(dice), other)),
        _ => drop(fields.insert(name(dice), value(dice))),
    }
}

fn change_items(items: &mut Vec<Value>, other: Value, dice: &mut Dice) {
    let at = dice.below(items.len());
    match dice.below(5) {
        0 if !items.is_empty() => drop(items.remove(at)),
        1 if !items.is_empty() => items.insert(at, items[at].clone()),
        2 if items.len() > 1 => items.swap(0, at),
        3 => items.insert(at, other),
        _ => items.insert(at, value(dice)),
    }
}

fn change_text(text: &mut String, dice: &mut Dice) {
    const MARKS: [char; 12] = ['\0', 'É', 'ß', '😀', ' ', '"', '\\', '.', ':', '[', ']', ','];
    let at = text.char_indices().nth(dice.below(text.chars().count())).map_or(0, |(at, _)| at);
    match dice.below(5) {
        0 => *text = swap_case(text),
        1 => text.truncate(at),
        2 => text.insert(at, *dice.pick(&MARKS)),
        3 => *text = name(dice),
        _ => text.insert_str(at, &name(dice)),
    }
}

fn swap_case(text: &str) -> String {
    text.chars()
        .map(|ch| if ch.is_ascii_uppercase() { ch.to_ascii_lowercase() } else { ch.to_ascii_uppercase() })
        .collect()
}

/// Nodes of a tree, itself one of them.
fn count(tree: &Value) -> usize {
    1 + match tree {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(fields) => fields.values().map(count).sum(),
        _ => 0,
    }
}

/// A node by its number, parents first.
fn nth<'t>(tree: &'t mut Value, left: &mut usize) -> Option<&'t mut Value> {
    if *left == 0 {
        return Some(tree);
    }
    *left -= 1;
    match tree {
        Value::Array(items) => items.iter_mut().find_map(|item| nth(item, left)),
        Value::Object(fields) => fields.values_mut().find_map(|field| nth(field, left)),
        _ => None,
    }
}

/// A name that means something: of an attribute, a part of one, an extension, a path, a key of a message.
fn name(dice: &mut Dice) -> String {
    const MESSAGE: [&str; 9] =
        ["schemas", "Operations", "op", "path", "value", "method", "bulkId", "version", "data"];
    const PATHS: [&str; 12] = [
        "emails[type eq \"work\"].value",
        "emails[type eq \"work\"]",
        "emails[not (primary eq true)].display",
        "roles[primary eq \"True\"].display",
        "roles[type eq \"a\" and primary eq true].value",
        "members[value eq \"u1\"]",
        "members[value eq \"u1\" or value eq \"u2\"]",
        "addresses[type eq \"work\"].formatted",
        "urn:example:desks[since pr].type",
        "siteNumbers[value eq \"7\"]",
        "emails.type",
        "name.givenName",
    ];
    let resource_type = *dice.pick(&fixtures::types());
    let schemas: Vec<_> = resource_type.schemas().chain([&**schema::COMMON]).collect();
    let schema = *dice.pick(&schemas);
    let attribute = dice.pick(&schema.attributes);
    match dice.below(8) {
        0 => (*dice.pick(&MESSAGE)).into(),
        1 => (*dice.pick(&PATHS)).into(),
        2 => schema.id.clone(),
        3 => format!("{}{}{}", schema.id, dice.pick(&[":", "."]), attribute.name),
        4 if !attribute.sub_attributes.is_empty() => {
            format!("{}.{}", attribute.name, dice.pick(&attribute.sub_attributes).name)
        }
        5 if !attribute.sub_attributes.is_empty() => dice.pick(&attribute.sub_attributes).name.clone(),
        _ => attribute.name.clone(),
    }
}

/// A value that something may expect, or nothing does.
fn value(dice: &mut Dice) -> Value {
    const TEXTS: [&str; 24] = [
        "",
        "add",
        "Remove",
        "replace",
        "POST",
        "PUT",
        "patch",
        "DELETE",
        "/Users",
        "/Groups",
        "/Users/1",
        "/Groups/bulkId:a",
        "bulkId:a",
        "bulkId:b",
        "a",
        "b",
        "work",
        "True",
        "False",
        "7, 12 ,",
        "-1",
        "2026-01-31T08:00:00+01:00",
        "QUJD",
        "ann@work.example",
    ];
    match dice.below(14) {
        0 => Value::Null,
        1 => json!(true),
        2 => json!(false),
        3 => json!(dice.below(5)),
        4 => json!(*dice.pick(&[-0.0, 1.5, 1e300, 9_007_199_254_740_993.0, -1e-7])),
        5 => json!(*dice.pick(&[i64::MIN, i64::MAX, -1])),
        6 => json!(u64::MAX),
        7 => json!([]),
        8 => json!({}),
        9 => json!({"value": *dice.pick(&TEXTS), "type": *dice.pick(&TEXTS), "primary": dice.below(2) == 0}),
        10 => json!({"op": *dice.pick(&TEXTS), "path": name(dice), "value": *dice.pick(&TEXTS)}),
        11 => json!(*dice.pick(&[urn::USER, urn::GROUP, urn::ENTERPRISE_USER, urn::PATCH_OP, urn::ERROR])),
        12 => name(dice).into(),
        _ => json!(*dice.pick(&TEXTS)),
    }
}
