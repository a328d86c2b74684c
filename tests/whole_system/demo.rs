//! `rollcall demo`: six tenants, no failures, and a manifest with which anyone can go on.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::harness::{PATIENCE, Scim, Server, describe, free_port, plain_command, terminate};

const PROFILES: [&str; 6] = ["generic", "epic-emp", "mdscripts", "clinical-maestro", "eptura-engage", "envi"];

#[test]
fn ends_without_failures() {
    let dir = tempfile::tempdir().unwrap();
    let output = plain_command(dir.path()).args(["demo", "--no-serve"]).output().unwrap();
    assert!(output.status.success(), "{}", describe(&output));
    let table = String::from_utf8(output.stdout).unwrap();
    for profile in PROFILES {
        let row = table.lines().find(|line| line.trim_start().starts_with(profile));
        let row = row.unwrap_or_else(|| panic!("no row for {profile}: {table}"));
        assert!(row.trim_end().ends_with(" 0"), "{row}");
    }
    let features: Vec<&str> = table.lines().filter(|line| line.starts_with("  ✓ ")).collect();
    for (guide, least) in [
        ("Epic EMP guide", 11),
        ("MDScripts guide", 18),
        ("Clinical Maestro guide", 9),
        ("Eptura Engage guide", 11),
        ("Envi guide", 17),
    ] {
        let shown = features.iter().filter(|line| line.contains(guide)).count();
        assert!(shown >= least, "{guide}: {shown} features\n{table}");
    }
    assert!(!table.contains('✗'), "{table}");
    assert!(features.iter().all(|line| line.contains(" check")), "{table}");
}

#[tokio::test]
async fn serves_what_it_wrote_down() {
    let dir = tempfile::tempdir().unwrap();
    let port = free_port();
    let listen = format!("127.0.0.1:{port}");
    let arguments = ["demo", "--listen", &listen, "--data-dir", "fresh", "--json", "out.json"];
    let child = plain_command(dir.path()).args(arguments).stdout(Stdio::piped()).spawn().unwrap();
    let mut server = Server { child, origin: format!("http://{listen}") };
    let manifest = dir.path().join("out.json");
    let started = Instant::now();
    while !manifest.exists() {
        assert!(started.elapsed() < 4 * PATIENCE, "no manifest");
        assert_eq!(server.child.try_wait().unwrap(), None, "the demo ended");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    let manifest: Value = serde_json::from_str(&std::fs::read_to_string(manifest).unwrap()).unwrap();
    let tenants = manifest["tenants"].as_array().unwrap();
    assert_eq!(tenants.len(), PROFILES.len());
    for tenant in tenants {
        let text = |key: &str| tenant[key].as_str().unwrap();
        let scim = Scim::new(text("base_url"), text("authorization"));
        let (status, list) = scim.get("/Users?startIndex=1&count=2").await;
        assert_eq!(status, 200, "{}", text("slug"));
        assert!(list["totalResults"].as_u64().unwrap() > 0, "{list}");
    }
    let console = reqwest::get(manifest["console"].as_str().unwrap()).await.unwrap();
    assert!(console.text().await.unwrap().contains("Sign in"));

    // A folder that holds something is refused.
    let again =
        plain_command(dir.path()).args(["demo", "--no-serve", "--data-dir", "fresh"]).output().unwrap();
    assert!(!again.status.success());
    assert!(String::from_utf8_lossy(&again.stderr).contains("not empty"));

    terminate(&server.child);
    let status = server.child.wait().unwrap();
    assert!(status.success(), "{status}");
    let mut stdout = String::new();
    std::io::Read::read_to_string(&mut server.child.stdout.take().unwrap(), &mut stdout).unwrap();
    assert!(stdout.contains("Password"), "{stdout}");
}
