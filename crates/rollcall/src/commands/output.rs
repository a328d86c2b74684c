//! Results go to stdout, faults of a file to stderr, and only here. Whatever a text comes from, a terminal shows it and does not
//! obey it; JSON and what is a file itself goes out as it is.

use std::{
    borrow::Cow,
    fmt::Display,
    io::{IsTerminal as _, Write as _},
};

use comfy_table::{ContentArrangement, LineStyle, presets};
use serde::Serialize;

/// One line of a result. Who reads may have had enough (`rollcall profile show acme | head`): the command goes on.
pub(super) fn line(text: impl Display) {
    document(visible(&text.to_string(), false));
}

/// A text that is a file itself, such as a profile, or for a program.
pub(super) fn document(text: impl Display) {
    match writeln!(std::io::stdout().lock(), "{text}") {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            tracing::error!(%error, "the result cannot be written");
            std::process::exit(1);
        }
        _ => {}
    }
}

/// A line of what changes: `+` is green, `~` yellow and `-` red, where a terminal shows it and nobody asked for no colours
/// (`NO_COLOR`).
pub(super) fn changed(mark: Option<char>, depth: usize, text: &str) {
    let indent = "    ".repeat(depth);
    let (mark, colour) = match mark {
        Some('+') => ("+ ", "\u{1b}[32m"),
        Some('-') => ("- ", "\u{1b}[31m"),
        Some(_) => ("~ ", "\u{1b}[33m"),
        None => ("  ", ""),
    };
    let has_colours =
        std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty());
    let text = visible(text, false);
    match has_colours && !colour.is_empty() {
        true => document(format_args!("{indent}{colour}{mark}{text}\u{1b}[0m")),
        false => document(format_args!("{indent}{mark}{text}")),
    }
}

/// What a person may want to know beside the result, which a program reads.
#[expect(clippy::print_stderr, reason = "stdout is for results")]
pub(super) fn note(text: impl Display) {
    eprintln!("{}", visible(&text.to_string(), false));
}

/// Something that is asked at a terminal.
#[expect(clippy::print_stderr, reason = "stdout is for results")]
pub(super) fn question(text: &str) {
    eprint!("{text}");
}

/// `1 value`, `2 values`.
pub(super) fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// A line of what is wrong with what a command was given, for a person or an editor.
#[expect(clippy::print_stderr, reason = "stdout is for results")]
pub(super) fn fault(text: impl Display) {
    eprintln!("{}", visible(&text.to_string(), false));
}

/// The last word of a command that failed.
#[expect(clippy::print_stderr, reason = "for a person")]
pub(crate) fn failure(error: &anyhow::Error) {
    // Of a file in TOML its reader shows the place, in several lines.
    eprintln!("rollcall: {}", visible(&format!("{error:#}"), true));
}

/// A result as JSON, indented for people.
pub(super) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    document(serde_json::to_string_pretty(value)?);
    Ok(())
}

/// Rows below headers.
pub(super) struct Table(comfy_table::Table);

/// What stands in a row.
pub(super) struct Cell(String);

/// An empty table with these headers.
pub(super) fn table(headers: &[&str]) -> Table {
    let mut table = comfy_table::Table::new();
    // A rule below each row makes a list twice as long. In a terminal, long texts are wrapped.
    table.load_style(presets::UTF8_HORIZONTAL_ONLY.row_separator(LineStyle::none()));
    table.set_content_arrangement(ContentArrangement::Dynamic).set_header(headers.iter().copied());
    Table(table)
}

impl Table {
    pub(super) fn add_row<C: Into<Cell>>(&mut self, cells: impl IntoIterator<Item = C>) {
        self.0.add_row(cells.into_iter().map(|cell| cell.into().0));
    }

    /// Shows it.
    pub(super) fn show(self) {
        match self.0.is_empty() {
            true => line("none"),
            false => document(self.0),
        }
    }
}

impl Cell {
    /// One below the other.
    pub(super) fn lines<T: AsRef<str>>(lines: impl IntoIterator<Item = T>) -> Self {
        let lines: Vec<Self> = lines.into_iter().map(Self::from).collect();
        let lines: Vec<String> = lines.into_iter().map(|line| line.0).collect();
        Self(lines.join("\n"))
    }
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self(visible(text.as_ref(), false).into_owned())
    }
}

/// Cells of a row, some of which have several lines.
macro_rules! cells {
    ($($cell:expr),* $(,)?) => { [$($crate::commands::output::Cell::from($cell)),*] };
}
pub(super) use cells;

/// A text whose signs for terminals are written out: control characters (C0 and C1, so ESC among them), and those that turn the
/// direction of what follows or end a line without being a line feed. Tabs stay.
fn visible(text: &str, has_lines: bool) -> Cow<'_, str> {
    let is_hidden = |ch: char| match ch {
        '\t' => false,
        '\n' => !has_lines,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        ch => ch.is_control(),
    };
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for ch in text.chars() {
        if is_hidden(ch) { shown.extend(ch.escape_default()) } else { shown.push(ch) }
    }
    Cow::Owned(shown)
}

/// `2027-11-21 10:00` (UTC) for milliseconds; `–` for nothing.
pub(super) fn time(millis: Option<i64>) -> String {
    millis.map_or_else(
        || "–".to_owned(),
        |millis| scim_core::timestamp::to_rfc3339(millis)[..16].replace('T', " "),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_shows_and_does_not_obey() {
        for (text, shown) in [
            ("Ännchen\t日本 🙂 \u{200b}z", "Ännchen\t日本 🙂 \u{200b}z"),
            ("\u{1b}[2J\u{1b}]0;x\u{7}", "\\u{1b}[2J\\u{1b}]0;x\\u{7}"),
            ("a\r\nb\0", "a\\r\\nb\\u{0}"),
            ("\u{9b}31m\u{7f}\u{85}", "\\u{9b}31m\\u{7f}\\u{85}"),
            ("\u{202e}gpj.exe\u{202c}\u{2066}\u{200f}", "\\u{202e}gpj.exe\\u{202c}\\u{2066}\\u{200f}"),
            ("a\u{2028}b\u{2029}", "a\\u{2028}b\\u{2029}"),
        ] {
            assert_eq!(visible(text, false), shown);
        }
        assert_eq!(visible("a\nb\u{1b}", true), "a\nb\\u{1b}");
    }

    #[test]
    fn so_does_a_table() {
        let mut table = table(&["what"]);
        table.add_row(cells!["a\nb\u{1b}[1m", Cell::lines(["one", "two\n\u{202e}"])]);
        let shown = table.0.to_string();
        for whole in ["a\\nb\\u{1b}[1m", "one", "two\\n\\u{202e}"] {
            assert!(shown.contains(whole), "{shown}");
        }
        assert!(!shown.contains(['\u{1b}', '\u{202e}']), "{shown:?}");
        assert_eq!(shown.lines().filter(|line| line.contains("two")).count(), 1);
        assert!(
            !shown.lines().any(|line| line.contains("one") && line.contains("two")),
            "in lines of its own"
        );
    }
}
