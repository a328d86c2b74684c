//! What is told about a body: violations, all at once, and the names that were left out.

use crate::error::{ScimError, ScimType};

/// Most violations that one error spells out.
const MAX_PROBLEMS: usize = 20;
/// Most names kept in a [`Dropped`].
const MAX_DROPPED: usize = 100;
/// Longest name shown, in characters.
const MAX_NAME: usize = 128;

/// Violations found so far; at most [`MAX_PROBLEMS`] are kept, the rest are counted.
#[derive(Clone, Default)]
pub(crate) struct Problems {
    told: Vec<String>,
    untold: usize,
}

impl Problems {
    /// Notes a violation. `problem` says what is wrong and what to do; it never holds a value.
    pub(crate) fn push(&mut self, path: &str, problem: &str) {
        let text = format!("{path}: {problem}.");
        if self.told.contains(&text) {
            return;
        }
        if self.told.len() < MAX_PROBLEMS {
            self.told.push(text);
        } else {
            self.untold += 1;
        }
    }

    /// Whether nothing is noted.
    pub(crate) fn is_empty(&self) -> bool {
        self.told.is_empty()
    }

    /// Whether a violation is noted at this path or below it.
    pub(crate) fn has_below(&self, path: &str) -> bool {
        let below = |text: &String| {
            let rest = text.strip_prefix(path);
            rest.is_some_and(|rest| rest.starts_with(": ") || rest.starts_with(['.', '[']))
        };
        self.told.iter().any(below)
    }

    /// Each violation by itself, and how many more there are.
    pub(crate) fn into_lines(self) -> Vec<String> {
        let more = (self.untold > 0).then(|| format!("And {} more.", self.untold));
        self.told.into_iter().chain(more).collect()
    }

    /// Whether a violation is noted at a part of the value at this path.
    pub(crate) fn has_inside(&self, path: &str) -> bool {
        self.told.iter().any(|text| text.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')))
    }

    /// 400 `invalidValue` when there are any.
    pub(crate) fn finish(self) -> Result<(), ScimError> {
        if self.told.is_empty() {
            return Ok(());
        }
        let mut detail = self.told.join(" ");
        if self.untold > 0 {
            detail.push_str(&format!(" And {} more.", self.untold));
        }
        Err(ScimError::bad_request(ScimType::InvalidValue, detail))
    }
}

/// Names that were left out: no repeats, bounded in number and length.
#[derive(Default)]
pub(crate) struct Dropped(Vec<String>);

impl Dropped {
    /// Notes a name; list positions in it are left out.
    pub(crate) fn push(&mut self, path: &str) {
        if self.0.len() >= MAX_DROPPED {
            return;
        }
        let name = shown(&without_positions(path));
        if !self.0.contains(&name) {
            self.0.push(name);
        }
    }

    /// The names in order of appearance.
    pub(crate) fn into_names(self) -> Vec<String> {
        self.0
    }
}

/// A name from a client, fit for an error or an audit entry: bounded, no control characters.
pub(crate) fn shown(name: &str) -> String {
    name.chars().take(MAX_NAME).map(|ch| if ch.is_control() { '\u{fffd}' } else { ch }).collect()
}

/// `emails.colour` for `emails[3].colour`.
fn without_positions(path: &str) -> String {
    let mut text = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(open) = rest.find('[') {
        let inside = &rest[open + 1..];
        match inside.find(']') {
            Some(close) if close > 0 && inside[..close].bytes().all(|byte| byte.is_ascii_digit()) => {
                text.push_str(&rest[..open]);
                rest = &inside[close + 1..];
            }
            _ => {
                text.push_str(&rest[..=open]);
                rest = inside;
            }
        }
    }
    text.push_str(rest);
    text
}
