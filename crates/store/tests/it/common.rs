//! What several modules need.

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbErr};
use store::{Actor, ActorKind, ChangeContext, Store, StoreError, TenantId, tenants::NewTenant};
use store_testing::TestStore;

/// Somebody who changes something.
pub(crate) fn context() -> ChangeContext {
    ChangeContext {
        actor: Actor { kind: ActorKind::Cli, id: String::new(), name: "root".into() },
        cause: "request-1".into(),
    }
}

/// A tenant to be made.
pub(crate) fn new_tenant(slug: &str) -> NewTenant {
    NewTenant {
        slug: slug.into(),
        name: format!("The {slug}"),
        profile_name: "generic".into(),
        profile: format!("name = \"{slug}\""),
        compatibility: "lenient".into(),
        activate: false,
    }
}

/// A tenant that exists.
pub(crate) async fn tenant(store: &Store, slug: &str) -> TenantId {
    store.platform().create_tenant(&new_tenant(slug), &context()).await.unwrap().id
}

/// Which attribute was taken?
pub(crate) fn conflict<T: std::fmt::Debug>(outcome: Result<T, StoreError>) -> &'static str {
    match outcome {
        Err(StoreError::Conflict { attribute }) => attribute,
        other => panic!("no conflict: {other:?}"),
    }
}

/// One raw connection with the rights of the URL's login.
pub(crate) async fn connect(url: &str) -> DatabaseConnection {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).min_connections(1).idle_timeout(None).max_lifetime(None);
    Database::connect(options).await.unwrap()
}

/// As [`connect`], to a test's database.
pub(crate) async fn raw(store: &TestStore) -> DatabaseConnection {
    connect(&store.options().url).await
}

/// Runs statements.
pub(crate) async fn run(db: &DatabaseConnection, sql: &str) {
    db.execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// PostgreSQL's SQLSTATE (SQLite's result code) of what a statement was refused with.
pub(crate) async fn refusal(db: &DatabaseConnection, sql: &str) -> String {
    match db.execute_unprepared(sql).await {
        Err(DbErr::Exec(sea_orm::RuntimeErr::SqlxError(cause))) => {
            cause.as_database_error().unwrap().code().unwrap_or_default().into_owned()
        }
        other => panic!("{sql}: {other:?}"),
    }
}
