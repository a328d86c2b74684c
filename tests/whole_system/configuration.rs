//! A tenant's own configuration on the command line, while a server runs: it holds there within a second.

use std::{path::Path, time::Duration};

use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::{Value, json};

use crate::harness::{Installation, PATIENCE, Scim, eventually, on_both_databases, plain_command};

on_both_databases!(
    lists_of_allowed_values,
    a_product_of_its_own,
    settings_of_a_tenant,
    an_index_follows_its_profile,
    an_index_that_was_left_half_made_is_completed,
    mistakes_are_explained
);

/// The contract's limit for a change to hold in every running node.
const WITHIN: Duration = Duration::from_secs(1);

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

const BADGES: &str = r#"
name = "badges"
title = "Badges"
summary = "People with badges."
version = 1
credentials = ["bearer"]
base-path = "/scim/v2"

[[extension]]
urn = "urn:example:badges"
name = "Badges"
top-level = true

[[extension.attribute]]
name = "site"
value-set = "sites"

[[extension.attribute]]
name = "badge"

[[value-set]]
name = "sites"
title = "Sites"

[roles]
prefix = "Badge_"

[[example]]
title = "Somebody"
valid = true
user = '{"userName": "ann", "title": "Dr"}'
"#;

/// Writes a file of the test; gives its path.
fn file(installation: &Installation, name: &str, text: &str) -> String {
    let path = installation.dir.path().join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

fn person(user_name: &str, site: &str) -> Value {
    json!({"schemas": [USER], "userName": user_name, "site": site})
}

async fn badges(installation: &Installation, origin: &str) -> Scim {
    let profile = file(installation, "badges.toml", BADGES);
    installation.run(&["tenant", "create", "acme", "--profile-file", &profile, "--activate"]);
    let token = installation.run(&["token", "create", "acme", "--name", "Okta"]);
    let scim = Scim::new(format!("{origin}/t/acme/scim/v2"), format!("Bearer {token}"));
    eventually(WITHIN, "a new tenant", || async { scim.get("/Users").await.0 == 200 }).await;
    scim
}

async fn lists_of_allowed_values(installation: Installation) {
    let server = installation.serve().await;
    let scim = badges(&installation, &server.origin).await;
    let kept = scim.create("/Users", person("first", "elsewhere")).await;
    let set = ["value-set", "set", "acme", "sites", "12", "17|Main street"];
    assert_eq!(installation.run(&set), "acme sites: 2 values");
    let refused = || async {
        let (status, answer) = scim.send("POST", "/Users", Some(person("nobody", "18"))).await;
        if status == 201 {
            let id = answer["id"].as_str().unwrap();
            assert_eq!(scim.send("DELETE", &format!("/Users/{id}"), None).await.0, 204);
        }
        status == 400
    };
    eventually(WITHIN, "a list of values", refused).await;
    scim.create("/Users", person("second", "17")).await;
    let found = installation.json(&["profile", "recheck", "acme", "--json"]);
    assert_eq!((&found["checked"], &found["misfits"]), (&json!(2), &json!(1)));
    assert_eq!((&found["first"][0]["id"], &found["first"][0]["userName"]), (&json!(kept), &json!("first")));
    assert!(found["first"][0]["problems"][0].as_str().unwrap().starts_with("urn:example:badges:site: "));

    let listed = installation.json(&["value-set", "list", "acme", "--json"]);
    assert_eq!(listed[0]["name"], "sites");
    assert_eq!(listed[0]["filled_by"], "tenant");
    assert_eq!(
        listed[0]["values"],
        json!([
            {"value": "12", "label": null}, {"value": "17", "label": "Main street"}
        ])
    );
    let list = file(&installation, "sites.csv", "value,label\n\"18, left\",The left one\n19,\n");
    assert_eq!(
        installation.run(&["value-set", "set", "acme", "sites", "--file", &list]),
        "acme sites: 2 values"
    );
    let shown = installation.run(&["value-set", "list", "acme", "sites"]);
    assert!(
        shown.contains("18, left") && shown.contains("The left one") && !shown.contains("Main"),
        "{shown}"
    );
    installation.run(&["value-set", "set", "acme", "sites", "--empty"]);
    let shown = installation.run(&["value-set", "list", "acme"]);
    assert!(shown.contains("tenant") && shown.contains(" 0 "), "{shown}");
    assert_eq!(installation.run(&["value-set", "clear", "acme", "sites"]), "acme sites: cleared");
    let shown = installation.run(&["value-set", "list", "acme"]);
    assert!(shown.contains("every value is allowed"), "{shown}");
}

async fn a_product_of_its_own(installation: Installation) {
    let server = installation.serve().await;
    let scim = badges(&installation, &server.origin).await;
    let ann = scim.create("/Users", person("ann", "12")).await;
    for name in ["Badge_Guard", "Door_Guard", "Door_Clerk"] {
        let members = json!([{"value": ann}]);
        scim.create("/Groups", json!({"displayName": name, "members": members})).await;
    }
    assert_eq!(installation.run(&["profile", "show", "acme"]), BADGES.trim_end());
    assert!(installation.run(&["profile", "diff", "acme"]).contains("no profile named badges ships"));

    let rule = "\n[[rule]]\nname = \"t\"\nrequire = [\"title\"]\nmessage = \"is required; send a title\"\n";
    let other = BADGES.replace("Badge_", "Door_").replace("version = 1", "version = 2") + rule;
    let other = file(&installation, "other.toml", &other);
    let told = installation.run(&["profile", "set", "acme", &other, "--dry-run"]);
    for line in [
        "    5 - version = 1",
        "    5 + version = 2",
        "roles: 1 gain Clerk",
        "users: 1 of 1 no longer fit; they stay as they are, and a change of theirs must mend it:",
        "    title: is required; send a title.",
        "nothing was saved",
    ] {
        assert!(told.lines().any(|told| told == line), "{line:?} in {told}");
    }
    assert!(
        !told.contains("Guard"),
        "who keeps a role through another group neither gains nor loses it: {told}"
    );
    assert_eq!(installation.json(&["profile", "versions", "acme", "--json"]).as_array().unwrap().len(), 1);

    let told = installation.run(&["profile", "set", "acme", &other]);
    assert!(told.ends_with("acme: version 2 of its profile; role grants: 2 added, 1 ended"), "{told}");
    let body = json!({"schemas": [USER], "userName": "bob"});
    let refused = || async {
        let (status, answer) = scim.send("POST", "/Users", Some(body.clone())).await;
        if status == 201 {
            let id = answer["id"].as_str().unwrap();
            assert_eq!(scim.send("DELETE", &format!("/Users/{id}"), None).await.0, 204);
        }
        status == 400
    };
    eventually(WITHIN, "a rule", refused).await;
    assert_eq!(
        scim.get(&format!("/Users/{ann}")).await.1["meta"]["version"],
        "W/\"1\"",
        "nobody was changed"
    );
    let roles = installation.json(&["user", "show", "acme", "ann", "--json"])["roles"].clone();
    assert_eq!(roles.as_array().unwrap().len(), 2, "{roles}");

    let versions = installation.json(&["profile", "versions", "acme", "--json"]);
    assert_eq!((&versions[0]["version"], &versions[1]["version"]), (&json!(2), &json!(1)));
    assert_eq!(installation.run(&["profile", "show", "acme", "--revision", "1"]), BADGES.trim_end());
    let again = installation.run(&["profile", "set", "acme", &other]);
    assert!(again.contains("has this profile already, as version 2"), "{again}");

    // A copy of a profile that ships can be compared with it, and made it again.
    installation.run(&["tenant", "create", "envi", "--profile", "envi"]);
    assert_eq!(installation.run(&["profile", "diff", "envi"]), "envi has envi as it ships");
    let shipped = installation.run(&["profile", "show", "envi"]);
    let own = file(&installation, "envi.toml", &shipped.replace("\"Envi_\"", "\"Hospital_\""));
    installation.run(&["profile", "set", "envi", &own]);
    let told = installation.run(&["profile", "diff", "envi"]);
    assert!(told.contains("- prefix = \"Hospital_\"") && told.contains("+ prefix = \"Envi_\""), "{told}");
}

async fn settings_of_a_tenant(installation: Installation) {
    installation.run(&["migrate"]);
    installation.run(&["tenant", "create", "envi", "--profile", "envi"]);
    assert_eq!(
        installation.run(&["tenant", "set", "envi"]),
        "name: envi\norganization: –\ndomain-type: –\nauthentication: –\nmax-token-lifetime: 10y (this installation's)"
    );
    installation.run(&["value-set", "set", "envi", "organizations", "East", "West"]);
    let told = installation.run(&[
        "tenant",
        "set",
        "envi",
        "--name",
        "Envi Clinic",
        "--organization",
        "east",
        "--property",
        "domain-type=simple",
        "--property",
        "authentication=WS Trust",
    ]);
    assert_eq!(
        told,
        "name: Envi Clinic\norganization: East\ndomain-type: Simple\nauthentication: WS Trust\nmax-token-lifetime: 10y (this installation's)"
    );
    let told =
        installation.run(&["tenant", "set", "envi", "--organization", "", "--property", "domain-type="]);
    assert_eq!(
        told,
        "name: Envi Clinic\norganization: –\ndomain-type: –\nauthentication: WS Trust\nmax-token-lifetime: 10y (this installation's)"
    );
    let listed = installation.json(&["tenant", "list", "--json"]);
    assert_eq!(listed[0]["name"], "Envi Clinic");
    assert_eq!(listed[0]["properties"], json!({"authentication": "WS Trust"}));
    for (arguments, word) in [
        (&["--organization", "North"][..], "send East, West"),
        (&["--property", "domain-type=Odd"], "Simple, Other"),
        (&["--property", "colour=red"], "domain-type, authentication"),
        (&["--property", "colour"], "NAME=VALUE"),
        (&["--name", " "], "name: use 1 to 200"),
    ] {
        let error = installation.refuse(&[&["tenant", "set", "envi"], arguments].concat());
        assert!(error.contains(word), "{arguments:?}: {error}");
    }
}

async fn an_index_follows_its_profile(installation: Installation) {
    let server = installation.serve().await;
    let scim = badges(&installation, &server.origin).await;
    let mut body = person("ann", "12");
    body["badge"] = json!("B-17");
    scim.create("/Users", body).await;
    let found = || async {
        let (status, list) = scim.get("/Users?filter=urn:example:badges:badge%20eq%20%22b-17%22").await;
        (status, list["totalResults"].as_u64())
    };
    assert_eq!(found().await, (200, Some(1)));
    let indexed = BADGES.replace("name = \"badge\"\n", "name = \"badge\"\nindexed = true\n");
    let indexed = file(&installation, "indexed.toml", &indexed);
    let mut command = installation.command(&["profile", "set", "acme", &indexed]);
    let mut saving = command.stdout(std::process::Stdio::null()).spawn().unwrap();
    while saving.try_wait().unwrap().is_none() {
        assert_eq!(found().await, (200, Some(1)), "at any time");
    }
    assert!(saving.wait().unwrap().success());
    let posted = || async { scim.send("POST", "/Users", Some(person("bob", "12"))).await.0 == 201 };
    eventually(WITHIN, "the new layout", posted).await;
    assert_eq!(found().await, (200, Some(1)));
}

/// Whoever was making an index anew may have been stopped: a server that runs goes on with it.
async fn an_index_that_was_left_half_made_is_completed(installation: Installation) {
    let server = installation.serve().await;
    let scim = badges(&installation, &server.origin).await;
    let mail = json!([{"value": "ann@acme.example"}]);
    scim.create("/Users", json!({"schemas": [USER], "userName": "ann", "emails": mail})).await;
    let mut options = sea_orm::ConnectOptions::new(installation.database_url());
    options.max_connections(1);
    let database = sea_orm::Database::connect(options).await.unwrap();
    let tenant = installation.json(&["tenant", "list", "--json"])[0]["id"].as_str().unwrap().to_owned();
    for sql in [
        format!("SELECT set_config('rollcall.tenant', '{tenant}', false)"),
        "DELETE FROM user_values".to_owned(),
        "UPDATE tenants SET indexed_version = 0".to_owned(),
        "UPDATE epochs SET value = value + 1".to_owned(),
    ] {
        // Only PostgreSQL keeps tenants apart by a setting.
        if installation.is_sqlite() && sql.starts_with("SELECT") {
            continue;
        }
        database.execute_unprepared(&sql).await.unwrap();
    }
    let count = "SELECT COUNT(*) FROM tenants WHERE indexed_version = layout_version";
    let complete = || async {
        let statement = Statement::from_string(database.get_database_backend(), count);
        let row = database.query_one_raw(statement).await.unwrap().unwrap();
        row.try_get_by_index::<i64>(0).unwrap() == 1
    };
    eventually(PATIENCE, "a complete index", complete).await;
    database.close().await.unwrap();
    let (status, list) = scim.get("/Users?filter=emails.value%20eq%20%22ann@acme.example%22").await;
    assert_eq!((status, &list["totalResults"]), (200, &json!(1)));
}

async fn mistakes_are_explained(installation: Installation) {
    installation.run(&["migrate"]);
    installation.run(&["tenant", "create", "acme", "--profile", "mdscripts"]);
    let broken =
        file(&installation, "broken.toml", &BADGES.replace("value-set = \"sites\"", "value-set = \"cites\""));
    let csv = file(&installation, "bad.csv", "a\nb,c,d\n");
    let place = "broken.toml: line 16, column 13: ";
    for (arguments, word) in [
        (&["profile", "check", &broken][..], place),
        (&["profile", "set", "acme", &broken], place),
        (&["profile", "set", "acme", &broken, "--dry-run"], place),
        (&["tenant", "create", "beta", "--profile-file", &broken], "line 16, column 13: "),
        (&["profile", "check", "nothing.toml"], "cannot read nothing.toml"),
        (&["profile", "show", "acme", "--revision", "7"], "profile versions acme"),
        (&["profile", "show", "nobody"], "tenant list"),
        (&["value-set", "set", "acme", "cites", "1"], "roles, siteNumbers"),
        (&["value-set", "list", "acme", "cites"], "roles, siteNumbers"),
        (&["value-set", "set", "acme", "siteNumbers", "1", "2", "1"], "value 3: "),
        (&["value-set", "set", "acme", "siteNumbers"], "VALUES"),
        (&["value-set", "set", "acme", "siteNumbers", "--file", &csv], "bad.csv: line 2: "),
        (&["value-set", "set", "acme", "siteNumbers", "--file", "none.csv"], "cannot open none.csv"),
    ] {
        let error = installation.refuse(arguments);
        assert!(error.contains(word), "{arguments:?}: {error}");
    }
}

/// Checking a file needs no installation and makes none.
#[test]
fn a_profile_file_is_checked_where_it_stands() {
    let dir = tempfile::tempdir().unwrap();
    let check = |text: &str| {
        std::fs::write(dir.path().join("p.toml"), text).unwrap();
        plain_command(dir.path()).args(["profile", "check", "p.toml"]).output().unwrap()
    };
    let good = check(BADGES);
    assert!(good.status.success());
    let told = String::from_utf8(good.stdout).unwrap();
    assert!(
        told.starts_with("p.toml: badges 1 (Badges): ") && told.contains("1 value set; 1 example as said"),
        "{told}"
    );
    let bad = check(&BADGES.replace("valid = true", "valid = false\npath = \"title\""));
    assert_eq!(bad.status.code(), Some(1));
    let told = String::from_utf8(bad.stderr).unwrap();
    assert!(told.contains("p.toml: line ") && told.contains("is taken; it should be refused"), "{told}");
    let entries = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(entries.collect::<Vec<_>>(), [Path::new("p.toml").as_os_str()]);
}
