//! `rollcall audit checkpoint`: signed statements of how far a trail has come, and reading them again.

use std::{
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use store::{Store, TenantId, trail::Trail};
use token_service::Vault;

use super::verify::{self, Trails, hex};
use crate::{
    cli::{AuditCheckpoint, AuditExpected},
    commands::output,
    installation,
    settings::Settings,
};

/// `typ` of the header of whatever says where a trail ended.
pub(super) const KIND: &str = "rollcall-checkpoint+jwt";

/// What is signed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Checkpoint {
    /// The installation.
    pub(super) iss: String,
    /// Whose trail: a tenant, or the installation.
    pub(super) sub: String,
    /// Its name for people.
    pub(super) trail: String,
    /// How many entries it had.
    pub(super) entries: i64,
    /// The hash of the last one, hexadecimal; empty: there was none.
    pub(super) head: String,
    /// When, in seconds since 1970 UTC.
    pub(super) iat: i64,
}

/// A trail that checkpoints are about.
pub(super) struct Of {
    pub(super) name: String,
    /// `None`: the installation's.
    tenant: Option<TenantId>,
}

impl Of {
    pub(super) fn of(&self, store: &Store) -> Trail {
        match self.tenant {
            Some(id) => Trail::Tenant(store.tenant(id)),
            None => Trail::Installation(store.platform()),
        }
    }
}

pub(super) async fn vault(settings: &Settings, store: &Store) -> anyhow::Result<Vault> {
    Ok(Vault::unlock(store, &installation::master_key(settings)?).await?)
}

/// Verifies the trails and signs where they end.
pub(super) async fn run(
    settings: &Settings,
    store: &Store,
    options: &AuditCheckpoint,
) -> anyhow::Result<ExitCode> {
    let vault = vault(settings, store).await?;
    let installation = store.platform().installation_id().await?;
    let mut text = String::new();
    if options.all {
        let mut trails = Trails::default();
        while let Some((name, trail)) = trails.next(store).await? {
            text += &signed(&vault, installation, store, &name, &trail).await?;
        }
    } else {
        let (name, trail) = match &options.tenant {
            Some(slug) => (slug.as_str(), super::tenant(store, slug).await?),
            None => (verify::INSTALLATION, Trail::Installation(store.platform())),
        };
        text = signed(&vault, installation, store, name, &trail).await?;
    }
    put(&text, options.output.as_deref(), "checkpoint")?;
    Ok(ExitCode::SUCCESS)
}

/// Writes statements, a line each, into a file or to stdout.
pub(super) fn put(text: &str, file: Option<&Path>, what: &str) -> anyhow::Result<()> {
    let Some(file) = file else {
        output::line(text.trim_end());
        return Ok(());
    };
    let named = || format!("cannot write {}", file.display());
    let mut written = std::fs::File::create(file).with_context(named)?;
    written.write_all(text.as_bytes()).and_then(|()| written.sync_all()).with_context(named)?;
    output::line(format_args!(
        "{} written to {}",
        output::counted(text.lines().count(), what),
        file.display()
    ));
    Ok(())
}

/// A line. The trail is verified first: what is not whole is not vouched for.
async fn signed(
    vault: &Vault,
    installation: impl ToString,
    store: &Store,
    name: &str,
    trail: &Trail,
) -> anyhow::Result<String> {
    // Before the check, so that all of it is checked.
    let state = trail.state().await?;
    let verified = verify::quietly(name, trail).await?;
    if let Some(fault) = verified.fault {
        bail!("{name} is not whole, so nothing was signed. {fault}");
    }
    let iss = installation.to_string();
    let checkpoint = Checkpoint {
        sub: match trail {
            Trail::Tenant(scope) => scope.id().to_string(),
            Trail::Installation(_) => iss.clone(),
        },
        iss,
        trail: name.to_owned(),
        entries: state.head,
        head: if state.head > 0 { hex(&state.chain) } else { String::new() },
        iat: store.now().div_euclid(1000),
    };
    Ok(vault.sign_statement(KIND, &checkpoint)? + "\n")
}

/// Reads checkpoints, each of which must bear a signature of this installation; gives the trails that they are about, and
/// which entries those must have.
pub(super) async fn read(
    settings: &Settings,
    store: &Store,
    files: &[PathBuf],
) -> anyhow::Result<Vec<(Of, Vec<AuditExpected>)>> {
    let vault = vault(settings, store).await?;
    let installation = store.platform().installation_id().await?;
    let mut trails: Vec<(String, Of, Vec<AuditExpected>)> = Vec::new();
    for file in files {
        let text = contents(file)?;
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        for (place, line) in lines {
            let named = || format!("{}:{}", file.display(), place + 1);
            let read: Checkpoint =
                vault.read_statement(KIND, installation, line.trim()).with_context(named)?;
            let tenant = match read.sub == installation.to_string() {
                true => None,
                false => Some(
                    read.sub.parse::<TenantId>().map_err(|_| anyhow::anyhow!("no id")).with_context(named)?,
                ),
            };
            let known = trails.iter().position(|(sub, ..)| *sub == read.sub);
            let place = known.unwrap_or_else(|| {
                trails.push((read.sub.clone(), Of { name: read.trail.clone(), tenant }, Vec::new()));
                trails.len() - 1
            });
            // Of a trail that had no entry nothing is said but that.
            if read.entries > 0
                && let Some((.., expected)) = trails.get_mut(place)
            {
                expected.push(AuditExpected { number: read.entries, hash: read.head });
            }
        }
    }
    if trails.is_empty() {
        bail!("there is no checkpoint in what was named");
    }
    Ok(trails.into_iter().map(|(_, of, expected)| (of, expected)).collect())
}

fn contents(file: &Path) -> anyhow::Result<String> {
    if file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().lock().read_to_string(&mut text)?;
        return Ok(text);
    }
    std::fs::read_to_string(file).with_context(|| file.display().to_string())
}
