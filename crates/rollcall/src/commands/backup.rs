//! `rollcall backup`.

use std::{
    io::{BufWriter, Write},
    path::Path,
    process::ExitCode,
};

use anyhow::Context as _;
use serde_json::json;
use store::backup::{Progress, Scope, TableSum, Taken};

use super::{output, passphrase, progress};
use crate::{
    cli::Backup,
    envelope::{Lock, Sealed},
    installation::{self, Migrations, cli_context},
    settings::Settings,
};

/// Writes everything, or some tenants, into an encrypted file. The master key is not needed for it.
pub(super) async fn run(settings: &Settings, options: &Backup) -> anyhow::Result<ExitCode> {
    let lock = match options.recipients.as_slice() {
        [] => Lock::Passphrase(passphrase::new(options.passphrase_file.as_deref())?),
        recipients => Lock::for_recipients(recipients)?,
    };
    let store = installation::open_store(settings, Migrations::IfThere).await?;
    let mut ids = Vec::new();
    for slug in &options.tenants {
        let id = store.platform().owner_of_slug(slug).await?;
        ids.push(
            id.with_context(|| format!("there is no tenant {slug:?}; `rollcall tenant list` shows all"))?,
        );
    }
    ids.dedup();
    let scope = if ids.is_empty() { Scope::Installation } else { Scope::Tenants(ids) };
    let bar = progress::spinner("backup");
    let tell = |now: Progress<'_>| bar.set_message(told(now));
    let taken = async |into: &mut dyn Write| {
        let mut file = Sealed::begin(BufWriter::new(into), &lock)?;
        let taken = store.back_up(&installation::store_options(settings), &scope, &mut file, &tell).await?;
        file.finish()?.flush()?;
        anyhow::Ok(taken)
    };
    let to_stdout = options.file == Path::new("-");
    let outcome = if to_stdout {
        taken(&mut std::io::stdout()).await?
    } else {
        let named = || format!("cannot write {}", options.file.display());
        let folder = options.file.parent().filter(|folder| !folder.as_os_str().is_empty());
        // Only its owner may read it, and it has its name when it is whole.
        let mut file =
            tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).with_context(named)?;
        let outcome = taken(file.as_file_mut()).await.with_context(named)?;
        file.as_file().sync_all().with_context(named)?;
        file.persist(&options.file).with_context(named)?;
        outcome
    };
    bar.finish_and_clear();
    store.platform().note_backup(&outcome, &scope, &cli_context()).await?;
    store.close().await;
    show(options, &outcome, to_stdout)?;
    Ok(ExitCode::SUCCESS)
}

/// What a bar says.
pub(super) fn told(now: Progress<'_>) -> String {
    match now.tenant {
        Some(slug) => format!("{} rows · {slug}: {}", now.rows, now.table),
        None => format!("{} rows · {}", now.rows, now.table),
    }
}

fn show(options: &Backup, taken: &Taken, to_stdout: bool) -> anyhow::Result<()> {
    if options.json {
        let told = json!({
            "made": scim_core::timestamp::to_rfc3339(taken.head.at), "installation": taken.head.installation,
            "tenants": taken.tenants, "tables": sums(&taken.tables),
        });
        if to_stdout {
            output::fault(told);
            return Ok(());
        }
        return output::json(&told);
    }
    let rows: u64 = taken.tables.iter().map(|table| table.rows).sum();
    let tenants = output::counted(usize::try_from(taken.tenants).unwrap_or(usize::MAX), "tenant");
    let text = format!("{tenants}, {rows} rows written to {}", options.file.display());
    if to_stdout {
        output::fault(text);
        return Ok(());
    }
    table(&taken.tables).show();
    output::line(text);
    Ok(())
}

/// The sums of tables, to be compared with what a restore prints.
pub(super) fn table(sums: &[TableSum]) -> output::Table {
    let mut table = output::table(&["table", "rows", "sha256"]);
    for sum in sums {
        table.add_row([sum.table.clone(), sum.rows.to_string(), sum.sha256[..16].to_owned()]);
    }
    table
}

pub(super) fn sums(sums: &[TableSum]) -> Vec<serde_json::Value> {
    sums.iter().map(|sum| json!({"table": sum.table, "rows": sum.rows, "sha256": sum.sha256})).collect()
}
