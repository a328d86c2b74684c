//! schemathesis against `/api/v1`, on both databases: what it makes of the description finds no fault of the server, and no answer
//! that is not described. `tests/long schemathesis` tries it at length.

use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{Installation, PATIENCE, Scim, describe, eventually, on_both_databases, variable};

on_both_databases!(schemathesis_finds_no_fault);

/// Its runner, below the workspace.
const RUNNER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/schemathesis/run.py");

/// Examples of each operation; with it all phases run.
const VARIABLE: &str = "ROLLCALL_LONG_SCHEMATHESIS";

#[allow(clippy::print_stdout, reason = "the figures are what the trial is for")]
async fn schemathesis_finds_no_fault(installation: Installation) {
    let long = std::env::var(VARIABLE).ok();
    let seed = std::env::var("ROLLCALL_SEED").unwrap_or_else(|_| "1".to_owned());
    let server = installation.serve().await;
    let authorization = installation.tenant("acme", "envi");
    let scope = "admin:* directory:read receipts:write";
    let token = installation.run(&["token", "create", "--platform", "--name", "Trial", "--scope", scope]);
    // Something of each kind, so that ids lead somewhere.
    installation.run(&["token", "create", "--platform", "--name", "Another"]);
    installation.run(&["value-set", "set", "acme", "roles", "Manager", "Buyer"]);
    installation.run(&["admin", "create", "operator@rollcall.example", "--generate"]);
    installation.run(&[
        "destination",
        "create",
        "acme",
        "--name",
        "Application",
        "--url",
        "https://app.invalid/",
    ]);
    let okta = Scim::new(server.base_url("acme"), authorization);
    for name in ["ann", "bo", "cy"] {
        let user = okta.create("/Users", json!({"userName": name})).await;
        okta.create("/Groups", json!({"displayName": name, "members": [{"value": user}]})).await;
    }
    let numbered = || async {
        installation
            .json(&["audit", "--tenant", "acme", "--json"])
            .as_array()
            .is_some_and(|all| all.len() > 5)
    };
    eventually(PATIENCE, "what was done", numbered).await;

    let (examples, phases) = match &long {
        Some(examples) => (examples.as_str(), "examples,coverage,fuzzing,stateful"),
        None => ("2", "examples,fuzzing"),
    };
    let mut python = Command::new(variable("ROLLCALL_TEST_SCHEMATHESIS_PYTHON"));
    let output = python.args([RUNNER, &server.origin, &token, &seed, examples, phases]).output().unwrap();
    assert!(output.status.success(), "{}", describe(&output));
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    println!("seed {seed}, {} operations, {} cases", result["operations"], result["cases"]);
    assert_eq!(result["passed"], true, "seed {seed}: {}", result["said"].as_str().unwrap_or_default());
    assert_eq!(result["operations"], result["described"], "each operation is tried");
    assert!(result["cases"].as_u64() >= Some(if long.is_some() { 3_000 } else { 200 }), "{result}");
}
