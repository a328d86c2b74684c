//! Looking for entries. Each way of looking goes along one index, newest first, for a bounded stretch; what else is asked
//! is compared on the way. So a page takes the same time whether a trail has a thousand entries or a million.

use scim_core::fold;
use sea_orm::ConnectionTrait;

use super::{Entry, Owner, Word, entries, number, words_of};
use crate::{StoreError, statement::Sql, store::Backend};

/// Entries that one page looks through at most, where what is asked has no index of its own.
pub const LOOKED_THROUGH: usize = 5_000;

/// Entries that one of two conditions must be rarer than to be the one that is looked up.
const RARE: usize = 2_000;

/// Entries around a moment among which the numbers are looked for: a transaction that took long has an older time than its
/// neighbours.
const AROUND: usize = 2_000;

/// Users, groups, people or tokens that a text may name.
const NAMED: i64 = 20;

/// What entries are wanted; all that is said must fit. The default is all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrailQuery {
    /// `user.created`, …
    pub event: Option<String>,
    /// `User`, `Group`, `Credential`, `Tenant`, …
    pub object_type: Option<String>,
    /// Id of what it was done to.
    pub object_id: Option<String>,
    /// Name of who did it, at the time.
    pub actor: Option<String>,
    /// Id of the request.
    pub cause: Option<String>,
    /// An id of an object or request; a part of an event's or an actor's name; the beginning of a userName, of a group's
    /// displayName, or of the name of a person or token of the installation. In any case.
    pub text: Option<String>,
    /// Not before, in milliseconds.
    pub from: Option<i64>,
    /// Not at or after, in milliseconds.
    pub to: Option<i64>,
    /// Only what stands below this number.
    pub before: Option<i64>,
    /// Most entries.
    pub limit: usize,
}

/// Some entries, newest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrailPage {
    /// They.
    pub items: Vec<Entry>,
    /// [`TrailQuery::before`] of the next page. Without one there is nothing more. Where much was looked through, a page may
    /// hold fewer entries than were asked for, even none, and still have a next one.
    pub next: Option<i64>,
}

/// A condition with an index of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Along {
    All,
    Event(String),
    Object(String),
    Actor(String),
    Cause(String),
}

impl Along {
    fn condition(&self, sql: &mut Sql) {
        let (column, value) = match self {
            Self::All => return,
            Self::Event(value) => ("a.event", value),
            Self::Object(value) => ("a.object_id", value),
            Self::Actor(value) => ("a.actor_name", value),
            Self::Cause(value) => ("a.cause", value),
        };
        sql.push(" AND ").push(column).push(" = ").bind(value.as_str());
    }
}

/// What is looked through: `low <= seq < high`.
#[derive(Clone, Copy)]
struct Stretch {
    low: i64,
    high: i64,
}

/// The page of a query.
pub(super) async fn page(
    db: &impl ConnectionTrait,
    owner: Owner,
    backend: Backend,
    query: &TrailQuery,
) -> Result<TrailPage, StoreError> {
    let texts = [&query.event, &query.object_type, &query.object_id, &query.actor, &query.cause, &query.text];
    // No text of a database holds a NUL.
    if query.limit == 0 || texts.into_iter().flatten().any(|text| text.contains('\0')) {
        return Ok(TrailPage::default());
    }
    let search = Search { db, owner, backend, query };
    let stretch = search.stretch().await?;
    let text = query.text.as_deref().map(str::trim).filter(|text| !text.is_empty());
    let (ways, rest) = match text {
        Some(text) => {
            let others = [&query.event, &query.object_type, &query.object_id, &query.actor, &query.cause];
            let rest = others.into_iter().any(Option::is_some) || query.from.is_some() || query.to.is_some();
            (search.ways_of_text(text).await?, rest)
        }
        None => {
            let (way, is_all) = search.way().await?;
            (vec![way], !is_all)
        }
    };
    // One more than fits tells whether there is a next page.
    let wanted = query.limit + 1;
    let (mut numbers, mut complete_down_to) = (Vec::new(), i64::MIN);
    for way in &ways {
        let found = search.along(way, stretch, rest, wanted).await?;
        if found.len() >= wanted {
            // Below the last of these there may be more of this way, so the page ends there at the latest.
            complete_down_to = complete_down_to.max(found.last().copied().unwrap_or(i64::MIN));
        } else if rest && let Some(end) = search.end_of(way, stretch).await? {
            complete_down_to = complete_down_to.max(end);
        }
        numbers.extend(found);
    }
    numbers.retain(|number| *number >= complete_down_to);
    numbers.sort_unstable_by(|one, other| other.cmp(one));
    numbers.dedup();
    let next = if numbers.len() > query.limit {
        numbers.truncate(query.limit);
        numbers.last().copied()
    } else {
        Some(complete_down_to).filter(|end| *end > i64::MIN)
    };
    Ok(TrailPage { items: entries(db, owner, backend, &numbers).await?, next })
}

