//! Backups with the real program: what one database has goes on in the other one, tokens, feed, trail and all; what was
//! changed, cut off, or locked by somebody else changes nothing.

use std::fs;

use serde_json::{Value, json};

use crate::harness::{
    Database, Installation, PATIENCE, Scim, basic_header, describe, eventually, on_both_databases,
};

on_both_databases!(
    an_installation_goes_on_in_the_other_database,
    what_is_not_whole_is_refused_and_changes_nothing,
    a_tenant_comes_to_another_installation,
    checkpoints_find_a_trail_that_was_written_anew,
    a_scan_shows_that_nothing_is_left,
);

const PASSPHRASE: &str = "correct horse battery staple";

/// A file with the passphrase.
fn passphrase(installation: &Installation, text: &str) -> String {
    let file = installation.dir.path().join(format!("passphrase-{}", text.len()));
    fs::write(&file, format!("{text}\n")).unwrap();
    file.display().to_string()
}

fn file(installation: &Installation, name: &str) -> String {
    installation.dir.path().join(name).display().to_string()
}

/// An installation on the other kind of database, under the same master key.
async fn other_kind(installation: &Installation) -> Installation {
    let kind = if installation.is_sqlite() { Database::Postgres } else { Database::Sqlite };
    let mut other = Installation::new(kind).await;
    other.set("ROLLCALL_MASTER_KEY", Some(&installation.master_key()));
    other
}

/// People and groups as an identity provider makes them.
fn provision(installation: &Installation, base_url: &str, authorization: &str) {
    let arguments = [
        "simulate",
        "okta",
        "--base-url",
        base_url,
        "--authorization",
        authorization,
        "--users",
        "30",
        "--groups",
        "4",
    ];
    let output = installation.command(&arguments).output().unwrap();
    assert!(output.status.success(), "{}", describe(&output));
}

pub(crate) async fn numbered(installation: &Installation) {
    eventually(PATIENCE, "everything has its number", || async {
        !installation.run(&["audit", "verify", "--all"]).contains("wait for their number")
    })
    .await;
}

/// What a program gets at an address of `/api/v1`.
pub(crate) async fn api(origin: &str, path: &str, token: &str) -> Value {
    let answer =
        reqwest::Client::new().get(format!("{origin}/api/v1{path}")).bearer_auth(token).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    serde_json::from_str(&answer.text().await.unwrap()).unwrap()
}

/// Everybody and every group, in their order, without what says where the server is.
async fn directory(scim: &Scim) -> Vec<Value> {
    let mut all = Vec::new();
    for path in ["/Users?count=200&sortBy=userName", "/Groups?count=200&sortBy=displayName"] {
        let (status, mut page) = scim.get(path).await;
        assert_eq!(status, 200, "{page}");
        for resource in page["Resources"].as_array_mut().unwrap() {
            let text = resource.to_string();
            let (origin, _) = text.split_once("/t/").unwrap();
            let origin = origin.rsplit_once('"').unwrap().1.to_owned();
            all.push(serde_json::from_str(&text.replace(&origin, "")).unwrap());
        }
        all.push(page["totalResults"].clone());
    }
    all
}

