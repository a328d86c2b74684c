//! Two tenants on a database of their own, and short words for what tests say often.

use std::{collections::BTreeSet, fmt::Display};

use scim_core::{
    Document, ResourceType, intake::MemberRef, patch::MemberOp, profile::UnknownMemberPolicy,
    roles::RoleMapping, search,
};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, DbBackend, QueryResult, Statement};
use serde_json::{Value, json};
use store::{
    Actor, ActorKind, Backend, ChangeContext, TenantId, TenantScope, UserId,
    groups::{Group, GroupOutcome, GroupState},
    users::{User, UserState},
};
use store_testing::TestStore;
use uuid::Uuid;

/// Two tenants of one store.
pub(crate) struct Bed {
    pub(crate) tenant: TenantScope,
    pub(crate) other: TenantScope,
    pub(crate) backend: Backend,
    /// As the owner, past the store.
    raw: DatabaseConnection,
    /// Last, so that it goes last.
    store: TestStore,
}

/// An event as it was kept.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) event: String,
    pub(crate) version: i64,
    pub(crate) payload: Option<Value>,
}

/// Makes of each function a test on SQLite and one on PostgreSQL.
macro_rules! both {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {$(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name($crate::support::Bed::new(store::Backend::Sqlite).await).await;
            }
        )+}
        mod postgres {$(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name($crate::support::Bed::new(store::Backend::Postgres).await).await;
            }
        )+}
    };
}

impl Bed {
    /// On a fresh database.
    pub(crate) async fn new(backend: Backend) -> Self {
        let store = store_testing::on(backend).await;
        let raw = Database::connect(&store.options().url).await.expect("a connection past the store");
        let (tenant, other) = (store.tenant(TenantId::generate()), store.tenant(TenantId::generate()));
        Self { tenant, other, backend, raw, store }
    }

    /// Moves the clock.
    pub(crate) fn tick(&self) {
        self.store.advance(1);
    }

    /// Moves the clock by so many milliseconds.
    pub(crate) fn later(&self, milliseconds: i64) {
        self.store.advance(milliseconds);
    }

    /// A user with nothing but a name.
    pub(crate) async fn user(&self, user_name: &str) -> User {
        let made = self.tenant.create_user(&user_state(json!({"userName": user_name})), &context()).await;
        made.expect(user_name)
    }

    /// A user with a displayName.
    pub(crate) async fn named_user(&self, user_name: &str, display_name: &str) -> User {
        let state = user_state(json!({"userName": user_name, "displayName": display_name}));
        self.tenant.create_user(&state, &context()).await.expect(user_name)
    }

    /// A group with members.
    pub(crate) async fn group(&self, display_name: &str, members: &[Uuid]) -> Group {
        let ids: Vec<String> = members.iter().map(Uuid::to_string).collect();
        let ids: Vec<&String> = ids.iter().collect();
        let made = self.tenant.create_group(&group_state(display_name, &ids), false, &context()).await;
        let made = made.expect(display_name);
        assert!(made.skipped.is_empty(), "{:?}", made.skipped);
        made.group
    }

    /// Adds members without touching the document.
    pub(crate) async fn add(&self, group: &Group, ids: &[String]) -> GroupOutcome {
        let ids: Vec<&String> = ids.iter().collect();
        let state = group_state(&group.display_name, &ids);
        let outcome = self.tenant.change_group(group.id, None, &state, false, &context()).await;
        outcome.expect("ok").expect("there")
    }

    /// Names and object versions of the events about an object, oldest first.
    pub(crate) async fn events(&self, id: impl Display) -> Vec<(String, i64)> {
        self.records(id).await.into_iter().map(|record| (record.event, record.version)).collect()
    }

    /// The events about an object, oldest first; the outbox holds the same.
    pub(crate) async fn records(&self, id: impl Display) -> Vec<Record> {
        let audit = self.trail("audit", &id.to_string()).await;
        let outbox = self.trail("outbox", &id.to_string()).await;
        assert_eq!(format!("{audit:?}"), format!("{outbox:?}"));
        audit
    }

    /// What the audit trail alone says about an object, oldest first.
    pub(crate) async fn audit(&self, id: impl Display) -> Vec<Record> {
        self.trail("audit", &id.to_string()).await
    }

    /// Soft-deletes all users past the store, for speed, one a millisecond; each gets an externalId like its name.
    pub(crate) async fn delete_all_users(&self) {
        let sql = "UPDATE users u SET version = 2, external_id = 'x' || u.user_name, deleted_at = \
                   (SELECT COUNT(*) FROM users o WHERE o.tenant_id = u.tenant_id AND o.id <= u.id) WHERE u.tenant_id = $1";
        self.rows(sql, [self.tenant.id().0.into()]).await;
        self.store.recount(self.tenant.id()).await;
    }

