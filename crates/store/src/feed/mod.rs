//! The feed: the events of all tenants in the order in which they got their numbers, to be read from any place or time on.

mod position;

use std::collections::HashMap;

use sea_orm::{ConnectionTrait as _, FromQueryResult as _, QueryResult, Value};
use uuid::Uuid;

use crate::{
    Platform, StoreError, TenantId,
    audit::{Record, Row, record},
    error::unreadable,
    statement::Sql,
    store::Backend,
};

pub(crate) use position::{Numbered, add};

/// Places of the feed that a page looks through at most: of many events few may be wanted.
pub const LOOKED_THROUGH: i64 = 5_000;

/// Events whose contents are read at once.
const AT_ONCE: usize = 50;

/// Contents after which a page ends, in bytes.
const LARGEST: usize = 4 * 1024 * 1024;

/// Both ends of the feed.
const ENDS: &str = "(SELECT e.position FROM feed_ends e WHERE e.name = 'forgotten'), \
     (SELECT e.position FROM feed_ends e WHERE e.name = 'last')";

/// An event in its place.
#[derive(Clone, Debug, PartialEq)]
pub struct FeedEvent {
    /// Its place in the feed, from 1, without gaps.
    pub position: i64,
    /// Whose.
    pub tenant: TenantId,
    /// The tenant's slug.
    pub slug: String,
    /// Its place among the events of the tenant, from 1, without gaps.
    pub number: i64,
    /// What happened. The payload is `None` after a purge.
    pub record: Record,
}

/// Which events are wanted.
#[derive(Clone, Debug, Default)]
pub struct FeedQuery {
    /// Those after this place; 0: from the first.
    pub after: i64,
    /// Of one tenant alone.
    pub tenant: Option<TenantId>,
    /// Of these names alone; `None`: all.
    pub events: Option<Vec<String>>,
    /// Most of them.
    pub limit: usize,
}

/// Some of the feed.
#[derive(Clone, Debug, PartialEq)]
pub struct FeedPage {
    /// In order.
    pub items: Vec<FeedEvent>,
    /// Up to this place the feed was looked through: go on after it.
    pub last: i64,
    /// Is there probably more right now?
    pub more: bool,
    /// What there was of the feed at that moment. Is `after` lower than what was forgotten, events are missing here.
    pub ends: FeedEnds,
}

/// What there is of the feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedEnds {
    /// Up to here events are forgotten.
    pub forgotten: i64,
    /// The last place that was given.
    pub last: i64,
}

impl Platform {
    /// A page of the feed: as many events as were asked for, fewer if they are very large.
    pub async fn feed(&self, query: &FeedQuery) -> Result<FeedPage, StoreError> {
        let Looked { mut places, mut last, mut more, ends } = self.places(query).await?;
        if places.len() > query.limit {
            places.truncate(query.limit);
            // With no room at all there is nothing to go on after.
            last = places.last().map_or(query.after, |place| place.position);
            more = true;
        }
        let mut items: Vec<FeedEvent> = Vec::new();
        let mut bytes = 0;
        for part in places.chunks(AT_ONCE) {
            if bytes >= LARGEST {
                last = items.last().map_or(query.after, |told| told.position);
                more = true;
                break;
            }
            bytes += self.tell(part, &mut items).await?;
        }
        Ok(FeedPage { items, last, more, ends })
    }

    /// Where the feed begins and ends.
    pub async fn feed_ends(&self) -> Result<FeedEnds, StoreError> {
        let mut sql = self.sql();
        sql.push("SELECT ").push(ENDS);
        let row = self.one(sql).await?.ok_or_else(|| unreadable("feed_ends", "no row"))?;
        Ok(FeedEnds { forgotten: row.try_get_by_index(0)?, last: row.try_get_by_index(1)? })
    }

    /// After which place the events come that got their numbers at a time (milliseconds) or later. All that happened since
    /// then are among them.
    pub async fn feed_place_at(&self, at: i64) -> Result<i64, StoreError> {
        let ends = self.feed_ends().await?;
        self.place_at(ends, at).await
    }

