//! A filter as a tree: how it is written, how deep it is, and what remains when a part of it is left out.

use super::kept::Kept;

/// A filter.
#[derive(Clone, Debug)]
pub(super) enum Tree {
    /// Several, joined by `and`.
    All(&'static str, Vec<Tree>),
    /// Several, joined by `or`.
    Any(&'static str, Vec<Tree>),
    /// `not (…)`.
    Not(&'static str, Box<Tree>),
    /// `(…)`.
    Brackets(Box<Tree>),
    /// One comparison.
    Leaf(Leaf),
    /// `name[…]`, and perhaps `.sub op value` after it.
    Element(String, Box<Tree>, Option<Leaf>),
}

/// One comparison.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    pub(super) name: String,
    /// In lower case.
    pub(super) op: &'static str,
    /// As written.
    pub(super) keyword: String,
    /// Nothing after `pr`.
    pub(super) constant: Option<Constant>,
    /// Compares ids, which differ between the databases.
    pub(super) of_ids: bool,
}

/// The right side of a comparison.
#[derive(Clone, Debug)]
pub(super) enum Constant {
    /// As written.
    Written(String),
    /// An id, which differs between the databases.
    Id(Id),
}

/// A part of the id of a row.
#[derive(Clone, Debug)]
pub(super) struct Id {
    pub(super) of_group: bool,
    /// Place of the row.
    pub(super) row: usize,
    pub(super) upper: bool,
    /// Characters left out at both ends.
    pub(super) cut: (usize, usize),
}

impl Tree {
    /// The text, for one database.
    pub(super) fn text(&self, kept: &Kept) -> String {
        match self {
            Self::All(word, parts) => {
                joined(parts, word, kept, |part| matches!(part, Self::All(..) | Self::Any(..)))
            }
            Self::Any(word, parts) => joined(parts, word, kept, |part| matches!(part, Self::Any(..))),
            Self::Not(word, inner) => format!("{word}({})", inner.text(kept)),
            Self::Brackets(inner) => format!("( {} )", inner.text(kept)),
            Self::Leaf(leaf) => leaf.text(kept),
            Self::Element(name, inner, None) => format!("{name}[{}]", inner.text(kept)),
            Self::Element(name, inner, Some(tail)) => {
                format!("{name}[{}].{}", inner.text(kept), tail.text(kept))
            }
        }
    }

    /// Levels of joints, brackets and `not` above the deepest comparison.
    pub(super) fn depth(&self) -> usize {
        match self {
            Self::All(_, parts) | Self::Any(_, parts) => 1 + parts.iter().map(Self::depth).max().unwrap_or(0),
            Self::Not(_, inner) | Self::Brackets(inner) | Self::Element(_, inner, _) => 1 + inner.depth(),
            Self::Leaf(_) => 0,
        }
    }

    /// All comparisons.
    pub(super) fn leaves(&self) -> Vec<&Leaf> {
        match self {
            Self::All(_, parts) | Self::Any(_, parts) => parts.iter().flat_map(Self::leaves).collect(),
            Self::Not(_, inner) | Self::Brackets(inner) => inner.leaves(),
            Self::Leaf(leaf) => vec![leaf],
            Self::Element(_, inner, tail) => inner.leaves().into_iter().chain(tail).collect(),
        }
    }

    /// How many value paths it has.
    pub(super) fn elements(&self) -> usize {
        match self {
            Self::All(_, parts) | Self::Any(_, parts) => parts.iter().map(Self::elements).sum(),
            Self::Not(_, inner) | Self::Brackets(inner) => inner.elements(),
            Self::Leaf(_) => 0,
            Self::Element(..) => 1,
        }
    }

    /// Does it compare ids? Then the databases need not agree: each has ids of its own.
    pub(super) fn is_of_ids(&self) -> bool {
        self.leaves().iter().any(|leaf| leaf.of_ids)
    }

    /// Filters with one part less.
    pub(super) fn smaller(&self) -> Vec<Self> {
        match self {
            Self::All(word, parts) => fewer(parts, |parts| Self::All(word, parts)),
            Self::Any(word, parts) => fewer(parts, |parts| Self::Any(word, parts)),
            Self::Not(word, inner) => inside(inner, |inner| Self::Not(word, inner)),
            Self::Brackets(inner) => inside(inner, Self::Brackets),
            Self::Leaf(_) => Vec::new(),
            Self::Element(name, inner, tail) => {
                let without_tail = tail.as_ref().map(|_| Self::Element(name.clone(), inner.clone(), None));
                let simpler = inner.smaller().into_iter();
                let simpler = simpler.map(|inner| Self::Element(name.clone(), Box::new(inner), tail.clone()));
                without_tail.into_iter().chain(simpler).collect()
            }
        }
    }
}

fn joined(parts: &[Tree], word: &str, kept: &Kept, needs_brackets: impl Fn(&Tree) -> bool) -> String {
    let part = |part: &Tree| {
        let text = part.text(kept);
        if needs_brackets(part) { format!("({text})") } else { text }
    };
    parts.iter().map(part).collect::<Vec<_>>().join(word)
}

/// Each part alone, then all but one, then one of them smaller.
fn fewer(parts: &[Tree], join: impl Fn(Vec<Tree>) -> Tree) -> Vec<Tree> {
    let mut all = parts.to_vec();
    for at in 0..parts.len() {
        if parts.len() > 2 {
            let mut rest = parts.to_vec();
            rest.remove(at);
            all.push(join(rest));
        }
        for smaller in parts[at].smaller() {
            let mut next = parts.to_vec();
            next[at] = smaller;
            all.push(join(next));
        }
    }
    all
}

fn inside(inner: &Tree, wrap: impl Fn(Box<Tree>) -> Tree) -> Vec<Tree> {
    let simpler = inner.smaller().into_iter().map(|inner| wrap(Box::new(inner)));
    std::iter::once(inner.clone()).chain(simpler).collect()
}

impl Leaf {
    fn text(&self, kept: &Kept) -> String {
        match &self.constant {
            None => format!("{} {}", self.name, self.keyword),
            Some(Constant::Written(text)) => format!("{} {} {text}", self.name, self.keyword),
            Some(Constant::Id(id)) => format!("{} {} \"{}\"", self.name, self.keyword, id.text(kept)),
        }
    }
}

impl Id {
    fn text(&self, kept: &Kept) -> String {
        let rows = if self.of_group { &kept.groups } else { &kept.users };
        let id = rows[self.row % rows.len()].id.to_string();
        let id = if self.upper { id.to_uppercase() } else { id };
        id[self.cut.0..id.len() - self.cut.1].to_owned()
    }
}
