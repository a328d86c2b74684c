//! Phone numbers of ITU-T E.164: a plus sign, the country code, the number.

use super::{Misfit, class_of};

const REMEDY: &str = "send it with + and the country code, such as +12025550143";

/// Fewest and most digits, country code included: E.164 §6.2.1 has the upper end, the lower one keeps out extensions.
const DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// `+` and the digits. `tel:` before it (RFC 3966) and what people write between digits (blanks, dots, hyphens,
/// parentheses) is dropped; an extension is refused.
pub fn check(text: &str) -> Result<String, Misfit> {
    let text = text.trim();
    let bare = match text.get(..4) {
        Some(scheme) if scheme.eq_ignore_ascii_case("tel:") => &text[4..],
        _ => text,
    };
    let Some(rest) = bare.strip_prefix('+') else {
        return Err(Misfit::new(format!("{} without a +", class_of(text)), REMEDY));
    };
    let digits: String = rest.chars().filter(|ch| !" .-()\u{a0}".contains(*ch)).collect();
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Misfit::new("a number with other characters than digits", REMEDY));
    }
    if digits.starts_with('0') {
        return Err(Misfit::new("a number whose country code begins with 0", REMEDY));
    }
    if !DIGITS.contains(&digits.len()) {
        let range =
            format!("a number of {} digits, not {} to {}", digits.len(), DIGITS.start(), DIGITS.end());
        return Err(Misfit::new(range, REMEDY));
    }
    Ok(format!("+{digits}"))
}
