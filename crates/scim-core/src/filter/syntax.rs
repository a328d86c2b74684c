//! The syntax tree of a filter as written: names not yet resolved, literals not yet typed.

use std::fmt;

use super::CompareOp;

/// A filter as written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expr {
    /// Two or more, joined by `and`.
    And(Vec<Expr>),
    /// Two or more, joined by `or`.
    Or(Vec<Expr>),
    /// `not (…)`.
    Not(Box<Expr>),
    /// `name op constant`.
    Compare(Name, CompareOp, Constant),
    /// `name pr`.
    Present(Name),
    /// `name[…]`, and after it perhaps `.sub op constant` or `.sub pr` (a [`Expr::Compare`] or [`Expr::Present`]).
    Element(Name, Box<Expr>, Option<Box<Expr>>),
}

/// An attribute path and where it stands; equal when the text is.
#[derive(Clone, Debug)]
pub(crate) struct Name {
    /// As written.
    pub(crate) text: String,
    /// 1-based, in characters.
    pub(crate) column: usize,
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

/// The right side as written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Constant {
    /// A JSON string.
    Text(String),
    /// `true` or `false`.
    Boolean(bool),
    /// A JSON number, finite.
    Number(f64),
    /// `null`.
    Null,
}

impl CompareOp {
    /// All operators with their keywords.
    pub(crate) const KEYWORDS: [(&'static str, Self); 9] = [
        ("eq", Self::Eq),
        ("ne", Self::Ne),
        ("co", Self::Co),
        ("sw", Self::Sw),
        ("ew", Self::Ew),
        ("gt", Self::Gt),
        ("ge", Self::Ge),
        ("lt", Self::Lt),
        ("le", Self::Le),
    ];

    /// The keyword of RFC 7644 table 3.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::KEYWORDS.iter().find(|(_, op)| *op == self).map_or("", |(keyword, _)| *keyword)
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(parts) => join(f, parts, " and ", |part| matches!(part, Self::And(_) | Self::Or(_))),
            Self::Or(parts) => join(f, parts, " or ", |part| matches!(part, Self::Or(_))),
            Self::Not(inner) => write!(f, "not ({inner})"),
            Self::Compare(name, op, constant) => write!(f, "{} {} {constant}", name.text, op.as_str()),
            Self::Present(name) => write!(f, "{} pr", name.text),
            Self::Element(name, inner, None) => write!(f, "{}[{inner}]", name.text),
            Self::Element(name, inner, Some(tail)) => write!(f, "{}[{inner}].{tail}", name.text),
        }
    }
}

fn join(
    f: &mut fmt::Formatter<'_>,
    parts: &[Expr],
    separator: &str,
    needs_brackets: impl Fn(&Expr) -> bool,
) -> fmt::Result {
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            f.write_str(separator)?;
        }
        if needs_brackets(part) {
            write!(f, "({part})")?;
        } else {
            write!(f, "{part}")?;
        }
    }
    Ok(())
}

impl fmt::Display for Constant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{}", serde_json::Value::from(text.as_str())),
            Self::Boolean(value) => write!(f, "{value}"),
            // the shortest form with an exponent is JSON and reads back exactly
            Self::Number(value) => write!(f, "{value:e}"),
            Self::Null => f.write_str("null"),
        }
    }
}
