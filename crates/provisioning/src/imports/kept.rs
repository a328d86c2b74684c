//! What an import keeps beside its file: what it is to do, how far it is, what came of it; as JSON, which an earlier or a
//! later version may have written.

use serde_json::{Value, json};

use crate::csv::{Existing, ImportSummary, LineError};

/// Errors that are kept for people.
const ERRORS: usize = 1_000;

/// What an import is to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The names of the file's columns.
    pub names: Vec<String>,
    /// What each of them holds: the name of an attribute, or nothing for one that is passed over.
    pub columns: Vec<String>,
    /// Rows of users that are there.
    pub existing: Existing,
}

/// How far an import is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of the file that were read.
    pub bytes: u64,
    /// Rows that are done.
    pub rows: u64,
    /// Rows with an error among them.
    pub failed: u64,
}

/// What came of an import.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What was done, or would be.
    pub summary: ImportSummary,
    /// Why it did not come to the end of the file.
    pub stopped: Option<LineError>,
}

impl Settings {
    /// As an import keeps them; what cannot be read is nothing.
    #[must_use]
    pub fn of(kept: &Value) -> Self {
        let texts = |value: &Value| {
            let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
            list.iter().map(|text| text.as_str().unwrap_or_default().to_owned()).collect()
        };
        let existing = match kept["existing"].as_str() {
            Some("skip") => Existing::Skip,
            Some("refuse") => Existing::Refuse,
            _ => Existing::Update,
        };
        Self { names: texts(&kept["names"]), columns: texts(&kept["columns"]), existing }
    }

    pub(super) fn to_json(&self) -> Value {
        let existing = match self.existing {
            Existing::Update => "update",
            Existing::Skip => "skip",
            Existing::Refuse => "refuse",
        };
        json!({"names": self.names, "columns": self.columns, "existing": existing})
    }

    /// The column of the file from which an attribute comes; `None`: none.
    #[must_use]
    pub fn column_of(&self, path: &str) -> Option<&str> {
        let bare = path.rsplit_once(":User:").map_or(path, |(_, bare)| bare);
        let holds = |column: &str| {
            let name = column.rsplit_once(":User:").map_or(column, |(_, bare)| bare);
            !name.is_empty() && (name == bare || stem(name) == stem(bare))
        };
        let at = self.columns.iter().position(|column| holds(column))?;
        self.names.get(at).map(String::as_str)
    }
}

/// The attribute of a path: `emails[0].value` and `emails[type eq "work"].value` are one.
fn stem(path: &str) -> String {
    match path.split_once('[') {
        Some((list, rest)) => format!("{list}{}", rest.split_once(']').map_or("", |(_, sub)| sub)),
        None => path.to_owned(),
    }
}

impl Progress {
    /// As an import keeps it; what cannot be read is nothing.
    #[must_use]
    pub fn of(kept: &Value) -> Self {
        let number = |name: &str| kept[name].as_u64().unwrap_or_default();
        Self { bytes: number("bytes"), rows: number("rows"), failed: number("failed") }
    }

    pub(super) fn to_json(self) -> Value {
        json!({"bytes": self.bytes, "rows": self.rows, "failed": self.failed})
    }
}

impl Outcome {
    /// As an import keeps it; what cannot be read is nothing.
    #[must_use]
    pub fn of(kept: &Value) -> Self {
        let number = |name: &str| kept[name].as_u64().unwrap_or_default();
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let error = |value: &Value| LineError {
            line: value["line"].as_u64().unwrap_or_default(),
            path: text(&value["path"]),
            problem: text(&value["problem"]).unwrap_or_default(),
        };
        let errors = kept["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        let summary = ImportSummary {
            created: number("created"),
            updated: number("updated"),
            unchanged: number("unchanged"),
            skipped: number("skipped"),
            failed: number("failed"),
            errors: errors.iter().map(error).collect(),
        };
        let stopped = (!kept["stopped"].is_null()).then(|| error(&kept["stopped"]));
        Self { summary, stopped }
    }

    pub(super) fn to_json(&self) -> Value {
        let told =
            |error: &LineError| json!({"line": error.line, "path": error.path, "problem": error.problem});
        let summary = &self.summary;
        json!({
            "created": summary.created, "updated": summary.updated, "unchanged": summary.unchanged,
            "skipped": summary.skipped, "failed": summary.failed,
            "stopped": self.stopped.as_ref().map(told),
            "errors": summary.errors.iter().take(ERRORS).map(told).collect::<Vec<_>>(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_what_was_meant() {
        let settings = Settings {
            names: vec!["Login".into(), "Mail".into(), "x".into(), "Dept".into()],
            columns: vec!["userName".into(), "emails.value".into(), String::new(), "department".into()],
            existing: Existing::Skip,
        };
        assert_eq!(Settings::of(&settings.to_json()), settings);
        assert_eq!(settings.column_of("userName"), Some("Login"));
        assert_eq!(settings.column_of("emails[0].value"), Some("Mail"));
        let urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department";
        assert_eq!(settings.column_of(urn), Some("Dept"));
        assert_eq!(settings.column_of("title"), None);
        let error = LineError { line: 3, path: Some("title".into()), problem: "is wrong".into() };
        let summary =
            ImportSummary { created: 1, failed: 1, errors: vec![error.clone()], ..ImportSummary::default() };
        let outcome = Outcome { summary, stopped: Some(error) };
        assert_eq!(Outcome::of(&outcome.to_json()), outcome);
        let progress = Progress { bytes: 1, rows: 2, failed: 3 };
        assert_eq!(Progress::of(&progress.to_json()), progress);
        assert_eq!(Outcome::of(&Value::Null), Outcome::default());
    }
}
