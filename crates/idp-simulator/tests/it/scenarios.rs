//! Against a right server every run ends without a failure, and with the counts that stand.

use std::collections::HashSet;
use std::sync::Mutex;

use idp_simulator::scenario::{OktaOptions, guide, okta};
use idp_simulator::{FeatureOutcome, Report, Target};
use serde_json::json;

use super::mini::{start, start_product};

const PROFILES: [(&str, u64, u64); 6] = [
    ("epic-emp", 16, 0),
    ("mdscripts", 24, 0),
    ("clinical-maestro", 10, 0),
    ("eptura-engage", 11, 3),
    ("envi", 10, 4),
    ("generic", 17, 4),
];

fn nothing(_: u64, _: u64, _: &str) {}

fn options(users: usize, groups: usize) -> OktaOptions {
    OktaOptions { users, groups, concurrency: 8, seed: 42, group_prefix: String::new() }
}

#[tokio::test]
async fn a_general_run_ends_without_a_failure_and_counts_only_its_own() {
    let (mini, target) = start(None, true, 0).await;
    mini.seed("somebody.else@example.com");
    let report = okta(&target, &options(130, 7), &nothing).await;
    assert_eq!(report.failures, []);
    assert_eq!((report.users, report.groups, report.rate_limited), (130, 7, 0));
    assert_eq!(report.requests, mini.seen().len() as u64);
    let done = |name: &str| report.operations.get(name).copied().unwrap_or_default();
    assert_eq!(done("create") + done("create twice at once"), 130);
    assert_eq!((done("deactivate"), done("reactivate"), done("update profile")), (52, 26, 130));
    assert_eq!(
        (done("push group"), done("delete group"), done("import users"), done("import groups")),
        (8, 1, 1, 1)
    );
}

#[tokio::test]
async fn a_second_run_finds_everybody_and_links() {
    let (_mini, target) = start(None, true, 0).await;
    let first = okta(&target, &options(30, 4), &nothing).await;
    let second = okta(&target, &options(30, 4), &nothing).await;
    assert_eq!((&first.failures, &second.failures), (&vec![], &vec![]));
    assert_eq!((second.users, second.groups), (30, 4));
    assert_eq!(second.operations["link"], 30);
    assert!(!second.operations.contains_key("create"));
}

#[tokio::test]
async fn the_same_seed_gives_the_same_report() {
    let run = async |seed| {
        let (_mini, target) = start(None, true, 0).await;
        okta(&target, &OktaOptions { seed, ..options(40, 3) }, &nothing).await
    };
    let (a, b) = (run(7).await, run(7).await);
    assert_eq!(a, b);
    assert_eq!(a.failures, []);
}

#[tokio::test]
async fn the_bar_of_a_general_run_is_full() {
    for (users, groups) in [(21, 3), (5, 0)] {
        let (_mini, target) = start(None, true, 0).await;
        let bar = Mutex::new(Vec::new());
        let progress = |done, total, _label: &str| bar.lock().unwrap().push((done, total));
        okta(&target, &options(users, groups), &progress).await;
        let bar = bar.into_inner().unwrap();
        let (done, total) = bar[bar.len() - 1];
        assert_eq!(done, total);
        assert_eq!(bar.len() as u64, total + 1, "one call a step and one at the start");
    }
}

#[tokio::test]
async fn any_size_runs() {
    for (users, groups) in [(0, 0), (1, 0), (0, 2), (3, 1)] {
        let (_mini, target) = start(None, groups > 0, 0).await;
        let report = okta(&target, &options(users, groups), &nothing).await;
        assert_eq!(report.failures, [], "{users} users, {groups} groups");
        assert_eq!((report.users, report.groups), (users as u64, groups as u64));
    }
}

#[tokio::test]
async fn every_guide_ends_without_a_failure_and_its_bar_is_full() {
    for (profile, users, groups) in PROFILES {
        let (_mini, target) = start_product(profile, None, 1).await;
        let bar = Mutex::new((0, 0));
        let progress = |done, total, _label: &str| *bar.lock().unwrap() = (done, total);
        let report = guide(profile, &target, 1, &progress).await.unwrap();
        assert_eq!(report.failures, [], "{profile}");
        assert_eq!((report.users, report.groups), (users, groups), "{profile}");
        let names: HashSet<&str> = report.features.iter().map(|feature| feature.name.as_str()).collect();
        assert!(names.len() == report.features.len() && names.len() >= 8, "{profile}: {names:?}");
        for feature in &report.features {
            assert!(feature.holds(), "{profile}: {feature:?}");
        }
        assert_eq!(report.memberships.len() as u64, groups, "{profile}");
        let (done, total) = *bar.lock().unwrap();
        assert_eq!(done, total, "{profile}");
        // The same customer again.
        let again = guide(profile, &target, 1, &nothing).await.unwrap();
        assert_eq!(again.failures, [], "{profile} again");
    }
}

