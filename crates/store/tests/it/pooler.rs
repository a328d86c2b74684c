//! PgBouncer between the store and PostgreSQL: what works through it, and what is refused.

use std::{
    net::{TcpListener, TcpStream},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, Statement,
    sqlx::postgres::{PgConnectOptions, PgPoolOptions},
};
use serde_json::json;
use store::{ListQuery, Pooler, Store, StoreError, StoreOptions, TenantId, partitions::Partitioning};
use store_testing::TestStore;
use url::Url;

use crate::{
    common::{context, new_tenant, raw, run},
    login::Login,
    support::user_state,
};

const TRANSACTION: &str = "pool_mode = transaction\ndefault_pool_size = 2\nmax_prepared_statements = 200";

/// A PgBouncer of the test's own, before the test's database.
struct Between {
    process: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Between {
    /// With these settings, for the test's superuser and these other logins.
    fn start(store: &TestStore, settings: &str, logins: &[&Login]) -> Self {
        let postgres = Url::parse(&store.options().url).unwrap();
        // PgBouncer does not run as root, and whom it runs as must read its files.
        let readable = std::fs::Permissions::from_mode(0o755);
        let folder = tempfile::Builder::new().permissions(readable).tempdir().unwrap();
        let users = folder.path().join("userlist.txt");
        let names = logins.iter().map(|login| &*login.name).chain([postgres.username()]);
        std::fs::write(&users, names.map(|name| format!("\"{name}\" \"pw\"\n")).collect::<String>()).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let ini = folder.path().join("pgbouncer.ini");
        let text = format!(
            "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = trust\nauth_file = {}\n{settings}\n",
            postgres.port().unwrap(),
            users.display(),
        );
        std::fs::write(&ini, text).unwrap();
        let mut command = Command::new(store_testing::pgbouncer());
        if std::fs::metadata("/proc/self").unwrap().uid() == 0 {
            command.args(["-u", "nobody"]);
        }
        let process = command.arg(&ini).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(start.elapsed() < Duration::from_secs(10), "PgBouncer does not answer");
            std::thread::sleep(Duration::from_millis(10));
        }
        Self { process, port, _folder: folder }
    }

    /// The way through it.
    fn through(&self, options: &StoreOptions) -> StoreOptions {
        let mut url = Url::parse(&options.url).unwrap();
        url.set_port(Some(self.port)).unwrap();
        StoreOptions { url: url.into(), ..options.clone() }
    }
}

impl Drop for Between {
    fn drop(&mut self) {
        let ended = self.process.kill().and_then(|()| self.process.wait());
        assert!(ended.is_ok() || std::thread::panicking(), "PgBouncer could not be ended");
    }
}

/// One connection through a pooler, past the store. PgBouncer refuses one of the parameters that sqlx sends of itself.
async fn past(options: &StoreOptions) -> DatabaseConnection {
    let server: PgConnectOptions = options.url.parse().unwrap();
    let pool = PgPoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
    pool.connect_with(server.extra_float_digits(None)).await.unwrap().into()
}

async fn number(db: &DatabaseConnection, sql: &str) -> i64 {
    let row = db.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await.unwrap().unwrap();
    row.try_get_by_index(0).unwrap()
}

fn refused<T>(outcome: Result<T, StoreError>) -> String {
    match outcome {
        Err(StoreError::Setup(text)) => text,
        Err(other) => panic!("another error: {other:?}"),
        Ok(_) => panic!("it was not refused"),
    }
}

/// Makes a user, finds it by its name and its id, and lists all users of the tenant: all are the tenant's own.
async fn use_store(store: &Store, tenant: TenantId, slug: &str, number: usize) {
    let scope = store.tenant(tenant);
    let made = scope
        .create_user(&user_state(json!({"userName": format!("{slug}-{number}")})), &context())
        .await
        .unwrap();
    assert!(scope.user(made.id, true).await.unwrap().is_some());
    let page = scope.users(&ListQuery { limit: 1000, ..ListQuery::default() }).await.unwrap();
    assert!(!page.items.is_empty());
    for user in page.items {
        assert!(user.user_name.starts_with(slug), "{slug} sees {}", user.user_name);
    }
}

