//! DEA registration number: the registrant's letter, the initial of the family name or a 9, six digits, a check digit.

use super::{Misfit, class_of};

const REMEDY: &str = "send the DEA number, 2 characters and 7 digits with a valid check digit";

/// The registrant letters in use, where a profile does not say otherwise: sources differ on the list.
pub const DEFAULT_REGISTRANTS: &str = "ABCDEFGHJKLMPRSTUX";

/// The letters that a number may begin with, upper case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registrants(String);

impl Registrants {
    /// Letters A to Z in any case, each once; `None` for anything else.
    #[must_use]
    pub fn new(letters: &str) -> Option<Self> {
        let letters = letters.to_ascii_uppercase();
        let once = letters.char_indices().all(|(at, letter)| !letters[..at].contains(letter));
        let good = !letters.is_empty() && once && letters.bytes().all(|byte| byte.is_ascii_uppercase());
        good.then_some(Self(letters))
    }
}

impl Default for Registrants {
    fn default() -> Self {
        Self(DEFAULT_REGISTRANTS.to_owned())
    }
}

/// The number in upper case; blanks around it are dropped.
pub fn check(text: &str, registrants: &Registrants) -> Result<String, Misfit> {
    let text = text.trim();
    let number = text.to_ascii_uppercase();
    let bytes = number.as_bytes();
    let [registrant, second, digits @ ..] = bytes else { return Err(Misfit::new(class_of(text), REMEDY)) };
    let [d1, d2, d3, d4, d5, d6, d7] = digits else { return Err(Misfit::new(class_of(text), REMEDY)) };
    if !digits.iter().all(u8::is_ascii_digit) {
        let class = "a text of 9 characters of which the last 7 are not all digits";
        return Err(Misfit::new(class, REMEDY));
    }
    if !registrants.0.as_bytes().contains(registrant) {
        return Err(Misfit::new("a text that begins with no registrant letter of the DEA", REMEDY));
    }
    if !second.is_ascii_uppercase() && *second != b'9' {
        return Err(Misfit::new("a text whose second character is neither a letter nor 9", REMEDY));
    }
    let value = |digit: &u8| u32::from(digit - b'0');
    let sum = value(d1) + value(d3) + value(d5) + 2 * (value(d2) + value(d4) + value(d6));
    if sum % 10 != value(d7) {
        return Err(Misfit::new("a DEA number with a wrong check digit", REMEDY));
    }
    Ok(number)
}

/// What is odd about a number beside a family name: its second letter is that of no word of the name. Names change and
/// the number stays, so this is a warning at most. Names in other alphabets are not judged.
#[must_use]
pub fn warning(number: &str, family_name: &str) -> Option<&'static str> {
    let second = number.trim().chars().nth(1)?.to_ascii_uppercase();
    if !second.is_ascii_uppercase() {
        return None;
    }
    let words = family_name.split(|ch: char| !ch.is_alphabetic()).filter_map(|word| word.chars().next());
    let mut initials = words.map(|initial| initial.to_ascii_uppercase()).peekable();
    initials.peek()?;
    let judged = |initial: char| !initial.is_ascii() || initial == second;
    if initials.any(judged) {
        return None;
    }
    Some("the second letter is not the initial of the family name; compare the number with the name")
}
