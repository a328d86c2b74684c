//! The first installation on PostgreSQL, in the order in which `docs/deploy.md` has its steps.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use regex::Regex;
use sea_orm::ConnectionTrait as _;
use serde_json::json;

use super::{read, root};
use crate::{
    faults::servers::Postgres,
    harness::{Database, Installation, Scim},
};

/// The statements of the document's one block of SQL, and the URLs that its secrets hold: the nodes' and the owner's.
fn documented() -> (Vec<String>, [String; 2]) {
    let text = read(&root().join("docs/deploy.md"));
    let (_, sql) = text.split_once("```sql\n").unwrap();
    let (sql, _) = sql.split_once("```").unwrap();
    let plain: String = sql.lines().filter(|line| !line.starts_with("--")).collect();
    let statements = plain.split(';').filter(|statement| !statement.trim().is_empty()).map(str::to_owned);
    let url = Regex::new(r"database-url='(postgres://[^']+)'").unwrap();
    let urls: Vec<String> = url.captures_iter(&text).map(|url| url[1].to_owned()).collect();
    (statements.collect(), urls.try_into().unwrap())
}

#[tokio::test]
async fn the_first_installation_works_in_the_written_order() {
    let (statements, [nodes, owner]) = documented();
    assert_eq!(statements.len(), 5, "{statements:?}");
    // By a superuser, or by whom a provider of databases gives instead.
    for administrator in ["postgres", "administrator"] {
        let (server, _) = Postgres::start(None).await;
        let address = server.url();
        let authority = address.split(['@', '/']).nth(3).unwrap();
        let superuser = sea_orm::Database::connect(&address).await.unwrap();
        superuser.execute_unprepared("CREATE ROLE administrator LOGIN CREATEROLE CREATEDB").await.unwrap();
        let database = sea_orm::Database::connect(address.replace("postgres@", &format!("{administrator}@")))
            .await
            .unwrap();
        for statement in &statements {
            database
                .execute_unprepared(statement)
                .await
                .unwrap_or_else(|error| panic!("{statement}: {error}"));
        }
        let at = |url: &str| url.replace("@postgres/", &format!("@{authority}/"));
        let mut installation = Installation::new(Database::Sqlite).await;
        installation.set("ROLLCALL_DATABASE_URL", Some(&at(&nodes)));
        // The Job, which has no master key.
        installation.set("ROLLCALL_MIGRATE_DATABASE_URL", Some(&at(&owner)));
        assert!(!installation.run(&["migrate"]).is_empty());
        // The nodes, which have no owner.
        installation.set("ROLLCALL_MIGRATE_DATABASE_URL", None);
        installation.set("ROLLCALL_MASTER_KEY", Some(&BASE64_STANDARD.encode([7_u8; 32])));
        let node = installation.serve_with(&["--no-migrate"]).await;
        let scim = Scim::new(node.base_url("acme"), installation.tenant("acme", "generic"));
        scim.create("/Users", json!({"userName": "ann@acme.example"})).await;
        let doctor = installation.run(&["doctor"]);
        assert!(doctor.contains("row-level checks hold") && !doctor.contains('✗'), "{doctor}");
        for connection in [superuser, database] {
            connection.close().await.unwrap();
        }
    }
}
