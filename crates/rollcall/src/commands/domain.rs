//! `rollcall domain …`.

use std::process::ExitCode;

use anyhow::bail;
use provisioning::{Tenant, domains::proof_name};
use serde_json::json;

use super::output;
use crate::{
    cli::Domain,
    installation::{Installation, cli_context},
};

/// Runs one of the commands for host names of tenants' own.
pub(super) async fn run(installation: &Installation, command: Domain) -> anyhow::Result<ExitCode> {
    let tenants = &installation.tenants;
    match command {
        Domain::Add { slug, host } => {
            let tenant = installation.tenant(&slug).await?;
            let domain = tenants.claim_domain(&tenant, &host, &cli_context()).await?;
            output::line(format_args!("{} TXT {}", proof_name(&domain.host), domain.challenge));
        }
        Domain::Check { slug, host } => {
            let tenant = installation.tenant(&slug).await?;
            let domain = tenants.check_domain(&tenant, &host, &cli_context()).await?;
            if let Some(problem) = &domain.problem {
                output::line(format_args!("{} {}", domain.host, state(&domain)));
                output::fault(format_args!(
                    "{problem} Set {} TXT {}",
                    proof_name(&domain.host),
                    domain.challenge
                ));
                return Ok(ExitCode::FAILURE);
            }
            output::line(format_args!("{} {}", domain.host, state(&domain)));
        }
        Domain::List { slug, json } => list(installation, &*installation.tenant(&slug).await?, json).await?,
        Domain::Remove { slug, host } => {
            let tenant = installation.tenant(&slug).await?;
            if !tenants.remove_domain(&tenant, &host, &cli_context()).await? {
                bail!("{host} is none of the host names of {slug}; `rollcall domain list {slug}` shows them");
            }
            output::line("removed");
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(installation: &Installation, tenant: &Tenant, json: bool) -> anyhow::Result<()> {
    let domains = installation.tenants.domains(tenant).await?;
    if json {
        let time = |at: Option<i64>| at.map(scim_core::timestamp::to_rfc3339);
        let rows: Vec<_> = domains
            .iter()
            .map(|domain| {
                json!({
                    "host": domain.host, "state": state(domain),
                    "record": proof_name(&domain.host), "text": domain.challenge,
                    "created": time(Some(domain.created_at)), "proven": time(domain.proven_at),
                    "checked": time(domain.checked_at), "problem": domain.problem, "ends": time(domain.ends_at()),
                })
            })
            .collect();
        return output::json(&rows);
    }
    let mut table = output::table(&["host", "state", "last looked up", "TXT record", "its text"]);
    for domain in &domains {
        table.add_row([
            domain.host.clone(),
            state(domain).to_owned(),
            output::time(domain.checked_at),
            proof_name(&domain.host),
            domain.challenge.clone(),
        ]);
    }
    table.show();
    Ok(())
}

fn state(domain: &store::domains::Domain) -> &'static str {
    match (domain.proven_at, domain.missing_since) {
        (Some(_), None) => "proven",
        (Some(_), Some(_)) => "proof missing",
        (None, _) => "unproven",
    }
}
