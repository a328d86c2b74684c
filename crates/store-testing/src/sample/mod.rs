//! A tenant whose users have an attribute of every type, and random resources of any type.

mod values;

use scim_core::{
    Document, ResourceType,
    intake::{take, validate},
    leniency::Leniencies,
    profile::Profile,
    schema::{Attribute, Mutability, Schema},
};
use serde_json::{Map, Value};

use crate::Dice;

pub use values::{text, value};

/// URN of the extension of [`profile`].
pub const EXTENSION: &str = "urn:example:params:scim:schemas:extension:sample:2.0:User";

/// The text of [`profile`].
pub const PROFILE: &str = include_str!("profile.toml");

/// A profile that offers most of core SCIM, the enterprise extension, and an extension with attributes of every type,
/// single and in lists.
///
/// # Panics
/// Never: the file is part of this crate.
#[must_use]
pub fn profile() -> Profile {
    Profile::from_toml(PROFILE).expect("the sample profile compiles")
}

/// What of each attribute a random body has, in percent.
const PRESENT: u32 = 60;

/// A random body of a type: any attribute that a client may write, each of its type. `name` is the value of the
/// attribute that no two resources may share, but for characters that nobody sees.
pub fn body(dice: &mut Dice, kind: &ResourceType, name: &str) -> Value {
    let mut fields = attributes(dice, &kind.schema);
    for extension in &kind.extensions {
        let values = attributes(dice, &extension.schema);
        if dice.chance(PRESENT) && !values.is_empty() {
            fields.insert(extension.schema.id.clone(), Value::Object(values));
        }
    }
    if dice.chance(PRESENT) {
        fields.insert("externalId".into(), text(dice, "externalId").into());
    }
    let unique = if fields.contains_key("userName") { "userName" } else { "displayName" };
    // What nobody sees is refused in names.
    let seen = |ch: &char| !ch.is_control() && !matches!(ch, '\u{feff}' | '\u{200b}');
    fields.insert(unique.into(), name.chars().filter(seen).collect::<String>().into());
    Value::Object(fields)
}

/// The canonical document of a body.
///
/// # Panics
/// When the body is refused.
#[must_use]
pub fn document(kind: &ResourceType, body: &Value) -> Document {
    let taken = take(kind, Leniencies::LENIENT, body);
    let mut document = taken.unwrap_or_else(|error| panic!("{error}: {body}")).document;
    validate(kind, &mut document).unwrap_or_else(|error| panic!("{error}: {body}"));
    document
}

fn attributes(dice: &mut Dice, schema: &Schema) -> Map<String, Value> {
    let mut fields = Map::new();
    for attribute in schema.attributes.iter().filter(|attribute| is_written(attribute)) {
        if attribute.required || dice.chance(PRESENT) {
            fields.insert(attribute.name.clone(), value(dice, attribute));
        }
    }
    fields
}

/// May a client write it, and is it part of the document?
fn is_written(attribute: &Attribute) -> bool {
    !matches!(attribute.mutability, Mutability::ReadOnly | Mutability::WriteOnly)
        && attribute.name != "members"
}
