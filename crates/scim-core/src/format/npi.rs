//! National Provider Identifier: ten digits, the first of them 1 or 2, the last one a check digit.

use super::{Misfit, class_of};

const REMEDY: &str = "send the provider's NPI, 10 digits with a valid check digit";

/// What the Luhn sum of the prefix 80840 comes to: an NPI is the end of a card number of that issuer (45 CFR 162.406
/// and the check digit note of the Centers for Medicare & Medicaid Services).
const PREFIX_SUM: u32 = 24;

/// The ten digits; blanks around them are dropped, blanks inside are refused.
pub fn check(text: &str) -> Result<String, Misfit> {
    let text = text.trim();
    if text.len() != 10 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Misfit::new(class_of(text), REMEDY));
    }
    if !text.starts_with(['1', '2']) {
        return Err(Misfit::new("10 digits that begin with neither 1 nor 2", REMEDY));
    }
    if !(PREFIX_SUM + luhn_sum(text)).is_multiple_of(10) {
        return Err(Misfit::new("10 digits with a wrong check digit", REMEDY));
    }
    Ok(text.to_owned())
}

/// From the right, every second digit counts double, and of that the digit sum (ISO/IEC 7812-1, annex B).
fn luhn_sum(digits: &str) -> u32 {
    let weigh = |(at, digit): (usize, u32)| match at % 2 {
        0 => digit,
        _ => digit * 2 / 10 + digit * 2 % 10,
    };
    digits.chars().rev().filter_map(|ch| ch.to_digit(10)).enumerate().map(weigh).sum()
}
