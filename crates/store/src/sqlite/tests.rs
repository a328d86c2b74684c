//! Changes that wait together, in the order in which they came.

use futures::{FutureExt as _, future::join_all, join};
use scim_core::ResourceType;
use sea_orm::ConnectionTrait as _;
use serde_json::json;
use tokio::sync::OwnedMutexGuard;

use crate::{
    Actor, ActorKind, ChangeContext, ListQuery, Store, StoreError, StoreOptions, TenantId, TenantScope,
    Terms,
    users::{User, UserState, groups_statement},
};

struct Bed {
    folder: tempfile::TempDir,
    store: Store,
    tenant: TenantScope,
}

impl Bed {
    async fn new() -> Self {
        Self::with(|_| ()).await
    }

    async fn with(set: impl Fn(&mut StoreOptions)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut options = options(&folder);
        set(&mut options);
        Store::migrate(&options).await.unwrap();
        let store = Store::open(&options).await.unwrap();
        let tenant = store.tenant(TenantId::generate());
        Self { folder, store, tenant }
    }

    /// While it is held, changes wait.
    async fn turn(&self) -> OwnedMutexGuard<()> {
        self.store.inner.writer.clone().lock_owned().await
    }

    async fn create(&self, name: &str) -> Result<User, StoreError> {
        self.tenant.create_user(&state(name, None), &context()).await
    }

    async fn run(&self, sql: &str) {
        self.store.inner.db.execute_unprepared(sql).await.unwrap();
    }

    async fn names(&self) -> Vec<String> {
        let page = self.tenant.users(&ListQuery { limit: 100, ..ListQuery::default() }).await.unwrap();
        let mut names: Vec<String> = page.items.into_iter().map(|user| user.user_name).collect();
        names.sort();
        names
    }

    /// Of the events, oldest first.
    async fn told(&self) -> Vec<(String, i64)> {
        let events = self.tenant.outbox(100).await.unwrap();
        events.into_iter().map(|event| (event.event, event.object_version)).collect()
    }
}

fn options(folder: &tempfile::TempDir) -> StoreOptions {
    StoreOptions::new(format!("sqlite://{}", folder.path().join("t.db").display()))
}

fn state(name: &str, display_name: Option<&str>) -> UserState {
    let document = json!({"userName": name, "displayName": display_name});
    let serde_json::Value::Object(document) = document else { unreachable!() };
    UserState::new(&ResourceType::user(), document)
}

fn context() -> ChangeContext {
    let actor = Actor { kind: ActorKind::Credential, id: "c1".into(), name: "okta".into() };
    ChangeContext { actor, cause: "r1".into() }
}

/// Each gets its own answer, and what cannot be made takes nothing away from the others.
#[tokio::test]
async fn those_that_wait_are_judged_one_by_one() {
    let bed = Bed::new().await;
    let eve = bed.create("eve").await.unwrap();
    let turn = bed.turn().await;
    let (first, second) = (state("eve", Some("1")), state("eve", Some("2")));
    let context = context();
    let otherwise = Terms { layout_version: Some(7), ..Terms::default() };
    let otherwise = bed.tenant.under(otherwise);
    let cat = state("cat", None);
    let (ann, taken, changed, stale, reconfigured, bob, ()) = join!(
        bed.create("ann"),
        bed.create("ANN"),
        bed.tenant.swap_user(&eve, &first, &context),
        bed.tenant.swap_user(&eve, &second, &context),
        otherwise.create_user(&cat, &context),
        bed.create("bob"),
        async { drop(turn) },
    );
    assert_eq!((ann.unwrap().version, bob.unwrap().version), (1, 1));
    assert!(matches!(taken, Err(StoreError::Conflict { attribute: "userName" })), "{taken:?}");
    let changed = changed.unwrap().unwrap();
    assert_eq!((changed.version, changed.document), (2, first.document));
    assert!(matches!(stale, Err(StoreError::Stale)), "{stale:?}");
    assert!(matches!(reconfigured, Err(StoreError::Reconfigured)), "{reconfigured:?}");
    assert_eq!(bed.names().await, ["ann", "bob", "eve"]);
    let told = bed.told().await;
    let told: Vec<(&str, i64)> = told.iter().map(|(event, version)| (event.as_str(), *version)).collect();
    assert_eq!(told, [("user.created", 1), ("user.created", 1), ("user.updated", 2), ("user.created", 1)]);
    assert_eq!(bed.tenant.user(eve.id, false).await.unwrap().unwrap().version, 2);
}

