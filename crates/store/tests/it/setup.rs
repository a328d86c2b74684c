//! Opening refuses what is not fit to serve, and says how to mend it.

use migrations::{Migrator, MigratorTrait as _};
use sea_orm::ConnectionTrait;
use store::{Backend, Store, StoreError, StoreOptions};
use store_testing::{TestStore, on_both};

use crate::{
    common::{connect, context, new_tenant, raw, run, tenant},
    login::Login,
};

/// How many migrations there are.
fn all() -> usize {
    Migrator::migrations().len()
}

async fn refused(options: &StoreOptions) -> String {
    match Store::open(options).await {
        Err(StoreError::Setup(text)) => text,
        Err(other) => panic!("another error: {other:?}"),
        Ok(_) => panic!("it opened"),
    }
}

/// Takes everything out of a test's database.
async fn empty(store: &TestStore) {
    let db = raw(store).await;
    if store.backend() == Backend::Postgres {
        run(&db, "DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT ALL ON SCHEMA public TO PUBLIC")
            .await;
    }
    db.close().await.unwrap();
}

on_both! {
    async fn an_empty_database_asks_for_migrations(store: TestStore) {
        let mut options = store.options().clone();
        if store.backend() == Backend::Sqlite {
            options.url = options.url.replace("rollcall.db", "made/on/the/way.db");
        }
        empty(&store).await;
        let text = refused(&options).await;
        assert!(text.contains("rollcall migrate"), "{text}");
        assert_eq!(Store::migrate(&options).await.unwrap().len(), all());
        Store::open(&options).await.unwrap().close().await;
    }

    async fn a_newer_database_is_refused(store: TestStore) {
        let db = raw(&store).await;
        run(&db, "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m99990101_000001_later', 0)").await;
        assert!(refused(store.options()).await.contains("newer version"));
        db.close().await.unwrap();
    }
}

/// Nodes, or commands beside a server, that start at once: one migrates, the others wait and find nothing to do.
async fn starts_at_once_migrate_once(options: &StoreOptions) {
    let (left, middle, right) =
        tokio::join!(Store::migrate(options), Store::migrate(options), Store::migrate(options));
    assert_eq!(left.unwrap().len() + middle.unwrap().len() + right.unwrap().len(), all());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_start_at_once_migrate_once_on_postgres() {
    let store = store_testing::postgres().await;
    empty(&store).await;
    starts_at_once_migrate_once(store.options()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_that_start_at_once_migrate_once_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("rollcall.db").display());
    starts_at_once_migrate_once(&StoreOptions::new(url)).await;
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("notes.txt");
    std::fs::write(&file, "these are only notes, though rather long ones".repeat(100)).unwrap();
    let text = refused(&StoreOptions::new(format!("sqlite://{}", file.display()))).await;
    assert!(text.contains("not a SQLite database"), "{text}");
    let text = refused(&StoreOptions::new(format!("sqlite://{}", folder.path().display()))).await;
    assert!(text.contains("cannot open"), "{text}");
}

#[tokio::test]
async fn missing_row_security_is_refused() {
    let store = store_testing::postgres().await;
    tenant(&store, "acme").await;
    let db = raw(&store).await;
    for (fault, mend, words) in [
        (
            "ALTER TABLE members NO FORCE ROW LEVEL SECURITY",
            "ALTER TABLE members FORCE ROW LEVEL SECURITY",
            "not forced on the table members",
        ),
        (
            "ALTER TABLE users DISABLE ROW LEVEL SECURITY",
            "ALTER TABLE users ENABLE ROW LEVEL SECURITY",
            "not forced on the table users",
        ),
        (
            "CREATE TABLE notes (tenant_id uuid); GRANT SELECT ON notes TO rollcall_app",
            "DROP TABLE notes",
            "not forced on the table notes",
        ),
        (
            "CREATE POLICY everybody ON profile_versions USING (true)",
            "DROP POLICY everybody ON profile_versions",
            "rows of profile_versions can be seen",
        ),
    ] {
        run(&db, fault).await;
        let text = refused(store.options()).await;
        assert!(text.contains(words), "{text}");
        run(&db, mend).await;
        Store::open(store.options()).await.unwrap().close().await;
    }
    db.close().await.unwrap();
}

#[tokio::test]
async fn only_logins_that_may_act_as_the_role_open() {
    let store = store_testing::postgres().await;
    for attributes in ["", "BYPASSRLS"] {
        let stranger = Login::create(&store, attributes).await;
        let text = refused(&stranger.options).await;
        assert!(text.contains("GRANT rollcall_app TO"), "{text}");
        stranger.drop(&store).await;
    }
    let reader = Login::create(&store, "BYPASSRLS").await;
    let db = raw(&store).await;
    run(&db, &format!("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {}", reader.name)).await;
    let text = refused(&reader.options).await;
    assert!(text.contains("GRANT rollcall_app TO"), "{text}");
    reader.drop(&store).await;

    let member = Login::create(&store, "IN ROLE rollcall_app").await;
    let node = Store::open(&member.options).await.unwrap();
    node.platform().create_tenant(&new_tenant("by-member"), &context()).await.unwrap();
    node.close().await;
    member.drop(&store).await;
    db.close().await.unwrap();
}

/// One URL for everything, its login being neither superuser nor ready made: it makes or is granted the role.
#[tokio::test]
async fn an_owner_without_superuser_rights_migrates_and_serves() {
    let store = store_testing::postgres().await;
    empty(&store).await;
    let owner = Login::create(&store, "CREATEROLE").await;
    assert_eq!(Store::migrate(&owner.options).await.unwrap().len(), all());
    let node = Store::open(&owner.options).await.unwrap();
    node.platform().create_tenant(&new_tenant("by-owner"), &context()).await.unwrap();
    assert_eq!(node.platform().tenants("", 0, 10).await.unwrap().total, 1);
    // The owner itself is bound too.
    let db = connect(&owner.options.url).await;
    let row = db
        .query_one_raw(sea_orm::Statement::from_string(
            sea_orm::DbBackend::Postgres,
            "SELECT count(*) AS n FROM profile_versions",
        ))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(row.try_get::<i64>("", "n").unwrap(), 0);
    db.close().await.unwrap();
    node.close().await;
    owner.drop(&store).await;
}
