//! How many users a second come in, by `rollcall import` and by Bulk. `tests/long import` takes the figures, with an
//! optimised build and a database that keeps what it says; otherwise a small file shows that all of it runs, and that
//! nobody is lost or half there.

use std::{
    fmt::Write as _,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};
use store_testing::{Dice, Trial};

use crate::harness::{Installation, Scim, eventually, on_both_databases};

on_both_databases!(people_come_in_fast);

/// People of each import.
const VARIABLE: &str = "ROLLCALL_LONG_IMPORT";
/// Operations of a bulk request: as many as are taken.
const OPERATIONS: usize = 1_000;
/// Bulk requests that are on their way at once.
const CLIENTS: usize = 2;
/// Longest time that anything here may take.
const LONGEST: Duration = Duration::from_secs(3600);

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const BULK: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";

/// Somebody, as a directory describes people.
struct Person {
    name: String,
    number: usize,
    given: &'static str,
    family: String,
    active: bool,
    department: &'static str,
}

impl Person {
    fn new(dice: &mut Dice, number: usize) -> Self {
        let given = dice.word(&["Ann", "Bo", "Cy", "Dee", "Zoë", "李"]);
        let family = format!(
            "{}{}",
            dice.word(&["Lee", "O'Neil", "Smith", "Müller", "van der Berg"]),
            dice.below(5_000)
        );
        Self {
            name: format!("{}.{number:07}@northwind.example", dice.number() % 1_000_000),
            number,
            given,
            family,
            active: dice.chance(97),
            department: dice.word(&["ICU", "ER", "Ward 12", "Radiology"]),
        }
    }

    fn row(&self, file: &mut String) {
        let Self { name, number, given, family, active, department } = self;
        writeln!(
            file,
            "{name},00u{number},{given},{family},{given} {family},{name},work,'+1202555{:04},Nurse,{active},{department},E{number}",
            number % 10_000
        )
        .unwrap();
    }

    fn body(&self) -> Value {
        let Self { name, number, given, family, active, department } = self;
        json!({
            "schemas": [USER, ENTERPRISE],
            "userName": name,
            "externalId": format!("00u{number}"),
            "name": {"givenName": given, "familyName": family},
            "displayName": format!("{given} {family}"),
            "emails": [{"value": name, "type": "work", "primary": true}],
            "phoneNumbers": [{"value": format!("+1202555{:04}", number % 10_000), "primary": true}],
            "title": "Nurse",
            "active": active,
            ENTERPRISE: {"department": department, "employeeNumber": format!("E{number}")},
        })
    }
}

const HEADER: &str = "userName,externalId,name.givenName,name.familyName,displayName,emails.value,emails.type,\
     phoneNumbers.value,title,active,department,employeeNumber\n";

