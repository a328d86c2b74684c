//! One installation for each test: its own folder or database, its own server on a free port.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, ExitStatus, Output, Stdio},
    time::{Duration, Instant},
};

use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::Value;
use tempfile::TempDir;

/// Longest wait for anything that should happen at once.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Which database an installation uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Database {
    Sqlite,
    Postgres,
}

/// Makes one test for each database from `async fn name(installation: Installation)`.
macro_rules! on_both_databases {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[tokio::test]
            async fn sqlite() {
                let installation = crate::harness::Installation::new(crate::harness::Database::Sqlite).await;
                super::$name(installation).await;
            }

            #[tokio::test]
            async fn postgres() {
                let installation = crate::harness::Installation::new(crate::harness::Database::Postgres).await;
                super::$name(installation).await;
            }
        }
    )+};
}
pub(crate) use on_both_databases;

/// A variable that `tests/run` sets.
pub(crate) fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: start these tests with tests/run"))
}

/// A folder and settings of its own.
pub(crate) struct Installation {
    pub(crate) dir: TempDir,
    settings: Vec<(&'static str, String)>,
}

impl Installation {
    pub(crate) async fn new(database: Database) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = vec![("ROLLCALL_DATA_DIR", dir.path().join("data").display().to_string())];
        if database == Database::Postgres {
            use base64::{Engine as _, prelude::BASE64_STANDARD};
            settings.push(("ROLLCALL_DATABASE_URL", create_database().await));
            settings.push(("ROLLCALL_MASTER_KEY", BASE64_STANDARD.encode([7_u8; 32])));
            settings.push(("ROLLCALL_REDIS_URL", variable("ROLLCALL_TEST_REDIS_URL")));
        }
        Self { dir, settings }
    }

    /// Sets a variable for everything that starts from now on, or takes it away.
    pub(crate) fn set(&mut self, name: &'static str, value: Option<&str>) {
        self.settings.retain(|(other, _)| *other != name);
        self.settings.extend(value.map(|value| (name, value.to_owned())));
    }

    /// A connection to its database past the program.
    pub(crate) async fn database(&self) -> sea_orm::DatabaseConnection {
        let of_settings = self.settings.iter().find(|(name, _)| *name == "ROLLCALL_DATABASE_URL");
        let embedded = || format!("sqlite://{}", self.dir.path().join("data/rollcall.db").display());
        let url = of_settings.map_or_else(embedded, |(_, url)| url.clone());
        sea_orm::Database::connect(&url).await.unwrap()
    }

    /// Users of the one tenant, entries that say that one was made, and events that do.
    pub(crate) async fn made(&self) -> [i64; 3] {
        let database = self.database().await;
        let mut counts = [0; 3];
        let tables = ["users", "audit WHERE event = 'user.created'", "outbox WHERE event = 'user.created'"];
        for (count, table) in counts.iter_mut().zip(tables) {
            let sql = format!("SELECT COUNT(*) FROM {table}");
            let statement = Statement::from_string(database.get_database_backend(), sql);
            let row = database.query_one_raw(statement).await.unwrap().unwrap();
            *count = row.try_get_by_index(0).unwrap();
        }
        database.close().await.unwrap();
        counts
    }

