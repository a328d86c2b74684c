//! From groups to roles: the rules in their order and what changing them would do, what each group gives and why, who
//! has which role, and what a group of some name would give.

mod edit;
mod groups;
mod why;

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;
use provisioning::Tenant;
use scim_core::roles::{Matches, RuleKind, RuleLine, UnlistedRole, UnmatchedGroup};
use serde::Deserialize;
use store::groups::HeldRole;

pub(crate) use self::{
    edit::RulesForm,
    groups::{GroupList, Wanted},
    why::{Why, why},
};
#[cfg(test)]
pub(crate) use self::{
    edit::{Preview, RuleField},
    groups::GroupLine,
};
use super::{Done, tenant};
use crate::{
    ConsoleState,
    chrome::{Chrome, TenantHead, page},
    error::PageError,
    extract::{Fields, Parameters, Segments, Visit},
};

/// Roles of the list of those that people have.
const ROLES: u64 = 100;

/// Longest name that is tried, in characters.
const LONGEST: usize = 200;

#[derive(Template)]
#[template(path = "roles.html")]
pub(crate) struct RolesPage {
    pub(crate) chrome: Chrome,
    pub(crate) head: TenantHead,
    pub(crate) rules: Vec<RuleRow>,
    /// Which of the rules count, in a sentence.
    pub(crate) matches: &'static str,
    /// What becomes of a group that no rule knows, in a sentence.
    pub(crate) unmatched: &'static str,
    /// The value set of the roles, and what becomes of a role that is not in it.
    pub(crate) catalogue: Option<(String, &'static str)>,
    /// Roles that only a rule by name or externalId gives, and whose last holder keeps them.
    pub(crate) protected: Vec<String>,
    pub(crate) group: String,
    pub(crate) external_id: String,
    /// What the group would give.
    pub(crate) tried: Option<Tried>,
    /// What was just done.
    pub(crate) notice: Option<&'static str>,
    /// The form for other rules.
    pub(crate) form: RulesForm,
    /// Is the form open?
    pub(crate) editing: bool,
    /// What the tenant's groups give.
    pub(crate) groups: GroupList,
    /// Roles that people have; at most [`ROLES`].
    pub(crate) held: Vec<HeldRole>,
}

/// A rule in the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RuleRow {
    /// Before the text.
    pub(crate) groups: &'static str,
    /// The text that is compared.
    pub(crate) wanted: String,
    /// The role; empty: the rest of the name.
    pub(crate) role: String,
}

/// What a group would give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tried {
    /// Roles, each with the rule that gives it.
    pub(crate) roles: Vec<(String, String)>,
    /// Why it gives none, where it gives none.
    pub(crate) none: String,
    /// Why it would be refused.
    pub(crate) refused: Option<String>,
}

/// The group that is tried.
#[derive(Deserialize)]
pub(crate) struct Trial {
    #[serde(default)]
    group: String,
    #[serde(default, rename = "external-id")]
    external_id: String,
}

/// `GET …/roles`; 404 where the product has no groups.
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(slug): Segments<String>,
    Parameters(trial): Parameters<Trial>,
    Parameters(wanted): Parameters<Wanted>,
    Parameters(Done { done }): Parameters<Done>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    let mut shown = roles_page(&state, &visit, &tenant, Some(wanted)).await?;
    let (group, external_id) = (short(&trial.group), short(&trial.external_id));
    shown.tried = (!group.is_empty()).then(|| tried(&tenant, &group, &external_id));
    (shown.group, shown.external_id) = (group, external_id);
    shown.notice = (done == "saved")
        .then_some("The rules are saved as a new version of the profile. Roles were given anew at once.");
    page(StatusCode::OK, &shown)
}

/// `POST …/roles`: other rules; they are saved only after what they do was shown.
pub(crate) async fn save(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(slug): Segments<String>,
    Fields(fields): Fields<Vec<(String, String)>>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    if tenant.profile.group.is_none() {
        return Err(PageError::NotFound);
    }
    edit::save(&state, &visit, &tenant, &fields).await
}

async fn roles_page(
    state: &ConsoleState,
    visit: &Visit,
    tenant: &Tenant,
    wanted: Option<Wanted>,
) -> Result<RolesPage, PageError> {
    if tenant.profile.group.is_none() {
        return Err(PageError::NotFound);
    }
    let mapping = &tenant.profile.roles;
    let head = TenantHead::new(tenant, "roles");
    let mut protected: Vec<String> = mapping.protected_keys().map(str::to_owned).collect();
    protected.sort();
    let unlisted = match mapping.unlisted() {
        UnlistedRole::Grant => "A role that is not in it is given as the group writes it.",
        UnlistedRole::Ignore => "A role that is not in it is not given.",
    };
    Ok(RolesPage {
        chrome: visit.chrome(format!("Roles · {}", head.name)),
        rules: mapping.lines().into_iter().map(row).collect(),
        matches: match mapping.matches() {
            Matches::First => "The first rule that gives a role counts.",
            Matches::All => "Each rule that gives a role counts.",
        },
        unmatched: match mapping.unmatched_group {
            UnmatchedGroup::Keep => "A group that no rule knows is kept and gives no role.",
            UnmatchedGroup::Reject => "A group that no rule knows is refused.",
        },
        catalogue: mapping.catalogue.clone().map(|name| (name, unlisted)),
        protected,
        tried: None,
        group: String::new(),
        external_id: String::new(),
        notice: None,
        form: RulesForm::of(tenant),
        editing: false,
        groups: GroupList::of(state, tenant, wanted.unwrap_or_default()).await?,
        held: state.store.tenant(tenant.id()).held_roles(None, ROLES).await?,
        head,
    })
}

fn short(text: &str) -> String {
    text.chars().filter(|ch| !ch.is_control()).take(LONGEST).collect()
}

fn tried(tenant: &Tenant, group: &str, external_id: &str) -> Tried {
    let external_id = Some(external_id).filter(|id| !id.is_empty());
    let found = why(tenant, group, external_id);
    let refused = tenant.profile.roles.admit(group, external_id).err().map(|error| error.detail);
    Tried { roles: found.roles, none: found.none, refused }
}

fn row(line: RuleLine) -> RuleRow {
    let groups = match line.kind {
        RuleKind::Prefix => "whose name starts with",
        RuleKind::Pattern => "whose whole name matches",
        RuleKind::Group => "named",
        RuleKind::ExternalId => "with the externalId",
    };
    RuleRow { groups, wanted: line.wanted, role: line.role.unwrap_or_default() }
}
