//! Totals and places that are kept, not counted: what they say is what a count would find, whatever was done, numbered or
//! not, and however the blocks were cut.

mod model;

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};
use store::{
    Backend, ListQuery, Start, Store, TenantScope, Total, UserId,
    users::{Made, Together, UserState},
    walks::Walk,
};
use store_testing::{Dice, TestStore, Trial, on_both};
use uuid::Uuid;

use crate::{
    common::{context, raw, run, tenant},
    support::{Bed, plain},
};
use model::{Model, named};

/// Rows of a block in these tests.
const ROWS: u32 = 4;

async fn small_blocks(backend: Backend) -> TestStore {
    match backend {
        Backend::Sqlite => store_testing::sqlite_with(|options| options.block_rows = ROWS).await,
        Backend::Postgres => store_testing::postgres_with(|options| options.block_rows = ROWS).await,
    }
}

async fn number_of(db: &DatabaseConnection, sql: &str) -> i64 {
    let statement = Statement::from_string(db.get_database_backend(), sql);
    let row = db.query_one_raw(statement).await.unwrap_or_else(|error| panic!("{sql}: {error}")).unwrap();
    row.try_get_by_index(0).unwrap()
}

/// Blocks whose number is not that of their live rows without what waits of them, all in one snapshot.
async fn wrong_blocks(db: &DatabaseConnection) -> i64 {
    let object = match db.get_database_backend() {
        sea_orm::DbBackend::Sqlite => "unhex(replace(a.object_id, '-', ''))",
        _ => "a.object_id::uuid",
    };
    let live = |table: &str| {
        format!(
            "(SELECT COUNT(*) FROM {table} r WHERE r.tenant_id = b.tenant_id AND r.deleted_at IS NULL \
             AND r.id >= b.first_id AND (b.following IS NULL OR r.id < b.following))"
        )
    };
    let sql = format!(
        "WITH b AS (SELECT l.tenant_id, l.kind, l.first_id, l.live, \
         LEAD(l.first_id) OVER (PARTITION BY l.tenant_id, l.kind, l.level ORDER BY l.first_id) AS following FROM live_blocks l) \
         SELECT CAST(COUNT(*) AS bigint) FROM b WHERE b.live + COALESCE((SELECT SUM(a.live_delta) FROM audit a \
         WHERE a.tenant_id = b.tenant_id AND a.seq IS NULL AND a.object_type = b.kind AND a.live_delta IS NOT NULL \
         AND {object} >= b.first_id AND (b.following IS NULL OR {object} < b.following)), 0) \
         <> CASE b.kind WHEN 'User' THEN {} ELSE {} END",
        live("users"),
        live("groups"),
    );
    number_of(db, &sql).await
}

async fn totals_and_places_are_those_of_a_count(backend: Backend) {
    let mut trial = Trial::new("totals", "ROLLCALL_LONG_TOTALS", 250);
    let store = small_blocks(backend).await;
    let id = tenant(&store, "acme").await;
    let other = store.tenant(tenant(&store, "other").await);
    other.create_user(&named("somebody"), &context()).await.unwrap();
    let (db, scope) = (raw(&store).await, store.tenant(id));
    let mut dice = Dice::new(trial.seed);
    let mut model = Model::new(scope);
    model.check(&mut dice, true).await;
    for case in 0..trial.cases {
        let what = model.change(&mut dice).await;
        if dice.chance(40) {
            store.store().number().await.unwrap();
        }
        assert_eq!(wrong_blocks(&db).await, 0, "seed {}, case {case}: {what}", trial.seed);
        model.check(&mut dice, case % 25 == 0).await;
        trial.progress(case);
    }
    store.number().await;
    assert_eq!(wrong_blocks(&db).await, 0);
    model.check(&mut dice, true).await;
    if trial.is_full {
        for (level, least) in [(0, 8), (1, 2)] {
            let blocks = format!(
                "SELECT CAST(COUNT(*) AS bigint) FROM live_blocks WHERE kind = 'User' AND level = {level}"
            );
            assert!(number_of(&db, &blocks).await > least, "blocks of level {level} were cut");
        }
    }
    let summary = &store.platform().tenant_summaries(&[id]).await.unwrap()[&id];
    assert_eq!((summary.users, summary.groups), (model.users.len() as u64, model.groups.len() as u64));
    assert_eq!(
        store.platform().users_of_tenants(&[id, other.id()]).await.unwrap(),
        model.users.len() as u64 + 1
    );
    // Empty blocks go, but for those with which an upper one begins.
    for id in model.users.clone() {
        model.delete(id).await;
    }
    store.number().await;
    let blocks = "SELECT CAST(COUNT(*) AS bigint) FROM live_blocks l WHERE l.kind = 'User' AND l.level = 0 AND NOT EXISTS \
                  (SELECT 1 FROM live_blocks u WHERE u.kind = 'User' AND u.level = 1 AND u.first_id = l.first_id)";
    assert_eq!(number_of(&db, blocks).await, 0);
    model.check(&mut dice, true).await;
    db.close().await.unwrap();
}

