//! `rollcall admin …`.

use std::{
    collections::BTreeSet,
    io::{BufRead as _, IsTerminal as _},
    process::ExitCode,
};

use anyhow::{Context as _, bail};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use store::admins::{Admin, AdminRole};
use token_service::{
    passwords,
    people::{NewPerson, PeopleError, check_person},
};

use super::output;
use crate::{
    cli::{Admin as Command, Role},
    installation::{Installation, cli_context},
    settings::Settings,
};

/// Rows read at a time.
const PAGE: u64 = 500;

/// Runs one of the admin commands.
pub(super) async fn run(
    installation: &Installation,
    settings: &Settings,
    command: Command,
) -> anyhow::Result<ExitCode> {
    let tokens = &installation.tokens;
    match command {
        Command::Create { email, role, tenants, generate } => {
            let new = new_person(installation, &email, role_of(role), &tenants).await?;
            let password = if generate { passwords::generate() } else { ask_password()? };
            told(tokens.add_person(new, password.clone(), &cli_context()).await)?;
            if generate {
                output::line(password.expose_secret());
            } else {
                output::line(format_args!("{email} can sign in to the console"));
            }
        }
        Command::Invite { email, role, tenants } => {
            let invited = match installation.store.platform().admin_by_email(&email).await? {
                Some(_) if role.is_some() || !tenants.is_empty() => bail!(
                    "{email} is on the list already: leave --role and --tenant out for another link, or change them with \
                     `rollcall admin set`"
                ),
                Some(admin) => told(tokens.invite_again(admin.id, &cli_context()).await)?,
                None => {
                    let role = role.map_or(AdminRole::Operator, role_of);
                    let new = new_person(installation, &email, role, &tenants).await?;
                    told(tokens.invite(new, &cli_context()).await)?
                }
            };
            output::line(invited.link(&settings.public_url()).expose_secret());
        }
        Command::Set { email, role, tenants } => {
            let admin = person(installation, &email).await?;
            let new = new_person(installation, &email, role_of(role), &tenants).await?;
            told(tokens.change_person(admin.id, new.role, &new.tenants, &cli_context()).await)?;
            output::line(format_args!("{} is now {}", admin.email, role_word(new.role)));
        }
        Command::Remove { email } => {
            let admin = person(installation, &email).await?;
            told(tokens.remove_person(admin.id, &cli_context()).await)?;
            output::line(format_args!("{} is removed", admin.email));
        }
        Command::ResetSecondFactor { email } => {
            let admin = person(installation, &email).await?;
            if told(tokens.reset_second_factor(admin.id, &cli_context()).await)? {
                output::line(format_args!("{} signs in with the password alone now", admin.email));
            } else {
                output::line(format_args!("{} has no second factor", admin.email));
            }
        }
        Command::List { json } => list(installation, json).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// An error without the name of the field, which is no option of these commands.
fn told<T>(outcome: Result<T, PeopleError>) -> anyhow::Result<T> {
    outcome.map_err(|error| {
        let text = error.to_string();
        match text.split_once(": ") {
            Some(("email" | "role" | "tenants" | "password" | "person", text)) => anyhow::anyhow!("{text}"),
            _ => error.into(),
        }
    })
}

fn role_of(role: Role) -> AdminRole {
    match role {
        Role::Operator => AdminRole::Operator,
        Role::Manager => AdminRole::Manager,
        Role::Auditor => AdminRole::Auditor,
    }
}

/// Somebody of this address, role and tenants, if these go together; before anything is typed for nothing.
async fn new_person(
    installation: &Installation,
    email: &str,
    role: AdminRole,
    slugs: &[String],
) -> anyhow::Result<NewPerson> {
    match check_person(role, !slugs.is_empty()) {
        Ok(()) => {}
        Err(_) if role == AdminRole::Operator => bail!("an operator has all tenants: leave --tenant out"),
        Err(_) => bail!("a manager without a tenant could do nothing: name one with --tenant SLUG"),
    }
    let mut tenants = BTreeSet::new();
    for slug in slugs {
        tenants.insert(installation.tenant(slug).await?.id());
    }
    Ok(NewPerson { email: email.to_owned(), role, tenants })
}

async fn person(installation: &Installation, email: &str) -> anyhow::Result<Admin> {
    let found = installation.store.platform().admin_by_email(email).await?;
    found.with_context(|| format!("{email:?} is nobody's address here; `rollcall admin list` shows all"))
}

/// Keeps a new operator.
pub(super) async fn create_operator(
    installation: &Installation,
    email: &str,
    password: SecretString,
) -> anyhow::Result<()> {
    let new = NewPerson { email: email.to_owned(), role: AdminRole::Operator, tenants: BTreeSet::new() };
    told(installation.tokens.add_person(new, password, &cli_context()).await)?;
    Ok(())
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
    table.show();
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
