//! `rollcall export`.

use std::{
    io::{IsTerminal as _, Write},
    path::Path,
    process::ExitCode,
};

use anyhow::{Context as _, bail};
use indicatif::ProgressBar;
use provisioning::csv::UserExport;
use tempfile::NamedTempFile;

use super::{output, progress};
use crate::{
    cli::{Export, ExportFormat},
    declared::{self, Written},
    installation::Installation,
};

/// Writes all users of a tenant, or the configuration of any number of them, into anything but the settings that are in use.
pub(super) async fn run(
    installation: &Installation,
    options: &Export,
    settings: Option<&Path>,
) -> anyhow::Result<ExitCode> {
    if let (Some(output), Some(settings)) = (&options.output, settings)
        && output.canonicalize().is_ok_and(|output| settings.canonicalize().is_ok_and(|file| file == output))
    {
        bail!(
            "{} is the file that the settings of this installation are in; write to another one, such as installation.toml",
            output.display()
        );
    }
    if options.configuration {
        return configuration(installation, options).await;
    }
    let [slug] = options.slugs.as_slice() else {
        bail!("name one tenant: users are written tenant by tenant")
    };
    let ExportFormat::Csv = options.format;
    let tenant = installation.tenant(slug).await?;
    let export = installation
        .provisioner
        .export_users(&tenant, options.columns.as_deref())
        .map_err(|error| anyhow::anyhow!("--columns: {error}"))?;
    match &options.output {
        None => {
            // A bar among the rows would be in the way.
            let bar =
                if std::io::stdout().is_terminal() { ProgressBar::hidden() } else { progress::bar(slug) };
            write(export, std::io::stdout().lock(), &bar).await?;
        }
        Some(file) => {
            let named = || format!("cannot write {}", file.display());
            let mut temporary = begin(file).with_context(named)?;
            let rows = write(export, &mut temporary, &progress::bar(slug)).await.with_context(named)?;
            put_in_place(temporary, file).with_context(named)?;
            output::line(format_args!("{rows} users written to {}", file.display()));
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn configuration(installation: &Installation, options: &Export) -> anyhow::Result<ExitCode> {
    let Written { text, left_out } = declared::write(installation, &options.slugs).await?;
    left_out.iter().for_each(|what| tracing::warn!("{what}"));
    if text.len() as u64 > declared::LARGEST {
        tracing::warn!(
            "the file has {} bytes, and `rollcall apply` reads at most {}: export some tenants at a time",
            text.len(),
            declared::LARGEST
        );
    }
    match &options.output {
        None => output::document(text.trim_end()),
        Some(file) => {
            let named = || format!("cannot write {}", file.display());
            let mut temporary = begin(file).with_context(named)?;
            temporary.write_all(text.as_bytes()).with_context(named)?;
            put_in_place(temporary, file).with_context(named)?;
            output::line(format_args!("configuration written to {}", file.display()));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A file beside another one, which only its owner may read.
fn begin(file: &Path) -> std::io::Result<NamedTempFile> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    NamedTempFile::new_in(folder)
}

/// Puts it in place when it is whole.
fn put_in_place(temporary: NamedTempFile, file: &Path) -> std::io::Result<()> {
    temporary.as_file().sync_all()?;
    temporary.persist(file)?;
    Ok(())
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
