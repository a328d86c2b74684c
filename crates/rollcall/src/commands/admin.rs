//! `rollcall admin …`.

use std::{
    io::{BufRead as _, IsTerminal as _},
    process::ExitCode,
};

use anyhow::{Context as _, bail};
use secrecy::{ExposeSecret as _, SecretString};
use store::{AdminId, StoreError, platform::Admin};
use token_service::passwords;

use super::output;
use crate::{cli::Admin as Command, installation::Installation};

/// Runs one of the admin commands.
pub(super) async fn run(installation: &Installation, command: Command) -> anyhow::Result<ExitCode> {
    let Command::Create { email, generate } = command;
    let password = if generate { passwords::generate() } else { ask_password()? };
    create_operator(installation, &email, password.clone()).await?;
    if generate {
        output::line(password.expose_secret());
    } else {
        output::line(format_args!("{email} can sign in to the console"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Keeps a new operator.
pub(super) async fn create_operator(
    installation: &Installation,
    email: &str,
    password: SecretString,
) -> anyhow::Result<()> {
    let (local, domain) = email.split_once('@').unwrap_or_default();
    if local.is_empty() || domain.is_empty() || email.len() > 254 || email.contains(char::is_whitespace) {
        bail!("{email:?} is no e-mail address");
    }
    let admin = Admin {
        id: AdminId::generate(),
        email: email.to_owned(),
        password_hash: passwords::hash(password).await?,
        role: "operator".to_owned(),
        created_at: installation.store.now(),
    };
    match installation.store.platform().create_admin(&admin).await {
        Err(StoreError::Conflict { .. }) => bail!("{email} can sign in already"),
        result => Ok(result?),
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
