//! A tenant's own configuration: its profile, value sets, organization and properties. Each change is checked here, by
//! whatever door it comes, and holds in every node within a second.

mod diff;
mod groups;
mod page;
mod profiles;
mod recheck;
mod settings;
mod trial;
mod value_changes;
mod value_files;
mod value_sets;
mod whole;

use scim_core::profile::ProfileError;
use store::{StoreError, Terms};

use crate::Tenant;

pub use diff::{DiffLine, LineKind, MAX_DIFF_LINES, diff};
pub use groups::GroupChange;
pub use page::ConsolePage;
pub(crate) use profiles::checked as checked_profile;
pub use profiles::{Draft, ProfilePreview, Upgrade, compare};
pub use recheck::{Misfit, Recheck};
pub(crate) use settings::NAME_LENGTH;
pub use trial::{Change, GroupTrial, Trial, Trying, differences, standing, trial, trial_group};
pub use value_changes::{ValueChange, ValueDifference, ValueSetPreview, ValueSetUse};
pub use value_files::{file_of_values, values_of_file};
pub use value_sets::{
    MAX_ALL_VALUES, MAX_LABEL, MAX_VALUE, MAX_VALUES, labelled, text_of_values, values_of_csv,
    values_of_lines,
};
pub use whole::{Declared, Judged, Verdict};

/// Told how many of how many are done.
pub type Progress<'a> = &'a (dyn Fn(u64, u64) + Send + Sync);

/// Why a tenant cannot be configured so.
#[derive(Debug, thiserror::Error)]
pub enum ConfigurationError {
    /// The text says which field, what is wrong, and what to do.
    #[error("{0}")]
    Unfit(String),
    /// The profile has a fault; it says where.
    #[error("{0}")]
    Profile(ProfileError),
    /// Somebody else has saved another version of the profile meanwhile.
    #[error(
        "profile: version {0} is not the current one any more; somebody has saved another meanwhile. Look at that one, \
         then make your change in it"
    )]
    Outdated(i32),
    /// Store.
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for ConfigurationError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::LastHolder(role) => Self::Unfit(format!(
                "roles: nobody would have the protected role {role:?} any more. Keep a rule that gives it to somebody, \
                 or take it off roles.protected"
            )),
            other => Self::Store(other),
        }
    }
}

impl From<ProfileError> for ConfigurationError {
    fn from(error: ProfileError) -> Self {
        Self::Profile(error)
    }
}

fn unfit<T>(text: impl Into<String>) -> Result<T, ConfigurationError> {
    Err(ConfigurationError::Unfit(text.into()))
}

/// Terms under which a profile with these protected roles, computed by a tenant as it was looked up, is put in place.
fn protecting<'a>(tenant: &Tenant, keys: impl Iterator<Item = &'a str>) -> Terms {
    Terms {
        protected: keys.map(str::to_owned).collect(),
        tenant_version: Some(tenant.row.version),
        ..Terms::default()
    }
}

/// A text of a person: trimmed, and within these bounds. The error names the field.
pub(crate) fn short_text<'a>(
    field: &str,
    text: &'a str,
    longest: usize,
) -> Result<&'a str, ConfigurationError> {
    let text = text.trim();
    let length = text.chars().count();
    if length == 0 || length > longest || text.chars().any(char::is_control) {
        return unfit(format!("{field}: use 1 to {longest} printable characters"));
    }
    Ok(text)
}
