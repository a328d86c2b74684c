//! The names of metrics: as the list has them, as a server shows them, as documentation, alerts and dashboard use them.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;
use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};
use telemetry::metrics::{ALL, Kind, Metric};

use crate::harness::{Database, Installation, PATIENCE, Scim, eventually};

const ALERTS: &str = include_str!("../../../deploy/telemetry/alerts.yaml");
const RULE_TESTS: &str = include_str!("../../../deploy/telemetry/alerts.test.yaml");
const DASHBOARD: &str = include_str!("../../../deploy/telemetry/dashboard.json");
const TELEMETRY: &str = include_str!("../../../docs/telemetry.md");
const RUNBOOKS: &str = include_str!("../../../docs/runbooks.md");

/// What Prometheus itself adds to a series.
const ADDED: [&str; 3] = ["le", "instance", "job"];

/// Series by name, each with its labels.
type Shown = BTreeMap<String, Vec<BTreeMap<String, String>>>;

#[tokio::test]
async fn what_alerts_and_dashboard_name_is_shown() {
    let shown = shown_by_a_server().await;
    check_list(&shown);
    let alerts = alerts();
    assert!(alerts.len() > 10 && alerts.iter().all(|alert| !alert.expr.is_empty()), "{alerts:?}");
    for alert in &alerts {
        check_expression(&shown, &alert.expr);
    }
    let (expressions, legends) = dashboard();
    assert!(expressions.len() > 20, "{expressions:?}");
    for expression in expressions.iter().chain(&legends) {
        check_expression(&shown, expression);
    }
    // Nothing that is shown is looked at by nobody.
    let all = format!("{ALERTS}{DASHBOARD}");
    let unused: Vec<_> = ALL.iter().map(|metric| metric.name).filter(|name| !all.contains(name)).collect();
    assert!(unused.is_empty(), "neither alerts nor dashboard use {unused:?}");
}

#[test]
fn every_alert_has_a_runbook_and_a_test() {
    let headings: BTreeSet<&str> = RUNBOOKS.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    let names: BTreeSet<String> = alerts().into_iter().map(|alert| alert.name).collect();
    for alert in alerts() {
        let link = format!("docs/runbooks.md#{}", alert.name.to_lowercase());
        assert_eq!(alert.runbook, link, "{}", alert.name);
        assert!(headings.contains(alert.name.as_str()), "docs/runbooks.md has nothing on {}", alert.name);
        assert!(RULE_TESTS.contains(&format!("alertname: {}", alert.name)), "{} is never quiet", alert.name);
        assert!(RULE_TESTS.contains(&format!("alertname=\"{}\"", alert.name)), "{} never sounds", alert.name);
    }
    let gone: Vec<_> =
        headings.iter().filter(|name| name.starts_with("Rollcall") && !names.contains(**name)).collect();
    assert!(gone.is_empty(), "docs/runbooks.md has {gone:?}, which are no alerts");
}

#[test]
fn the_documentation_has_every_metric() {
    for metric in ALL {
        let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
        let kind = match metric.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram(_) => "histogram",
        };
        let row = format!("| `{}` | {kind} | {} | {} |", metric.name, labels.join(", "), metric.help);
        assert!(TELEMETRY.contains(&row), "docs/telemetry.md lacks\n{row}");
    }
    let rows = TELEMETRY.lines().filter(|line| line.starts_with("| `rollcall_")).count();
    assert_eq!(rows, ALL.len(), "docs/telemetry.md has metrics that are none");
}

/// What a server shows after a bit of everything.
async fn shown_by_a_server() -> Shown {
    let installation = Installation::new(Database::Sqlite).await;
    let authorization = installation.tenant("acme", "generic");
    installation.run(&["token", "create", "acme", "--name", "Old", "--expires-in", "90d"]);
    // As if it had been made 70 days ago, so that somebody is warned.
    let ago = "UPDATE credentials SET created_at = created_at - 6048000000, expires_at = expires_at - 6048000000 \
               WHERE name = 'Old'";
    installation.database().await.execute_unprepared(ago).await.unwrap();
    let server = installation.serve().await;
    let scim = Scim::new(server.base_url("acme"), authorization);
    let group =
        json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Nurses" });
    scim.create("/Groups", group).await;
    assert_eq!(scim.get("/Users").await.0, 200);
    assert_eq!(Scim::new(server.base_url("acme"), "Bearer nonsense").get("/Users").await.0, 401);
    let text = || async {
        let answer = reqwest::get(format!("{}/metrics", server.origin)).await.unwrap();
        answer.text().await.unwrap()
    };
    // The tasks of the server that show something have come to it.
    eventually(PATIENCE, "all gauges", || async {
        let text = text().await;
        ["rollcall_credential_expiry_warnings_total{", "rollcall_destinations{"]
            .iter()
            .all(|part| text.contains(part))
            && !text.contains("rollcall_events_numbered_total 0")
    })
    .await;
    parse(&text().await)
}

fn parse(text: &str) -> Shown {
    let series = Regex::new(r"^([a-z_]+)(?:\{(.*)\})? \S+$").unwrap();
    let label = Regex::new(r#"([a-z_]+)="((?:[^"\\]|\\.)*)""#).unwrap();
    let mut shown = Shown::new();
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let parts = series.captures(line).unwrap_or_else(|| panic!("{line:?} is no series"));
        let labels = parts.get(2).map_or("", |labels| labels.as_str());
        let labels = label.captures_iter(labels).map(|pair| (pair[1].to_owned(), pair[2].to_owned()));
        shown.entry(parts[1].to_owned()).or_default().push(labels.collect());
    }
    shown
}

