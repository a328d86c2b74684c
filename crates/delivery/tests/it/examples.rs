//! What each type of event looks like: `docs/events.examples.json`, made by causing each of them, on both databases, and judged
//! by `docs/events.schema.json`.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use delivery::{
    DestinationChange, Destinations, Event, NewDestination, NewWay, names::NAMES, webhook::NewWebhook,
};
use jsonschema::Validator;
use provisioning::{Provisioner, Request, Tenant, TenantDirectory};
use scim_core::{projection::Projection, urn, value_set::AllowedValue};
use serde_json::{Map, Value, json};
use store::{
    Actor, ActorKind, ChangeContext, StoreOptions,
    credentials::AllowedFrom,
    domains::{Claimed, PATIENCE, Seen},
    feed::FeedQuery,
    revoked_tokens::Token,
    tenants::{TenantSettings, TenantStatus},
};
use store_testing::TestStore;
use token_service::{MasterKey, NewToken, TokenService};
use uuid::Uuid;

use crate::bed::KEY;

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/events.examples.json");

/// 2026-01-05T09:00:00Z, and there the clock stands.
const NOW: i64 = 1_767_603_600_000;
const DAY: i64 = 86_400_000;

fn at_a_fixed_time(options: &mut StoreOptions) {
    options.clock = Arc::new(|| NOW);
}

/// `docs/events.examples.json` is what events look like. To write it anew: `ROLLCALL_WRITE_EXAMPLES=1 tests/run --services cargo
/// nextest run -p delivery the_examples_of_events`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_examples_of_events_are_fresh_on_sqlite() {
    let text = examples(store_testing::sqlite_with(at_a_fixed_time).await).await;
    if std::env::var_os("ROLLCALL_WRITE_EXAMPLES").is_some() {
        std::fs::write(DOCUMENT, &text).unwrap();
    }
    assert!(kept() == text, "docs/events.examples.json is old; write it anew as this test says");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_examples_of_events_are_the_same_on_postgres() {
    let text = examples(store_testing::postgres_with(at_a_fixed_time).await).await;
    similar_asserted(&kept(), &text);
}

/// The first line that differs says more than both texts. Which of two objects comes first in the feed is left to the numbering,
/// which others in the same PostgreSQL hold up.
fn similar_asserted(kept: &str, made: &str) {
    let lines = |text: &str| -> Vec<String> {
        text.lines()
            .filter(|line| !line.trim_start().starts_with("\"position\":"))
            .map(str::to_owned)
            .collect()
    };
    let (kept, made) = (lines(kept), lines(made));
    for (kept, made) in kept.iter().zip(&made) {
        assert_eq!(kept, made);
    }
    assert_eq!(kept.len(), made.len());
}

#[test]
fn there_is_an_example_of_each_type() {
    let kept: Map<String, Value> = serde_json::from_str(&kept()).unwrap();
    let (kept, named): (Vec<&str>, Vec<&str>) =
        (kept.keys().map(String::as_str).collect(), NAMES.iter().map(|name| name.name).collect());
    assert_eq!(kept, named);
}

#[test]
fn the_schema_tells_types_and_forms_apart() {
    let (schema, mut example) = (validator(&delivery::schema()), example("user.updated"));
    assert!(schema.is_valid(&example));
    example["data"] = Value::Null;
    assert!(schema.is_valid(&example), "it was erased");
    for (place, value) in [
        ("/type", json!("role.granted")),
        ("/type", json!("user.made")),
        ("/position", json!("1")),
        ("/object/type", json!("Group")),
        ("/data", json!({})),
        ("/data", json!("text")),
        ("/data/changed", json!("title")),
        ("/data/before", Value::Null),
    ] {
        let mut other = self::example("user.updated");
        *other.pointer_mut(place).unwrap() = value.clone();
        assert!(!schema.is_valid(&other), "{place}: {value}");
    }
}

fn kept() -> String {
    std::fs::read_to_string(DOCUMENT).expect("docs/events.examples.json")
}

fn example(name: &str) -> Value {
    let kept: Value = serde_json::from_str(&kept()).unwrap();
    kept[name].clone()
}

fn validator(schema: &Value) -> Validator {
    jsonschema::draft202012::new(schema).expect("a schema")
}

/// The schema, with nothing in an event that it does not describe.
fn strict(mut schema: Value) -> Value {
    for (name, definition) in schema["$defs"].as_object_mut().unwrap() {
        let closed = if NAMES.iter().any(|known| known.name == name) {
            "unevaluatedProperties"
        } else {
            "additionalProperties"
        };
        // What is extended by others is closed there.
        if definition.get("properties").is_some() && name != "Event" {
            definition[closed] = false.into();
        }
        if name == "ResourcePurged" {
            definition["additionalProperties"] = false.into();
        }
    }
    schema
}

