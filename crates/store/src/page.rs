//! Lists: what to select, in which order, which part.

use scim_core::{filter::Filter, resource::AttrRef};

/// Order of a list.
#[derive(Clone, Debug)]
pub struct Sort {
    /// By this attribute (its primary or first value when multi-valued).
    pub by: AttrRef,
    /// Descending: absent values first; ascending: absent last.
    pub descending: bool,
}

/// A list query.
#[derive(Clone, Debug, Default)]
pub struct ListQuery {
    /// `None`: all live rows.
    pub filter: Option<Filter>,
    /// `None`: by id, which is the order of creation.
    pub sort: Option<Sort>,
    /// Rows to skip (startIndex − 1).
    pub offset: u64,
    /// Most rows to return; 0 only counts.
    pub limit: u64,
    /// Read the edges (groups of users, members of groups) too.
    pub edges: bool,
}

/// A part of a list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// Rows in the whole list.
    pub total: u64,
    /// This part.
    pub items: Vec<T>,
}
