//! Configuration as code: files are planned, applied, applied again and written back, beside a running server; and the file of
//! `docs/configuration.md` is one of them.

use std::{path::Path, time::Duration};

use serde_json::{Value, json};

use crate::harness::{Database, Installation, Scim, describe, eventually, on_both_databases};

on_both_databases!(
    the_file_of_the_guide,
    all_profiles_go_round,
    what_is_not_taken_any_more_goes_round,
    a_webhook_changes_as_a_whole
);

/// The contract's limit for a change to hold in every running node.
const WITHIN: Duration = Duration::from_secs(1);

const KEY: &str = "ACME_APP_KEY";

/// Writes a file of the test; gives its path.
fn file(installation: &Installation, name: &str, text: &str) -> String {
    let path = installation.dir.path().join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

/// Runs a command that ends with this code; gives stdout and stderr.
fn ends_with(installation: &Installation, code: i32, arguments: &[&str]) -> (String, String) {
    let output = installation.command(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(code), "rollcall {arguments:?}: {}", describe(&output));
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr))
}

/// The only block of a page that begins so.
fn block(page: &str, fence: &str) -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(page);
    let text = std::fs::read_to_string(page).unwrap();
    let (_, rest) = text.split_once(&format!("```{fence}\n")).unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

fn profile(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scim-core/profiles");
    std::fs::read_to_string(folder.join(format!("{name}.toml"))).unwrap()
}

