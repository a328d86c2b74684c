//! The description and what is served are one thing.

use super::*;
use guard::Need;

/// Every route with the scope that it needs; none: open. A new route is entered here by hand, so that its scope is
/// chosen and not forgotten.
const SCOPES: &[(&str, &str, Option<&str>)] = &[
    ("GET", "/api/v1/openapi.json", None),
    ("GET", "/api/v1/admins", Some("admin:read")),
    ("POST", "/api/v1/admins", Some("admin:write")),
    ("DELETE", "/api/v1/admins/{id}", Some("admin:write")),
    ("PATCH", "/api/v1/admins/{id}", Some("admin:write")),
    ("POST", "/api/v1/admins/{id}/invitation", Some("admin:write")),
    ("DELETE", "/api/v1/admins/{id}/second-factor", Some("admin:write")),
    ("DELETE", "/api/v1/admins/{id}/sessions", Some("admin:write")),
    ("GET", "/api/v1/audit", Some("admin:read")),
    ("GET", "/api/v1/deleted-tenants", Some("admin:read")),
    ("POST", "/api/v1/deleted-tenants/{slug}/restore", Some("admin:write")),
    ("GET", "/api/v1/destinations", Some("admin:read")),
    ("POST", "/api/v1/destinations", Some("admin:write")),
    ("DELETE", "/api/v1/destinations/{id}", Some("admin:write")),
    ("GET", "/api/v1/destinations/{id}", Some("admin:read")),
    ("PATCH", "/api/v1/destinations/{id}", Some("admin:write")),
    ("GET", "/api/v1/destinations/{id}/deliveries", Some("admin:read")),
    ("POST", "/api/v1/destinations/{id}/receipts", Some("receipts:write")),
    ("POST", "/api/v1/destinations/{id}/replay", Some("admin:write")),
    ("POST", "/api/v1/destinations/{id}/secret", Some("admin:write")),
    ("POST", "/api/v1/destinations/{id}/test", Some("admin:write")),
    ("GET", "/api/v1/events", Some("directory:read")),
    ("GET", "/api/v1/events/schema", None),
    ("GET", "/api/v1/keys", Some("admin:read")),
    ("POST", "/api/v1/keys/rotate", Some("admin:write")),
    ("GET", "/api/v1/platform-tokens", Some("admin:read")),
    ("POST", "/api/v1/platform-tokens", Some("admin:write")),
    ("DELETE", "/api/v1/platform-tokens/{id}", Some("admin:write")),
    ("PATCH", "/api/v1/platform-tokens/{id}", Some("admin:write")),
    ("POST", "/api/v1/platform-tokens/{id}/rotate", Some("admin:write")),
    ("GET", "/api/v1/refusals", Some("admin:read")),
    ("GET", "/api/v1/tenants", Some("admin:read")),
    ("POST", "/api/v1/tenants", Some("admin:write")),
    ("DELETE", "/api/v1/tenants/{slug}", Some("admin:write")),
    ("GET", "/api/v1/tenants/{slug}", Some("admin:read")),
    ("PATCH", "/api/v1/tenants/{slug}", Some("admin:write")),
    ("GET", "/api/v1/tenants/{slug}/audit", Some("admin:read")),
    ("GET", "/api/v1/tenants/{slug}/connection", Some("admin:read")),
    ("GET", "/api/v1/tenants/{slug}/credentials", Some("admin:read")),
    ("POST", "/api/v1/tenants/{slug}/credentials/basic", Some("admin:write")),
    ("POST", "/api/v1/tenants/{slug}/credentials/clients", Some("admin:write")),
    ("POST", "/api/v1/tenants/{slug}/credentials/tokens", Some("admin:write")),
    ("DELETE", "/api/v1/tenants/{slug}/credentials/{id}", Some("admin:write")),
    ("GET", "/api/v1/tenants/{slug}/credentials/{id}", Some("admin:read")),
    ("PATCH", "/api/v1/tenants/{slug}/credentials/{id}", Some("admin:write")),
    ("POST", "/api/v1/tenants/{slug}/credentials/{id}/rotate", Some("admin:write")),
    ("GET", "/api/v1/tenants/{slug}/destinations", Some("admin:read")),
    ("POST", "/api/v1/tenants/{slug}/destinations", Some("admin:write")),
    ("POST", "/api/v1/tenants/{slug}/destinations/{id}/receipts", Some("receipts:write")),
    ("GET", "/api/v1/tenants/{slug}/domains", Some("admin:read")),
    ("POST", "/api/v1/tenants/{slug}/domains", Some("admin:write")),
    ("DELETE", "/api/v1/tenants/{slug}/domains/{host}", Some("admin:write")),
    ("POST", "/api/v1/tenants/{slug}/domains/{host}/verify", Some("admin:write")),
    ("GET", "/api/v1/tenants/{slug}/events", Some("directory:read")),
    ("DELETE", "/api/v1/tenants/{slug}/federation", Some("admin:write")),
    ("GET", "/api/v1/tenants/{slug}/federation", Some("admin:read")),
    ("PUT", "/api/v1/tenants/{slug}/federation", Some("admin:write")),
    ("GET", "/api/v1/tenants/{slug}/groups", Some("directory:read")),
    ("GET", "/api/v1/tenants/{slug}/groups/{id}", Some("directory:read")),
    ("GET", "/api/v1/tenants/{slug}/groups/{id}/members", Some("directory:read")),
    ("GET", "/api/v1/tenants/{slug}/profile", Some("admin:read")),
    ("PUT", "/api/v1/tenants/{slug}/profile", Some("admin:write")),
    ("POST", "/api/v1/tenants/{slug}/profile/check", Some("admin:read")),
    ("GET", "/api/v1/tenants/{slug}/refusals", Some("admin:read")),
    ("GET", "/api/v1/tenants/{slug}/requests", Some("admin:read")),
    ("GET", "/api/v1/tenants/{slug}/requests/{id}", Some("admin:read")),
    ("GET", "/api/v1/tenants/{slug}/roles", Some("directory:read")),
    ("GET", "/api/v1/tenants/{slug}/roles/{role}/users", Some("directory:read")),
    ("GET", "/api/v1/tenants/{slug}/users", Some("directory:read")),
    ("GET", "/api/v1/tenants/{slug}/users/{id}", Some("directory:read")),
    ("GET", "/api/v1/tenants/{slug}/value-sets", Some("admin:read")),
    ("DELETE", "/api/v1/tenants/{slug}/value-sets/{name}", Some("admin:write")),
    ("GET", "/api/v1/tenants/{slug}/value-sets/{name}", Some("admin:read")),
    ("PUT", "/api/v1/tenants/{slug}/value-sets/{name}", Some("admin:write")),
];

