//! `rollcall profile …`.

use std::{path::Path, process::ExitCode};

use anyhow::{Context as _, bail};
use indicatif::ProgressBar;
use provisioning::{
    Tenant,
    configuration::{ConfigurationError, DiffLine, LineKind, MAX_DIFF_LINES, Recheck},
};
use scim_core::profile::{MAX_PROFILE, Profile};
use serde_json::json;
use store::{groups::RoleChange, tenants::ProfileVersion};

use super::{output, progress};
use crate::{
    cli::Profile as Command,
    installation::{Installation, cli_context},
};

/// Lines that are shown around a change.
const AROUND: usize = 3;

/// Versions read at a time.
const PAGE: u64 = 200;

/// Runs one of the commands that look at a tenant.
pub(super) async fn run(installation: &Installation, command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Check { file } => return check(&file),
        Command::Show { slug, revision } => show(installation, &slug, revision).await?,
        Command::Set { slug, file, dry_run } => set(installation, &slug, &file, dry_run).await?,
        Command::Diff { slug } => compare(installation, &slug).await?,
        Command::Recheck { slug, json } => recheck(installation, &slug, json).await?,
        Command::Try { slug, body, by, replace, patch } => {
            return super::profile_try::run(installation, &slug, &body, by.as_deref(), (replace, patch))
                .await;
        }
        Command::Versions { slug, json } => versions(installation, &slug, json).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads a profile file.
pub(super) fn read(file: &Path) -> anyhow::Result<String> {
    let name = file.display();
    let length = std::fs::metadata(file).with_context(|| format!("cannot read {name}"))?.len();
    if length > MAX_PROFILE as u64 {
        bail!("{name}: has {length} bytes; a profile has at most {MAX_PROFILE}");
    }
    std::fs::read_to_string(file).with_context(|| format!("cannot read {name}; is it UTF-8?"))
}

/// `rollcall profile check`: needs no installation.
pub(super) fn check(file: &Path) -> anyhow::Result<ExitCode> {
    let profile = Profile::from_toml(&read(file)?).with_context(|| file.display().to_string())?;
    let own: usize = profile.user.extensions.iter().map(|extension| extension.schema.attributes.len()).sum();
    output::line(format_args!(
        "{}: {} {} ({}): {} of core SCIM, {own} in extensions, {}; {} as said",
        file.display(),
        profile.name,
        profile.version,
        profile.title,
        output::counted(profile.user.schema.attributes.len(), "attribute"),
        output::counted(profile.value_sets.len(), "value set"),
        output::counted(profile.examples.len(), "example"),
    ));
    Ok(ExitCode::SUCCESS)
}

async fn show(installation: &Installation, slug: &str, revision: Option<i32>) -> anyhow::Result<()> {
    let tenant = installation.tenant(slug).await?;
    let Some(revision) = revision else {
        output::document(tenant.row.profile.trim_end());
        return Ok(());
    };
    let kept = installation.store.tenant(tenant.id()).profile_version(revision).await?;
    let kept = kept.with_context(|| {
        format!("{slug} has no version {revision}; `rollcall profile versions {slug}` lists them")
    })?;
    output::document(kept.body.trim_end());
    Ok(())
}

async fn set(installation: &Installation, slug: &str, file: &Path, dry_run: bool) -> anyhow::Result<()> {
    let text = read(file)?;
    let tenant = installation.tenant(slug).await?;
    let in_file = |error: ConfigurationError| match error {
        ConfigurationError::Profile(error) => anyhow::Error::new(error).context(file.display().to_string()),
        other => other.into(),
    };
    let bar = progress::bar("users");
    let preview = installation
        .tenants
        .preview_profile(&tenant, &text, None, &|done, total| advance(&bar, done, total))
        .await
        .map_err(in_file)?;
    bar.finish_and_clear();
    print_diff(preview.diff.as_deref());
    print_roles(&preview.roles);
    print_people(&preview.people);
    if dry_run {
        output::line("nothing was saved");
        return Ok(());
    }
    let before = tenant.row.profile_version;
    let saved =
        installation.tenants.save_profile(&tenant, &text, before, &cli_context()).await.map_err(in_file)?;
    if saved.version == before {
        output::line(format_args!("{slug} has this profile already, as version {before}"));
        return Ok(());
    }
    // It holds from here on; what is left is to make the index complete, which a server would do as well.
    let tenant = installation.tenant(slug).await?;
    let bar = progress::bar("search index");
    installation.tenants.reindex(&tenant, &|done, total| advance(&bar, done, total)).await?;
    bar.finish_and_clear();
    output::line(format_args!(
        "{slug}: version {} of its profile; role grants: {} added, {} ended",
        saved.version, saved.granted, saved.revoked
    ));
    Ok(())
}

async fn compare(installation: &Installation, slug: &str) -> anyhow::Result<()> {
    let tenant = installation.tenant(slug).await?;
    let name = &tenant.row.profile_name;
    match installation.tenants.upgrade_diff(&tenant).await? {
        Some(upgrade) => {
            output::line(format_args!(
                "{slug} has a copy of {name} {}, the one that ships is {}:",
                upgrade.from, upgrade.version
            ));
            print_diff(upgrade.diff.as_deref());
        }
        None if Profile::builtin(name).is_none() => {
            output::line(format_args!("no profile named {name} ships; {slug} has one of its own"));
        }
        None => output::line(format_args!("{slug} has {name} as it ships")),
    }
    Ok(())
}

async fn recheck(installation: &Installation, slug: &str, json: bool) -> anyhow::Result<()> {
    let tenant = installation.tenant(slug).await?;
    let bar = progress::bar("users");
    let found =
        installation.tenants.recheck(&tenant, None, &|done, total| advance(&bar, done, total)).await?;
    bar.finish_and_clear();
    if json {
        let first: Vec<_> = found
            .first
            .iter()
            .map(|misfit| json!({"id": misfit.id, "userName": misfit.user_name, "problems": misfit.problems}))
            .collect();
        return output::json(&json!({"checked": found.checked, "misfits": found.misfits, "first": first}));
    }
    print_people(&found);
    Ok(())
}

async fn versions(installation: &Installation, slug: &str, json: bool) -> anyhow::Result<()> {
    let tenant = installation.tenant(slug).await?;
    let all = all_versions(installation, &tenant).await?;
    if json {
        let rows: Vec<_> = all
            .iter()
            .map(|one| {
                json!({
                    "version": one.version, "profile": one.profile_name, "created_by": one.created_by,
                    "created": scim_core::timestamp::to_rfc3339(one.created_at),
                })
            })
            .collect();
        return output::json(&rows);
    }
    let mut table = output::table(&["version", "profile", "saved", "by"]);
    for one in &all {
        let saved = output::time(Some(one.created_at));
        table.add_row([&one.version.to_string(), &one.profile_name, &saved, &one.created_by]);
    }
    table.show();
    Ok(())
}

async fn all_versions(installation: &Installation, tenant: &Tenant) -> anyhow::Result<Vec<ProfileVersion>> {
    let scope = installation.store.tenant(tenant.id());
    let mut all: Vec<ProfileVersion> = Vec::new();
    loop {
        let below = all.last().map(|last| last.version);
        let page = scope.profile_versions(below, PAGE).await?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

fn advance(bar: &ProgressBar, done: u64, total: u64) {
    progress::advance(bar, done, total, "");
}

/// Changed lines with those around them, as `diff -u` shows them.
fn print_diff(lines: Option<&[DiffLine]>) {
    let Some(lines) = lines else {
        output::line(format_args!("a text has more than {MAX_DIFF_LINES} lines: too long to compare"));
        return;
    };
    let changed: Vec<usize> = (0..lines.len()).filter(|at| lines[*at].kind != LineKind::Same).collect();
    let mut last = None;
    for (at, line) in lines.iter().enumerate() {
        let next = changed.partition_point(|change| *change < at);
        let near = [next.checked_sub(1), Some(next)].into_iter().flatten();
        let is_near = near.filter_map(|index| changed.get(index)).any(|change| change.abs_diff(at) <= AROUND);
        if !is_near {
            continue;
        }
        if last.is_some_and(|last: usize| last + 1 < at) {
            output::line("…");
        }
        last = Some(at);
        let mark = match line.kind {
            LineKind::Same => ' ',
            LineKind::Added => '+',
            LineKind::Removed => '-',
        };
        let number = line.new_line.or(line.old_line).unwrap_or_default();
        output::line(format!("{number:>5} {mark} {}", line.text).trim_end());
    }
}

/// `14 gain Manager, 2 lose it`.
fn print_roles(changes: &[RoleChange]) {
    for RoleChange { role, gain, lose } in changes {
        let name = &role.name;
        output::line(match (gain, lose) {
            (gain, 0) => format!("roles: {gain} gain {name}"),
            (0, lose) => format!("roles: {lose} lose {name}"),
            (gain, lose) => format!("roles: {gain} gain {name}, {lose} lose it"),
        });
    }
    if changes.is_empty() {
        output::line("roles: nobody gains or loses one");
    }
}

fn print_people(found: &Recheck) {
    if found.misfits == 0 {
        output::line(format_args!("users: all {} fit", found.checked));
        return;
    }
    output::line(format_args!(
        "users: {} of {} no longer fit; they stay as they are, and a change of theirs must mend it:",
        found.misfits, found.checked
    ));
    for misfit in &found.first {
        output::line(format_args!("  {}", misfit.user_name));
        for problem in &misfit.problems {
            output::line(format_args!("    {problem}"));
        }
    }
    let told = found.first.len() as u64;
    if found.misfits > told {
        output::line(format_args!("  … and {} more", found.misfits - told));
    }
}