    /// SQLite's plan for a statement with two values, in one line.
    pub(crate) async fn plan(&self, sql: &str) -> String {
        let sql = format!("EXPLAIN QUERY PLAN {sql}");
        let rows = self.rows(&sql, [self.tenant.id().0.into(), "x".into()]).await;
        let steps = rows.iter().map(|row| row.try_get_by_index::<String>(3).expect("a step"));
        steps.collect::<Vec<_>>().join("; ")
    }

    async fn trail(&self, table: &str, id: &str) -> Vec<Record> {
        let sql = format!(
            "SELECT t.event, t.object_version, p.body FROM {table} t LEFT JOIN payloads p ON p.id = t.payload_id \
             WHERE t.tenant_id = $1 AND t.object_id = $2 ORDER BY t.id"
        );
        let rows = self.rows(&sql, [self.tenant.id().0.into(), id.into()]).await;
        let record = |row: &QueryResult| {
            let body: Option<String> = row.try_get_by_index(2).expect("a body");
            Record {
                event: row.try_get_by_index(0).expect("an event"),
                version: row.try_get_by_index(1).expect("a version"),
                payload: body.map(|body| serde_json::from_str(&body).expect("JSON")),
            }
        };
        rows.iter().map(record).collect()
    }

    /// Rows of the audit trail and of the outbox.
    pub(crate) async fn written(&self) -> (i64, i64) {
        let count = async |table: &str| {
            let sql = format!("SELECT COUNT(*) FROM {table} WHERE tenant_id = $1");
            let rows = self.rows(&sql, [self.tenant.id().0.into()]).await;
            rows[0].try_get_by_index(0).expect("a count")
        };
        (count("audit").await, count("outbox").await)
    }

    /// How many rows of users, groups, edges and grants PostgreSQL reads for some work of the tenant.
    pub(crate) async fn rows_read_by(&self, work: impl AsyncFnOnce(TenantScope)) -> i64 {
        let sql = "SELECT SUM(seq_tup_read + COALESCE(idx_tup_fetch, 0))::bigint FROM pg_stat_user_tables \
                   WHERE relname ~ '^(users|groups|members|role_grants)(_p\\d\\d)?$'";
        self.counted(sql, work).await
    }

    /// How many entries of the trail, and blocks of the totals, PostgreSQL reads for some work of the tenant.
    pub(crate) async fn entries_read_by(&self, work: impl AsyncFnOnce(TenantScope)) -> i64 {
        let sql = "SELECT SUM(seq_tup_read + COALESCE(idx_tup_fetch, 0))::bigint FROM pg_stat_user_tables \
                   WHERE relname ~ '^(audit|live_blocks)(_p\\d\\d)?$'";
        self.counted(sql, work).await
    }

    /// Gives what was done its numbers.
    pub(crate) async fn number(&self) {
        self.store.number().await;
    }

    /// How often PostgreSQL looks into the edges, in whichever way, for some work of the tenant.
    pub(crate) async fn looks_at_members_by(&self, work: impl AsyncFnOnce(TenantScope)) -> i64 {
        let sql = "SELECT SUM(seq_scan + COALESCE(idx_scan, 0))::bigint FROM pg_stat_user_tables \
                   WHERE relname ~ '^members(_p\\d\\d)?$'";
        self.counted(sql, work).await
    }

    /// By how much a number of PostgreSQL's statistics grows with some work of the tenant.
    async fn counted(&self, sql: &str, work: impl AsyncFnOnce(TenantScope)) -> i64 {
        self.rows("ANALYZE", []).await;
        let count = async || self.rows(sql, []).await[0].try_get_by_index::<i64>(0).expect("a number");
        let earlier = self.server_processes().await;
        let node = self.store.another().await;
        // A server process reports what it read when it ends, at the latest.
        self.store.store().close().await;
        self.end_of(&earlier).await;
        let before = settled(&count).await;
        work(node.tenant(self.tenant.id())).await;
        let working = self.server_processes().await;
        node.close().await;
        self.end_of(&working).await;
        settled(&count).await - before
    }

    /// Those of nodes.
    async fn server_processes(&self) -> BTreeSet<i32> {
        let sql = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'rollcall'";
        self.rows(sql, []).await.iter().map(|row| row.try_get_by_index(0).expect("a number")).collect()
    }

