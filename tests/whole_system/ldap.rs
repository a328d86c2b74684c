//! A directory with people in it comes before the first user: they are imported by the real program, are not written to for
//! that, and what somebody changes behind its back is found. `tests/long ldap` takes more of them.

use std::{
    collections::BTreeMap,
    process::Stdio,
    time::{Duration, Instant},
};

use directory_testing::{Attributes, BASE, Directory, ldif};
use serde_json::{Value, json};
use store_testing::{Dice, Trial};

use crate::{
    api::{Program, program},
    harness::{Installation, eventually, on_both_databases},
};

on_both_databases!(who_is_in_a_directory_comes_in);

/// Entries of a run.
const VARIABLE: &str = "ROLLCALL_LONG_LDAP";
/// Longest time that anything here may take.
const LONGEST: Duration = Duration::from_secs(1_800);

/// An entry of somebody.
struct Person {
    uid: String,
    attributes: Vec<(&'static str, String)>,
}

impl Person {
    fn new(dice: &mut Dice, number: usize) -> Self {
        let uid = format!("E{number:06}");
        let (given, family) = (
            dice.word(&["Ann", "Bo", "Cy", "Dee", "Eli"]),
            format!("{}{number}", dice.word(&["Lee", "O'Neil", "Smith"])),
        );
        let mut attributes = vec![
            ("objectClass", "empRecord".to_owned()),
            ("uid", uid.clone()),
            ("cn", format!("{given} {family}")),
            ("sn", family.clone()),
            ("givenName", given.to_owned()),
            ("displayName", format!("{family}, {given}")),
            ("empStatus", if dice.chance(90) { "ACTIVE" } else { "INACTIVE" }.to_owned()),
        ];
        for mail in 0..dice.below(3) {
            attributes.push(("mail", format!("{uid}.{mail}@x.example")));
        }
        for template in 0..dice.below(4) {
            attributes.push(("empTemplate", format!("T{template}00")));
        }
        if dice.chance(50) {
            attributes.push(("title", dice.word(&["RN", "MD"]).to_owned()));
        }
        Self { uid, attributes }
    }

    fn dn(&self) -> String {
        format!("uid={},{BASE}", self.uid)
    }