async fn the_file_of_the_guide(mut installation: Installation) {
    let text = block("configuration.md", "toml");
    file(
        &installation,
        "clinic-profile.toml",
        &profile("clinical-maestro").replace("version = ", "version = 1"),
    );
    let path = file(&installation, "acme.toml", &text);
    let server = installation.serve().await;

    // A new header needs its value.
    let (_, told) = ends_with(&installation, 1, &["apply", &path, "--plan"]);
    assert!(told.contains("acme.toml: line 28, column 25: ") && told.contains(KEY), "{told}");
    installation.set(KEY, Some("the first key"));
    let (told, _) = ends_with(&installation, 2, &["apply", &path, "--plan"]);
    for line in [
        "+ tenant acme",
        "    + organization: East",
        "    + value-sets.roles: Nurse, Buyer (Buys what is needed)",
    ] {
        assert!(told.lines().any(|told| told == line), "{line:?} in {told}");
    }
    assert!(
        told.ends_with("3 to create, 0 to change, 0 to remove\n") && !told.contains("the first key"),
        "{told}"
    );
    assert!(told.contains("    + headers.X-Api-Key: (from env ACME_APP_KEY)\n"), "{told}");
    let (_, told) = ends_with(&installation, 1, &["apply", &path]);
    assert!(told.contains("say --yes"), "{told}");
    assert_eq!(installation.json(&["tenant", "list", "--json"]), json!([]), "a plan makes nothing");

    let told = installation.run(&["apply", &path, "--yes"]);
    assert!(
        told.contains("tenant acme created") && told.contains("secret, shown only now: whsec_"),
        "{told}"
    );
    assert_eq!(installation.run(&["apply", &path, "--yes"]), "nothing to do");
    ends_with(&installation, 0, &["apply", &path, "--plan"]);
    let acme = installation.json(&["tenant", "list", "--json"])[0].clone();
    for (field, value) in [
        ("name", json!("Acme Clinic")),
        ("status", json!("active")),
        ("organization", json!("East")),
        ("rate_limit", json!(50)),
        ("max_token_lifetime", json!("1y")),
        ("properties", json!({"authentication": "WS Trust", "domain-type": "Simple"})),
    ] {
        assert_eq!(acme[field], value, "{field}");
    }

    // It holds in the server that runs, and so does a change of it, with the roles that follow.
    let token = installation.run(&["token", "create", "acme", "--name", "Okta"]);
    let scim = Scim::new(server.base_url("acme"), format!("Bearer {token}"));
    eventually(WITHIN, "a new tenant", || async { scim.get("/Users").await.0 == 200 }).await;
    let person = |name: &str| json!({"userName": name, "emails": [{"value": name}], "name": {"givenName": "Ann", "familyName": "Lee"}});
    let ann = scim.create("/Users", person("ann@acme.example")).await;
    scim.create("/Groups", json!({"displayName": "Ward_Nurse", "members": [{"value": ann}]})).await;
    let own = file(&installation, "own.toml", &profile("envi").replace("\"Envi_\"", "\"Ward_\""));
    let changed = text
        .replace(
            "profile = \"envi\"                       # one that ships",
            &format!("profile = {{ file = '{own}' }}"),
        )
        .replace("rate-limit = 50", "rate-limit = 0")
        .replace("[\"East\", \"West\"]", "[\"East\", \"North\"]")
        .replace("active = true", "active = true\nprune = true")
        .replace("authentication = \"WS Trust\"\n", "");
    let path = file(&installation, "acme.toml", &changed);
    installation.set(KEY, Some("another key"));
    let (told, _) = ends_with(&installation, 2, &["apply", &path, "--plan"]);
    for line in [
        "~ tenant acme",
        "    - properties.authentication: WS Trust",
        "    - rate-limit: 50",
        "    ~ value-sets.organizations:",
        "        - West",
        "        + North",
        "      role Nurse: 1 gain it, 0 lose it",
        "~ destination Our application of acme",
        "    ~ headers.X-Api-Key: (given) → (another one, from env ACME_APP_KEY)",
    ] {
        assert!(told.lines().any(|told| told == line), "{line:?} in {told}");
    }
    assert!(told.contains("+ ") && told.contains("prefix = \"Ward_\""), "the lines of the profile: {told}");
    let report: Value =
        serde_json::from_str(&ends_with(&installation, 2, &["apply", &path, "--plan", "--json"]).0).unwrap();
    assert_eq!((&report["create"], &report["change"]), (&json!(0), &json!(2)));
    let fields = report["changes"][0]["fields"].as_array().unwrap();
    let rate = json!({"field": "rate-limit", "before": 50, "after": null});
    assert!(fields.contains(&rate), "{fields:?}");
    let report = installation.json(&["apply", &path, "--yes", "--json"]);
    assert_eq!(report["applied"][0], json!({"what": "tenant acme", "done": "changed", "grants_added": 1}));
    assert_eq!(installation.run(&["apply", &path, "--yes"]), "nothing to do");
    let roles = installation.json(&["user", "show", "acme", "ann@acme.example", "--json"])["roles"].clone();
    assert_eq!(roles[0]["role"], "Nurse", "{roles}");
    let posted =
        || async { scim.send("POST", "/Groups", Some(json!({"displayName": "Ward_Buyer"}))).await.0 == 201 };
    eventually(WITHIN, "the changed tenant", posted).await;

    // Who knows no secrets can look at a plan, and what is there stays.
    installation.set(KEY, None);
    let (told, warned) = ends_with(&installation, 0, &["apply", &path, "--plan"]);
    assert!(told.contains("nothing to do") && warned.contains(KEY), "{told}{warned}");
    let trail = installation.run(&["audit", "--tenant", "acme"]);
    for name in [
        "schema.profile-updated",
        "schema.value-set-updated",
        "tenant.updated",
        "destination.updated",
        "command line",
    ] {
        assert!(trail.contains(name), "{name} in {trail}");
    }
    drop(server);
}

