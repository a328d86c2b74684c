//! The JSON Schema of events: one definition for each type, which says what its `data` holds.

mod told;

use schemars::{
    JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings, transform::RecursiveTransform,
};
use serde_json::{Map, Value, json};

use crate::{
    Event,
    names::{self, Name},
};

/// What is an event at all, in the definitions of the document.
const EVENT: &str = "Event";

/// JSON Schema (2020-12) of an event of any type. The definition of a type bears its name. Members that are not described may
/// be added at any time, as with all that Rollcall answers.
#[must_use]
pub fn schema() -> Value {
    let settings =
        SchemaSettings::draft2020_12().for_serialize().with_transform(RecursiveTransform(in_one_line));
    let mut generator = settings.into_generator();
    generator.subschema_for::<Event>();
    let types: Map<String, Value> = names::NAMES
        .iter()
        .filter_map(|name| Some((name.name.to_owned(), definition(name, &mut generator)?)))
        .collect();
    let any: Vec<Value> = types.keys().map(|name| json!({ "$ref": format!("#/$defs/{name}") })).collect();
    let mut definitions = types;
    definitions.extend(generator.take_definitions(true));
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Rollcall event",
        "description": "What has happened, as the feed and all destinations tell it.",
        "oneOf": any,
        "$defs": definitions,
    })
}

/// A type: an event whose `data` is of one form, or null once it was erased. `None`: nobody has said what it holds.
fn definition(name: &Name, generator: &mut SchemaGenerator) -> Option<Value> {
    let (object, data) = data(name.name, generator)?;
    Some(json!({
        "title": name.name,
        "description": name.meaning,
        "allOf": [{ "$ref": format!("#/$defs/{EVENT}") }],
        "properties": {
            "type": { "const": name.name },
            "object": { "properties": { "type": { "enum": object } } },
            "data": { "anyOf": [data, { "type": "null" }] },
        },
    }))
}

/// To what an event of this type happens, and what it tells.
fn data(name: &str, generator: &mut SchemaGenerator) -> Option<(Vec<&'static str>, Value)> {
    let (kind, what) = name.split_once('.')?;
    let data = match (kind, what) {
        ("user" | "group", "created") | ("user", "restored") => of::<told::ResourceMade>(generator),
        ("user", "updated" | "deactivated" | "reactivated") | ("group", "updated") => {
            of::<told::ResourceChanged>(generator)
        }
        ("user" | "group", "deleted") => of::<told::ResourceDeleted>(generator),
        ("user", "purged") => of::<told::ResourcePurged>(generator),
        ("membership", "added" | "removed") => of::<told::MembershipMoved>(generator),
        ("role", "granted" | "revoked") => of::<told::RoleMoved>(generator),
        ("tenant", "created") => of::<told::TenantMade>(generator),
        ("tenant", "updated" | "activated" | "deactivated" | "deleted" | "restored") => {
            of::<told::TenantChanged>(generator)
        }
        ("credential", "created") => of::<told::CredentialMade>(generator),
        ("credential", "updated") => of::<told::CredentialUpdated>(generator),
        ("credential", "rotated") => of::<told::CredentialRotated>(generator),
        ("credential", "revoked") => of::<told::CredentialRevoked>(generator),
        ("credential", "expiring") => of::<told::CredentialExpiring>(generator),
        ("token", "revoked") => of::<told::TokenRevoked>(generator),
        ("schema", "profile-updated") => of::<told::ProfileUpdated>(generator),
        ("schema", "value-set-updated") => of::<told::ValueSetUpdated>(generator),
        ("domain", "claimed" | "proven" | "lost" | "removed") => of::<told::DomainMoved>(generator),
        ("destination", "created") => of::<told::DestinationMade>(generator),
        ("destination", "updated" | "disabled") => of::<told::DestinationChanged>(generator),
        ("destination", "deleted") => of::<told::DestinationDeleted>(generator),
        _ => return None,
    };
    let object = match kind {
        "user" | "role" => vec!["User"],
        "group" => vec!["Group"],
        "membership" => vec!["User", "Group"],
        "tenant" | "schema" => vec!["Tenant"],
        "credential" => vec!["Credential"],
        "token" => vec!["AccessToken"],
        "domain" => vec!["Domain"],
        "destination" => vec!["Destination"],
        _ => return None,
    };
    Some((object, data))
}

fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    generator.subschema_for::<T>().to_value()
}

/// Descriptions come from comments, which are broken into lines where the source is.
fn in_one_line(schema: &mut Schema) {
    if let Some(Value::String(text)) = schema.get_mut("description") {
        *text = text.replace('\n', " ");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `docs/events.schema.json` is what those who take events check them with. To write it anew:
    /// `ROLLCALL_WRITE_SCHEMA=1 cargo test -p delivery the_schema_of_events_is_fresh`.
    #[test]
    fn the_schema_of_events_is_fresh() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/events.schema.json");
        let text = format!("{}\n", serde_json::to_string_pretty(&schema()).expect("JSON"));
        if std::env::var_os("ROLLCALL_WRITE_SCHEMA").is_some() {
            std::fs::write(path, &text).expect("written");
        }
        let kept = std::fs::read_to_string(path).expect("docs/events.schema.json");
        assert!(kept == text, "docs/events.schema.json is old; write it anew as this test says");
    }

    #[test]
    fn each_type_has_its_definition() {
        let schema = schema();
        for Name { name, .. } in names::NAMES {
            assert!(schema["$defs"].get(name).is_some(), "{name}: say in `data` what it holds");
        }
        assert!(schema["$defs"].get(EVENT).is_some());
        assert_eq!(schema["oneOf"].as_array().map(Vec::len), Some(names::NAMES.len()));
    }
}
