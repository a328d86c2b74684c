//! One file for each command.

mod admin;
mod allow;
mod apply;
mod audit;
mod backup;
mod basic;
mod credentials;
mod demo;
mod destination;
mod doctor;
mod domain;
mod export;
mod federation;
mod health;
mod import;
mod key;
mod ldap;
mod migrate;
mod oauth;
mod output;
mod passphrase;
mod platform_token;
mod profile;
mod profile_try;
mod progress;
mod restore;
mod scan;
mod serve;
mod simulate;
mod tenant;
mod token;
mod user;
mod value_set;

use std::process::ExitCode;

use crate::{
    cli::{Admin, Cli, Command, Profile, Tenant},
    installation::{Installation, Migrations},
    settings::{Settings, file_in_use},
    telemetry,
};
use clap::CommandFactory as _;

pub(crate) use output::failure;

/// Runs a command to its end.
pub(crate) async fn run(mut cli: Cli) -> anyhow::Result<ExitCode> {
    if let Command::Tenant(Tenant::Set { .. }) = &cli.command {
        // There the flag of the setting means the tenant's own limit, and comes as both.
        cli.settings.max_token_lifetime = None;
        cli.settings.rate_limit = None;
    }
    let settings = Settings::load(&cli.settings)?;
    let _telemetry =
        telemetry::start(&settings, cli.settings.log.is_none().then(|| default_log(&cli.command)).flatten())?;
    let migrations = if founds(&cli.command) { Migrations::IfEmbedded } else { Migrations::IfThere };
    let open = || Installation::open(&settings, migrations);
    match cli.command {
        Command::Demo(options) => demo::run(&cli.settings, &settings, &options).await,
        Command::Serve(options) => serve::run(&settings, &options).await,
        Command::Migrate(options) => migrate::run(&settings, &options).await,
        Command::Doctor => doctor::run(&settings).await,
        Command::Health(options) => health::run(&settings, &options).await,
        Command::Tenant(command) => tenant::run(&open().await?, command).await,
        Command::Domain(command) => domain::run(&open().await?, command).await,
        Command::ValueSet(command) => value_set::run(&open().await?, command).await,
        Command::Profile(Profile::Check { file }) => profile::check(&file),
        Command::Profile(command) => profile::run(&open().await?, command).await,
        Command::Token(command) => token::run(&open().await?, command).await,
        Command::Basic(command) => basic::run(&open().await?, command).await,
        Command::Oauth(command) => oauth::run(&open().await?, &settings, command).await,
        Command::Federation(command) => federation::run(&open().await?, command).await,
        Command::Key(command) => key::run(&settings, command).await,
        Command::Destination(command) => destination::run(&open().await?, command).await,
        Command::User(command) => user::run(&open().await?, command).await,
        Command::Import(options) => import::run(&open().await?, &options).await,
        Command::Export(options) => export::run(&open().await?, &options, file_in_use(&cli.settings)).await,
        Command::Apply(options) => apply::run(&cli.settings, &settings, &options).await,
        Command::Ldap(command) => ldap::run(&open().await?, command).await,
        Command::Admin(command) => admin::run(&open().await?, &settings, command).await,
        Command::Audit(options) => audit::run(&settings, &options).await,
        Command::Backup(options) => backup::run(&settings, &options).await,
        Command::Restore(options) => restore::run(&settings, &options).await,
        Command::Scan(options) => scan::run(&settings, &options).await,
        Command::Simulate(command) => simulate::run(command).await,
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "rollcall", &mut script);
            output::document(String::from_utf8(script)?.trim_end());
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// May a command be the first one in an empty folder? Beside those that open the database in their own way.
fn founds(command: &Command) -> bool {
    matches!(
        command,
        Command::Admin(Admin::Create { .. } | Admin::Invite { .. })
            | Command::Tenant(Tenant::Create { .. })
            | Command::Apply(_)
    )
}

/// The server says what it does; short commands only what is wrong; and that the demo makes itself a key is no news.
fn default_log(command: &Command) -> Option<&'static str> {
    match command {
        Command::Serve(_) | Command::Migrate(_) => None,
        Command::Demo(_) => Some("error"),
        // Each statement takes as long as the table is long.
        Command::Backup(_) | Command::Restore(_) | Command::Scan(_) => Some("warn,sqlx::query=error"),
        _ => Some("warn"),
    }
}
