//! What earlier versions left in a database goes on with this one: people, groups, roles, credentials, the trail and the feed.
//! And a database that a later version has migrated is refused.
//!
//! `tests/upgrade/VERSION` holds what each version left, on either database, and what was to be seen of it then; `tests/upgrade/make`
//! writes that of the present one.

use std::{
    collections::BTreeMap,
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use sea_orm::ConnectionTrait as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    backups::{api, numbered},
    harness::{
        Console, Database, Installation, Scim, Server, basic_header, describe, on_both_databases, variable,
    },
};

on_both_databases!(what_earlier_versions_left_goes_on);

/// The least that there must be of what earlier versions left.
const FIRST: &str = "0.1.0";

/// The master key of all of them, and of the harness on PostgreSQL.
const MASTER_KEY: [u8; 32] = [7; 32];

const EMAIL: &str = "operator@rollcall.example";

/// What somebody had who used the earlier version.
#[derive(Deserialize, Serialize)]
struct Kept {
    /// Of the identity provider of `acme`, and of `clinic`.
    okta: String,
    basic: String,
    /// For `/api/v1`.
    platform: String,
    /// Of the operator.
    password: String,
    seen: Seen,
}

/// What was to be seen.
#[derive(Debug, Deserialize, PartialEq, Serialize)]
struct Seen {
    /// Ids, names, active or not; and who is a member of what.
    users: Vec<Value>,
    groups: Vec<Value>,
    /// By user.
    roles: BTreeMap<String, Vec<String>>,
    /// Ids and types, in order.
    events: Vec<Value>,
    /// Name, state and URL of each.
    destinations: Vec<Value>,
    /// Sites that are allowed, and the version of the profile.
    values: Value,
    profiles: usize,
    /// `… entries verified`.
    trail: String,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/upgrade")
}

fn name(installation: &Installation, ending: &str) -> String {
    format!("{}.{ending}", if installation.is_sqlite() { "sqlite" } else { "postgres" })
}

fn postgres(program: &str) -> Command {
    Command::new(Path::new(&variable("ROLLCALL_TEST_POSTGRES_BIN")).join(program))
}

async fn seen(installation: &Installation, server: &Server, kept: &Kept) -> Seen {
    let scim = Scim::new(server.base_url("acme"), kept.okta.clone());
    let list = |path: &'static str| {
        let scim = &scim;
        async move {
            let (status, page) = scim.get(path).await;
            assert_eq!(status, 200, "{page}");
            page["Resources"].as_array().unwrap().clone()
        }
    };
    let users = list("/Users?sortBy=userName&count=200").await;
    let groups = list("/Groups?sortBy=displayName&count=200").await;
    let feed = api(&server.origin, "/events?after=0&limit=200", &kept.platform).await;
    let mut roles = BTreeMap::new();
    for user in &users {
        let user = user["userName"].as_str().unwrap();
        let shown = installation.json(&["user", "show", "acme", user, "--json"]);
        let names = shown["roles"].as_array().unwrap().iter();
        roles.insert(user.to_owned(), names.map(|role| role["role"].as_str().unwrap().to_owned()).collect());
    }
    let members = |group: &Value| {
        let members = group["members"].as_array().into_iter().flatten();
        members.map(|member| member["value"].clone()).collect::<Vec<_>>()
    };
    let events = feed["events"].as_array().unwrap().iter();
    let destinations = installation.json(&["destination", "list", "acme", "--json"]);
    let destinations = destinations.as_array().unwrap().iter();
    let verified = installation.run(&["audit", "verify", "--all"]);
    assert!(verified.contains(" 0 not whole"), "{verified}");
    Seen {
        users: users.iter().map(|user| json!([user["id"], user["userName"], user["active"]])).collect(),
        groups: groups.iter().map(|one| json!([one["id"], one["displayName"], members(one)])).collect(),
        roles,
        events: events.map(|event| json!([event["id"], event["type"]])).collect(),
        destinations: destinations
            .map(|one| json!([one["name"], one["state"], one["settings"]["url"]]))
            .collect(),
        values: installation.json(&["value-set", "list", "acme", "organizations", "--json"]),
        profiles: installation.json(&["profile", "versions", "acme", "--json"]).as_array().unwrap().len(),
        trail: verified,
    }
}

async fn what_earlier_versions_left_goes_on(first: Installation) {
    let versions = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut versions: Vec<PathBuf> = versions.filter(|path| path.is_dir()).collect();
    versions.sort();
    assert!(versions.iter().any(|version| version.ends_with(FIRST)), "{versions:?}");
    let is_sqlite = first.is_sqlite();
    let mut spare = Some(first);
    for version in versions {
        let kind = if is_sqlite { Database::Sqlite } else { Database::Postgres };
        let installation = match spare.take() {
            Some(installation) => installation,
            None => Installation::new(kind).await,
        };
        goes_on(installation, &version).await;
    }
}

