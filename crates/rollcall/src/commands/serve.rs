//! `rollcall serve`.

use std::process::ExitCode;

use crate::{
    cli::Serve,
    installation::{Installation, Migrations},
    server,
    settings::Settings,
};

/// Serves until it is told to stop.
pub(super) async fn run(settings: &Settings, options: &Serve) -> anyhow::Result<ExitCode> {
    let stop = server::stop_signal()?;
    let migrations = if options.no_migrate { Migrations::Leave } else { Migrations::Apply };
    let installation = Installation::open(settings, migrations).await?;
    let listener = server::bind(settings.listen).await?;
    if installation.store.platform().admin_count().await? == 0 {
        tracing::warn!(
            "nobody can sign in to the console yet: make an operator with `rollcall admin create EMAIL`"
        );
    }
    tracing::info!(
        listen = %listener.local_addr()?,
        console = %settings.public_url().join("console/")?,
        database = ?installation.store.backend(),
        "serving"
    );
    server::serve(installation, settings, listener, stop).await?;
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}
