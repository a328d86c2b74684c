//! `rollcall profile try`: what the rules make of a user, as the console's *Try a user* tells it.

use std::{path::Path, process::ExitCode};

use anyhow::{Context as _, bail};
use provisioning::{
    Rules,
    configuration::{Change, Draft, Trial, Trying, trial},
};
use scim_core::intake::Origin;
use serde_json::Value;

use super::{output, profile};
use crate::installation::Installation;

/// Largest body, in bytes.
const LARGEST: u64 = 1024 * 1024;

/// Tells what would happen; the second of `on` is the user of a PATCH, the first that of a PUT.
pub(super) async fn run(
    installation: &Installation,
    slug: &str,
    body: &Path,
    by: Option<&Path>,
    on: (Option<String>, Option<String>),
) -> anyhow::Result<ExitCode> {
    let tenant = installation.tenant(slug).await?;
    let body = read(body)?;
    let draft = match by {
        None => None,
        Some(file) => {
            let text = profile::read(file)?;
            Some(Draft::unproven(&tenant, &text).await.with_context(|| file.display().to_string())?)
        }
    };
    let rules = draft.as_ref().map_or_else(|| Rules::of(&tenant), Draft::rules);
    let user = match on.0.as_ref().or(on.1.as_ref()) {
        None => None,
        Some(name) => {
            let found = installation.tenants.user_named(&tenant, name).await?;
            Some(found.with_context(|| format!("{slug} has no user with the userName or id {name:?}"))?)
        }
    };
    let trying = match &user {
        None => Trying::Create,
        Some(user) if on.1.is_some() => Trying::Patch(&user.document),
        Some(user) => Trying::Replace(&user.document),
    };
    let tried = trial(rules, trying, &body);
    tell(&tried);
    Ok(if tried.document.is_some() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn read(file: &Path) -> anyhow::Result<Value> {
    let name = file.display();
    let length = std::fs::metadata(file).with_context(|| format!("cannot read {name}"))?.len();
    if length > LARGEST {
        bail!("{name}: has {length} bytes; at most {LARGEST} are tried");
    }
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {name}; is it UTF-8?"))?;
    serde_json::from_str(&text).with_context(|| format!("{name}: is no JSON"))
}

fn tell(tried: &Trial) {
    let verdict = if tried.document.is_some() { "taken" } else { "refused" };
    output::line(format_args!("{verdict} ({})", tried.status));
    for found in &tried.violations {
        let origin = match &found.origin {
            Origin::Schema => "schema".to_owned(),
            Origin::Format => "format".to_owned(),
            Origin::ValueSet(name) => format!("value set {name:?}"),
            Origin::Rule(name) => format!("rule {name:?}"),
            Origin::NotApplicable => "not-applicable".to_owned(),
        };
        output::line(format_args!("{}: {} ({origin})", found.path, found.problem));
    }
    for note in tried.notes.iter().chain(&tried.ignored) {
        output::line(format_args!("{}: {}", note.path, note.text));
    }
    changes("kept otherwise than sent:", &tried.reshaped);
    changes("changes of the user:", &tried.changes);
    if let Some(document) = &tried.document {
        output::document(Value::Object(document.clone()));
    }
}

fn changes(heading: &str, changes: &[Change]) {
    if changes.is_empty() {
        return;
    }
    output::line(heading);
    let shown = |value: &Option<Value>| value.as_ref().map_or_else(|| "nothing".to_owned(), Value::to_string);
    for Change { path, before, after } in changes {
        output::line(format_args!("  {path}: {} -> {}", shown(before), shown(after)));
    }
}
