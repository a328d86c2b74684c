//! The directory of the compose stack: made by its own script, told to Rollcall as it says itself, and written to.

use std::process::{Command, Stdio};

use serde_json::json;

use super::{read, root};
use crate::harness::{Database, Installation, Scim, eventually, free_port, variable};

/// Ends with the test.
struct Running(std::process::Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[tokio::test]
async fn the_directory_of_the_compose_stack_takes_users() {
    let dir = tempfile::tempdir().unwrap();
    let (home, bin, ldaps) = (dir.path().join("directory"), dir.path().join("bin"), free_port());
    for folder in [&home, &bin] {
        std::fs::create_dir(folder).unwrap();
    }
    std::fs::write(dir.path().join("password"), "open-sesame").unwrap();
    for name in ["slapd", "slapadd"] {
        std::os::unix::fs::symlink(variable("ROLLCALL_TEST_SLAPD"), bin.join(name)).unwrap();
    }
    let start = || {
        let mut start = Command::new("sh");
        start.arg(root().join("deploy/compose/ldap/start")).current_dir(&home);
        start.env("PATH", format!("{}:/usr/bin:/bin", bin.display()));
        start.env("DIRECTORY_SHARE", root().join("deploy/compose/ldap"));
        start.env("DIRECTORY_PASSWORD", dir.path().join("password"));
        start.env("DIRECTORY_URLS", format!("ldaps://127.0.0.1:{ldaps}"));
        Running(start.stdin(Stdio::null()).spawn().unwrap())
    };
    let answers = || async {
        let address = (std::net::Ipv4Addr::LOCALHOST, ldaps);
        eventually(crate::harness::PATIENCE, "slapd answers", || async {
            tokio::net::TcpStream::connect(address).await.is_ok()
        })
        .await;
    };
    let first = start();
    answers().await;
    drop(first);
    let destination = read(&home.join("destination.json"));
    let _second = start();
    answers().await;
    assert_eq!(read(&home.join("destination.json")), destination, "what is made is made once");

    let mut installation = Installation::new(Database::Sqlite).await;
    installation.set("ROLLCALL_EGRESS_ALLOW", Some("127.0.0.0/8"));
    let authorization = installation.tenant("epic", "epic-emp");
    installation.run(&["value-set", "set", "epic", "templates", "T100"]);
    let token =
        installation.run(&["token", "create", "--platform", "--name", "compose", "--scope", "admin:write"]);
    let server = installation.serve().await;
    // The service has another name here.
    let destination = destination.replace("ldaps://ldap:1636", &format!("ldaps://127.0.0.1:{ldaps}"));
    let http = reqwest::Client::new();
    let destinations = format!("{}/api/v1/tenants/epic/destinations", server.origin);
    let post = http.post(&destinations).bearer_auth(&token).header("content-type", "application/json");
    let answer = post.body(destination).send().await.unwrap();
    let status = answer.status();
    let made: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(status, 201, "{made}");
    let test =
        format!("{}/api/v1/destinations/{}/test", server.origin, made["destination"]["id"].as_str().unwrap());
    let tested = http.post(test).bearer_auth(&token).send().await.unwrap();
    assert_eq!(tested.status(), 200, "{}", tested.text().await.unwrap());

    let scim = Scim::new(server.base_url("epic"), authorization);
    let user = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": "E1", "displayName": "Ann Lee", "name": {"givenName": "Ann", "familyName": "Lee"},
    });
    scim.create("/Users", user).await;
    // All users have their entry, all entries their user, and nothing differs.
    let is_there = || async {
        installation.command(&["ldap", "reconcile", "epic", "Compose"]).output().unwrap().status.success()
    };
    eventually(crate::harness::PATIENCE, "the user's entry", is_there).await;
    assert!(!read(&home.join("slapd.conf")).contains("open-sesame"));
}
