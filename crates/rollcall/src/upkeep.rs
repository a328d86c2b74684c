//! What a server does by itself while it serves. Each piece of work may be done by several nodes at once, and may be
//! broken off at any time.

use std::{
    convert::Infallible,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use store::{Backend, Store};
use tokio::sync::watch;

use crate::{installation::Installation, server::stopped};

/// Pause between two looks for work.
const PAUSE: Duration = Duration::from_secs(1);

/// Pause after work that could not be done.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(30);

/// Looks for work between two looks at the tables themselves.
const STATISTICS_EVERY: u32 = 5;

/// Rows of a command whose entries may wait for their numbers: a server needs some seconds for them.
const MANY: u64 = 100_000;

/// Tenants looked for at once.
const TENANTS: u64 = 1000;

/// What a server does meanwhile, for as long as a command fills tables, perhaps without one; `written`: rows so far. The
/// statistics are taken: without any, PostgreSQL would look for each new user among all of the tenant. Where very many entries
/// wait for their numbers, they get them: until then they are added up by each list. SQLite leaves that to its server, for both
/// would take turns in writing.
pub(crate) async fn stand_in(store: &Store, written: &AtomicU64) -> Infallible {
    match store.backend() {
        Backend::Sqlite => keep_statistics(store).await,
        Backend::Postgres => tokio::select! {
            never = keep_statistics(store) => never,
            never = number_when_many_wait(store, written) => never,
        },
    }
}

async fn number_when_many_wait(store: &Store, written: &AtomicU64) -> Infallible {
    let mut numbered = 0;
    loop {
        let written = written.load(Ordering::Relaxed);
        if written < numbered + MANY {
            tokio::time::sleep(PAUSE).await;
            continue;
        }
        match store.number().await {
            // Somebody else does it.
            Ok(round) if round.numbered == 0 => numbered = written,
            Ok(round) => numbered += round.numbered,
            Err(error) => {
                tracing::debug!(%error, "entries could not be numbered");
                numbered = written;
            }
        }
    }
}

async fn keep_statistics(store: &Store) -> Infallible {
    loop {
        tokio::time::sleep(PAUSE).await;
        refresh_statistics(store).await;
    }
}

async fn refresh_statistics(store: &Store) {
    if let Err(error) = store.refresh_statistics().await {
        tracing::debug!(%error, "the statistics of tables could not be taken");
    }
}

/// Makes users anew wherever a profile has changed what they are searched by, has the statistics taken of tables that have
/// been filled and new entries of the index of names filed, until `stop` says so.
pub(crate) async fn run(installation: Installation, stop: watch::Receiver<bool>) {
    let (mut seen, mut looks) = (None, 0_u32);
    loop {
        if looks.is_multiple_of(STATISTICS_EVERY) {
            refresh_statistics(&installation.store).await;
            if let Err(error) = installation.store.place_left_out().await {
                tracing::warn!(%error, "events that another version has numbered could not be added to the feed");
            }
            if let Err(error) = installation.store.file_new_parts().await {
                tracing::debug!(%error, "new entries of the index of names could not be filed");
            }
        }
        looks = looks.wrapping_add(1);
        let epoch = installation.store.epoch();
        let mut pause = PAUSE;
        // Without a change of configuration there is nothing to look for.
        if seen != Some(epoch) {
            match installation.tenants.reindex_pending(TENANTS).await {
                Ok(0) => seen = Some(epoch),
                Ok(tenants) => {
                    tracing::info!(tenants, "users were made anew after their profile had changed")
                }
                Err(error) => {
                    tracing::warn!(%error, "users could not be made anew after their profile had changed");
                    pause = PAUSE_AFTER_FAILURE;
                }
            }
        }
        tokio::select! {
            () = stopped(stop.clone()) => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}