    fn ldif(&self) -> String {
        let attributes: Vec<(&str, &str)> =
            self.attributes.iter().map(|(name, value)| (*name, value.as_str())).collect();
        ldif(&self.dn(), &attributes)
    }
}

#[allow(clippy::print_stdout, reason = "the figures are what the trial is for")]
async fn who_is_in_a_directory_comes_in(mut installation: Installation) {
    let trial = Trial::new("ldap", VARIABLE, 300);
    let people: Vec<Person> = {
        let mut dice = Dice::new(trial.seed);
        (0..trial.cases).map(|number| Person::new(&mut dice, number)).collect()
    };
    let count = people.len();
    let kind = if installation.is_sqlite() { "SQLite" } else { "PostgreSQL" };
    installation.set("ROLLCALL_EGRESS_ALLOW", Some("127.0.0.0/8"));
    installation.run(&["migrate"]);
    installation.tenant("acme", "epic-emp");
    let token = installation.run(&["token", "create", "--platform", "--name", "Operator"]);
    let directory = Directory::start_with(&people.iter().map(Person::ldif).collect::<String>()).await;
    let untouched = directory.writes().await;
    assert_eq!(untouched.len(), count);
    let server = installation.serve().await;
    let operator = program(&server, &token);
    let (status, made) =
        operator.send("POST", "/tenants/acme/destinations", Some(destination(&directory))).await;
    assert_eq!(status, 201, "{made}");
    assert!(!made.to_string().contains("sesame"), "{made}");
    let path = format!("/destinations/{}", made["destination"]["id"].as_str().unwrap());
    let (status, test) = operator.send("POST", &format!("{path}/test"), Some(json!({}))).await;
    assert_eq!((status, &test["taken"]), (200, &json!(true)), "{test}");

    let tried = import(&installation, &["--dry-run"]);
    assert_eq!((&tried["created"], &tried["dryRun"]), (&json!(count), &json!(true)), "{tried}");
    assert_eq!(installation.made().await, [0, 0, 0]);
    stopped_half_way(&installation).await;
    let before = installation.made().await[0];
    let begun = Instant::now();
    let report = import(&installation, &[]);
    let took = begun.elapsed();
    let rest = i64::try_from(count).unwrap() - before;
    assert_eq!((&report["created"], &report["linked"]), (&json!(rest), &json!(before)), "{report}");
    println!("{kind}: {rest} of {count} entries made users in {:.1} s", took.as_secs_f64());
    let begun = Instant::now();
    let again = import(&installation, &[]);
    assert_eq!(
        (&again["created"], &again["linked"], &again["findings"]),
        (&json!(0), &json!(count), &json!([]))
    );
    println!("{kind}: compared again in {:.1} s", begun.elapsed().as_secs_f64());
    // Everybody once: nothing was done twice.
    assert_eq!(installation.made().await, [count as i64; 3]);

    // Their events come to the directory, and change nothing.
    let waited = eventually(LONGEST, "all events are taken", || is_idle(&operator, &path, count)).await;
    println!("{kind}: their events taken {:.1} s later", waited.as_secs_f64());
    assert_eq!(directory.writes().await, untouched);
    let clean = reconcile(&installation, true);
    assert_eq!(
        (&clean["users"], &clean["entries"], &clean["agreeing"]),
        (&json!(count), &json!(count), &json!(count))
    );

    let planted = plant(&directory, &people).await;
    let entries = directory.entries().await;
    let found = reconcile(&installation, false);
    assert_eq!(found_in(&found), planted);
    assert_eq!(planted.len(), 20);
    assert_eq!(directory.entries().await, entries, "nothing is mended by looking");
    // Nor by importing: what differs is told, and nobody is overwritten.
    let report = import(&installation, &[]);
    assert_eq!((&report["created"], &report["conflicts"]), (&json!(4), &json!(15)), "{}", report["findings"]);
    assert_eq!(directory.entries().await, entries);

    // What somebody wrote there is shown to whoever looks, and not done by the terminal.
    let attributes: [(&str, &[&str]); 5] = [
        ("objectClass", &["empRecord"]),
        ("uid", &["ODD"]),
        ("cn", &["odd"]),
        ("sn", &["odd"]),
        ("empStatus", &["\u{1b}[2J\u{202e}\nuid=x: all is well"]),
    ];
    directory.add(&format!("uid=ODD,{BASE}"), &attributes).await;
    let output = installation.command(&["ldap", "import", "acme", "Epic EMP"]).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("\\u{1b}[2J\\u{202e}\\nuid=x: all is well"), "{told}");
    assert!(
        !told.contains(['\u{1b}', '\u{202e}']) && !told.lines().any(|line| line.starts_with("uid=x:")),
        "{told:?}"
    );
}

/// The document's example, for this directory, but that nothing is to be written to entries that are there.
fn destination(directory: &Directory) -> Value {
    let document = include_str!("../../docs/ldap.md");
    let text = document.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
    let mut body: Value = serde_json::from_str(text).unwrap();
    body["url"] = directory.ldaps().into();
    body["ldap"]["ca"] = directory.ca().into();
    body["ldap"]["attributes"].as_object_mut().unwrap().remove("rollcallId");
    body
}

/// Runs `rollcall ldap import`; gives what it wrote.
fn import(installation: &Installation, more: &[&str]) -> Value {
    told(installation, &[&["ldap", "import", "acme", "Epic EMP"], more].concat()).1
}

/// Runs `rollcall ldap reconcile`, which finds something or not; gives what it wrote.
fn reconcile(installation: &Installation, is_clean: bool) -> Value {
    let (succeeds, found) = told(installation, &["ldap", "reconcile", "acme", "Epic EMP"]);
    assert_eq!(succeeds, is_clean, "{found}");
    found
}

fn told(installation: &Installation, arguments: &[&str]) -> (bool, Value) {
    let file = installation.dir.path().join("found.json");
    let file = file.to_str().unwrap();
    let output = installation.command(&[arguments, &["--json", file]].concat()).output().unwrap();
    let written = std::fs::read_to_string(file)
        .unwrap_or_else(|_| panic!("{arguments:?}: {}", crate::harness::describe(&output)));
    std::fs::remove_file(file).unwrap();
    (output.status.success(), serde_json::from_str(&written).unwrap())
}