on_both! {
    /// As after an import: more than a batch waits, so blocks are cut late and many at once.
    async fn thousands_that_wait_are_counted_batch_by_batch(store: TestStore) {
        let store = small_blocks(store.backend()).await;
        let id = tenant(&store, "acme").await;
        let (db, scope) = (raw(&store).await, store.tenant(id));
        let mut ids = Vec::new();
        for part in 0..5 {
            let states: Vec<UserState> = (0..500).map(|at| named(&format!("u{part}.{at}"))).collect();
            let made = scope.create_users(&states, Together::default(), &context()).await.unwrap();
            ids.extend(made.into_iter().map(|made| match made {
                Made::Created(user) => user.0,
                other => panic!("{other:?}"),
            }));
        }
        // Some end before anybody has counted them.
        for gone in [2_400, 1_999, 700, 3, 2, 1, 0] {
            assert!(scope.soft_delete_user(UserId(ids.remove(gone)), None, &context()).await.unwrap());
        }
        ids.sort_unstable();
        loop {
            let round = store.store().number().await.unwrap();
            assert!(round.failed.is_none(), "{round:?}");
            assert_eq!(wrong_blocks(&db).await, 0);
            for offset in [0, 1, 255, 256, 1_700, ids.len() - 1] {
                let query = ListQuery { start: Start::Offset(offset as u64), limit: 3, ..ListQuery::default() };
                let page = scope.users(&query).await.unwrap();
                let found: Vec<Uuid> = page.items.iter().map(|user| user.id.0).collect();
                let end = ids.len().min(offset + 3);
                assert_eq!((page.total, found.as_slice()), (ids.len() as u64, &ids[offset..end]), "from {offset}");
            }
            if round.numbered == 0 && !round.more {
                break;
            }
        }
        store.number().await;
        assert_eq!(wrong_blocks(&db).await, 0);
        let blocks = "SELECT CAST(COUNT(*) AS bigint) FROM live_blocks WHERE kind = 'User' AND level = 0";
        assert!(number_of(&db, blocks).await > 64, "they were cut");
        db.close().await.unwrap();
    }
}

