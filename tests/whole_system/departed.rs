//! Users whose retention is over while a server runs.

use sea_orm::{ConnectionTrait, DatabaseConnection};
use serde_json::json;

use crate::harness::{Installation, PATIENCE, Scim, eventually, on_both_databases};

on_both_databases!(a_server_purges_at_its_start);

const PROFILE: &str = r#"
name = "short"
title = "Short memory"
summary = "Forgets people a day after they were deleted."
version = 1
credentials = ["bearer"]
base-path = "/scim/v2"

[policies]
delete = "soft-delete"
retention-days = 1
"#;

async fn names(db: &DatabaseConnection, sql: &str) -> Vec<String> {
    let rows =
        db.query_all_raw(sea_orm::Statement::from_string(db.get_database_backend(), sql)).await.unwrap();
    rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
}

async fn a_server_purges_at_its_start(installation: Installation) {
    let file = installation.dir.path().join("short.toml");
    std::fs::write(&file, PROFILE).unwrap();
    let server = installation.serve().await;
    let file = file.display().to_string();
    installation.run(&["tenant", "create", "acme", "--profile-file", &file, "--activate"]);
    let token = installation.run(&["token", "create", "acme", "--name", "Okta", "--expires-in", "1y"]);
    let okta = Scim::new(server.base_url("acme"), format!("Bearer {token}"));
    for name in ["long-gone@example.com", "just-gone@example.com"] {
        let id = okta.create("/Users", json!({"userName": name})).await;
        assert_eq!(okta.send("DELETE", &format!("/Users/{id}"), None).await.0, 204);
    }
    okta.create("/Users", json!({"userName": "here@example.com"})).await;
    assert!(server.terminate().await.0.success());

    // Two days pass for one of them.
    let db = installation.database().await;
    let age =
        "UPDATE users SET deleted_at = deleted_at - 172800000 WHERE user_name = 'long-gone@example.com'";
    db.execute_unprepared(age).await.unwrap();
    let server = installation.serve().await;
    let left = "SELECT user_name FROM users ORDER BY user_name";
    eventually(PATIENCE, "the purge", || async { names(&db, left).await.len() == 2 }).await;
    assert_eq!(names(&db, left).await, ["here@example.com", "just-gone@example.com"]);
    let told = "SELECT a.event FROM audit a WHERE a.actor_kind = 'system' AND a.object_type = 'User'";
    assert_eq!(names(&db, told).await, ["user.purged"]);
    let kept = "SELECT p.body FROM payloads p WHERE p.body LIKE '%long-gone%'";
    assert_eq!(names(&db, kept).await, [""; 0]);
    db.close().await.unwrap();
    // A server that has purged stops as fast as any other.
    assert!(server.terminate().await.0.success());
}
