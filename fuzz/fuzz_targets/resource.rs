//! A POST or PUT body: refused, or kept in canonical form, and what is shown of it says the same when it comes back.

#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use rollcall_fuzz::{LENIENCIES, assert_refusal, canonical, fixtures, json};
use scim_core::{
    Document, ResourceType, filter, intake,
    leniency::Leniencies,
    projection::{self, Projection},
    search,
};
use serde_json::Value;

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    json::mutate(data, size, max_size, seed)
});

fuzz_target!(|data: &[u8]| {
    let Ok(body) = serde_json::from_slice::<Value>(data) else { return };
    for resource_type in fixtures::types() {
        for leniencies in LENIENCIES {
            check(resource_type, leniencies, &body);
        }
    }
});

fn check(resource_type: &ResourceType, leniencies: Leniencies, body: &Value) {
    let mut document = match intake::take(resource_type, leniencies, body) {
        Ok(taken) => taken.document,
        Err(error) => return assert_refusal(&error),
    };
    if let Err(error) = intake::validate(resource_type, &mut document) {
        return assert_refusal(&error);
    }
    canonical::assert_document(resource_type, &document);
    assert_echo(resource_type, &document);
    assert_found(resource_type, &document);
}

/// Our own answer, sent back by a client, changes nothing: with each leniency and with none.
fn assert_echo(resource_type: &ResourceType, document: &Document) {
    let answer = projection::render(
        resource_type,
        document,
        fixtures::envelope(Some(Vec::new())),
        &Projection::default(),
    );
    for leniencies in LENIENCIES {
        let mut again = intake::take(resource_type, leniencies, &answer).expect("an echo is taken").document;
        intake::validate(resource_type, &mut again).expect("an echo is valid");
        intake::carry_immutable(resource_type, document, &mut again);
        // what is never shown cannot come back
        let mut shown = document.clone();
        if let Some(values) = shown.get_mut("urn:example:params:scim:1.0:User").and_then(Value::as_object_mut)
        {
            values.shift_remove("secret");
            if values.is_empty() {
                shown.shift_remove("urn:example:params:scim:1.0:User");
            }
        }
        assert_eq!(again, shown);
    }
}

/// A filter on its own userName or displayName finds it.
fn assert_found(resource_type: &ResourceType, document: &Document) {
    let mut form = search::form(resource_type, document);
    search::complete(&mut form, resource_type, &fixtures::envelope(None));
    for name in ["userName", "displayName", "externalId"] {
        let Some(value) = document.get(name) else { continue };
        if let Ok(filter) = filter::parse(&format!("{name} eq {value}"), resource_type, false) {
            assert!(filter.matches(&form), "{name} eq {value}");
        }
    }
}