struct Search<'a, C> {
    db: &'a C,
    owner: Owner,
    backend: Backend,
    query: &'a TrailQuery,
}

impl<C: ConnectionTrait> Search<'_, C> {
    fn sql(&self) -> Sql {
        self.owner.sql(self.backend)
    }

    async fn number(&self, sql: Sql) -> Result<Option<i64>, StoreError> {
        let row = self.db.query_one_raw(sql.into_statement()).await?;
        Ok(row.map(|row| row.try_get_by_index::<Option<i64>>(0)).transpose()?.flatten())
    }

    /// The numbers between which entries of the wanted time stand.
    async fn stretch(&self) -> Result<Stretch, StoreError> {
        let mut stretch = Stretch { low: i64::MIN, high: self.query.before.unwrap_or(i64::MAX) };
        if let Some(to) = self.query.to {
            let mut sql = self.sql();
            sql.push("SELECT MAX(w.seq) FROM (SELECT a.seq");
            self.owner.rows(&mut sql).push("a.seq IS NOT NULL AND a.at < ").bind(to);
            sql.push(" ORDER BY a.at DESC, a.seq DESC LIMIT ").bind(number(AROUND)).push(") w");
            // None: nothing is that old.
            let newest = self.number(sql).await?.unwrap_or(0);
            stretch.high = stretch.high.min(newest.saturating_add(1));
        }
        if let Some(from) = self.query.from {
            let mut sql = self.sql();
            sql.push("SELECT MIN(w.seq) FROM (SELECT a.seq");
            self.owner.rows(&mut sql).push("a.seq IS NOT NULL AND a.at >= ").bind(from);
            sql.push(" ORDER BY a.at, a.seq LIMIT ").bind(number(AROUND)).push(") w");
            stretch.low = self.number(sql).await?.unwrap_or(i64::MAX);
        }
        Ok(stretch)
    }

    /// The one condition to go along, and whether it is all that is asked.
    async fn way(&self) -> Result<(Along, bool), StoreError> {
        let query = self.query;
        let ways = [
            query.object_id.clone().map(Along::Object),
            query.cause.clone().map(Along::Cause),
            query.actor.clone().map(Along::Actor),
            query.event.clone().map(Along::Event),
        ];
        let mut ways: Vec<Along> = ways.into_iter().flatten().collect();
        let is_all =
            ways.len() <= 1 && query.object_type.is_none() && query.from.is_none() && query.to.is_none();
        if let [Along::Actor(_), Along::Event(_)] = ways.as_slice() {
            // Nobody knows which of the two is the rarer one.
            let actor = ways.first().cloned().unwrap_or(Along::All);
            if self.nth(&actor, Stretch { low: i64::MIN, high: i64::MAX }, RARE).await?.is_some() {
                ways.swap(0, 1);
            }
        }
        Ok((ways.into_iter().next().unwrap_or(Along::All), is_all))
    }

    /// All that a text may mean.
    async fn ways_of_text(&self, text: &str) -> Result<Vec<Along>, StoreError> {
        let key = fold(text);
        let mut ways = vec![Along::Object(text.to_owned()), Along::Cause(text.to_owned())];
        for actor in words_of(self.db, self.owner, self.backend, Word::Actor).await? {
            if fold(&actor).contains(&key) {
                ways.push(Along::Actor(actor));
            }
        }
        for event in words_of(self.db, self.owner, self.backend, Word::Event).await? {
            if fold(&event).contains(&key) {
                ways.push(Along::Event(event));
            }
        }
        let (one, other) = match self.owner {
            Owner::Tenant(_) => (
                ("SELECT r.id FROM users r WHERE r.tenant_id = ", "r.user_name_key"),
                ("SELECT r.id FROM groups r WHERE r.tenant_id = ", "r.display_name_key"),
            ),
            Owner::Installation(_) => (
                ("SELECT r.id FROM admins r WHERE true", "r.email_key"),
                ("SELECT r.id FROM platform_tokens r WHERE true", "r.name_key"),
            ),
        };
        for (select, column) in [one, other] {
            let mut sql = self.sql();
            sql.push(select);
            if matches!(self.owner, Owner::Tenant(_)) {
                sql.tenant();
            }
            sql.push(" AND ").push(column).push(" >= ").bind(key.as_str());
            // Above all that begin with it: no text goes on with the last code point.
            sql.push(" AND ").push(column).push(" < ").bind(format!("{key}{}", char::MAX));
            sql.push(" ORDER BY ").push(column).push(" LIMIT ").bind(NAMED);
            for row in self.db.query_all_raw(sql.into_statement()).await? {
                ways.push(Along::Object(row.try_get_by_index::<uuid::Uuid>(0)?.to_string()));
            }
        }
        ways.dedup();
        Ok(ways)
    }

    /// The numbers of entries that fit, newest first. Without `rest` nothing is compared but the way itself.
    async fn along(
        &self,
        way: &Along,
        stretch: Stretch,
        rest: bool,
        wanted: usize,
    ) -> Result<Vec<i64>, StoreError> {
        let mut sql = self.sql();
        sql.push(
            "SELECT w.seq FROM (SELECT a.seq, a.event, a.object_type, a.object_id, a.actor_name, a.cause, a.at",
        );
        self.walk(&mut sql, way, stretch);
        sql.push(" LIMIT ").bind(number(if rest { LOOKED_THROUGH } else { wanted })).push(") w WHERE true");
        if rest {
            let query = self.query;
            for (column, value) in [
                (" AND w.event = ", &query.event),
                (" AND w.object_type = ", &query.object_type),
                (" AND w.object_id = ", &query.object_id),
                (" AND w.actor_name = ", &query.actor),
                (" AND w.cause = ", &query.cause),
            ] {
                if let Some(value) = value {
                    sql.push(column).bind(value.as_str());
                }
            }
            for (column, value) in [(" AND w.at >= ", query.from), (" AND w.at < ", query.to)] {
                if let Some(value) = value {
                    sql.push(column).bind(value);
                }
            }
        }
        sql.push(" ORDER BY w.seq DESC LIMIT ").bind(number(wanted));
        let rows = self.db.query_all_raw(sql.into_statement()).await?;
        rows.iter().map(|row| Ok(row.try_get_by_index(0)?)).collect()
    }

    /// The last number that was looked at, if there is more below.
    async fn end_of(&self, way: &Along, stretch: Stretch) -> Result<Option<i64>, StoreError> {
        self.nth(way, stretch, LOOKED_THROUGH).await
    }

    /// The number of the n-th entry of a way.
    async fn nth(&self, way: &Along, stretch: Stretch, nth: usize) -> Result<Option<i64>, StoreError> {
        let mut sql = self.sql();
        sql.push("SELECT a.seq");
        self.walk(&mut sql, way, stretch);
        sql.push(" LIMIT 1 OFFSET ").bind(number(nth.saturating_sub(1)));
        self.number(sql).await
    }

    fn walk(&self, sql: &mut Sql, way: &Along, stretch: Stretch) {
        self.owner.rows(sql).push("a.seq IS NOT NULL AND a.seq < ").bind(stretch.high);
        if stretch.low > i64::MIN {
            sql.push(" AND a.seq >= ").bind(stretch.low);
        }
        way.condition(sql);
        sql.push(" ORDER BY a.seq DESC");
    }
}
