//! What the commands print, and that a change made by one holds in a running server within a second.

use std::time::Duration;

use serde_json::json;

use crate::harness::{Installation, Scim, describe, eventually, on_both_databases, plain_command};

on_both_databases!(
    people_have_roles_and_tenants,
    people_are_invited_changed_and_removed,
    tenants_and_tokens,
    a_token_for_one_user,
    changes_reach_a_running_server,
    mistakes_are_explained
);

/// The contract's limit for a change to hold in every running node.
const WITHIN: Duration = Duration::from_secs(1);

async fn tenants_and_tokens(installation: Installation) {
    installation.run(&["migrate"]);
    assert_eq!(installation.run(&["tenant", "create", "acme", "--name", "Acme Clinic"]), "acme inactive");
    assert_eq!(installation.run(&["tenant", "activate", "acme"]), "acme active");
    let listed = installation.json(&["tenant", "list", "--json"]);
    assert_eq!(listed[0]["slug"], "acme");
    assert_eq!(listed[0]["name"], "Acme Clinic");
    assert_eq!(listed[0]["profile"], "generic");
    assert_eq!(listed[0]["status"], "active");

    let token = installation.run(&["token", "create", "acme", "--name", "Okta", "--expires-in", "10y"]);
    assert!(token.starts_with("rcl_"), "a token");
    assert_eq!(token.lines().count(), 1);
    let tokens = installation.json(&["token", "list", "acme", "--json"]);
    assert_eq!(tokens[0]["name"], "Okta");
    assert_eq!(tokens[0]["state"], "live");
    assert!(token.ends_with(tokens[0]["hint"].as_str().unwrap()));
    assert!(!tokens.to_string().contains(&token), "the token itself is nowhere");
    installation.run(&["token", "revoke", "acme", "okta"]);
    assert_eq!(installation.json(&["token", "list", "acme", "--json"])[0]["state"], "revoked");

    let doctor = installation.run(&["doctor"]);
    assert!(doctor.contains("rollcall admin create") && !doctor.contains('✗'), "{doctor}");
}

async fn a_token_for_one_user(installation: Installation) {
    let server = installation.serve().await;
    let okta = Scim::new(server.base_url("acme"), installation.tenant("acme", "generic"));
    eventually(WITHIN, "a new tenant", || async { okta.get("/Users").await.0 == 200 }).await;
    let ann = okta.create("/Users", json!({"userName": "Ann@example.com"})).await;

    let arguments = ["token", "create", "acme", "--name", "Ann's own", "--user", "ann@EXAMPLE.com"];
    let authorization = format!("Bearer {}", installation.run(&arguments));
    let own = Scim::new(server.base_url("acme"), authorization);
    eventually(WITHIN, "a new token", || async { own.get("/Me").await.0 == 200 }).await;
    assert_eq!(own.get("/Me").await.1["id"], ann.as_str());
    assert_eq!(own.get("/Users").await.0, 403);
    assert_eq!(okta.get("/Me").await.0, 501);

    let tokens = installation.json(&["token", "list", "acme", "--json"]);
    assert_eq!((&tokens[0]["user"], &tokens[1]["user"]), (&json!(ann), &json!(null)));
    let table = installation.run(&["token", "list", "acme"]);
    assert!(table.contains(&ann), "{table}");
}

async fn people_have_roles_and_tenants(installation: Installation) {
    installation.run(&["migrate"]);
    installation.run(&["tenant", "create", "acme"]);
    let create = |email, more: &[&str]| {
        let mut arguments = vec!["admin", "create", email, "--generate"];
        arguments.extend(more);
        installation.run(&arguments)
    };
    assert!(create("ada@x.example", &[]).len() >= 12, "a password");
    create("bo@x.example", &["--role", "manager", "--tenant", "acme"]);
    create("cy@x.example", &["--role", "auditor"]);
    let listed = installation.json(&["admin", "list", "--json"]);
    let rows: Vec<_> = listed.as_array().unwrap().iter().map(|row| (&row["role"], &row["tenants"])).collect();
    let (operator, manager, auditor) = (json!("operator"), json!("manager"), json!("auditor"));
    let (none, acme) = (json!([]), json!(["acme"]));
    assert_eq!(rows, [(&operator, &none), (&manager, &acme), (&auditor, &none)]);
    let table = installation.run(&["admin", "list"]);
    assert!(table.contains("bo@x.example") && table.contains("acme") && table.contains("all"), "{table}");
}

