//! `rollcall ldap`.

use std::{
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::{Context as _, bail};
use delivery::{
    DestinationError,
    ldap::{ImportReport, Reconciliation, Writer},
};
use provisioning::Tenant;
use serde::Serialize;
use store::ChangeContext;

use super::{output, progress};
use crate::{
    cli::{Ldap, LdapSource},
    installation::{Installation, cli_context},
    upkeep,
};

/// What the audit says of a user by an import.
const CAUSE: &str = "ldap import";

/// Entries that are told on the terminal; the file has all.
const TOLD: usize = 50;

/// Runs a command; fails when it found something.
pub(super) async fn run(installation: &Installation, command: Ldap) -> anyhow::Result<ExitCode> {
    match command {
        Ldap::Import { source, dry_run } => import(installation, &source, dry_run).await,
        Ldap::Reconcile { source } => reconcile(installation, &source).await,
    }
}

async fn import(installation: &Installation, source: &LdapSource, dry_run: bool) -> anyhow::Result<ExitCode> {
    let (tenant, directory) = opened(installation, source).await?;
    let context = ChangeContext { cause: CAUSE.to_owned(), ..cli_context() };
    let bar = progress::bar(&source.slug);
    let written = AtomicU64::new(0);
    let advance = |done: u64, total: u64| {
        written.store(done, Ordering::Relaxed);
        progress::advance(&bar, done, total, "entries");
    };
    let (store, provisioner) = (&installation.store, &installation.provisioner);
    let report = tokio::select! {
        report = directory.import(store, provisioner, &tenant, &context, dry_run, &advance) => report,
        never = upkeep::stand_in(store, &written) => match never {},
    };
    bar.finish_and_clear();
    let report = report?;
    write(source, &report)?;
    show_import(&report);
    Ok(code(report.findings.is_empty()))
}

async fn reconcile(installation: &Installation, source: &LdapSource) -> anyhow::Result<ExitCode> {
    let (tenant, directory) = opened(installation, source).await?;
    let bar = progress::spinner(&source.slug);
    let advance = |done: u64| bar.set_message(format!("{done} entries"));
    let found = directory.reconcile(&installation.store, &tenant, &advance).await;
    bar.finish_and_clear();
    let found = found?;
    write(source, &found)?;
    show_reconciliation(&found);
    Ok(code(found.findings() == 0))
}

async fn opened(installation: &Installation, source: &LdapSource) -> anyhow::Result<(Arc<Tenant>, Writer)> {
    let tenant = installation.tenant(&source.slug).await?;
    match installation.destinations.directory(tenant.id(), &source.destination).await {
        Ok(directory) => Ok((tenant, directory)),
        Err(DestinationError::Unknown) => {
            let (slug, name) = (&source.slug, &source.destination);
            bail!(
                "{slug} has no LDAP destination {name:?}; GET /api/v1/tenants/{slug}/destinations lists all"
            )
        }
        Err(error) => Err(error.into()),
    }
}

fn code(is_clean: bool) -> ExitCode {
    if is_clean { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn write(source: &LdapSource, report: &impl Serialize) -> anyhow::Result<()> {
    let Some(file) = &source.json else { return Ok(()) };
    let text = serde_json::to_string_pretty(report)?;
    std::fs::write(file, text + "\n").with_context(|| file.display().to_string())
}

fn show_import(report: &ImportReport) {
    for finding in report.findings.iter().take(TOLD) {
        output::fault(format_args!("{}: {}", finding.dn, finding.problem));
        for one in &finding.differences {
            let (found, wanted) = (one.found.join(", "), one.wanted.join(", "));
            output::fault(format_args!(
                "  {}: the entry has {found:?}, the user makes it {wanted:?}",
                one.attribute
            ));
        }
    }
    untold(report.findings.len());
    let would = if report.dry_run { "nothing was written; would be: " } else { "" };
    output::line(format_args!(
        "{would}{} created, {} linked, {} in conflict, {} failed, of {} entries",
        report.created, report.linked, report.conflicts, report.failed, report.entries
    ));
}

fn untold(findings: usize) {
    if findings > TOLD {
        output::fault(format_args!("and {} more; --json FILE writes all", findings - TOLD));
    }
}

fn show_reconciliation(found: &Reconciliation) {
    let mut table = output::table(&["What", "How many"]);
    for (what, count) in [
        ("users", found.users),
        ("entries", found.entries),
        ("entries that agree with their users", found.agreeing),
        ("entries without a user", found.entries_without_user.len() as u64),
        ("users without an entry", found.users_without_entry.len() as u64),
        ("entries with other attributes", found.attributes.len() as u64),
        ("active on one side alone", found.active.len() as u64),
        ("users with several entries", found.several_entries.len() as u64),
    ] {
        table.add_row([what.to_owned(), count.to_string()]);
    }
    table.show();
}
