//! Attempts to break out of a tenant: every route of the server, with whatever one customer may have, at everything that another
//! one has. An attempt succeeds if the answer holds something of the other tenant that the request did not say; or if it is not
//! the answer that is given about what is nowhere; or if a row of the other tenant is another one afterwards.
//!
//! `tests/long isolation` has it all once more against a program whose statements do not name the tenant.

mod api;
mod console;
mod judge;
mod prey;
mod request;
mod scim;
mod snapshot;
mod words;
mod world;

use futures::StreamExt as _;
use store_testing::Trial;

use crate::harness::Database;
use judge::{Tally, leak, tell};
use prey::Prey;
use request::{Actor, Request};
use world::{Thief, World};

/// What was asked for, at least.
const ATTEMPTS: usize = 2_000;

/// Is this program one whose statements do not name the tenant?
const UNFENCED: bool = cfg!(rollcall_no_tenant_predicate);

/// By what such a program is known.
const MARK: &str = "rollcall_no_tenant_predicate";

/// Set by `tests/long isolation`: two tenants are tried, not one, and with all attempts.
const LONG: &str = "ROLLCALL_LONG_ISOLATION";

/// Otherwise one attempt in so many is made; `ROLLCALL_SEED` says which.
const SHARE: usize = 3;

/// Requests that are on their way at once.
const AT_ONCE: usize = 4;

#[cfg(not(rollcall_no_tenant_predicate))]
#[tokio::test]
async fn nobody_breaks_out_on_sqlite() {
    nobody_breaks_out(Database::Sqlite).await;
}

#[tokio::test]
async fn nobody_breaks_out_on_postgres() {
    nobody_breaks_out(Database::Postgres).await;
}

#[allow(clippy::print_stdout, reason = "the figures are what the suite is for")]
async fn nobody_breaks_out(database: Database) {
    let world = World::new(database).await;
    let [thief, others @ ..] = world.tenants.as_slice() else { panic!("no tenants") };
    let (victims, mut tally) = if std::env::var_os(LONG).is_some() {
        (others, Tally::of_all())
    } else {
        (&others[..1], Tally::of_one_in(SHARE, Trial::new("isolation", LONG, ATTEMPTS).seed))
    };
    let rows = world.installation.database().await;
    let mut before = Vec::new();
    for victim in others {
        before.push(world.snapshot(&rows, &victim.prey).await);
    }
    // What one has sent is in one's own log, so what may show it comes first.
    let operations = api::operations(&world).await;
    for victim in victims {
        world.raid(&mut tally, victim, |prey| api::about_them(&operations, thief, prey)).await;
        world
            .raid(&mut tally, victim, |prey| api::at_ones_own(&operations, thief, &world.platform, prey))
            .await;
        world.raid(&mut tally, victim, |prey| api::with_clients(thief, prey)).await;
        world.raid(&mut tally, victim, |prey| console::about_them(thief, prey)).await;
        world.raid(&mut tally, victim, |prey| console::at_ones_own(thief, &world.operator, prey)).await;
        world.raid(&mut tally, victim, |prey| console::with_sessions(thief, prey)).await;
    }
    let strangers = [&world.platform, &Actor::nobody()];
    for victim in victims {
        world.raid(&mut tally, victim, |prey| scim::at_their_addresses(thief, &strangers, prey)).await;
        world.raid(&mut tally, victim, |_| scim::their_keys(thief, victim)).await;
        world.raid(&mut tally, victim, |prey| scim::their_ids(thief, prey)).await;
        world.raid(&mut tally, victim, |prey| scim::their_words(thief, prey)).await;
        world.raid(&mut tally, victim, |prey| scim::in_bulk(thief, prey)).await;
        world.raid(&mut tally, victim, |prey| scim::as_members(thief, prey)).await;
    }
    for victim in victims {
        world.raid(&mut tally, victim, |prey| scim::as_ones_own(thief, prey)).await;
    }
    let (mut kept, mut tables) = (0, 0);
    for (victim, before) in others.iter().zip(&before) {
        let after = world.snapshot(&rows, &victim.prey).await;
        let (of_rows, of_tables) = before.size();
        (kept, tables) = (kept + of_rows, tables.max(of_tables));
        tally.found_after(before.changes(&after));
    }
    rows.close().await.unwrap();
    let build = if UNFENCED { ", no statement names the tenant" } else { "" };
    println!("{}", tally.table(&format!("attempts to break out, {database:?}{build}")));
    println!("  {kept} rows of {tables} tables are as they were");
    assert_eq!(tally.successes(), [""; 0], "{} attempts went through", tally.successes().len());
    assert!(tally.attempts() >= ATTEMPTS && tables >= 25, "{} attempts, {tables} tables", tally.attempts());
}

