//! Numbers of entries and events, and looking for entries.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement, TransactionTrait};
use store::{
    Actor, ActorKind, ChangeContext, TenantId,
    backlog::Unnumbered,
    trail::{LOOKED_THROUGH, TrailPage, TrailQuery},
};
use store_testing::{TestStore, on_both};

use crate::common::{context, raw, run, tenant};

/// Somebody else than [`context`].
fn by(name: &str, cause: &str) -> ChangeContext {
    ChangeContext {
        actor: Actor { kind: ActorKind::Admin, id: "7".into(), name: name.into() },
        cause: cause.into(),
    }
}

/// `seq` and `event` of a tenant's rows in a table, by number; those without one last.
async fn numbers(db: &DatabaseConnection, table: &str) -> Vec<(Option<i64>, String)> {
    let sql = format!("SELECT seq, event FROM {table} ORDER BY tenant_id, COALESCE(seq, 1000000), id");
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap();
    rows.iter().map(|row| (row.try_get_by_index(0).unwrap(), row.try_get_by_index(1).unwrap())).collect()
}

fn all(limit: usize) -> TrailQuery {
    TrailQuery { limit, ..TrailQuery::default() }
}

fn found(page: &TrailPage) -> Vec<i64> {
    page.items.iter().map(|entry| entry.number).collect()
}

