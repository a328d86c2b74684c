//! Secrets, fetched from where a declaration says that they are.

use super::{
    file::SecretFile,
    source::{Fault, Place},
};

/// Largest file of a secret, in bytes.
const LARGEST: u64 = 64 * 1024;

/// A secret that a declaration names.
#[derive(Clone)]
pub(super) enum Secret {
    /// This one.
    Known(String),
    /// This environment variable has none at the moment.
    Unset(String),
}

impl Secret {
    /// It, where it is known.
    pub(super) fn known(&self) -> Option<&str> {
        match self {
            Self::Known(secret) => Some(secret),
            Self::Unset(_) => None,
        }
    }

    /// It, for what cannot be done without it.
    pub(super) fn needed(&self, place: &Place) -> Result<String, Fault> {
        match self {
            Self::Known(secret) => Ok(secret.clone()),
            Self::Unset(name) => Err(place
                .fault(format_args!("the environment variable {name} is not set, and its value is needed"))),
        }
    }
}

/// Fetches it. An environment variable need not be set: what is there already can stay.
pub(super) fn fetch(secret: &SecretFile, place: &Place) -> Result<Secret, Fault> {
    match secret {
        SecretFile::Env(reference) => match std::env::var(&reference.env) {
            Ok(value) if !value.is_empty() => Ok(Secret::Known(value)),
            Ok(_) | Err(std::env::VarError::NotPresent) => Ok(Secret::Unset(reference.env.clone())),
            Err(std::env::VarError::NotUnicode(_)) => Err(place
                .key("env")
                .fault(format_args!("the environment variable {} is not UTF-8", reference.env))),
        },
        SecretFile::File(reference) => {
            let path = place.source().folder.join(&reference.file);
            let place = place.key("file");
            let shown = reference.file.display();
            let unreadable =
                |error: std::io::Error| place.fault(format_args!("cannot read {shown}: {error}"));
            if std::fs::metadata(&path).map_err(unreadable)?.len() > LARGEST {
                return Err(place.fault(format_args!("{shown} is too long for a secret")));
            }
            let text = std::fs::read_to_string(&path).map_err(unreadable)?;
            let text = text.strip_suffix('\n').unwrap_or(&text);
            Ok(Secret::Known(text.strip_suffix('\r').unwrap_or(text).to_owned()))
        }
    }
}
