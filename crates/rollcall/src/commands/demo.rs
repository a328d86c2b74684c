//! `rollcall demo`: six tenants, Okta's side of every guide played against them over real HTTP, then a server to look at.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, bail};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use idp_simulator::{Report, Target, scenario};
use provisioning::Tenant;
use scim_core::profile::{BUILTIN, CredentialKind};
use secrecy::ExposeSecret as _;
use serde::Serialize;
use token_service::{NewBasic, NewToken, expiry, passwords, scopes};
use tokio::{net::TcpListener, sync::watch};

use super::{admin, output, progress, simulate};
use crate::{
    cli::Demo,
    installation::{Installation, Migrations, cli_context},
    server,
    settings::{SettingFlags, Settings},
};

const OPERATOR: &str = "operator@demo.example";
const SEED: u64 = 7;

/// What `--json` writes, so that other programs can try the tenants.
#[derive(Serialize)]
struct Manifest {
    console: String,
    tenants: Vec<DemoTenant>,
}

/// A tenant of the demo.
#[derive(Clone, Serialize)]
struct DemoTenant {
    slug: String,
    profile: String,
    base_url: String,
    authorization: String,
}

/// Plays everything, prints the table, and serves unless told not to.
pub(super) async fn run(
    flags: &SettingFlags,
    settings: &Settings,
    options: &Demo,
) -> anyhow::Result<ExitCode> {
    let stop = server::stop_signal()?;
    let (folder, _temporary) = folder(flags.data_dir.as_deref())?;
    let listener = listen(flags.listen, options.no_serve).await?;
    let settings = settings.embedded_at(listener.local_addr()?, &folder);
    let installation = Installation::open(&settings, Migrations::Apply).await?;

    let password = passwords::generate();
    admin::create_operator(&installation, OPERATOR, password.clone()).await?;
    let mut tenants = Vec::new();
    for (profile, _) in BUILTIN {
        tenants.push(create_tenant(&installation, &settings, profile).await?);
    }
    let console = settings.public_url().join("console/")?.to_string();

    let (end_server, server_stop) = watch::channel(false);
    let serving = tokio::spawn({
        let (installation, settings) = (installation.clone(), settings.clone());
        async move { server::serve(installation, &settings, listener, server_stop).await }
    });
    let reports = play(&tenants, stop.clone()).await?;
    let failures = summary(&installation, &tenants, &reports).await?;
    if let Some(file) = &options.json {
        let manifest = Manifest { console: console.clone(), tenants };
        write_private(file, &serde_json::to_string_pretty(&manifest)?)?;
    }
    if !options.no_serve {
        output::line(format_args!(
            "\nConsole   {console}\nSign in   {OPERATOR}\nPassword  {}\n\nCtrl-C ends the demo.",
            password.expose_secret()
        ));
        let mut stop = stop;
        drop(stop.wait_for(|stop| *stop).await);
    }
    end_server.send_replace(true);
    serving.await.context("the server failed")??;
    Ok(if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The folder to use, and a guard that removes it if it is a temporary one.
fn folder(wanted: Option<&Path>) -> anyhow::Result<(PathBuf, Option<tempfile::TempDir>)> {
    let Some(dir) = wanted else {
        let temporary =
            tempfile::Builder::new().prefix("rollcall-demo-").tempdir().context("temporary folder")?;
        return Ok((temporary.path().to_owned(), Some(temporary)));
    };
    if dir.exists() && dir.read_dir().with_context(|| dir.display().to_string())?.next().is_some() {
        bail!(
            "{} is not empty; the demo starts from nothing: name another folder with --data-dir",
            dir.display()
        );
    }
    Ok((dir.to_owned(), None))
}

/// The address asked for; else the usual port if it is free, else any. The demo's password is printed on a terminal,
/// so it serves on loopback alone.
async fn listen(wanted: Option<SocketAddr>, any_port: bool) -> anyhow::Result<TcpListener> {
    if let Some(address) = wanted {
        if !address.ip().is_loopback() {
            bail!("--listen {address}: the demo serves on loopback only, such as 127.0.0.1:8080");
        }
        return server::bind(address).await;
    }
    if !any_port && let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, 8080)).await {
        return Ok(listener);
    }
    server::bind((Ipv4Addr::LOCALHOST, 0).into()).await
}

