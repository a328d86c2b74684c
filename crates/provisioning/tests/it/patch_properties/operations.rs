//! Random PATCH bodies: every form of path and value that clients use, and wrong ones.

use scim_core::{Document, ResourceType, leniency::Leniencies, urn};
use serde_json::{Map, Value, json};
use store_testing::Dice;

use super::slots::{Names, Slot, slots, value};

/// What a client read and sends back, what is kept nowhere, and what nobody knows.
const ASIDE: [&str; 8] = ["id", "meta", "groups", "schemas", "password", "nobody", "photos", "x.y"];

/// Makes bodies for one document.
pub(super) struct Maker<'a> {
    pub(super) kind: &'a ResourceType,
    pub(super) document: &'a Document,
    pub(super) names: &'a Names,
}

impl Maker<'_> {
    /// A body of one to three operations.
    pub(super) fn body(&self, dice: &mut Dice) -> Value {
        let count = dice.weighted(&[(50, 1), (30, 2), (20, 3)]);
        let operations: Vec<Value> = (0..count).map(|_| self.operation(dice)).collect();
        match dice.below(100) {
            0 => json!({ "schemas": [urn::PATCH_OP], "Operations": [] }),
            1 => json!({ "schemas": [urn::PATCH_OP], "Operations": operations[0] }),
            2 | 3 => json!({ "Operations": operations }),
            4 => {
                json!({ "Schemas": [urn::PATCH_OP.to_uppercase()], "operations": operations, "extra": null })
            }
            _ => json!({ "schemas": [urn::PATCH_OP], "Operations": operations }),
        }
    }

    fn operation(&self, dice: &mut Dice) -> Value {
        let op = dice.weighted(&[(40, "add"), (40, "replace"), (20, "remove")]);
        let (path, value) = match dice.below(100) {
            0..40 => self.at_attribute(dice),
            40..60 => self.at_elements(dice),
            60..84 if op != "remove" => (None, self.fields(dice)),
            84..90 => self.at_extension(dice),
            90..100 => self.astray(dice),
            _ => self.at_attribute(dice),
        };
        let value = match op {
            // Entra names in the value what is to be removed.
            "remove" if dice.chance(70) => None,
            _ => value,
        };
        let mut operation = Map::new();
        operation.insert("op".into(), verb(dice, op).into());
        operation.extend(path.map(|path| ("path".to_owned(), path.into())));
        operation.extend(value.map(|value| ("value".to_owned(), value)));
        Value::Object(operation)
    }

    fn slot(&self, dice: &mut Dice, fits: impl Fn(&Slot<'_>) -> bool) -> Slot<'_> {
        let all: Vec<Slot<'_>> = slots(self.kind).into_iter().filter(|slot| fits(slot)).collect();
        let own = all.iter().find(|slot| slot.attribute.name == "userName" && dice.chance(6));
        let slot = *own.unwrap_or_else(|| dice.pick(&all));
        // Half of all places are parts of something.
        if slot.sub.is_some() && dice.chance(40) { Slot { sub: None, ..slot } } else { slot }
    }

    fn value(&self, dice: &mut Dice, slot: Slot<'_>) -> Value {
        value(dice, self.names, slot, self.document)
    }

    fn at_attribute(&self, dice: &mut Dice) -> (Option<String>, Option<Value>) {
        let slot = self.slot(dice, |_| true);
        let path = self.path(dice, slot);
        (Some(path), Some(self.value(dice, slot)))
    }

    /// The path of a place, in one of its spellings.
    fn path(&self, dice: &mut Dice, slot: Slot<'_>) -> String {
        let local = slot.local();
        let path = match slot.urn {
            Some(urn) if dice.chance(85) => format!("{urn}:{local}"),
            Some(urn) => format!("{urn}.{local}"),
            None if dice.chance(10) => format!("{}:{local}", self.kind.known.id),
            None => local,
        };
        if dice.chance(8) { path.to_uppercase() } else { path }
    }

    fn at_elements(&self, dice: &mut Dice) -> (Option<String>, Option<Value>) {
        let (path, slot) = self.elements(dice);
        let given = if slot.sub.is_some() { self.value(dice, slot) } else { self.element(dice, slot) };
        (Some(path), Some(given))
    }

    /// `list[filter]`, or `list[filter].sub`.
    fn elements(&self, dice: &mut Dice) -> (String, Slot<'_>) {
        let slot = self.slot(dice, |slot| slot.attribute.multi_valued);
        let list = self.path(dice, Slot { sub: None, ..slot });
        let filter = self.filter(dice, slot);
        let sub = slot.sub.map_or_else(String::new, |sub| format!(".{}", sub.name));
        (format!("{list}[{filter}]{sub}"), slot)
    }

    /// One element for a list.
    fn element(&self, dice: &mut Dice, slot: Slot<'_>) -> Value {
        match self.value(dice, slot) {
            Value::Array(elements) if dice.chance(85) => elements.into_iter().next().unwrap_or(json!({})),
            other => other,
        }
    }

    /// A filter on the elements of a list: one of those that are there, or another.
    fn filter(&self, dice: &mut Dice, slot: Slot<'_>) -> String {
        let current = slot.current(self.document).and_then(Value::as_array).filter(|_| dice.chance(75));
        let element = current.map(|elements| dice.pick(elements).clone());
        let element = element.unwrap_or_else(|| self.element(dice, Slot { sub: None, ..slot }));
        let equal: Vec<String> = match &element {
            Value::Object(fields) => fields
                .iter()
                .filter(|(_, value)| is_literal(value))
                .map(|(name, value)| equals(dice, name, value))
                .collect(),
            value if is_literal(value) => vec![equals(dice, "value", value)],
            _ => Vec::new(),
        };
        if equal.is_empty() || dice.chance(20) {
            let other =
                [r#"type eq "work""#, r#"type eq "home""#, "primary eq true", "value pr", r#"value co "a""#];
            return dice.word(&other).to_owned();
        }
        let (one, other) = (dice.pick(&equal).clone(), dice.pick(&equal).clone());
        match dice.below(10) {
            0 => format!("{one} and {other}"),
            1 => format!("{one} or {other}"),
            2 => format!("not ({one})"),
            3 => one.replace(" eq ", " ne "),
            _ => one,
        }
    }

    /// The value of an operation without path.
    fn fields(&self, dice: &mut Dice) -> Option<Value> {
        let mut fields = Map::new();
        for _ in 0..dice.between(1..=3) {
            let (key, value) = self.field(dice);
            fields.insert(key, value);
        }
        let fields = match dice.below(20) {
            0 => json!({ &self.kind.known.id: fields }),
            1 => json!([fields]),
            _ => Value::Object(fields),
        };
        Some(fields)
    }

    fn field(&self, dice: &mut Dice) -> (String, Value) {
        match dice.below(20) {
            0 => (dice.word(&ASIDE).to_owned(), json!("x")),
            1..3 => self.elements_field(dice),
            3..6 => self.whole_extension(dice),
            _ => {
                let slot = self.slot(dice, |_| true);
                let value = self.value(dice, slot);
                (self.path(dice, slot), value)
            }
        }
    }

    fn elements_field(&self, dice: &mut Dice) -> (String, Value) {
        let (path, slot) = self.elements(dice);
        (path, self.value(dice, slot))
    }

    /// A whole extension with some of its attributes.
    fn whole_extension(&self, dice: &mut Dice) -> (String, Value) {
        let extension = dice.pick(&self.kind.extensions);
        let mut fields = Map::new();
        for _ in 0..dice.between(0..=3) {
            let attribute = dice.pick(&extension.schema.attributes);
            let slot = Slot { urn: Some(&extension.schema.id), attribute, sub: None };
            let (name, given) = (attribute.name.clone(), self.value(dice, slot));
            fields.insert(name, given);
        }
        if dice.chance(10) {
            fields.insert("nobody".into(), json!(1));
        }
        let urns: Vec<&str> = extension.urns(Leniencies::LENIENT).collect();
        let urn = if dice.chance(85) { &extension.schema.id } else { *dice.pick(&urns) };
        (urn.to_owned(), Value::Object(fields))
    }

    fn at_extension(&self, dice: &mut Dice) -> (Option<String>, Option<Value>) {
        let (path, value) = self.whole_extension(dice);
        (Some(path), Some(value))
    }

    /// Operations that miss: most are refused, each in its way.
    fn astray(&self, dice: &mut Dice) -> (Option<String>, Option<Value>) {
        let wrong: &[(&str, Value)] = &[
            ("nobody", json!("x")),
            ("name.nobody", json!("x")),
            ("emails[type eq work].value", json!("x")),
            ("emails[type eq \"work\"", json!("x")),
            ("emails[nobody eq \"x\"].value", json!("x")),
            ("emails[type eq \"none\" or value eq \"none\"].display", json!("x")),
            ("emails[value eq \"none\"].nobody", json!("x")),
            ("user name", json!("x")),
            ("title[value eq \"x\"]", json!("x")),
            ("id", json!("x")),
            ("meta.created", json!("2024-01-01T00:00:00Z")),
            ("groups", json!([])),
            ("groups[value eq \"x\"]", json!(null)),
            ("schemas", json!([])),
            ("password", json!("secret")),
            ("photos", json!([{ "value": "https://h.example/p" }])),
            ("photos[type eq \"photo\"].value", json!("https://h.example/p")),
            ("members", json!([])),
            ("userName.value", json!("x")),
            ("urn:example:unknown:2.0:User:x", json!("x")),
        ];
        match dice.below(10) {
            0 => (None, Some(json!("x"))),
            1 => (Some(dice.pick(wrong).0.to_owned()), None),
            _ => {
                let (path, value) = dice.pick(wrong).clone();
                (Some(path.to_owned()), Some(value))
            }
        }
    }
}

fn is_literal(value: &Value) -> bool {
    value.is_string() || value.is_boolean() || value.is_number()
}

fn equals(dice: &mut Dice, name: &str, value: &Value) -> String {
    let name = if dice.chance(10) { name.to_uppercase() } else { name.to_owned() };
    match value {
        Value::Bool(truth) if dice.chance(40) => {
            format!("{name} eq \"{}\"", if *truth { "True" } else { "False" })
        }
        Value::String(text) if dice.chance(15) => format!("{name} eq {}", Value::from(text.to_uppercase())),
        value => format!("{name} eq {value}"),
    }
}

/// As clients write it; now and then a verb that there is not.
fn verb(dice: &mut Dice, op: &str) -> String {
    match dice.below(60) {
        0 => "move".to_owned(),
        1..15 => op[..1].to_uppercase() + &op[1..],
        15..18 => op.to_uppercase(),
        _ => op.to_owned(),
    }
}
