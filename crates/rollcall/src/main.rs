//! The `rollcall` program: command line, configuration, telemetry, start and stop.

mod cli;
mod commands;
mod declared;
mod envelope;
mod framing;
mod gauges;
mod health;
mod installation;
mod metrics;
mod numbering;
mod retention;
mod server;
mod settings;
mod telemetry;
mod traces;
mod upkeep;
mod warnings;

use std::{process::ExitCode, time::Duration};

use clap::Parser as _;
use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Longest wait for blocking work when a command is done.
const LAST_WAIT: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    // One crypto provider for every TLS connection, chosen before the first one.
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        commands::failure(&anyhow::anyhow!("another TLS crypto provider was installed first"));
        return ExitCode::FAILURE;
    }
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and the version go to stdout. Whatever is wrong ends with 1: 2 is what a plan says.
            let outcome = error.print();
            return ExitCode::from(u8::from(error.use_stderr() || outcome.is_err()));
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            commands::failure(&anyhow::Error::new(error).context("cannot start the async runtime"));
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(commands::run(cli));
    // A thread that blocks (a name look-up, a connection's last word) does not keep a finished command waiting.
    runtime.shutdown_timeout(LAST_WAIT);
    match outcome {
        Ok(code) => code,
        Err(error) => {
            commands::failure(&error);
            ExitCode::FAILURE
        }
    }
}