/// Causes all of them, and gives the first of each type, judged.
async fn examples(store: TestStore) -> String {
    let told = all(&store).await;
    let (open, closed) = (validator(&delivery::schema()), validator(&strict(delivery::schema())));
    for event in &told {
        for judge in [&open, &closed] {
            let faults: Vec<String> = judge.iter_errors(event).map(|fault| format!("{fault:?}")).collect();
            assert!(faults.is_empty(), "{event:#}\n{faults:#?}");
        }
    }
    let mut made = Map::new();
    let mut ids = Ids::default();
    for name in NAMES {
        let first = told.iter().find(|event| event["type"] == name.name);
        let mut event = first.unwrap_or_else(|| panic!("{}: cause one", name.name)).clone();
        ids.replace(&mut event);
        made.insert(name.name.to_owned(), event);
    }
    format!("{}\n", serde_json::to_string_pretty(&made).unwrap())
}

/// Ids differ each time; in the examples they are counted.
#[derive(Default)]
struct Ids(HashMap<Uuid, String>);

impl Ids {
    fn replace(&mut self, value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Ok(id) = Uuid::parse_str(text) {
                    let number = self.0.len() + 1;
                    let known = self.0.entry(id);
                    *text = known.or_insert_with(|| format!("019b8d6e-4a80-7000-8000-{number:012}")).clone();
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.replace(item)),
            Value::Object(members) => {
                // The last characters of a token are never the same.
                if let Some(hint) = members.get_mut("hint") {
                    *hint = "x9Yz".into();
                }
                members.values_mut().for_each(|member| self.replace(member));
            }
            _ => {}
        }
    }
}

fn okta() -> ChangeContext {
    let actor = Actor {
        kind: ActorKind::Credential,
        id: "019b8d6e-0000-7000-8000-00000000000a".into(),
        name: "Okta production".into(),
    };
    ChangeContext { actor, cause: "01KE6SG0Z8-4711".into() }
}

fn vendor() -> ChangeContext {
    let actor = Actor { kind: ActorKind::Cli, id: String::new(), name: "command line".into() };
    ChangeContext { actor, cause: "rollcall".into() }
}

/// The events of all that a vendor and his customers may do.
async fn all(store: &TestStore) -> Vec<Value> {
    let tenants = TenantDirectory::new(store.store());
    let acme =
        tenants.create("acme", Some("Acme Clinics"), "envi", "lenient", true, &vendor()).await.unwrap();
    people(store, &acme).await;
    credentials(store, &acme).await;
    tenant(store, &tenants).await;
    domains(store, &acme).await;
    destinations(store, &acme).await;
    store.number().await;
    let query = FeedQuery { limit: 500, ..FeedQuery::default() };
    let page = store.platform().feed(&query).await.unwrap();
    page.items.into_iter().map(|told| serde_json::to_value(Event::from(told)).unwrap()).collect()
}

async fn people(store: &TestStore, acme: &Tenant) {
    let (provisioner, projection, context) = (Provisioner::new(store.store()), Projection::default(), okta());
    let base_url = "https://scim.example.com/t/acme/scim/v2";
    let request = Request { tenant: acme, context: &context, base_url, projection: &projection };
    let person = |name: &str, family: &str| {
        json!({
            "schemas": [urn::USER], "userName": name, "name": {"givenName": "Ann", "familyName": family},
            "emails": [{"value": name, "type": "work", "primary": true}], "active": true,
        })
    };
    let patch = |operations: Value| json!({"schemas": [urn::PATCH_OP], "Operations": operations});
    let made = async |name: &str| {
        let made = provisioner.create_user(request, &person(name, "Lee")).await.unwrap();
        made.rendered.body["id"].as_str().unwrap().to_owned()
    };
    let ann = made("ann@acme.example").await;
    let replaced = person("ann@acme.example", "Miller");
    provisioner.replace_user(request, &ann, None, &replaced).await.unwrap();
    for active in [false, true] {
        let body = patch(json!([{"op": "replace", "path": "active", "value": active}]));
        provisioner.patch_user(request, &ann, None, &body).await.unwrap();
    }
    let group = json!({"schemas": [urn::GROUP], "displayName": "Envi_Manager", "members": [{"value": ann}]});
    let group =
        provisioner.create_group(request, &group).await.unwrap().body["id"].as_str().unwrap().to_owned();
    let renamed = patch(json!([{"op": "replace", "path": "displayName", "value": "Envi_Buyer"}]));
    provisioner.patch_group(request, &group, None, &renamed).await.unwrap();
    provisioner.delete_group(request, &group, None).await.unwrap();
    provisioner.delete_user(request, &ann, None).await.unwrap();
    provisioner.restore_user(request, &ann).await.unwrap();
    let bob = made("bob@acme.example").await;
    provisioner.delete_user(request, &bob, None).await.unwrap();
    provisioner.erase_user(request, &bob, "bob@acme.example").await.unwrap();
}

