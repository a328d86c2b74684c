//! The users of a tenant, with their roles.

use std::collections::HashMap;

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;
use provisioning::{Query, Request, Tenant};
use scim_core::projection::Projection;
use serde_json::Value;
use store::{ChangeContext, UserId};

use super::{setup, tenant, tenants::ListParameters};
use crate::{
    ConsoleState,
    chrome::{Badge, Chrome, TenantHead, count, page},
    error::PageError,
    extract::{Parameters, Segments, Visit},
    pager::{PAGE_SIZE, Pager, page_number},
};

#[derive(Template)]
#[template(path = "users.html")]
pub(crate) struct UsersPage {
    pub(crate) chrome: Chrome,
    pub(crate) head: TenantHead,
    pub(crate) search: String,
    pub(crate) status: &'static str,
    pub(crate) rows: Vec<UserRow>,
    pub(crate) pager: Pager,
    pub(crate) summary: String,
    /// Does the tenant give roles at all?
    pub(crate) has_roles: bool,
}

/// A user in a list.
pub(crate) struct UserRow {
    pub(crate) id: String,
    pub(crate) user_name: String,
    pub(crate) display_name: String,
    pub(crate) email: String,
    pub(crate) status: Badge,
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
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    let search = query.search();
    let status = match query.status.as_str() {
        "active" => "active",
        "inactive" => "inactive",
        _ => "",
    };
    let number = page_number(query.page.as_deref());
    let list = list(&state, &tenant, &visit.context(), filter(&search, status), number).await?;
    let path = format!("/console/tenants/{slug}/users");
    let pager = Pager::new(&path, &[("q", &search), ("status", status)], number, list.rows.len(), list.total);
    let head = TenantHead::new(&tenant, "users");
    let has_roles = tenant.profile.roles.gives_roles();
    let chrome = visit.chrome(format!("Users · {}", head.name));
    let summary = count(list.total, "user");
    page(
        StatusCode::OK,
        &UsersPage { chrome, head, search, status, rows: list.rows, pager, summary, has_roles },
    )
}

/// A page of users that match a SCIM filter, in the order of userName.
pub(crate) async fn list(
    state: &ConsoleState,
    tenant: &Tenant,
    context: &ChangeContext,
    filter: Option<String>,
    page: u64,
) -> Result<UserList, PageError> {
    let base_url = setup::base_url(state, tenant);
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

fn row(user: &Value, roles: &mut HashMap<String, Vec<String>>) -> UserRow {
    let id = text(&user["id"]);
    UserRow {
        user_name: text(&user["userName"]),
        display_name: display_name(user),
        email: email(user),
        status: Badge::active(user["active"].as_bool().unwrap_or(true)),
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
