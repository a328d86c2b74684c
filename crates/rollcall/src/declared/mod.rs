//! Configuration as code: files that declare tenants and destinations, what they would change, and how they are put in place;
//! and the other way round, an installation as such a file.

mod apply;
mod destinations;
mod file;
mod files;
mod plan;
mod read;
mod secrets;
mod show;
mod source;
mod write;

pub(crate) use apply::{Applied, apply, is_open};
pub(crate) use files::{LARGEST, Permitted};
pub(crate) use plan::{Plan, plan};
pub(crate) use read::read;
pub(crate) use source::Faults;
pub(crate) use write::{Written, write};
