//! Filters and paths: texts in quotes, and what stands between them.

use super::{Found, MASK};

/// A filter without the texts that stand in quotes.
pub(super) fn unquoted(text: &str) -> String {
    let mut pieces = String::new();
    walk_literals(text, |piece, quoted| {
        if !quoted {
            pieces.push_str(piece);
        }
    });
    pieces
}

/// Words that compare (RFC 7644 §3.4.2.2): what follows is a value, whether it is in quotes or not.
const OPERATORS: [&str; 9] = ["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"];
/// Words after which something else begins.
const JOINTS: [&str; 3] = ["and", "or", "not"];
/// Values that say nothing.
const CONSTANTS: [&str; 3] = ["true", "false", "null"];

/// A filter in which values are masked: texts in quotes, what stands behind an operator without any, and bare numbers.
pub(super) fn without_literals(text: &str, found: &mut Found) -> String {
    let mut shown = String::new();
    let mut is_value = false;
    walk_literals(text, |piece, quoted| {
        if quoted {
            found.add(piece);
            shown.push_str(MASK);
            return;
        }
        for word in piece.split_inclusive(|ch: char| ch.is_whitespace() || "()[]".contains(ch)) {
            let bare = word.trim_end_matches(|ch: char| ch.is_whitespace() || "()[]".contains(ch));
            let is = |words: &[&str]| words.iter().any(|known| known.eq_ignore_ascii_case(bare));
            let numbered = bare.chars().any(|ch| ch.is_ascii_digit()) && !bare.contains(':');
            if is(&OPERATORS) || is(&JOINTS) {
                is_value = is(&OPERATORS);
                shown.push_str(word);
            } else if bare.chars().any(|ch| ch != '"') && !is(&CONSTANTS) && (is_value || numbered) {
                found.add(bare);
                shown.push_str(MASK);
                shown.push_str(&word[bare.len()..]);
            } else {
                shown.push_str(word);
            }
            is_value &= !word.ends_with([')', ']']);
        }
    });
    shown
}

/// Walks through the texts in quotes (without them; one that does not end goes to the end) and what stands between,
/// quotes included.
fn walk_literals(text: &str, mut each: impl FnMut(&str, bool)) {
    let mut rest = text;
    while let Some(open) = rest.find('"') {
        each(&rest[..=open], false);
        rest = &rest[open + 1..];
        let mut escaped = false;
        let close = rest.char_indices().find(|(_, ch)| {
            let ends = *ch == '"' && !escaped;
            escaped = *ch == '\\' && !escaped;
            ends
        });
        let end = close.map_or(rest.len(), |(at, _)| at);
        each(&rest[..end], true);
        rest = &rest[end..];
        if let Some(after) = rest.strip_prefix('"') {
            each("\"", false);
            rest = after;
        }
    }
    each(rest, false);
}

/// The texts in quotes of a filter or path.
pub(crate) fn literals(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    walk_literals(text, |piece, quoted| {
        if quoted {
            found.push(piece.to_owned());
        }
    });
    found
}