/// A tenant of each product, lists, destinations of each kind, and what the installation has, as a file, and from it.
async fn all_profiles_go_round(mut installation: Installation) {
    let mut text =
        "[[destination]]\nname = \"Everything\"\nurl = \"https://app.example.com/all\"\nactive = false\n"
            .to_owned();
    let known = ["generic", "epic-emp", "mdscripts", "clinical-maestro", "eptura-engage", "envi"];
    for name in known {
        text.push_str(&format!(
            "[[tenant]]\nslug = \"{name}\"\nname = \"The \\\"{name}\\\"\"\nprofile = \"{name}\"\n"
        ));
    }
    text.push_str(
        r#"[tenant.value-sets]
organizations = []
roles = ["a|b", { value = "c", label = "The c" }]
[[tenant]]
slug = "own"
compatibility = "strict"
rate-limit = 7
profile = { file = "own-profile.toml" }
[[tenant.destination]]
name = "Queue"
kind = "redis-stream"
url = "rediss://redis.example.com:6380/0"
stream = "rollcall"
max-len = 1000
groups = ["app"]
user = { file = "secret" }
password = { file = "secret" }
active = false
[[tenant.destination]]
name = "EMP"
kind = "ldap"
url = "ldaps://ldap.example.com"
password = { file = "secret" }
active = false
[tenant.destination.ldap]
bindDn = "cn=rollcall,dc=example"
baseDn = "ou=emp,dc=example"
dn = "uid={userName},ou=emp,dc=example"
objectClasses = ["inetOrgPerson"]
link = { attribute = "uid" }
attributes = { cn = "{userName}", mail = ["{emails.value}", "{userName}"] }
active = { attribute = "employeeType", inactive = "INACTIVE" }
"#,
    );
    // With what is awkward in a text: quotes of each kind, tabs, lines that end otherwise.
    let own = format!("{}\n# ''' and \"\"\" and \\d\t\u{e9}\r\n", profile("generic"));
    file(&installation, "own-profile.toml", &own);
    file(&installation, "secret", "open: 100%25 s%zz/@?#é1\n");
    let path = file(&installation, "all.toml", &text);
    installation.run(&["migrate"]);
    installation.run(&["apply", &path, "--yes"]);
    assert_eq!(installation.run(&["apply", &path, "--yes"]), "nothing to do");
    let written = file(&installation, "written.toml", "");
    installation.run(&["export", "--configuration", "--output", &written]);
    let exported = std::fs::read_to_string(&written).unwrap();
    assert!(!exported.contains("100%25"), "{exported}");
    for known in known {
        assert!(exported.contains(&format!("profile = \"{known}\"")), "{known} in {exported}");
    }
    assert_eq!(installation.run(&["apply", &written, "--yes"]), "nothing to do");
    assert_eq!(installation.run(&["export", "--configuration"]), exported.trim_end());
    assert!(installation.run(&["export", "--configuration", "own"]).contains("OWN__QUEUE__PASSWORD"));

    let kind = if installation.is_sqlite() { Database::Sqlite } else { Database::Postgres };
    let mut empty = Installation::new(kind).await;
    empty.run(&["migrate"]);
    let (_, told) = ends_with(&empty, 1, &["apply", &written, "--yes"]);
    assert!(
        told.contains("OWN__QUEUE__USER") && told.contains("OWN__EMP__PASSWORD") && told.contains("3 faults"),
        "{told}"
    );
    assert_eq!(empty.json(&["tenant", "list", "--json"]), json!([]), "nothing of it was applied");
    for name in ["OWN__QUEUE__PASSWORD", "OWN__EMP__PASSWORD", "OWN__QUEUE__USER"] {
        empty.set(name, Some("open: 100%25 s%zz/@?#é1"));
        installation.set(name, Some("open: 100%25 s%zz/@?#é1"));
    }
    empty.run(&["apply", &written, "--yes"]);
    assert_eq!(empty.run(&["export", "--configuration"]), exported.trim_end());
    // The secrets are those: they are compared.
    assert_eq!(installation.run(&["apply", &written, "--yes"]), "nothing to do");
}