    /// The program with this installation's settings and nothing else from the environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = plain_command(self.dir.path());
        command.envs(self.settings.iter().map(|(name, value)| (name, value))).args(arguments);
        command
    }

    /// Where its rows are; on SQLite once the first command has run.
    pub(crate) fn database_url(&self) -> String {
        let set = self.settings.iter().find(|(name, _)| *name == "ROLLCALL_DATABASE_URL");
        let embedded = || format!("sqlite://{}", self.dir.path().join("data/rollcall.db").display());
        set.map_or_else(embedded, |(_, url)| url.clone())
    }

    /// Its master key, base64; on SQLite once the first command has run.
    pub(crate) fn master_key(&self) -> String {
        let set = self.settings.iter().find(|(name, _)| *name == "ROLLCALL_MASTER_KEY");
        let file =
            || std::fs::read_to_string(self.dir.path().join("data/master.key")).unwrap().trim().to_owned();
        set.map_or_else(file, |(_, key)| key.clone())
    }

    /// Is its database embedded?
    pub(crate) fn is_sqlite(&self) -> bool {
        self.database_url().starts_with("sqlite:")
    }

    /// Runs a command to its end; one that does not come to it is killed, so that its test names it.
    fn finish(&self, arguments: &[&str]) -> Output {
        let mut command = self.command(arguments);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let id = child.id().to_string();
        let (done, ended) = std::sync::mpsc::channel::<()>();
        let watch = std::thread::spawn(move || {
            let late = ended.recv_timeout(PATIENCE) == Err(std::sync::mpsc::RecvTimeoutError::Timeout);
            late && Command::new("kill").args(["-KILL", &id]).status().is_ok()
        });
        let output = child.wait_with_output().unwrap();
        drop(done);
        assert!(!watch.join().unwrap(), "rollcall {arguments:?} does not end: {}", describe(&output));
        output
    }

    /// Runs a command that must succeed; gives its stdout.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let output = self.finish(arguments);
        assert!(output.status.success(), "rollcall {arguments:?} failed: {}", describe(&output));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// Runs a command that may take as long as it needs; it must succeed.
    pub(crate) fn run_long(&self, arguments: &[&str]) {
        let output = self.command(arguments).output().unwrap();
        assert!(output.status.success(), "rollcall {arguments:?} failed: {}", describe(&output));
    }

    /// Runs a command that must fail; gives its stderr.
    pub(crate) fn refuse(&self, arguments: &[&str]) -> String {
        let output = self.finish(arguments);
        assert!(!output.status.success(), "rollcall {arguments:?} succeeded: {}", describe(&output));
        String::from_utf8(output.stderr).unwrap()
    }

    /// Runs a command that must find a fault; gives its stdout.
    pub(crate) fn fault(&self, arguments: &[&str]) -> String {
        let output = self.finish(arguments);
        assert!(!output.status.success(), "rollcall {arguments:?} finds no fault: {}", describe(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a command that prints JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.run(arguments)).unwrap()
    }

    /// Starts the server and waits until it answers.
    pub(crate) async fn serve(&self) -> Server {
        self.serve_with(&[]).await
    }

    /// The same with further arguments.
    pub(crate) async fn serve_with(&self, more: &[&str]) -> Server {
        let port = free_port();
        let listen = format!("127.0.0.1:{port}");
        let mut command = self.command(&[&["serve", "--listen", &listen], more].concat());
        Server::start(&mut command, port).await
    }

    /// An active tenant with a credential of the kind that its product takes; gives the Authorization header.
    pub(crate) fn tenant(&self, slug: &str, profile: &str) -> String {
        self.run(&["tenant", "create", slug, "--profile", profile, "--activate"]);
        if profile == "clinical-maestro" {
            let username = format!("okta@{slug}");
            let password = self.run(&["basic", "create", slug, "--username", &username]);
            return basic_header(&username, &password);
        }
        format!("Bearer {}", self.run(&["token", "create", slug, "--name", "Okta", "--expires-in", "10y"]))
    }
}

/// `Authorization` of a user name and a password (RFC 7617).
pub(crate) fn basic_header(username: &str, password: &str) -> String {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    format!("Basic {}", BASE64_STANDARD.encode(format!("{username}:{password}")))
}

/// The program without any settings.
pub(crate) fn plain_command(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rollcall"));
    for (name, _) in std::env::vars() {
        if name.starts_with("ROLLCALL_") {
            command.env_remove(name);
        }
    }
    command.current_dir(dir).stdin(Stdio::null());
    command
}

