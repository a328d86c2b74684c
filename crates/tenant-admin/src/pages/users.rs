//! The users of a tenant, with their roles: those who may sign in, those who may not, those who were deleted.

use std::collections::HashMap;

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;
use provisioning::{Query, Request, Tenant};
use scim_core::{
    profile::{DeletePolicy, Profile},
    projection::Projection,
};
use serde_json::Value;
use store::{ChangeContext, UserId, users::UserCounts};

use super::{Done, setup, tenant, tenants::ListParameters};
use crate::{
    ConsoleState,
    chrome::{Badge, Chrome, TenantHead, count, page},
    error::PageError,
    extract::{Parameters, Segments, Visit},
    pager::{PAGE_SIZE, Pager, link, page_number},
    when::Moment,
};

#[derive(Template)]
#[template(path = "users.html")]
pub(crate) struct UsersPage {
    pub(crate) chrome: Chrome,
    pub(crate) head: TenantHead,
    pub(crate) search: String,
    pub(crate) views: Vec<View>,
    /// What was just done.
    pub(crate) notice: Option<&'static str>,
    /// Has nobody been here yet?
    pub(crate) fresh: bool,
    pub(crate) rows: Vec<UserRow>,
    pub(crate) pager: Pager,
    pub(crate) summary: String,
    /// Does the tenant give roles at all?
    pub(crate) has_roles: bool,
}

/// One of the lists that the users stand in.
#[derive(Clone, Debug)]
pub(crate) struct View {
    /// As the address has it.
    pub(crate) status: &'static str,
    /// What the product calls those who are in it.
    pub(crate) name: String,
    /// How many there are, where that is known.
    pub(crate) count: Option<u64>,
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

/// Users on one page of a list.
pub(crate) struct UserList {
    pub(crate) rows: Vec<UserRow>,
    pub(crate) total: u64,
}

/// `GET …/users`.
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(slug): Segments<String>,
    Parameters(query): Parameters<ListParameters>,
    Parameters(Done { done }): Parameters<Done>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    let search = query.search();
    let status = match query.status.as_str() {
        "inactive" => "inactive",
        "deleted" => "deleted",
        _ => "active",
    };
    let number = page_number(query.page.as_deref());
    let filter = filter(&search, status);
    let list = match status {
        "deleted" => deleted(&state, &tenant, &visit.context(), filter, number).await?,
        _ => list(&state, &tenant, &visit.context(), filter, number).await?,
    };
    // Counting costs as much as a list, so it is left out while somebody types.
    let counts = match search.is_empty() {
        true => Some(state.store.tenant(tenant.id()).user_counts().await?),
        false => None,
    };
    let path = format!("/console/tenants/{slug}/users");
    let pager = Pager::new(&path, &[("q", &search), ("status", status)], number, list.rows.len(), list.total);
    let head = TenantHead::new(&tenant, "users");
    let shown = UsersPage {
        chrome: visit.chrome(format!("Users · {}", head.name)),
        head,
        views: views(&tenant.profile, counts, &path, &search, status),
        notice: (done == "purged").then_some("The user was deleted for good."),
        fresh: counts == Some(UserCounts::default()),
        rows: list.rows,
        pager,
        summary: count(list.total, "user"),
        has_roles: tenant.profile.roles.gives_roles() && status != "deleted",
        search,
    };
    page(StatusCode::OK, &shown)
}

/// The lists that there are: deleted users only where there can be any.
fn views(
    profile: &Profile,
    counts: Option<UserCounts>,
    path: &str,
    search: &str,
    status: &'static str,
) -> Vec<View> {
    let view = |of: &'static str, name: &str, count: fn(UserCounts) -> u64| View {
        status: of,
        name: name.to_owned(),
        count: counts.map(count),
        link: link(path, &[("status", of), ("q", search)]),
        current: of == status,
    };
    let mut views = vec![
        view("active", &profile.people.active, |counts| counts.active),
        view("inactive", &profile.people.inactive, |counts| counts.inactive),
        view("deleted", "Deleted", |counts| counts.deleted),
    ];
    let can_be_deleted = profile.policies.delete == DeletePolicy::SoftDelete;
    views.retain(|view| {
        view.status != "deleted"
            || can_be_deleted
            || view.current
            || view.count.is_some_and(|count| count > 0)
    });
    views
}

