//! Looks for credentials that end soon while the server runs: at its start, and then about every ten minutes.

use std::time::Duration;

use tokio::sync::watch;

use crate::{installation::Installation, server::stopped};

/// Time between two rounds, at least.
const PAUSE: Duration = Duration::from_secs(9 * 60);

/// Time between two rounds, at most: many nodes do not begin together.
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_secs(11 * 60);

/// Warns until `stop` says so. A round that is broken off leaves nothing half done, and the next one goes on.
pub(crate) async fn run(installation: Installation, stop: watch::Receiver<bool>) {
    loop {
        let round = async {
            match installation.tokens.survey().await {
                Ok(survey) if survey.warned == 0 => {}
                Ok(survey) => tracing::info!(warnings = survey.warned, "warned of credentials that end soon"),
                Err(error) => {
                    tracing::warn!(%error, "credentials that end soon were not looked for; the next round tries again");
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

fn pause() -> Duration {
    PAUSE + (LONGEST_PAUSE - PAUSE).mul_f64(rand::random())
}
