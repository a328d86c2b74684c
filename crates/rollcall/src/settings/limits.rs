//! Settings of what a node takes on at once, how long it waits for clients, and how it leaves.

use std::time::Duration;

use anyhow::bail;
use clap::Args;
use serde::Serialize;

use super::Settings;

/// The flags.
#[derive(Clone, Debug, Default, Args, Serialize)]
pub(crate) struct LimitFlags {
    /// Connections that clients may have with a node at once [default: 4096, or what its limit of open files allows]
    #[arg(long, global = true, hide_short_help = true, value_name = "NUMBER")]
    #[serde(skip_serializing_if = "Option::is_none")]
    max_connections: Option<u32>,
    /// Requests that a node works on at once; others wait in turn, a short while [default: 32, or 8 for each core]
    #[arg(long, global = true, hide_short_help = true, value_name = "NUMBER")]
    #[serde(skip_serializing_if = "Option::is_none")]
    max_requests: Option<u32>,
    /// Seconds that a client may take for a request's head, or for the next piece of an answer [default: 10]
    #[arg(long, global = true, hide_short_help = true, value_name = "SECONDS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    client_timeout: Option<u32>,
    /// Seconds that a connection without a request is kept; more than a proxy in front keeps its own [default: 75]
    #[arg(long, global = true, hide_short_help = true, value_name = "SECONDS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    keep_alive: Option<u32>,
    /// Seconds that a node that is told to stop goes on serving, with /readyz at 503, so that a proxy looks away [default: 0]
    #[arg(long, global = true, hide_short_help = true, value_name = "SECONDS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    shutdown_delay: Option<u32>,
}

impl Settings {
    /// The error names the key and what fits.
    pub(super) fn check_limits(&self) -> anyhow::Result<()> {
        for (key, value, least, most) in [
            ("max_connections", self.max_connections, 1, 1_000_000),
            ("max_requests", self.max_requests, 1, 100_000),
            ("client_timeout", self.client_timeout, 1, 300),
            ("keep_alive", self.keep_alive, 1, 3600),
            ("shutdown_delay", self.shutdown_delay, 0, 300),
        ] {
            if let Some(value) = value.filter(|value| !(least..=most).contains(value)) {
                bail!("{key} {value} does not fit; choose {least} to {most}");
            }
        }
        Ok(())
    }

    /// Most connections with clients.
    pub(crate) fn max_connections(&self) -> usize {
        self.max_connections.map_or(4096, |number| usize::try_from(number).unwrap_or(usize::MAX))
    }

    /// Most requests that are worked on at once. Twice the connections to the database: while one is computed or written
    /// down, another has the connection.
    pub(crate) fn max_requests(&self) -> usize {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
        self.max_requests.map_or((8 * cores).max(32), |number| usize::try_from(number).unwrap_or(usize::MAX))
    }

    /// How long a client may take for what it has begun.
    pub(crate) fn client_timeout(&self) -> Duration {
        seconds(self.client_timeout, 10)
    }

    /// How long a connection is kept without a request.
    pub(crate) fn keep_alive(&self) -> Duration {
        seconds(self.keep_alive, 75)
    }

    /// How long the server goes on after it was told to stop.
    pub(crate) fn shutdown_delay(&self) -> Duration {
        seconds(self.shutdown_delay, 0)
    }
}

fn seconds(set: Option<u32>, usual: u32) -> Duration {
    Duration::from_secs(u64::from(set.unwrap_or(usual)))
}

#[cfg(test)]
mod tests {
    use super::{super::SettingFlags, *};

    #[test]
    fn limits_are_set_and_bounded() {
        let load = |limits| Settings::load(&SettingFlags { limits, ..Default::default() });
        let usual = load(LimitFlags::default()).unwrap();
        assert_eq!((usual.max_connections(), usual.client_timeout().as_secs()), (4096, 10));
        assert_eq!((usual.keep_alive().as_secs(), usual.shutdown_delay().as_secs()), (75, 0));
        let set = LimitFlags {
            max_connections: Some(7),
            max_requests: Some(3),
            client_timeout: Some(5),
            keep_alive: Some(60),
            shutdown_delay: Some(3),
        };
        let set = load(set).unwrap();
        assert_eq!((set.max_connections(), set.max_requests(), set.client_timeout().as_secs()), (7, 3, 5));
        assert!(usual.max_requests() >= 32);
        assert_eq!((set.keep_alive().as_secs(), set.shutdown_delay().as_secs()), (60, 3));
        for (wrong, words) in [
            (LimitFlags { max_connections: Some(0), ..LimitFlags::default() }, "max_connections 0"),
            (LimitFlags { max_requests: Some(0), ..LimitFlags::default() }, "max_requests 0"),
            (LimitFlags { client_timeout: Some(301), ..LimitFlags::default() }, "choose 1 to 300"),
            (LimitFlags { keep_alive: Some(0), ..LimitFlags::default() }, "keep_alive 0"),
            (LimitFlags { shutdown_delay: Some(301), ..LimitFlags::default() }, "choose 0 to 300"),
        ] {
            let error = load(wrong).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
