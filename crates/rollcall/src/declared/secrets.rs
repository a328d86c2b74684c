//! Secrets, fetched from where a declaration says that they are.

use super::{
    file::SecretFile,
    files::{Permitted, text},
    source::{Fault, Place},
};
use crate::settings;

/// Largest file of a secret, in bytes.
const LARGEST: u64 = 64 * 1024;

/// A secret that a declaration names.
#[derive(Clone)]
pub(super) enum Secret {
    /// This one, and where it was: `env NAME`, `file PATH`.
    Known { secret: String, from: String },
    /// This environment variable has none at the moment.
    Unset(String),
}

impl Secret {
    /// It, where it is known.
    pub(super) fn known(&self) -> Option<&str> {
        match self {
            Self::Known { secret, .. } => Some(secret),
            Self::Unset(_) => None,
        }
    }

    /// Where it is, for a plan.
    pub(super) fn from(&self) -> String {
        match self {
            Self::Known { from, .. } => from.clone(),
            Self::Unset(name) => format!("env {name}"),
        }
    }

    /// It, for what cannot be done without it.
    pub(super) fn needed(&self, place: &Place) -> Result<String, Fault> {
        match self {
            Self::Known { secret, .. } => Ok(secret.clone()),
            Self::Unset(name) => Err(place
                .fault(format_args!("the environment variable {name} is not set, and its value is needed"))),
        }
    }
}

/// Fetches it. An environment variable need not be set: what is there already can stay.
pub(super) fn fetch(secret: &SecretFile, place: &Place, permitted: &Permitted) -> Result<Secret, Fault> {
    match secret {
        SecretFile::Env(reference) => {
            let (name, place) = (&reference.env, place.key("env"));
            if settings::is_ours(name) {
                return Err(place.fault(format_args!(
                    "{name} is a setting of Rollcall itself, and is sent to nobody; use a variable of another name"
                )));
            }
            match std::env::var(name) {
                Ok(secret) if !secret.is_empty() => Ok(Secret::Known { secret, from: format!("env {name}") }),
                Ok(_) | Err(std::env::VarError::NotPresent) => Ok(Secret::Unset(name.clone())),
                Err(std::env::VarError::NotUnicode(_)) => {
                    Err(place.fault(format_args!("the environment variable {name} is not UTF-8")))
                }
            }
        }
        SecretFile::File(reference) => {
            let (shown, place) = (reference.file.display(), place.key("file"));
            let text = text(permitted.read(&place, &reference.file, LARGEST)?);
            let text = text.map_err(|problem| place.fault(format_args!("{shown}: {problem}")))?;
            let text = text.strip_suffix('\n').unwrap_or(&text);
            let secret = text.strip_suffix('\r').unwrap_or(text).to_owned();
            Ok(Secret::Known { secret, from: format!("file {shown}") })
        }
    }
}
