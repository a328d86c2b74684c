//! The examples of `docs/examples`, run as they stand there against a server.

use std::{
    path::{Path, PathBuf},
    process::{Output, Stdio},
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

use crate::{
    api::program,
    directory::{Provider, reader_token},
    harness::{Database, Installation, PATIENCE, Server, describe, eventually, free_port, variable},
};

/// What the examples are told by their environment.
struct Settings {
    origin: String,
    token: String,
    /// Where the TypeScript ones are built.
    built: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Language {
    Shell,
    Python,
    TypeScript,
}

impl Settings {
    async fn new(installation: &Installation, server: &Server) -> Self {
        let token = reader_token(installation, server).await;
        Self { origin: server.origin.clone(), token, built: PathBuf::new() }
    }

    /// Checks the types of the TypeScript ones, too.
    async fn with_typescript(self, dir: &Path) -> Self {
        let folder = dir.join("typescript");
        std::fs::create_dir(&folder).unwrap();
        for entry in std::fs::read_dir(examples().join("typescript")).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                std::fs::copy(&path, folder.join(path.file_name().unwrap())).unwrap();
            }
        }
        let modules = PathBuf::from(variable("ROLLCALL_TEST_EXAMPLES_NODE")).join("node_modules");
        std::os::unix::fs::symlink(&modules, folder.join("node_modules")).unwrap();
        let mut compiler = Command::new("node");
        compiler.arg(modules.join("typescript/bin/tsc")).current_dir(&folder);
        succeeds(&compiler.output().await.unwrap());
        Self { built: folder.join("built"), ..self }
    }

    fn command(&self, language: Language, name: &str) -> Command {
        let mut command = match language {
            Language::Shell => Command::new(examples().join(format!("curl/{name}.sh"))),
            Language::Python => {
                let mut python = Command::new(variable("ROLLCALL_TEST_EXAMPLES_PYTHON"));
                python.arg(examples().join(format!("python/{}.py", name.replace('-', "_"))));
                python
            }
            Language::TypeScript => {
                let mut node = Command::new("node");
                node.arg(self.built.join(format!("{name}.js")));
                node
            }
        };
        command.envs([("ROLLCALL", &self.origin), ("TOKEN", &self.token)]).env("TENANT", "acme");
        // No folder of compiled files beside the examples.
        command.env("PYTHONDONTWRITEBYTECODE", "1").kill_on_drop(true).stdin(Stdio::null());
        command
    }
}

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/examples")
}

