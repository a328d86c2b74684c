//! Steps of a guide, with the tenant's own values in them.

use scim_core::profile::SetupChapter;

use super::words::{Word, words};

/// When a text is for a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// Always.
    Always,
    /// The product has groups.
    Groups,
    /// It has none.
    NoGroups,
    /// Groups of a prefix give roles.
    Prefix,
    /// It has attributes that identity providers do not know of themselves.
    Own,
    /// Its guide has the token pasted after `Bearer`.
    WithBearer,
    /// Its guide has the token pasted alone.
    TokenAlone,
}

/// What of a tenant stands in a text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Given<'a> {
    pub(crate) base_url: &'a str,
    /// Start of the names of groups that give a role.
    pub(crate) prefix: Option<&'a str>,
    pub(crate) groups: bool,
    pub(crate) own: bool,
    pub(crate) with_bearer: bool,
}

impl When {
    pub(crate) fn holds(self, given: &Given<'_>) -> bool {
        match self {
            Self::Always => true,
            Self::Groups => given.groups,
            Self::NoGroups => !given.groups,
            Self::Prefix => given.groups && given.prefix.is_some(),
            Self::Own => given.own,
            Self::WithBearer => given.with_bearer,
            Self::TokenAlone => !given.with_bearer,
        }
    }
}

/// A text and when it stands.
pub(crate) type Text = (When, &'static str);

/// The texts that are for a tenant.
pub(crate) fn chosen<'t>(texts: &'t [Text], given: &Given<'_>) -> impl Iterator<Item = &'t str> {
    texts.iter().filter(move |(when, _)| when.holds(given)).map(|(_, text)| *text)
}

/// A step with its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) words: Vec<Word>,
    pub(crate) parts: Vec<Vec<Word>>,
}

impl Step {
    /// Of a text.
    pub(crate) fn new(text: &str, given: &Given<'_>) -> Self {
        Self { words: filled(text, given), parts: Vec::new() }
    }
}

/// Steps under a heading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chapter {
    /// `None`: the only one.
    pub(crate) title: Option<String>,
    pub(crate) steps: Vec<Step>,
}

impl Chapter {
    /// A chapter of a product's guide.
    pub(crate) fn of_guide(chapter: &SetupChapter, given: &Given<'_>) -> Self {
        let steps = chapter.steps.iter().map(|step| Step {
            words: filled(&step.text, given),
            parts: step.parts.iter().map(|part| filled(part, given)).collect(),
        });
        Self { title: Some(chapter.title.clone()), steps: steps.collect() }
    }

    /// An identity provider's own steps.
    pub(crate) fn of_provider(texts: &[Text], given: &Given<'_>) -> Self {
        Self { title: None, steps: chosen(texts, given).map(|text| Step::new(text, given)).collect() }
    }
}

fn filled(text: &str, given: &Given<'_>) -> Vec<Word> {
    let text = text.replace("{base-url}", given.base_url);
    words(&text.replace("{prefix}", given.prefix.unwrap_or_default()))
}
