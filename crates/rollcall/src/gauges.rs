//! Sets the gauges that nobody else sets, while the server runs.

use std::time::Duration;

use admission::Admission;
use anyhow::Context as _;
use metrics::{counter, gauge};
use metrics_exporter_prometheus::PrometheusHandle;
use store::{
    Store, StoreError,
    backlog::Unnumbered,
    destinations::{Backlog, DestinationKind},
};
use telemetry::metrics as names;
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

use crate::{health::Readiness, server::stopped};

/// Time between two looks at this node itself: oftener than Prometheus asks, mostly.
const PAUSE: Duration = Duration::from_secs(5);

/// Time between two looks at what waits in the database: every node looks, and what waits may be much.
const LONG_PAUSE: Duration = Duration::from_secs(60);

/// A look at it that takes longer is given up.
const LONGEST_LOOK: Duration = Duration::from_secs(20);

/// What nobody knows now. Prometheus compares it with nothing, and takes what another node shows.
const UNKNOWN: f64 = f64::NAN;

/// Looks at what there is to show until `stop` says so.
pub(crate) async fn run(
    store: Store,
    readiness: Readiness,
    admission: Admission,
    recorder: PrometheusHandle,
    stop: watch::Receiver<bool>,
) {
    // Beside each other: a database that is away keeps nobody from seeing that it is.
    let node = async {
        loop {
            // What histograms were told since is added up, or it would be kept one by one until somebody asks.
            recorder.run_upkeep();
            admission.show();
            gauge!(names::BUILD.name, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
            gauge!(names::READY.name).set(if readiness.check().is_ok() { 1.0 } else { 0.0 });
            connections(&store);
            sleep(PAUSE).await;
        }
    };
    // From the start, or nobody would see the first one rise.
    for kind in DestinationKind::ALL {
        counter!(names::DELIVERIES_GIVEN_UP.name, "way" => kind.word()).increment(0);
    }
    let database = async {
        let mut healthy = true;
        loop {
            let waiting = waiting(&store).await;
            if let (true, Err(error)) = (healthy, &waiting) {
                tracing::warn!(%error, "what waits to be numbered or delivered cannot be counted; trying on");
            }
            healthy = waiting.is_ok();
            let looked = Instant::now();
            sleep(PAUSE).await;
            // What cannot be counted any more, or now can, is not waited for.
            while healthy && readiness.check().is_ok() && looked.elapsed() < LONG_PAUSE {
                sleep(PAUSE).await;
            }
        }
    };
    tokio::select! {
        () = node => {}
        () = database => {}
        () = stopped(stop) => {}
    }
}

fn connections(store: &Store) {
    let connections = store.connections();
    gauge!(names::DATABASE_CONNECTIONS.name, "state" => "idle").set(connections.idle);
    gauge!(names::DATABASE_CONNECTIONS.name, "state" => "used").set(connections.used);
    gauge!(names::DATABASE_CONNECTIONS_MAX.name).set(connections.max);
}

/// Shows what waits. What cannot be counted is unknown, and no longer what it was.
async fn waiting(store: &Store) -> anyhow::Result<()> {
    let unnumbered = in_time(store.unnumbered()).await;
    numbers(store, unnumbered.as_ref().ok());
    let backlog = in_time(store.platform().backlog()).await;
    match &backlog {
        Ok(kinds) => kinds.iter().for_each(|one| deliveries(store, one.kind, Some(one))),
        Err(_) => DestinationKind::ALL.into_iter().for_each(|kind| deliveries(store, kind, None)),
    }
    unnumbered.map(drop).and(backlog.map(drop))
}

async fn in_time<T>(look: impl Future<Output = Result<T, StoreError>>) -> anyhow::Result<T> {
    Ok(tokio::time::timeout(LONGEST_LOOK, look).await.context("it takes too long")??)
}

fn numbers(store: &Store, found: Option<&Unnumbered>) {
    gauge!(names::EVENTS_UNNUMBERED.name).set(found.map_or(UNKNOWN, |found| precise(found.entries)));
    let oldest = found.map_or(UNKNOWN, |found| age(store, found.oldest_at));
    gauge!(names::EVENTS_UNNUMBERED_OLDEST.name).set(oldest);
}

fn deliveries(store: &Store, kind: DestinationKind, found: Option<&Backlog>) {
    let way = kind.word();
    let count = |of: fn(&Backlog) -> u64| found.map_or(UNKNOWN, |found| precise(of(found)));
    let states = [
        ("active", count(|found| found.active)),
        ("paused", count(|found| found.paused)),
        ("disabled", count(|found| found.disabled)),
    ];
    for (state, number) in states {
        gauge!(names::DESTINATIONS.name, "way" => way, "state" => state).set(number);
    }
    gauge!(names::DELIVERIES_WAITING.name, "way" => way).set(count(|found| found.waiting));
    gauge!(names::DELIVERIES_DEAD.name, "way" => way).set(count(|found| found.dead));
    let oldest = found.map_or(UNKNOWN, |found| age(store, found.oldest_at));
    gauge!(names::DELIVERIES_OLDEST.name, "way" => way).set(oldest);
}

/// Seconds since then; clocks of nodes differ.
fn age(store: &Store, since: Option<i64>) -> f64 {
    let millis = since.map_or(0, |since| store.now().saturating_sub(since).max(0));
    Duration::from_millis(millis.unsigned_abs()).as_secs_f64()
}

/// Exact up to 2^53, which no count reaches.
#[expect(clippy::cast_precision_loss, reason = "see above")]
fn precise(count: u64) -> f64 {
    count as f64
}