/// The list has what is shown, with these labels, and nothing else is shown.
fn check_list(shown: &Shown) {
    for metric in ALL {
        let names: &[&str] = match metric.kind {
            Kind::Histogram(_) => &["_bucket", "_sum", "_count"],
            _ => &[""],
        };
        for ending in names {
            let name = format!("{}{ending}", metric.name);
            let series = shown.get(&name).unwrap_or_else(|| panic!("{name} is not shown"));
            let mut wanted: BTreeSet<&str> = metric.labels.iter().copied().collect();
            if *ending == "_bucket" {
                wanted.insert("le");
            }
            for labels in series {
                assert_eq!(labels.keys().map(String::as_str).collect::<BTreeSet<_>>(), wanted, "{name}");
            }
        }
    }
    for name in shown.keys() {
        assert!(metric_of(name).is_some(), "{name} is shown and not in the list");
    }
    let routes = &shown[&format!("{}_count", ALL[0].name)];
    for (method, route, status, class) in [
        ("POST", "/scim/v2/Groups", "2xx", "generic"),
        ("GET", "/scim/v2/Users", "2xx", "generic"),
        ("GET", "none", "4xx", "none"),
        ("GET", "/metrics", "2xx", "none"),
    ] {
        let wanted = [("method", method), ("route", route), ("status", status), ("tenant_class", class)];
        let wanted = wanted.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert!(routes.contains(&wanted.into()), "{method} {route} {status} {class}: {routes:?}");
    }
}

fn metric_of(series: &str) -> Option<&'static Metric> {
    ALL.iter().copied().find(|metric| match metric.kind {
        Kind::Histogram(_) => series
            .strip_prefix(metric.name)
            .is_some_and(|ending| ["_bucket", "_sum", "_count"].contains(&ending)),
        _ => metric.name == series,
    })
}

/// Every series that it names is shown, with the labels and the values that it asks for.
fn check_expression(shown: &Shown, expression: &str) {
    let selector = Regex::new(r"\b(rollcall_[a-z_]+)(?:\{([^}]*)\})?").unwrap();
    let matcher = Regex::new(r#"([a-z_]+)\s*(=~|!~|!=|=)\s*"([^"]*)""#).unwrap();
    let mut labels: BTreeSet<&str> = ADDED.into();
    for found in selector.captures_iter(expression) {
        let series = shown.get(&found[1]);
        let series = series.unwrap_or_else(|| panic!("{} is not shown: {expression}", &found[1]));
        labels.extend(series.iter().flat_map(|labels| labels.keys().map(String::as_str)));
        for asked in matcher.captures_iter(found.get(2).map_or("", |matchers| matchers.as_str())) {
            let (name, operator, value) = (&asked[1], &asked[2], &asked[3]);
            if ADDED.contains(&name) {
                continue;
            }
            let values: BTreeSet<&str> =
                series.iter().filter_map(|labels| labels.get(name)).map(String::as_str).collect();
            assert!(!values.is_empty(), "{} has no label {name}: {expression}", &found[1]);
            // No request fails at the server's fault here.
            let known = values.contains(value) || (name, value) == ("status", "5xx");
            assert!(operator != "=" || known, "no {name} is {value:?}, but {values:?}: {expression}");
            if operator == "=~" && !value.starts_with('$') {
                let pattern = Regex::new(&format!("^(?:{value})$")).unwrap();
                assert!(
                    values.iter().any(|value| pattern.is_match(value)),
                    "{value:?} fits none: {expression}"
                );
            }
        }
    }
    let lists = Regex::new(r"\bby \(([^)]*)\)|\{\{(\w+)\}\}").unwrap();
    for list in lists.captures_iter(expression) {
        let names = list.get(1).or(list.get(2)).unwrap().as_str();
        for name in names.split(',').map(str::trim) {
            assert!(labels.contains(name), "no series has a label {name:?}: {expression}");
        }
    }
}

#[derive(Debug, Default)]
struct Alert {
    name: String,
    expr: String,
    runbook: String,
}

/// The alerts of the file, which is written plainly; `promtool` reads it as YAML in `tests/long telemetry`.
fn alerts() -> Vec<Alert> {
    let mut alerts: Vec<Alert> = Vec::new();
    let mut in_expression = false;
    for line in ALERTS.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix("- alert: ") {
            alerts.push(Alert { name: name.to_owned(), ..Alert::default() });
        }
        let Some(alert) = alerts.last_mut() else { continue };
        if let Some(expr) = line.strip_prefix("expr: ") {
            in_expression = true;
            alert.expr = expr.trim_start_matches(">-").to_owned();
        } else if line.starts_with("for: ") || line.starts_with("labels: ") {
            in_expression = false;
        } else if in_expression {
            alert.expr.extend([" ", line]);
        } else if let Some(link) = line.strip_prefix("runbook_url: ") {
            link.clone_into(&mut alert.runbook);
        }
    }
    alerts
}

/// Expressions of the dashboard's panels and variables, and those of panels once more with the labels that legends show.
fn dashboard() -> (Vec<String>, Vec<String>) {
    let board: Value = serde_json::from_str(DASHBOARD).unwrap();
    let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let panels = board["panels"].as_array().unwrap();
    let targets = || panels.iter().flat_map(|panel| panel["targets"].as_array().into_iter().flatten());
    let variables = board["templating"]["list"].as_array().unwrap();
    let variables = variables.iter().map(|variable| text(variable, "definition"));
    let expressions = targets().map(|target| text(target, "expr")).chain(variables).collect();
    let legends = targets()
        .map(|target| format!("{} {}", text(target, "expr"), text(target, "legendFormat")))
        .collect();
    (expressions, legends)
}
