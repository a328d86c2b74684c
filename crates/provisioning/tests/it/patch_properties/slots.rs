//! Places of a document that an operation can aim at, and values for them.

use scim_core::{
    Document, ResourceType,
    schema::{Attribute, AttributeType, Mutability},
};
use serde_json::{Map, Value, json};
use store_testing::{Dice, sample};

/// A place that a client may write.
#[derive(Clone, Copy)]
pub(super) struct Slot<'a> {
    pub(super) urn: Option<&'a str>,
    pub(super) attribute: &'a Attribute,
    pub(super) sub: Option<&'a Attribute>,
}

/// All places of a type.
pub(super) fn slots(kind: &ResourceType) -> Vec<Slot<'_>> {
    let extensions =
        kind.extensions.iter().map(|extension| (Some(extension.schema.id.as_str()), &extension.schema));
    let mut all = Vec::new();
    for (urn, schema) in std::iter::once((None, &kind.schema)).chain(extensions) {
        for attribute in schema.attributes.iter().filter(|attribute| is_written(attribute)) {
            all.push(Slot { urn, attribute, sub: None });
            let subs = attribute.sub_attributes.iter().filter(|sub| is_written(sub));
            all.extend(subs.map(|sub| Slot { urn, attribute, sub: Some(sub) }));
        }
    }
    all
}

fn is_written(attribute: &Attribute) -> bool {
    !matches!(attribute.mutability, Mutability::ReadOnly | Mutability::WriteOnly)
}

impl<'a> Slot<'a> {
    /// What is written there.
    pub(super) fn leaf(&self) -> &'a Attribute {
        self.sub.unwrap_or(self.attribute)
    }

    /// Its path, without the URN of an extension.
    pub(super) fn local(&self) -> String {
        match self.sub {
            Some(sub) => format!("{}.{}", self.attribute.name, sub.name),
            None => self.attribute.name.clone(),
        }
    }

    /// The elements or the value that the document has of the whole attribute.
    pub(super) fn current<'d>(&self, document: &'d Document) -> Option<&'d Value> {
        match self.urn {
            None => document.get(&self.attribute.name),
            Some(urn) => document.get(urn)?.get(&self.attribute.name),
        }
    }
}

/// User names: one's own in any number of forms, and those that others have.
pub(super) struct Names {
    /// Ends each own name, so that no two users meet.
    pub(super) own: usize,
    /// Names of users that are there all the time.
    pub(super) taken: Vec<String>,
}

impl Names {
    /// A name that nobody else has.
    pub(super) fn fresh(&self, dice: &mut Dice) -> String {
        format!("{}.{}", sample::text(dice, "userName"), self.own)
    }

    fn any(&self, dice: &mut Dice, document: &Document) -> Value {
        let current = document.get("userName").and_then(Value::as_str).unwrap_or_default();
        match dice.below(12) {
            0 | 1 => current.to_uppercase().into(),
            2..5 => current.into(),
            5..9 => self.fresh(dice).into(),
            9 => dice.pick(&self.taken).as_str().into(),
            10 => dice.pick(&self.taken).to_uppercase().into(),
            _ => dice.pick(&[json!(null), json!(""), json!("  "), json!([]), json!(true)]).clone(),
        }
    }
}

/// A value for a place: mostly of its type, sometimes what is there, sometimes what clients send instead, sometimes
/// nonsense.
pub(super) fn value(dice: &mut Dice, names: &Names, slot: Slot<'_>, document: &Document) -> Value {
    if slot.attribute.name == "userName" && slot.urn.is_none() {
        return names.any(dice, document);
    }
    let right = sample::value(dice, slot.leaf());
    match dice.below(100) {
        0..62 => right,
        62..74 => match (slot.current(document), slot.sub) {
            (Some(current), Some(sub)) => current.get(&sub.name).cloned().unwrap_or(right),
            (Some(current), None) => current.clone(),
            (None, _) => right,
        },
        74..80 => dice.pick(&[json!(null), json!(""), json!([]), json!({})]).clone(),
        80..93 => instead(dice, slot.leaf(), right),
        _ => nonsense(dice),
    }
}

/// Forms that identity providers send: some are taken, some by leniency alone.
fn instead(dice: &mut Dice, attribute: &Attribute, right: Value) -> Value {
    match (right, attribute.kind) {
        (Value::Bool(truth), _) => {
            dice.word(if truth { &["True", "true"] } else { &["False", "false"] }).into()
        }
        (Value::Number(number), _) => number.to_string().into(),
        (Value::String(_), AttributeType::DateTime) => "2024-02-29T12:00:00.5+05:30".into(),
        (Value::String(text), _) => match dice.below(3) {
            0 => json!(7),
            1 => json!([text]),
            _ => json!({ "value": text }),
        },
        (Value::Object(fields), _) => match dice.below(4) {
            0 => fields
                .into_iter()
                .map(|(name, value)| (name.to_uppercase(), value))
                .collect::<Map<_, _>>()
                .into(),
            1 => sample::text(dice, "value").into(),
            2 => json!([fields]),
            _ => json!({ "nobody": 1, "value": null }),
        },
        (Value::Array(elements), _) => match (dice.below(4), elements.first()) {
            (0, Some(first)) => first.clone(),
            (1, Some(first)) => first.get("value").cloned().unwrap_or_else(|| json!("a, b")),
            (2, _) => elements.iter().chain(&elements).cloned().collect(),
            _ => json!([null, {}, { "primary": true }, { "primary": "True", "value": "p" }, ""]),
        },
        (Value::Null, _) => Value::Null,
    }
}

fn nonsense(dice: &mut Dice) -> Value {
    let all = [
        json!(12),
        json!(1.5),
        json!(true),
        json!("maybe"),
        json!("a\u{0}b"),
        json!([["x"]]),
        json!({"a": {"b": {"c": []}}}),
        json!([{"primary": true, "value": "1"}, {"primary": true, "value": "2"}]),
        json!([1, "2", null, false]),
    ];
    dice.pick(&all).clone()
}
