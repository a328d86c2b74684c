//! Characters that leave no mark where they stand: with them two names look the same and are not.

use std::sync::LazyLock;

use regex::Regex;

/// Control and format characters (zero-width ones and those that turn the direction among them), line and paragraph
/// separators, and what else a font need not show (Unicode, `Default_Ignorable_Code_Point`).
static UNSEEN: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]").ok());

/// The first such character of a name, and its place among the characters, from 1.
pub(super) fn unseen(text: &str) -> Option<(usize, char)> {
    // What most names are.
    if text.is_ascii() && !text.bytes().any(|byte| byte.is_ascii_control()) {
        return None;
    }
    let found = UNSEEN.as_ref()?.find(text)?;
    let ch = found.as_str().chars().next()?;
    Some((text[..found.start()].chars().count() + 1, ch))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_sees_is_found() {
        for ch in [
            '\0',
            '\t',
            '\n',
            '\u{7f}',
            '\u{85}',
            '\u{ad}',
            '\u{34f}',
            '\u{200b}',
            '\u{200d}',
            '\u{200e}',
            '\u{202e}',
            '\u{2028}',
            '\u{2060}',
            '\u{2066}',
            '\u{3164}',
            '\u{fe0f}',
            '\u{feff}',
            '\u{e0061}',
        ] {
            assert_eq!(unseen(&format!("é{ch}b")), Some((2, ch)), "{ch:?}");
        }
        for text in [
            "",
            "a b",
            "ann@acme.example",
            "Zoë",
            "zoe\u{308}",
            "李雷",
            "Мария",
            "ｆｕｌｌ",
            "ﬁ",
            "😀",
            "a\u{a0}b",
        ] {
            assert_eq!(unseen(text), None, "{text:?}");
        }
    }
}