/// A page of users that match a SCIM filter, in the order of userName.
pub(crate) async fn list(
    state: &ConsoleState,
    tenant: &Tenant,
    context: &ChangeContext,
    filter: Option<String>,
    page: u64,
) -> Result<UserList, PageError> {
    let base_url = setup::base_url(&state.public_url, tenant);
    let projection = Projection { attributes: None, excluded: vec!["groups".to_owned()] };
    let request = Request { tenant, context, base_url: &base_url, projection: &projection };
    let query = Query {
        filter,
        sort_by: Some("userName".to_owned()),
        descending: false,
        start_index: (page - 1) * PAGE_SIZE + 1,
        count: PAGE_SIZE,
        ..Query::default()
    };
    let found = state.provisioner.users(request, &query).await?;
    let ids: Vec<UserId> =
        found.resources.iter().filter_map(|user| user["id"].as_str()?.parse().ok()).collect();
    let mut roles: HashMap<String, Vec<String>> = HashMap::new();
    for (user, grant) in state.store.tenant(tenant.id()).roles_of_users(&ids).await? {
        let names = roles.entry(user.to_string()).or_default();
        if !names.contains(&grant.role.name) {
            names.push(grant.role.name);
        }
    }
    let rows = found.resources.iter().map(|user| row(user, &mut roles)).collect();
    Ok(UserList { rows, total: found.total })
}

/// A page of soft-deleted users that match a SCIM filter, the last one deleted first.
async fn deleted(
    state: &ConsoleState,
    tenant: &Tenant,
    context: &ChangeContext,
    filter: Option<String>,
    page: u64,
) -> Result<UserList, PageError> {
    let base_url = setup::base_url(&state.public_url, tenant);
    let projection = Projection::default();
    let request = Request { tenant, context, base_url: &base_url, projection: &projection };
    let query = Query {
        filter,
        // Nothing changes a user after its deletion.
        sort_by: Some("meta.lastModified".to_owned()),
        descending: true,
        start_index: (page - 1) * PAGE_SIZE + 1,
        count: PAGE_SIZE,
        ..Query::default()
    };
    let found = state.provisioner.deleted_users(request, &query).await?;
    let now = state.store.now();
    let rows = found.users.iter().map(|user| UserRow {
        status: Badge::deleted(),
        deleted: Some(Moment::new(user.deleted_at, now)),
        ..row(&user.rendered.body, &mut HashMap::new())
    });
    Ok(UserList { rows: rows.collect(), total: found.total })
}

fn row(user: &Value, roles: &mut HashMap<String, Vec<String>>) -> UserRow {
    let id = text(&user["id"]);
    UserRow {
        user_name: text(&user["userName"]),
        display_name: display_name(user),
        email: email(user),
        status: Badge::active(user["active"].as_bool().unwrap_or(true)),
        deleted: None,
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

/// The SCIM filter of a search; `None` for everybody.
fn filter(search: &str, status: &str) -> Option<String> {
    let mut terms = Vec::new();
    if !search.is_empty() {
        // A JSON string is what the filter grammar takes as a literal.
        let literal = Value::from(search).to_string();
        terms.push(format!(
            "(userName co {literal} or displayName co {literal} or emails.value co {literal})"
        ));
    }
    match status {
        "active" => terms.push("not (active eq false)".to_owned()),
        "inactive" => terms.push("active eq false".to_owned()),
        _ => {}
    }
    (!terms.is_empty()).then(|| terms.join(" and "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_was_typed_stays_one_literal_of_the_filter() {
        assert_eq!(filter("", ""), None);
        assert_eq!(filter("", "inactive").as_deref(), Some("active eq false"));
        let hostile = filter("a\" or userName pr or \"\\", "").unwrap_or_default();
        assert!(
            hostile.starts_with(r#"(userName co "a\" or userName pr or \"\\" or displayName co "#),
            "{hostile}"
        );
    }

    #[test]
    fn a_person_is_shown_by_the_best_name_there_is() {
        assert_eq!(display_name(&json!({"displayName": "D", "name": {"formatted": "F"}})), "D");
        assert_eq!(display_name(&json!({"name": {"givenName": "G", "familyName": "F"}})), "G F");
        assert_eq!(display_name(&json!({})), "");
        assert_eq!(email(&json!({"emails": [{"value": "a"}, {"value": "b", "primary": true}]})), "b");
    }
}
