//! How long the server takes for each page, with many tenants and many users in one. `tests/long console` takes the
//! figures; otherwise a small installation shows that all of it runs.

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use sea_orm::ConnectionTrait;
use serde_json::json;
use store_testing::Trial;

use super::world::World;
use crate::harness::{Database, Scim};

/// Users in one tenant; there is a tenant for each hundred.
const VARIABLE: &str = "ROLLCALL_LONG_CONSOLE";
const TRIES: usize = 15;
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// Addresses beyond the bare pages, below the tenant's own.
const ASKED: [(&str, &str); 19] = [
    ("search, start of a name", "/users?q=user09"),
    ("search, one person", "/users?q=user00042"),
    ("search, two words", "/users?q=given42+family42"),
    ("search, nobody", "/users?q=zzzz"),
    ("search, one letter", "/users?q=u"),
    ("search among the inactive", "/users?q=user09&status=inactive"),
    ("search inside", "/users?q=amily42&inside=1"),
    ("search inside, nobody", "/users?q=zzzz&inside=1"),
    ("filter, userName eq", "/users?filter=userName+eq+%22user00042%40northwind.example%22"),
    ("filter, emails.value eq", "/users?filter=emails.value+eq+%22user00042%40northwind.example%22"),
    ("filter, userName sw", "/users?filter=userName+sw+%22user09%22"),
    ("filter, name.familyName eq", "/users?filter=name.familyName+eq+%22Family42%22"),
    ("filter, not indexed, many fit", "/users?filter=name.givenName+co+%22ven4%22"),
    ("filter, not indexed, nobody fits", "/users?filter=title+eq+%22none%22"),
    ("inactive users", "/users?status=inactive"),
    ("deleted users", "/users?status=deleted"),
    ("users, last page", "/users?end=last"),
    ("groups, search", "/groups?q=Envi_M"),
    ("groups that give nothing", "/roles?show=none"),
];

#[tokio::test]
async fn pages_of_a_large_installation_on_sqlite() {
    pages_of_a_large_installation(Database::Sqlite).await;
}

#[tokio::test]
async fn pages_of_a_large_installation_on_postgres() {
    pages_of_a_large_installation(Database::Postgres).await;
}

#[allow(clippy::print_stdout, reason = "the figures are what the trial is for")]
async fn pages_of_a_large_installation(database: Database) {
    let trial = Trial::new("console", VARIABLE, 300);
    let users = trial.cases;
    let world = World::on(database).await;
    grow(&world, users).await;
    let console = world.console().await;
    let pages = world.pages().into_iter().map(|(name, url)| {
        let path = url.strip_prefix(&world.server.origin).map(str::to_owned).unwrap_or_default();
        (name, path)
    });
    let asked =
        ASKED.iter().map(|(name, path)| ((*name).to_owned(), format!("/console/tenants/northwind{path}")));
    let mut table = String::new();
    for (name, path) in pages.chain(asked) {
        let mut times = Vec::new();
        let mut bytes = 0;
        for _ in 0..TRIES {
            let begun = Instant::now();
            let answer = console.get(&path).await;
            let status = answer.status();
            bytes = answer.bytes().await.unwrap().len();
            times.push(begun.elapsed());
            assert!(status.is_success() || status.is_redirection(), "{path}: {status}");
        }
        times.sort_unstable();
        let [median, longest] = [times[TRIES / 2], times[TRIES - 1]].map(|time| time.as_secs_f64() * 1e3);
        let mark = if times[TRIES / 2] > Duration::from_millis(100) { "  over 100 ms" } else { "" };
        writeln!(table, "{median:8.1} {longest:8.1} {:8.1}  {name}{mark}", kilobytes(bytes)).unwrap();
    }
    println!(
        "{database:?}, {users} users in one tenant, {} tenants\n  median  longest       kB  page",
        users / 100
    );
    println!("{table}");
}

fn kilobytes(bytes: usize) -> f64 {
    f64::from(u32::try_from(bytes).unwrap()) / 1e3
}

/// Users by a CSV file, tenants by `/api/v1`, and a group of a tenth of the users.
async fn grow(world: &World, users: usize) {
    let mut csv = "userName,externalId,name.givenName,name.familyName,emails.value,active\n".to_owned();
    for number in 0..users {
        let active = number % 40 != 0;
        writeln!(
            csv,
            "user{number:05}@northwind.example,00u{number},Given{number},Family{number},user{number:05}@northwind.example,{active}"
        )
        .unwrap();
    }
    let file = world.installation.dir.path().join("users.csv");
    std::fs::write(&file, csv).unwrap();
    world.installation.run_long(&["import", "northwind", file.to_str().unwrap()]);
    let token = world.installation.run(&[
        "token",
        "create",
        "--platform",
        "--name",
        "Growth",
        "--scope",
        "admin:write",
        "--expires-in",
        "30d",
    ]);
    let vendor = Scim::new(format!("{}/api/v1", world.server.origin), format!("Bearer {token}"));
    for number in 0..users / 100 {
        let tenant = json!({"slug": format!("tenant-{number}"), "name": format!("Hospital {number}"), "profile": "generic"});
        let (status, answer) = vendor.send("POST", "/tenants", Some(tenant)).await;
        assert_eq!(status, 201, "{answer}");
    }
    if world.installation.database_url().starts_with("postgres") {
        // As autovacuum leaves it some minutes after an import.
        let database = world.installation.database().await;
        database.execute_unprepared("VACUUM ANALYZE").await.unwrap();
        database.close().await.unwrap();
    }
    let okta = world.okta();
    let mut members = Vec::new();
    let mut start = 1;
    while members.len() < users / 10 {
        let (status, page) =
            okta.get(&format!("/Users?startIndex={start}&count=1000&attributes=userName")).await;
        assert_eq!(status, 200, "{page}");
        let ids: Vec<_> =
            page["Resources"].as_array().unwrap().iter().map(|user| json!({"value": user["id"]})).collect();
        start += ids.len();
        members.extend(ids);
    }
    for number in 0..users.div_ceil(200) {
        let of = if number == 0 { members.clone() } else { Vec::new() };
        let group = json!({"schemas": [GROUP], "displayName": format!("Envi_Role{number}"), "members": of});
        okta.create("/Groups", group).await;
    }
}
