//! Filters (RFC 7644 §3.4.2.2): text → syntax tree → filter bound to a resource type → yes or no.
//!
//! A bound [`Filter`] compares values of the *search form* (see [`crate::search`]): strings that ignore case are
//! folded on both sides, instants are milliseconds. The store compiles the same tree to SQL over the same form, so
//! that memory and database cannot disagree.

mod bind;
mod evaluate;
mod parser;
mod syntax;

use crate::{
    error::ScimError,
    resource::{AttrRef, ResourceType},
};
use bind::Scope;
use parser::Context;

/// Longest filter taken, in bytes.
pub const MAX_LENGTH: usize = 8 * 1024;
/// Deepest nesting of brackets and `not`.
pub const MAX_DEPTH: usize = 32;
/// Most comparisons in one filter.
pub const MAX_TERMS: usize = 256;

/// A comparison operator; `pr` is [`Filter::Present`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CompareOp {
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
    /// Contains.
    Co,
    /// Starts with.
    Sw,
    /// Ends with.
    Ew,
    /// Greater.
    Gt,
    /// Greater or equal.
    Ge,
    /// Less.
    Lt,
    /// Less or equal.
    Le,
}

/// The right side of a comparison, in the search form of the attribute it is compared with.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// Text; already folded where the attribute ignores case.
    String(String),
    /// `true` or `false`.
    Boolean(bool),
    /// A number (finite).
    Number(f64),
    /// Milliseconds since 1970 UTC.
    Instant(i64),
    /// `null`: `eq` is true when absent, `ne` when present.
    Null,
}

/// A filter whose names are resolved and whose literals fit.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// All of them.
    And(Vec<Filter>),
    /// Any of them.
    Or(Vec<Filter>),
    /// Not this.
    Not(Box<Filter>),
    /// `target op value`; true when any value of a multi-valued target fits (also for `ne`); `ne` on an absent
    /// attribute is true. The target is never complex: a complex one was bound to its `value`. Text is ordered by
    /// code point.
    Compare {
        /// Left side.
        target: AttrRef,
        /// Operator.
        op: CompareOp,
        /// Right side.
        value: Literal,
    },
    /// `target pr`.
    Present(AttrRef),
    /// `target[filter]`: one element meets all of it. Inside, each `AttrRef` has the multi-valued attribute as
    /// `attribute` and the element's own as `sub`; in a list of simple values there is no `sub`, and the `AttrRef`
    /// stands for the element itself.
    Element {
        /// The multi-valued complex attribute (no `sub`).
        target: AttrRef,
        /// What one element must meet.
        filter: Box<Filter>,
    },
    /// Nothing: an attribute that the type does not offer but SCIM knows. Binding keeps it out of `Not`, so that no
    /// filter on such an attribute selects everything.
    Never,
}

/// Parses and binds. 400 `invalidFilter` with the column for malformed text, an attribute nobody knows, an operator
/// that does not fit the type; bounded by [`MAX_LENGTH`], [`MAX_DEPTH`], [`MAX_TERMS`] before any work.
/// `lenient_booleans`: take `"True"` for `true`.
pub fn parse(text: &str, resource_type: &ResourceType, lenient_booleans: bool) -> Result<Filter, ScimError> {
    let expr = parser::parse(text, 0, Context::Resource)?;
    bind::bind(&expr, Scope::Resource(resource_type), lenient_booleans)
}

/// As [`parse`], for a query over several resource types (RFC 7644 §3.4.2.1): an attribute that this type does not
/// have counts as one without a value, so `eq` and `pr` are false and `not (… pr)` is true.
pub fn parse_at_root(
    text: &str,
    resource_type: &ResourceType,
    lenient_booleans: bool,
) -> Result<Filter, ScimError> {
    let expr = parser::parse(text, 0, Context::Resource)?;
    bind::bind_at_root(&expr, resource_type, lenient_booleans)
}

/// Parses what stands between the brackets of a value path on `target`, bound to its sub-attributes
/// (for a simple multi-valued attribute: to `value`).
pub fn parse_element(text: &str, target: &AttrRef, lenient_booleans: bool) -> Result<Filter, ScimError> {
    bind_element(text, 0, target, lenient_booleans)
}

/// [`parse_element`] inside a longer text: `column` characters stand before it.
pub(crate) fn bind_element(
    text: &str,
    column: usize,
    target: &AttrRef,
    lenient_booleans: bool,
) -> Result<Filter, ScimError> {
    let expr = parser::parse(text, column, Context::Element)?;
    bind::bind(&expr, Scope::Element(target), lenient_booleans)
}

/// Checks the form of an element filter that binds to nothing; `column`: characters before it in the whole text.
pub(crate) fn check_element(text: &str, column: usize) -> Result<(), ScimError> {
    parser::parse(text, column, Context::Element).map(drop)
}