/// One that fails half way leaves nothing, whether SQLite undoes it alone or all that was done with it.
#[tokio::test]
async fn a_fault_of_one_is_its_own() {
    for raised in ["ABORT", "ROLLBACK"] {
        let bed = Bed::new().await;
        bed.run(&format!(
            "CREATE TRIGGER refused BEFORE INSERT ON outbox WHEN EXISTS (SELECT 1 FROM payloads p \
             WHERE p.id = NEW.payload_id AND p.body LIKE '%mallory%') \
             BEGIN SELECT RAISE({raised}, 'this one is refused'); END"
        ))
        .await;
        let turn = bed.turn().await;
        let (ann, mallory, bob, ()) =
            join!(bed.create("ann"), bed.create("mallory"), bed.create("bob"), async { drop(turn) });
        assert!(ann.is_ok() && bob.is_ok(), "{raised}: {ann:?} {bob:?}");
        match mallory {
            Err(StoreError::Database(error)) => assert!(error.to_string().contains("this one is refused")),
            other => panic!("{raised}: {other:?}"),
        }
        assert_eq!(bed.names().await, ["ann", "bob"], "{raised}");
        assert_eq!(bed.told().await.len(), 2, "{raised}");
        bed.create("mall").await.unwrap();
    }
}

/// Whoever waits too long, or goes, has changed nothing.
#[tokio::test]
async fn what_was_given_up_is_never_made() {
    let bed = Bed::with(|options| options.acquire_timeout = std::time::Duration::from_millis(100)).await;
    let turn = bed.turn().await;
    let outcome = bed.create("ann").await;
    assert!(matches!(outcome, Err(StoreError::Unavailable(_))), "{outcome:?}");
    let mut gone = Box::pin(bed.create("bob"));
    assert!((&mut gone).now_or_never().is_none(), "it waits for its turn");
    drop(gone);
    drop(turn);
    bed.create("cat").await.unwrap();
    assert_eq!(bed.names().await, ["cat"]);
    assert_eq!(bed.told().await.len(), 1);
}

/// More than fit into one transaction, and into the queue.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once() {
    let bed = Bed::new().await;
    let turn = bed.turn().await;
    let names: Vec<String> = (0..600).map(|number| format!("u{}", number % 500)).collect();
    let all = join_all(names.iter().map(|name| bed.create(name)));
    let (outcomes, ()) = join!(all, async { drop(turn) });
    let (made, taken): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!((made.len(), taken.len()), (500, 100));
    let is_taken =
        |outcome: &Result<User, _>| matches!(outcome, Err(StoreError::Conflict { attribute: "userName" }));
    assert!(taken.iter().all(is_taken), "{taken:?}");
    let query = ListQuery { limit: 1, ..ListQuery::default() };
    assert_eq!(bed.tenant.users(&query).await.unwrap().total, 500);
}

/// What is read of a user's groups does not grow with the tenant: no step goes through all of its groups or members.
#[tokio::test]
async fn groups_of_a_user_are_found_by_their_ids() {
    let bed = Bed::new().await;
    let mut statement = groups_statement(bed.tenant.id().0, uuid::Uuid::nil());
    statement.sql.insert_str(0, "EXPLAIN QUERY PLAN ");
    let steps = bed.store.inner.db.query_all_raw(statement).await.unwrap();
    let steps: Vec<String> = steps.iter().map(|step| step.try_get("", "detail").unwrap()).collect();
    let searches = steps.iter().filter(|step| step.starts_with("SEARCH"));
    assert!(searches.clone().all(|step| step.contains("(tenant_id=? AND ")), "{steps:#?}");
    assert_eq!(searches.count(), 4, "{steps:#?}");
}

/// A store that is closed carries out what it was given.
#[tokio::test]
async fn what_waits_is_made_before_the_end() {
    let bed = Bed::new().await;
    let turn = bed.turn().await;
    let (ann, bob, ()) = join!(bed.create("ann"), bed.create("bob"), async {
        drop(turn);
        bed.store.clone().close().await;
    });
    let ids = [ann.unwrap().id, bob.unwrap().id];
    for outcome in [bed.create("late").await.map(|_| ()), bed.tenant.user(ids[0], true).await.map(|_| ())] {
        assert!(matches!(outcome, Err(StoreError::Unavailable(_))), "{outcome:?}");
    }
    let files = std::fs::read_dir(bed.folder.path()).unwrap();
    assert_eq!(files.count(), 1, "whoever closes a file last puts its log away");
    let again = Store::open(&options(&bed.folder)).await.unwrap();
    for id in ids {
        assert!(again.tenant(bed.tenant.id()).user(id, true).await.unwrap().is_some());
    }
    again.close().await;
}
