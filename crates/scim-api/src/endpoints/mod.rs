//! The endpoints, one file a resource.

pub(crate) mod bulk;
pub(crate) mod catalogues;
pub(crate) mod discovery;
pub(crate) mod groups;
pub(crate) mod me;
pub(crate) mod root;
pub(crate) mod users;

mod list;
