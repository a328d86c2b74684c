//! A user is tried: what the rules make of a body that somebody pastes. Nothing is written.

use std::sync::Arc;

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;
use provisioning::{
    Rules, Tenant,
    configuration::{Change, Draft, GroupTrial, Trial, Trying, trial, trial_group},
};
use scim_core::intake::{Note, Origin, Violation};
use serde::Deserialize;
use serde_json::{Value, json};
use store::users::User;

use super::{
    ProfileForm,
    draft::DraftView,
    lines,
    samples::{self, Sample},
};
use crate::{
    ConsoleState,
    chrome::{Badge, Chrome, TenantHead, page},
    error::PageError,
    extract::{Fields, Parameters, Segments, Visit},
    form::Errors,
    pages::tenant,
};

/// Largest body that is tried, in bytes: more than any identity provider sends of one person.
const LARGEST: usize = 128 * 1024;
/// Groups that are asked for their roles.
const GROUPS: usize = 50;
/// Longest value of a difference, in characters.
const LONGEST: usize = 200;

#[derive(Template)]
#[template(path = "profile_try.html")]
pub(crate) struct TryPage {
    pub(crate) chrome: Chrome,
    pub(crate) head: TenantHead,
    pub(crate) draft: DraftView,
    pub(crate) typed: TryForm,
    pub(crate) samples: Vec<Sample>,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) errors: Errors,
}

/// What is tried.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct TryForm {
    /// The profile's text; empty: the one that holds.
    pub(crate) text: String,
    pub(crate) version: String,
    /// `saved`: judge by what holds, though there is a draft.
    pub(crate) by: String,
    /// `create`, `replace` or `patch`.
    #[serde(rename = "as")]
    pub(crate) method: String,
    /// userName or id of the user that a replace or a PATCH is about.
    pub(crate) user: String,
    pub(crate) body: String,
    /// Names of groups, one a line.
    pub(crate) groups: String,
    pub(crate) sample: String,
    /// `fill`: put the sample into the body.
    #[serde(rename = "do")]
    pub(crate) action: String,
}

/// What would happen.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) verdict: Badge,
    /// What that means, in a sentence.
    pub(crate) meaning: String,
    pub(crate) violations: Vec<ViolationRow>,
    /// What was left out or is to be known: path and text.
    pub(crate) notes: Vec<(String, String)>,
    /// How what is kept differs from what was sent.
    pub(crate) reshaped: Vec<ChangeRow>,
    /// What changes of the user; `None`: it is a new one.
    pub(crate) changes: Option<Vec<ChangeRow>>,
    /// Group, its roles, why it would be refused.
    pub(crate) roles: Vec<(String, Vec<String>, Option<String>)>,
    /// What would be kept, as JSON.
    pub(crate) document: Option<String>,
}

/// A violation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ViolationRow {
    pub(crate) path: String,
    pub(crate) problem: String,
    /// What asks for it.
    pub(crate) origin: String,
}

/// A value that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ChangeRow {
    pub(crate) path: String,
    pub(crate) before: Option<String>,
    pub(crate) after: Option<String>,
}

/// What a link to the page names.
#[derive(Deserialize)]
pub(crate) struct Wanted {
    #[serde(default)]
    user: String,
    #[serde(default)]
    sample: String,
}

/// `GET …/profile/try`: by what holds.
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(slug): Segments<String>,
    Parameters(wanted): Parameters<Wanted>,
) -> Result<Response, PageError> {
    let method = if wanted.user.is_empty() { "create" } else { "replace" };
    let sample = if wanted.user.is_empty() { wanted.sample } else { samples::OF_USER.to_owned() };
    let typed = TryForm {
        method: method.into(),
        user: wanted.user,
        sample,
        action: "fill".into(),
        ..TryForm::default()
    };
    tried(&state, &visit, &slug, typed).await
}

/// `POST …/profile/try`: of what was typed, by what holds or by a text that is not saved.
pub(crate) async fn run(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(slug): Segments<String>,
    Fields(typed): Fields<TryForm>,
) -> Result<Response, PageError> {
    tried(&state, &visit, &slug, typed).await
}

async fn tried(
    state: &ConsoleState,
    visit: &Visit,
    slug: &str,
    mut typed: TryForm,
) -> Result<Response, PageError> {
    let tenant = tenant(state, slug).await?;
    let chrome = visit.chrome("");
    // Who only reads has no text of their own.
    let text = if typed.text.is_empty() || !chrome.manages() {
        tenant.row.profile.clone()
    } else {
        lines(&typed.text)
    };
    let version = typed.version.parse().unwrap_or(tenant.row.profile_version);
    let is_draft = text != tenant.row.profile;
    let judge = if is_draft {
        match Draft::unproven(&tenant, &text).await {
            Ok(draft) => Some(draft),
            Err(error) => {
                return super::refused(state, visit, &tenant, &ProfileForm::of(text, version), error).await;
            }
        }
    } else {
        None
    };
    let judge = judge.as_ref().filter(|_| typed.by != "saved");
    let rules = judge.map_or_else(|| Rules::of(&tenant), Draft::rules);
    let mut errors = Errors::default();
    let user = found(state, &tenant, &typed, &mut errors).await?;
    let offered = samples::offered(rules.profile);
    if !matches!(typed.method.as_str(), "create" | "replace" | "patch") {
        typed.method = "create".into();
    }
    // Who comes from the editor has not typed anything yet.
    if typed.action == "fill" || (typed.body.is_empty() && typed.action != "try") {
        samples::fill(&mut typed, rules.profile, user.as_ref());
    }
    let outcome = judged(rules, &typed, user.as_ref(), &mut errors);
    let draft = DraftView::of(&tenant, text, version).await?;
    let head = TenantHead::new(&tenant, "profile");
    let shown = TryPage {
        chrome: visit.chrome(format!("Try a user · {}", head.name)),
        draft,
        samples: offered,
        outcome,
        errors,
        typed,
        head,
    };
    page(StatusCode::OK, &shown)
}

