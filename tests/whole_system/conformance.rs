//! scim2-tester, the public SCIM conformance suite, against the program: every check, on both databases.

use std::{collections::BTreeMap, fmt, process::Command};

use serde::Deserialize;

use crate::harness::{Installation, describe, on_both_databases, variable};

on_both_databases!(scim2_tester_finds_no_fault);

/// The suite's runner, below the workspace.
const RUNNER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/scim2_tester/run.py");

/// Fewer results than this mean that the suite gave up early: it leaves out the resources when discovery fails, and
/// what a schema does not announce is not tried.
const AT_LEAST: usize = 120;

/// One line of the runner.
#[derive(Deserialize)]
struct Check {
    check: String,
    resource: Option<String>,
    status: String,
    reason: Option<String>,
    data: Option<String>,
}

impl Check {
    /// Carried out, and nothing that a standard asks for or recommends is missing. SKIPPED is no success.
    fn passed(&self) -> bool {
        matches!(self.status.as_str(), "SUCCESS" | "COMPLIANT" | "ACCEPTABLE")
    }
}

impl fmt::Display for Check {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { check, resource, status, reason, data } = self;
        let told = |text: &Option<String>| text.clone().unwrap_or_default();
        writeln!(out, "{status} {check} {}: {}", told(resource), told(reason))?;
        writeln!(out, "    {}", told(data))
    }
}

async fn scim2_tester_finds_no_fault(installation: Installation) {
    let server = installation.serve().await;
    let authorization = installation.tenant("acme", "generic");
    let checks = run(&server.base_url("acme"), &authorization);

    let failures: Vec<String> = checks.iter().filter(|check| !check.passed()).map(Check::to_string).collect();
    let (failed, all) = (failures.len(), checks.len());
    assert!(failures.is_empty(), "{failed} of {all} checks did not pass:\n{}", failures.concat());
    assert!(all >= AT_LEAST, "only {all} checks ran: {:?}", counted(&checks));
    for resource in ["User", "Group"] {
        for name in ON_RESOURCES {
            let ran = |check: &Check| check.check == *name && check.resource.as_deref() == Some(resource);
            assert!(checks.iter().any(ran), "{name} did not run on {resource}: {:?}", counted(&checks));
        }
    }
}

/// What the suite does with each resource type.
const ON_RESOURCES: &[&str] = &[
    "object_creation",
    "object_query",
    "object_query_without_id",
    "object_query_with_attributes",
    "object_list_with_attributes",
    "search_with_attributes",
    "object_replacement",
    "object_deletion",
    "check_add_attribute",
    "check_remove_attribute",
    "check_replace_attribute",
];

fn run(base_url: &str, authorization: &str) -> Vec<Check> {
    let mut python = Command::new(variable("ROLLCALL_TEST_SCIM2_PYTHON"));
    let output = python.arg(RUNNER).args([base_url, authorization]).output().unwrap();
    assert!(output.status.success(), "{}", describe(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// How often each check ran.
fn counted(checks: &[Check]) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for check in checks {
        *counts.entry(check.check.as_str()).or_default() += 1;
    }
    counts
}