async fn create_tenant(
    installation: &Installation,
    settings: &Settings,
    profile: &str,
) -> anyhow::Result<DemoTenant> {
    let context = cli_context();
    let tenant = installation.tenants.create(profile, None, profile, "lenient", true, &context).await?;
    let authorization = authorization(installation, &tenant).await?;
    Ok(DemoTenant {
        slug: profile.to_owned(),
        profile: profile.to_owned(),
        base_url: settings
            .public_url()
            .join(&format!("t/{profile}{}", tenant.profile.base_path))?
            .to_string(),
        authorization,
    })
}

/// The header of a new credential, of the kind that the product's guide is about.
async fn authorization(installation: &Installation, tenant: &Tenant) -> anyhow::Result<String> {
    let (tokens, context, scope) = (&installation.tokens, cli_context(), scopes::DEFAULT.to_owned());
    if tenant.profile.credentials.contains(&CredentialKind::Bearer) {
        let expires_at = expiry::parse("10y", installation.store.now()).map_err(anyhow::Error::msg)?;
        let new = NewToken { name: "Okta".to_owned(), scope, expires_at, user: None };
        let issued = tokens.issue(tenant.id(), new, &context).await?;
        return Ok(format!("Bearer {}", issued.token.expose_secret()));
    }
    let username = format!("okta@{}", tenant.row.slug);
    let new = NewBasic { username: username.clone(), name: None, scope, expires_at: None };
    let issued = tokens.create_basic(tenant.id(), new, &context).await?;
    let pair = format!("{username}:{}", issued.password.expose_secret());
    Ok(format!("Basic {}", BASE64_STANDARD.encode(pair)))
}

async fn play(tenants: &[DemoTenant], mut stop: watch::Receiver<bool>) -> anyhow::Result<Vec<Report>> {
    let mut reports = Vec::new();
    for tenant in tenants {
        let target =
            Target { base_url: tenant.base_url.clone(), authorization: tenant.authorization.clone() };
        let bar = progress::bar(&tenant.slug);
        let advance = |done, total, label: &str| progress::advance(&bar, done, total, label);
        let report = tokio::select! {
            report = scenario::guide(&tenant.profile, &target, SEED, &advance) => report,
            _ = stop.wait_for(|stop| *stop) => bail!("stopped"),
        };
        bar.finish_with_message("done");
        reports.push(report.with_context(|| format!("no guide is known for profile {}", tenant.profile))?);
    }
    Ok(reports)
}

/// Prints the table and what went wrong; gives the number of failures. Users, groups and roles are counted in the
/// database, not taken from the simulator's word.
async fn summary(
    installation: &Installation,
    tenants: &[DemoTenant],
    reports: &[Report],
) -> anyhow::Result<usize> {
    let mut table = output::table(&["tenant", "users", "active", "groups", "roles", "requests", "failures"]);
    let mut failures = 0;
    for (tenant, report) in tenants.iter().zip(reports) {
        let row = installation.tenant(&tenant.slug).await?;
        let counts = installation.store.platform().tenant_counts(row.id()).await?;
        let mut found = report.failures.len();
        if (counts.users, counts.groups) != (report.users, report.groups) {
            found += 1;
            output::line(format_args!(
                "✗ {}: the database holds {} users and {} groups, Okta provisioned {} and {}",
                tenant.slug, counts.users, counts.groups, report.users, report.groups
            ));
        }
        failures += found;
        table.add_row([
            tenant.slug.clone(),
            counts.users.to_string(),
            counts.active_users.to_string(),
            counts.groups.to_string(),
            counts.roles.to_string(),
            report.requests.to_string(),
            found.to_string(),
        ]);
        simulate::failures(report);
    }
    output::line(table);
    Ok(failures)
}

/// The file holds tokens: only its owner may read it.
fn write_private(file: &Path, text: &str) -> anyhow::Result<()> {
    use std::{fs::OpenOptions, io::Write as _, os::unix::fs::OpenOptionsExt as _};
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut opened = options.open(file).with_context(|| format!("cannot write {}", file.display()))?;
    opened.write_all(text.as_bytes()).and_then(|()| opened.write_all(b"\n"))?;
    Ok(())
}