async fn people_are_invited_changed_and_removed(installation: Installation) {
    installation.run(&["migrate"]);
    installation.run(&["tenant", "create", "acme"]);
    let link =
        installation.run(&["admin", "invite", "bo@x.example", "--role", "manager", "--tenant", "acme"]);
    assert!(link.contains("/console/invitation/"), "{link}");
    assert_ne!(installation.run(&["admin", "invite", "bo@x.example"]), link);
    let error = installation.refuse(&["admin", "invite", "bo@x.example", "--role", "auditor"]);
    assert!(error.contains("rollcall admin set"), "{error}");
    installation.run(&["admin", "create", "ada@x.example", "--generate"]);
    let told = installation.run(&["admin", "set", "BO@x.example", "--role", "auditor"]);
    assert_eq!(told, "bo@x.example is now auditor");
    let told = installation.run(&["admin", "reset-second-factor", "ada@x.example"]);
    assert_eq!(told, "ada@x.example has no second factor");
    let last = "the last operator who can sign in";
    let error = installation.refuse(&["admin", "remove", "ada@x.example"]);
    assert!(error.contains(last), "{error}");
    let error = installation.refuse(&["admin", "set", "ada@x.example", "--role", "auditor"]);
    assert!(error.contains(last), "{error}");
    installation.run(&["admin", "remove", "bo@x.example"]);
    let error = installation.refuse(&["admin", "remove", "bo@x.example"]);
    assert!(error.contains("rollcall admin list"), "{error}");
    let trail = installation.run(&["audit"]);
    assert!(trail.contains("admin.invited") && trail.contains("admin.removed"), "{trail}");
}

async fn changes_reach_a_running_server(installation: Installation) {
    let server = installation.serve().await;
    let scim = Scim::new(server.base_url("acme"), installation.tenant("acme", "generic"));
    let status = || async { scim.get("/Users?startIndex=1&count=2").await.0 };
    eventually(WITHIN, "a new tenant and token", || async { status().await == 200 }).await;

    installation.run(&["tenant", "deactivate", "acme"]);
    eventually(WITHIN, "a deactivated tenant", || async { status().await == 403 }).await;
    installation.run(&["tenant", "activate", "acme"]);
    assert_eq!(status().await, 200, "who has just activated it tries it at once");
    installation.run(&["token", "revoke", "acme", "Okta"]);
    eventually(WITHIN, "a revoked token", || async { status().await == 401 }).await;
}

async fn mistakes_are_explained(installation: Installation) {
    installation.run(&["migrate"]);
    installation.run(&["tenant", "create", "acme"]);
    installation.run(&["token", "create", "acme", "--name", "Okta"]);
    for (arguments, word) in [
        (&["tenant", "create", "acme"][..], "never reused"),
        (&["tenant", "create", "Acme"], "lower"),
        (&["tenant", "create", "console"], "reserved"),
        (&["tenant", "create", "beta", "--profile", "nonesuch"], "envi"),
        (&["tenant", "activate", "nobody"], "tenant list"),
        (&["token", "create", "acme", "--name", "Okta"], "Okta"),
        (&["token", "create", "acme", "--name", "x", "--expires-in", "11y"], "10"),
        (&["token", "create", "acme", "--name", "x", "--expires-in", "soon"], "soon"),
        (&["token", "create", "acme", "--name", "x", "--scope", "everything"], "everything"),
        (&["token", "create", "acme", "--name", "x", "--user", "nobody"], "nobody"),
        (&["token", "revoke", "acme", "nonesuch"], "token list"),
        (&["user", "show", "acme", "nobody"], "nobody"),
        (&["admin", "create", "not-an-address", "--generate"], "not-an-address"),
        (&["admin", "create", "a@x.example", "--generate", "--role", "manager"], "--tenant SLUG"),
        (&["admin", "create", "a@x.example", "--generate", "--tenant", "acme"], "has all tenants"),
        (
            &["admin", "create", "a@x.example", "--generate", "--role", "manager", "--tenant", "nobody"],
            "tenant list",
        ),
    ] {
        let error = installation.refuse(arguments);
        assert!(error.contains(word), "{arguments:?}: {error}");
    }
}

/// In another folder there is no installation, and none is made by asking.
#[test]
fn a_folder_without_an_installation_stays_so() {
    let dir = tempfile::tempdir().unwrap();
    for arguments in [
        &["tenant", "list"][..],
        &["token", "create", "acme", "--name", "Okta"],
        &["export", "acme"],
        &["audit", "verify"],
        &["key", "list"],
        &["doctor"],
    ] {
        let output = plain_command(dir.path()).args(arguments).output().unwrap();
        let told = describe(&output);
        assert!(!output.status.success(), "{arguments:?}: {told}");
        assert!(
            told.contains("there is no database") && told.contains("--data-dir"),
            "{arguments:?}: {told}"
        );
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "{arguments:?}");
    }
}

