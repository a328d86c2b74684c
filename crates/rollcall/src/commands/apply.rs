//! `rollcall apply`.

use std::{
    io::{BufRead as _, IsTerminal as _},
    process::ExitCode,
};

use anyhow::{Context as _, bail};
use serde_json::json;

use super::output;
use crate::{
    cli::Apply,
    declared::{self, Applied, Faults, Plan},
    installation::Installation,
};

/// Something would change.
const WOULD_CHANGE: u8 = 2;

/// Reads the files, says what would change, and changes it.
pub(super) async fn run(
    open: impl AsyncFnOnce() -> anyhow::Result<Installation>,
    options: &Apply,
) -> anyhow::Result<ExitCode> {
    let wanted = declared::read(&options.files).map_err(told)?;
    let installation = open().await?;
    let plan =
        declared::plan(&installation, wanted).await.map_err(|error| match error.downcast::<Faults>() {
            Ok(faults) => told(faults),
            Err(other) => other,
        })?;
    if !options.json {
        show(&plan);
    }
    if plan.is_empty() || options.plan {
        if options.json {
            output::json(&plan.to_json())?;
        }
        return Ok(if plan.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(WOULD_CHANGE) });
    }
    if !options.yes && !agreed()? {
        bail!("nothing was applied");
    }
    let mut applied = Vec::new();
    let outcome = declared::apply(&installation, &plan, |done| {
        if !options.json {
            line(&done);
        }
        applied.push(done);
    })
    .await;
    if options.json {
        let mut report = plan.to_json();
        report["applied"] = json!(applied);
        output::json(&report)?;
    }
    outcome.with_context(|| match applied.len() {
        0 => "nothing was applied".to_owned(),
        count => format!(
            "{} applied, and the rest was not; mend it and apply the files again",
            output::counted(count, "change")
        ),
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Each fault in a line of its own; the error says how many there are.
fn told(faults: Faults) -> anyhow::Error {
    faults.0.iter().for_each(output::fault);
    faults.into()
}

fn show(plan: &Plan) {
    for line in plan.lines() {
        output::changed(line.mark, line.depth, &line.text);
    }
    match plan.is_empty() {
        true => output::line("nothing to do"),
        false => output::line(plan.summary()),
    }
    if !plan.unset.is_empty() {
        tracing::warn!(
            "not set, so that what is there was not compared and stays: {}",
            plan.unset.join(", ")
        );
    }
}

fn line(done: &Applied) {
    output::line(format_args!("{} {}", done.what, done.done));
    if done.grants_added > 0 || done.grants_ended > 0 {
        output::line(format_args!("  role grants: {} added, {} ended", done.grants_added, done.grants_ended));
    }
    if let Some(secret) = &done.secret {
        output::line(format_args!("  secret, shown only now: {secret}"));
    }
}

/// Asks whoever sits at a terminal.
fn agreed() -> anyhow::Result<bool> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        bail!("nothing was applied: there is no terminal to ask at; look at the plan, then say --yes");
    }
    output::question("Apply this? Only `yes` does: ");
    let mut answer = String::new();
    stdin.lock().read_line(&mut answer)?;
    Ok(answer.trim() == "yes")
}
