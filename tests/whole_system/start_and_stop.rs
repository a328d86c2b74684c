//! Starting, refusing to start, and ending in time.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::{Duration, Instant},
};

use sea_orm::{ConnectionTrait as _, Statement, TransactionTrait as _};

use crate::harness::{
    Database, Installation, PATIENCE, Scim, Server, eventually, free_port, on_both_databases,
};

on_both_databases!(
    sigterm_ends_the_server_in_time,
    health_has_a_listener_of_its_own,
    health_is_asked_from_the_command_line,
    what_was_answered_outlives_a_kill,
);

async fn sigterm_ends_the_server_in_time(installation: Installation) {
    installation.run(&["migrate"]);
    let app = ["token", "create", "--platform", "--name", "app", "--scope", "directory:read"];
    let token = installation.run(&app);
    let server = installation.serve().await;
    // Somebody who follows the events.
    let follow = reqwest::Client::new().get(format!("{}/api/v1/events", server.origin)).bearer_auth(token);
    let events = follow.header("Accept", "text/event-stream").send().await.unwrap();
    assert_eq!(events.status(), 200);
    // One idle connection and one that never finishes its request.
    let address = server.origin.trim_start_matches("http://").to_owned();
    let _idle = TcpStream::connect(&address).unwrap();
    let mut slow = TcpStream::connect(&address).unwrap();
    slow.write_all(b"POST /t/acme/scim/v2/Users HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        .unwrap();
    let (status, took) = server.terminate().await;
    assert!(status.success(), "{status}");
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert_eq!(events.text().await.unwrap(), "retry: 1000\n\n", "it was ended, and not broken off");
}

/// Many write at once, and the process ends without a chance to say goodbye.
async fn what_was_answered_outlives_a_kill(installation: Installation) {
    installation.run(&["migrate"]);
    let authorization = installation.tenant("acme", "generic");
    let mut server = installation.serve().await;
    let (base, http) = (server.base_url("acme"), reqwest::Client::new());
    let (made, mut answered) = tokio::sync::mpsc::unbounded_channel();
    let writers: Vec<_> = (0..16)
        .map(|writer| {
            let (base, http, authorization, made) =
                (base.clone(), http.clone(), authorization.clone(), made.clone());
            tokio::spawn(async move {
                for number in 0.. {
                    let user = serde_json::json!({
                        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
                        "userName": format!("u{writer}-{number}"),
                    });
                    let post = http.post(format!("{base}/Users")).header("Authorization", &authorization);
                    let post = post.header("Content-Type", "application/scim+json").body(user.to_string());
                    // The server is gone.
                    let Ok(answer) = post.send().await else { return };
                    assert_eq!(answer.status(), 201);
                    let Ok(user) = answer.json::<serde_json::Value>().await else { return };
                    made.send(user["id"].as_str().unwrap().to_owned()).unwrap();
                }
            })
        })
        .collect();
    drop(made);
    let mut ids = Vec::new();
    while ids.len() < 300 {
        ids.push(answered.recv().await.expect("the writers go on"));
    }
    server.child.kill().unwrap();
    for writer in writers {
        writer.await.unwrap();
    }
    while let Some(id) = answered.recv().await {
        ids.push(id);
    }
    drop(server);

    let server = installation.serve().await;
    for id in ids {
        let get = http.get(format!("{}/Users/{id}", server.base_url("acme")));
        let answer = get.header("Authorization", &authorization).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{id} was answered and is gone");
    }
    let [users, entries, events] = installation.made().await;
    assert_eq!([entries, events], [users, users], "nobody is half there");
}

async fn health_has_a_listener_of_its_own(installation: Installation) {
    let (main, admin) = (free_port(), free_port());
    let arguments =
        ["serve", "--listen", &format!("127.0.0.1:{main}"), "--admin-listen", &format!("127.0.0.1:{admin}")];
    let server = Server::start(&mut installation.command(&arguments), main).await;
    let status = |port: u16, path: &'static str| async move {
        reqwest::get(format!("http://127.0.0.1:{port}{path}"))
            .await
            .map_or(0, |answer| answer.status().as_u16())
    };
    eventually(Duration::from_secs(5), "ready", || async { status(admin, "/readyz").await == 200 }).await;
    assert_eq!(status(admin, "/healthz").await, 200);
    assert_eq!(status(main, "/healthz").await, 404);
    assert_eq!(status(main, "/readyz").await, 404);
    drop(server);
}

