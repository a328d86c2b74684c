//! The users of a tenant, with their roles: those who may sign in, those who may not, those who were deleted; found by
//! typing, or by a SCIM filter.

mod filter;

use std::collections::HashMap;

use askama::Template;
use axum::{extract::State, response::Response};
use http::{HeaderMap, StatusCode};
use provisioning::{
    Request, Tenant,
    people::{Finding, ListedUser, ListedUsers},
};
use scim_core::{
    ScimType,
    profile::{DeletePolicy, Profile},
    projection::Projection,
};
use serde::Deserialize;
use serde_json::Value;
use store::{
    ChangeContext, UserId,
    users::{Bounded, Standing, UserCounts},
};

pub(crate) use self::filter::{FilterProblem, examples};
use super::{Done, tenant};
use crate::{
    ConsoleState,
    chrome::{Badge, Chrome, TenantHead, page},
    error::PageError,
    extract::{Parameters, Segments, Visit},
    pager::{Step, Walk, link, numbered},
    when::Moment,
};

/// Longest filter, in characters.
const LONGEST_FILTER: usize = 1_000;

#[derive(Template)]
#[template(path = "users.html")]
pub(crate) struct UsersPage {
    pub(crate) chrome: Chrome,
    pub(crate) head: TenantHead,
    pub(crate) asked: Asked,
    pub(crate) views: Vec<View>,
    /// What was just done.
    pub(crate) notice: Option<&'static str>,
    /// Has nobody been here yet?
    pub(crate) fresh: bool,
    pub(crate) rows: Vec<UserRow>,
    pub(crate) walk: Walk,
    pub(crate) summary: String,
    /// Does the tenant give roles at all?
    pub(crate) has_roles: bool,
    /// More people fit than were looked at.
    pub(crate) cut: bool,
    /// The same search inside of names; only where it was not that.
    pub(crate) inside: Option<String>,
    /// Everybody in this list.
    pub(crate) all: String,
    pub(crate) problem: Option<FilterProblem>,
    /// Filters to press: text and link.
    pub(crate) examples: Vec<(String, String)>,
    /// This list as a file, for those who may take one away.
    pub(crate) export: Option<String>,
}

/// What a list is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) search: String,
    /// Inside of names?
    pub(crate) inside: bool,
    /// A SCIM filter.
    pub(crate) filter: String,
    /// `active`, `inactive` or `deleted`.
    pub(crate) status: &'static str,
}

impl Asked {
    /// As parameters of a link.
    pub(crate) fn parameters(&self) -> Vec<(&str, &str)> {
        vec![
            ("status", self.status),
            ("q", &self.search),
            ("inside", if self.inside { "1" } else { "" }),
            ("filter", &self.filter),
        ]
    }

    /// Is it no more than a list?
    pub(crate) fn is_plain(&self) -> bool {
        self.search.is_empty() && self.filter.is_empty()
    }

    fn standing(&self) -> Standing {
        match self.status {
            "inactive" => Standing::Inactive,
            "deleted" => Standing::Deleted,
            _ => Standing::Active,
        }
    }

    fn finding(&self) -> Finding<'_> {
        Finding {
            text: &self.search,
            inside: self.inside,
            filter: Some(self.filter.as_str()).filter(|text| !text.is_empty()),
            ..Finding::default()
        }
    }
}

/// One of the lists that the users stand in.
#[derive(Clone, Debug)]
pub(crate) struct View {
    /// As the address has it.
    pub(crate) status: &'static str,
    /// What the product calls those who are in it.
    pub(crate) name: String,
    /// How many there are, where that is known.
    pub(crate) count: Option<String>,
    /// With the search kept.
    pub(crate) link: String,
    pub(crate) current: bool,
}

/// A user in a list.
pub(crate) struct UserRow {
    pub(crate) id: String,
    pub(crate) user_name: String,
    pub(crate) display_name: String,
    pub(crate) email: String,
    pub(crate) status: Badge,
    /// When it was deleted.
    pub(crate) deleted: Option<Moment>,
    pub(crate) roles: Vec<String>,
}

/// Query of the page.
#[derive(Deserialize)]
pub(crate) struct ListParameters {
    #[serde(default)]
    q: String,
    #[serde(default)]
    inside: String,
    #[serde(default)]
    filter: String,
    #[serde(default)]
    status: String,
}

