//! Okta and Entra, played by the program against the program.

use crate::harness::{Installation, describe, on_both_databases};

on_both_databases!(okta_finds_no_fault, entra_finds_no_fault, a_load_is_answered_rightly_and_leaves_nobody);

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

async fn a_load_is_answered_rightly_and_leaves_nobody(installation: Installation) {
    let server = installation.serve().await;
    let authorization = installation.tenant("acme", "generic");
    let base_url = server.base_url("acme");
    for provider in ["okta", "entra"] {
        let arguments = [
            "simulate",
            provider,
            "--base-url",
            &base_url,
            "--authorization",
            &authorization,
            "--load",
            "--users",
            "20",
            "--groups",
            "2",
            "--connections",
            "4",
            "--seconds",
            "1",
        ];
        let report = installation.json(&[&arguments[..], &["--json"]].concat());
        let kinds = report["kinds"].as_array().unwrap();
        let count = |name: &str| {
            let kind = kinds.iter().find(|kind| kind["kind"] == name);
            kind.map_or(0, |kind| kind["requests"].as_u64().unwrap())
        };
        assert!(kinds.iter().all(|kind| kind["errors"] == 0), "{report:#}");
        assert_eq!(
            (count("POST user"), count("DELETE user"), count("read back")),
            (20, 20, 22),
            "{report:#}"
        );
        assert!(count("look up by userName") > 0 && count("PATCH group member") > 0, "{report:#}");

        // The token of nobody: an error that is told, and a failure of the command.
        let wrong = arguments.map(|word| if word == authorization { "Bearer nonsense" } else { word });
        let told = installation.fault(&wrong);
        assert!(told.contains("✗ POST user: POST /Users: 401"), "{told}");
    }
    let left = installation.run(&["export", "acme"]);
    assert_eq!(left.lines().count(), 1, "only the header: {left}");
}