/// A tenant of each product, in states that no door would make any more: an export of it says what is there, and is no change.
async fn what_is_not_taken_any_more_goes_round(installation: Installation) {
    installation.run(&["migrate"]);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scim-core/profiles");
    let known = ["generic", "epic-emp", "mdscripts", "clinical-maestro", "eptura-engage", "envi"];
    let generic = folder.join("generic.toml").display().to_string();
    let needy = profile("generic") + "\n[organization]\ntitle = \"Site\"\nrequired = true\n";
    let needy = file(&installation, "needy-profile.toml", &needy);
    let full = profile("generic")
        + "\n[[gate]]\nname = \"door\"\ntitle = \"Door\"\nvalues = [\"Wood\"]\nopens = [\"Wood\"]\n\
        [organization]\ntitle = \"Site\"\nvalue-set = \"places\"\n[[value-set]]\nname = \"places\"\ntitle = \"Places\"\n";
    file(&installation, "full-profile.toml", &full);
    let mut text = String::new();
    for name in known {
        text.push_str(&format!("[[tenant]]\nslug = \"{name}\"\nprofile = \"{name}\"\nactive = true\n"));
    }
    for slug in ["bare", "needy", "moved", "gone"] {
        text.push_str(&format!(
            "[[tenant]]\nslug = \"{slug}\"\nprofile = {{ file = \"full-profile.toml\" }}\nactive = true\norganization = \"East\"\n\
             [tenant.properties]\ndoor = \"Wood\"\n[tenant.value-sets]\nplaces = [\"East\", \"a (b)\"]\n"
        ));
    }
    text.push_str(
        "[[tenant.destination]]\nname = \"App\"\nurl = \"https://app.example.com/\"\n\
         [[destination]]\nname = \"App\"\nurl = \"https://app.example.com/\"\nevents = [\"*\"]\n",
    );
    let path = file(&installation, "all.toml", &text);
    installation.run(&["apply", &path, "--yes"]);
    installation.run(&["profile", "set", "gone", &generic]);
    installation.run(&["value-set", "set", "moved", "places", "West"]);
    installation.run(&["tenant", "set", "needy", "--organization", ""]);
    installation.run(&["profile", "set", "needy", &needy]);
    installation.run(&["value-set", "clear", "bare", "places"]);
    let written = file(&installation, "written.toml", "");
    let (_, told) = ends_with(&installation, 0, &["export", "--configuration", "--output", &written]);
    let exported = std::fs::read_to_string(&written).unwrap();
    for left in ["the property \"door\" of gone is left out", "the list \"places\" of gone is left out"] {
        assert!(
            exported.contains(&format!("# {left}: ")) && told.contains(left),
            "{left} in {told}{exported}"
        );
    }
    assert!(exported.contains("places = \"profile\"") && exported.contains("events = [\"*\"]"), "{exported}");
    let (plan, _) = ends_with(&installation, 0, &["apply", &written, "--plan"]);
    assert_eq!(plan, "nothing to do\n");

    // All of it stands there, so whatever somebody changes is seen, and taken back.
    installation.run(&["tenant", "set", "bare", "--rate-limit", "5", "--max-token-lifetime", "90d"]);
    installation.run(&["value-set", "set", "bare", "places", "North"]);
    let (plan, _) = ends_with(&installation, 2, &["apply", &written, "--plan"]);
    for line in ["    - max-token-lifetime: 90d", "    - rate-limit: 5", "    - value-sets.places: North"] {
        assert!(plan.lines().any(|told| told == line), "{line:?} in {plan}");
    }
    installation.run(&["apply", &written, "--yes"]);
    assert_eq!(installation.run(&["export", "--configuration"]), exported.trim_end());

    // Two of one name are no declaration's; the others are written all the same.
    let twice = ["destination", "create", "gone", "--name", "App", "--url", "https://app.example.com/"];
    installation.run(&twice);
    let (text, told) = ends_with(&installation, 0, &["export", "--configuration"]);
    assert!(told.contains("2 destinations of gone that are called \"App\" are left out"), "{told}");
    assert!(text.contains("slug = \"moved\"") && !text.contains("[[tenant.destination]]"), "{text}");
    let path = file(&installation, "twice.toml", &text);
    assert_eq!(installation.run(&["apply", &path, "--yes"]), "nothing to do");
}

