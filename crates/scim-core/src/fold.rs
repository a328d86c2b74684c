//! Case folding, the one rule by which names and case-insensitive values are compared.

use icu_casemap::CaseMapper;

/// Unicode default case folding (full, not Turkic): `É` = `é`, `ß` = `ss`. Values that fold alike are the same
/// userName, displayName or role. Not normalised: composed and decomposed forms stay different.
#[must_use]
pub fn fold(text: &str) -> String {
    // What most texts are, and what folding makes of it.
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    CaseMapper::new().fold_string(text).into_owned()
}

/// The folding of one character; a text folds to those of its characters.
pub(crate) fn full(ch: char) -> String {
    fold(ch.encode_utf8(&mut [0; 4]))
}

/// Whether two names fold alike.
#[must_use]
pub fn same(left: &str, right: &str) -> bool {
    left == right || fold(left) == fold(right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ascii_folds_as_the_rest_does() {
        for byte in 0..=127_u8 {
            let text = char::from(byte).to_string();
            assert_eq!(fold(&text), CaseMapper::new().fold_string(&text), "{byte}");
        }
    }

    #[test]
    fn folds_beyond_ascii() {
        assert!(same("ÉMILE@x", "émile@X"));
        assert!(same("STRASSE", "straße"));
        assert!(!same("a", "b"));
    }
}
