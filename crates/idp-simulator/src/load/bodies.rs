//! What each provider sends on a usual day.

use serde_json::{Map, Value, json};

use crate::client::Provider;
use crate::entra::{self, Change, CreateShape, Wire};
use crate::okta;
use crate::people::Person;
use crate::scenario::GENERAL;

use super::tally::Kind;

/// How many of a hundred requests are of which kind.
pub(super) fn mix(provider: Provider) -> [(u32, Kind); 5] {
    match provider {
        Provider::Okta => {
            [(60, Kind::LookUp), (15, Kind::Get), (10, Kind::Update), (10, Kind::Activate), (5, Kind::Member)]
        }
        // Entra compares by look-ups and reads, and writes little parts.
        Provider::Entra => {
            [(50, Kind::LookUp), (20, Kind::Get), (15, Kind::Update), (5, Kind::Activate), (10, Kind::Member)]
        }
    }
}

/// POST /Users.
pub(super) fn create(provider: Provider, person: &Person) -> Value {
    match provider {
        Provider::Okta => okta::bodies::create(person, &(GENERAL.mapping)(person)),
        Provider::Entra => {
            entra::bodies::create(person, &person.okta_id, CreateShape::Plain, Wire::Compliant).0
        }
    }
}

/// What Okta PUTs over the server's answer once the title has changed.
pub(super) fn put(answer: &Value, before: &Person, after: &Person, active: bool) -> Value {
    let mapped: [Map<String, Value>; 2] = [before, after].map(GENERAL.mapping);
    okta::bodies::overlay(answer, &after.okta_id, &mapped[0], &mapped[1], active)
}

/// What Entra PATCHes when title and department have changed.
pub(super) fn patch(after: &Person) -> Value {
    let title = Change::replace("title", after.title.as_str());
    let department = Change::replace(entra::enterprise("department"), after.department.as_str());
    entra::bodies::patch(Wire::Compliant, &[title, department])
}

pub(super) fn activate(provider: Provider, active: bool) -> Value {
    match provider {
        Provider::Okta => okta::bodies::replace(&json!({"active": active})),
        Provider::Entra => entra::bodies::patch(Wire::Compliant, &[Change::replace("active", active)]),
    }
}

/// Somebody in or out of a group; both providers write it alike.
pub(super) fn member(id: &str, joins: bool) -> Value {
    let change = if joins {
        Change::add("members", json!([{"value": id}]))
    } else {
        Change::remove(format!("members[value eq \"{id}\"]"))
    };
    entra::bodies::patch(Wire::Compliant, &[change])
}

pub(super) fn group(name: &str) -> Value {
    okta::bodies::group(None, name, &[])
}
