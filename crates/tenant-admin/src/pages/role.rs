//! One role: who has it, and by which groups.

use std::collections::HashMap;

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;
use provisioning::Request;
use scim_core::projection::Projection;
use serde::Deserialize;
use store::{GroupId, UserId};

use super::{
    roles::why,
    tenant,
    user::{Link, Via},
    users::display_name,
};
use crate::{
    ConsoleState,
    chrome::{Badge, Chrome, TenantHead, page},
    error::PageError,
    extract::{Parameters, Segments, Visit},
    pager::{PAGE_SIZE, link},
};

#[derive(Template)]
#[template(path = "role.html")]
pub(crate) struct RolePage {
    pub(crate) chrome: Chrome,
    pub(crate) head: TenantHead,
    pub(crate) name: String,
    /// Only a rule that names a group gives it, and its last holder keeps it.
    pub(crate) protected: bool,
    pub(crate) holders: Vec<Holder>,
    pub(crate) first: Option<String>,
    pub(crate) next: Option<String>,
}

/// Somebody who has it.
pub(crate) struct Holder {
    pub(crate) id: String,
    pub(crate) user_name: String,
    pub(crate) display_name: String,
    pub(crate) status: Badge,
    pub(crate) via: Vec<Via>,
}

/// Those after this one.
#[derive(Deserialize)]
pub(crate) struct After {
    #[serde(default)]
    after: String,
}

/// `GET …/roles/{key}`; 404 where the product has no groups.
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments((slug, key)): Segments<(String, String)>,
    Parameters(After { after }): Parameters<After>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    let key = scim_core::fold(&key);
    if tenant.profile.group.is_none() || key.contains('\0') {
        return Err(PageError::NotFound);
    }
    let scope = state.store.tenant(tenant.id());
    let after: Option<UserId> = after.parse().ok();
    let mut found = scope.role_holders(&key, after, PAGE_SIZE + 1).await?;
    let more = found.len() as u64 > PAGE_SIZE;
    found.truncate(PAGE_SIZE as usize);
    let mut groups: Vec<GroupId> = found.iter().flat_map(|(_, groups)| groups.iter().copied()).collect();
    groups.sort_unstable();
    groups.dedup();
    let name = scope.role_name(&key).await?.unwrap_or_else(|| key.clone());
    let labels: HashMap<GroupId, Giving> = scope
        .labels_of(&groups)
        .await?
        .into_iter()
        .map(|label| {
            let found = why(&tenant, &label.display_name, label.external_id.as_deref());
            let rule = found.rule_of(&name).map(str::to_owned).unwrap_or_default();
            (label.id, Giving { name: label.display_name, rule })
        })
        .collect();
    let (base_url, context) = (tenant.base_url(&state.public_url), visit.context());
    let projection = Projection { attributes: None, excluded: vec!["groups".to_owned()] };
    let request =
        Request { tenant: &tenant, context: &context, base_url: &base_url, projection: &projection };
    let ids: Vec<UserId> = found.iter().map(|(user, _)| *user).collect();
    let users = state.provisioner.users_among(request, &ids).await?;
    let path = format!("/console/tenants/{slug}/roles/{}", percent(&key));
    let mut holders = Vec::with_capacity(users.len());
    for user in &users {
        let body = &user.rendered.body;
        let id = body["id"].as_str().unwrap_or_default().to_owned();
        let given = found.iter().find(|(user, _)| user.to_string() == id);
        let via = given.map(|(_, groups)| groups.as_slice()).unwrap_or_default().iter().filter_map(|group| {
            let label = labels.get(group)?;
            let group = Link { id: group.to_string(), name: label.name.clone() };
            Some(Via { group, why: label.rule.clone() })
        });
        holders.push(Holder {
            user_name: body["userName"].as_str().unwrap_or_default().to_owned(),
            display_name: display_name(body),
            status: Badge::active(body["active"].as_bool().unwrap_or(true)),
            via: via.collect(),
            id,
        });
    }
    let last = ids.last().filter(|_| more).map(ToString::to_string);
    let head = TenantHead::new(&tenant, "roles");
    let shown = RolePage {
        chrome: visit.chrome(format!("{name} · {}", head.name)),
        protected: tenant.profile.roles.is_protected(&name),
        first: after.map(|_| path.clone()),
        next: last.map(|last| link(&path, &[("after", &last)])),
        holders,
        name,
        head,
    };
    page(StatusCode::OK, &shown)
}

/// A group that gives the role.
struct Giving {
    name: String,
    rule: String,
}

fn percent(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