pub(crate) fn describe(output: &Output) -> String {
    format!(
        "{}\nstdout: {}\nstderr: {}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

async fn create_database() -> String {
    let maintenance = variable("ROLLCALL_TEST_POSTGRES_URL");
    let name = format!("whole_{:016x}", rand::random::<u64>());
    let connection = sea_orm::Database::connect(&maintenance).await.unwrap();
    connection.execute_unprepared(&format!("CREATE DATABASE {name}")).await.unwrap();
    connection.close().await.unwrap();
    let (server, _) = maintenance.rsplit_once('/').unwrap();
    format!("{server}/{name}")
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// A running server; killed when dropped.
pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) origin: String,
}

impl Server {
    pub(crate) async fn start(command: &mut Command, port: u16) -> Self {
        Self::start_with_log(command, port, Stdio::inherit()).await
    }

    /// The same with its log elsewhere.
    pub(crate) async fn start_with_log(command: &mut Command, port: u16, log: Stdio) -> Self {
        let child = command.stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let mut server = Self { child, origin: format!("http://127.0.0.1:{port}") };
        let health = format!("{}/healthz", server.origin);
        let started = Instant::now();
        while reqwest::get(&health).await.is_err() {
            assert!(started.elapsed() < PATIENCE, "the server does not answer");
            assert_eq!(server.child.try_wait().unwrap(), None, "the server ended");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        server
    }

    /// `/t/{slug}/scim/v2` on this server.
    pub(crate) fn base_url(&self, slug: &str) -> String {
        format!("{}/t/{slug}/scim/v2", self.origin)
    }

    /// Sends SIGTERM and waits; gives how it ended and how long that took.
    pub(crate) async fn terminate(mut self) -> (ExitStatus, Duration) {
        let asked = Instant::now();
        terminate(&self.child);
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status, asked.elapsed());
            }
            assert!(asked.elapsed() < PATIENCE, "the server does not end");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Asks a process to end.
pub(crate) fn terminate(child: &Child) {
    assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Somebody at the console without a browser; follows no redirects.
pub(crate) struct Console {
    http: reqwest::Client,
    origin: String,
    /// `name=value` of the session.
    pub(crate) cookie: String,
}

impl Console {
    /// Somebody who has not signed in.
    pub(crate) fn new(server: &Server) -> Self {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(PATIENCE);
        Self { http: http.build().unwrap(), origin: server.origin.clone(), cookie: String::new() }
    }

    pub(crate) async fn sign_in(server: &Server, email: &str, password: &str) -> Self {
        let mut console = Self::new(server);
        let answer = console.post("/console/sign-in", &[("email", email), ("password", password)]).await;
        let cookie = answer.headers()["set-cookie"].to_str().unwrap();
        cookie.split(';').next().unwrap().clone_into(&mut console.cookie);
        console
    }

    pub(crate) async fn get(&self, path: &str) -> reqwest::Response {
        let request = self.http.get(format!("{}{path}", self.origin)).header("cookie", &self.cookie);
        request.send().await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> reqwest::Response {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields);
        let request = self.http.post(format!("{}{path}", self.origin));
        let request = request
            .header("content-type", "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin")
            .header("cookie", &self.cookie);
        request.body(form.finish()).send().await.unwrap()
    }

    /// Sends a file as a form does (RFC 7578), in the field `file`.
    pub(crate) async fn upload(&self, path: &str, file: &str) -> reqwest::Response {
        let head = "Content-Disposition: form-data; name=\"file\"; filename=\"people.csv\"";
        let request = self.http.post(format!("{}{path}", self.origin));
        let request = request
            .header("content-type", "multipart/form-data; boundary=limit")
            .header("sec-fetch-site", "same-origin")
            .header("cookie", &self.cookie);
        request.body(format!("--limit\r\n{head}\r\n\r\n{file}\r\n--limit--\r\n")).send().await.unwrap()
    }
}

/// A SCIM client with one credential.
pub(crate) struct Scim {
    http: reqwest::Client,
    base_url: String,
    authorization: String,
}

impl Scim {
    pub(crate) fn new(base_url: impl Into<String>, authorization: impl Into<String>) -> Self {
        let base_url = base_url.into();
        let url = url::Url::parse(&base_url).unwrap();
        // Whatever the host is called, the server is here.
        let here = SocketAddr::from((Ipv4Addr::LOCALHOST, url.port_or_known_default().unwrap()));
        let http = reqwest::Client::builder()
            .resolve(url.host_str().unwrap(), here)
            .timeout(PATIENCE)
            .build()
            .unwrap();
        Self { http, base_url, authorization: authorization.into() }
    }

    /// Sends a request; gives status and body (`Null` when empty).
    pub(crate) async fn send(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let mut request = self
            .http
            .request(method.parse().unwrap(), format!("{}{path}", self.base_url))
            .header("authorization", &self.authorization);
        if let Some(body) = body {
            request = request.header("content-type", "application/scim+json").body(body.to_string());
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        let body = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() };
        (status, body)
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        self.send("GET", path, None).await
    }

    /// Creates a resource that must be accepted; gives its id.
    pub(crate) async fn create(&self, path: &str, body: Value) -> String {
        let (status, answer) = self.send("POST", path, Some(body)).await;
        assert_eq!(status, 201, "{answer}");
        answer["id"].as_str().unwrap().to_owned()
    }
}

/// Waits until a condition holds, at most `limit`; gives how long it took.
pub(crate) async fn eventually<F>(limit: Duration, what: &str, mut condition: impl FnMut() -> F) -> Duration
where
    F: Future<Output = bool>,
{
    let started = Instant::now();
    while !condition().await {
        assert!(started.elapsed() < limit, "{what}: not within {limit:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    started.elapsed()
}
