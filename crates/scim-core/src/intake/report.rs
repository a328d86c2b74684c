//! What is told about a body: violations, all at once, and the names that were left out.

use crate::error::{ScimError, ScimType};

/// Most violations that one error spells out.
const MAX_PROBLEMS: usize = 20;
/// Most names kept in a [`Dropped`].
const MAX_DROPPED: usize = 100;
/// Longest name shown, in characters.
const MAX_NAME: usize = 128;

/// What asks for a value to be otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// The schema: type, `required`, sizes.
    #[default]
    Schema,
    /// The attribute's format.
    Format,
    /// The value set of this name.
    ValueSet(String),
    /// The rule of this name.
    Rule(String),
    /// The attribute does not apply to this resource.
    NotApplicable,
}

/// Something for which a resource is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Attribute path.
    pub path: String,
    /// What is wrong and what to do; never a value.
    pub problem: String,
    /// What asks for it.
    pub origin: Origin,
}

impl Violation {
    /// As errors tell it.
    fn text(&self) -> String {
        format!("{}: {}.", self.path, self.problem)
    }
}

/// Violations found so far; at most [`MAX_PROBLEMS`] are kept, the rest are counted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Problems {
    told: Vec<Violation>,
    untold: usize,
}

impl Problems {
    /// Notes a violation of the schema. `problem` says what is wrong and what to do; it never holds a value.
    pub(crate) fn push(&mut self, path: &str, problem: &str) {
        self.push_by(Origin::Schema, path, problem);
    }

    /// Notes a violation of something else.
    pub(crate) fn push_by(&mut self, origin: Origin, path: &str, problem: &str) {
        if self.told.iter().any(|told| told.path == path && told.problem == problem) {
            return;
        }
        if self.told.len() < MAX_PROBLEMS {
            self.told.push(Violation { path: path.to_owned(), problem: problem.to_owned(), origin });
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
        let below = |told: &Violation| {
            let rest = told.path.strip_prefix(path);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        self.told.iter().any(below)
    }

    /// The violations that are kept.
    pub(crate) fn told(&self) -> &[Violation] {
        &self.told
    }

    /// Each violation by itself, and how many more there are.
    pub(crate) fn into_lines(self) -> Vec<String> {
        let more = (self.untold > 0).then(|| format!("And {} more.", self.untold));
        self.told.iter().map(Violation::text).chain(more).collect()
    }

    /// Whether a violation is noted at a part of the value at this path.
    pub(crate) fn has_inside(&self, path: &str) -> bool {
        self.told.iter().any(|told| told.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')))
    }

    /// 400 `invalidValue` when there are any.
    pub(crate) fn finish(self) -> Result<(), ScimError> {
        if self.told.is_empty() {
            return Ok(());
        }
        Err(ScimError::bad_request(ScimType::InvalidValue, self.into_lines().join(" ")))
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
