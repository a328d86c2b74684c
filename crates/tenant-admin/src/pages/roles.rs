//! From groups to roles: the rules in their order, what is protected, and what a group of some name would give.

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;
use provisioning::Tenant;
use scim_core::roles::{Matches, RuleKind, RuleLine, UnlistedRole, UnmatchedGroup};
use serde::Deserialize;

use super::tenant;
use crate::{
    ConsoleState,
    chrome::{Chrome, TenantHead, page},
    error::PageError,
    extract::{Parameters, Segments, Visit},
};

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
    pub(crate) roles: Vec<String>,
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
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    if tenant.profile.group.is_none() {
        return Err(PageError::NotFound);
    }
    let (group, external_id) = (short(&trial.group), short(&trial.external_id));
    let mapping = &tenant.profile.roles;
    let head = TenantHead::new(&tenant, "roles");
    let mut protected: Vec<String> = mapping.protected_keys().map(str::to_owned).collect();
    protected.sort();
    let unlisted = match mapping.unlisted() {
        UnlistedRole::Grant => "A role that is not in it is given as the group writes it.",
        UnlistedRole::Ignore => "A role that is not in it is not given.",
    };
    let shown = RolesPage {
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
        tried: (!group.is_empty()).then(|| tried(&tenant, &group, &external_id)),
        group,
        external_id,
        head,
    };
    page(StatusCode::OK, &shown)
}

fn short(text: &str) -> String {
    text.chars().filter(|ch| !ch.is_control()).take(LONGEST).collect()
}

fn tried(tenant: &Tenant, group: &str, external_id: &str) -> Tried {
    let external_id = Some(external_id).filter(|id| !id.is_empty());
    let roles = tenant.profile.roles_of_group(&tenant.value_sets, group, external_id);
    let refused = tenant.profile.roles.admit(group, external_id).err().map(|error| error.detail);
    Tried { roles: roles.into_iter().map(|role| role.name).collect(), refused }
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