async fn an_installation_goes_on_in_the_other_database(installation: Installation) {
    let server = installation.serve().await;
    let okta = installation.tenant("acme", "envi");
    let basic = {
        installation.run(&["tenant", "create", "clinic", "--profile", "clinical-maestro", "--activate"]);
        installation.run(&["basic", "create", "clinic", "--username", "okta@clinic"])
    };
    let platform = installation.run(&["token", "create", "--platform", "--name", "Program"]);
    let password = installation.run(&["admin", "create", "operator@rollcall.example", "--generate"]);
    provision(&installation, &server.base_url("acme"), &okta);
    numbered(&installation).await;
    let scim = Scim::new(server.base_url("acme"), okta.clone());
    let (before, feed) =
        (directory(&scim).await, api(&server.origin, "/events?after=0&limit=200", &platform).await);
    assert!(before.len() > 10 && feed["events"].as_array().unwrap().len() > 20);

    // While the server serves.
    let (saved, key) = (file(&installation, "backup.age"), passphrase(&installation, PASSPHRASE));
    let made = installation.json(&["backup", &saved, "--passphrase-file", &key, "--json"]);
    assert_eq!(made["tenants"], json!(2));
    assert_eq!(fs::read(&saved).unwrap()[..21], *b"age-encryption.org/v1");
    drop(server);

    let other = other_kind(&installation).await;
    let put = other.json(&["restore", &saved, "--passphrase-file", &key, "--json"]);
    assert_eq!((&put["tables"], &put["installation"]), (&made["tables"], &made["installation"]));
    assert!(put["trails"].as_array().unwrap().iter().all(|trail| trail["fault"] == Value::Null), "{put}");
    assert_eq!(put["trails"].as_array().unwrap().len(), 3);

    let server = other.serve().await;
    let scim = Scim::new(server.base_url("acme"), okta);
    assert_eq!(directory(&scim).await, before, "the old token signs in, and everybody is there");
    assert_eq!(api(&server.origin, "/events?after=0&limit=200", &platform).await["events"], feed["events"]);
    let clinic = Scim::new(server.base_url("clinic"), basic_header("okta@clinic", &basic));
    assert_eq!(clinic.get("/Users").await.0, 200);
    let console = crate::harness::Console::sign_in(&server, "operator@rollcall.example", &password).await;
    assert_eq!(console.get("/console/tenants/acme").await.status(), 200);
    scim.create(
        "/Users",
        json!({"userName": "new@acme.example", "emails": [{"value": "new@acme.example"}],
        "name": {"givenName": "New", "familyName": "Here"}}),
    )
    .await;
    numbered(&other).await;
    let all = other.run(&["audit", "verify", "--all"]);
    assert!(all.contains("3 trails checked") && all.contains(" 0 not whole"), "{all}");
    assert!(other.run(&["audit"]).contains("backup.restored"));
    assert!(installation.run(&["audit"]).contains("backup.made"));
    let doctor = other.run(&["doctor"]);
    assert!(!doctor.contains('✗'), "{doctor}");

    // And back, through a pipe, into a third one.
    let again = file(&other, "again.age");
    other.run(&["backup", &again, "--passphrase-file", &key]);
    assert!(other.refuse(&["restore", &again, "--passphrase-file", &key]).contains("in use"));
    let third = other_kind(&other).await;
    let shown = third.run(&["restore", &again, "--passphrase-file", &key]);
    assert!(shown.contains("restored") && shown.contains("users"), "{shown}");
    assert_eq!(third.made().await[0], other.made().await[0]);
}

