//! Results go to stdout, faults of a file to stderr, and only here.

use comfy_table::{Table, presets};
use serde::Serialize;

/// One line of a result.
#[expect(clippy::print_stdout, reason = "the result of a command")]
pub(super) fn line(text: impl std::fmt::Display) {
    println!("{text}");
}

/// A line of what is wrong with what a command was given, for a person or an editor.
#[expect(clippy::print_stderr, reason = "stdout is for results")]
pub(super) fn fault(text: impl std::fmt::Display) {
    eprintln!("{text}");
}

/// A result as JSON, indented for people.
pub(super) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    line(serde_json::to_string_pretty(value)?);
    Ok(())
}

/// An empty table with these headers.
pub(super) fn table(headers: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_header(headers.iter().copied());
    table
}

/// `2027-11-21 10:00` (UTC) for milliseconds; `–` for nothing.
pub(super) fn time(millis: Option<i64>) -> String {
    millis.map_or_else(
        || "–".to_owned(),
        |millis| scim_core::timestamp::to_rfc3339(millis)[..16].replace('T', " "),
    )
}