/// The user whom the request would be about.
async fn found(
    state: &ConsoleState,
    tenant: &Arc<Tenant>,
    typed: &TryForm,
    errors: &mut Errors,
) -> Result<Option<User>, PageError> {
    let name = typed.user.trim();
    let needed = matches!(typed.method.as_str(), "replace" | "patch");
    if name.is_empty() {
        if needed {
            errors.add("user", "Name the user whom the request is about: a userName or an id.");
        }
        return Ok(None);
    }
    let user = state.tenants.user_named(tenant, name).await?;
    if user.is_none() {
        errors.add("user", "Nobody in this tenant has this userName or id.");
    }
    Ok(user)
}

fn judged(rules: Rules<'_>, typed: &TryForm, user: Option<&User>, errors: &mut Errors) -> Option<Outcome> {
    if typed.body.len() > LARGEST {
        errors.add("body", format!("Paste at most {} KiB.", LARGEST / 1024));
        return None;
    }
    if typed.body.trim().is_empty() {
        return None;
    }
    let body: Value = match serde_json::from_str(&typed.body) {
        Ok(body) => body,
        Err(error) => {
            errors.add("body", format!("Line {}, column {}: this is no JSON.", error.line(), error.column()));
            return None;
        }
    };
    let trying = match (typed.method.as_str(), user) {
        ("replace", Some(user)) => Trying::Replace(&user.document),
        ("patch", Some(user)) => Trying::Patch(&user.document),
        ("replace" | "patch", None) => return None,
        _ => Trying::Create,
    };
    let groups = groups(typed, &body, user);
    Some(outcome(rules, trial(rules, trying, &body), trying, &groups))
}

/// The groups whose roles are told: those that were typed, else those in the body, else those of the user.
fn groups(typed: &TryForm, body: &Value, user: Option<&User>) -> Vec<String> {
    let mut names: Vec<String> =
        typed.groups.lines().map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    if names.is_empty()
        && let Some(sent) = body.get("groups").and_then(Value::as_array)
    {
        let display = |group: &Value| group.get("display").and_then(Value::as_str).map(str::to_owned);
        names = sent.iter().filter_map(display).collect();
    }
    if names.is_empty()
        && let Some(groups) = user.and_then(|user| user.groups.as_ref())
    {
        // Roles come from direct membership only.
        names = groups.iter().filter(|group| group.direct).map(|group| group.display.clone()).collect();
    }
    names.truncate(GROUPS);
    names
}

fn outcome(rules: Rules<'_>, tried: Trial, trying: Trying<'_>, groups: &[String]) -> Outcome {
    let Trial { document, status, violations, notes, ignored, reshaped, changes } = tried;
    let is_new = matches!(trying, Trying::Create);
    let (kind, word) = if document.is_some() { ("ok", "Taken") } else { ("bad", "Refused") };
    let meaning = match (document.is_some(), is_new) {
        (true, true) => "The user would be made.".to_owned(),
        (true, false) if changes.is_empty() => "Nothing would change.".to_owned(),
        (true, false) => "The user would be changed.".to_owned(),
        (false, _) => {
            "The identity provider would be told what is wrong, and nothing would change.".to_owned()
        }
    };
    let of_group = |name: &String| {
        let GroupTrial { violations, roles, .. } = trial_group(rules, &json!({"displayName": name}));
        (name.clone(), roles, violations.into_iter().next().map(|found| found.problem))
    };
    let document = document.map(Value::Object);
    Outcome {
        verdict: Badge::new(kind, format!("{word} ({status})")),
        meaning,
        violations: violations.into_iter().map(violation).collect(),
        notes: notes.into_iter().chain(ignored).map(|Note { path, text }| (path, text)).collect(),
        reshaped: reshaped.into_iter().map(change).collect(),
        changes: (!is_new).then(|| changes.into_iter().map(change).collect()),
        roles: if rules.profile.group.is_some() { groups.iter().map(of_group).collect() } else { Vec::new() },
        document: document.and_then(|document| serde_json::to_string_pretty(&document).ok()),
    }
}

fn violation(found: Violation) -> ViolationRow {
    let origin = match found.origin {
        Origin::Schema => "the schema".to_owned(),
        Origin::Format => "its format".to_owned(),
        Origin::ValueSet(name) => format!("the value set “{name}”"),
        Origin::Rule(name) => format!("the rule “{name}”"),
        Origin::NotApplicable => "what does not apply".to_owned(),
    };
    ViolationRow { path: found.path, problem: found.problem, origin }
}

fn change(Change { path, before, after }: Change) -> ChangeRow {
    let shown = |value: Value| {
        let text = match value {
            Value::String(text) => text,
            other => other.to_string(),
        };
        if text.chars().count() <= LONGEST {
            return text;
        }
        text.chars().take(LONGEST - 1).chain(['…']).collect()
    };
    ChangeRow { path, before: before.map(shown), after: after.map(shown) }
}
