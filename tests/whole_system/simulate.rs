//! Okta and Entra, played by the program against the program.

use crate::harness::{Installation, describe, on_both_databases};

on_both_databases!(okta_finds_no_fault, entra_finds_no_fault);

async fn okta_finds_no_fault(installation: Installation) {
    let server = installation.serve().await;
    let authorization = installation.tenant("acme", "generic");
    let base_url = server.base_url("acme");
    let arguments = [
        "simulate",
        "okta",
        "--base-url",
        &base_url,
        "--authorization",
        &authorization,
        "--users",
        "24",
        "--groups",
        "4",
    ];
    let output = installation.command(&arguments).output().unwrap();
    assert!(output.status.success(), "{}", describe(&output));
    assert!(String::from_utf8_lossy(&output.stdout).contains(" 0 failures"), "{}", describe(&output));

    // A second run meets the people of the first: other names, no faults.
    let second = [&arguments[..], &["--seed", "2", "--json"]].concat();
    let report = installation.json(&second);
    assert_eq!(report["failures"], serde_json::json!([]));
    assert!(report["requests"].as_u64().unwrap() > 100, "{report}");

    // The judge is no yes-man: with a wrong token everything fails.
    let wrong =
        ["simulate", "okta", "--base-url", &base_url, "--authorization", "Bearer nonsense", "--users", "2"];
    installation.refuse(&wrong);
}

async fn entra_finds_no_fault(installation: Installation) {
    let server = installation.serve().await;
    let authorization = installation.tenant("acme", "generic");
    let base_url = server.base_url("acme");
    let arguments = [
        "simulate",
        "entra",
        "--base-url",
        &base_url,
        "--authorization",
        &authorization,
        "--users",
        "12",
        "--groups",
        "4",
        "--json",
    ];
    let report = installation.json(&arguments);
    assert_eq!(report["failures"], serde_json::json!([]));
    assert!(report["requests"].as_u64().unwrap() > 100, "{report}");
}
