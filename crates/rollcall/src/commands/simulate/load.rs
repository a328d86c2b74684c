//! `rollcall simulate … --load`.

use std::{process::ExitCode, time::Duration};

use idp_simulator::{LoadOptions, LoadReport, Provider, load};

use super::target;
use crate::{
    cli::SimulateOptions,
    commands::{output, progress},
};

/// Measures a server; fails when an answer was missing, a failure or wrong.
pub(super) async fn run(
    name: &str,
    provider: Provider,
    options: &SimulateOptions,
) -> anyhow::Result<ExitCode> {
    let wanted = LoadOptions {
        provider,
        users: options.users,
        groups: options.groups,
        connections: options.load.connections,
        time: Duration::from_secs(options.load.seconds),
        seed: options.seed,
        keep: options.load.keep,
    };
    let bar = progress::bar(name);
    let advance = |done, total, label: &str| progress::advance(&bar, done, total, label);
    let report = load(&target(options), &wanted, &advance).await;
    bar.finish_and_clear();
    let report = report?;
    if options.json {
        output::json(&report)?;
    } else {
        show(&report);
    }
    Ok(if report.errors() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn show(report: &LoadReport) {
    let mut table = output::table(&["request", "times", "a second", "p50 ms", "p95 ms", "p99 ms", "errors"]);
    for kind in &report.kinds {
        let millis = |value: f64| format!("{value:.1}");
        table.add_row([
            kind.kind.to_owned(),
            kind.requests.to_string(),
            format!("{:.0}", kind.per_second),
            millis(kind.p50_ms),
            millis(kind.p95_ms),
            millis(kind.p99_ms),
            kind.errors.to_string(),
        ]);
    }
    table.show();
    output::line(format_args!(
        "{:.0} requests a second for {:.0} s over {}, {} and {}; {}",
        report.per_second,
        report.seconds,
        output::counted(report.connections, "connection"),
        output::counted(report.users, "user"),
        output::counted(report.groups, "group"),
        output::counted(usize::try_from(report.errors()).unwrap_or(usize::MAX), "error"),
    ));
    for kind in &report.kinds {
        if let Some(error) = &kind.first_error {
            output::line(format_args!("✗ {}: {error}", kind.kind));
        }
    }
}