    async fn place_at(&self, ends: FeedEnds, at: i64) -> Result<i64, StoreError> {
        let FeedEnds { forgotten, last } = ends;
        // Numbers are given one after the other, so times grow with places: halve until one is left.
        let (mut before, mut end) = (forgotten, last);
        while before < end {
            let middle = before + (end - before) / 2;
            match self.numbered_after(middle).await? {
                Some((place, numbered_at)) if numbered_at < at => before = place,
                _ => end = middle,
            }
        }
        Ok(before)
    }

    /// The first place after one, and when it was given.
    async fn numbered_after(&self, place: i64) -> Result<Option<(i64, i64)>, StoreError> {
        let mut sql = self.sql();
        sql.push("SELECT f.position, f.numbered_at FROM feed f WHERE f.position > ").bind(place);
        sql.push(" ORDER BY f.position LIMIT 1");
        let row = self.one(sql).await?;
        row.map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?))).transpose()
    }

    /// Forgets the first `limit` places at most, of those that were given before a time (milliseconds); gives how many. The
    /// events stay in the trails of their tenants.
    pub async fn forget_feed(&self, before: i64, limit: u64) -> Result<u64, StoreError> {
        let ends = self.feed_ends().await?;
        let most = ends.forgotten.saturating_add(i64::try_from(limit).unwrap_or(i64::MAX));
        let cut = self.place_at(ends, before).await?.min(most);
        let tx = self.inner.begin_write().await?;
        let mut sql = self.sql();
        sql.push("DELETE FROM feed WHERE position <= ").bind(cut);
        let gone = tx.db.execute_raw(sql.into_statement()).await?.rows_affected();
        let mut sql = self.sql();
        sql.push("UPDATE feed_ends SET position = ").bind(cut);
        sql.push(" WHERE name = 'forgotten' AND position < ").bind(cut);
        tx.db.execute_raw(sql.into_statement()).await?;
        tx.commit().await?;
        Ok(gone)
    }

    /// The places of wanted events, one more than asked for if there are so many.
    async fn places(&self, query: &FeedQuery) -> Result<Looked, StoreError> {
        let limit = i64::try_from(query.limit).unwrap_or(i64::MAX).saturating_add(1);
        // All that are looked at are wanted, if no name says otherwise.
        let most = if query.events.is_some() { LOOKED_THROUGH } else { limit.min(LOOKED_THROUGH) };
        let mut sql = self.sql();
        sql.push(
            "WITH looked AS (SELECT f.position, f.tenant, f.seq, f.event FROM feed f WHERE f.position > ",
        );
        sql.bind(query.after);
        if let Some(tenant) = query.tenant {
            sql.push(" AND f.tenant = ").bind(tenant.0);
        }
        sql.push(" ORDER BY f.position LIMIT ").bind(most);
        sql.push("), wanted AS (SELECT l.position, l.tenant, l.seq, t.slug FROM looked l JOIN tenants t ON t.id = l.tenant");
        if let Some(events) = &query.events {
            sql.push(" WHERE l.event IN ").texts(events.iter().map(String::as_str));
        }
        sql.push(" ORDER BY l.position LIMIT ").bind(limit);
        sql.push(") SELECT w.position, w.tenant, w.seq, w.slug, NULL, NULL FROM wanted w UNION ALL ");
        sql.push(
            "SELECT (SELECT MAX(l.position) FROM looked l), NULL, (SELECT COUNT(*) FROM looked l), NULL, ",
        )
        .push(ENDS);
        let (mut places, mut found) = (Vec::new(), None);
        for row in self.all(sql).await? {
            match row.try_get_by_index::<Option<Uuid>>(1)? {
                Some(tenant) => places.push(Place {
                    position: row.try_get_by_index(0)?,
                    tenant,
                    number: row.try_get_by_index(2)?,
                    slug: row.try_get_by_index(3)?,
                }),
                None => {
                    let ends =
                        FeedEnds { forgotten: row.try_get_by_index(4)?, last: row.try_get_by_index(5)? };
                    found = Some((
                        row.try_get_by_index::<Option<i64>>(0)?,
                        row.try_get_by_index::<i64>(2)?,
                        ends,
                    ));
                }
            }
        }
        let (end, looked, ends) = found.ok_or_else(|| unreadable("feed_ends", "no row"))?;
        places.sort_by_key(|place| place.position);
        let more = looked >= most;
        // All that there is was looked at: nothing before the end of the feed comes later.
        let last = if more { end.unwrap_or(query.after) } else { ends.last.max(query.after) };
        Ok(Looked { places, last, more, ends })
    }

    /// Appends the events of these places; gives how large they are, in bytes.
    pub(crate) async fn tell(
        &self,
        places: &[Place],
        items: &mut Vec<FeedEvent>,
    ) -> Result<usize, StoreError> {
        let (mut found, mut bytes) = (HashMap::new(), 0);
        for row in self.all(self.by_number(places)).await? {
            bytes += row.try_get::<Option<String>>("", "body")?.map_or(0, |body| body.len());
            found.insert((row.try_get::<Uuid>("", "tenant")?, row.try_get::<i64>("", "seq")?), row_of(&row)?);
        }
        for place in places {
            let Place { position, tenant, number, .. } = *place;
            // No event is ever removed.
            let record = found
                .remove(&(tenant, number))
                .ok_or_else(|| unreadable("feed", format_args!("no event is at place {position}")))?;
            let slug = place.slug.clone();
            items.push(FeedEvent { position, tenant: TenantId(tenant), slug, number, record });
        }
        Ok(bytes)
    }

    fn by_number(&self, places: &[Place]) -> Sql {
        let mut sql = self.sql();
        match self.inner.backend {
            Backend::Postgres => {
                let mut order: Vec<&Place> = places.iter().collect();
                order.sort_by_key(|place| (place.tenant, place.number));
                let list = |texts: Vec<String>| Value::from(format!("{{{}}}", texts.join(",")));
                let tenants = list(order.iter().map(|place| place.tenant.to_string()).collect());
                let numbers = list(order.iter().map(|place| place.number.to_string()).collect());
                sql.add("SELECT e.* FROM events_by_number(?::uuid[], ?::bigint[]) e", [tenants, numbers]);
            }
            Backend::Sqlite => {
                let pairs: Vec<(String, String)> = places
                    .iter()
                    .map(|place| (place.tenant.simple().to_string(), place.number.to_string()))
                    .collect();
                sql.push(
                    "SELECT o.tenant_id AS tenant, o.seq, o.id, o.event, o.object_type, o.object_id, o.object_version, \
                     o.actor_kind, o.actor_id, o.actor_name, o.cause, o.at, p.body FROM ",
                );
                sql.pairs(&pairs).push(
                    " AS x JOIN outbox o ON o.tenant_id = unhex(x.a) AND o.seq = CAST(x.b AS integer) \
                     AND o.seq IS NOT NULL LEFT JOIN payloads p ON p.tenant_id = o.tenant_id AND p.id = o.payload_id",
                );
            }
        }
        sql
    }

    /// A statement on what belongs to the installation.
    pub(crate) fn sql(&self) -> Sql {
        Sql::new(self.inner.backend, Uuid::nil())
    }

    pub(crate) async fn all(&self, sql: Sql) -> Result<Vec<QueryResult>, StoreError> {
        self.inner.read_once(sql.into_statement()).await
    }

    pub(crate) async fn one(&self, sql: Sql) -> Result<Option<QueryResult>, StoreError> {
        Ok(self.all(sql).await?.into_iter().next())
    }
}

/// What a look through the feed has found.
struct Looked {
    places: Vec<Place>,
    /// Up to here nothing else is wanted.
    last: i64,
    /// Was it ended before the end of the feed?
    more: bool,
    ends: FeedEnds,
}

/// A place of the feed.
pub(crate) struct Place {
    pub(crate) position: i64,
    pub(crate) tenant: Uuid,
    pub(crate) slug: String,
    pub(crate) number: i64,
}

fn row_of(row: &QueryResult) -> Result<Record, StoreError> {
    record(Row::from_query_result(row, "")?)
}
