//! `rollcall admin …`.

use std::{
    collections::BTreeSet,
    io::{BufRead as _, IsTerminal as _},
    process::ExitCode,
};

use anyhow::{Context as _, bail};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use store::{
    AdminId, StoreError, TenantId,
    admins::{Admin, AdminRole},
};
use token_service::passwords;

use super::output;
use crate::{
    cli::{Admin as Command, Role},
    installation::{Installation, cli_context},
};

/// Rows read at a time.
const PAGE: u64 = 500;

/// Runs one of the admin commands.
pub(super) async fn run(installation: &Installation, command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Create { email, role, tenants, generate } => {
            let role = match role {
                Role::Operator => AdminRole::Operator,
                Role::Manager => AdminRole::Manager,
                Role::Auditor => AdminRole::Auditor,
            };
            // Before the password: nobody shall type one for nothing.
            let tenants = given(installation, role, &tenants).await?;
            let password = if generate { passwords::generate() } else { ask_password()? };
            create(installation, &email, password.clone(), role, tenants).await?;
            if generate {
                output::line(password.expose_secret());
            } else {
                output::line(format_args!("{email} can sign in to the console"));
            }
        }
        Command::List { json } => list(installation, json).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The tenants of these slugs, if they go with the role.
async fn given(
    installation: &Installation,
    role: AdminRole,
    slugs: &[String],
) -> anyhow::Result<BTreeSet<TenantId>> {
    match (role, slugs.is_empty()) {
        (AdminRole::Operator, false) => bail!("an operator has all tenants: leave --tenant out"),
        (AdminRole::Manager, true) => {
            bail!("a manager without a tenant could do nothing: name one with --tenant SLUG")
        }
        _ => {}
    }
    let mut tenants = BTreeSet::new();
    for slug in slugs {
        tenants.insert(installation.tenant(slug).await?.id());
    }
    Ok(tenants)
}

/// Keeps a new operator.
pub(super) async fn create_operator(
    installation: &Installation,
    email: &str,
    password: SecretString,
) -> anyhow::Result<()> {
    create(installation, email, password, AdminRole::Operator, BTreeSet::new()).await
}

async fn create(
    installation: &Installation,
    email: &str,
    password: SecretString,
    role: AdminRole,
    tenants: BTreeSet<TenantId>,
) -> anyhow::Result<()> {
    let (local, domain) = email.split_once('@').unwrap_or_default();
    if local.is_empty() || domain.is_empty() || email.len() > 254 || email.contains(char::is_whitespace) {
        bail!("{email:?} is no e-mail address");
    }
    let admin = Admin {
        id: AdminId::generate(),
        email: email.to_owned(),
        password_hash: passwords::hash(password).await?,
        role,
        tenants,
        created_at: installation.store.now(),
    };
    match installation.store.platform().create_admin(&admin, &cli_context()).await {
        Err(StoreError::Conflict { .. }) => bail!("{email} can sign in already"),
        result => Ok(result?),
    }
}

async fn list(installation: &Installation, json: bool) -> anyhow::Result<()> {
    let platform = installation.store.platform();
    let mut admins = Vec::new();
    loop {
        let page = platform.admins(admins.len() as u64, PAGE).await?;
        let done = !page.more || page.items.is_empty();
        admins.extend(page.items);
        if done {
            break;
        }
    }
    let mut shown = Vec::with_capacity(admins.len());
    for admin in admins {
        let mut slugs = Vec::with_capacity(admin.tenants.len());
        for id in &admin.tenants {
            slugs.extend(installation.tenants.by_id(*id).await?.map(|tenant| tenant.row.slug.clone()));
        }
        slugs.sort();
        shown.push((admin, slugs));
    }
    if json {
        let rows: Vec<_> = shown
            .iter()
            .map(|(admin, slugs)| {
                json!({
                    "email": admin.email, "role": admin.role, "tenants": slugs, "id": admin.id,
                    "created": scim_core::timestamp::to_rfc3339(admin.created_at),
                })
            })
            .collect();
        return output::json(&rows);
    }
    let mut table = output::table(&["e-mail", "role", "tenants", "created"]);
    for (admin, slugs) in &shown {
        let tenants = if admin.reaches_all() { "all".to_owned() } else { slugs.join(", ") };
        let created = output::time(Some(admin.created_at));
        table.add_row([admin.email.as_str(), role_word(admin.role), &tenants, &created]);
    }
    output::line(table);
    Ok(())
}

fn role_word(role: AdminRole) -> &'static str {
    match role {
        AdminRole::Operator => "operator",
        AdminRole::Manager => "manager",
        AdminRole::Auditor => "auditor",
    }
}

fn ask_password() -> anyhow::Result<SecretString> {
    if !std::io::stdin().is_terminal() {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).context("cannot read the password from stdin")?;
        return Ok(line.trim_end_matches(['\r', '\n']).to_owned().into());
    }
    let password = rpassword::prompt_password("Password (12 characters or more): ")?;
    if rpassword::prompt_password("Once more: ")? != password {
        bail!("the two passwords differ");
    }
    Ok(password.into())
}
