//! The endpoints, one file a resource.

pub(crate) mod discovery;
pub(crate) mod groups;
pub(crate) mod root;
pub(crate) mod unsupported;
pub(crate) mod users;

mod list;
