//! Distinguished names (RFC 4514), as far as two of them have to be compared and one has to be cut.

use std::fmt;

use ldap3::dn_escape;
use scim_core::fold;

/// A name, its own part first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dn(Vec<Rdn>);

/// One part of a name: a type and a value, or several.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rdn(Vec<(String, String)>);

impl Dn {
    /// Reads a name. `None`: it is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        split(text, ',').into_iter().map(Rdn::parse).collect::<Option<Vec<_>>>().map(Self)
    }

    /// Do both name the same entry? Types and values are compared without case, as most directories do.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.key() == other.key()
    }

    /// Its own part, as text.
    pub(crate) fn rdn(&self) -> String {
        self.0.first().map(ToString::to_string).unwrap_or_default()
    }

    /// Attributes and values of its own part.
    pub(crate) fn naming(&self) -> &[(String, String)] {
        self.0.first().map_or(&[], |rdn| &rdn.0)
    }

    /// What it lies below.
    pub(crate) fn parent(&self) -> Self {
        Self(self.0.iter().skip(1).cloned().collect())
    }

    /// Does it lie below that one, at whatever depth?
    pub(crate) fn is_below(&self, base: &Self) -> bool {
        let (own, base) = (self.key(), base.key());
        own.len() > base.len() && own.ends_with(&base)
    }

    fn key(&self) -> Vec<Vec<(String, String)>> {
        let key = |rdn: &Rdn| {
            let mut parts: Vec<_> = rdn.0.iter().map(|(kind, value)| (fold(kind), squeezed(value))).collect();
            parts.sort();
            parts
        };
        self.0.iter().map(key).collect()
    }
}

impl fmt::Display for Dn {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, rdn) in self.0.iter().enumerate() {
            write!(out, "{}{rdn}", if at == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl Rdn {
    fn parse(text: &str) -> Option<Self> {
        let part = |text: &str| {
            let (kind, value) = text.split_once('=')?;
            let kind = kind.trim();
            let is_type = |ch: char| ch.is_ascii_alphanumeric() || "-.".contains(ch);
            (!kind.is_empty() && kind.chars().all(is_type))
                .then_some(())
                .and_then(|()| Some((kind.to_owned(), unescaped(value)?)))
        };
        split(text, '+').into_iter().map(part).collect::<Option<Vec<_>>>().map(Self)
    }
}

impl fmt::Display for Rdn {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (kind, value)) in self.0.iter().enumerate() {
            write!(out, "{}{kind}={}", if at == 0 { "" } else { "+" }, dn_escape(value.as_str()))?;
        }
        Ok(())
    }
}

/// Cuts a text at a sign that no backslash stands before.
fn split(text: &str, sign: char) -> Vec<&str> {
    let (mut pieces, mut begin, mut is_escaped) = (Vec::new(), 0, false);
    for (at, ch) in text.char_indices() {
        if ch == sign && !is_escaped {
            pieces.push(&text[begin..at]);
            begin = at + ch.len_utf8();
        }
        is_escaped = ch == '\\' && !is_escaped;
    }
    pieces.push(&text[begin..]);
    pieces
}

/// A value without escapes, and without the blanks around it. A value in hexadecimal (`#04…`) or in quotes is none.
fn unescaped(text: &str) -> Option<String> {
    let text = text.trim_start_matches(' ');
    if text.is_empty() || text.starts_with(['#', '"']) {
        return None;
    }
    let mut bytes: Vec<u8> = Vec::with_capacity(text.len());
    // Blanks up to here are of the value.
    let mut kept = 0;
    let mut rest = text.as_bytes();
    while let [first, more @ ..] = rest {
        (rest, kept) = match (first, more) {
            (b'\\', [high, low, more @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                let pair = [*high, *low];
                bytes.push(u8::from_str_radix(std::str::from_utf8(&pair).ok()?, 16).ok()?);
                (more, bytes.len())
            }
            (b'\\', [sign, more @ ..]) if sign.is_ascii_punctuation() || *sign == b' ' => {
                bytes.push(*sign);
                (more, bytes.len())
            }
            (b'\\', _) => return None,
            (b' ', more) => {
                bytes.push(b' ');
                (more, kept)
            }
            (byte, more) => {
                bytes.push(*byte);
                (more, bytes.len())
            }
        };
    }
    bytes.truncate(kept);
    String::from_utf8(bytes).ok()
}

/// As values are compared: folded, blanks around it left out, several in it one.
fn squeezed(value: &str) -> String {
    fold(value).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dn(text: &str) -> Dn {
        Dn::parse(text).unwrap_or_else(|| panic!("{text} is a name"))
    }

    #[test]
    fn names_are_read_and_cut() {
        let name = dn(r"UID = ann\, lee + cn=a\2Bb , ou=People,dc=example");
        assert_eq!(
            name.naming(),
            [("UID".to_owned(), "ann, lee".to_owned()), ("cn".to_owned(), "a+b".to_owned())]
        );
        assert_eq!(name.to_string(), r"UID=ann\2c lee+cn=a\2bb,ou=People,dc=example");
        assert_eq!(
            (name.rdn(), name.parent().to_string()),
            (r"UID=ann\2c lee+cn=a\2bb".into(), "ou=People,dc=example".into())
        );
        for text in [
            "",
            "ann",
            "=x",
            "uid=",
            "uid=#0402",
            r"uid=a\",
            r"uid=a\zz",
            "uid=\"a\"",
            "uid=a,,dc=x",
            "u d=a",
        ] {
            assert_eq!(Dn::parse(text), None, "{text}");
        }
    }

    #[test]
    fn two_spellings_are_one_name() {
        for (one, other, same) in [
            ("uid=Ann,DC=Example", "UID=ann, dc=example", true),
            (r"uid=a\2c b,dc=x", r"uid=a\, b,dc=x", true),
            ("cn=a+uid=b,dc=x", "uid=b+cn=a,dc=x", true),
            (r"uid=a\20,dc=x", "uid=a,dc=x", true),
            (r"uid=a\,dc=x", "uid=a,dc=x", false),
            ("uid=a,dc=x", "uid=a,ou=b,dc=x", false),
            ("uid=é,dc=x", "uid=É,dc=x", true),
        ] {
            assert_eq!(dn(one).is_same(&dn(other)), same, "{one} {other}");
        }
        assert!(dn("uid=a,ou=b,dc=x").is_below(&dn("DC=X")));
        assert!(!dn("dc=x").is_below(&dn("dc=x")) && !dn("uid=a,dc=xx").is_below(&dn("dc=x")));
    }

    #[test]
    fn whatever_a_value_is_it_comes_back() {
        for value in [
            " a ",
            "#a",
            "a,b",
            "a+b",
            "a=b",
            "a\"b",
            "a;b<c>d",
            "a\\b",
            "a\0b",
            "*()",
            "ä\u{2028}x",
            "  ",
            "\\2c",
            "a\nb",
            "uid=x,dc=y",
            "日本",
            "a#",
            "\\",
        ] {
            let text = format!("uid={},dc=x", dn_escape(value));
            assert_eq!(dn(&text).naming(), [("uid".to_owned(), value.to_owned())], "{text}");
            assert_eq!(dn(&text).parent().to_string(), "dc=x", "{text}");
            assert!(dn(&dn(&text).to_string()).is_same(&dn(&text)));
        }
    }
}
