//! Bodies to begin with: the profile's own examples, what identity providers send, and the chosen user.

use scim_core::{profile::Profile, urn};
use serde_json::{Map, Value, json};
use store::users::User;

use super::trial::TryForm;

/// The sample that is the chosen user.
pub(crate) const OF_USER: &str = "user";

/// What identity providers send: name, label, as what.
const KNOWN: [(&str, &str, &str); 5] = [
    ("okta-create", "Okta: a person is assigned", "create"),
    ("okta-deactivate", "Okta: a person is unassigned", "patch"),
    ("entra-create", "Entra ID: a person comes into scope", "create"),
    ("entra-change", "Entra ID: the attributes of a person change", "patch"),
    ("entra-deactivate", "Entra ID: a person leaves the scope", "patch"),
];

/// A sample that the page offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) label: String,
    /// Of what kind: a heading.
    pub(crate) group: &'static str,
}

/// Those of a profile.
pub(crate) fn offered(profile: &Profile) -> Vec<Sample> {
    let example = |(at, title): (usize, &str)| Sample {
        name: format!("example-{at}"),
        label: title.to_owned(),
        group: "Examples of the profile",
    };
    let known = KNOWN.iter().map(|(name, label, _)| Sample {
        name: (*name).to_owned(),
        label: (*label).to_owned(),
        group: "What identity providers send",
    });
    let of_user = Sample {
        name: OF_USER.to_owned(),
        label: "The user named above, as kept".to_owned(),
        group: "This tenant",
    };
    let examples = profile.examples.iter().map(|example| example.title.as_str()).enumerate().map(example);
    examples.chain(known).chain([of_user]).collect()
}

/// Puts the chosen sample into the body, and sets as what it is sent; without a choice the first example that is taken.
pub(crate) fn fill(typed: &mut TryForm, profile: &Profile, user: Option<&User>) {
    if typed.sample.is_empty() {
        let first = profile.examples.iter().position(|example| example.valid);
        typed.sample = first.map_or_else(|| "okta-create".to_owned(), |at| format!("example-{at}"));
    }
    let example =
        typed.sample.strip_prefix("example-").and_then(|at| profile.examples.get(at.parse::<usize>().ok()?));
    if let Some(example) = example {
        typed.body = indented(&example.user);
        if typed.method == "patch" {
            typed.method = "create".into();
        }
    } else if let Some((name, _, method)) = KNOWN.iter().find(|(name, ..)| *name == typed.sample) {
        typed.body = pretty(&known(name));
        typed.method = (*method).to_owned();
    } else if let (OF_USER, Some(user)) = (typed.sample.as_str(), user) {
        if typed.method == "patch" {
            typed.method = "replace".into();
        }
        typed.body = pretty(&body_of(profile, user));
    }
}

/// As a PUT would send it.
fn body_of(profile: &Profile, user: &User) -> Value {
    let mut body = Map::new();
    body.insert("schemas".into(), json!(profile.user.schema_urns(&user.document)));
    body.extend(user.document.clone());
    Value::Object(body)
}

fn known(name: &str) -> Value {
    let person = json!({
        "userName": "ann.lee@acme.example", "externalId": "00u1a2b3c4", "active": true, "displayName": "Ann Lee",
        "name": {"givenName": "Ann", "familyName": "Lee"},
        "emails": [{"primary": true, "type": "work", "value": "ann.lee@acme.example"}],
    });
    let with = |schemas: Value, more: Value| {
        let mut body = Map::new();
        body.insert("schemas".into(), schemas);
        for part in [person.clone(), more] {
            body.extend(part.as_object().cloned().unwrap_or_default());
        }
        Value::Object(body)
    };
    let patch = |operations: Value| json!({"schemas": [urn::PATCH_OP], "Operations": operations});
    match name {
        "okta-create" => {
            with(json!([urn::USER]), json!({"locale": "en-US", "groups": [], "password": "a1B2c3D4"}))
        }
        "okta-deactivate" => patch(json!([{"op": "replace", "value": {"active": false}}])),
        "entra-create" => with(
            json!([urn::USER, urn::ENTERPRISE_USER]),
            json!({"active": "True", urn::ENTERPRISE_USER: {"department": "ICU", "manager": "26118915"}}),
        ),
        "entra-change" => patch(json!([
            {"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "ann@acme.example"},
            {"op": "Add", "path": "name.familyName", "value": "Lee-Park"},
            {"op": "Replace", "path": format!("{}:department", urn::ENTERPRISE_USER), "value": "Surgery"},
        ])),
        _ => patch(json!([{"op": "Replace", "path": "active", "value": "False"}])),
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

fn indented(text: &str) -> String {
    serde_json::from_str::<Value>(text).map_or_else(|_| text.trim().to_owned(), |value| pretty(&value))
}

#[cfg(test)]
mod tests {
    use provisioning::{
        Rules,
        configuration::{Trying, trial},
    };

    use super::*;

    #[test]
    fn each_sample_fills_the_body_and_the_known_ones_are_taken() {
        let profile = Profile::from_toml(Profile::builtin("generic").expect("generic")).expect("a profile");
        let sets = profile.value_sets_of(&scim_core::value_set::ValueSets::default());
        let rules = Rules { profile: &profile, value_sets: &sets };
        let kept = known("okta-create");
        let kept = trial(rules, Trying::Create, &kept).document.expect("taken");
        for sample in offered(&profile).iter().filter(|sample| sample.name != OF_USER) {
            let mut typed = TryForm { sample: sample.name.clone(), ..TryForm::default() };
            fill(&mut typed, &profile, None);
            let body: Value = serde_json::from_str(&typed.body).expect(&sample.name);
            let trying = if typed.method == "patch" { Trying::Patch(&kept) } else { Trying::Create };
            let status = trial(rules, trying, &body).status;
            if !sample.name.starts_with("example") {
                assert!(status < 300, "{}: {status}", sample.name);
            }
        }
        let mut typed = TryForm::default();
        fill(&mut typed, &profile, None);
        assert_eq!(typed.sample, "example-0");
    }
}