#[tokio::test]
async fn an_unknown_guide_and_an_unusable_target() {
    let (_mini, target) = start(None, true, 0).await;
    assert!(guide("nobody's", &target, 1, &nothing).await.is_none());
    let wrong = Target { base_url: "example.com/scim".into(), authorization: "Bearer sesame-4711".into() };
    let report = okta(&wrong, &options(1, 0), &nothing).await;
    assert_eq!(report.failures.len(), 1);
    assert!(report.failures[0].found.contains("https://"));
    assert_eq!(guide("envi", &wrong, 1, &nothing).await.unwrap().failures.len(), 1);
}

#[tokio::test]
async fn an_absent_server_is_a_failure_of_each_request() {
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let target =
        Target { base_url: format!("http://{closed}/scim"), authorization: "Bearer sesame-4711".into() };
    let report: Report = okta(&target, &options(2, 1), &nothing).await;
    assert_eq!((report.users, report.groups), (0, 0));
    assert!(report.failures.len() >= 4);
    assert!(report.failures.iter().all(|failure| failure.found.starts_with("no answer")));
}

#[tokio::test]
async fn a_busy_server_is_waited_for() {
    let (_mini, target) = start(None, false, 5).await;
    let report = okta(&target, &options(3, 0), &nothing).await;
    assert_eq!(report.failures, []);
    assert_eq!((report.rate_limited, report.users), (5, 3));
}

#[tokio::test]
async fn a_server_that_stays_busy_is_given_up_after_ten_attempts() {
    let (_mini, target) = start(None, true, 20).await;
    let report = guide("generic", &target, 1, &nothing).await.unwrap();
    // The two credential tests meet ten refusals each.
    let tests: Vec<_> = report.failures.iter().filter(|failure| failure.found.contains("429")).collect();
    assert_eq!((report.rate_limited, tests.len(), report.failures.len()), (20, 2, 2));
    let held: Vec<bool> = report.features.iter().map(FeatureOutcome::holds).collect();
    assert!(!held[0] && held[1..].iter().all(|held| *held), "{:?}", report.features);
}

#[tokio::test]
async fn requests_look_like_oktas() {
    let (mini, target) = start(None, true, 0).await;
    guide("generic", &target, 3, &nothing).await.unwrap();
    let seen = mini.seen();
    assert_eq!(seen[0].line, "GET /scim/v2/Users?startIndex=1&count=2");
    let look_up = seen.iter().find(|seen| seen.line.contains("filter=userName")).unwrap();
    assert!(look_up.line.contains("?filter=userName%20eq%20%22"), "{}", look_up.line);
    assert!(look_up.line.ends_with("%22&startIndex=1&count=100"));
    for request in &seen {
        let header = |name: &str| request.headers.get(name).map(|value| value.to_str().unwrap());
        assert_eq!(header("user-agent"), Some("Okta SCIM Client 1.0.0"));
        assert_eq!(header("accept"), Some("application/scim+json"));
        assert_eq!(header("accept-charset"), Some("utf-8"));
        let kind = (!request.body.is_null()).then_some("application/scim+json; charset=utf-8");
        assert_eq!(header("content-type"), kind, "{}", request.line);
    }
    let create = seen.iter().find(|seen| seen.line == "POST /scim/v2/Users").unwrap();
    assert_eq!(create.body["groups"], json!([]));
    assert_eq!(create.body["active"], json!(true));
    assert!(create.body["password"].is_string());
    assert!(create.body["externalId"].as_str().unwrap().starts_with("00u"));
    let group = seen.iter().find(|seen| seen.line == "POST /scim/v2/Groups").unwrap();
    assert_eq!(group.body["members"], json!([]));
    let put = seen.iter().find(|seen| seen.line.starts_with("PUT /scim/v2/Users/")).unwrap();
    assert!(put.body["meta"].is_object() && put.body["id"].is_string(), "our own answer, echoed");
    assert!(put.body.get("password").is_none());
    let renames = seen.iter().filter(|seen| seen.line.starts_with("PATCH /scim/v2/Groups/")).all(|seen| {
        let operations = seen.body["Operations"].as_array().unwrap();
        operations.iter().any(|op| op["value"]["displayName"].is_string() || op["path"] == "members")
    });
    assert!(renames);
    assert!(
        seen.iter().all(|seen| !seen.line.contains("/Bulk") && !seen.line.contains("ServiceProviderConfig"))
    );
}
