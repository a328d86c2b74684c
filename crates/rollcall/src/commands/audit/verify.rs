//! `rollcall audit verify`.

use std::{collections::VecDeque, process::ExitCode};

use serde_json::json;
use store::{
    Store, TenantId,
    trail::{
        Trail,
        verify::{Check, Fault, Step, TrailState, Walk},
    },
};

use super::{Verified, checkpoint};
use crate::{
    cli::{AuditExpected, AuditVerify},
    commands::{output, progress},
    settings::Settings,
};

/// Tenants read at a time.
const TENANTS: u64 = 500;

/// What the installation's trail is called.
pub(super) const INSTALLATION: &str = "installation";

/// A trail, checked.
struct Outcome {
    name: String,
    state: TrailState,
    check: Check,
    /// An expected entry is not what it was.
    rewritten: Option<String>,
    /// So many entries were expected.
    held: usize,
}

/// Goes through the trails of the installation and of all tenants, deleted ones, too.
#[derive(Default)]
pub(super) struct Trails {
    begun: bool,
    after: Option<TenantId>,
    page: VecDeque<(TenantId, String)>,
}

impl Trails {
    /// The next one and its name.
    pub(super) async fn next(&mut self, store: &Store) -> anyhow::Result<Option<(String, Trail)>> {
        if !self.begun {
            self.begun = true;
            return Ok(Some((INSTALLATION.to_owned(), Trail::Installation(store.platform()))));
        }
        if self.page.is_empty() {
            self.page = store.platform().all_slugs_after(self.after, TENANTS).await?.into();
        }
        Ok(self.page.pop_front().map(|(id, slug)| {
            self.after = Some(id);
            (slug, Trail::Tenant(store.tenant(id)))
        }))
    }
}

/// Checks trails one after the other; 1 when one of them is not whole.
pub(super) async fn run(
    settings: &Settings,
    store: &Store,
    options: &AuditVerify,
) -> anyhow::Result<ExitCode> {
    let mut outcomes = Vec::new();
    if !options.checkpoints.is_empty() {
        for (trail, expected) in checkpoint::read(settings, store, &options.checkpoints).await? {
            outcomes.push(one(&trail.name, &trail.of(store), &expected, options).await?);
        }
    } else if options.all {
        let mut trails = Trails::default();
        while let Some((name, trail)) = trails.next(store).await? {
            outcomes.push(one(&name, &trail, &[], options).await?);
        }
    } else {
        let (name, trail) = match &options.tenant {
            Some(slug) => (slug.as_str(), super::tenant(store, slug).await?),
            None => (INSTALLATION, Trail::Installation(store.platform())),
        };
        outcomes.push(one(name, &trail, options.expect.as_slice(), options).await?);
    }
    if options.json {
        output::json(&outcomes.iter().map(row).collect::<Vec<_>>())?;
    } else if !options.all {
        outcomes.iter().for_each(told);
    }
    let whole = outcomes.iter().all(|outcome| outcome.check.fault.is_none() && outcome.rewritten.is_none());
    if options.all && !options.json {
        let bad = outcomes.iter().filter(|outcome| outcome.check.fault.is_some()).count();
        let entries: i64 = outcomes.iter().map(|outcome| outcome.check.through).sum();
        output::line(format_args!(
            "{} checked, {entries} entries verified, {bad} not whole",
            output::counted(outcomes.len(), "trail")
        ));
    }
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Checks a trail without a word, but for a bar.
pub(super) async fn quietly(name: &str, trail: &Trail) -> anyhow::Result<Verified> {
    let check = checked(name, trail).await?;
    let fault = check.fault.map(|fault| fault.to_string());
    Ok(Verified { name: name.to_owned(), entries: check.through, fault })
}

/// Goes through a trail to its end, and keeps what came of it.
async fn checked(name: &str, trail: &Trail) -> anyhow::Result<Check> {
    let bar = progress::bar(name);
    let mut walk = Walk::default();
    let check = loop {
        let entries = u64::try_from(trail.state().await?.head).unwrap_or_default();
        progress::advance(&bar, u64::try_from(walk.through).unwrap_or_default(), entries, "entries");
        match trail.verify(walk).await? {
            Step::More(further) => walk = further,
            Step::Done(check) => break check,
        }
    };
    bar.finish_and_clear();
    trail.keep_check(&check).await?;
    Ok(check)
}

async fn one(
    name: &str,
    trail: &Trail,
    expected: &[AuditExpected],
    options: &AuditVerify,
) -> anyhow::Result<Outcome> {
    let check = checked(name, trail).await?;
    let mut changed = None;
    for expected in expected {
        if changed.is_none() {
            changed = rewritten(trail, expected, check.fault).await?;
        }
    }
    let outcome = Outcome {
        name: name.to_owned(),
        state: trail.state().await?,
        check,
        rewritten: changed,
        held: expected.len(),
    };
    if options.all && !options.json {
        // Of very many trails each is told when it is done.
        told(&outcome);
    }
    Ok(outcome)
}

/// What is wrong with the entry that was noted elsewhere.
async fn rewritten(
    trail: &Trail,
    expected: &AuditExpected,
    fault: Option<Fault>,
) -> anyhow::Result<Option<String>> {
    let number = expected.number;
    if fault.is_some_and(|fault| fault.number <= number) {
        // That is told anyway.
        return Ok(None);
    }
    Ok(match trail.entry(number).await? {
        None => {
            Some(format!("There is no entry {number} any more: the trail was written anew, and is shorter."))
        }
        Some(entry) if hex(&entry.chain) != expected.hash => {
            Some(format!("Entry {number} had another hash: the trail up to it was written anew."))
        }
        Some(_) => None,
    })
}

fn told(outcome: &Outcome) {
    let Outcome { name, state, check, rewritten, held } = outcome;
    match (&check.fault, rewritten) {
        (Some(fault), _) => output::line(format_args!(
            "{name}: not whole. {fault} Entries up to {} are what was written.",
            check.through
        )),
        (None, Some(text)) => output::line(format_args!("{name}: not whole. {text}")),
        (None, None) => {
            let purged = match check.purged {
                0 => String::new(),
                purged => format!(", the content of {purged} was purged"),
            };
            let entries = match check.through {
                1 => "1 entry".to_owned(),
                more => format!("{more} entries"),
            };
            let held = match held {
                0 => String::new(),
                held => format!(", holds {}", output::counted(*held, "noted end")),
            };
            output::line(format_args!("{name}: whole, {entries}{purged}{held}"));
        }
    }
    if state.head > 0 {
        output::line(format_args!("  end {}", end(state)));
    }
    if state.waiting > 0 {
        output::line(format_args!(
            "  {} more wait for their number, which a running server gives them",
            state.waiting
        ));
    }
}

fn row(outcome: &Outcome) -> serde_json::Value {
    let Outcome { name, state, check, rewritten, held } = outcome;
    let what = check.fault.map(|fault| json!({"number": fault.number, "what": fault.to_string()}));
    json!({
        "trail": name,
        "entries": state.head,
        "verified": check.through,
        "purged": check.purged,
        "fault": what.or_else(|| rewritten.as_ref().map(|what| json!({"number": null, "what": what}))),
        "end": end(state),
        "expected": held,
    })
}

/// What to keep elsewhere.
fn end(state: &TrailState) -> String {
    format!("{}:{}", state.head, hex(&state.chain))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