async fn what_is_not_whole_is_refused_and_changes_nothing(installation: Installation) {
    let server = installation.serve().await;
    let okta = installation.tenant("acme", "generic");
    provision(&installation, &server.base_url("acme"), &okta);
    drop(server);
    let (saved, key) = (file(&installation, "backup.age"), passphrase(&installation, PASSPHRASE));
    let identity = file(&installation, "key.txt");
    let private = age::x25519::Identity::generate();
    {
        use age::secrecy::ExposeSecret as _;
        fs::write(&identity, format!("# a key\n{}\n", private.to_string().expose_secret())).unwrap();
    }
    let public = private.to_public().to_string();
    installation.run(&["backup", &saved, "--recipient", &public]);
    let restore =
        |other: &Installation, file: &str| other.refuse(&["restore", file, "--identity", &identity]);
    let other = other_kind(&installation).await;

    // Another passphrase, another key, another kind of either.
    let locked = file(&installation, "locked.age");
    installation.run(&["backup", &locked, "--passphrase-file", &key]);
    let wrong = passphrase(&installation, "another passphrase");
    assert!(other.refuse(&["restore", &locked, "--passphrase-file", &wrong]).contains("another passphrase"));
    assert!(restore(&other, &locked).contains("made with a passphrase"));
    assert!(other.refuse(&["restore", &saved, "--passphrase-file", &key]).contains("--identity"));
    let short = passphrase(&installation, "short");
    assert!(installation.refuse(&["backup", &locked, "--passphrase-file", &short]).contains("fewer than 12"));
    assert!(installation.refuse(&["backup", &locked, "--recipient", "age1x"]).contains("no public key"));
    assert!(installation.refuse(&["backup", &locked]).contains("nobody can be asked"));

    // Changed and cut.
    let bytes = fs::read(&saved).unwrap();
    let changed = file(&installation, "changed.age");
    for at in [3, bytes.len() / 3, bytes.len() / 2, bytes.len() - 1] {
        let mut copy = bytes.clone();
        copy[at] ^= 0x40;
        fs::write(&changed, copy).unwrap();
        restore(&other, &changed);
        fs::write(&changed, &bytes[..at]).unwrap();
        restore(&other, &changed);
    }
    fs::write(&changed, "userName\nann\n").unwrap();
    assert!(restore(&other, &changed).contains("no file that"));
    other.refuse(&["restore", &file(&installation, "none"), "--identity", &identity]);

    // Under another master key nothing could be read.
    let mut stranger = other_kind(&installation).await;
    stranger.set("ROLLCALL_MASTER_KEY", Some("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="));
    assert!(restore(&stranger, &saved).contains("ROLLCALL_FORMER_MASTER_KEY"));

    // All of that has written nothing: the right one is still put in place.
    assert!(other.run(&["restore", &saved, "--identity", &identity, "--check"]).contains("rows: whole"));
    for empty in [&other, &stranger] {
        assert_eq!(empty.made().await, [0, 0, 0]);
    }
    other.run(&["restore", &saved, "--identity", &identity]);
    assert_eq!(other.made().await, installation.made().await);
    // With the key that it had before, a new one guards what comes.
    stranger.set("ROLLCALL_FORMER_MASTER_KEY", Some(&installation.master_key()));
    stranger.run(&["restore", &saved, "--identity", &identity]);
    stranger.run(&["key", "rewrap"]);
    stranger.set("ROLLCALL_FORMER_MASTER_KEY", None);
    let server = stranger.serve().await;
    assert_eq!(Scim::new(server.base_url("acme"), okta).get("/Users").await.0, 200);
}

async fn a_tenant_comes_to_another_installation(installation: Installation) {
    let server = installation.serve().await;
    installation.run(&["tenant", "create", "acme", "--profile", "generic", "--activate"]);
    let password = installation.run(&["basic", "create", "acme", "--username", "okta@acme"]);
    let okta = basic_header("okta@acme", &password);
    let bearer = format!("Bearer {}", installation.run(&["token", "create", "acme", "--name", "Old"]));
    installation.tenant("stays", "generic");
    provision(&installation, &server.base_url("acme"), &okta);
    numbered(&installation).await;
    let before = directory(&Scim::new(server.base_url("acme"), okta.clone())).await;
    let (saved, key) = (file(&installation, "acme.age"), passphrase(&installation, PASSPHRASE));
    let made = installation.run(&["backup", &saved, "--tenant", "acme", "--passphrase-file", &key]);
    assert!(made.contains("1 tenant,"), "{made}");
    assert!(
        installation
            .refuse(&["backup", &saved, "--tenant", "none", "--passphrase-file", &key])
            .contains("no tenant")
    );
    drop(server);

    // Another master key, tenants of its own, and it is serving.
    let kind = if installation.is_sqlite() { Database::Postgres } else { Database::Sqlite };
    let other = Installation::new(kind).await;
    let server = other.serve().await;
    let here = other.tenant("here", "generic");
    assert!(other.refuse(&["restore", &saved, "--passphrase-file", &key]).contains("--tenant"));
    let shown = other.run(&["restore", &saved, "--tenant", "acme", "--passphrase-file", &key]);
    assert!(shown.contains("bearer tokens of this tenant open nothing here"), "{shown}");
    assert!(
        other
            .refuse(&["restore", &saved, "--tenant", "acme", "--passphrase-file", &key])
            .contains("never used again")
    );

    let scim = Scim::new(server.base_url("acme"), okta);
    eventually(PATIENCE, "the server knows the tenant", || async { scim.get("/Users").await.0 == 200 }).await;
    assert_eq!(directory(&scim).await, before);
    assert_eq!(Scim::new(server.base_url("acme"), bearer).get("/Users").await.0, 401, "signed elsewhere");
    assert_eq!(Scim::new(server.base_url("here"), here).get("/Users").await.0, 200);
    numbered(&other).await;
    let all = other.run(&["audit", "verify", "--all"]);
    assert!(all.contains("acme: whole") && all.contains(" 0 not whole"), "{all}");
    let rotated = other.run(&["token", "create", "acme", "--name", "New"]);
    assert_eq!(Scim::new(server.base_url("acme"), format!("Bearer {rotated}")).get("/Users").await.0, 200);
}