#[track_caller]
fn succeeds(output: &Output) -> String {
    assert!(output.status.success(), "{}", describe(output));
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// One that runs until it is stopped.
struct Running {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Running {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = Arc::<Mutex<Vec<String>>>::default();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        let kept = lines.clone();
        tokio::spawn(async move {
            while let Ok(Some(line)) = said.next_line().await {
                kept.lock().unwrap().push(line);
            }
        });
        Self { child, lines }
    }

    fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    async fn says(&self, what: &str) {
        eventually(PATIENCE, what, || async { self.lines().iter().any(|line| line.contains(what)) }).await;
    }

    async fn stop(mut self) {
        self.child.kill().await.unwrap();
    }
}

#[tokio::test]
async fn sign_in() {
    let installation = Installation::new(Database::Sqlite).await;
    let server = installation.serve().await;
    let okta = Provider::of(&installation, &server);
    let ada = okta.user("ada+1@envi.example").await;
    let bo = okta.user("bo@envi.example").await;
    okta.group("Envi_Manager", &[&ada]).await;
    okta.active(&bo, false).await;
    let settings = Settings::new(&installation, &server).await.with_typescript(installation.dir.path()).await;

    let run = async |language, key: &str, value: &str| {
        settings.command(language, "sign-in").args([key, value]).output().await.unwrap()
    };
    for language in [Language::Python, Language::TypeScript] {
        for (key, value) in [
            ("userName", "ADA+1@envi.example"),
            ("email", "ada+1@envi.example"),
            ("externalId", "ext-ada+1@envi.example"),
        ] {
            let said = succeeds(&run(language, key, value).await);
            assert_eq!(
                said, "ada+1@envi.example may enter\n  as Manager, by the group Envi_Manager\n",
                "{language:?} {key}"
            );
        }
        for (name, expected) in
            [("bo@envi.example", "bo@envi.example is deactivated\n"), ("nobody", "nobody\n")]
        {
            let output = run(language, "userName", name).await;
            assert_eq!(output.status.code(), Some(1), "{}", describe(&output));
            assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{language:?}");
        }
    }
    let said: Value =
        serde_json::from_str(&succeeds(&run(Language::Shell, "email", "ada+1@envi.example").await)).unwrap();
    assert_eq!(
        (&said["items"][0]["user"]["id"], &said["items"][0]["roles"][0]["role"]),
        (&json!(ada), &json!("Manager"))
    );
    let said: Value =
        serde_json::from_str(&succeeds(&run(Language::Shell, "userName", "nobody").await)).unwrap();
    assert_eq!(said["items"], json!([]));
    assert!(!run(Language::Shell, "nonsense", "x").await.status.success());
}

#[tokio::test]
async fn follow() {
    let installation = Installation::new(Database::Sqlite).await;
    let server = installation.serve().await;
    let okta = Provider::of(&installation, &server);
    let ada = okta.user("ada@envi.example").await;
    let group = okta.group("Envi_Manager", &[&ada]).await;
    let settings = Settings::new(&installation, &server).await.with_typescript(installation.dir.path()).await;
    let languages = [Language::Python, Language::TypeScript];
    let file = |language: Language| installation.dir.path().join(format!("people-{language:?}.json"));
    let people = |language| -> Value {
        let text = std::fs::read_to_string(file(language)).unwrap_or_default();
        serde_json::from_str::<Value>(&text).unwrap_or_default()["people"].clone()
    };
    let start = |language| Running::start(settings.command(language, "follow").arg(file(language)));
    let become_ = async |what: &str, expected: &Value| {
        for language in languages {
            let what = format!("{language:?}: {what}, not {}", people(language));
            eventually(PATIENCE, &what, || async { people(language) == *expected }).await;
        }
    };
    let shown = |name: &str, active: bool, roles: &[&str]| json!({"userName": name, "active": active, "roles": roles});

    let running = languages.map(start);
    let first = json!({&ada: shown("ada@envi.example", true, &["Manager"])});
    become_("everybody is loaded", &first).await;
    let bo = okta.user("bo@envi.example").await;
    let member = json!({"op": "add", "path": "members", "value": [{"value": bo}]});
    okta.patch(&format!("/Groups/{group}"), member).await;
    okta.active(&ada, false).await;
    let expected = json!({
        &ada: shown("ada@envi.example", false, &["Manager"]), &bo: shown("bo@envi.example", true, &["Manager"]),
    });
    become_("changes are followed", &expected).await;
    for one in running {
        one.says(&format!("user.deactivated {ada}")).await;
        one.stop().await;
    }
    // What happens meanwhile is not missed.
    okta.delete(&format!("/Users/{ada}")).await;
    let running = languages.map(start);
    become_("it goes on where it was", &json!({&bo: shown("bo@envi.example", true, &["Manager"])})).await;
    for one in running {
        assert!(!one.lines().iter().any(|line| line.starts_with("user.created")), "{:?}", one.lines());
        one.stop().await;
    }

    let place = installation.dir.path().join("place.txt");
    let running = Running::start(settings.command(Language::Shell, "follow").arg(&place));
    running.says("user.deleted").await;
    let kept = || std::fs::read_to_string(&place).ok().and_then(|text| text.trim().parse::<i64>().ok());
    eventually(PATIENCE, "the place is kept", || async { kept().is_some() }).await;
    running.stop().await;
    let running = Running::start(settings.command(Language::Shell, "follow").arg(&place));
    okta.active(&bo, false).await;
    running.says("user.deactivated").await;
    assert!(!running.lines().concat().contains("user.created"), "{:?}", running.lines());
    running.stop().await;
}

#[tokio::test]
async fn webhook() {
    let mut installation = Installation::new(Database::Sqlite).await;
    installation.set("ROLLCALL_EGRESS_ALLOW", Some("127.0.0.0/8"));
    let server = installation.serve().await;
    let okta = Provider::of(&installation, &server);
    let settings = Settings::new(&installation, &server).await.with_typescript(installation.dir.path()).await;
    let token = installation.run(&["token", "create", "--platform", "--name", "Onboarding"]);
    let vendor = program(&server, &token);
    eventually(PATIENCE, "a new token", || async { vendor.get("/tenants").await.0 == 200 }).await;

    for language in [Language::Python, Language::TypeScript] {
        let port = free_port();
        let url = format!("http://127.0.0.1:{port}/");
        let new = json!({"name": format!("{language:?}"), "url": url, "events": ["user.*"]});
        let (status, made) = vendor.send("POST", "/tenants/acme/destinations", Some(new)).await;
        assert_eq!(status, 201, "{made}");
        let secret = made["secret"].as_str().unwrap();
        let mut receiver = settings.command(language, "webhook");
        let receiver = Running::start(receiver.arg(port.to_string()).env("SECRET", secret));
        let reachable = || async { tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() };
        eventually(PATIENCE, "the receiver listens", reachable).await;

        let test = format!("/destinations/{}/test", made["destination"]["id"].as_str().unwrap());
        let (status, answer) = vendor.send("POST", &test, Some(json!({}))).await;
        assert_eq!(status, 200, "{answer}");
        receiver.says("webhook.test").await;
        let one = okta.user(&format!("{language:?}@envi.example")).await;
        receiver.says(&format!("user.created {one}")).await;

        // Nobody else is believed, whatever they send.
        let now = std::process::Command::new("date").arg("+%s").output().unwrap();
        let now = String::from_utf8(now.stdout).unwrap();
        let body = json!({"id": "x", "type": "user.created", "object": {"id": "forged"}}).to_string();
        for signature in ["v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=", "v1", "", "forged,forged"] {
            let forged = reqwest::Client::new()
                .post(&url)
                .header("webhook-id", "x")
                .header("webhook-timestamp", now.trim())
                .header("webhook-signature", signature)
                .body(body.clone());
            assert_eq!(forged.send().await.unwrap().status(), 401, "{language:?} {signature:?}");
        }
        let unsigned = reqwest::Client::new().post(&url).body(body).send().await.unwrap();
        assert_eq!(unsigned.status(), 401, "{language:?}");
        assert!(!receiver.lines().iter().any(|line| line.contains("forged")), "{:?}", receiver.lines());
        receiver.stop().await;
    }
}

#[tokio::test]
async fn verify() {
    let signer = standardwebhooks::Webhook::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    let now = std::process::Command::new("date").arg("+%s").output().unwrap();
    let now: i64 = String::from_utf8(now.stdout).unwrap().trim().parse().unwrap();
    let body = "{\"id\": \"e-1\", \"name\": \"Ünal\"}\n";
    let check = async |id: &str, at: i64, signatures: &str, body: &str| {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), body).unwrap();
        let mut command = Command::new(examples().join("curl/verify.sh"));
        command.env("SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").args([
            id,
            &at.to_string(),
            signatures,
        ]);
        let output = command.stdin(std::fs::File::open(file.path()).unwrap()).output().await.unwrap();
        output.status.success()
    };
    let good = signer.sign("e-1", now, body.as_bytes()).unwrap();
    assert!(check("e-1", now, &good, body).await);
    assert!(check("e-1", now, &format!("v1,b3RoZXI= {good}"), body).await, "one of two secrets");
    for (id, at, signatures, body) in [
        ("e-2", now, good.as_str(), body),
        ("e-1", now + 1, &good, body),
        ("e-1", now, &good, "{}"),
        ("e-1", now, "v1,b3RoZXI=", body),
        ("e-1", now, "", body),
    ] {
        assert!(!check(id, at, signatures, body).await, "{id} {at} {signatures} {body}");
    }
    let long_ago = signer.sign("e-1", now - 3_600, body.as_bytes()).unwrap();
    assert!(!check("e-1", now - 3_600, &long_ago, body).await, "too old");
}
