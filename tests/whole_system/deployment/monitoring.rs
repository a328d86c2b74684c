//! What the Prometheus operator is told on Kubernetes: copies of `deploy/telemetry`, because neither Helm nor kustomize reads files
//! outside of its folder, and who is asked for metrics.

use serde_json::json;

use super::{list, read, root, text, yaml};

/// Head of the rules as an object of the operator; the alerts follow, two blanks further in.
const HEAD: &str = "# Made from deploy/telemetry/alerts.yaml.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: rollcall
  labels:
    release: kube-prometheus-stack
spec:
";

fn rule(alerts: &str) -> String {
    let lines = alerts.lines().skip_while(|line| line.starts_with('#'));
    let indented = lines.map(|line| if line.is_empty() { "\n".to_owned() } else { format!("  {line}\n") });
    HEAD.to_owned() + &indented.collect::<String>()
}

/// To write them anew: `ROLLCALL_WRITE_DEPLOY=1 tests/run --services cargo nextest run --workspace --cargo-profile ci-release
/// -E 'test(copies_of_alerts_and_dashboard_are_fresh)'`.
#[test]
fn copies_of_alerts_and_dashboard_are_fresh() {
    let of = |file: &str| read(&root().join("deploy/telemetry").join(file));
    for (copy, content) in [
        ("helm/rollcall/files/alerts.yaml", of("alerts.yaml")),
        ("helm/rollcall/files/dashboard.json", of("dashboard.json")),
        ("kubernetes/monitoring/prometheusrule.yaml", rule(&of("alerts.yaml"))),
    ] {
        let path = root().join("deploy").join(copy);
        if std::env::var_os("ROLLCALL_WRITE_DEPLOY").is_some() {
            std::fs::write(&path, &content).unwrap();
        }
        assert!(read(&path) == content, "deploy/{copy} is old; write it anew as this test says");
    }
}

#[test]
fn the_operator_asks_the_nodes() {
    let folder = root().join("deploy/kubernetes");
    let component = yaml(&folder.join("monitoring/kustomization.yaml"));
    assert_eq!((text(&component, "/kind"), list(&component, "/resources").len()), ("Component", 2));
    let (rule, monitor) = (
        yaml(&folder.join("monitoring/prometheusrule.yaml")),
        yaml(&folder.join("monitoring/podmonitor.yaml")),
    );
    assert_eq!(rule["spec"], yaml(&root().join("deploy/telemetry/alerts.yaml")));
    assert_eq!(rule["metadata"]["labels"], monitor["metadata"]["labels"], "Prometheus selects both alike");
    let nodes = yaml(&folder.join("base/deployment.yaml"));
    assert_eq!(monitor["spec"]["selector"], nodes["spec"]["selector"]);
    let ports = list(&nodes, "/spec/template/spec/containers/0/ports");
    assert!(ports.iter().any(|port| port["name"] == monitor["spec"]["podMetricsEndpoints"][0]["port"]));
    // The alerts ask for the job of this name.
    let label = text(&monitor, "/spec/jobLabel");
    assert_eq!(nodes["spec"]["template"]["metadata"]["labels"][label], json!("rollcall"));
}
