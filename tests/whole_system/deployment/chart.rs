//! The Helm chart: its values and their schema, the program's settings, and that its templates use what is there. Helm itself
//! renders it in `tests/long deployment`.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;
use serde_json::{Value, json};

use super::{kubernetes, members, read, root, setting_names, text, yaml};

/// Settings that the chart gives itself, or takes from secrets.
const NOT_VALUES: [&str; 9] = [
    "listen",
    "admin_listen",
    "data_dir",
    "database_url",
    "migrate_database_url",
    "redis_url",
    "master_key",
    "former_master_key",
    "oidc_client_secret",
];

fn chart(file: &str) -> Value {
    yaml(&root().join("deploy/helm/rollcall").join(file))
}

fn schema() -> Value {
    serde_json::from_str(&read(&root().join("deploy/helm/rollcall/values.schema.json"))).unwrap()
}

#[test]
fn values_fit_their_schema_and_settings_are_the_programs() {
    let about = chart("Chart.yaml");
    let bodies = kubernetes::BODIES.replace('/', "~1");
    assert_eq!(text(&chart("values.yaml"), &format!("/ingress/annotations/{bodies}")), kubernetes::LARGEST);
    for version in ["/version", "/appVersion"] {
        assert_eq!(text(&about, version), env!("CARGO_PKG_VERSION"));
    }
    let (values, schema) = (chart("values.yaml"), schema());
    let judge = jsonschema::validator_for(&schema).unwrap();
    let faults: Vec<String> = judge.iter_errors(&values).map(|error| error.to_string()).collect();
    assert!(faults.is_empty(), "{faults:?}");
    for (pointer, wrong) in [
        ("/settings/public_url", json!("http://scim.example.com")),
        ("/settings", json!({"public_url": "https://scim.example.com", "master_key": "AAAA"})),
        ("/autoscaling/minReplicas", json!(0)),
        ("/image", json!({"repositry": "rollcall"})),
        ("/extraEnv", json!([{"nam": "OTEL_TRACES_SAMPLER"}])),
        ("/extraEnvFrom", json!([{"secret": {"name": "x"}}])),
        ("/prometheusRule", json!({"enabled": true, "runbooks": "docs/runbooks.md"})),
    ] {
        let mut changed = values.clone();
        *changed.pointer_mut(pointer).unwrap() = wrong;
        assert!(!judge.is_valid(&changed), "{pointer}");
    }
    for (pointer, right) in [
        ("/extraEnv", json!([{"name": "OTEL_TRACES_SAMPLER", "value": "traceidratio"}])),
        ("/extraEnvFrom", json!([{"secretRef": {"name": "collector"}}])),
        ("/prometheusRule", json!({"enabled": true, "runbooks": "https://x.example/runbooks.md"})),
    ] {
        let mut changed = values.clone();
        *changed.pointer_mut(pointer).unwrap() = right;
        assert!(judge.is_valid(&changed), "{pointer}");
    }
    let offered: BTreeSet<String> = members(&schema, "/properties/settings/properties")
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .collect();
    let mut expected = setting_names();
    expected.retain(|name| !NOT_VALUES.contains(&name.as_str()));
    assert_eq!(offered, expected, "values.schema.json and the program know other settings");
}

#[test]
fn templates_use_values_that_are_there_and_all_of_them() {
    let values = chart("values.yaml");
    let folder = root().join("deploy/helm/rollcall/templates");
    let templates: BTreeMap<String, String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), read(&entry.path())))
        .collect();
    let mention = Regex::new(r"\.Values((?:\.\w+)+)").unwrap();
    let mut used = BTreeSet::new();
    for (file, template) in &templates {
        for found in mention.captures_iter(template) {
            let pointer = found[1].replace('.', "/");
            assert!(values.pointer(&pointer).is_some(), "{file}: no value {pointer}");
            used.insert(pointer.split('/').nth(1).unwrap().to_owned());
        }
    }
    let given: BTreeSet<String> = members(&values, "").iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(used, given);
    let names = Regex::new(r"ROLLCALL_([A-Z_]+)\b").unwrap();
    let known = setting_names();
    for (file, template) in &templates {
        for found in names.captures_iter(template) {
            assert!(known.contains(&found[1].to_lowercase()), "{file}: no setting {}", &found[0]);
        }
    }
}
