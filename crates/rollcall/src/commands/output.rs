//! Results go to stdout, faults of a file to stderr, and only here.

use std::io::Write as _;

use comfy_table::{Table, presets};
use serde::Serialize;

/// One line of a result. Who reads may have had enough (`rollcall profile show acme | head`): the command goes on.
pub(super) fn line(text: impl std::fmt::Display) {
    match writeln!(std::io::stdout().lock(), "{text}") {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            tracing::error!(%error, "the result cannot be written");
            std::process::exit(1);
        }
        _ => {}
    }
}

/// `1 value`, `2 values`.
pub(super) fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
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
