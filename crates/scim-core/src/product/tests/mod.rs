//! A product that none of the built-in files is: what its keys do, by tables.

mod bodies;
mod conditions;
mod formats;
mod kinds;
mod names;
mod properties;

use std::sync::LazyLock;

use serde_json::{Value, json};

use super::*;
use crate::{
    Document, ScimError,
    intake::{Findings, Note, take_all, validate_for},
    leniency::Leniencies,
    patch::PatchRequest,
    profile::Profile,
    value_set::{AllowedValue, ValueSet, ValueSets},
};

const BADGES: &str = "urn:example:params:scim:schemas:extension:badges:2.0:User";

/// The sixth product: people with badges for buildings.
const FILE: &str = include_str!("badges.toml");

static PROFILE: LazyLock<Profile> =
    LazyLock::new(|| Profile::from_toml(FILE).unwrap_or_else(|error| panic!("{error}")));

fn set(values: &[&str]) -> ValueSet {
    ValueSet::new(values.iter().map(|value| AllowedValue::from(*value)))
}

fn sets() -> ValueSets {
    let tenant: ValueSets = [
        ("departments", set(&["ICU", "Pharmacy"])),
        ("buildings", set(&["A1", "B2", "C3"])),
        ("floors", set(&["1", "2"])),
        ("rooms", set(&["R1", "R2"])),
    ]
    .into_iter()
    .collect();
    PROFILE.value_sets_of(&tenant)
}

fn judge_with(
    sets: &ValueSets,
    leniencies: Leniencies,
    body: &Value,
) -> Result<(Document, Vec<Note>), ScimError> {
    let (intake, findings) = take_all(&PROFILE.user, leniencies, body)?;
    let mut document = intake.document;
    let notes = validate_for(&PROFILE.user, sets, findings, &mut document)?;
    Ok((document, notes))
}

/// A body with a user name, a given name and this beside.
fn body(beside: Value) -> Value {
    let mut body = json!({"userName": "ann@x.example", "name": {"givenName": "Ann"}});
    for (key, value) in beside.as_object().expect("an object") {
        body[key] = value.clone();
    }
    body
}

fn judge(beside: Value) -> Result<(Document, Vec<Note>), ScimError> {
    judge_with(&sets(), Leniencies::LENIENT, &body(beside))
}

fn kept(beside: Value) -> Value {
    let (document, _) = judge(beside.clone()).unwrap_or_else(|error| panic!("{beside}: {error}"));
    Value::Object(document)
}

fn patched(before: Value, operations: Value) -> Result<Document, ScimError> {
    let (document, _) = judge(before).expect("before");
    let body = json!({"schemas": [crate::urn::PATCH_OP], "Operations": operations});
    let patch = PatchRequest::parse(&body, Leniencies::LENIENT).expect("a PATCH");
    let rewritten = rewrite_patch(&PROFILE.user, &patch, &document);
    let mut document = rewritten.apply(&PROFILE.user, Leniencies::LENIENT, &document)?.document;
    validate_for(&PROFILE.user, &sets(), Findings::default(), &mut document)?;
    Ok(document)
}
