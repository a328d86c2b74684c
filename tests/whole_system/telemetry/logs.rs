//! Log lines are JSON where that is asked for, and a request is found in them by the id that its error names.

use serde_json::Value;

use crate::harness::{Database, Installation, Server, free_port};

#[tokio::test]
async fn an_error_names_the_request_that_the_log_knows() {
    let installation = Installation::new(Database::Sqlite).await;
    installation.tenant("acme", "generic");
    let log = installation.dir.path().join("log");
    let port = free_port();
    let listen = format!("127.0.0.1:{port}");
    let mut command = installation.command(&["serve", "--listen", &listen, "--log-format", "json"]);
    let server =
        Server::start_with_log(&mut command, port, std::fs::File::create(&log).unwrap().into()).await;
    let answer = reqwest::Client::new()
        .get(format!("{}/Users", server.base_url("acme")))
        .bearer_auth("rcl_nonsense")
        .send()
        .await
        .unwrap();
    let id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
    let body: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    let detail = body["detail"].as_str().unwrap();
    assert!(detail.ends_with(&format!("(request id {id})")), "{detail}");
    assert!(server.terminate().await.0.success());

    let text = std::fs::read_to_string(&log).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of_request = |line: &&Value| line["span"]["request_id"] == id.as_str();
    let line = lines.iter().find(of_request).unwrap_or_else(|| panic!("{id} is not in {text}"));
    assert_eq!((&line["message"], &line["level"]), (&"refused".into(), &"INFO".into()), "{line}");
    assert_eq!(line["tenant"], "acme", "{line}");
}
