//! An audit trail as a file, a page at a time: CSV for people, JSON lines for programs.

use scim_core::{ScimError, timestamp};
use serde_json::{Value, json};
use store::trail::{Entry, Trail, TrailQuery};

use super::export::write_row;
use crate::scim_error;

/// Entries read at a time: each may hold two documents.
const PAGE: usize = 50;

const COLUMNS: [&str; 15] = [
    "number",
    "at",
    "event",
    "objectType",
    "objectId",
    "objectVersion",
    "actorKind",
    "actorId",
    "actorName",
    "cause",
    "before",
    "state",
    "more",
    "digest",
    "chain",
];

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrailFormat {
    /// RFC 4180, with a header; what a spreadsheet program would compute begins with `'`.
    Csv,
    /// One JSON object on each line, as `/api/v1` shows an entry, with its digest and its hash.
    JsonLines,
}

/// A file that is being written, newest entry first. Each page is read in a transaction of its own, so a slow reader holds
/// nothing; entries that come meanwhile are not in it.
pub struct TrailExport {
    trail: Trail,
    query: TrailQuery,
    format: TrailFormat,
    begun: bool,
    ended: bool,
}

impl TrailExport {
    /// Of the entries that fit; the query's own limit means nothing.
    #[must_use]
    pub fn new(trail: Trail, query: TrailQuery, format: TrailFormat) -> Self {
        Self { trail, query: TrailQuery { limit: PAGE, ..query }, format, begun: false, ended: false }
    }

    /// The next part of the file, whole rows; `None` after the last. An error means that the file is not whole.
    pub async fn next(&mut self) -> Result<Option<String>, ScimError> {
        let mut text = String::new();
        if !self.begun && self.format == TrailFormat::Csv {
            write_row(&mut text, COLUMNS.iter().map(|name| (*name).to_owned()));
        }
        self.begun = true;
        // A page that has looked through much may have found nothing yet.
        while text.is_empty() && !self.ended {
            let page = self.trail.page(&self.query).await.map_err(scim_error)?;
            for entry in &page.items {
                match self.format {
                    TrailFormat::Csv => write_row(&mut text, cells(entry).into_iter()),
                    TrailFormat::JsonLines => {
                        text.push_str(&entry_json(entry).to_string());
                        text.push('\n');
                    }
                }
            }
            self.query.before = page.next;
            self.ended = page.next.is_none();
        }
        Ok(Some(text).filter(|text| !text.is_empty()))
    }
}

/// An entry as a document: the names are those of `/api/v1`.
fn entry_json(entry: &Entry) -> Value {
    let record = &entry.record;
    json!({
        "number": entry.number,
        "id": record.id,
        "event": record.event,
        "objectType": record.object_type,
        "objectId": record.object_id,
        "objectVersion": record.object_version,
        "actor": record.actor,
        "cause": record.cause,
        "at": timestamp::to_rfc3339(record.at),
        "payload": record.payload,
        "digest": hex(&entry.digest),
        "chain": hex(&entry.chain),
    })
}

fn cells(entry: &Entry) -> [String; 15] {
    let record = &entry.record;
    let mut more = record.payload.as_ref().and_then(Value::as_object).cloned().unwrap_or_default();
    let mut taken = |name| text_of(more.shift_remove(name));
    let (before, state) = (taken("before"), taken("state"));
    let kind = serde_json::to_value(record.actor.kind).ok();
    [
        entry.number.to_string(),
        timestamp::to_rfc3339(record.at),
        record.event.clone(),
        record.object_type.clone(),
        record.object_id.clone(),
        record.object_version.to_string(),
        kind.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned(),
        record.actor.id.clone(),
        record.actor.name.clone(),
        record.cause.clone(),
        before,
        state,
        if more.is_empty() { String::new() } else { Value::Object(more).to_string() },
        hex(&entry.digest),
        hex(&entry.chain),
    ]
}

/// What is null is not there.
fn text_of(value: Option<Value>) -> String {
    value.filter(|value| !value.is_null()).map(|value| value.to_string()).unwrap_or_default()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
