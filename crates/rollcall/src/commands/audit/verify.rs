//! `rollcall audit verify`.

use std::process::ExitCode;

use serde_json::json;
use store::{
    Store,
    trail::{
        Trail,
        verify::{Check, Fault, Step, TrailState, Walk},
    },
};

use crate::{
    cli::{AuditExpected, AuditVerify},
    commands::{output, progress},
};

/// Tenants read at a time.
const TENANTS: u64 = 500;

/// What the installation's trail is called.
const INSTALLATION: &str = "installation";

/// A trail, checked.
struct Outcome {
    name: String,
    state: TrailState,
    check: Check,
    /// The expected entry is not what it was.
    rewritten: Option<String>,
}

/// Checks trails one after the other; 1 when one of them is not whole.
pub(super) async fn run(store: &Store, options: &AuditVerify) -> anyhow::Result<ExitCode> {
    let mut outcomes = Vec::new();
    if options.tenant.is_none() {
        let trail = Trail::Installation(store.platform());
        outcomes.push(one(INSTALLATION, &trail, options).await?);
    }
    if let Some(slug) = &options.tenant {
        outcomes.push(one(slug, &super::tenant(store, slug).await?, options).await?);
    }
    if options.all {
        let mut after = None;
        loop {
            let slugs = store.platform().all_slugs_after(after, TENANTS).await?;
            for (id, slug) in &slugs {
                outcomes.push(one(slug, &Trail::Tenant(store.tenant(*id)), options).await?);
            }
            after = slugs.last().map(|(id, _)| *id);
            if after.is_none() {
                break;
            }
        }
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

async fn one(name: &str, trail: &Trail, options: &AuditVerify) -> anyhow::Result<Outcome> {
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
    let rewritten = match &options.expect {
        Some(expected) => rewritten(trail, expected, check.fault).await?,
        None => None,
    };
    let outcome = Outcome { name: name.to_owned(), state: trail.state().await?, check, rewritten };
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
    let Outcome { name, state, check, rewritten } = outcome;
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
            output::line(format_args!("{name}: whole, {entries}{purged}"));
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
    let Outcome { name, state, check, rewritten } = outcome;
    let what = check.fault.map(|fault| json!({"number": fault.number, "what": fault.to_string()}));
    json!({
        "trail": name,
        "entries": state.head,
        "verified": check.through,
        "purged": check.purged,
        "fault": what.or_else(|| rewritten.as_ref().map(|what| json!({"number": null, "what": what}))),
        "end": end(state),
    })
}

/// What to keep elsewhere.
fn end(state: &TrailState) -> String {
    format!("{}:{}", state.head, hex(&state.chain))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