async fn checkpoints_find_a_trail_that_was_written_anew(installation: Installation) {
    let server = installation.serve().await;
    installation.tenant("acme", "generic");
    installation.tenant("beta", "generic");
    numbered(&installation).await;
    let (all, one) = (file(&installation, "all.jws"), file(&installation, "acme.jws"));
    let told = installation.run(&["audit", "checkpoint", "--all", "--output", &all]);
    assert!(told.starts_with("3 checkpoints"), "{told}");
    let printed = installation.run(&["audit", "checkpoint", "--tenant", "acme"]);
    fs::write(&one, format!("{printed}\n")).unwrap();
    let verify = ["audit", "verify", "--checkpoint", &all, "--checkpoint", &one];
    let whole = installation.run(&verify);
    assert!(whole.contains("acme: whole, 2 entries, holds 2 noted ends"), "{whole}");
    // Whatever becomes of the keys, and however long the trail grows.
    installation.run(&["key", "rotate"]);
    installation.run(&["token", "create", "acme", "--name", "More"]);
    numbered(&installation).await;
    if installation.is_sqlite() {
        installation.run(&["key", "rewrap"]);
    }
    assert!(installation.run(&verify).contains("acme: whole, 3 entries, holds 2 noted ends"));
    drop(server);

    // A changed statement, and one that somebody else has signed.
    let broken = file(&installation, "broken.jws");
    let (head, rest) = printed.split_once('.').unwrap();
    let (_, signature) = rest.rsplit_once('.').unwrap();
    let claims = {
        use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
        BASE64_URL_SAFE_NO_PAD.encode(r#"{"iss":"x","sub":"x","trail":"acme","entries":1,"head":"","iat":1}"#)
    };
    fs::write(&broken, format!("{head}.{claims}.{signature}")).unwrap();
    assert!(installation.refuse(&["audit", "verify", "--checkpoint", &broken]).contains("does not fit"));
    let stranger = Installation::new(Database::Sqlite).await;
    stranger.tenant("acme", "generic");
    fs::write(&broken, stranger.run(&["audit", "checkpoint", "--tenant", "acme"])).unwrap();
    assert!(
        installation
            .refuse(&["audit", "verify", "--checkpoint", &broken])
            .contains("not one of this installation")
    );

    let database = installation.database().await;
    let run = async |sql: &str| {
        use sea_orm::ConnectionTrait as _;
        database.execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    };
    if installation.is_sqlite() {
        for trigger in ["audit_keeps", "audit_append_only", "audit_numbered_once"] {
            run(&format!("DROP TRIGGER {trigger}")).await;
        }
    }
    // Written anew as a whole, with right hashes: a server does so with entries whose numbers were taken away.
    let tenant = "(SELECT id FROM tenants WHERE slug = 'acme')";
    let forge = "UPDATE audit SET actor_name = 'nobody', seq = NULL, chain = NULL";
    run(&format!("{forge} WHERE tenant_id = {tenant}")).await;
    run(&format!("DELETE FROM trails WHERE owner = {tenant}")).await;
    let server = installation.serve().await;
    numbered(&installation).await;
    drop(server);
    let alone = installation.run(&["audit", "verify", "--tenant", "acme"]);
    assert!(alone.contains("acme: whole, 3 entries"), "{alone}");
    let fault = installation.fault(&verify);
    assert!(
        fault.contains("acme: not whole. Entry 2 had another hash") && fault.contains("beta: whole"),
        "{fault}"
    );
    let told: Value =
        serde_json::from_str(&installation.fault(&[&verify[..], &["--json"]].concat())).unwrap();
    let acme = told.as_array().unwrap().iter().find(|trail| trail["trail"] == "acme").unwrap();
    assert!(acme["fault"]["what"].as_str().unwrap().contains("written anew"), "{told}");

    // The last entry is cut off and the end is noted anew: the chain alone looks whole.
    installation.run(&["audit", "checkpoint", "--tenant", "acme", "--output", &one]);
    let verify = ["audit", "verify", "--checkpoint", &one];
    assert!(installation.run(&verify).contains("holds 1 noted end"));
    run(&format!("DELETE FROM audit WHERE seq = 3 AND tenant_id = {tenant}")).await;
    let chain = format!("(SELECT chain FROM audit WHERE seq = 2 AND tenant_id = {tenant})");
    run(&format!("UPDATE trails SET audit_seq = 2, audit_chain = {chain} WHERE owner = {tenant}")).await;
    assert!(installation.run(&["audit", "verify", "--tenant", "acme"]).contains("acme: whole, 2 entries"));
    let fault = installation.fault(&verify);
    assert!(fault.contains("acme: not whole. There is no entry 3 any more"), "{fault}");
    // Changed, removed and moved entries are found as without a checkpoint; what is not whole is not signed.
    for (what, expected) in [
        ("UPDATE audit SET cause = 'x' WHERE seq = 1", "Entry 1 is not what was written"),
        ("UPDATE audit SET seq = 3 - seq + 10", "Entry 1 is missing"),
        ("DELETE FROM audit WHERE seq > 0", "Entry 1 is missing"),
    ] {
        run(&format!(
            "{what}{} tenant_id = {tenant}",
            if what.contains("WHERE") { " AND" } else { " WHERE" }
        ))
        .await;
        assert!(installation.fault(&verify).contains(expected), "{what}");
        assert!(
            installation.refuse(&["audit", "checkpoint", "--tenant", "acme"]).contains("nothing was signed")
        );
    }
    database.close().await.unwrap();
}

async fn a_scan_shows_that_nothing_is_left(installation: Installation) {
    let log = installation.dir.path().join("log");
    let port = crate::harness::free_port();
    let listen = format!("127.0.0.1:{port}");
    let written = fs::File::create(&log).unwrap();
    let mut command = installation.command(&["serve", "--listen", &listen, "--log", "debug"]);
    let server = crate::harness::Server::start_with_log(&mut command, port, written.into()).await;
    let scim = Scim::new(server.base_url("acme"), installation.tenant("acme", "generic"));
    let canaries = ["canary.bird@acme.example", "Kanarienvogel", "canary-4711"];
    let user = json!({
        "userName": canaries[0], "externalId": canaries[2], "name": {"familyName": canaries[1]}, "active": true,
        "emails": [{"value": canaries[0], "type": "work"}],
    });
    let id = scim.create("/Users", user.clone()).await;
    assert_eq!(scim.send("POST", "/Users", Some(user)).await.0, 409);
    let filter = format!("/Users?filter=userName%20eq%20%22{}%22", canaries[0]);
    assert_eq!(scim.get(&filter).await.0, 200);
    let scan = [&["scan"], &canaries[..]].concat();
    eventually(PATIENCE, "the requests are logged", || async {
        installation.fault(&scan).contains("request_log")
    })
    .await;
    let found: Value = serde_json::from_str(&installation.fault(&[&scan[..], &["--json"]].concat())).unwrap();
    let places: Vec<String> = found["found"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| format!("{}.{}", one["table"].as_str().unwrap(), one["column"].as_str().unwrap()))
        .collect();
    for place in
        ["users.document", "users.search", "payloads.body", "request_log.request_body", "user_values.value"]
    {
        assert!(places.iter().any(|found| found == place), "{place}: {places:?}");
    }

    let receipt = ["audit", "receipt", "--tenant", "acme", "--user", &id];
    assert!(installation.refuse(&receipt).contains("tells of no purge"));
    assert_eq!(scim.send("DELETE", &format!("/Users/{id}"), None).await.0, 204);
    let password = installation.run(&["admin", "create", "operator@rollcall.example", "--generate"]);
    let console = crate::harness::Console::sign_in(&server, "operator@rollcall.example", &password).await;
    numbered(&installation).await;
    let purge = format!("/console/tenants/acme/users/{id}/purge");
    let answer = console.post(&purge, &[("user_name", canaries[0])]).await;
    assert_eq!(answer.status(), 303, "{}", answer.text().await.unwrap());
    numbered(&installation).await;
    eventually(PATIENCE, "nothing is left", || async {
        let output = installation.command(&scan).output().unwrap();
        output.status.success()
    })
    .await;
    let shown = installation.run(&scan);
    assert!(shown.contains("3 texts found nowhere"), "{shown}");
    let text = fs::read_to_string(&log).unwrap();
    for canary in canaries {
        assert!(!text.to_lowercase().contains(&canary.to_lowercase()), "{canary} is in the log");
    }

    // The receipt: signed, with no word of the person, and proven by the trail.
    let said = installation.json(&[&receipt[..], &["--json"]].concat());
    let purge = &said["purge"];
    assert_eq!(
        (&purge["object_id"], &purge["rows"]["users"], &purge["left"]),
        (&json!(id), &json!(1), &json!(0)),
        "{said}"
    );
    assert_eq!(purge["by"], json!({"kind": "admin", "name": "operator@rollcall.example"}));
    assert!(
        purge["rows"]["payloads"].as_u64() > Some(1) && purge["rows"]["request_log"].as_u64() > Some(1),
        "{said}"
    );
    assert!(canaries.iter().all(|canary| !said.to_string().contains(canary)));
    let kept = file(&installation, "receipt.jws");
    installation.run(&[&receipt[..], &["--output", &kept]].concat());
    assert!(installation.run(&["audit", "verify", "--checkpoint", &kept]).contains("holds 1 noted end"));

    // And of the whole tenant, once its time is over.
    let of_tenant = ["audit", "receipt", "--tenant", "acme"];
    installation.run(&["tenant", "delete", "acme"]);
    assert!(installation.refuse(&of_tenant).contains("tells of no purge"));
    drop(server);
    let database = installation.database().await;
    {
        use sea_orm::ConnectionTrait as _;
        database.execute_unprepared("UPDATE tenants SET deleted_at = 1").await.unwrap();
    }
    database.close().await.unwrap();
    let server = installation.serve().await;
    eventually(PATIENCE, "the tenant is purged", || async {
        installation.command(&of_tenant).output().unwrap().status.success()
    })
    .await;
    let said = installation.json(&[&of_tenant[..], &["--json"]].concat());
    assert_eq!((&said["trail"], &said["purge"]["event"]), (&json!("installation"), &json!("tenant.purged")));
    assert!(said["purge"]["rows"]["payloads"].as_u64() > Some(1), "{said}");
    drop(server);
}
