//! `rollcall value-set …`.

use std::{path::Path, process::ExitCode};

use anyhow::Context as _;
use provisioning::{
    Tenant,
    configuration::{labelled, values_of_file},
};
use scim_core::value_set::{AllowedValue, ValueSet};
use serde_json::json;

use super::output;
use crate::{
    cli::ValueSet as Command,
    installation::{Installation, cli_context},
};

/// Runs one of the value set commands.
pub(super) async fn run(installation: &Installation, command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Set { slug, name, values, file, empty: _ } => {
            let values = match file {
                Some(file) => read(&file)?,
                None => values.iter().map(|text| labelled(text)).collect(),
            };
            let (tenant, count) = (installation.tenant(&slug).await?, values.len());
            let moved = installation.tenants.set_value_set(&tenant, &name, values, &cli_context()).await?;
            output::line(format_args!("{slug} {name}: {}", output::counted(count, "value")));
            told(moved);
        }
        Command::Clear { slug, name } => {
            let tenant = installation.tenant(&slug).await?;
            let moved = installation.tenants.clear_value_set(&tenant, &name, &cli_context()).await?;
            output::line(format_args!("{slug} {name}: cleared"));
            told(moved);
        }
        Command::List { slug, name, json } => {
            let tenant = installation.tenant(&slug).await?;
            match name {
                Some(name) => list_one(&tenant, &name, json)?,
                None => list(&tenant, json)?,
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The grants that came and went, where there are any.
fn told((granted, revoked): (u64, u64)) {
    if granted > 0 || revoked > 0 {
        output::line(format_args!("role grants: {granted} added, {revoked} ended"));
    }
}

fn read(file: &Path) -> anyhow::Result<Vec<AllowedValue>> {
    let name = file.display();
    if file == Path::new("-") {
        return values_of_file(std::io::stdin().lock()).context("stdin");
    }
    let opened = std::fs::File::open(file).with_context(|| format!("cannot open {name}"))?;
    values_of_file(std::io::BufReader::new(opened)).with_context(|| name.to_string())
}

fn as_json(values: &[AllowedValue]) -> Vec<serde_json::Value> {
    values.iter().map(|allowed| json!({"value": allowed.value, "label": allowed.label})).collect()
}

fn list(tenant: &Tenant, json: bool) -> anyhow::Result<()> {
    let none = ValueSet::default();
    let values = |name: &str| tenant.value_sets.get(name).unwrap_or(&none).values();
    let declared = &tenant.profile.value_sets;
    if json {
        let sets: Vec<_> = declared
            .iter()
            .map(|set| {
                json!({
                    "name": set.name, "title": set.title, "required": set.required,
                    "filled_by": tenant.filled_by(&set.name), "values": as_json(values(&set.name)),
                })
            })
            .collect();
        return output::json(&sets);
    }
    let mut table = output::table(&["name", "title", "values", "filled by"]);
    for set in declared {
        let filled = match tenant.filled_by(&set.name) {
            Some(who) => who,
            None if set.required => "nobody: no value is allowed",
            None => "nobody: every value is allowed",
        };
        table.add_row([&set.name, &set.title, &values(&set.name).len().to_string(), filled]);
    }
    table.show();
    Ok(())
}

fn list_one(tenant: &Tenant, name: &str, json: bool) -> anyhow::Result<()> {
    let declared = &tenant.profile.value_sets;
    tenant.profile.value_set(name).with_context(|| {
        let known: Vec<&str> = declared.iter().map(|set| set.name.as_str()).collect();
        let slug = &tenant.row.slug;
        format!("{slug} has no value set {name:?}; its profile declares {}", known.join(", "))
    })?;
    let values = tenant.value_sets.get(name).map(ValueSet::values).unwrap_or_default();
    if json {
        return output::json(&as_json(values));
    }
    let mut table = output::table(&["value", "label"]);
    for allowed in values {
        table.add_row([allowed.value.as_str(), allowed.label.as_deref().unwrap_or_default()]);
    }
    table.show();
    Ok(())
}
