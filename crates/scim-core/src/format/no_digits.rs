//! Texts without digits, such as names of people who sign prescriptions.

use super::Misfit;

/// The text as it is. Digits of every script count, and so do numbers such as `²`.
pub fn check(text: &str) -> Result<String, Misfit> {
    if text.chars().any(char::is_numeric) {
        return Err(Misfit::new("a text with digits", "send it without them"));
    }
    Ok(text.to_owned())
}