async fn goes_on(mut installation: Installation, version: &Path) {
    let read = |ending: &str| std::fs::read(version.join(name(&installation, ending))).unwrap();
    let kept: Kept = serde_json::from_slice(&read("json")).unwrap();
    let mut left = Vec::new();
    let ending = if installation.is_sqlite() { "db.gz" } else { "sql.gz" };
    GzDecoder::new(read(ending).as_slice()).read_to_end(&mut left).unwrap();
    put_in_place(&installation, &left);
    installation.set("ROLLCALL_MASTER_KEY", Some(&BASE64_STANDARD.encode(MASTER_KEY)));
    // However long ago that was.
    for retention in ["ROLLCALL_EVENT_DAYS", "ROLLCALL_TENANT_RETENTION_DAYS"] {
        installation.set(retention, Some("3650"));
    }

    installation.run(&["migrate"]);
    let doctor = installation.run(&["doctor"]);
    assert!(!doctor.contains('✗'), "{doctor}");
    let server = installation.serve_with(&["--no-migrate"]).await;
    assert_eq!(seen(&installation, &server, &kept).await, kept.seen, "{}", version.display());

    // And goes on.
    let clinic = Scim::new(server.base_url("clinic"), basic_header("okta@clinic", &kept.basic));
    assert_eq!(clinic.get("/Users").await.0, 200);
    let console = Console::sign_in(&server, EMAIL, &kept.password).await;
    assert_eq!(console.get("/console/tenants/acme").await.status(), 200);
    let scim = Scim::new(server.base_url("acme"), kept.okta);
    let dan = scim.create("/Users", person("dan")).await;
    let nurse = kept.seen.groups.iter().find(|group| group[1] == "Envi_Nurse").unwrap()[0].clone();
    let add = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "add", "path": "members", "value": [{"value": dan}]}],
    });
    let (status, answer) =
        scim.send("PATCH", &format!("/Groups/{}", nurse.as_str().unwrap()), Some(add)).await;
    assert!((200..205).contains(&status), "{answer}");
    let shown = installation.json(&["user", "show", "acme", "dan@acme.example", "--json"]);
    assert_eq!(shown["roles"][0]["role"], "Nurse", "{shown}");
    numbered(&installation).await;
    let verified = installation.run(&["audit", "verify", "--all"]);
    assert!(verified.contains(" 0 not whole"), "{verified}");
    drop(server);

    // What a later version would leave.
    let database = installation.database().await;
    let later = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m999999_later', 0)";
    database.execute_unprepared(later).await.unwrap();
    database.close().await.unwrap();
    for arguments in [&["serve"][..], &["serve", "--no-migrate"], &["migrate"], &["tenant", "list"]] {
        let error = installation.refuse(arguments);
        assert!(error.contains("newer version of Rollcall"), "{arguments:?}: {error}");
    }
    let told = installation.fault(&["doctor"]);
    assert!(told.contains("✗ database: ") && told.contains("newer version of Rollcall"), "{told}");
}

fn put_in_place(installation: &Installation, left: &[u8]) {
    if installation.is_sqlite() {
        let data = installation.dir.path().join("data");
        std::fs::create_dir(&data).unwrap();
        return std::fs::write(data.join("rollcall.db"), left).unwrap();
    }
    let mut psql = postgres("psql");
    psql.args([
        "--quiet",
        "--no-psqlrc",
        "--set",
        "ON_ERROR_STOP=1",
        "--dbname",
        &installation.database_url(),
    ]);
    let mut psql = psql.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    psql.stdin.take().unwrap().write_all(left).unwrap();
    let output = psql.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", describe(&output));
}

fn person(name: &str) -> Value {
    let mail = format!("{name}@acme.example");
    json!({"userName": mail, "emails": [{"value": mail}], "name": {"givenName": name, "familyName": "Lee"}})
}

/// The role is the cluster's, and other databases may be making it at this very moment.
const PRELUDE: &str = "DO $$ BEGIN CREATE ROLE rollcall_app NOLOGIN; \
                       EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;\n";

/// Each version that has a head in the changelog left its database.
#[test]
fn each_release_is_tried() {
    let changelog = std::fs::read_to_string(folder().join("../../CHANGELOG.md")).unwrap();
    let mut heads = changelog.lines().filter_map(|line| line.strip_prefix("## "));
    assert_eq!(heads.next(), Some("Unreleased"), "what is not released stands above");
    for head in heads {
        let (version, date) = head.split_once(" - ").unwrap_or_else(|| panic!("{head}: VERSION - DATE"));
        assert!(date.len() == 10 && folder().join(version).join("sqlite.json").is_file(), "{head}");
    }
}

