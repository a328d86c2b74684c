//! `rollcall user …`.

use std::process::ExitCode;

use anyhow::Context as _;
use provisioning::{ASSIGNED, Entry};

use super::output;
use crate::{cli::User as Command, installation::Installation};

/// Runs one of the user commands.
pub(super) async fn run(installation: &Installation, command: Command) -> anyhow::Result<ExitCode> {
    let Command::Show { slug, username, json } = command;
    let tenant = installation.tenant(&slug).await?;
    let entry = installation.provisioner.entry_by_name(&tenant, "", &username).await?;
    let entry = entry.with_context(|| format!("{slug} has no user {username:?}"))?;
    if json {
        output::json(&entry.to_json())?;
    } else {
        show(&entry)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn show(entry: &Entry) -> anyhow::Result<()> {
    output::json(&entry.user)?;
    let mut table = output::table(&["group", "gives role"]);
    for membership in &entry.groups {
        let given: Vec<_> = entry
            .roles
            .iter()
            .filter(|grant| grant.via.group == membership.group)
            .map(|grant| grant.role.name.as_str())
            .collect();
        let given = if given.is_empty() { "–".to_owned() } else { given.join(", ") };
        table.add_row([&membership.display, &given]);
    }
    table.show();
    for role in &entry.assigned {
        output::line(format_args!("{}: {ASSIGNED}", role.name));
    }
    Ok(())
}
