//! SCIM 2.0 (RFC 7643, RFC 7644) and a tenant's rules as pure functions: no I/O, no clock, no HTTP, no SQL.
//!
//! The way of a resource through this crate:
//!
//! ```text
//! body ── intake ──▶ Document ── patch ──▶ Document ── projection ──▶ answer
//!                        │
//!                        └── search ──▶ search form ◀── filter
//! ```

pub mod bulk;
pub mod catalogue;
pub mod constraint;
pub mod discovery;
pub mod error;
pub mod filter;
pub mod fold;
pub mod format;
pub mod intake;
pub mod leniency;
pub mod patch;
pub mod path;
pub mod product;
pub mod profile;
pub mod projection;
pub mod resource;
pub mod roles;
pub mod schema;
pub mod search;
pub mod timestamp;
pub mod urn;
pub mod value_set;

pub use error::{ScimError, ScimType};
pub use fold::fold;
pub use resource::{Document, ResourceKind, ResourceType};
