//! What the fuzz targets share: resources to fuzz against, and the texts and invariants that they check.

pub mod canonical;
pub mod fixtures;
pub mod json;
pub mod print;

use scim_core::{ScimError, leniency::Leniencies};

/// A tenant that takes every habit, and one that takes none.
pub const LENIENCIES: [Leniencies; 2] = [Leniencies::LENIENT, Leniencies::STRICT];

/// Every refusal is the client's fault, and says something.
pub fn assert_refusal(error: &ScimError) {
    assert!((400..500).contains(&error.status), "{error:?}");
    assert!(!error.detail.is_empty(), "{error:?}");
}