/// People's data and the hashes of passwords are their owner's alone, whichever command makes them.
#[test]
fn what_is_made_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    for arguments in [&["tenant", "create", "acme"][..], &["migrate"]] {
        let dir = tempfile::tempdir().unwrap();
        let output = plain_command(dir.path()).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", describe(&output));
        let data = dir.path().join("data");
        let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&data), 0o700, "{arguments:?}");
        for file in std::fs::read_dir(&data).unwrap() {
            let file = file.unwrap().path();
            assert_eq!(mode(&file), 0o600, "{arguments:?}: {}", file.display());
        }
        // As versions before made it, which says nothing as long as nobody else passes the folder.
        let open = |path: &std::path::Path, mode| {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
            describe(&plain_command(dir.path()).arg("doctor").output().unwrap())
        };
        let told = open(&data.join("rollcall.db"), 0o644);
        assert!(!told.contains("chmod 600"), "{told}");
        let told = open(&data, 0o755);
        assert!(told.contains("chmod 600") && told.contains("schema up to date"), "{told}");
    }
}

/// What a person enters elsewhere stands beside the result, which is for programs.
#[test]
fn what_is_handed_over_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let output = plain_command(dir.path()).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", describe(&output));
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let url = "Base URL: https://scim.example.com/t/acme/scim/v2\n";
    let public = ["--public-url", "https://scim.example.com/"];
    let with_public = |arguments: &[&str]| run(&[arguments, &public[..]].concat());
    let (result, told) = with_public(&["tenant", "create", "acme"]);
    assert_eq!(result, "acme inactive\n");
    assert!(told.contains(url) && told.contains("next: rollcall tenant activate acme"), "{told}");
    run(&["tenant", "activate", "acme"]);
    let (result, told) = with_public(&["token", "create", "acme", "--name", "Okta"]);
    assert_eq!((result.lines().count(), told.as_str()), (1, url));
    let (result, told) = with_public(&["oauth", "create", "acme", "--name", "Entra"]);
    assert_eq!(result.lines().count(), 2);
    assert_eq!(told, format!("Token Endpoint: https://scim.example.com/oauth/token\n{url}"));
    assert_eq!(run(&["value-set", "list", "acme"]).0, "none\n", "an empty list is no empty frame");
}

#[test]
fn help_and_completions() {
    let dir = tempfile::tempdir().unwrap();
    for arguments in
        [&["--help"][..], &["serve", "--help"], &["tenant", "create", "--help"], &["completions", "bash"]]
    {
        let output = plain_command(dir.path()).args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}");
        assert!(output.stdout.len() > 300, "{arguments:?}");
    }
}

#[test]
fn a_flag_beats_the_environment_beats_the_file() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("rollcall.toml"), "public_url = \"https://file.example\"\n").unwrap();
    let shown = |variable: Option<&str>, flag: Option<&str>| {
        let mut command = plain_command(dir.path());
        command.arg("doctor");
        if let Some(url) = variable {
            command.env("ROLLCALL_PUBLIC_URL", url);
        }
        if let Some(url) = flag {
            command.args(["--public-url", url]);
        }
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    assert!(shown(None, None).contains("https://file.example"));
    assert!(shown(Some("https://env.example"), None).contains("https://env.example"));
    assert!(
        shown(Some("https://env.example"), Some("https://flag.example")).contains("https://flag.example")
    );
    assert!(shown(Some(""), None).contains("https://file.example"), "an empty variable counts as not set");

    // A variable beats a default, too.
    std::fs::remove_file(dir.path().join("rollcall.toml")).unwrap();
    let mut command = plain_command(dir.path());
    let output = command.arg("doctor").env("ROLLCALL_LISTEN", "127.0.0.1:9191").output().unwrap();
    assert!(String::from_utf8(output.stdout).unwrap().contains("http://127.0.0.1:9191"));
}

#[test]
fn the_report_of_user_show_has_its_three_parts() {
    // The shape is a contract: other programs read it.
    let dir = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| plain_command(dir.path()).args(arguments).output().unwrap();
    assert!(run(&["tenant", "create", "acme", "--activate"]).status.success());
    let shown = run(&["user", "show", "acme", "nobody", "--json"]);
    assert!(!shown.status.success());
    assert_eq!(
        shown.stdout,
        b"",
        "nothing but results on stdout: {}",
        json!(String::from_utf8_lossy(&shown.stdout))
    );
}