/// An import that is killed as soon as it has made somebody.
async fn stopped_half_way(installation: &Installation) {
    let mut command = installation.command(&["ldap", "import", "acme", "Epic EMP"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    while installation.made().await[0] == 0 {
        assert!(begun.elapsed() < LONGEST, "nobody is made");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

async fn is_idle(operator: &Program, path: &str, count: usize) -> bool {
    let (status, destination) = operator.get(path).await;
    assert_eq!(status, 200, "{destination}");
    let (_, last) = operator.get("/tenants/acme/events?types=user.created&after=0&limit=1").await;
    let begun = last["events"][0]["position"].as_i64().unwrap_or(i64::MAX);
    let reached = destination["position"].as_i64().unwrap_or_default();
    assert_eq!(destination["problem"], Value::Null, "{destination}");
    destination["waiting"] == 0 && reached - begun >= i64::try_from(count).unwrap() - 1
}

/// What somebody does to a directory: 20 things of five kinds, by kind and name.
async fn plant(directory: &Directory, people: &[Person]) -> BTreeMap<String, &'static str> {
    let mut planted = BTreeMap::new();
    let (gone, others) = people.split_at(4);
    for person in gone {
        directory.delete(&person.dn()).await;
        planted.insert(person.uid.clone(), "usersWithoutEntry");
    }
    for number in 0..4 {
        let uid = format!("NEW{number}");
        let dn = format!("uid={uid},{BASE}");
        let own: &[&str] = &[&uid];
        let attributes = [
            ("objectClass", &["empRecord"][..]),
            ("uid", own),
            ("cn", own),
            ("sn", own),
            ("empStatus", &["ACTIVE"][..]),
        ];
        directory.add(&dn, &attributes).await;
        planted.insert(dn, "entriesWithoutUser");
    }
    for (at, person) in others.iter().take(12).enumerate() {
        let dn = person.dn();
        let entry: Attributes = directory.entry(&dn).await.unwrap();
        match at {
            0..5 => {
                let (attribute, value) =
                    [("title", "other"), ("mail", "other@x.example"), ("empTemplate", "T999")][at % 3];
                directory.set(&dn, attribute, &[value]).await;
                planted.insert(dn, "attributes");
            }
            5..9 => {
                let other = if entry["empStatus"] == ["ACTIVE"] { "INACTIVE" } else { "ACTIVE" };
                directory.set(&dn, "empStatus", &[other]).await;
                planted.insert(dn, "active");
            }
            _ => {
                let own: &[&str] = &[&person.uid];
                let attributes =
                    [("objectClass", &["empRecord"][..]), ("cn", own), ("sn", own), ("uid", own)];
                directory.add(&format!("cn={},{BASE}", person.uid), &attributes).await;
                planted.insert(dn, "severalEntries");
            }
        }
    }
    planted
}

/// What a report tells, by kind and name.
fn found_in(report: &Value) -> BTreeMap<String, &'static str> {
    let mut found = BTreeMap::new();
    for (kind, name) in [
        ("entriesWithoutUser", "/dn"),
        ("usersWithoutEntry", "/userName"),
        ("attributes", "/dn"),
        ("active", "/dn"),
    ] {
        for one in report[kind].as_array().unwrap() {
            found.insert(one.pointer(name).unwrap().as_str().unwrap().to_owned(), kind);
            if let Some(differences) = one["differences"].as_array() {
                assert_eq!(differences.len(), 1, "{one}");
                assert_ne!(differences[0]["wanted"], differences[0]["found"]);
            }
        }
    }
    for several in report["severalEntries"].as_array().unwrap() {
        let names = several["dns"].as_array().unwrap();
        assert_eq!(names.len(), 2, "{several}");
        let by_uid = names.iter().find(|name| name.as_str().unwrap().starts_with("uid=")).unwrap();
        found.insert(by_uid.as_str().unwrap().to_owned(), "severalEntries");
    }
    found
}