impl ListParameters {
    /// Is no list named?
    pub(crate) fn is_of_all(&self) -> bool {
        self.status.is_empty()
    }

    /// What is asked for, cut to a sane length.
    pub(crate) fn asked(&self) -> Asked {
        let cut = |text: &str, most: usize| -> String {
            text.trim().chars().filter(|letter| !letter.is_control()).take(most).collect()
        };
        Asked {
            search: cut(&self.q, 100),
            inside: self.inside == "1",
            filter: cut(&self.filter, LONGEST_FILTER),
            status: match self.status.as_str() {
                "inactive" => "inactive",
                "deleted" => "deleted",
                _ => "active",
            },
        }
    }
}

/// `GET …/users`.
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(slug): Segments<String>,
    Parameters(query): Parameters<ListParameters>,
    Parameters(step): Parameters<Step>,
    Parameters(Done { done }): Parameters<Done>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    let asked = query.asked();
    let (context, standing) = (visit.context(), asked.standing());
    let finding = Finding { place: step.place(), count: step.size(), ..asked.finding() };
    let (mut found, mut problem) = (ListedUsers { whole: true, ..ListedUsers::default() }, None);
    match find(&state, &tenant, &context, standing, &finding).await {
        Ok(listed) => found = listed,
        Err(error) if error.scim_type == Some(ScimType::InvalidFilter) => {
            problem = Some(FilterProblem::new(&asked.filter, &error.detail));
        }
        Err(error) => return Err(error.into()),
    }
    // The lists are counted where somebody comes to them, not while they type.
    let counts = match asked.is_plain() {
        true => Some(state.store.tenant(tenant.id()).user_counts().await?),
        false => None,
    };
    let total = found.total.or(counts.map(|counts| of_standing(counts, standing)));
    let path = format!("/console/tenants/{slug}/users");
    let ids: Vec<&str> = found.users.iter().filter_map(|user| user.rendered.body["id"].as_str()).collect();
    let walk = Walk::new(&path, &asked.parameters(), &step, &ids, (found.before, found.after), total);
    let inside = Asked { inside: true, ..asked.clone() };
    let all = Asked { status: asked.status, ..Asked::default() };
    let head = TenantHead::new(&tenant, "users");
    let chrome = visit.chrome(format!("Users · {}", head.name));
    let export = (chrome.manages() && problem.is_none() && standing != Standing::Deleted)
        .then(|| link(&format!("/console/tenants/{slug}/export"), &asked.parameters()));
    let (summary, cut) = (summary(total, &found), !found.whole);
    let shown = UsersPage {
        views: views(&tenant.profile, counts, &path, &asked),
        notice: (done == "purged").then_some("The user was deleted for good."),
        fresh: counts == Some(UserCounts::default()),
        rows: rows(&state, &tenant, found).await?,
        walk,
        summary,
        has_roles: tenant.profile.roles.gives_roles() && standing != Standing::Deleted,
        cut,
        inside: (!asked.search.is_empty() && !asked.inside).then(|| link(&path, &inside.parameters())),
        all: link(&path, &all.parameters()),
        problem,
        examples: examples(&tenant, state.store.now(), &path, &asked),
        export,
        asked,
        chrome,
        head,
    };
    let status = match shown.problem {
        // A part of the page is put in its place only if it is no error.
        Some(_) if !headers.contains_key("hx-request") => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::OK,
    };
    page(status, &shown)
}

/// A page of users by name.
pub(crate) async fn find(
    state: &ConsoleState,
    tenant: &Tenant,
    context: &ChangeContext,
    standing: Standing,
    finding: &Finding<'_>,
) -> Result<ListedUsers, scim_core::ScimError> {
    let base_url = tenant.base_url(&state.public_url);
    let projection = Projection { attributes: None, excluded: vec!["groups".to_owned()] };
    let request = Request { tenant, context, base_url: &base_url, projection: &projection };
    state.provisioner.find_users(request, standing, finding).await
}

/// The filter of a list, for a file of it.
pub(crate) fn filter_of(
    state: &ConsoleState,
    tenant: &Tenant,
    context: &ChangeContext,
    asked: &Asked,
    everybody: bool,
) -> Result<Option<scim_core::filter::Filter>, scim_core::ScimError> {
    let projection = Projection::default();
    let request = Request { tenant, context, base_url: "", projection: &projection };
    let standing = if everybody { Standing::Live } else { asked.standing() };
    state.provisioner.filter_of_list(request, standing, &asked.finding())
}