impl World {
    /// Sends what there is to be tried at somebody, and the same about nobody; counts what went through.
    async fn raid(&self, tally: &mut Tally, victim: &Thief, requests: impl Fn(&Prey) -> Vec<Request>) {
        let prey = &victim.prey;
        let nobody = prey.nobody();
        let (share, first) = tally.share;
        let pairs = requests(prey).into_iter().zip(requests(&nobody));
        let pairs: Vec<_> = pairs.skip(first).step_by(share).collect();
        let judged =
            futures::stream::iter(&pairs).map(|(about, control)| self.judged(about, prey, control, &nobody));
        let mut judged = judged.buffer_unordered(AT_ONCE);
        while let Some((kind, successes)) = judged.next().await {
            tally.count(kind, successes);
        }
    }

    async fn judged(
        &self,
        about: &Request,
        prey: &Prey,
        control: &Request,
        nobody: &Prey,
    ) -> (&'static str, Vec<String>) {
        let answer = self.wire.send(about).await;
        // Whoever comes with a key of the other tenant is to learn nothing of anybody.
        let silent = &self.tenants[usize::from(about.kind != "keys")..];
        let tenants = silent.iter().map(|thief| &thief.prey);
        let mut successes: Vec<String> = leak(about, &answer, tenants).into_iter().collect();
        if about.compared {
            let control = self.wire.send(control).await;
            successes.extend(tell(about, [(&answer, prey), (&control, nobody)]));
        }
        if answer.status >= 500 {
            successes.push(format!("{} is a fault: {answer:?}", about.title()));
        }
        (about.kind, successes)
    }
}

/// What would be a success is seen as one: each way by somebody who may.
#[tokio::test]
async fn a_success_is_seen() {
    let world = World::new(if UNFENCED { Database::Postgres } else { Database::Sqlite }).await;
    let [thief, victim, _] = world.tenants.as_slice() else { panic!("no tenants") };
    // The other tenant itself in the thief's place: of its own lists, ids and words each is a success.
    let mut tally = Tally::of_all();
    world
        .raid(&mut tally, victim, |prey| scim::their_ids(victim, prey).into_iter().filter(reads).collect())
        .await;
    world.raid(&mut tally, victim, |prey| scim::their_words(victim, prey)).await;
    let seen = tally.successes().len();
    assert!(seen > tally.attempts() / 4, "{seen} of {}", tally.attempts());
    assert!(tally.successes().iter().any(|success| success.contains(" tells ")), "no leak is seen");
    assert!(
        tally.successes().iter().any(|success| success.contains("is told from")),
        "no telling answer is seen"
    );
    // The thief's own requests are none.
    let mut tally = Tally::of_all();
    world
        .raid(&mut tally, victim, |prey| scim::their_ids(thief, prey).into_iter().filter(reads).collect())
        .await;
    assert_eq!(tally.successes(), [""; 0]);
    // A row that was changed, and one that is gone.
    let rows = world.installation.database().await;
    let before = world.snapshot(&rows, &victim.prey).await;
    assert!(before.changes(&world.snapshot(&rows, &victim.prey).await).is_empty());
    let user = format!("/t/{}/scim/v2/Users/{}", victim.prey.get("slug"), victim.prey.get("boss"));
    let request = Request::new("", &victim.bearer, "DELETE", user);
    assert_eq!(world.wire.send(&request).await.status, 204);
    let changes = before.changes(&world.snapshot(&rows, &victim.prey).await);
    for table in ["users", "members", "audit"] {
        assert!(changes.iter().any(|change| change.contains(&format!("rows of {table} "))), "{changes:?}");
    }
    rows.close().await.unwrap();
}

fn reads(request: &Request) -> bool {
    request.method == "GET"
}

/// The program that is shipped names the tenant in its statements. `tests/long isolation` finds the mark in the other one.
#[test]
fn the_program_is_the_one_that_it_should_be() {
    let program = std::fs::read(env!("CARGO_BIN_EXE_rollcall")).unwrap();
    let marked = program.windows(MARK.len()).any(|bytes| bytes == MARK.as_bytes());
    assert_eq!(marked, UNFENCED);
}

/// Without either wall there is none: with row-level security taken away this program shows a tenant what another one has.
#[cfg(rollcall_no_tenant_predicate)]
#[tokio::test]
async fn without_row_level_security_nothing_is_kept_apart() {
    use sea_orm::ConnectionTrait as _;

    let world = World::new(Database::Postgres).await;
    let [thief, victim, _] = world.tenants.as_slice() else { panic!("no tenants") };
    let rows = world.installation.database().await;
    rows.execute_unprepared(
        "DO $$ DECLARE t text; BEGIN FOR t IN SELECT oid::regclass::text FROM pg_class WHERE relrowsecurity LOOP \
         EXECUTE format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY', t); END LOOP; END $$",
    )
    .await
    .unwrap();
    rows.close().await.unwrap();
    let mut tally = Tally::of_all();
    world
        .raid(&mut tally, victim, |prey| scim::their_ids(thief, prey).into_iter().filter(reads).collect())
        .await;
    world.raid(&mut tally, &victim, |prey| scim::their_words(thief, prey)).await;
    assert!(tally.successes().len() > 100, "{} of {}", tally.successes().len(), tally.attempts());
}