/// The second of two changes of a destination is not done where the first was only looked at, and a bad secret keeps the rest of
/// the change from being done.
async fn a_webhook_changes_as_a_whole(mut installation: Installation) {
    installation.run(&["migrate"]);
    let declared = |rest: &str| {
        format!(
            "[[tenant]]\nslug = \"acme\"\nprofile = \"generic\"\n[[tenant.destination]]\nname = \"App\"\n\
             url = \"https://app.example.com/\"\nsecret = {{ env = \"APP_SECRET\" }}\n{rest}"
        )
    };
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    installation.set("APP_SECRET", Some(SECRET));
    installation.set("APP_KEY", Some("sesame"));
    let path = file(&installation, "acme.toml", &declared("headers = { X-A = { env = \"APP_KEY\" } }\n"));
    let report = installation.json(&["apply", &path, "--yes", "--json"]);
    assert_eq!(report["applied"].as_array().map(Vec::len), Some(2), "{report}");
    assert_eq!(report["not_applied"], json!([]));
    let report = installation.json(&["apply", &path, "--yes", "--json"]);
    assert_eq!((&report["applied"], &report["changes"]), (&json!([]), &json!([])));

    // Names of headers know no case.
    let path = file(&installation, "acme.toml", &declared("headers = { x-a = { env = \"APP_KEY\" } }\n"));
    assert_eq!(installation.run(&["apply", &path, "--yes"]), "nothing to do");

    // One that cannot sign is told before anything is done.
    installation.set("APP_SECRET", Some("too short"));
    let path = file(&installation, "acme.toml", &declared("target-seconds = 5\n"));
    let (_, told) = ends_with(&installation, 1, &["apply", &path, "--plan"]);
    assert!(told.contains("acme.toml: line 7, column 10: secret: a secret begins with whsec_"), "{told}");
    let (told, _) = ends_with(&installation, 1, &["apply", &path, "--plan", "--json"]);
    let fault = serde_json::from_str::<Value>(&told).unwrap()["faults"][0].clone();
    assert_eq!((&fault["file"], &fault["line"], &fault["column"]), (&json!(path), &json!(7), &json!(10)));
    assert_eq!(fault["path"], "tenant[0].destination[0].secret");
    assert!(fault["problem"].as_str().is_some_and(|problem| problem.starts_with("secret: ")), "{fault}");

    // Both in one change, so there is one entry for it.
    installation.set("APP_SECRET", Some("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"));
    let told = installation.run(&["apply", &path, "--yes"]);
    assert!(told.contains("~ secret: (given) → (another one, from env APP_SECRET)"), "{told}");
    let trail = installation.run(&["audit", "--tenant", "acme"]);
    assert_eq!(trail.matches("destination.updated").count(), 1, "{trail}");
    // A header goes to another server only where the plan says so.
    let elsewhere = declared("headers = { X-A = { env = \"APP_KEY\" } }\n")
        .replace("app.example.com", "other.example.com");
    let path = file(&installation, "acme.toml", &elsewhere);
    let (told, _) = ends_with(&installation, 2, &["apply", &path, "--plan"]);
    assert!(told.contains("~ headers.X-A: (given) → (the same one, from env APP_KEY)"), "{told}");
}

/// What a declaration may not reach, and what is no declaration.
#[tokio::test]
async fn a_declaration_reaches_what_lies_beside_it() {
    let installation = Installation::new(Database::Sqlite).await;
    installation.run(&["tenant", "create", "acme", "--profile", "generic"]);
    let folder = |name: &str| {
        let path = installation.dir.path().join(name);
        std::fs::create_dir_all(&path).unwrap();
        path.display().to_string()
    };
    let (declared, elsewhere) = (folder("declared"), folder("elsewhere"));
    file(&installation, "elsewhere/key", "sesame\n");
    file(&installation, "declared/key", "sesame\n");
    let app = |secret: &str| {
        format!(
            "[[tenant]]\nslug = \"acme\"\n[[tenant.destination]]\nname = \"App\"\nurl = \"https://app.example.com/\"\n\
             headers = {{ X-A = {secret} }}\n"
        )
    };
    let key = installation.dir.path().join("data/master.key").display().to_string();
    for (secret, told) in [
        ("{ env = \"ROLLCALL_DATA_DIR\" }", "ROLLCALL_DATA_DIR is a setting of Rollcall itself"),
        ("{ env = \"rollcall_master_key\" }", "is a setting of Rollcall itself"),
        (&format!("{{ file = '{key}' }}"), "belongs to Rollcall itself"),
        ("{ file = \"../data/master.key\" }", "belongs to Rollcall itself"),
        ("{ file = \"../elsewhere/key\" }", "lies outside of the folder of the declaration"),
        ("{ file = \"/dev/zero\" }", "lies outside of the folder of the declaration"),
        ("{ file = \"none\" }", "cannot be read"),
    ] {
        let path = file(&installation, "declared/app.toml", &app(secret));
        let (_, error) = ends_with(&installation, 1, &["apply", &path, "--plan"]);
        assert!(error.contains("line 6, column ") && error.contains(told), "{secret}: {told:?} in {error}");
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&key, installation.dir.path().join("declared/link")).unwrap();
        std::os::unix::fs::symlink("../elsewhere/key", installation.dir.path().join("declared/away"))
            .unwrap();
        for name in ["link", "away"] {
            let path = file(&installation, "declared/app.toml", &app(&format!("{{ file = \"{name}\" }}")));
            ends_with(&installation, 1, &["apply", &path, "--plan"]);
        }
    }
    let path = file(&installation, "declared/app.toml", &app("{ file = \"../elsewhere/key\" }"));
    let (told, _) = ends_with(&installation, 2, &["apply", &path, "--plan", "--allow-files", &elsewhere]);
    assert!(told.contains("+ headers.X-A: (from file ../elsewhere/key)"), "{told}");
    let (_, error) = ends_with(&installation, 1, &["apply", &path, "--plan", "--allow-files", "/dev"]);
    assert!(error.contains("lies outside"), "{error}");

    // Of a folder neither profiles nor the settings are declarations.
    file(&installation, "declared/own-profile.toml", &profile("generic"));
    file(
        &installation,
        "declared/app.toml",
        "[[tenant]]\nslug = \"acme\"\nprofile = { file = \"own-profile.toml\" }\n",
    );
    let settings = file(&installation, "declared/rollcall.toml", "rate_limit = 7\n");
    ends_with(&installation, 0, &["apply", &declared, "--plan", "--config", &settings]);
    let (_, error) = ends_with(&installation, 1, &["apply", &declared, "--plan"]);
    assert!(error.contains("declared/rollcall.toml: line 1, column 1: unknown field"), "{error}");

    // Nor is it written over what the settings are in.
    let export = ["export", "--configuration", "--config", &settings, "--output", &settings];
    let error = installation.refuse(&export);
    assert!(error.contains("is the file that the settings of this installation are in"), "{error}");
    assert_eq!(std::fs::read_to_string(&settings).unwrap(), "rate_limit = 7\n");
}

