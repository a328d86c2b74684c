//! Formats: which texts an attribute takes, the form in which they are kept, and what is said of any other.

pub mod comma_list;
pub mod dea;
pub mod email;
pub mod no_digits;
pub mod npi;
pub mod phone;
pub mod time_zone;

#[cfg(test)]
pub(crate) mod tables;
#[cfg(test)]
mod tests;

use std::fmt;

/// A format that a profile names for an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Format {
    /// National Provider Identifier of the United States; see [`npi`].
    Npi,
    /// DEA registration number, with the registrant letters that are taken; see [`dea`].
    Dea(dea::Registrants),
    /// Name of the IANA time zone database; see [`time_zone`].
    TimeZone,
    /// E-mail address; see [`email`].
    Email,
    /// Phone number of ITU-T E.164; see [`phone`].
    E164,
    /// A text without digits; see [`no_digits`].
    NoDigits,
    /// A list with commas between its elements; see [`comma_list`].
    CommaList,
}

/// The names by which a profile file knows the formats.
pub const NAMES: [&str; 7] = ["npi", "dea", "time-zone", "email", "e164", "no-digits", "comma-list"];

/// Why a text does not fit: its class, never the text itself, and the remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// What was found: `9 digits`, `a blank text`.
    pub class: String,
    /// What to send instead.
    pub remedy: String,
}

impl Misfit {
    fn new(class: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { class: class.into(), remedy: remedy.into() }
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "is {}; {}", self.class, self.remedy)
    }
}

impl Format {
    /// By its name in a profile file; `dea` takes the letters that `registrants` gives.
    #[must_use]
    pub fn by_name(name: &str, registrants: &dea::Registrants) -> Option<Self> {
        Some(match name {
            "npi" => Self::Npi,
            "dea" => Self::Dea(registrants.clone()),
            "time-zone" => Self::TimeZone,
            "email" => Self::Email,
            "e164" => Self::E164,
            "no-digits" => Self::NoDigits,
            "comma-list" => Self::CommaList,
            _ => return None,
        })
    }

    /// Its name in a profile file.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Npi => "npi",
            Self::Dea(_) => "dea",
            Self::TimeZone => "time-zone",
            Self::Email => "email",
            Self::E164 => "e164",
            Self::NoDigits => "no-digits",
            Self::CommaList => "comma-list",
        }
    }

    /// Do its values identify a person towards an authority? They stand in no error, warning or log line.
    #[must_use]
    pub fn is_sensitive(&self) -> bool {
        matches!(self, Self::Npi | Self::Dea(_))
    }

    /// Is a JSON number taken for the text of its digits, whatever the tenant's leniencies?
    #[must_use]
    pub fn takes_numbers(&self) -> bool {
        matches!(self, Self::Npi)
    }

    /// The form in which a text is kept. The same text again gives the same form.
    pub fn check(&self, text: &str) -> Result<String, Misfit> {
        match self {
            Self::Npi => npi::check(text),
            Self::Dea(registrants) => dea::check(text, registrants),
            Self::TimeZone => time_zone::check(text),
            Self::Email => email::check(text),
            Self::E164 => phone::check(text),
            Self::NoDigits => no_digits::check(text),
            Self::CommaList => Ok(comma_list::join(&comma_list::split(text))),
        }
    }
}

/// The class of a text, without the text: `a blank text`, `9 digits`, `a text of 12 characters`.
fn class_of(text: &str) -> String {
    let length = text.chars().count();
    let plural = if length == 1 { "" } else { "s" };
    if text.trim().is_empty() {
        "a blank text".to_owned()
    } else if text.bytes().all(|byte| byte.is_ascii_digit()) {
        format!("{length} digit{plural}")
    } else {
        format!("a text of {length} character{plural}")
    }
}
