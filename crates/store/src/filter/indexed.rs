//! Comparisons that an index answers or narrows: the rows of `user_values`.

use std::borrow::Cow;

use scim_core::{
    ResourceKind,
    filter::{CompareOp, Filter, Literal},
    resource::AttrRef,
    search::{AFTER_VALUE, ANYWHERE, MAX_INDEXED, MAX_SOUGHT, is_anywhere, mark, without_signs},
};

use super::compare::prefix_range;
use crate::{statement::Sql, store::Backend};

/// Letters and digits in a row that PostgreSQL's index of parts of texts needs to find something.
const TRIGRAM: usize = 3;

/// What the index is asked for.
pub(super) struct Wanted<'f> {
    how: How,
    path: String,
    text: &'f str,
    /// What of a user's [`ANYWHERE`] decides; `None`: it proposes users.
    held: Option<Held>,
}

/// The values of an attribute in a user's [`ANYWHERE`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Held {
    mark: char,
    /// Does the text end one of them?
    ends: bool,
}

/// The narrowest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum How {
    /// A value equals the text.
    Equals,
    /// A value begins with it.
    Begins,
    /// It stands somewhere in what the user is found by.
    Holds,
}

impl<'f> Wanted<'f> {
    /// What a comparison asks for; `None` when the index cannot help.
    pub(super) fn by(
        kind: ResourceKind,
        target: &AttrRef,
        op: CompareOp,
        value: &'f Literal,
    ) -> Option<Self> {
        let Literal::String(text) = value else { return None };
        if kind != ResourceKind::User || text.is_empty() || text.contains('\0') {
            return None;
        }
        let fits = target.leaf().indexed && text.len() <= MAX_INDEXED;
        let how = match op {
            CompareOp::Eq if fits => How::Equals,
            CompareOp::Sw if fits => How::Begins,
            CompareOp::Co | CompareOp::Ew if is_anywhere(target) => How::Holds,
            _ => return None,
        };
        let path = target.path();
        let whole = text.len() <= MAX_SOUGHT && !text.contains(|ch: char| ch.is_ascii_control());
        let mark = mark(&path).filter(|_| how == How::Holds && whole);
        let held = mark.map(|mark| Held { mark, ends: op == CompareOp::Ew });
        Some(Self { how, path, text, held })
    }

    /// What one element must hold for this filter of it to be true.
    pub(super) fn in_element(kind: ResourceKind, filter: &'f Filter) -> Option<Self> {
        match filter {
            Filter::Compare { target, op, value } => Self::by(kind, target, *op, value),
            Filter::And(parts) => {
                parts.iter().filter_map(|part| Self::in_element(kind, part)).min_by_key(|wanted| wanted.how)
            }
            _ => None,
        }
    }

    /// Is it the whole answer? If not, it proposes users, as SQLite does: that is the fastest there.
    pub(super) fn is_answer(&self, sql: &Sql) -> bool {
        self.how != How::Holds || (self.held.is_some() && sql.backend() == Backend::Postgres)
    }

    /// Appends the condition that the row `r` is of such a user. The subquery names the tenant itself, so that it stands
    /// alone and can be looked up first.
    pub(super) fn write(self, sql: &mut Sql) {
        sql.push("r.id IN (");
        self.write_ids(sql);
        sql.push(")");
    }

    /// Appends a SELECT of the `id` of such users; one may come more than once.
    fn write_ids(self, sql: &mut Sql) {
        match self.how {
            How::Holds => holding(sql, &sought(self.text), self.held, &Bounds::default()),
            How::Equals => {
                values_at(sql, self.path);
                sql.push("v.value = ").bind(self.text);
            }
            How::Begins => {
                values_at(sql, self.path);
                prefix_range(sql, "v.value", self.text);
            }
        }
    }
}

/// May a filter find many users by an index? `eq` finds few.
pub(crate) fn finds_many(kind: ResourceKind, filter: &Filter) -> bool {
    match filter {
        Filter::And(parts) => parts.iter().any(|part| finds_many(kind, part)),
        Filter::Element { filter, .. } => {
            Wanted::in_element(kind, filter).is_some_and(|wanted| wanted.how != How::Equals)
        }
        Filter::Compare { target, op, value } => {
            Wanted::by(kind, target, *op, value).is_some_and(|wanted| wanted.how != How::Equals)
        }
        Filter::Or(_) | Filter::Not(_) | Filter::Present(_) | Filter::Never => false,
    }
}

