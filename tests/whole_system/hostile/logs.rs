//! Whatever stands in paths, headers and bodies, a line of the log stays one line, and says no other id than the server's own.

use std::process::Stdio;

use serde_json::{Value, json};

use super::send;
use crate::harness::{Console, Database, Installation, Server, free_port};

/// Ends a line, begins another that looks like one of ours, and colours it.
const FORGED: &str = "x\r\n{\"timestamp\":\"2026-01-01T00:00:00Z\",\"level\":\"ERROR\",\"message\":\"forged\"}\n2026-01-01T00:00:00Z ERROR forged\u{1b}[31m\u{9b}2J";

/// The log of a server that strangers have sent that to, wherever it fits.
async fn log_as(format: &'static str) -> String {
    let mut installation = Installation::new(Database::Sqlite).await;
    installation.set("ROLLCALL_LOG_FORMAT", Some(format));
    installation.set("ROLLCALL_LOG", Some("debug"));
    let authorization = installation.tenant("acme", "generic");
    let password = installation.run(&["admin", "create", "operator@rollcall.example", "--generate"]);
    let path = installation.dir.path().join("log");
    let port = free_port();
    let log = Stdio::from(std::fs::File::create(&path).unwrap());
    let mut command = installation.command(&["serve", "--listen", &format!("127.0.0.1:{port}")]);
    let server = Server::start_with_log(&mut command, port, log).await;

    let encoded: String = FORGED.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let body = json!({"userName": FORGED, "title": FORGED, "schemas": [FORGED]}).to_string();
    // Raw ends of lines are no header; an escape, a tab and bytes above ASCII can be one.
    let raw = "{\"level\":\"ERROR\",\"message\":\"forged\"}\t\u{9b}2J";
    for method in ["GET", "POST", "PATCH", "DELETE"] {
        for place in [
            "/t/acme/scim/v2/Users",
            "/t/acme/scim/v2/Users/",
            "/t/",
            "/",
            "/console/tenants/",
            "/api/v1/tenants/",
            "/setup/",
        ] {
            let wrong: &[&str] = match (method, place) {
                // Few of these, since who comes often with them is answered later and later.
                ("GET", "/t/acme/scim/v2/Users/" | "/api/v1/tenants/") => {
                    &["Basic eA0KZm9yZ2VkOng=", "Bearer rcl_forged"]
                }
                _ => &[],
            };
            for authorization in [&[&*authorization], wrong].concat() {
                let target = if place.ends_with('/') {
                    format!("{place}{encoded}")
                } else {
                    format!("{place}?filter={encoded}")
                };
                let request = format!(
                    "{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: {authorization}\r\n\
                     User-Agent: {raw}\r\nX-Request-Id: forged {raw}\r\nX-Forwarded-For: {raw}\r\n\
                     traceparent: 00-{raw}-01\r\nContent-Type: application/scim+json\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                );
                let heard = send(&server, request.as_bytes());
                assert!(matches!(heard.statuses()[..], [200..=499]), "{method} {place}: {}", heard.text);
                let (head, _) = heard.text.split_once("\r\n\r\n").unwrap();
                assert!(head.contains("x-request-id: ") && !head.contains("forged"), "{head}");
            }
        }
    }
    let console = Console::sign_in(&server, "operator@rollcall.example", &password).await;
    console
        .post("/console/tenants/acme/tokens", &[("name", FORGED), ("expires", "90d"), ("read", "on")])
        .await;
    Console::new(&server).post("/console/sign-in", &[("email", FORGED), ("password", FORGED)]).await;
    assert!(server.terminate().await.0.success());
    std::fs::read_to_string(path).unwrap()
}

#[tokio::test]
async fn a_line_of_json_stays_one() {
    let log = log_as("json").await;
    for line in log.lines() {
        let entry: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(entry["timestamp"].as_str().is_some_and(|at| !at.starts_with("2026-01-01")), "{line}");
        assert_ne!(entry["message"], "forged", "{line}");
    }
    assert!(log.lines().count() > 100 && !log.contains(['\u{1b}', '\u{9b}']), "{log}");
}

#[tokio::test]
async fn a_line_of_text_stays_one() {
    let log = log_as("text").await;
    for line in log.lines() {
        let begins =
            line.split_whitespace().next().is_some_and(|word| scim_core::timestamp::parse(word).is_some());
        assert!(begins && !line.starts_with("2026-01-01"), "{line}");
    }
    assert!(log.lines().count() > 100 && !log.contains(['\u{1b}', '\u{9b}']), "{log}");
}