/// Twelve connections on two of PostgreSQL's, which two tenants use by turns.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_transaction_mode_tenants_are_kept_apart() {
    let store = store_testing::postgres().await;
    let login = Login::create(&store, "IN ROLE rollcall_app").await;
    // With room for three statements, most are prepared again and again.
    for settings in [TRANSACTION, &TRANSACTION.replace("200", "3")] {
        let between = Between::start(&store, settings, &[&login]);
        let options = StoreOptions { max_connections: 12, ..between.through(&login.options) };
        let node = Store::open(&options).await.unwrap();
        assert_eq!(node.pooler(), Some(Pooler::Transaction));
        let mut tenants = Vec::new();
        for slug in ["ann", "bob"] {
            let slug = format!("{slug}{}", between.port);
            let tenant = node.platform().create_tenant(&new_tenant(&slug), &context()).await.unwrap();
            tenants.push((tenant.id, slug));
        }
        let mut tasks = tokio::task::JoinSet::new();
        for task in 0..24 {
            let (node, (tenant, slug)) = (node.clone(), tenants[task % 2].clone());
            tasks.spawn(async move {
                for turn in 0..8 {
                    use_store(&node, tenant, &slug, task * 100 + turn).await;
                }
            });
        }
        while let Some(outcome) = tasks.join_next().await {
            outcome.unwrap();
        }

        let db = raw(&store).await;
        let used = format!("SELECT count(*) FROM pg_stat_activity WHERE usename = '{}'", login.name);
        assert_eq!(number(&db, &used).await, 2);
        db.close().await.unwrap();
        // Whoever names no tenant sees nothing on either, and whoever names one sees its rows alone.
        let connections = [past(&options).await, past(&options).await];
        for db in &connections {
            run(db, "BEGIN").await;
            assert_eq!(number(db, "SELECT count(*) FROM users").await, 0);
            run(db, &format!("SELECT set_config('rollcall.tenant', '{}', true)", tenants[0].0.0)).await;
            assert_eq!(number(db, "SELECT count(*) FROM users").await, 12 * 8);
        }
        for db in connections {
            run(&db, "COMMIT").await;
            assert_eq!(number(&db, "SELECT count(*) FROM users").await, 0);
            db.close().await.unwrap();
        }
        node.close().await;
    }
    login.drop(&store).await;
}

/// PostgreSQL's connections end beneath the pooler; what comes next is not lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_beneath_are_replaced() {
    let store = store_testing::postgres().await;
    let login = Login::create(&store, "IN ROLE rollcall_app").await;
    let between = Between::start(&store, TRANSACTION, &[&login]);
    let node = Store::open(&between.through(&login.options)).await.unwrap();
    let tenant = node.platform().create_tenant(&new_tenant("acme"), &context()).await.unwrap().id;
    let db = raw(&store).await;
    for turn in 0..3 {
        use_store(&node, tenant, "ann", turn).await;
        run(
            &db,
            &format!(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = '{}'",
                login.name
            ),
        )
        .await;
        // Idle for so long, connections are tried before they are used.
        tokio::time::sleep(Duration::from_millis(if turn == 0 { 1500 } else { 50 })).await;
    }
    use_store(&node, tenant, "ann", 3).await;
    db.close().await.unwrap();
    node.close().await;
    drop(between);
    login.drop(&store).await;
}

