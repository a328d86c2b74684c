//! The lines of a backup that are no rows.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The form of the lines that this version writes and reads.
pub(super) const FORM: u32 = 1;

/// A line that is no row.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Line {
    /// The first one.
    RollcallBackup { form: u32, at: i64, installation: Uuid, schema: String, whole: bool },
    /// The sections of this tenant come next.
    Tenant { id: Uuid, slug: String },
    /// The rows of a table come next, with these columns.
    Table { name: String, tenant: Option<Uuid>, columns: Vec<String> },
    /// So many they were.
    Rows { count: u64, sha256: String },
    /// The last one: so much there was in all.
    End { tenants: u64, sections: u64, rows: u64 },
}

impl Line {
    /// Its text, without its end.
    pub(super) fn text(&self) -> String {
        // A tree in memory always has one.
        serde_json::to_string(self).unwrap_or_default()
    }
}
