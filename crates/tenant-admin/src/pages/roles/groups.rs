//! What the tenant's groups give: all of them, or only those that give nothing.

use provisioning::Tenant;
use serde::Deserialize;
use store::groups::GroupLabel;

use super::why::{Why, why};
use crate::{ConsoleState, error::PageError, pager::link};

/// Groups of a page.
const SHOWN: usize = 25;

/// Groups that are read at once.
const READ: u64 = 500;

/// Groups that are looked at for one page, at most.
const LOOKED_AT: usize = 5_000;

/// Which groups.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Wanted {
    /// `none`: those that give no role; `roles`: those that do; else all.
    #[serde(default)]
    show: String,
    /// Those after this name.
    #[serde(default)]
    after: String,
}

/// A page of groups.
#[derive(Clone, Debug, Default)]
pub(crate) struct GroupList {
    pub(crate) rows: Vec<GroupLine>,
    /// Name, link, current.
    pub(crate) views: Vec<(&'static str, String, bool)>,
    pub(crate) first: Option<String>,
    pub(crate) next: Option<String>,
    /// Is there any group at all?
    pub(crate) any: bool,
}

/// A group, and what it gives.
#[derive(Clone, Debug)]
pub(crate) struct GroupLine {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) why: Why,
}

impl GroupList {
    /// Of a tenant.
    pub(super) async fn of(state: &ConsoleState, tenant: &Tenant, wanted: Wanted) -> Result<Self, PageError> {
        let scope = state.store.tenant(tenant.id());
        let path = format!("/console/tenants/{}/roles", tenant.row.slug);
        // No name holds a NUL, and no text of PostgreSQL can.
        let is_name = |after: &&str| !after.is_empty() && !after.contains('\0');
        let mut after = Some(wanted.after.as_str()).filter(is_name).map(str::to_owned);
        let (mut rows, mut looked_at, mut next, mut any) = (Vec::new(), 0, None, after.is_some());
        'pages: loop {
            let labels = scope.group_labels(after.as_deref(), READ).await?;
            any |= !labels.is_empty();
            let is_last = (labels.len() as u64) < READ;
            for label in labels {
                looked_at += 1;
                let found = why(tenant, &label.display_name, label.external_id.as_deref());
                let fits = match wanted.show.as_str() {
                    "none" => found.roles.is_empty(),
                    "roles" => !found.roles.is_empty(),
                    _ => true,
                };
                if rows.len() == SHOWN || looked_at > LOOKED_AT {
                    next = after;
                    break 'pages;
                }
                let GroupLabel { id, display_name: name, .. } = label;
                after = Some(name.clone());
                if fits {
                    rows.push(GroupLine { id: id.to_string(), name, why: found });
                }
            }
            if is_last {
                break;
            }
        }
        let to = |parameters: &[(&str, &str)]| format!("{}#groups", link(&path, parameters));
        let views = [("All", ""), ("Give a role", "roles"), ("Give none", "none")];
        let show = wanted.show.as_str();
        let known = |show: &str| views.iter().any(|(_, known)| *known == show);
        Ok(Self {
            rows,
            views: views
                .map(|(name, of)| (name, to(&[("show", of)]), of == show || (of.is_empty() && !known(show))))
                .into(),
            first: (!wanted.after.is_empty()).then(|| to(&[("show", show)])),
            next: next.map(|after| to(&[("show", show), ("after", &after)])),
            any,
        })
    }
}