#[allow(clippy::print_stdout, reason = "the figures are what the trial is for")]
async fn people_come_in_fast(installation: Installation) {
    let trial = Trial::new("import", VARIABLE, 1_700);
    let people: Vec<Person> = {
        let mut dice = Dice::new(trial.seed);
        (0..trial.cases).map(|number| Person::new(&mut dice, number)).collect()
    };
    let kind = if installation.is_sqlite() { "SQLite" } else { "PostgreSQL" };
    installation.run(&["migrate"]);
    let by_bulk = installation.tenant("bulk", "generic");
    installation.tenant("file", "generic");
    let mut file = HEADER.to_owned();
    people.iter().for_each(|person| person.row(&mut file));
    std::fs::write(installation.dir.path().join("people.csv"), file).unwrap();

    let count = people.len();
    for (what, created, unchanged) in [("a new file", count, 0), ("the same file", 0, count)] {
        let (took, peak, told) = import(&installation);
        assert_eq!((&told["created"], &told["unchanged"]), (&json!(created), &json!(unchanged)), "{told}");
        println!("{kind}: {what}: {} users/s, {} MiB", rate(count, took), peak / 1024);
    }
    made(&installation, count).await;

    // A server that begins now numbers what the import has written.
    let server = installation.serve().await;
    let numbered = eventually(LONGEST, "numbers", || unnumbered_is_none(&installation)).await;
    println!("{kind}: the last of them is numbered {:.1} s after a server has begun", numbered.as_secs_f64());

    let client = Scim::new(server.base_url("bulk"), by_bulk);
    let requests: Vec<Value> = people.chunks(OPERATIONS).map(request).collect();
    let begun = Instant::now();
    let sent = (0..CLIENTS).map(|which| send(&client, requests.iter().skip(which).step_by(CLIENTS)));
    let sent: usize = futures::future::join_all(sent).await.into_iter().sum();
    let took = begun.elapsed();
    assert_eq!(sent, count);
    println!("{kind}: Bulk: {} users/s, {} MiB (the server)", rate(count, took), peak(&server.child) / 1024);
    let numbered = eventually(LONGEST, "numbers", || unnumbered_is_none(&installation)).await;
    println!("{kind}: the last of them is numbered {:.1} s later", numbered.as_secs_f64());
    made(&installation, 2 * count).await;
    let (status, page) = client.get("/Users?count=0").await;
    assert_eq!((status, &page["totalResults"]), (200, &json!(count)));
}

fn rate(count: usize, took: Duration) -> usize {
    (count as f64 / took.as_secs_f64()) as usize
}

/// Imports the file: how long that took, the most memory in KiB, and what is told of it.
fn import(installation: &Installation) -> (Duration, u64, Value) {
    let mut command = installation.command(&["import", "file", "people.csv", "--json"]);
    let (begun, mut most) = (Instant::now(), 0);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    while child.try_wait().unwrap().is_none() {
        most = most.max(peak(&child));
        std::thread::sleep(Duration::from_millis(2));
    }
    let took = begun.elapsed();
    let output = child.wait_with_output().unwrap();
    (took, most, serde_json::from_slice(&output.stdout).unwrap())
}

/// The most memory that a process has had so far, in KiB; 0 when it has ended.
fn peak(child: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse().ok()).unwrap_or_default()
}

fn request(people: &[Person]) -> Value {
    let operations = people.iter().map(
        |person| json!({"method": "POST", "path": "/Users", "bulkId": person.number.to_string(), "data": person.body()}),
    );
    json!({"schemas": [BULK], "Operations": operations.collect::<Vec<_>>()})
}

/// Sends requests one after the other; gives the number of users that were made.
async fn send(client: &Scim, requests: impl Iterator<Item = &Value>) -> usize {
    let mut made = 0;
    for request in requests {
        let (status, answer) = client.send("POST", "/Bulk", Some(request.clone())).await;
        assert_eq!(status, 200, "{answer}");
        let operations = answer["Operations"].as_array().unwrap();
        assert!(operations.iter().all(|operation| operation["status"] == "201"), "{answer}");
        made += operations.len();
    }
    made
}

/// So many users are there, each with an entry of the trail and an event.
async fn made(installation: &Installation, expected: usize) {
    for table in ["users", "audit WHERE event = 'user.created'", "outbox WHERE event = 'user.created'"] {
        let found = number(installation, &format!("SELECT COUNT(*) FROM {table}")).await;
        assert_eq!(usize::try_from(found).unwrap(), expected, "{table}");
    }
}

async fn unnumbered_is_none(installation: &Installation) -> bool {
    number(installation, "SELECT COUNT(*) FROM (SELECT 1 FROM audit WHERE seq IS NULL LIMIT 1) x").await == 0
}

async fn number(installation: &Installation, sql: &str) -> i64 {
    let database = installation.database().await;
    let statement = Statement::from_string(database.get_database_backend(), sql);
    let row = database.query_one_raw(statement).await.unwrap().unwrap();
    database.close().await.unwrap();
    row.try_get_by_index(0).unwrap()
}
