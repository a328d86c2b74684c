//! Entra's engine against a right server: no failure, the counts that stand, requests that look like Entra's.

use std::collections::BTreeSet;
use std::sync::Mutex;

use idp_simulator::Target;
use idp_simulator::scenario::{EntraOptions, OktaOptions, OptScim, entra, okta, validator};
use serde_json::{Value, json};

use super::mini::{Seen, start};

fn nothing(_: u64, _: u64, _: &str) {}

fn options(users: usize, groups: usize) -> EntraOptions {
    EntraOptions { users, groups, concurrency: 8, seed: 42, optscim: OptScim::Both }
}

#[tokio::test]
async fn a_run_ends_without_a_failure_and_counts_only_its_own() {
    let (mini, target) = start(None, true, 0).await;
    mini.seed("somebody.else@example.com");
    let report = entra(&target, &options(60, 20), &nothing).await;
    assert_eq!(report.failures, []);
    assert_eq!((report.users, report.groups, report.rate_limited), (60, 20, 0));
    assert_eq!(report.requests, mini.seen().len() as u64);
    assert_eq!(mini.standing(), (61, 20), "those of the run, and the one who was there");
    let done = |name: &str| report.operations.get(name).copied().unwrap_or_default();
    // Two are deleted and created again in each style, and two are members who leave.
    assert_eq!((done("create"), done("delete user"), done("update")), (66, 6, 60));
    assert_eq!((done("create group"), done("delete group")), (22, 2));
}

#[tokio::test]
async fn every_habit_is_played_whatever_the_size() {
    for (users, groups) in [(1, 1), (5, 2)] {
        let (_mini, target) = start(None, true, 0).await;
        let report = entra(&target, &options(users, groups), &nothing).await;
        assert_eq!(report.failures, [], "{users} users, {groups} groups");
        assert_eq!((report.users, report.groups), (users as u64, groups as u64));
        for name in [
            "set manager",
            "remove manager",
            "check reference",
            "make missing elements",
            "set everything",
            "set roles",
            "set by dotted keys",
            "set parts of elements",
            "disable",
            "enable",
            "set by extension paths",
            "remove attributes",
            "change userName",
            "refuse duplicate",
            "match",
            "match nobody",
            "delete user",
            "rename group",
            "add many members",
            "remove no member",
            "add and remove a member",
            "replace externalId",
            "replace members",
            "match group",
            "refuse duplicate group",
            "member leaves",
            "delete group",
            "test connection",
            "refuse wrong credentials",
            "read schemas",
            "read nobody",
        ] {
            assert!(
                report.operations.get(name).is_some_and(|count| *count >= 2 || name == "read schemas"),
                "{name}"
            );
        }
    }
}

#[tokio::test]
async fn any_size_and_style_runs_and_fills_its_bar() {
    for optscim in [OptScim::Off, OptScim::On, OptScim::Both] {
        for (users, groups) in [(0, 0), (1, 0), (0, 2), (30, 3)] {
            let (mini, target) = start(None, groups > 0, 0).await;
            let bar = Mutex::new(Vec::new());
            let progress = |done, total, _label: &str| bar.lock().unwrap().push((done, total));
            let report = entra(&target, &EntraOptions { optscim, ..options(users, groups) }, &progress).await;
            assert_eq!(report.failures, [], "{users} users, {groups} groups, {optscim:?}");
            assert_eq!((report.users, report.groups), (users as u64, groups as u64));
            let bar = bar.into_inner().unwrap();
            let (done, total) = bar[bar.len() - 1];
            assert_eq!((done, bar.len() as u64), (total, total + 1), "one call a step and one at the start");
            let flagged = mini.seen().iter().filter(|seen| seen.line.contains("aadOptscim062020")).count();
            match optscim {
                OptScim::Off => assert_eq!(flagged, 0),
                OptScim::On => assert_eq!(flagged, mini.seen().len()),
                OptScim::Both => assert!(flagged > 0 && flagged < mini.seen().len()),
            }
        }
    }
}

#[tokio::test]
async fn a_second_run_takes_everybody_over() {
    let (mini, target) = start(None, true, 0).await;
    let first = entra(&target, &options(30, 6), &nothing).await;
    let second = entra(&target, &options(30, 6), &nothing).await;
    assert_eq!((&first.failures, &second.failures), (&vec![], &vec![]));
    assert_eq!((second.users, second.groups), (30, 6));
    assert_eq!((second.operations["take over"], second.operations["take over group"]), (30, 6));
    assert_eq!(mini.standing(), (30, 6));
}

#[tokio::test]
async fn the_same_seed_gives_the_same_report() {
    let run = async |seed| {
        let (_mini, target) = start(None, true, 0).await;
        entra(&target, &EntraOptions { seed, ..options(26, 3) }, &nothing).await
    };
    let (a, b) = (run(7).await, run(7).await);
    assert_eq!(a, b);
    assert_eq!(a.failures, []);
}

