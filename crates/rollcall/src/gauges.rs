//! Sets the gauges that nobody else sets, while the server runs.

use std::time::Duration;

use admission::Admission;
use metrics::gauge;
use metrics_exporter_prometheus::PrometheusHandle;
use store::{Store, StoreError, destinations::DestinationKind};
use telemetry::metrics as names;
use tokio::sync::watch;

use crate::server::stopped;

/// Time between two looks: as long as between two questions of Prometheus, mostly.
const PAUSE: Duration = Duration::from_secs(10);

/// Looks at what there is to show until `stop` says so.
pub(crate) async fn run(
    store: Store,
    admission: Admission,
    recorder: PrometheusHandle,
    stop: watch::Receiver<bool>,
) {
    let look = async {
        let mut healthy = true;
        loop {
            // What histograms were told since is added up, or it would be kept one by one until somebody asks.
            recorder.run_upkeep();
            admission.show();
            gauge!(names::BUILD.name, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
            connections(&store);
            let waiting = waiting(&store).await;
            if let (true, Err(error)) = (healthy, &waiting) {
                tracing::warn!(%error, "what waits to be numbered or delivered cannot be counted; trying on");
            }
            healthy = waiting.is_ok();
            tokio::time::sleep(PAUSE).await;
        }
    };
    tokio::select! {
        () = look => {}
        () = stopped(stop) => {}
    }
}

fn connections(store: &Store) {
    let connections = store.connections();
    gauge!(names::DATABASE_CONNECTIONS.name, "state" => "idle").set(connections.idle);
    gauge!(names::DATABASE_CONNECTIONS.name, "state" => "used").set(connections.used);
    gauge!(names::DATABASE_CONNECTIONS_MAX.name).set(connections.max);
}

async fn waiting(store: &Store) -> Result<(), StoreError> {
    let unnumbered = store.unnumbered().await?;
    gauge!(names::EVENTS_UNNUMBERED.name).set(precise(unnumbered.entries));
    gauge!(names::EVENTS_UNNUMBERED_OLDEST.name).set(age(store, unnumbered.oldest_at));
    for backlog in store.platform().backlog().await? {
        let way = match backlog.kind {
            DestinationKind::Webhook => "webhook",
            DestinationKind::RedisStream => "redis-stream",
            DestinationKind::Ldap => "ldap",
        };
        let states = [("active", backlog.active), ("paused", backlog.paused), ("disabled", backlog.disabled)];
        for (state, count) in states {
            gauge!(names::DESTINATIONS.name, "way" => way, "state" => state).set(precise(count));
        }
        gauge!(names::DELIVERIES_WAITING.name, "way" => way).set(precise(backlog.waiting));
        gauge!(names::DELIVERIES_DEAD.name, "way" => way).set(precise(backlog.dead));
        gauge!(names::DELIVERIES_OLDEST.name, "way" => way).set(age(store, backlog.oldest_at));
    }
    Ok(())
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