/// A plan makes nothing, and what is wrong with a command is no plan.
#[tokio::test]
async fn a_plan_makes_nothing() {
    let installation = Installation::new(Database::Sqlite).await;
    let path = file(&installation, "acme.toml", "[[tenant]]\nslug = \"acme\"\nprofile = \"generic\"\n");
    let (_, error) = ends_with(&installation, 1, &["apply", &path, "--plan"]);
    assert!(error.contains("there is no database "), "{error}");
    assert!(!installation.dir.path().join("data").exists(), "no folder, no database, no key");
    for arguments in
        [&["apply"][..], &["apply", &path, "--json"], &["apply", &path, "--plan", "--yes"], &["aply"]]
    {
        let (printed, error) = ends_with(&installation, 1, arguments);
        assert!(printed.is_empty() && error.contains("Usage: "), "{arguments:?}: {error}");
    }
    ends_with(&installation, 0, &["apply", "--help"]);
    ends_with(&installation, 0, &["--version"]);
    // Neither is what comes by a pipe cut off somewhere.
    let mut command = installation.command(&["apply", "-", "--yes"]);
    let piped = std::process::Stdio::piped;
    let mut child = command.stdin(piped()).stdout(piped()).stderr(piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let long =
        format!("[[tenant]]\nslug = \"acme\"\nprofile = \"generic\"\n#{}", "x".repeat(16 * 1024 * 1024));
    let written = std::thread::spawn(move || std::io::Write::write_all(&mut stdin, long.as_bytes()));
    let output = child.wait_with_output().unwrap();
    drop(written.join().unwrap());
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("stdin: has more than 16777216 bytes"),
        "{}",
        describe(&output)
    );
    assert_eq!(output.status.code(), Some(1));
}