fn described() -> serde_json::Value {
    serde_json::to_value(document()).expect("JSON")
}

/// All operations of the description: method, path, operation.
fn operations(document: &serde_json::Value) -> Vec<(String, String, serde_json::Value)> {
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            found.push((method.to_uppercase(), path.clone(), operation.clone()));
        }
    }
    found
}

#[test]
fn every_route_has_the_scope_that_was_chosen_for_it() {
    let mut found: Vec<_> = guard::needs(document())
        .into_iter()
        .map(|((path, method), need)| match need {
            Need::Nothing => (method.to_string(), path, None),
            Need::Scope(scope) => (method.to_string(), path, Some(scope)),
        })
        .collect();
    let owned = |(method, path, scope): &(&str, &str, Option<&str>)| {
        ((*method).to_owned(), (*path).to_owned(), scope.map(str::to_owned))
    };
    let mut chosen: Vec<_> = SCOPES.iter().map(owned).collect();
    found.sort();
    chosen.sort();
    assert_eq!(found, chosen);
    assert_eq!(operations(&described()).len(), SCOPES.len(), "an operation names no scope");
}

#[test]
fn what_changes_something_needs_more_than_reading() {
    for (method, path, scope) in SCOPES {
        let reads = *method == "GET" || path.ends_with("/check");
        let writes = scope.is_some_and(|scope| scope.ends_with(":write"));
        assert_eq!(writes, !reads, "{method} {path}");
    }
}

#[test]
fn every_operation_is_described() {
    let document = described();
    assert_eq!(document["openapi"], "3.1.0");
    let mut ids = std::collections::BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{method} {path}");
        assert_eq!(operation["tags"].as_array().map(Vec::len), Some(1), "{method} {path}");
        assert!(ids.insert(operation["operationId"].to_string()), "{method} {path}: operationId twice");
        let named: Vec<_> =
            operation["parameters"].as_array().into_iter().flatten().map(|one| &one["name"]).collect();
        for segment in path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
            assert!(named.iter().any(|name| *name == segment), "{method} {path}: {segment}");
        }
    }
}

/// `docs/openapi.json` is what clients are made from. To write it anew:
/// `ROLLCALL_WRITE_OPENAPI=1 cargo test -p tenant-admin the_document_of_the_api_is_fresh`.
#[test]
fn the_document_of_the_api_is_fresh() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
    let text = format!("{}\n", serde_json::to_string_pretty(document()).expect("JSON"));
    if std::env::var_os("ROLLCALL_WRITE_OPENAPI").is_some() {
        std::fs::write(path, &text).expect("written");
    }
    let kept = std::fs::read_to_string(path).expect("docs/openapi.json");
    assert!(kept == text, "docs/openapi.json is old; write it anew as this test says");
}