/// Asks the server that runs, wherever its settings put `/readyz`, and nothing else.
async fn health_is_asked_from_the_command_line(mut installation: Installation) {
    let (main, admin, nobody) = (free_port(), free_port(), free_port());
    for (name, port) in [("ROLLCALL_LISTEN", main), ("ROLLCALL_ADMIN_LISTEN", admin)] {
        installation.set(name, Some(&format!("0.0.0.0:{port}")));
    }
    installation.set("ROLLCALL_SHUTDOWN_DELAY", Some("10"));
    let told = installation.fault(&["health"]);
    assert!(told.starts_with(&format!("✗ http://127.0.0.1:{admin}/readyz: ")), "{told}");
    let server = Server::start(&mut installation.command(&["serve"]), main).await;
    assert_eq!(installation.run(&["health"]), format!("✓ http://127.0.0.1:{admin}/readyz: ready"));
    let elsewhere = installation.fault(&["health", "--url", &format!("http://127.0.0.1:{main}")]);
    assert!(elsewhere.starts_with(&format!("✗ http://127.0.0.1:{main}/readyz: 404 ")), "{elsewhere}");
    installation.fault(&["health", "--url", &format!("http://127.0.0.1:{nobody}")]);
    let error = installation.refuse(&["health", "--url", "127.0.0.1:8080"]);
    assert!(error.contains("http://HOST:PORT"), "{error}");
    // A proxy for other calls is not asked, and what the server itself has opened stays so.
    let mut command = installation.command(&["health"]);
    command.env("HTTP_PROXY", format!("http://127.0.0.1:{nobody}")).env_remove("ROLLCALL_MASTER_KEY");
    assert!(command.output().unwrap().status.success());
    crate::harness::terminate(&server.child);
    eventually(Duration::from_secs(5), "not ready", || async {
        installation.fault(&["health"]).contains("503 This node is about to stop")
    })
    .await;
    assert_eq!(installation.run(&["health", "--alive"]), format!("✓ http://127.0.0.1:{admin}/healthz: ok"));
    // Without a listener of its own, the main one has it.
    drop(server);
    installation.set("ROLLCALL_ADMIN_LISTEN", None);
    let _server = Server::start(&mut installation.command(&["serve"]), main).await;
    assert_eq!(installation.run(&["health"]), format!("✓ http://127.0.0.1:{main}/readyz: ready"));
}

/// A maintenance connection, and the name of the installation's own database.
async fn beside(installation: &Installation) -> (sea_orm::DatabaseConnection, String) {
    let url = installation.database_url();
    let (server, name) = url.rsplit_once('/').unwrap();
    (sea_orm::Database::connect(format!("{server}/postgres")).await.unwrap(), name.to_owned())
}

/// What a node shows of itself: a metric without labels, and one of a way.
async fn shown(server: &Server, name: &str) -> Option<String> {
    let text = reqwest::get(format!("{}/metrics", server.origin)).await.unwrap().text().await.unwrap();
    text.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned())
}

async fn readyz(server: &Server) -> u16 {
    reqwest::get(format!("{}/readyz", server.origin)).await.unwrap().status().as_u16()
}

