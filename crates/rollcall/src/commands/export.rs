//! `rollcall export`.

use std::{
    io::{IsTerminal as _, Write},
    path::Path,
    process::ExitCode,
};

use anyhow::Context as _;
use indicatif::ProgressBar;
use provisioning::csv::UserExport;

use super::{output, progress};
use crate::{
    cli::{Export, ExportFormat},
    installation::Installation,
};

/// Writes all users of a tenant.
pub(super) async fn run(installation: &Installation, options: &Export) -> anyhow::Result<ExitCode> {
    let ExportFormat::Csv = options.format;
    let tenant = installation.tenant(&options.slug).await?;
    let export = installation
        .provisioner
        .export_users(&tenant, options.columns.as_deref())
        .map_err(|error| anyhow::anyhow!("--columns: {error}"))?;
    match &options.output {
        None => {
            // A bar among the rows would be in the way.
            let bar = if std::io::stdout().is_terminal() {
                ProgressBar::hidden()
            } else {
                progress::bar(&options.slug)
            };
            write(export, std::io::stdout().lock(), &bar).await?;
        }
        Some(file) => {
            let rows = write_file(export, file, &progress::bar(&options.slug)).await?;
            output::line(format_args!("{rows} users written to {}", file.display()));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes a file that only its owner may read, and puts it in place when it is whole.
async fn write_file(export: UserExport, file: &Path, bar: &ProgressBar) -> anyhow::Result<u64> {
    let named = || format!("cannot write {}", file.display());
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut temporary = tempfile::NamedTempFile::new_in(folder).with_context(named)?;
    let rows = write(export, &mut temporary, bar).await.with_context(named)?;
    temporary.as_file().sync_all().with_context(named)?;
    temporary.persist(file).with_context(named)?;
    Ok(rows)
}

async fn write(mut export: UserExport, mut into: impl Write, bar: &ProgressBar) -> anyhow::Result<u64> {
    while let Some(part) = export.next().await.map_err(|error| anyhow::anyhow!("{}", error.detail))? {
        into.write_all(part.as_bytes())?;
        progress::advance(bar, export.rows(), export.total().unwrap_or_default(), "users");
    }
    into.flush()?;
    bar.finish_and_clear();
    Ok(export.rows())
}