#[tokio::test]
async fn both_providers_work_on_one_server_at_once() {
    let (mini, target) = start(None, true, 0).await;
    let okta_options =
        OktaOptions { users: 20, groups: 3, concurrency: 4, seed: 42, group_prefix: String::new() };
    let (entra_options, progress) = (options(20, 3), nothing);
    let runs = futures::future::join(
        entra(&target, &entra_options, &progress),
        okta(&target, &okta_options, &progress),
    );
    let (one, other) = runs.await;
    assert_eq!((&one.failures, &other.failures), (&vec![], &vec![]));
    assert_eq!(mini.standing(), (40, 6));
}

#[tokio::test]
async fn the_validators_sets_leave_nothing_behind() {
    for (groups, sets) in [(true, 21), (false, 13)] {
        let (mini, target) = start(None, groups, 0).await;
        mini.seed("somebody.else@example.com");
        let bar = Mutex::new(Vec::new());
        let progress = |done, total, _label: &str| bar.lock().unwrap().push((done, total));
        let report = validator(&target, 3, &progress).await;
        assert_eq!(report.failures, []);
        let played = report.operations.keys().filter(|name| name.starts_with("validator: ")).count();
        assert_eq!(played, sets);
        assert_eq!(mini.standing(), (1, 0));
        assert_eq!(bar.into_inner().unwrap().last(), Some(&(sets as u64 + 1, sets as u64 + 1)));
        assert_eq!(validator(&target, 3, &nothing).await.failures, [], "again");
        assert!(mini.seen().iter().all(|seen| !seen.line.contains("aadOptscim")));
    }
}

#[tokio::test]
async fn the_validator_sets_all_that_is_announced() {
    let (mini, target) = start(None, true, 0).await;
    validator(&target, 3, &nothing).await;
    let seen = mini.seen();
    let posts = || seen.iter().filter(|seen| seen.line == "POST /scim/v2/Users");
    let full = posts().find(|seen| seen.body["locale"].is_string()).unwrap();
    let locale = full.body["locale"].as_str().unwrap();
    assert!(locale.len() == 12 && locale.bytes().all(|b| b.is_ascii_uppercase()), "{locale}");
    assert!(full.body["timezone"].as_str().unwrap().contains('/'));
    assert_eq!(full.body["phoneNumbers"].as_array().unwrap().len(), 3);
    let clinic = &full.body["urn:example:params:scim:schemas:extension:clinic:2.0:User"];
    assert!(clinic["siteCount"].is_u64() && clinic["siteNames"].is_array() && clinic["share"].is_f64());
    assert_eq!(
        posts().filter(|seen| seen.body.as_object().unwrap().len() == 2).count(),
        9,
        "of nothing but a name"
    );
    let lengths: BTreeSet<usize> =
        operations(&seen).map(|body| body["Operations"].as_array().unwrap().len()).collect();
    assert!(lengths.iter().any(|many| *many >= 36), "{lengths:?}");
}

fn operations(seen: &[Seen]) -> impl Iterator<Item = &Value> {
    seen.iter().filter(|seen| seen.line.starts_with("PATCH ")).map(|seen| &seen.body)
}

#[tokio::test]
async fn an_unusable_target_is_one_failure() {
    let wrong = Target { base_url: "example.com/scim".into(), authorization: "Bearer sesame-4711".into() };
    assert_eq!(entra(&wrong, &options(1, 0), &nothing).await.failures.len(), 1);
    assert_eq!(validator(&wrong, 1, &nothing).await.failures.len(), 1);
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let absent =
        Target { base_url: format!("http://{closed}/scim"), authorization: "Bearer sesame-4711".into() };
    let report = entra(&absent, &options(2, 1), &nothing).await;
    assert_eq!((report.users, report.groups), (0, 0));
    assert!(report.failures.iter().all(|failure| failure.found.starts_with("no answer")));
}

#[tokio::test]
async fn requests_look_like_entras() {
    let (mini, target) = start(None, true, 0).await;
    entra(&target, &options(9, 3), &nothing).await;
    let seen = mini.seen();
    for request in &seen {
        let header = |name: &str| request.headers.get(name).map(|value| value.to_str().unwrap());
        assert_eq!(header("user-agent"), Some("Microsoft Azure AD SCIM provisioning 1.0.0"));
        assert_eq!((header("accept"), header("accept-charset")), (Some("application/scim+json"), None));
        let kind = (!request.body.is_null()).then_some("application/scim+json; charset=utf-8");
        assert_eq!(header("content-type"), kind, "{}", request.line);
        assert!(!request.line.starts_with("PUT "), "Entra patches");
    }
    let has = |part: &str| seen.iter().any(|seen| seen.line.contains(part));
    assert!(seen[0].line.ends_with("/Schemas"));
    for part in [
        "/Users?filter=userName+eq+%22",
        "/Users?aadOptscim062020&filter=userName%20eq%20%22",
        "filter=externalId+eq+%22",
        "filter=emails%5Btype+eq+%22work%22%5D.value+eq+%22",
        "/Groups?excludedAttributes=members&filter=displayName+eq+%22",
        "/Groups?aadOptscim062020&excludedAttributes=members&filter=displayName%20eq%20%22",
        "?excludedAttributes=members",
        "+and+manager+eq+",
        "filter=manager+eq+",
        "%20and%20members%20eq%20",
        "&attributes=id",
    ] {
        assert!(has(part), "{part}");
    }
    assert!(!has("startIndex") && !has("/Bulk") && !has("ServiceProviderConfig"));
}

