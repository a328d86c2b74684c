//! `rollcall import`.

use std::{
    path::Path,
    process::ExitCode,
    sync::atomic::{AtomicU64, Ordering},
};

use anyhow::{Context as _, bail};
use provisioning::csv::{self, ImportError, ImportOptions, ImportProgress, ImportSummary, LineError};
use serde_json::{Value, json};
use store::ChangeContext;
use tokio::io::AsyncRead;

use super::{output, progress};
use crate::{
    cli::{Existing, Import},
    installation::{Installation, cli_context},
    upkeep,
};

/// What the audit says of a change by an import.
const CAUSE: &str = "csv import";

/// Imports a file; fails when a row did.
pub(super) async fn run(installation: &Installation, options: &Import) -> anyhow::Result<ExitCode> {
    let tenant = installation.tenant(&options.slug).await?;
    let (source, length) = open(&options.file).await?;
    let context = ChangeContext { cause: CAUSE.to_owned(), ..cli_context() };
    let how = ImportOptions { existing: existing(options.existing), dry_run: options.dry_run, columns: None };
    let bar = progress::bytes(&options.slug, length);
    let written = AtomicU64::new(0);
    let advance = |now: ImportProgress| {
        written.store(now.rows, Ordering::Relaxed);
        bar.set_position(now.bytes);
        bar.set_message(format!("{} rows", now.rows));
    };
    let outcome = tokio::select! {
        outcome = installation.provisioner.import_users(&tenant, &context, source, how, &advance) => outcome,
        never = upkeep::stand_in(&installation.store, &written) => match never {},
    };
    bar.finish_and_clear();
    let (summary, stopped) = match outcome {
        Ok(summary) => (summary, None),
        Err(ImportError::Refused { error }) => (ImportSummary::default(), Some(error)),
        Err(ImportError::Stopped { error, summary }) => (summary, Some(error)),
    };
    if options.json {
        output::json(&as_json(&summary, stopped.as_ref(), options.dry_run))?;
    } else {
        show(options, &summary, stopped.as_ref());
    }
    let whole = summary.failed == 0 && stopped.is_none();
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A file and its length; 0 where that is not known.
async fn open(file: &Path) -> anyhow::Result<(Box<dyn AsyncRead + Unpin + Send>, u64)> {
    if file == Path::new("-") {
        return Ok((Box::new(tokio::io::stdin()), 0));
    }
    let named = || file.display().to_string();
    let opened = tokio::fs::File::open(file).await.with_context(named)?;
    let about = opened.metadata().await.with_context(named)?;
    if about.is_dir() {
        bail!("{} is a folder; name a CSV file", file.display());
    }
    if about.len() > csv::MAX_FILE {
        bail!("{} is larger than {} MiB; split it", file.display(), csv::MAX_FILE / 1024 / 1024);
    }
    Ok((Box::new(opened), about.len()))
}

fn existing(existing: Existing) -> csv::Existing {
    match existing {
        Existing::Update => csv::Existing::Update,
        Existing::Skip => csv::Existing::Skip,
        Existing::Refuse => csv::Existing::Refuse,
    }
}

fn as_json(summary: &ImportSummary, stopped: Option<&LineError>, dry_run: bool) -> Value {
    let told = |error: &LineError| json!({"line": error.line, "path": error.path, "problem": error.problem});
    json!({
        "created": summary.created, "updated": summary.updated, "unchanged": summary.unchanged,
        "skipped": summary.skipped, "failed": summary.failed, "dry_run": dry_run,
        "stopped": stopped.map(told),
        "errors": summary.errors.iter().map(told).collect::<Vec<_>>(),
    })
}

fn show(options: &Import, summary: &ImportSummary, stopped: Option<&LineError>) {
    let file = options.file.display();
    // What ended the import may be the error of a row, told already.
    let more = stopped.filter(|stopped| !summary.errors.contains(stopped));
    for error in summary.errors.iter().chain(more) {
        output::fault(format_args!("{file}:{}: {error}", error.line));
    }
    let untold = summary.failed - summary.errors.len() as u64;
    if untold > 0 {
        output::fault(format_args!("{file}: and {untold} more lines with errors"));
    }
    if let Some(stopped) = stopped {
        output::fault(format_args!("{file}: the import ended at line {}", stopped.line));
    }
    let would = if options.dry_run { "nothing was written; would be: " } else { "" };
    output::line(format_args!(
        "{would}{} created, {} updated, {} unchanged, {} skipped, {} failed",
        summary.created, summary.updated, summary.unchanged, summary.skipped, summary.failed
    ));
}