fn of_standing(counts: UserCounts, standing: Standing) -> Bounded {
    match standing {
        Standing::Inactive => counts.inactive,
        Standing::Deleted => counts.deleted,
        Standing::Active | Standing::Live => counts.active,
    }
}

fn summary(total: Option<Bounded>, found: &ListedUsers) -> String {
    match total {
        Some(total) => numbered(total, "user"),
        None => format!(
            "more than {}",
            numbered(Bounded { count: found.users.len() as u64, more: false }, "user")
        ),
    }
}

/// The lists that there are: deleted users only where there can be any.
fn views(profile: &Profile, counts: Option<UserCounts>, path: &str, asked: &Asked) -> Vec<View> {
    let view = |of: &'static str, name: &str| {
        let there = Asked { status: of, ..asked.clone() };
        let count = counts.map(|counts| of_standing(counts, there.standing()));
        let shown = View {
            status: of,
            name: name.to_owned(),
            count: count.map(|count| format!("{}{}", count.count, if count.more { "+" } else { "" })),
            link: link(path, &there.parameters()),
            current: of == asked.status,
        };
        (shown, count)
    };
    let views = [
        view("active", &profile.people.active),
        view("inactive", &profile.people.inactive),
        view("deleted", "Deleted"),
    ];
    let can_be_deleted = profile.policies.delete == DeletePolicy::SoftDelete;
    let is_offered = |(view, count): &(View, Option<Bounded>)| {
        view.status != "deleted"
            || can_be_deleted
            || view.current
            || count.is_some_and(|count| count.count > 0)
    };
    views.into_iter().filter(is_offered).map(|(view, _)| view).collect()
}

/// Users of a list with the roles that they have.
pub(crate) async fn rows(
    state: &ConsoleState,
    tenant: &Tenant,
    found: ListedUsers,
) -> Result<Vec<UserRow>, PageError> {
    let id = |user: &ListedUser| user.rendered.body["id"].as_str()?.parse().ok();
    let ids: Vec<UserId> = found.users.iter().filter_map(id).collect();
    let mut roles: HashMap<String, Vec<String>> = HashMap::new();
    for (user, grant) in state.store.tenant(tenant.id()).roles_of_users(&ids).await? {
        let names = roles.entry(user.to_string()).or_default();
        if !names.contains(&grant.role.name) {
            names.push(grant.role.name);
        }
    }
    let now = state.store.now();
    Ok(found.users.iter().map(|user| row(user, &mut roles, now)).collect())
}

fn row(listed: &ListedUser, roles: &mut HashMap<String, Vec<String>>, now: i64) -> UserRow {
    let user = &listed.rendered.body;
    let id = text(&user["id"]);
    UserRow {
        user_name: text(&user["userName"]),
        display_name: display_name(user),
        email: email(user),
        status: match listed.deleted_at {
            Some(_) => Badge::deleted(),
            None => Badge::active(user["active"].as_bool().unwrap_or(true)),
        },
        deleted: listed.deleted_at.map(|at| Moment::new(at, now)),
        roles: roles.remove(&id).unwrap_or_default(),
        id,
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// displayName, else the formatted name, else its parts; empty when there is none.
pub(crate) fn display_name(user: &Value) -> String {
    let name = &user["name"];
    [&user["displayName"], &name["formatted"]].into_iter().find_map(Value::as_str).map_or_else(
        || [text(&name["givenName"]), text(&name["familyName"])].join(" ").trim().to_owned(),
        str::to_owned,
    )
}

/// The primary e-mail address, else the first.
fn email(user: &Value) -> String {
    let emails = user["emails"].as_array().map(Vec::as_slice).unwrap_or_default();
    let chosen = emails.iter().find(|email| email["primary"] == true).or(emails.first());
    chosen.map(|email| text(&email["value"])).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_person_is_shown_by_the_best_name_there_is() {
        assert_eq!(display_name(&json!({"displayName": "D", "name": {"formatted": "F"}})), "D");
        assert_eq!(display_name(&json!({"name": {"givenName": "G", "familyName": "F"}})), "G F");
        assert_eq!(display_name(&json!({})), "");
        assert_eq!(email(&json!({"emails": [{"value": "a"}, {"value": "b", "primary": true}]})), "b");
    }
}
