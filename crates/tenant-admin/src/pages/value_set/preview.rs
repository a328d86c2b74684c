//! What saving a list would do.

use provisioning::{
    Tenant,
    configuration::{ConfigurationError, ValueDifference, text_of_values},
};
use scim_core::value_set::AllowedValue;
use sha2::{Digest, Sha256};

use crate::{
    ConsoleState,
    error::PageError,
    pages::{
        configuration::sentence,
        profile::{CHECKED, MisfitRow, misfits, people},
    },
};

/// Values of a difference that are shown of each kind.
const SHOWN: usize = 50;

/// What saving a list would do.
#[derive(Clone, Debug)]
pub(crate) struct Preview {
    /// How it differs from the list that holds; empty: it does not.
    pub(crate) lines: Vec<Line>,
    /// Sentences, one a role.
    pub(crate) roles: Vec<String>,
    /// How many people were looked at, and how many of them fit.
    pub(crate) people: String,
    /// Some of those who no longer fit.
    pub(crate) misfits: Vec<MisfitRow>,
    /// The whole list.
    pub(crate) text: String,
    /// Names the list that was looked at.
    pub(crate) digest: String,
    /// Is the tenant's list taken away?
    pub(crate) clears: bool,
}

/// A value that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// `added`, `removed` or `changed`; `more` tells what is not shown.
    pub(crate) kind: &'static str,
    pub(crate) before: Option<String>,
    pub(crate) after: Option<String>,
}

impl Preview {
    pub(super) async fn of(
        state: &ConsoleState,
        tenant: &Tenant,
        name: &str,
        values: Option<Vec<AllowedValue>>,
    ) -> Result<Self, PageError> {
        let clears = values.is_none();
        // Of a list that goes it is the list that holds now: another one was not looked at.
        let looked_at = values.as_deref().unwrap_or_else(|| super::values_of(tenant, name));
        let (text, digest) = (text_of_values(looked_at), digest(looked_at));
        let found = state.tenants.preview_value_set(tenant, name, values, Some(CHECKED), &|_, _| ()).await;
        let found = found.map_err(|error| match error {
            ConfigurationError::Store(error) => error.into(),
            other => PageError::internal(other),
        })?;
        Ok(Self {
            lines: lines(&found.difference),
            roles: found.roles.iter().map(sentence).collect(),
            people: people(&found.people),
            misfits: misfits(found.people),
            text,
            digest,
            clears,
        })
    }
}

/// Names a list.
pub(super) fn digest(values: &[AllowedValue]) -> String {
    Sha256::digest(text_of_values(values).as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A difference for people, the first of each kind.
pub(crate) fn lines(difference: &ValueDifference) -> Vec<Line> {
    let shown = |one: &AllowedValue| match &one.label {
        Some(label) => format!("{} ({label})", one.value),
        None => one.value.clone(),
    };
    let ValueDifference { added, removed, changed, reordered } = difference;
    let mut lines = Vec::new();
    for (kind, values) in [("removed", removed), ("added", added)] {
        lines.extend(values.iter().take(SHOWN).map(|one| Line {
            kind,
            before: (kind == "removed").then(|| shown(one)),
            after: (kind == "added").then(|| shown(one)),
        }));
        more(&mut lines, values.len(), kind);
    }
    lines.extend(changed.iter().take(SHOWN).map(|(old, new)| Line {
        kind: "changed",
        before: Some(shown(old)),
        after: Some(shown(new)),
    }));
    more(&mut lines, changed.len(), "changed");
    if *reordered {
        lines.push(Line {
            kind: "more",
            before: None,
            after: Some("the others stand in another order".to_owned()),
        });
    }
    lines
}

fn more(lines: &mut Vec<Line>, count: usize, kind: &str) {
    if let Some(rest) = count.checked_sub(SHOWN).filter(|rest| *rest > 0) {
        lines.push(Line { kind: "more", before: None, after: Some(format!("{rest} more are {kind}")) });
    }
}