/// The node says that it is not ready, and no longer what it knew before.
#[tokio::test]
async fn a_node_tells_that_its_database_is_away() {
    const OLDEST: &str = r#"rollcall_deliveries_oldest_seconds{way="webhook"}"#;
    let installation = Installation::new(Database::Postgres).await;
    installation.run(&["migrate"]);
    let server = installation.serve().await;
    assert_eq!(readyz(&server).await, 200);
    eventually(PATIENCE, "a node that is ready", || async {
        shown(&server, "rollcall_ready").await.as_deref() == Some("1")
            && shown(&server, OLDEST).await.as_deref() == Some("0")
    })
    .await;
    let (db, name) = beside(&installation).await;
    let run = async |sql: String| db.execute_unprepared(&sql).await.unwrap();
    run(format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false")).await;
    run(format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")).await;
    // A short outage is none.
    assert_eq!(readyz(&server).await, 200);
    let away =
        eventually(PATIENCE, "a node that is not ready", || async { readyz(&server).await == 503 }).await;
    assert!(away > Duration::from_secs(3), "{away:?}");
    eventually(PATIENCE * 3, "what is unknown", || async {
        shown(&server, "rollcall_ready").await.as_deref() == Some("0")
            && shown(&server, OLDEST).await.as_deref() == Some("NaN")
    })
    .await;
    run(format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true")).await;
    let back = eventually(PATIENCE, "a node that is ready", || async { readyz(&server).await == 200 }).await;
    assert!(back < Duration::from_secs(4), "{back:?}");
    eventually(PATIENCE, "what is known", || async { shown(&server, OLDEST).await.as_deref() == Some("0") })
        .await;
    db.close().await.unwrap();
}

/// All connections are taken by statements that wait for a lock, and whoever looks is answered all the same.
#[tokio::test]
async fn a_busy_node_is_ready() {
    let mut installation = Installation::new(Database::Postgres).await;
    installation.set("ROLLCALL_MAX_REQUESTS", Some("200"));
    installation.run(&["migrate"]);
    let authorization = installation.tenant("acme", "generic");
    let server = installation.serve().await;
    let db = installation.database().await;
    let lock = db.begin().await.unwrap();
    lock.execute_unprepared("LOCK TABLE users IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let mut asking = tokio::task::JoinSet::new();
    for number in 0..60 {
        let scim = Scim::new(server.base_url("acme"), authorization.clone());
        // In a transaction, and as a statement by itself: these have connections of their own.
        let path = if number % 2 == 0 {
            "/Users?filter=title%20co%20%22nurse%22"
        } else {
            "/Users?filter=userName%20eq%20%22ann%22"
        };
        asking.spawn(async move { scim.get(path).await.0 });
    }
    let waiting = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    eventually(PATIENCE, "a pool without a free connection", || async {
        let statement = Statement::from_string(db.get_database_backend(), waiting);
        let row = db.query_one_raw(statement).await.unwrap().unwrap();
        row.try_get_by_index::<i64>(0).unwrap() >= 16
    })
    .await;
    for _ in 0..8 {
        let began = Instant::now();
        assert_eq!(readyz(&server).await, 200);
        assert!(began.elapsed() < Duration::from_millis(500), "{:?}", began.elapsed());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    lock.rollback().await.unwrap();
    while let Some(status) = asking.join_next().await {
        assert!(matches!(status.unwrap(), 200 | 503));
    }
    db.close().await.unwrap();
}

#[tokio::test]
async fn postgres_needs_a_master_key() {
    let installation = Installation::new(Database::Postgres).await;
    let mut command = installation.command(&["serve"]);
    let output = command.env_remove("ROLLCALL_MASTER_KEY").output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("ROLLCALL_MASTER_KEY"));
}

#[tokio::test]
async fn pending_migrations_are_named() {
    let installation = Installation::new(Database::Postgres).await;
    let error = installation.refuse(&["serve", "--no-migrate"]);
    assert!(error.contains("rollcall migrate"), "{error}");
}

#[tokio::test]
async fn another_master_key_is_explained() {
    let installation = Installation::new(Database::Sqlite).await;
    installation.run(&["tenant", "create", "acme"]);
    let key = installation.dir.path().join("data/master.key");
    // 32 bytes in base64, and not those.
    std::fs::write(&key, format!("{}AQE=", "AQEB".repeat(10))).unwrap();
    let error = installation.refuse(&["tenant", "list"]);
    assert!(error.contains("The master key is not the one"), "{error}");
}

#[tokio::test]
async fn errors_are_scim_on_every_path() {
    let installation = Installation::new(Database::Sqlite).await;
    let server = installation.serve().await;
    for path in ["/nonsense", "/t/acme/scim/v2/Users", "/t/acme/nonsense", "/scim/v2/Users"] {
        let answer = reqwest::get(format!("{}{path}", server.origin)).await.unwrap();
        let status = answer.status().as_u16();
        assert!(matches!(status, 401 | 404), "{path}: {status}");
        let body: serde_json::Value = answer.json().await.unwrap();
        assert_eq!(body["schemas"][0], "urn:ietf:params:scim:api:messages:2.0:Error", "{path}");
        assert_eq!(body["status"], status.to_string(), "{path}");
        assert!(
            body["detail"].as_str().is_some_and(|detail| detail.contains("(request id ")),
            "{path}: {body}"
        );
    }
    // Bytes that are no HTTP get an answer, not a hung connection.
    let mut raw = TcpStream::connect(server.origin.trim_start_matches("http://")).unwrap();
    raw.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    raw.write_all(b"\x16\x03\x01nonsense\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    raw.read_to_end(&mut answer).unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 400"), "{}", String::from_utf8_lossy(&answer));
}
