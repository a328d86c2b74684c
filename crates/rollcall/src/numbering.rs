//! Gives audit entries and events their numbers while the server runs, and carries out the checks of chains that people ask
//! for. Each node does it; the database lets one at a time.

use std::time::Duration;

use metrics::counter;
use store::Store;
use telemetry::metrics::EVENTS_NUMBERED;
use tokio::{sync::watch, time};

use crate::server::stopped;

/// Longest time between two looks for what other nodes have written.
const LONGEST: Duration = Duration::from_secs(1);

/// What is written within this time after a round is numbered by one further round.
const GATHER: Duration = Duration::from_millis(100);

/// Pause while there is much to do: the database has others to serve, too.
const BREATH: Duration = Duration::from_millis(5);

/// Goes on until `stop` says so. What is broken off leaves nothing half done.
pub(crate) async fn run(store: Store, stop: watch::Receiver<bool>) {
    let mut healthy = true;
    loop {
        let round = async {
            if work(&store, &mut healthy).await {
                time::sleep(BREATH).await;
                return;
            }
            // Either way it is time: after the pause, or because something was written here.
            let _ = time::timeout(LONGEST, store.recorded()).await;
            time::sleep(GATHER).await;
        };
        tokio::select! {
            () = round => {}
            () = stopped(stop.clone()) => return,
        }
    }
}

/// One round of numbering and one step of a check; is there more to do at once?
async fn work(store: &Store, healthy: &mut bool) -> bool {
    let (mut more, mut failed) = match store.number().await {
        Ok(round) => {
            counter!(EVENTS_NUMBERED.name).increment(round.numbered);
            (round.more, round.failed)
        }
        Err(error) => (false, Some((None, error))),
    };
    match store.check_step().await {
        Ok(checked) => more |= checked,
        Err(error) => failed = Some((None, error)),
    }
    if let (true, Some((tenant, error))) = (*healthy, &failed) {
        let tenant = tenant.map(|tenant| tenant.to_string());
        tracing::warn!(tenant, %error, "audit entries could not be numbered or checked; trying on");
    }
    *healthy = failed.is_none();
    // What cannot be done now waits for the next look.
    more && *healthy
}