/// It is known at once, also while others keep the pooler busy and whichever connection it gives.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_mode_is_known_while_others_work() {
    let store = store_testing::postgres().await;
    assert_eq!(store.pooler(), None);
    let login = Login::create(&store, "IN ROLE rollcall_app").await;
    for (mode, expected) in [("transaction", Pooler::Transaction), ("session", Pooler::Session)] {
        for (size, round_robin) in [(1, 0), (4, 0), (4, 1)] {
            // In session mode each connection takes one.
            let size = if mode == "session" { 20 } else { size };
            let settings = format!(
                "pool_mode = {mode}\ndefault_pool_size = {size}\nserver_round_robin = {round_robin}\n\
                 max_prepared_statements = 200\nignore_startup_parameters = options"
            );
            let between = Between::start(&store, &settings, &[&login]);
            let options = between.through(&login.options);
            let mut others = tokio::task::JoinSet::new();
            for turn in 0..16 {
                if turn % 4 == 0 && turn > 0 {
                    let other = past(&options).await;
                    others.spawn(async move {
                        loop {
                            run(&other, "SELECT 1").await;
                            tokio::time::sleep(Duration::from_micros(300)).await;
                        }
                    });
                }
                let node = Store::open(&options).await.unwrap();
                assert_eq!(node.pooler(), Some(expected), "{settings}");
                node.close().await;
            }
            others.shutdown().await;
        }
    }
    login.drop(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logins_that_row_security_does_not_bind_are_refused() {
    let store = store_testing::postgres().await;
    let member = Login::create(&store, "IN ROLE rollcall_app").await;
    let owner = Login::create(&store, "IN ROLE rollcall_app").await;
    let bypasses = Login::create(&store, "BYPASSRLS IN ROLE rollcall_app").await;
    let inherits_not = Login::create(&store, "NOINHERIT IN ROLE rollcall_app").await;
    let stranger = Login::create(&store, "").await;
    let db = raw(&store).await;
    run(
        &db,
        &format!("GRANT USAGE, CREATE ON SCHEMA public TO {0}; ALTER TABLE users OWNER TO {0}", owner.name),
    )
    .await;
    for login in [&inherits_not, &stranger] {
        run(&db, &format!("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {}", login.name)).await;
    }
    let all = [&member, &owner, &bypasses, &inherits_not, &stranger];
    let between = Between::start(&store, TRANSACTION, &all);

    // The superuser, and on connections that have the right role at the moment.
    let options = between.through(store.options());
    assert!(refused(Store::open(&options).await).contains("IN ROLE rollcall_app"));
    for login in all {
        let options = between.through(&login.options);
        let connections = [past(&options).await, past(&options).await];
        for db in &connections {
            run(db, "BEGIN").await;
            if login.name != stranger.name {
                run(db, "SET ROLE rollcall_app").await;
            }
        }
        for db in connections {
            run(&db, "COMMIT").await;
            db.close().await.unwrap();
        }
        let opened = Store::open(&options).await;
        if login.name == member.name {
            opened.unwrap().close().await;
        } else {
            let text = refused(opened);
            assert!(text.contains("there is a pooler in between"), "{text}");
            assert!(text.contains("IN ROLE rollcall_app"), "{text}");
        }
    }
    let superuser = past(&options).await;
    run(&superuser, "SET ROLE rollcall_app").await;
    superuser.close().await.unwrap();
    assert!(refused(Store::open(&options).await).contains("IN ROLE rollcall_app"));

    drop(between);
    db.close().await.unwrap();
    for login in [member, owner, bypasses, inherits_not, stranger] {
        login.drop(&store).await;
    }
}

/// As PgBouncer before 1.21 is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pooler_that_keeps_no_statements_is_refused() {
    let store = store_testing::postgres().await;
    let login = Login::create(&store, "IN ROLE rollcall_app").await;
    for more in
        ["", "server_round_robin = 1", "server_reset_query_always = 1", "ignore_startup_parameters = options"]
    {
        let settings = format!("{}\n{more}", TRANSACTION.replace("200", "0"));
        let between = Between::start(&store, &settings, &[&login]);
        for _ in 0..3 {
            let text = refused(Store::open(&between.through(&login.options)).await);
            assert!(text.contains("max_prepared_statements"), "{more}: {text}");
        }
    }
    login.drop(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statement_mode_is_refused() {
    let store = store_testing::postgres().await;
    let settings = TRANSACTION.replace("= transaction", "= statement");
    let between = Between::start(&store, &settings, &[]);
    let text = refused(Store::open(&between.through(store.options())).await);
    assert!(text.contains("statement mode"), "{text}");
}

/// In session mode migrations go through it, too; the mode can change, so the login has to be a fit one all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn session_mode_takes_migrations_and_fit_logins() {
    let store = store_testing::postgres().await;
    let login = Login::create(&store, "IN ROLE rollcall_app").await;
    let db = raw(&store).await;
    run(&db, "DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT ALL ON SCHEMA public TO PUBLIC").await;
    let between = Between::start(&store, "pool_mode = session", &[&login]);
    let options = between.through(store.options());
    let migrated = tokio::join!(Store::migrate(&options), Store::migrate(&options));
    assert!(migrated.0.unwrap().len() + migrated.1.unwrap().len() > 20);
    assert!(refused(Store::open(&options).await).contains("IN ROLE rollcall_app"));
    let node = Store::open(&between.through(&login.options)).await.unwrap();
    assert_eq!(node.pooler(), Some(Pooler::Session));
    let tenant = node.platform().create_tenant(&new_tenant("acme"), &context()).await.unwrap().id;
    use_store(&node, tenant, "ann", 0).await;
    node.close().await;
    drop(between);

    // With fewer connections than a server needs there is an end to the waiting.
    let between =
        Between::start(&store, "pool_mode = session\ndefault_pool_size = 1\nquery_wait_timeout = 2", &[]);
    let options =
        StoreOptions { acquire_timeout: Duration::from_millis(500), ..between.through(store.options()) };
    let text = refused(Store::open(&options).await);
    assert!(text.contains("default_pool_size"), "{text}");
    db.close().await.unwrap();
    drop(between);
    login.drop(&store).await;
}

/// Whoever may become somebody whom row-level security does not bind may have been made to.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_that_may_become_another_is_refused() {
    let store = store_testing::postgres().await;
    let free = Login::create(&store, "BYPASSRLS").await;
    let login = Login::create(&store, "NOINHERIT IN ROLE rollcall_app").await;
    let db = raw(&store).await;
    run(&db, &format!("ALTER ROLE {} INHERIT", login.name)).await;
    let between = Between::start(&store, TRANSACTION, &[&login]);
    let options = between.through(&login.options);
    Store::open(&options).await.unwrap().close().await;
    run(&db, &format!("GRANT {} TO {}", free.name, login.name)).await;
    assert!(refused(Store::open(&options).await).contains("there is a pooler in between"));
    db.close().await.unwrap();
    drop(between);
    login.drop(&store).await;
    free.drop(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_owner_works_past_the_pooler() {
    let store = store_testing::postgres().await;
    let login = Login::create(&store, "IN ROLE rollcall_app").await;
    let settings = format!("{TRANSACTION}\napplication_name_add_host = 1");
    let between = Between::start(&store, &settings, &[&login]);
    let text = refused(Store::migrate(&between.through(store.options())).await);
    assert!(text.contains("ROLLCALL_MIGRATE_DATABASE_URL"), "{text}");
    let mut options = between.through(&login.options);
    options.migrate_url = Some(store.options().url.clone());
    assert!(Store::migrate(&options).await.unwrap().is_empty());

    // Servers are seen behind it, those of `store` being gone.
    let node = Store::open(&options).await.unwrap();
    store.store().close().await;
    let wanted = Partitioning { partitions: 2, while_serving: false, progress: &|_| () };
    let text = refused(Store::partition(&options, &wanted).await);
    assert!(text.contains("RECONNECT"), "{text}");
    node.close().await;
    drop(between);
    login.drop(&store).await;
}