/// Not run by `tests/run`: `tests/upgrade/make` does, when a version is made.
#[tokio::test]
async fn the_present_version_is_kept() {
    let version = folder().join(env!("CARGO_PKG_VERSION"));
    std::fs::create_dir_all(&version).unwrap();
    for kind in [Database::Sqlite, Database::Postgres] {
        let mut installation = Installation::new(kind).await;
        installation.set("ROLLCALL_MASTER_KEY", Some(&BASE64_STANDARD.encode(MASTER_KEY)));
        let (kept, left) = left(&installation).await;
        let write = |ending: &str, bytes: &[u8]| {
            std::fs::write(version.join(name(&installation, ending)), bytes).unwrap();
        };
        let mut packed = GzEncoder::new(Vec::new(), Compression::best());
        packed.write_all(&left).unwrap();
        write(if installation.is_sqlite() { "db.gz" } else { "sql.gz" }, &packed.finish().unwrap());
        write("json", format!("{}\n", serde_json::to_string_pretty(&kept).unwrap()).as_bytes());
    }
}

/// Something of everything that is kept, and the database when the server has stopped.
async fn left(installation: &Installation) -> (Kept, Vec<u8>) {
    let server = installation.serve().await;
    let okta = installation.tenant("acme", "envi");
    installation.run(&["value-set", "set", "acme", "organizations", "East", "West|The west"]);
    installation.run(&["tenant", "set", "acme", "--organization", "West"]);
    let own = installation.run(&["profile", "show", "acme"]).replace("[roles]", "# Ours.\n[roles]");
    let file = installation.dir.path().join("own.toml");
    std::fs::write(&file, own).unwrap();
    installation.run(&["profile", "set", "acme", &file.display().to_string()]);
    let url = ["--url", "https://app.example.com/rollcall"];
    installation.run(&[&["destination", "create", "acme", "--name", "App"], &url[..]].concat());
    let id = installation.json(&["destination", "list", "acme", "--json"])[0]["id"].clone();
    installation.run(&["destination", "pause", id.as_str().unwrap()]);
    installation.run(&["tenant", "create", "clinic", "--profile", "clinical-maestro", "--activate"]);
    let basic = installation.run(&["basic", "create", "clinic", "--username", "okta@clinic"]);
    let platform =
        installation.run(&["token", "create", "--platform", "--name", "Program", "--expires-in", "10y"]);
    let password = installation.run(&["admin", "create", EMAIL, "--generate"]);

    let scim = Scim::new(server.base_url("acme"), okta.clone());
    let mut ids = Vec::new();
    for name in ["ann", "bob", "cid", "eve"] {
        ids.push(scim.create("/Users", person(name)).await);
    }
    let members = json!([{"value": ids[0]}, {"value": ids[1]}]);
    scim.create("/Groups", json!({"displayName": "Envi_Nurse", "members": members})).await;
    scim.create(
        "/Groups",
        json!({"displayName": "Everybody", "members": [{"value": ids[2]}, {"value": ids[3]}]}),
    )
    .await;
    let inactive = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "replace", "value": {"active": false}}],
    });
    assert!(scim.send("PATCH", &format!("/Users/{}", ids[1]), Some(inactive)).await.0 < 300);
    // Nobody is deleted: one day a server would purge whoever was.
    numbered(installation).await;
    let nothing = Seen {
        users: Vec::new(),
        groups: Vec::new(),
        roles: BTreeMap::new(),
        events: Vec::new(),
        destinations: Vec::new(),
        values: Value::Null,
        profiles: 0,
        trail: String::new(),
    };
    let kept = Kept { okta, basic, platform, password, seen: nothing };
    let kept = Kept { seen: seen(installation, &server, &kept).await, ..kept };
    assert!(server.terminate().await.0.success());
    (kept, dump(installation).await)
}

async fn dump(installation: &Installation) -> Vec<u8> {
    if installation.is_sqlite() {
        let file = installation.dir.path().join("left.db");
        let database = installation.database().await;
        database.execute_unprepared(&format!("VACUUM INTO '{}'", file.display())).await.unwrap();
        database.close().await.unwrap();
        return std::fs::read(file).unwrap();
    }
    let mut dump = postgres("pg_dump");
    let output = dump.args(["--no-owner", "--dbname", &installation.database_url()]).output().unwrap();
    assert!(output.status.success(), "{}", describe(&output));
    // What only this version of PostgreSQL, or of its programs, understands.
    let text = String::from_utf8(output.stdout).unwrap();
    let general = |line: &&str| {
        !["SET transaction_timeout", "\\restrict", "\\unrestrict", "-- Dumped"]
            .iter()
            .any(|own| line.starts_with(own))
    };
    let lines: Vec<&str> = text.lines().filter(general).collect();
    format!("{PRELUDE}{}\n", lines.join("\n")).into_bytes()
}