/// Appends a SELECT of the `id` of all that fit, each once, where the index of values is the whole answer; gives whether it
/// is. Live users alone have values.
pub(crate) fn answer(sql: &mut Sql, kind: ResourceKind, filter: &Filter) -> bool {
    let Filter::Compare { target, op, value } = filter else { return false };
    let wanted = Wanted::by(kind, target, *op, value).filter(|wanted| wanted.is_answer(sql));
    let Some(wanted) = wanted else { return false };
    sql.push("SELECT DISTINCT f.id FROM (");
    wanted.write_ids(sql);
    sql.push(") f");
    true
}

fn values_at(sql: &mut Sql, path: String) {
    sql.push("SELECT v.user_id AS id FROM user_values v WHERE v.tenant_id = ").tenant();
    sql.push(" AND v.path = ").bind(path).push(" AND ");
}

/// What [`ANYWHERE`] can be asked for to find a text.
pub(crate) fn sought(text: &str) -> Cow<'_, str> {
    without_signs(text.get(..text.floor_char_boundary(MAX_SOUGHT)).unwrap_or(text))
}

/// Does PostgreSQL's index of parts of texts find this one?
pub(crate) fn has_parts(sql: &Sql, text: &str) -> bool {
    sql.finds_parts()
        && text.split(|ch: char| !ch.is_alphanumeric()).any(|word| word.chars().count() >= TRIGRAM)
}

/// An end to a search for users in whose [`ANYWHERE`] a text stands.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bounds {
    /// So many are found at most.
    pub(crate) most: Option<i64>,
    /// Rows are looked at up to this one; an index looks at no others than it finds.
    pub(crate) before: Option<String>,
}

/// Appends a SELECT of the `id` of such users (see [`sought`]), or on PostgreSQL of those of whom an attribute holds it; one
/// may come more than once. Without PostgreSQL's index of parts the rows of the tenant are looked at, which stand one after
/// the other in the index of values.
pub(crate) fn holding(sql: &mut Sql, text: &str, held: Option<Held>, bounds: &Bounds) {
    if has_parts(sql, text) {
        sql.push("SELECT h.id FROM users_holding(").bind(text).push(", ").bind(bounds.most);
        sql.push(", ").bind(held.map(|held| held.mark.to_string()));
        sql.push(", ").bind(held.is_some_and(|held| held.ends)).push(") AS h (id)");
        return;
    }
    values_at(sql, ANYWHERE.to_owned());
    match (sql.backend(), held) {
        (Backend::Postgres, None) => {
            sql.push("strpos(v.value, ").bind(text).push(") > 0");
        }
        // As `users_holding` does.
        (Backend::Postgres, Some(Held { mark, ends })) => {
            let text = if ends { format!("{text}{AFTER_VALUE}") } else { text.to_owned() };
            sql.push("strpos(split_part(split_part(v.value, ").bind(mark.to_string());
            sql.push(", 2), chr(10), 1) || chr(31), ").bind(text).push(") > 0");
        }
        // The fastest there is. That it ignores the case of some letters only proposes more.
        (Backend::Sqlite, _) => {
            sql.push("v.value LIKE ").bind(pattern(text)).push(" ESCAPE '!'");
        }
    }
    if let Some(before) = &bounds.before {
        sql.push(" AND v.value < ").bind(before.as_str());
    }
    if bounds.most.is_some() {
        sql.push(" LIMIT ").bind(bounds.most);
    }
}

/// A pattern for LIKE with `!` as its escape: whatever holds the text.
fn pattern(text: &str) -> String {
    let mut pattern = "%".to_owned();
    for ch in text.chars() {
        if ['!', '%', '_'].contains(&ch) {
            pattern.push('!');
        }
        pattern.push(ch);
    }
    pattern.push('%');
    pattern
}
