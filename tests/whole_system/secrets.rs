//! No secret lies about: everything that an installation keeps, logs at its most talkative, exports as traces and prints
//! about itself is searched for every secret that was made or sent meanwhile.

use std::{
    path::PathBuf,
    process::{Output, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::Bytes, routing::post};
use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD},
};
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::json;

use crate::{
    api::program,
    harness::{
        Console, Installation, PATIENCE, Scim, Server, basic_header, describe, eventually, free_port,
        on_both_databases,
    },
    oauth,
};

on_both_databases!(nothing_keeps_a_secret);

/// What somebody who found it could use, and what to call it.
#[derive(Default)]
struct Secrets(Vec<(&'static str, String)>);

impl Secrets {
    fn add(&mut self, name: &'static str, secret: &str) {
        assert!(secret.len() >= 8, "{name} is too short to be searched for");
        self.0.push((name, secret.to_owned()));
    }

    /// A token, and its signature, without which nothing else of it is of use.
    fn token(&mut self, name: &'static str, token: &str) {
        self.add(name, token.strip_prefix("rcl_").unwrap());
        self.add("the signature of a token", token.rsplit('.').next().unwrap());
    }

    /// A password, and the header that carries it.
    fn basic(&mut self, name: &'static str, username: &str, password: &str) {
        self.add(name, password);
        let header = basic_header(username, password);
        self.add(name, header.strip_prefix("Basic ").unwrap().trim_end_matches('='));
    }

    /// Fails when a secret stands somewhere, as it is or encoded.
    fn search(&self, place: &str, content: &[u8]) {
        for (name, secret) in &self.0 {
            let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
            let forms = [
                secret.clone(),
                BASE64_STANDARD_NO_PAD.encode(secret),
                BASE64_URL_SAFE_NO_PAD.encode(secret),
                hex.to_uppercase(),
                hex,
            ];
            for form in forms {
                if let Some(at) = content.windows(form.len()).position(|part| part == form.as_bytes()) {
                    let around = &content[at.saturating_sub(300)..(at + form.len() + 100).min(content.len())];
                    panic!("{name} stands in {place}: …{}…", String::from_utf8_lossy(around));
                }
            }
        }
    }
}

/// One installation whose every word is kept.
struct Talkative {
    installation: Installation,
    secrets: Secrets,
    /// stderr of all commands.
    logs: Vec<u8>,
}

impl Talkative {
    fn output(&mut self, arguments: &[&str]) -> Output {
        let mut command = self.installation.command(arguments);
        let output = command.env("ROLLCALL_LOG", "trace").output().unwrap();
        self.logs.extend_from_slice(&output.stderr);
        output
    }

    /// Runs a command that makes a secret; gives its stdout.
    fn make(&mut self, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        assert!(output.status.success(), "rollcall {arguments:?} failed: {}", describe(&output));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// Runs a command that has no secret to tell.
    fn look(&mut self, arguments: &[&str]) {
        let output = self.output(arguments);
        assert!(!output.stdout.is_empty() || !output.stderr.is_empty(), "{arguments:?} says nothing");
        self.secrets.search(&format!("rollcall {arguments:?}"), &output.stdout);
    }
}

/// Gathers what is exported as traces.
async fn collector() -> (String, Arc<Mutex<Vec<u8>>>) {
    let received = Arc::new(Mutex::new(Vec::new()));
    let kept = received.clone();
    let take = post(move |body: Bytes| async move {
        kept.lock().unwrap().extend_from_slice(&body);
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(
        async move { axum::serve(listener, Router::new().route("/v1/traces", take)).await.unwrap() },
    );
    (endpoint, received)
}

async fn nothing_keeps_a_secret(installation: Installation) {
    let mut here = Talkative { installation, secrets: Secrets::default(), logs: Vec::new() };
    let log: PathBuf = here.installation.dir.path().join("server.log");
    let (endpoint, traces) = collector().await;
    let port = free_port();
    let listen = format!("127.0.0.1:{port}");
    let arguments = ["serve", "--listen", &listen, "--log", "trace", "--otlp-endpoint", &endpoint];
    let mut command = here.installation.command(&arguments);
    let file = std::fs::File::create(&log).unwrap();
    let server = Server::start_with_log(&mut command, port, Stdio::from(file)).await;

    use_every_credential(&mut here, &server).await;
    use_an_oauth_client(&mut here, &server).await;
    use_a_setup_link(&mut here, &server).await;

    here.secrets.add("the master key", here.installation.master_key().trim_end_matches('='));
    for arguments in [
        &["--help"][..],
        &["serve", "--help"],
        &["doctor"],
        &["key", "list", "--json"],
        &["token", "list", "--platform", "--json"],
        &["token", "refusals", "acme", "--json"],
        &["token", "refusals"],
        &["token", "list", "acme"],
        &["token", "list", "acme", "--json"],
        &["basic", "list", "acme", "--json"],
        &["oauth", "list", "acme"],
        &["oauth", "list", "acme", "--json"],
        &["admin", "list", "--json"],
        &["tenant", "list", "--json"],
        &["user", "show", "acme", "ann@example.com", "--json"],
        &["export", "acme"],
    ] {
        here.look(arguments);
    }
    let exported = || async { !traces.lock().unwrap().is_empty() };
    eventually(PATIENCE, "a trace", exported).await;
    let (status, _) = server.terminate().await;
    assert!(status.success());

    let log = std::fs::read(&log).unwrap();
    let talk = String::from_utf8_lossy(&log);
    assert!(talk.contains("TRACE") && talk.contains("DEBUG"), "a talkative log");
    here.secrets.search("the server's log", &log);
    here.secrets.search("the logs of commands", &here.logs);
    here.secrets.search("the exported traces", &traces.lock().unwrap());
    let kept = dump(&here.installation).await;
    for (place, content) in &kept {
        here.secrets.search(place, content);
    }
    // What is no secret is found, so what is not found is not there.
    let holds = |content: &[u8], text: &str| content.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(holds(&log, "GET") && kept.iter().any(|(_, content)| holds(content, "okta@acme")));
}

/// Makes one of each kind, uses it rightly and wrongly.
async fn use_every_credential(here: &mut Talkative, server: &Server) {
    here.make(&["tenant", "create", "acme", "--activate"]);
    let token = here.make(&["token", "create", "acme", "--name", "Okta"]);
    let rotated = here.make(&["token", "rotate", "acme", "Okta", "--grace", "1h"]);
    let password = here.make(&["basic", "create", "acme", "--username", "okta@acme"]);
    let admin = here.make(&["admin", "create", "operator@rollcall.example", "--generate"]);
    here.secrets.token("a token", &token);
    here.secrets.token("a rotated token", &rotated);
    here.secrets.basic("a Basic password", "okta@acme", &password);
    here.secrets.basic("a wrong password", "okta@acme", "wr0ng-but-perhaps-right-elsewhere");
    here.secrets.add("a password of the console", &admin);
    here.secrets.add("a wrong password of the console", "mistyped-0perat0r");
    here.secrets.add("a user's password", "user-passw0rd-of-ann");

    let headers = [
        format!("Bearer {token}"),
        rotated.clone(),
        format!("Bearer Bearer {rotated}"),
        basic_header("okta@acme", &password),
    ];
    for (number, header) in headers.iter().enumerate() {
        let scim = Scim::new(server.base_url("acme"), header);
        eventually(PATIENCE, "let in", || async { scim.get("/Users").await.0 == 200 }).await;
        let name =
            if number == 0 { "ann@example.com".to_owned() } else { format!("user{number}@example.com") };
        let user = json!({"userName": name, "password": "user-passw0rd-of-ann"});
        let id = scim.create("/Users", user).await;
        let change = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [
            {"op": "replace", "path": "password", "value": "user-passw0rd-of-ann"}
        ]});
        let changed = scim.send("PATCH", &format!("/Users/{id}"), Some(change)).await;
        assert!(matches!(changed.0, 200 | 204), "{changed:?}");
    }
    // With another character in the middle of the signature it is no token, but most of one.
    let mut cut = token.clone();
    cut.truncate(token.len() - 4);
    let wrong = [
        format!("Bearer {cut}"),
        format!("Bearer {token} {token}"),
        format!("Digest {token}"),
        basic_header("okta@acme", "wr0ng-but-perhaps-right-elsewhere"),
        basic_header("nobody@acme", &password),
        format!("Basic {token}"),
    ];
    for header in wrong {
        assert_eq!(Scim::new(server.base_url("acme"), header).get("/Users").await.0, 401);
    }
    let elsewhere = Scim::new(server.base_url("beta"), format!("Bearer {token}"));
    assert_eq!(elsewhere.get("/Users").await.0, 401);

    let platform = here.make(&["token", "create", "--platform", "--name", "Vendor"]);
    here.secrets.token("a token of the installation", &platform);
    let vendor = program(server, &platform);
    eventually(PATIENCE, "let in", || async { vendor.get("/tenants").await.0 == 200 }).await;
    let new = json!({"name": "made by API"});
    let (status, made) = vendor.send("POST", "/tenants/acme/credentials/tokens", Some(new)).await;
    assert_eq!(status, 201, "{made}");
    here.secrets.token("a token of the API", made["token"].as_str().unwrap());
    let stranger = Scim::new(server.base_url("acme"), format!("Bearer {platform}"));
    assert_eq!(stranger.get("/Users").await.0, 401, "it is no tenant's");

    let mistyped = Console::new(server);
    let fields = [("email", "operator@rollcall.example"), ("password", "mistyped-0perat0r")];
    assert!(!mistyped.post("/console/sign-in", &fields).await.status().is_redirection());
    let console = Console::sign_in(server, "operator@rollcall.example", &admin).await;
    here.secrets.add("a session cookie", console.cookie.rsplit('=').next().unwrap());
    let fields = [("name", "made in the console"), ("read", "on"), ("write", "on"), ("expires", "1y")];
    let page = console.post("/console/tenants/acme/tokens", &fields).await.text().await.unwrap();
    let at = page.find("rcl_").expect("a token on the page");
    let made =
        page[at..].split(|ch: char| !(ch.is_ascii_alphanumeric() || "._-".contains(ch))).next().unwrap();
    here.secrets.token("a token of the console", made);
    let scim = Scim::new(server.base_url("acme"), format!("Bearer {made}"));
    assert_eq!(scim.get("/Users").await.0, 200);
    here.make(&["token", "revoke", "acme", "made in the console"]);
    eventually(Duration::from_secs(1), "revoked", || async { scim.get("/Users").await.0 == 401 }).await;
}

/// A client that signs in both ways, rightly and wrongly, and gives a token back.
async fn use_an_oauth_client(here: &mut Talkative, server: &Server) {
    let (id, secret) = oauth::read(&here.make(&["oauth", "create", "acme", "--name", "Entra"]));
    here.secrets.basic("a client's secret", &id, &secret);
    let wrong = "rcs_wr0ng-but-perhaps-right-elsewhere";
    here.secrets.basic("a wrong client's secret", &id, wrong);
    let ask = async |secret: &str, basic: bool| {
        let header = basic.then(|| basic_header(&id, secret));
        let body = [oauth::GRANT, ("client_id", id.as_str()), ("client_secret", secret)];
        oauth::post(server, "/oauth/token", header, if basic { &body[..1] } else { &body }).await
    };
    eventually(PATIENCE, "a new client", || async { ask(&secret, true).await.0 == 200 }).await;
    for basic in [true, false] {
        let (_, answer) = ask(&secret, basic).await;
        let token = answer["access_token"].as_str().unwrap();
        here.secrets.token("an access token", token);
        let scim = Scim::new(server.base_url("acme"), format!("Bearer {token}"));
        assert_eq!(scim.get("/Users").await.0, 200);
        let header = Some(basic_header(&id, &secret));
        assert_eq!(oauth::post(server, "/oauth/revoke", header, &[("token", token)]).await.0, 200);
        assert_eq!(scim.get("/Users").await.0, 401);
        assert_eq!(ask(wrong, basic).await.0, 401);
    }
    // In the wrong field it is a secret still.
    let body = [oauth::GRANT, ("client_id", secret.as_str()), ("client_secret", id.as_str())];
    assert_eq!(oauth::post(server, "/oauth/token", None, &body).await.0, 401);
}

/// A link that is looked at, opened and used, and a wrong one; its secret stands in the address of a request.
async fn use_a_setup_link(here: &mut Talkative, server: &Server) {
    let password = here.make(&["admin", "create", "setup@rollcall.example", "--generate"]);
    let console = Console::sign_in(server, "setup@rollcall.example", &password).await;
    let made = console.post("/console/tenants/acme/setup/links", &[("note", "Ines")]).await;
    let page = made.text().await.unwrap();
    let secret = page.split("/setup/").find(|rest| rest.find('<') == Some(43)).expect("a link on the page");
    let secret = &secret[..43];
    here.secrets.add("the secret of a setup link", secret);
    let mut guest = Console::new(server);
    assert_eq!(guest.get(&format!("/setup/{secret}")).await.status(), 200);
    let wrong: String = secret.chars().rev().collect();
    here.secrets.add("a wrong setup link", &wrong);
    assert_eq!(guest.get(&format!("/setup/{wrong}")).await.status(), 410);
    assert_eq!(guest.post(&format!("/setup/{wrong}"), &[]).await.status(), 410);
    let opened = guest.post(&format!("/setup/{secret}"), &[]).await;
    let cookie = opened.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap();
    cookie.clone_into(&mut guest.cookie);
    here.secrets.add("the session of a setup link", cookie.rsplit('=').next().unwrap());
    let page = guest.post("/setup/token", &[("expires", "1y")]).await.text().await.unwrap();
    let at = page.find("rcl_").expect("a token on the page");
    let made =
        page[at..].split(|ch: char| !(ch.is_ascii_alphanumeric() || "._-".contains(ch))).next().unwrap();
    here.secrets.token("a token of a setup link", made);
    let scim = Scim::new(server.base_url("acme"), format!("Bearer {made}"));
    assert_eq!(scim.get("/Users").await.0, 200);
}

/// Everything that is kept: each row of each table as text; on SQLite the bytes of the files as well.
async fn dump(installation: &Installation) -> Vec<(String, Vec<u8>)> {
    let db = installation.database().await;
    let backend = db.get_database_backend();
    let text = |sql: String| Statement::from_string(backend, sql);
    let mut found = Vec::new();
    if installation.is_sqlite() {
        let folder = installation.dir.path().join("data");
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            // The one place where the master key may be.
            if !path.ends_with("master.key") {
                found.push((path.display().to_string(), std::fs::read(&path).unwrap()));
            }
        }
        assert!(found.iter().any(|(path, _)| path.ends_with("rollcall.db")));
        return found;
    }
    let tables = "SELECT quote_ident(table_schema) || '.' || quote_ident(table_name) FROM information_schema.tables \
                  WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')";
    for row in db.query_all_raw(text(tables.to_owned())).await.unwrap() {
        let table: String = row.try_get_by_index(0).unwrap();
        let rows = db.query_all_raw(text(format!("SELECT to_jsonb(t)::text FROM {table} t"))).await.unwrap();
        let rows: Vec<String> = rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
        found.push((table, rows.join("\n").into_bytes()));
    }
    let kept = |name: &str| found.iter().any(|(table, rows)| table.ends_with(name) && !rows.is_empty());
    assert!(kept(".credentials") && kept(".users") && kept(".admins") && kept(".signing_keys"));
    found
}
