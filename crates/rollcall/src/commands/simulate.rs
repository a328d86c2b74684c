//! `rollcall simulate …`.

mod load;

use std::process::ExitCode;

use idp_simulator::{
    Failure, Provider, Report, Target,
    scenario::{self, EntraOptions, OktaOptions, OptScim},
};

use super::{output, progress};
use crate::cli::{Simulate, SimulateOptions};

/// What an identity provider does first.
const FIRST: &str = "test credentials";

/// Said where all went well: a console shows those requests among its refusals.
pub(super) const REFUSED: &str = "Some requests are meant to be refused (a wrong credential, somebody a second time): the server's \
                                  console counts them as refused.";

/// Most failures shown one by one.
const SHOWN: usize = 20;

/// Plays an identity provider; fails when the server broke a requirement.
pub(super) async fn run(command: Simulate) -> anyhow::Result<ExitCode> {
    let (name, provider, options) = match &command {
        Simulate::Okta(options) => ("okta", Provider::Okta, options),
        Simulate::Entra(options) => ("entra", Provider::Entra, options),
    };
    if options.load.load {
        return load::run(name, provider, options).await;
    }
    let bar = progress::bar(name);
    let advance = |done, total, label: &str| progress::advance(&bar, done, total, label);
    let report = play(&command, &advance).await;
    bar.finish_and_clear();
    if options.json {
        output::json(&report)?;
    } else {
        show(&report);
    }
    Ok(if report.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn target(options: &SimulateOptions) -> Target {
    Target { base_url: options.base_url.clone(), authorization: options.authorization.clone() }
}

async fn play(command: &Simulate, advance: scenario::Progress<'_>) -> Report {
    match command {
        Simulate::Okta(options) => {
            let &SimulateOptions { users, groups, concurrency, seed, .. } = options;
            let group_prefix = options.group_prefix.clone();
            let okta = OktaOptions { users, groups, concurrency, seed, group_prefix };
            scenario::okta(&target(options), &okta, advance).await
        }
        Simulate::Entra(options) => {
            let &SimulateOptions { users, groups, concurrency, seed, .. } = options;
            let optscim = OptScim::default();
            let entra = EntraOptions { users, groups, concurrency, seed, optscim };
            scenario::entra(&target(options), &entra, advance).await
        }
    }
}

fn show(report: &Report) {
    let mut table = output::table(&["operation", "times"]);
    for (operation, times) in &report.operations {
        table.add_row([operation.clone(), times.to_string()]);
    }
    table.show();
    output::line(format_args!(
        "{} requests, {} users and {} groups provisioned, {} failures",
        report.requests,
        report.users,
        report.groups,
        report.failures.len()
    ));
    failures(report);
    if report.failures.is_empty() {
        output::line(REFUSED);
    }
}

/// Lists what the server got wrong. Where not even the test of the credentials went well and nobody came in, that is what to
/// mend: all else follows from it.
pub(super) fn failures(report: &Report) {
    let is_first = |failure: &&Failure| failure.operation == FIRST;
    if report.users == 0
        && let Some(first) = report.failures.iter().find(is_first)
    {
        output::line(format_args!("✗ {} ({}): {}", first.operation, first.request, first.requirement));
        output::line(format_args!("  found: {}", first.found));
        output::line(format_args!(
            "The Base URL or the credential does not reach a tenant that is active: mend that first ({} in all)",
            output::counted(report.failures.len(), "failure")
        ));
        return;
    }
    for failure in report.failures.iter().take(SHOWN) {
        output::line(format_args!("✗ {} ({}): {}", failure.operation, failure.request, failure.requirement));
        output::line(format_args!("  found: {}", failure.found));
    }
    if report.failures.len() > SHOWN {
        output::line(format_args!("… and {} more", report.failures.len() - SHOWN));
    }
}
