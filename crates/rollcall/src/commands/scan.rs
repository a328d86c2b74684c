//! `rollcall scan`.

use std::{io::BufRead as _, process::ExitCode};

use anyhow::bail;
use serde_json::json;
use store::backup::Progress;

use super::{backup, output, progress};
use crate::{
    cli::Scan,
    installation::{self, Migrations},
    settings::Settings,
};

/// Letters that a text must have at least: shorter ones are in anything.
const LEAST: usize = 3;

/// Looks through every column of every table; 1 when something was found.
pub(super) async fn run(settings: &Settings, options: &Scan) -> anyhow::Result<ExitCode> {
    let texts = match options.texts.as_slice() {
        [] => std::io::stdin().lock().lines().collect::<Result<Vec<_>, _>>()?,
        texts => texts.to_vec(),
    };
    let texts: Vec<String> =
        texts.iter().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()).collect();
    if texts.is_empty() || texts.iter().any(|text| text.chars().count() < LEAST) {
        bail!(
            "say what to look for, {LEAST} characters or more each: as arguments, or line by line on stdin"
        );
    }
    let store = installation::open_store(settings, Migrations::IfThere).await?;
    let bar = progress::spinner("scan");
    let tell = |now: Progress<'_>| bar.set_message(backup::told(now));
    let (found, rows) = store.scan(&installation::store_options(settings), &texts, &tell).await?;
    bar.finish_and_clear();
    store.close().await;
    if options.json {
        // What was looked for is not said again: it may be what must not be kept.
        let found: Vec<_> = found
            .iter()
            .map(|one| {
                json!({
                    "text": one.text + 1, "tenant": one.tenant, "table": one.table, "column": one.column, "rows": one.rows,
                })
            })
            .collect();
        output::json(&json!({ "rows": rows, "found": found }))?;
    } else {
        for one in &found {
            let tenant = one.tenant.as_deref().unwrap_or("installation");
            output::line(format_args!(
                "text {} is in {} of {}.{} ({tenant})",
                one.text + 1,
                output::counted(usize::try_from(one.rows).unwrap_or(usize::MAX), "row"),
                one.table,
                one.column
            ));
        }
        let looked = output::counted(texts.len(), "text");
        let verdict = if found.is_empty() { "found nowhere" } else { "found" };
        output::line(format_args!("{looked} {verdict}; looked through {rows} rows of all tables"));
    }
    Ok(if found.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
