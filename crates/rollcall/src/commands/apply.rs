//! `rollcall apply`.

use std::{
    io::{BufRead as _, IsTerminal as _},
    process::ExitCode,
};

use anyhow::bail;
use serde::Serialize;
use serde_json::{Value, json};

use super::output;
use crate::{
    cli::Apply,
    declared::{self, Applied, Faults, Permitted, Plan},
    installation::{Installation, Migrations},
    settings::{SettingFlags, Settings, file_in_use},
};

/// Something would change.
const WOULD_CHANGE: u8 = 2;

/// Reads the files, says what would change, and changes it.
pub(super) async fn run(
    flags: &SettingFlags,
    settings: &Settings,
    options: &Apply,
) -> anyhow::Result<ExitCode> {
    let permitted = Permitted::new(&options.allow_files, settings, file_in_use(flags))?;
    let wanted = declared::read(&options.files, &permitted).map_err(|faults| told(faults, options.json))?;
    let installation = match options.plan {
        true => Installation::open_as_it_is(settings).await?,
        false => Installation::open(settings, Migrations::IfEmbedded).await?,
    };
    let plan =
        declared::plan(&installation, wanted).await.map_err(|error| match error.downcast::<Faults>() {
            Ok(faults) => told(faults, options.json),
            Err(other) => other,
        })?;
    if options.plan {
        if options.json {
            output::json(&plan.to_json())?
        } else {
            show(&plan)
        }
        return Ok(if plan.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(WOULD_CHANGE) });
    }
    if !options.json {
        show(&plan);
    }
    if !plan.is_empty() && !options.yes && !agreed()? {
        bail!("nothing was applied");
    }
    let mut report = match options.json {
        true => Some(Report::begin(&plan.to_json())?),
        false => None,
    };
    let mut count = 0;
    let outcome = declared::apply(&installation, &plan, |done| {
        count += 1;
        match &mut report {
            Some(report) => report.add(&done),
            None => {
                line(&done);
                Ok(())
            }
        }
    })
    .await;
    let left = plan.names().split_off(count);
    if let Some(report) = report {
        report.end(&left)?;
    }
    outcome.map_err(|error| ended(error, count, &left))?;
    Ok(ExitCode::SUCCESS)
}

/// What was applied, what was not, and of what nobody knows.
fn ended(error: anyhow::Error, applied: usize, left: &[String]) -> anyhow::Error {
    let mut told = match applied {
        0 => "nothing was applied".to_owned(),
        count => format!("applied: {}, as told above", output::counted(count, "change")),
    };
    let mut left = left;
    if let (true, Some((open, rest))) = (declared::is_open(&error), left.split_first()) {
        told = match applied {
            0 => format!("whether {open} was applied is not known"),
            _ => format!("{told}; whether {open} was is not known"),
        };
        left = rest;
    }
    if !left.is_empty() {
        told = format!("{told}; not applied: {}", left.join(", "));
    }
    error.context(format!("{told}. Mend it and apply the files again"))
}

/// A document of JSON that grows as things are done: a secret that was made stands in it at once, whatever becomes of the rest.
struct Report {
    count: usize,
}

impl Report {
    fn begin(plan: &Value) -> anyhow::Result<Self> {
        let text = serde_json::to_string_pretty(plan)?;
        let open = text.trim_end().trim_end_matches('}').trim_end();
        output::document(format_args!("{open},\n  \"applied\": ["));
        Ok(Self { count: 0 })
    }

    fn add(&mut self, applied: &impl Serialize) -> anyhow::Result<()> {
        let comma = if self.count > 0 { "," } else { "" };
        output::document(format_args!("    {comma}{}", serde_json::to_string(applied)?));
        self.count += 1;
        Ok(())
    }

    fn end(self, left: &[String]) -> anyhow::Result<()> {
        output::document(format_args!("  ],\n  \"not_applied\": {}\n}}", serde_json::to_string(left)?));
        Ok(())
    }
}

/// Each fault in a line of its own, or all of them as JSON; the error says how many there are.
fn told(faults: Faults, as_json: bool) -> anyhow::Error {
    match as_json {
        true => {
            if let Err(error) = output::json(&json!({"faults": faults.0})) {
                return error;
            }
        }
        false => faults.0.iter().for_each(output::fault),
    }
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

#[cfg(test)]
mod tests {
    use store::StoreError;

    use super::*;

    #[test]
    fn what_was_not_applied_is_named() {
        let left = ["tenant b".to_owned(), "destination App of b".to_owned()];
        let told = |error: anyhow::Error, applied| format!("{:#}", ended(error, applied, &left));
        let refused = || anyhow::anyhow!("refused");
        assert_eq!(
            told(refused(), 0),
            "nothing was applied; not applied: tenant b, destination App of b. Mend it and apply the files again: refused"
        );
        assert!(told(refused(), 1).starts_with("applied: 1 change, as told above; not applied: tenant b, "));
        let lost = || {
            let lost = StoreError::Unknown(sea_orm::DbErr::Custom("lost".into()));
            anyhow::Error::new(lost).context("tenant b")
        };
        assert!(
            told(lost(), 0)
                .starts_with("whether tenant b was applied is not known; not applied: destination App")
        );
        assert!(
            told(lost(), 2)
                .contains("told above; whether tenant b was is not known; not applied: destination")
        );
    }
}
