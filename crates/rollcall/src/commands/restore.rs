//! `rollcall restore`.

use std::{cell::Cell, io::Read, path::Path, process::ExitCode};

use anyhow::{Context as _, bail};
use serde_json::json;
use store::{
    Store,
    backup::{BackupError, How, Progress, Restored},
    keys::DataKey,
};
use token_service::{MasterKey, adoption};

use super::{audit, backup, output, passphrase, progress};
use crate::{
    cli::Restore,
    envelope::{self, Unlock},
    installation::{self, Migrations, cli_context},
    settings::Settings,
};

/// Puts a backup in place, then verifies the trails that came with it; 1 when one of them is not whole.
pub(super) async fn run(settings: &Settings, options: &Restore) -> anyhow::Result<ExitCode> {
    let unlock = match &options.identity {
        Some(file) => Unlock::by_identities(file)?,
        None => Unlock::Passphrase(passphrase::known(options.passphrase_file.as_deref())?),
    };
    let (file, length) = open(&options.file)?;
    let bar = progress::bytes("restore", length);
    // Before there is a database: a wrong passphrase makes none.
    let mut from = envelope::open(bar.wrap_read(file), &unlock)?;
    let rows = Cell::new(0);
    let tell = |now: Progress<'_>| {
        rows.set(now.rows);
        bar.set_message(backup::told(now));
    };
    let store_options = installation::store_options(settings);
    if options.check {
        let checked = Store::restore(&store_options, &mut from, How::Check, &tell).await.map_err(in_words)?;
        bar.finish_and_clear();
        show(options, &checked, ": whole", None)?;
        return Ok(ExitCode::SUCCESS);
    }
    let key = if options.lost_master_key { None } else { Some(key(settings)?) };
    let opens = |found: &DataKey| match &key {
        Some(key) => adoption::adopt(key, found).map_err(|error| error.0),
        None => Ok(found.clone()),
    };
    let how = match &options.tenant {
        Some(slug) => How::Tenant(slug, &opens),
        None => How::Whole(&opens),
    };
    Store::migrate(&store_options).await.context("migrations")?;
    let restored = Store::restore(&store_options, &mut from, how, &tell).await.map_err(in_words)?;
    bar.finish_and_clear();

    let store = installation::open_store(settings, Migrations::Leave).await?;
    let trails = match &options.tenant {
        Some(slug) => vec![audit::verified(&store, slug).await?],
        None => audit::all_verified(&store).await?,
    };
    store.platform().note_restore(&restored, options.tenant.as_deref(), &cli_context()).await?;
    store.close().await;
    let whole = trails.iter().all(|trail| trail.fault.is_none());
    show(options, &restored, " restored", Some(&trails))?;
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The file and its length; 0 where that is not known.
fn open(file: &Path) -> anyhow::Result<(Box<dyn Read>, u64)> {
    if file == Path::new("-") {
        return Ok((Box::new(std::io::stdin()), 0));
    }
    let named = || file.display().to_string();
    let opened = std::fs::File::open(file).with_context(named)?;
    let about = opened.metadata().with_context(named)?;
    if about.is_dir() {
        bail!("{} is a folder; name a file that `rollcall backup` has made", file.display());
    }
    Ok((Box::new(opened), about.len()))
}

/// The master key, which must be there already: a new one opens no backup.
fn key(settings: &Settings) -> anyhow::Result<MasterKey> {
    let file = settings.data_dir.join("master.key");
    if installation::has_key_file(settings) && !file.exists() {
        bail!(
            "there is no master key here, and it is not in the backup: put the file master.key of the installation that the \
             backup is of into {}, or set ROLLCALL_MASTER_KEY to it. If it is lost, add --lost-master-key",
            settings.data_dir.display()
        );
    }
    installation::master_key(settings)
}

fn in_words(error: BackupError) -> anyhow::Error {
    match error {
        BackupError::Io(error) => anyhow::Error::new(error)
            .context("the backup cannot be read: it was changed or cut off; nothing was written"),
        other => other.into(),
    }
}

fn show(
    options: &Restore,
    restored: &Restored,
    done: &str,
    trails: Option<&[audit::Verified]>,
) -> anyhow::Result<()> {
    let trail =
        |one: &audit::Verified| json!({"trail": one.name, "entries": one.entries, "fault": one.fault});
    if options.json {
        return output::json(&json!({
            "made": scim_core::timestamp::to_rfc3339(restored.head.at), "installation": restored.head.installation,
            "tenants": restored.tenants, "tables": backup::sums(&restored.tables),
            "trails": trails.map(|trails| trails.iter().map(trail).collect::<Vec<_>>()),
        }));
    }
    backup::table(&restored.tables).show();
    let rows: u64 = restored.tables.iter().map(|table| table.rows).sum();
    let tenants = output::counted(usize::try_from(restored.tenants).unwrap_or(usize::MAX), "tenant");
    let made = output::time(Some(restored.head.at));
    output::line(format_args!(
        "{tenants}, {rows} rows{done}, as of {made}; each number and digest is the same"
    ));
    for one in trails.unwrap_or_default() {
        if let Some(fault) = &one.fault {
            output::line(format_args!("{}: not whole. {fault}", one.name));
        }
    }
    if let Some(trails) = trails {
        let entries: i64 = trails.iter().map(|one| one.entries).sum();
        let trails = output::counted(trails.len(), "trail");
        output::line(format_args!("{trails} checked, {entries} entries verified"));
    }
    if options.lost_master_key {
        output::line(
            "nothing sealed can be read: run `rollcall key replace --lost-master-key` before you serve",
        );
    }
    if restored.elsewhere {
        output::line(
            "the backup is another installation's: bearer tokens of this tenant open nothing here, so make new ones with \
             `rollcall token rotate`; user names with passwords and OAuth clients go on",
        );
    }
    if restored.keys_added > 0 {
        output::line(
            "secrets of its destinations came along: restart servers that run, so that they can read them",
        );
    }
    Ok(())
}