/// All of them are told at once, and nothing is done.
#[tokio::test]
async fn mistakes_are_told_with_their_place() {
    let installation = Installation::new(Database::Sqlite).await;
    installation.run(&["tenant", "create", "there", "--profile", "mdscripts"]);
    let head = "[[tenant]]\nslug = \"good\"\nprofile = \"envi\"\n[[tenant]]\nslug = \"acme\"\n";
    for (rest, told) in [
        ("colour = 1", "bad.toml: line 6, column 1: unknown field"),
        ("name = 3", "bad.toml: line 6, column 8: "),
        ("", "line 4, column 1: profile: a new tenant needs one"),
        ("profile = \"evni\"", "line 6, column 11: profile: there is no \"evni\""),
        ("profile = { file = \"none.toml\" }", "line 6, column 20: "),
        ("profile = { path = 1 }", "line 6, column 11: write the name of a profile"),
        (
            "[tenant.profile]\ntext = '''\nname = \"x\"\ncolour = 1\n'''",
            "bad.toml: line 9, column 1: unknown field",
        ),
        (
            "profile = \"envi\"\norganization = \"East\"\n[tenant.value-sets]\norganizations = [\"West\"]",
            "line 7, column 16: organization: \"East\"",
        ),
        (
            "profile = \"envi\"\n[tenant.value-sets]\nroles = [\n\"a\",\n\"A\"]",
            "line 10, column 1: value-sets.roles: value 2: ",
        ),
        (
            "profile = \"envi\"\n[tenant.value-sets]\nrolls = [\"a\"]",
            "line 8, column 9: value-sets.rolls: value set: ",
        ),
        ("profile = \"envi\"\n[tenant.properties]\ndomain-type = \"Odd\"", "line 8, column 15: "),
        ("profile = \"envi\"\nrate-limit = 1000000", "line 7, column 14: rate-limit: "),
        ("profile = \"envi\"\nmax-token-lifetime = \"20y\"", "line 7, column 22: max-token-lifetime: "),
        ("[[tenant]]\nslug = \"good\"", "line 7, column 8: slug: good is declared twice"),
        (
            "[[tenant]]\nslug = \"there\"\ncompatibility = \"strict\"",
            "line 8, column 17: compatibility: there is lenient",
        ),
        (
            "profile = \"envi\"\n[[tenant.destination]]\nname = \"App\"\nurl = \"https://10.1.2.3/\"",
            "line 9, column 7: url: ",
        ),
        (
            "profile = \"envi\"\n[[tenant.destination]]\nname = \"App\"\nurl = \"https://a.example/\"\nevents = [\"user.made\"]",
            "line 10, column 10: events: ",
        ),
        (
            "profile = \"envi\"\n[[tenant.destination]]\nname = \"App\"\nurl = \"https://a.example/\"\nsecret = \"whsec_x\"",
            "line 10, column 10: write { env",
        ),
        (
            "profile = \"envi\"\n[[tenant.destination]]\nname = \"App\"\nurl = \"https://a.example/\"\nstream = \"x\"",
            "line 10, column 10: stream: only",
        ),
        (
            "profile = \"envi\"\n[[destination]]\nname = \"App\"\nkind = \"ldap\"\nurl = \"ldaps://a.example\"",
            "line 9, column 8: kind: a directory is written the users of one tenant",
        ),
    ] {
        let path = file(&installation, "bad.toml", &format!("{head}{rest}\n"));
        let (printed, error) = ends_with(&installation, 1, &["apply", &path, "--yes"]);
        let is_told = error.lines().any(|line| line.contains(told));
        assert!(
            is_told && error.contains("nothing was applied: ") && printed.is_empty(),
            "{rest}: {told:?} in {error}"
        );
    }
    // Of one tenant as well, field by field, and of its destinations.
    let many = "profile = \"envi\"\nname = \" \"\nrate-limit = 1000000\nmax-token-lifetime = \"1y\"\norganization = \"East\"\n\
                [tenant.properties]\nDomain-Type = \"Simple\"\ndomain-type = \"Simple\"\n[tenant.value-sets]\n\
                organizations = [\"West\"]\nrolls = [\"a\"]\n[[tenant.destination]]\nname = \"App\"\nurl = \"https://10.1.2.3/\"\n\
                headers = { X-A = { env = \"A\" }, x-a = { env = \"A\" } }\n";
    let there =
        format!("[[tenant]]\nslug = \"there\"\n{}", many.replace("\"envi\"", "{ file = \"envi.toml\" }"));
    file(&installation, "envi.toml", &profile("envi"));
    let path = file(&installation, "bad.toml", &there);
    let (_, error) = ends_with(&installation, 1, &["apply", &path, "--plan"]);
    assert!(error.contains("properties: Domain-Type and domain-type are the same name"), "{error}");
    assert!(
        error.contains("headers: X-A and x-a are the same name") && error.contains(": 2 faults"),
        "{error}"
    );
    let there = there.replace("domain-type = \"Simple\"\n", "").replace(", x-a = { env = \"A\" }", "");
    let path = file(&installation, "bad.toml", &there);
    let (_, error) = ends_with(&installation, 1, &["apply", &path, "--plan"]);
    for told in [
        "rolls: value set: ",
        "name: ",
        "organization: ",
        "rate-limit: ",
        "variable A is not set",
        ": 5 faults",
    ] {
        assert!(error.contains(told), "{told:?} in {error}");
    }
    let listed = installation.json(&["tenant", "list", "--json"]);
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
}