mod places {
    use store::Backend;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn totals_and_places_are_those_of_a_count_on_sqlite() {
        super::totals_and_places_are_those_of_a_count(Backend::Sqlite).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn totals_and_places_are_those_of_a_count_on_postgres() {
        super::totals_and_places_are_those_of_a_count(Backend::Postgres).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn totals_are_right_while_others_write_on_sqlite() {
        super::totals_are_right_while_others_write(Backend::Sqlite).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn totals_are_right_while_others_write_on_postgres() {
        super::totals_are_right_while_others_write(Backend::Postgres).await;
    }
}

/// Makes users and deletes every other one, under its own names.
async fn write(scope: TenantScope, writer: usize, count: usize) {
    for number in 0..count {
        let user = scope.create_user(&named(&format!("w{writer}-{number}")), &context()).await.unwrap();
        if number % 2 == 1 {
            assert!(scope.soft_delete_user(user.id, None, &context()).await.unwrap());
        }
    }
}

async fn totals_are_right_while_others_write(backend: Backend) {
    const WRITERS: usize = 3;
    const EACH: usize = 60;
    let store = small_blocks(backend).await;
    let scope = store.tenant(tenant(&store, "acme").await);
    let db = raw(&store).await;
    let (written, numbered) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let mut tasks = Vec::new();
    for writer in 0..WRITERS {
        let (scope, written) = (scope.clone(), written.clone());
        tasks.push(tokio::spawn(async move {
            write(scope, writer, EACH).await;
            written.fetch_add(1, Ordering::SeqCst);
        }));
    }
    let (node, done, all) = (store.store(), numbered.clone(), written.clone());
    tasks.push(tokio::spawn(async move {
        while all.load(Ordering::SeqCst) < WRITERS {
            let round = Store::number(&node).await.unwrap();
            assert!(round.failed.is_none(), "{round:?}");
            tokio::task::yield_now().await;
        }
        done.store(true, Ordering::SeqCst);
    }));
    let apart = "SELECT CAST((SELECT COALESCE(SUM(b.live), 0) FROM live_blocks b WHERE b.kind = 'User' AND b.level = 1) \
                 + (SELECT COALESCE(SUM(a.live_delta), 0) FROM audit a WHERE a.seq IS NULL AND a.object_type = 'User') \
                 - (SELECT COUNT(*) FROM users u WHERE u.deleted_at IS NULL) AS bigint)";
    let all = ListQuery {
        start: Start::After(Uuid::nil()),
        limit: 10_000,
        total: Total::Whole,
        ..ListQuery::default()
    };
    let mut compared = 0;
    while !numbered.load(Ordering::SeqCst) {
        assert_eq!(number_of(&db, apart).await, 0);
        assert_eq!(wrong_blocks(&db).await, 0);
        let page = scope.users(&all).await.unwrap();
        assert_eq!(page.total, page.items.len() as u64, "a page and its total are of one moment");
        compared += 1;
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert!(compared > 5, "compared {compared} times");
    store.number().await;
    assert_eq!(wrong_blocks(&db).await, 0);
    assert_eq!(scope.users(&all).await.unwrap().total, (WRITERS * EACH / 2) as u64);
    db.close().await.unwrap();
}

on_both! {
    /// Of what is there when the blocks come, and of what waits for its number at that moment.
    async fn what_was_there_before_the_blocks_is_in_them(store: TestStore) {
        let id = tenant(&store, "acme").await;
        let scope = store.tenant(id);
        store.many_users(id, 2_500).await;
        for number in 0..3 {
            scope.create_group(&plain(&format!("g{number}")), false, &context()).await.unwrap();
            let user = scope.create_user(&named(&format!("u{number}")), &context()).await.unwrap();
            if number == 0 {
                assert!(scope.soft_delete_user(user.id, None, &context()).await.unwrap());
            }
        }
        let db = raw(&store).await;
        let mut undo = vec!["DROP TABLE live_blocks"];
        undo.extend(match store.backend() {
            Backend::Sqlite => vec!["DROP TRIGGER audit_delta_append_only"],
            Backend::Postgres => vec![
                "DROP FUNCTION page_of_users", "DROP FUNCTION live_place", "DROP FUNCTION live_total",
            ],
        });
        undo.extend([
            "ALTER TABLE audit DROP COLUMN live_delta",
            "DELETE FROM seaql_migrations WHERE version LIKE '%_live_blocks'",
        ]);
        for sql in undo {
            run(&db, sql).await;
        }
        assert_eq!(Store::migrate(store.options()).await.unwrap().len(), 1);
        assert_eq!(wrong_blocks(&db).await, 0);
        let blocks = "SELECT CAST(COUNT(*) AS bigint) FROM live_blocks";
        assert_eq!(number_of(&db, blocks).await, 13, "ten of users and one of groups, one over each");
        let node = store.another().await;
        let scope = node.tenant(id);
        let page = |start, limit| ListQuery { start, limit, ..ListQuery::default() };
        assert_eq!(scope.users(&page(Start::Offset(0), 1)).await.unwrap().total, 2_502);
        assert_eq!(scope.groups(&page(Start::Offset(0), 1)).await.unwrap().total, 3);
        let last = scope.users(&page(Start::Offset(2_500), 10)).await.unwrap();
        assert_eq!((last.total, last.items.len()), (2_502, 2));
        scope.create_user(&named("later"), &context()).await.unwrap();
        store.number().await;
        assert_eq!(scope.users(&page(Start::Offset(0), 1)).await.unwrap().total, 2_503);
        assert_eq!(wrong_blocks(&db).await, 0);
        node.close().await;
        db.close().await.unwrap();
    }

    /// The same pages asked again and again leave their marks once, and a walk goes on where they say.
    async fn a_mark_is_left_once(store: TestStore) {
        let scope = store.tenant(tenant(&store, "acme").await);
        let mut ids = Vec::new();
        for number in 0..7 {
            ids.push(scope.create_user(&named(&format!("u{number}")), &context()).await.unwrap().id);
        }
        let db = raw(&store).await;
        let walk = Walk { walker: "okta".into(), query: vec![1] };
        let page = |offset, limit| ListQuery { start: Start::Offset(offset), limit, edges: true, ..ListQuery::default() };
        let marks = "SELECT COALESCE(MAX(at), 0) FROM walk_marks WHERE start_index = 3";
        assert_eq!(scope.walk_users(&page(0, 2), &walk).await.unwrap().total, 7);
        let left = number_of(&db, marks).await;
        assert!(left > 0);
        store.advance(500);
        scope.walk_users(&page(0, 2), &walk).await.unwrap();
        assert_eq!(number_of(&db, marks).await, left, "it is there already");
        store.advance(2_000);
        scope.walk_users(&page(0, 2), &walk).await.unwrap();
        assert!(number_of(&db, marks).await > left, "it stays for another while");

        // Whoever leaves or comes meanwhile moves nobody out of sight.
        assert!(scope.soft_delete_user(ids[0], None, &context()).await.unwrap());
        let second = scope.walk_users(&page(2, 3), &walk).await.unwrap();
        assert_eq!(second.items.iter().map(|user| user.id).collect::<Vec<_>>(), ids[2..5]);
        assert_eq!((second.total, second.more), (7, true));
        assert!(second.items.iter().all(|user| user.groups.as_deref() == Some(&[])));
        let third = scope.walk_users(&page(5, 3), &walk).await.unwrap();
        assert_eq!(third.items.iter().map(|user| user.id).collect::<Vec<_>>(), ids[5..]);
        assert_eq!((third.total, third.more), (7, false));
        let end = scope.walk_users(&page(7, 3), &walk).await.unwrap();
        assert_eq!((end.total, end.items.len()), (7, 0), "the end is marked too");
        // Another walker is told what stands there now.
        let other = Walk { walker: "entra".into(), ..walk.clone() };
        let live = scope.walk_users(&page(2, 3), &other).await.unwrap();
        assert_eq!(live.items.iter().map(|user| user.id).collect::<Vec<_>>(), ids[3..6]);
        assert_eq!(live.total, 6);
        // Marks end, and are cleared away by the next walk that begins.
        store.advance(store::walks::WALK_TIME + 1);
        let late = scope.walk_users(&page(2, 3), &walk).await.unwrap();
        assert_eq!(late.items.iter().map(|user| user.id).collect::<Vec<_>>(), ids[3..6]);
        assert_eq!(number_of(&db, "SELECT CAST(COUNT(*) AS bigint) FROM walk_marks").await, 1);
        assert_eq!(scope.walk_users(&page(2, 0), &walk).await.unwrap().total, 6);
        db.close().await.unwrap();
    }
}

/// Of users alone those of the page and of one block before it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deep_page_reads_a_bounded_number_of_rows() {
    const USERS: i64 = 20_000;
    let bed = Bed::new(Backend::Postgres).await;
    bed.many_users(USERS).await;
    bed.user("one").await;
    bed.number().await;
    bed.user("two").await;
    let query = |start| ListQuery { start, limit: 100, edges: true, ..ListQuery::default() };
    let all = USERS as u64 + 2;
    let total = bed.tenant.users(&query(Start::Offset(0))).await.expect("a page").total;
    assert_eq!(total, all);
    for place in [0, all / 2, all - 50] {
        let read = bed
            .rows_read_by(async |tenant| {
                let page = tenant.users(&query(Start::Offset(place))).await.expect("a page");
                assert_eq!(page.total, all);
                assert!(page.items.len() >= 50);
            })
            .await;
        assert!(read < 700, "{read} rows were read for a page from place {place}");
    }
}

/// Nothing that has its number is read for a total.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_total_reads_what_waits_alone() {
    let bed = Bed::new(Backend::Postgres).await;
    for number in 0..300 {
        bed.user(&format!("u{number}")).await;
    }
    bed.number().await;
    for number in 0..3 {
        bed.user(&format!("late{number}")).await;
    }
    // A node that opens looks at all tables, to see that it sees nothing.
    let opening = bed.entries_read_by(async |_| {}).await;
    let read = bed
        .entries_read_by(async |tenant| {
            let query = ListQuery { start: Start::Offset(250), limit: 10, ..ListQuery::default() };
            assert_eq!(tenant.users(&query).await.expect("a page").total, 303);
            assert_eq!(tenant.groups(&query).await.expect("a page").total, 0);
            let rest = ListQuery { start: Start::After(Uuid::nil()), total: Total::Remaining, ..query };
            assert_eq!(tenant.users(&rest).await.expect("a page").total, 303);
        })
        .await;
    assert!(read - opening <= 60, "{read} entries and blocks were read, {opening} of them by opening");
}