    async fn end_of(&self, processes: &BTreeSet<i32>) {
        while !self.server_processes().await.is_disjoint(processes) {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }

    /// So many users, made past the store for speed; their ids in order.
    pub(crate) async fn many_users(&self, count: i64) -> Vec<String> {
        self.store.many_users(self.tenant.id(), count).await
    }

    /// Makes the rows that a search inside of names looks at this many more than the user's own, all before it.
    pub(crate) async fn many_rows_of_names(&self, user: UserId, count: i64) {
        let n = match self.backend {
            Backend::Postgres => "generate_series(1, $3) AS n (n)",
            Backend::Sqlite => {
                "(WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < $3) SELECT n FROM n) n"
            }
        };
        // Rows begin with a mark.
        let sql = format!(
            "INSERT INTO user_values (tenant_id, path, value, user_id) SELECT $1, '*', '\u{1}a' || n.n, $2 FROM {n} \
             WHERE TRUE ON CONFLICT DO NOTHING"
        );
        self.rows(&sql, [self.tenant.id().0.into(), user.0.into(), count.into()]).await;
    }

    /// Another tenant of the same store.
    pub(crate) fn new_tenant(&self) -> TenantScope {
        self.store.tenant(TenantId::generate())
    }

    /// A tenant that is there as one, with its configuration.
    pub(crate) async fn kept_tenant(&self, slug: &str) -> TenantScope {
        self.store.tenant(crate::common::tenant(&self.store, slug).await)
    }

    /// The first column of all rows that a statement gives of a tenant.
    pub(crate) async fn texts(&self, sql: &str, tenant: &TenantScope) -> Vec<String> {
        let rows = self.rows(sql, [tenant.id().0.into()]).await;
        rows.iter().map(|row| row.try_get_by_index(0).expect("a text")).collect()
    }

    /// Two columns of bytes and one of texts.
    pub(crate) async fn proofs(&self, sql: &str, tenant: &TenantScope) -> Vec<(Vec<u8>, Vec<u8>, String)> {
        let rows = self.rows(sql, [tenant.id().0.into()]).await;
        let bytes = |row: &QueryResult, at| row.try_get_by_index::<Vec<u8>>(at).expect("bytes");
        rows.iter()
            .map(|row| (bytes(row, 0), bytes(row, 1), row.try_get_by_index(2).expect("a text")))
            .collect()
    }

    /// From here on the database refuses a value of the index, as a damaged one might.
    pub(crate) async fn refuse_value(&self, value: &str) {
        match self.backend {
            Backend::Postgres => {
                let sql =
                    format!("ALTER TABLE user_values ADD CONSTRAINT refused CHECK (value <> '{value}')");
                self.store.execute(&sql).await;
            }
            Backend::Sqlite => {
                let sql = format!(
                    "CREATE TRIGGER refused BEFORE INSERT ON user_values WHEN NEW.value = '{value}' \
                     BEGIN SELECT RAISE(ABORT, 'this value is refused'); END"
                );
                self.store.execute(&sql).await;
            }
        }
    }

    async fn rows<const N: usize>(&self, sql: &str, values: [sea_orm::Value; N]) -> Vec<QueryResult> {
        let backend = match self.backend {
            Backend::Postgres => DbBackend::Postgres,
            Backend::Sqlite => DbBackend::Sqlite,
        };
        let statement = Statement::from_sql_and_values(backend, sql, values);
        self.raw.query_all_raw(statement).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }
}

/// A user's state from a document.
pub(crate) fn user_state(document: Value) -> UserState {
    UserState::new(&ResourceType::user(), object(document))
}

/// A group's state with the roles that the prefix `Envi_` gives, adding members if there are any.
pub(crate) fn group_state<S: AsRef<str>>(display_name: &str, members: &[S]) -> GroupState {
    let document = object(json!({"displayName": display_name}));
    let mapping = RoleMapping::with_prefix("Envi_");
    let ids: Vec<String> = members.iter().map(|id| id.as_ref().to_owned()).collect();
    GroupState {
        search: search::form(&ResourceType::group(), &document),
        document,
        roles: mapping.roles_of(display_name),
        members: if ids.is_empty() { Vec::new() } else { vec![MemberOp::Add(refs(&ids))] },
        unknown_members: UnknownMemberPolicy::Skip,
        notes: Vec::new(),
    }
}

/// A group's state without a change of members.
pub(crate) fn plain(display_name: &str) -> GroupState {
    group_state::<&str>(display_name, &[])
}

/// References as a client sends them.
pub(crate) fn refs(ids: &[String]) -> Vec<MemberRef> {
    ids.iter().map(|value| MemberRef { value: value.clone() }).collect()
}

/// Names of a user's roles, in their order.
pub(crate) async fn role_names(bed: &Bed, id: UserId) -> Vec<String> {
    let grants = bed.tenant.roles_of_user(id).await.expect("roles");
    grants.into_iter().map(|grant| grant.role.name).collect()
}

/// Somebody.
pub(crate) fn context() -> ChangeContext {
    let actor = Actor { kind: ActorKind::Credential, id: "c1".into(), name: "okta".into() };
    ChangeContext { actor, cause: "r1".into() }
}

pub(crate) fn object(value: Value) -> Document {
    match value {
        Value::Object(values) => values,
        other => panic!("not an object: {other}"),
    }
}

/// A number once it has not changed for a while.
pub(crate) async fn settled(count: &impl AsyncFn() -> i64) -> i64 {
    let mut last = count().await;
    let mut same = 0;
    while same < 10 {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        let next = count().await;
        same = if next == last { same + 1 } else { 0 };
        last = next;
    }
    last
}
