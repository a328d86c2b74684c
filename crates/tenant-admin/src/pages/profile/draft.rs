//! A profile's text that somebody edits and has not saved. It travels with the forms: nothing of it is kept here.

use provisioning::{
    Tenant,
    configuration::{ConfigurationError, Draft},
};
use scim_core::profile::{ProfileError, edit};

use super::{
    lines, parts,
    words::{self, Word},
};
use crate::error::PageError;

/// What the pages of the editor show of the text that they work on.
#[derive(Clone, Debug)]
pub(crate) struct DraftView {
    /// The version that it was made from.
    pub(crate) version: i32,
    /// The text.
    pub(crate) text: String,
    /// What it changes; empty: it is what holds.
    pub(crate) words: Vec<Word>,
    /// Does it differ from what holds, be it by a comment?
    pub(crate) changed: bool,
    /// Why it cannot be saved yet.
    pub(crate) fault: Option<DraftFault>,
}

/// Why a text cannot be saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DraftFault {
    /// What is wrong and what to do.
    pub(crate) problem: String,
    /// Name and address, below the profile, of the form that mends it.
    pub(crate) form: Option<(String, String)>,
}

impl DraftView {
    /// Of the text that holds.
    pub(crate) fn saved(tenant: &Tenant) -> Self {
        let (version, text) = (tenant.row.profile_version, tenant.row.profile.clone());
        Self { version, text, words: Vec::new(), changed: false, fault: None }
    }

    /// Of a text that a form sent, made from this version. It is compared and proven, not looked at by people's data.
    pub(crate) async fn of(tenant: &Tenant, text: String, version: i32) -> Result<Self, PageError> {
        if text == tenant.row.profile {
            return Ok(Self { version, ..Self::saved(tenant) });
        }
        let fault = match Draft::of(tenant, &text).await {
            Ok(_) => None,
            Err(ConfigurationError::Store(error)) => return Err(error.into()),
            Err(ConfigurationError::Profile(error)) => Some(DraftFault::new(&text, &error)),
            Err(other) => Some(DraftFault { problem: other.to_string(), form: None }),
        };
        let changes = edit::changes(&tenant.row.profile, &text).unwrap_or_default();
        Ok(Self { version, words: words::words(&changes), changed: true, fault, text })
    }
}

impl DraftFault {
    fn new(text: &str, error: &ProfileError) -> Self {
        let place = edit::place_at(text, error.line, error.column);
        let form = place.and_then(|(place, _)| parts::at(&place)).map(|(part, entry)| {
            let name = if part.is_table() { part.title.to_owned() } else { format!("this {}", part.one) };
            (name, format!("{}/{entry}", part.key))
        });
        Self { problem: format!("Line {}: {}", error.line, error.problem.trim_end_matches('.')), form }
    }
}

/// What every form of the editor sends: the text, and the version that it was made from.
pub(crate) fn sent(typed: &super::fields::Typed, tenant: &Tenant) -> (String, i32) {
    let text = typed.get("text").map_or_else(|| tenant.row.profile.clone(), |text| lines(text));
    let version = typed.get("version").and_then(|version| version.parse().ok());
    (text, version.unwrap_or(tenant.row.profile_version))
}
