//! `rollcall demo`: six tenants, Okta's side of every guide played against them over real HTTP, then a server to look at.

mod shown;
mod summary;
mod tenants;

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, bail};
use idp_simulator::{Report, Target, scenario};
use scim_core::profile::BUILTIN;
use secrecy::ExposeSecret as _;
use serde::Serialize;
use token_service::passwords;
use tokio::{net::TcpListener, sync::watch};

use self::tenants::DemoTenant;
use super::{admin, output, progress, simulate};
use crate::{
    cli::Demo,
    installation::{Installation, Migrations},
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
        tenants.push(tenants::create(&installation, &settings, profile, SEED).await?);
    }
    let console = settings.public_url().join("console/")?.to_string();

    let (end_server, server_stop) = watch::channel(false);
    let serving = tokio::spawn({
        let (installation, settings) = (installation.clone(), settings.clone());
        async move { server::serve(installation, &settings, listener, server_stop).await }
    });
    let mut reports = play(&tenants, stop.clone()).await?;
    for (tenant, report) in tenants.iter().zip(&mut reports) {
        shown::add(&installation, tenant, report).await?;
    }
    let failures = summary::print(&installation, &tenants, &reports).await?;
    if let Some(file) = &options.json {
        let manifest = Manifest { console: console.clone(), tenants };
        write_private(file, &serde_json::to_string_pretty(&manifest)?)?;
    }
    if !options.no_serve {
        output::line("");
        output::line(simulate::REFUSED);
        output::line("");
        output::line(format_args!("Console   {console}"));
        output::line(format_args!("Sign in   {OPERATOR}"));
        output::line(format_args!("Password  {}", password.expose_secret()));
        output::line("");
        output::line("Ctrl-C ends the demo.");
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

/// The file holds tokens: only its owner may read it.
fn write_private(file: &Path, text: &str) -> anyhow::Result<()> {
    use std::{fs::OpenOptions, io::Write as _, os::unix::fs::OpenOptionsExt as _};
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut opened = options.open(file).with_context(|| format!("cannot write {}", file.display()))?;
    opened.write_all(text.as_bytes()).and_then(|()| opened.write_all(b"\n"))?;
    Ok(())
}