#[tokio::test]
async fn bodies_have_every_form_that_entra_gives_them() {
    let (mini, target) = start(None, true, 0).await;
    entra(&target, &options(9, 3), &nothing).await;
    let seen = mini.seen();
    let posts: Vec<&Value> = seen
        .iter()
        .filter(|seen| seen.line.starts_with("POST /scim/v2/Users"))
        .map(|seen| &seen.body)
        .collect();
    assert!(
        posts
            .iter()
            .any(|body| body["roles"] == json!([]) && body["meta"] == json!({"resourceType": "User"}))
    );
    assert!(posts.iter().any(|body| body["manager"].is_null() && body.get("manager").is_some()));
    assert!(posts.iter().any(|body| body["schemas"].as_array().unwrap().len() == 1));
    assert!(
        posts.iter().any(|body| body["schemas"][1].as_str().is_some_and(|urn| urn.ends_with(":2.0User")))
    );
    assert!(posts.iter().any(|body| body["roles"][0]["primary"] == "True"));
    let group = seen.iter().find(|seen| seen.line.starts_with("POST /scim/v2/Groups")).unwrap();
    assert!(
        group.body["schemas"][1].as_str().unwrap().ends_with("ADSCIM/2.0/Group")
            && group.body.get("members").is_none()
    );
    for seen in seen.iter().filter(|seen| seen.line.starts_with("PATCH ")) {
        let flagged = seen.line.contains("aadOptscim062020");
        for operation in seen.body["Operations"].as_array().unwrap() {
            let op = operation["op"].as_str().unwrap();
            assert_eq!(op.starts_with(char::is_uppercase), !flagged, "{operation}");
            assert_eq!(holds_boolean(operation), flagged && holds_boolean(operation), "{operation}");
        }
    }
    let all: Vec<&Value> =
        operations(&seen).flat_map(|body| body["Operations"].as_array().unwrap()).collect();
    let urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let one = |test: &dyn Fn(&Value) -> bool| all.iter().any(|operation| test(operation));
    for (what, found) in [
        ("active as a text", one(&|op| *op == json!({"op": "Replace", "path": "active", "value": "False"}))),
        ("active as a boolean", one(&|op| *op == json!({"op": "replace", "path": "active", "value": false}))),
        ("manager as a text", one(&|op| op["path"] == "manager" && op["value"].is_string())),
        (
            "manager as an object",
            one(&|op| op["path"] == format!("{urn}:manager") && op["value"]["value"].is_string()),
        ),
        ("manager as a list", one(&|op| op["value"][0]["$ref"].is_string())),
        ("manager emptied", one(&|op| op["value"] == json!({"value": ""}))),
        ("roles by a text", one(&|op| op["path"] == "roles[primary eq \"True\"].display")),
        (
            "an application role",
            one(&|op| op["value"][0]["value"].as_str().is_some_and(|text| text.starts_with('{'))),
        ),
        ("keys with dots", one(&|op| op["value"]["name.givenName"].is_string())),
        ("an extension object", one(&|op| op["value"][urn].is_object())),
        ("a URN with a dot", one(&|op| op["path"] == format!("{urn}.department"))),
        ("capitals", one(&|op| op["path"] == "addresses[type eq \"other\"].Formatted")),
        (
            "members by a list",
            one(&|op| op["op"] == "Remove" && op["path"] == "members" && op["value"][0]["value"].is_string()),
        ),
        (
            "nobody by a list",
            one(&|op| op["op"] == "Remove" && op["path"] == "members" && op["value"] == json!([])),
        ),
        (
            "members by filters",
            one(&|op| {
                op["op"] == "remove"
                    && op["path"].as_str().is_some_and(|path| path.starts_with("members[value eq "))
            }),
        ),
        ("an external id", one(&|op| op["path"].is_null() && op["value"]["externalId"].is_string())),
    ] {
        assert!(found, "{what}");
    }
    assert!(operations(&seen).any(|body| body["Operations"].as_array().unwrap().len() >= 36));
}

fn holds_boolean(value: &Value) -> bool {
    match value {
        Value::Bool(_) => true,
        Value::Array(list) => list.iter().any(holds_boolean),
        Value::Object(map) => map.values().any(holds_boolean),
        _ => false,
    }
}
