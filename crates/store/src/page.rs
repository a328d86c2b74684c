//! Lists: what to select, in which order, which part.

use scim_core::{ResourceKind, filter::Filter, resource::AttrRef};
use uuid::Uuid;

use crate::{groups::Group, users::User};

/// Order of a list.
#[derive(Clone, Debug)]
pub struct Sort {
    /// By this attribute (its primary or first value when multi-valued).
    pub by: AttrRef,
    /// Descending: absent values first; ascending: absent last.
    pub descending: bool,
}

/// Where a page begins. All but [`Start::Offset`] are for lists in the order of ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// So many rows are skipped (startIndex − 1).
    Offset(u64),
    /// After the row with this id, whether it is still there or not.
    After(Uuid),
    /// The page that ends before the row with this id.
    Before(Uuid),
    /// Only these rows, in this order; those that are gone or no longer match are left out.
    Among(Vec<Uuid>),
}

impl Default for Start {
    fn default() -> Self {
        Self::Offset(0)
    }
}

/// What [`Page::total`] counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Total {
    /// All rows that match.
    #[default]
    Whole,
    /// Those from the start of the page on.
    Remaining,
    /// Those of the page alone: nothing is counted.
    OfPage,
}

/// A list query over one resource type.
#[derive(Clone, Debug, Default)]
pub struct ListQuery {
    /// `None`: all live rows.
    pub filter: Option<Filter>,
    /// `None`: by id, which is the order of creation.
    pub sort: Option<Sort>,
    /// Where the page begins.
    pub start: Start,
    /// Most rows to return; 0 only counts.
    pub limit: u64,
    /// What is counted.
    pub total: Total,
    /// Read the edges (groups of users, members of groups) too.
    pub edges: bool,
}

/// One resource type of a query over several.
#[derive(Clone, Debug)]
pub struct Part {
    /// The type.
    pub kind: ResourceKind,
    /// `None`: all live rows.
    pub filter: Option<Filter>,
    /// `None`: nothing to sort by in this type, so its rows stand where absent values do.
    pub sort: Option<Sort>,
    /// Read the edges too.
    pub edges: bool,
}

/// A query over several resource types (RFC 7644 §3.4.2.1).
#[derive(Clone, Debug)]
pub struct RootQuery {
    /// The types, each once.
    pub parts: Vec<Part>,
    /// Where the page begins.
    pub start: Start,
    /// Most rows to return; 0 only counts.
    pub limit: u64,
    /// What is counted.
    pub total: Total,
}

/// A row of either type.
#[derive(Clone, Debug, PartialEq)]
pub enum Resource {
    /// A user.
    User(User),
    /// A group.
    Group(Group),
}

impl Resource {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> Uuid {
        match self {
            Self::User(user) => user.id.0,
            Self::Group(group) => group.id.0,
        }
    }
}

/// A part of a list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// Rows in the whole list, or from the start of this part on: see [`Total`].
    pub total: u64,
    /// This part.
    pub items: Vec<T>,
    /// Are there rows beyond it (before it, for [`Start::Before`])?
    pub more: bool,
}