on_both! {
    async fn entries_and_events_are_numbered_without_gaps(store: TestStore) {
        let (one, two) = (tenant(&store, "one").await, tenant(&store, "two").await);
        let scope = store.tenant(one);
        let credential = crate::credentials::bearer("okta");
        scope.create_credential(&credential, &context()).await.unwrap();
        // For people alone: it stands in the trail, and is no event.
        scope.record_throttled(None, serde_json::json!({}), &context()).await.unwrap();
        assert!(scope.trail(&all(10)).await.unwrap().items.is_empty(), "nothing is read before it has its number");
        let waiting = scope.trail_state().await.unwrap();
        assert_eq!((waiting.head, waiting.waiting), (0, 3));

        store.number().await;
        scope.revoke_credential(credential.id, &context()).await.unwrap();
        store.number().await;
        let db = raw(&store).await;
        let numbered = |events: &[&str]| -> Vec<(Option<i64>, String)> {
            (1_i64..).zip(events).map(|(seq, event)| (Some(seq), (*event).to_owned())).collect()
        };
        let mut trail = numbered(&["tenant.created", "credential.created", "credential.throttled", "credential.revoked"]);
        trail.extend(numbered(&["tenant.created"]));
        assert_eq!(numbers(&db, "audit").await, trail);
        let mut outbox = numbered(&["tenant.created", "credential.created", "credential.revoked"]);
        outbox.extend(numbered(&["tenant.created"]));
        assert_eq!(numbers(&db, "outbox").await, outbox);
        db.close().await.unwrap();

        assert_eq!(store.number().await, ());
        assert_eq!(store.store().number().await.unwrap().numbered, 0);
        let entries = scope.trail(&all(10)).await.unwrap();
        assert_eq!((found(&entries), entries.next), (vec![4, 3, 2, 1], None));
        let read: Vec<_> = entries.items.iter().map(|entry| entry.record.clone()).collect();
        assert_eq!(read, scope.audit(None, 10).await.unwrap());
        assert_eq!(scope.trail_entry(2).await.unwrap().unwrap(), entries.items[2]);
        assert_eq!(scope.trail_entry(5).await.unwrap(), None);
        assert_eq!(found(&store.tenant(two).trail(&all(10)).await.unwrap()), [1]);
        let state = scope.trail_state().await.unwrap();
        assert_eq!((state.head, state.waiting, &state.chain), (4, 0, &entries.items[0].chain));
    }

    async fn a_change_wakes_whoever_numbers(store: TestStore) {
        let woken = async || {
            tokio::time::timeout(std::time::Duration::from_secs(5), store.recorded()).await.is_ok()
        };
        let id = tenant(&store, "acme").await;
        assert!(woken().await, "a tenant was made");
        store.tenant(id).create_credential(&crate::credentials::bearer("okta"), &context()).await.unwrap();
        assert!(woken().await, "a credential was made");
        store.tenant(id).credentials().await.unwrap();
        let quiet = tokio::time::timeout(std::time::Duration::from_millis(100), store.recorded()).await;
        assert!(quiet.is_err(), "reading wakes nobody");
    }

    /// Very many that wait cost no more each than few do; and there are more tenants than are asked for at once.
    async fn many_rows_of_many_tenants_are_numbered(store: TestStore) {
        let id = tenant(&store, "acme").await;
        let db = raw(&store).await;
        run(&db, &copies(&store, "audit", id, 10_000)).await;
        run(&db, &tenants(&store, 450)).await;
        db.close().await.unwrap();
        store.number().await;
        let state = store.tenant(id).trail_state().await.unwrap();
        assert_eq!((state.head, state.waiting), (10_001, 0));
        let page = store.tenant(id).trail(&all(500)).await.unwrap();
        assert_eq!(found(&page), (9_502..=10_001).rev().collect::<Vec<_>>());
        assert_eq!(page.next, Some(9_502));
    }

    async fn what_waits_for_its_number_is_counted(store: TestStore) {
        // So many, and hours since the oldest was made.
        let waiting = async |entries: u64, hours: i64| {
            let found = store.unnumbered().await.unwrap();
            let age = found.oldest_at.map(|at| (store.now() - at) / 3_600_000);
            assert_eq!((found.entries, age), (entries, Some(hours)), "{found:?}");
        };
        store.number().await;
        assert_eq!(store.unnumbered().await.unwrap(), Unnumbered::default());
        let token = crate::platform_tokens::token(&store, "Billing");
        store.platform().create_platform_token(&token, &context()).await.unwrap();
        waiting(1, 0).await;
        let mut tenants = Vec::new();
        for number in 0..25 {
            tenants.push(tenant(&store, &format!("tenant{number}")).await);
        }
        tenants.sort_unstable_by_key(|tenant| tenant.0);
        waiting(26, 0).await;
        store.number().await;
        // The oldest is of the last tenant.
        let throttled = async |tenant: &TenantId| {
            store.tenant(*tenant).record_throttled(None, serde_json::json!({}), &context()).await.unwrap();
        };
        throttled(&tenants[24]).await;
        store.advance(7_200_000);
        for tenant in &tenants[..24] {
            throttled(tenant).await;
        }
        waiting(25, 2).await;
        store.number().await;
        assert_eq!(store.unnumbered().await.unwrap(), Unnumbered::default());
    }

    async fn the_installation_has_a_trail_of_its_own(store: TestStore) {
        let platform = store.platform();
        for name in ["Billing", "Onboarding"] {
            platform.create_platform_token(&crate::platform_tokens::token(&store, name), &by("ada@example.com", "r-1")).await.unwrap();
        }
        store.number().await;
        let page = platform.trail(&all(10)).await.unwrap();
        assert_eq!(found(&page), [2, 1]);
        let onboarding = TrailQuery { text: Some("onboard".into()), ..all(10) };
        assert_eq!(found(&platform.trail(&onboarding).await.unwrap()), [2]);
        let ada = TrailQuery { text: Some("ADA@".into()), ..all(10) };
        assert_eq!(found(&platform.trail(&ada).await.unwrap()), [2, 1]);
        assert_eq!(platform.trail_events().await.unwrap(), ["platform-token.created"]);
        assert_eq!(platform.trail_entry(1).await.unwrap().as_ref(), Some(&page.items[1]));
        assert_eq!(platform.trail_state().await.unwrap().head, 2);
    }

    async fn entries_are_found_by_what_is_known_of_them(store: TestStore) {
        let id = tenant(&store, "acme").await;
        let scope = store.tenant(id);
        let user = crate::support::user_state(serde_json::json!({"userName": "Amara.Okafor@example.com"}));
        let amara = scope.create_user(&user, &by("Okta production", "r-2")).await.unwrap().id.to_string();
        let okta = crate::credentials::bearer("okta");
        scope.create_credential(&okta, &by("ada@example.com", "r-3")).await.unwrap();
        store.advance(10_000);
        scope.revoke_credential(okta.id, &by("ada@example.com", "r-4")).await.unwrap();
        store.number().await;
        let newest = scope.trail(&all(1)).await.unwrap();
        assert_eq!((found(&newest), newest.next), (vec![4], Some(4)));
        let at = newest.items[0].record.at;

        let some = |text: &str| Some(text.to_owned());
        let none = TrailQuery::default;
        let table = [
            (TrailQuery { event: some("user.created"), ..none() }, vec![2]),
            (TrailQuery { event: some("user"), ..none() }, vec![]),
            (TrailQuery { object_type: some("Credential"), ..none() }, vec![4, 3]),
            (TrailQuery { object_id: some(&amara), ..none() }, vec![2]),
            (TrailQuery { actor: some("ada@example.com"), ..none() }, vec![4, 3]),
            (TrailQuery { actor: some("ada@example.com"), event: some("credential.created"), ..none() }, vec![3]),
            (TrailQuery { actor: some("Okta production"), event: some("credential.created"), ..none() }, vec![]),
            (TrailQuery { cause: some("r-3"), ..none() }, vec![3]),
            (TrailQuery { cause: some("r-3"), event: some("user.created"), ..none() }, vec![]),
            (TrailQuery { from: Some(at), ..none() }, vec![4]),
            (TrailQuery { to: Some(at), ..none() }, vec![3, 2, 1]),
            (TrailQuery { from: Some(at + 1), ..none() }, vec![]),
            (TrailQuery { to: Some(0), ..none() }, vec![]),
            (TrailQuery { from: Some(0), to: Some(at), object_type: some("User"), ..none() }, vec![2]),
            (TrailQuery { text: some("amara.o"), ..none() }, vec![2]),
            (TrailQuery { text: some(" ADA@ "), ..none() }, vec![4, 3]),
            (TrailQuery { text: some("production"), ..none() }, vec![2]),
            (TrailQuery { text: some("revoked"), ..none() }, vec![4]),
            (TrailQuery { text: some("r-4"), ..none() }, vec![4]),
            (TrailQuery { text: some(&okta.id.to_string()), ..none() }, vec![4, 3]),
            (TrailQuery { text: some("ada"), event: some("credential.created"), ..none() }, vec![3]),
            (TrailQuery { text: some("nobody"), ..none() }, vec![]),
            (TrailQuery { text: some("%"), ..none() }, vec![]),
            (TrailQuery { text: some("a\0"), ..none() }, vec![]),
            (TrailQuery { before: Some(3), ..none() }, vec![2, 1]),
        ];
        for (query, expected) in table {
            let query = TrailQuery { limit: 50, ..query };
            assert_eq!(found(&scope.trail(&query).await.unwrap()), expected, "{query:?}");
            // By ones the same entries come.
            let (mut walked, mut before) = (Vec::new(), query.before);
            loop {
                let page = scope.trail(&TrailQuery { limit: 1, before, ..query.clone() }).await.unwrap();
                walked.extend(found(&page));
                before = page.next;
                if before.is_none() {
                    break;
                }
            }
            assert_eq!(walked, expected, "by ones: {query:?}");
        }
        assert_eq!(
            scope.trail_events().await.unwrap(),
            ["credential.created", "credential.revoked", "tenant.created", "user.created"]
        );
    }

    /// What has no index is looked for in stretches, and a page says where the next one begins.
    async fn what_is_rare_is_found_stretch_by_stretch(store: TestStore) {
        let id = tenant(&store, "acme").await;
        let db = raw(&store).await;
        let count = LOOKED_THROUGH as i64 * 2 + 100;
        run(&db, &copies(&store, "audit", id, count)).await;
        // As if they had their numbers; the chain is not asked for here.
        run(&db, "UPDATE audit SET seq = object_version").await;
        db.close().await.unwrap();
        let rare = TrailQuery { object_type: Some("Tenant".into()), ..all(10) };
        let (mut before, mut pages, mut met) = (None, 0, Vec::new());
        loop {
            let page = store.tenant(id).trail(&TrailQuery { before, ..rare.clone() }).await.unwrap();
            met.extend(found(&page));
            pages += 1;
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        assert_eq!((met, pages), (vec![1], 3));
    }
}

/// Rows of a tenant, made past the store: version and time count up from 2, the object is another one each time.
pub(crate) fn copies(store: &TestStore, table: &str, tenant: TenantId, count: i64) -> String {
    let columns = "tenant_id, id, event, object_type, object_id, object_version, actor_kind, actor_id, actor_name, cause, at";
    let row = "'user.updated', 'User', CAST(n AS text), n, 'credential', '', 'Okta', CAST(n AS text), n";
    match store.backend() {
        store::Backend::Postgres => format!(
            "INSERT INTO {table} ({columns}) SELECT '{tenant}', ('f' || lpad(to_hex(n), 31, '0'))::uuid, {row} \
             FROM generate_series(2, {}) n",
            count + 1
        ),
        store::Backend::Sqlite => format!(
            "WITH RECURSIVE n(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM n WHERE n <= {count}) \
             INSERT INTO {table} ({columns}) SELECT X'{}', randomblob(16), {row} FROM n",
            tenant.0.simple()
        ),
    }
}

/// One entry each of so many tenants.
fn tenants(store: &TestStore, count: i64) -> String {
    let columns = "tenant_id, id, event, object_type, object_id, object_version, actor_kind, actor_id, actor_name, cause, at";
    let row = "'x', 'User', '', 1, 'cli', '', '', '', 0";
    match store.backend() {
        store::Backend::Postgres => format!(
            "INSERT INTO audit ({columns}) SELECT gen_random_uuid(), gen_random_uuid(), {row} FROM generate_series(1, {count})"
        ),
        store::Backend::Sqlite => format!(
            "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {count}) \
             INSERT INTO audit ({columns}) SELECT randomblob(16), randomblob(16), {row} FROM n"
        ),
    }
}

fn entry(tenant: TenantId, id: u128, object: &str, version: i64) -> String {
    let id = uuid::Uuid::from_u128(id);
    format!(
        "INSERT INTO audit (tenant_id, id, event, object_type, object_id, object_version, actor_kind, actor_id, \
         actor_name, cause, at) VALUES ('{tenant}', '{id}', '{object}{version}', 'User', '{object}', {version}, 'cli', \
         '', '', '', 0)"
    )
}

/// What a tenant's trail tells, oldest first.
async fn told(store: &TestStore, tenant: TenantId) -> Vec<String> {
    let page = store.tenant(tenant).trail(&all(50)).await.unwrap();
    page.items.into_iter().rev().map(|entry| entry.record.event).collect()
}

/// Whoever reads by numbers must not pass an entry that is committed later.
#[tokio::test]
async fn nothing_is_numbered_before_an_older_transaction_ends() {
    let store = store_testing::postgres().await;
    let (acme, beta) = (tenant(&store, "acme").await, tenant(&store, "beta").await);
    store.number().await;
    let db = sea_orm::Database::connect(&store.options().url).await.unwrap();
    let late = db.begin().await.unwrap();
    late.execute_unprepared(&entry(acme, 1, "late", 1)).await.unwrap();
    run(&db, &entry(acme, 2, "soon", 1)).await;
    run(&db, &entry(beta, 3, "other", 1)).await;
    let round = store.store().number().await.unwrap();
    assert_eq!(round.numbered, 0, "an older transaction may still write");
    assert_eq!(store.tenant(acme).trail_state().await.unwrap().waiting, 1);
    late.commit().await.unwrap();
    store.number().await;
    assert_eq!(told(&store, acme).await, ["tenant.created", "late1", "soon1"]);
    assert_eq!(told(&store, beta).await, ["tenant.created", "other1"]);
    db.close().await.unwrap();
}

/// Clocks of nodes differ, and a transaction may have begun before the one that it waited for.
#[tokio::test]
async fn entries_of_an_object_follow_its_version() {
    let store = store_testing::postgres().await;
    let acme = tenant(&store, "acme").await;
    store.number().await;
    let db = sea_orm::Database::connect(&store.options().url).await.unwrap();
    // Of one transaction: one of somebody else that began between two of them would have the later ones wait.
    let all = db.begin().await.unwrap();
    for (id, object, version) in [(9, "a", 1), (7, "a", 2), (8, "a", 3), (1, "b", 1)] {
        all.execute_unprepared(&entry(acme, id, object, version)).await.unwrap();
    }
    all.commit().await.unwrap();
    store.number().await;
    assert_eq!(told(&store, acme).await, ["tenant.created", "b1", "a1", "a2", "a3"]);

    // The second version was begun first, between them somebody who is still at it.
    let begin = async || {
        let transaction = db.begin().await.unwrap();
        transaction.execute_unprepared("SELECT pg_current_xact_id()").await.unwrap();
        transaction
    };
    let (second, between) = (begin().await, begin().await);
    run(&db, &entry(acme, 11, "c", 1)).await;
    second.execute_unprepared(&entry(acme, 10, "c", 2)).await.unwrap();
    second.commit().await.unwrap();
    let round = store.store().number().await.unwrap();
    assert_eq!(round.numbered, 0, "the first version has to wait, so the second one does, too");
    between.rollback().await.unwrap();
    store.number().await;
    assert_eq!(told(&store, acme).await[5..], ["c1", "c2"]);
    db.close().await.unwrap();
}

/// While a transaction that has written is open nothing that came after it is numbered, and that is seen.
#[tokio::test]
async fn what_an_open_transaction_holds_up_is_counted() {
    let store = store_testing::postgres().await;
    store.number().await;
    let db = sea_orm::Database::connect(&store.options().url).await.unwrap();
    let open = db.begin().await.unwrap();
    open.execute_unprepared("SELECT pg_current_xact_id()").await.unwrap();
    let acme = tenant(&store, "acme").await;
    assert_eq!(store.store().number().await.unwrap().numbered, 0);
    let waiting = store.unnumbered().await.unwrap();
    assert!(waiting.entries == 1 && waiting.oldest_at.is_some(), "{waiting:?}");
    open.rollback().await.unwrap();
    store.number().await;
    assert_eq!(store.unnumbered().await.unwrap(), Unnumbered::default());
    assert_eq!(told(&store, acme).await, ["tenant.created"]);
    db.close().await.unwrap();
}

/// Tenants that have something to number are found by the index of such rows, and no other rows are shown.
#[tokio::test]
async fn the_look_for_work_is_a_look_at_an_index() {
    let store = store_testing::postgres().await;
    let (acme, beta) = (tenant(&store, "acme").await, tenant(&store, "beta").await);
    store.number().await;
    let db = raw(&store).await;
    run(&db, &copies(&store, "audit", acme, 5_000)).await;
    store.number().await;
    run(&db, &entry(beta, 3, "other", 1)).await;
    run(&db, "ANALYZE").await;
    run(&db, "SET ROLE rollcall_app").await;
    let ask = "SELECT t.* FROM tenants_to_number('00000000-0000-0000-0000-000000000000', 10) t";
    let began = std::time::Instant::now();
    loop {
        let rows = db.query_all_raw(Statement::from_string(DbBackend::Postgres, ask)).await.unwrap();
        let found: Vec<uuid::Uuid> = rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
        if found == [beta.0] {
            break;
        }
        assert!(found.is_empty() && began.elapsed().as_secs() < 30, "{found:?}");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    run(&db, "SET rollcall.numbering = 'on'").await;
    let plan = "EXPLAIN SELECT a.tenant_id FROM audit a WHERE a.seq IS NULL AND a.tenant_id > \
                '00000000-0000-0000-0000-000000000000' ORDER BY a.tenant_id LIMIT 1";
    let rows = db.query_all_raw(Statement::from_string(DbBackend::Postgres, plan)).await.unwrap();
    let plan: String = rows.iter().map(|row| row.try_get_by_index::<String>(0).unwrap() + "\n").collect();
    assert!(
        plan.contains("audit_unnumbered") && !plan.contains("Seq Scan") && !plan.contains("Sort"),
        "{plan}"
    );
    let seen = "SELECT COUNT(*) FROM audit";
    let row = db.query_one_raw(Statement::from_string(DbBackend::Postgres, seen)).await.unwrap().unwrap();
    assert_eq!(row.try_get_by_index::<i64>(0).unwrap(), 1, "what has its number stays hidden");
    db.close().await.unwrap();
}

/// An import leaves very many rows that wait, of a tenant that PostgreSQL knows nothing about yet. A batch may go through them
/// a few times, but not once for each row of its own.
#[tokio::test]
async fn a_batch_goes_through_what_waits_a_few_times() {
    const ROWS: i64 = 20_000;
    let store = store_testing::postgres().await;
    let acme = tenant(&store, "acme").await;
    store.number().await;
    let db = raw(&store).await;
    for table in ["audit", "outbox"] {
        run(&db, &copies(&store, table, acme, ROWS)).await;
    }
    let node = store.another().await;
    let mut numbered = 0;
    while numbered < ROWS as u64 {
        let round = node.number().await.unwrap();
        assert!(round.failed.is_none(), "{round:?}");
        numbered += round.numbered;
        if round.numbered == 0 {
            // A transaction of another test is under way, and each look reads a few rows.
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    }
    // What a connection read is counted when it ends.
    node.close().await;
    let sql = "SELECT SUM(n_tup_upd)::bigint, SUM(seq_tup_read + idx_tup_fetch)::bigint FROM pg_stat_user_tables \
               WHERE relname ~ '^(audit|outbox)(_p\\d\\d)?$'";
    let begun = std::time::Instant::now();
    loop {
        let statement = Statement::from_string(DbBackend::Postgres, sql);
        let row = db.query_one_raw(statement).await.unwrap().unwrap();
        let [numbered, read] = [0, 1].map(|column| row.try_get_by_index::<i64>(column).unwrap());
        if numbered >= 2 * ROWS {
            assert!(read < 25 * ROWS, "{read} rows were read to number {ROWS} entries and as many events");
            break;
        }
        assert!(begun.elapsed().as_secs() < 30, "{numbered} rows got a number");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    db.close().await.unwrap();
}
