//! What can be measured: each scenario by its name.

mod groups;
mod mixed;
mod read_back;
mod reads;
mod walk;
mod writes;

use std::{cell::RefCell, rc::Rc};

use anyhow::bail;
use serde_json::Value;

use crate::{
    http::Target,
    measure::{Length, Measured, Processes},
    roster::{Roster, User},
};

pub(crate) use groups::make as make_groups;
pub(crate) use mixed::{Deck, Kind};
pub(crate) use walk::walk;
pub(crate) use writes::id;

/// The scenarios of [`run`].
pub(crate) const NAMES: &[&str] = &[
    "create",
    "get",
    "eq",
    "eq_case",
    "eq_miss",
    "email_eq",
    "external_id_eq",
    "family_co",
    "page_first",
    "page_middle",
    "page_last",
    "patch_active",
    "put",
    "group_member",
    "group_get",
    "group_eq",
    "mixed",
];

/// A tenant, and how long it is asked.
pub(crate) struct Load {
    pub(crate) target: Rc<Target>,
    pub(crate) roster: Rc<RefCell<Roster>>,
    pub(crate) length: Length,
    pub(crate) processes: Processes,
    /// Members that the group of the group scenarios was filled with.
    pub(crate) group_size: usize,
}

impl Load {
    fn user_at(&self, index: usize) -> User {
        self.roster.borrow().users[index].clone()
    }

    fn users(&self) -> usize {
        self.roster.borrow().users.len()
    }
}

/// Runs one scenario; gives its line.
///
/// # Errors
///
/// The name is unknown, or the tenant lacks the users or the group that the scenario needs.
pub(crate) async fn run(load: &Load, name: &str) -> anyhow::Result<Value> {
    if name != "create" && load.users() == 0 {
        bail!("the roster is empty: create users first");
    }
    let measured: Measured = match name {
        "create" => writes::create(load).await?,
        "patch_active" => writes::patch_active(load).await,
        "put" => writes::put(load).await,
        "group_member" => groups::member(load).await?,
        "group_get" | "group_eq" => groups::read(load, name).await?,
        "mixed" => mixed::mixed(load).await?,
        _ => match reads::Read::of(name, load) {
            Some(read) => reads::read(load, read).await,
            None => bail!("there is no scenario {name}; there are: {}", NAMES.join(" ")),
        },
    };
    let mut line = measured.line(name, load.users());
    if name.starts_with("group_") {
        line["group"] = load.group_size.into();
    }
    Ok(line)
}
