//! `rollcall migrate`.

use std::process::ExitCode;

use store::{
    Store,
    partitions::{Partitioning, Progress},
};

use super::{output, progress};
use crate::{cli::Migrate, installation, settings::Settings};

/// Applies pending migrations; then keeps large tables in as many partitions as were asked for.
pub(super) async fn run(settings: &Settings, options: &Migrate) -> anyhow::Result<ExitCode> {
    if settings.is_sqlite() {
        anyhow::ensure!(options.partitions.is_none(), "--partitions is of PostgreSQL alone: SQLite has none");
    }
    let store = installation::store_options(settings);
    let applied = Store::migrate(&store).await?;
    for name in &applied {
        output::line(name);
    }
    if applied.is_empty() {
        tracing::info!("the database is up to date");
    }
    let Some(partitions) = options.partitions else { return Ok(ExitCode::SUCCESS) };
    let bar = progress::bytes("rows", 1);
    let tell = |now: Progress<'_>| {
        bar.set_length(now.bytes.max(1));
        bar.set_position(now.copied);
        bar.set_message(now.step.to_owned());
    };
    let wanted = Partitioning { partitions, while_serving: options.while_serving, progress: &tell };
    let rebuilt = Store::partition(&store, &wanted).await;
    bar.finish_and_clear();
    let rebuilt = rebuilt?;
    for table in &rebuilt {
        let shape = if partitions == 0 { "whole".to_owned() } else { format!("{partitions} partitions") };
        output::line(format_args!("{}: {shape}, {} rows", table.table, table.rows));
    }
    if rebuilt.is_empty() {
        tracing::info!("the tables are so already");
    }
    Ok(ExitCode::SUCCESS)
}
