//! Clears away what has had its time while the server runs: deleted tenants and users, claims of host names, revoked
//! access tokens, notes of what was refused, files that nobody imported, the log of requests and its counters, the feed, retired
//! signing keys whose last token has ended. At its start, and then about once an hour.

use std::time::Duration;

use store::{Store, StoreError};
use tokio::sync::watch;

use crate::{installation::Installation, server::stopped};

/// Time between two rounds, at least.
const PAUSE: Duration = Duration::from_secs(55 * 60);

/// Up to so much longer, so that many nodes do not begin together.
const SPREAD: Duration = Duration::from_secs(10 * 60);

/// A day, in milliseconds.
const DAY: i64 = 24 * 3_600_000;

/// Days that the hourly counters are kept.
const TRAFFIC_DAYS: i64 = 90;

/// Places of the feed that are forgotten in one transaction.
const AT_ONCE: u64 = 5_000;

/// How long what grows is kept, in days.
#[derive(Clone, Copy)]
pub(crate) struct Kept {
    /// Requests.
    pub(crate) requests: u32,
    /// The feed of events.
    pub(crate) events: u32,
}

/// Goes on until `stop` says so. A round that is broken off leaves nothing half done, and the next one goes on.
pub(crate) async fn run(installation: Installation, kept: Kept, stop: watch::Receiver<bool>) {
    loop {
        let round = async {
            match installation.tenants.purge_deleted().await {
                Ok(0) => {}
                Ok(tenants) => tracing::info!(tenants, "purged deleted tenants whose retention is over"),
                Err(error) => {
                    tracing::warn!(%error, "deleted tenants could not be purged; the next round tries again");
                }
            }
            if let Err(error) = installation.tenants.check_domains_again().await {
                tracing::warn!(%error, "host names could not be looked at again; the next round tries again");
            }
            match installation.provisioner.purge_expired(&installation.tenants).await {
                Ok(0) => {}
                Ok(users) => tracing::info!(users, "purged deleted users whose retention is over"),
                Err(error) => {
                    tracing::warn!(%error, "deleted users could not be purged; the next round tries again");
                }
            }
            if let Err(error) = installation.tokens.forget_ended_tokens().await {
                tracing::warn!(%error, "revoked tokens that have ended could not be forgotten; the next round tries again");
            }
            if let Err(error) = installation.tokens.forget_refusals().await {
                tracing::warn!(%error, "old refusals could not be removed; the next round tries again");
            }
            match installation.provisioner.forget_import_files().await {
                Ok(0) => {}
                Ok(parts) => tracing::info!(parts, "removed files that nobody has imported"),
                Err(error) => {
                    tracing::warn!(%error, "files that nobody has imported could not be removed; the next round tries again");
                }
            }
            if let Err(error) = forget_activity(&installation.store, kept.requests).await {
                tracing::warn!(%error, "old requests could not be removed from the log; the next round tries again");
            }
            if let Err(error) = forget_events(&installation.store, kept.events).await {
                tracing::warn!(%error, "old events could not be removed from the feed; the next round tries again");
            }
            match installation.tokens.remove_ended_keys().await {
                Ok(kids) if kids.is_empty() => {}
                Ok(kids) => tracing::info!(?kids, "removed signing keys whose last token has ended"),
                Err(error) => {
                    tracing::warn!(%error, "ended signing keys could not be removed; the next round tries again");
                }
            }
            tokio::time::sleep(pause()).await;
        };
        tokio::select! {
            () = round => {}
            () = stopped(stop.clone()) => return,
        }
    }
}

async fn forget_activity(store: &Store, log_days: u32) -> Result<(), StoreError> {
    let platform = store.platform();
    let requests = platform.forget_requests(store.now() - i64::from(log_days) * DAY).await?;
    let oldest = store.now() - TRAFFIC_DAYS * DAY;
    let hours = platform.forget_traffic(oldest).await? + platform.forget_delivery_hours(oldest).await?;
    if requests + hours > 0 {
        tracing::debug!(requests, hours, "removed old requests from the log");
    }
    Ok(())
}

async fn forget_events(store: &Store, days: u32) -> Result<(), StoreError> {
    let before = store.now() - i64::from(days) * DAY;
    while store.platform().forget_feed(before, AT_ONCE).await? == AT_ONCE {}
    while store.platform().forget_deliveries(AT_ONCE).await? {}
    Ok(())
}

fn pause() -> Duration {
    PAUSE + SPREAD.mul_f64(rand::random())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_begins_about_once_an_hour() {
        let pauses: Vec<Duration> = (0..100).map(|_| pause()).collect();
        assert!(pauses.iter().all(|pause| (PAUSE..=PAUSE + SPREAD).contains(pause)));
        assert!(pauses.iter().any(|pause| *pause != pauses[0]), "not all at once");
    }
}