async fn credentials(store: &TestStore, acme: &Tenant) {
    let tokens = TokenService::open(store.store(), MasterKey::from_base64(KEY).unwrap()).await.unwrap();
    let new = NewToken {
        name: "Okta production".into(),
        scope: "scim:read scim:write".into(),
        expires_at: NOW + 30 * DAY,
        user: None,
        allowed_from: AllowedFrom::default(),
    };
    let issued = tokens.issue(acme.id(), new, &vendor()).await.unwrap().credential;
    let allowed = AllowedFrom { networks: vec!["203.0.113.0/24".parse().unwrap()], report_only: false };
    tokens.allow_from(acme.id(), issued.id, &allowed, &vendor()).await.unwrap();
    let scope = store.tenant(acme.id());
    assert!(scope.warn_of_credential_end(issued.id, 30, &vendor()).await.unwrap());
    let rotated = tokens.rotate(acme.id(), issued.id, DAY, &vendor()).await.unwrap();
    assert!(tokens.revoke(acme.id(), rotated.old.id, &vendor()).await.unwrap());
    let access =
        Token { id: Uuid::now_v7(), client: rotated.issued.credential.id, expires_at: NOW + 3_600_000 };
    scope.revoke_token(&access, &vendor()).await.unwrap();
}

async fn tenant(store: &TestStore, tenants: &TenantDirectory) {
    let clinic = tenants.create("clinic", None, "envi", "lenient", false, &vendor()).await.unwrap();
    let platform = store.platform();
    let named = TenantSettings { name: Some("The Clinic".into()), ..TenantSettings::default() };
    for settings in [named, TenantStatus::Active.into(), TenantStatus::Inactive.into()] {
        assert!(platform.configure_tenant(clinic.id(), &settings, &vendor()).await.unwrap());
    }
    let clinic = tenants.by_slug("clinic").await.unwrap().unwrap();
    let text = clinic.row.profile.replace("title = \"Envi\"", "title = \"Envi of the clinic\"");
    tenants.save_profile(&clinic, &text, 1, &vendor()).await.unwrap();
    let clinic = tenants.by_slug("clinic").await.unwrap().unwrap();
    let values = vec![AllowedValue::from("North"), AllowedValue::from("South")];
    tenants.set_value_set(&clinic, "organizations", values, &vendor()).await.unwrap();
    assert!(platform.delete_tenant(clinic.id(), &vendor()).await.unwrap());
    assert!(platform.restore_tenant(clinic.id(), &vendor()).await.unwrap());
}

async fn domains(store: &TestStore, acme: &Tenant) {
    let (scope, host) = (store.tenant(acme.id()), "scim.acme.example");
    let claimed = scope.claim_domain(host, "rollcall-challenge", &vendor()).await.unwrap();
    assert!(matches!(claimed, Claimed::Kept(_)));
    let proof = ["rollcall-challenge".to_owned()];
    scope.settle_domain(host, Seen::Texts(&proof), &vendor()).await.unwrap();
    scope.settle_domain(host, Seen::Texts(&[]), &vendor()).await.unwrap();
    store.advance(PATIENCE);
    scope.settle_domain(host, Seen::Texts(&[]), &vendor()).await.unwrap();
    assert!(scope.remove_domain(host, &vendor()).await.unwrap());
    store.advance(-PATIENCE);
}

async fn destinations(store: &TestStore, acme: &Tenant) {
    let tokens = TokenService::open(store.store(), MasterKey::from_base64(KEY).unwrap()).await.unwrap();
    let destinations = Destinations::new(store.store(), tokens.vault().clone(), egress::Client::default());
    let headers = BTreeMap::from([("X-Api-Key".to_owned(), "sesame".to_owned())]);
    let webhook = NewWebhook { url: "https://app.example.com/rollcall".into(), headers, secret: None };
    let new = NewDestination {
        tenant: Some(acme.id()),
        name: "Our application".into(),
        events: Some(vec!["user.*".into()]),
        after: None,
        target: None,
        way: NewWay::Webhook(webhook),
    };
    let (made, _) = destinations.create(new, &vendor()).await.unwrap();
    let all = DestinationChange {
        events: Some(Some(vec!["user.*".into(), "role.*".into()])),
        ..DestinationChange::default()
    };
    destinations.change(made.id, all, &vendor()).await.unwrap();
    destinations.rotate(made.id, None, &vendor()).await.unwrap();
    let held = store.platform().hold_destinations(Uuid::now_v7(), 30_000).await.unwrap();
    let problem = "it has taken nothing for five days; the last time it answered 500";
    assert!(store.platform().disable_destination(&held[0], problem, &vendor()).await.unwrap());
    destinations.delete(made.id, None, &vendor()).await.unwrap();
}
