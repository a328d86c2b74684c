//! From page to page, in the way that the client asked for.
//!
//! By **index** (RFC 7644 §3.4.2.4): when the same caller repeats the same query with startIndex where its last page
//! ended, the page goes on after the last row that was sent, so that rows that come or go meanwhile move nobody out of
//! sight. By **cursor** (RFC 9865): the same, written into the cursor.

use scim_core::{ScimError, ScimType};
use sha2::{Digest as _, Sha256};
use store::{
    Start, TenantScope, Total,
    walks::{Mark, Walk},
};

use super::{
    Row, Rows, Selected, Source,
    order::{MAX_SORTED, Order},
};
use crate::{
    ListPosition, Query, RenderedPage,
    attempts::whole,
    cursor::{self, Cursor, Digest, Place},
    scim_error,
};

/// One request for a page.
pub(super) struct Listing<'a> {
    pub(super) source: &'a Source<'a>,
    pub(super) scope: TenantScope,
    pub(super) now: i64,
    pub(super) query: &'a Query,
}

impl Listing<'_> {
    async fn rows(&self, start: Start, total: Total) -> Result<Rows, ScimError> {
        self.source.rows(&self.scope, start, self.query.count, total).await
    }

    fn offset(&self) -> u64 {
        self.query.start_index.max(1) - 1
    }

    fn at_index(&self, total: u64, rows: Vec<Row>) -> RenderedPage {
        page_of(total, rows, ListPosition::Index(self.offset() + 1))
    }

    /// The list as it is at this moment.
    pub(super) async fn live(&self) -> Result<RenderedPage, ScimError> {
        let found = self.rows(Start::Offset(self.offset()), Total::Whole).await?;
        Ok(self.at_index(found.total, found.rows))
    }

    pub(super) async fn by_index(&self) -> Result<RenderedPage, ScimError> {
        let (start, walk) = (Start::Offset(self.offset()), self.walk());
        let found = self.source.walked(&self.scope, start, self.query.count, &walk).await?;
        Ok(self.at_index(found.total, found.rows))
    }

    pub(super) async fn sorted_by_index(&self) -> Result<RenderedPage, ScimError> {
        let (walk, offset) = (self.walk(), self.offset());
        let marked = match self.mark(&walk).await? {
            Some(Mark::Listed { snapshot, position }) => {
                Order::open(self, &walk.walker, snapshot, position).await?.map(|order| (order, position))
            }
            _ => None,
        };
        let begins = marked.is_none();
        let (mut order, position) = match marked {
            Some(marked) => marked,
            None => match Order::begin(self).await? {
                Some(order) => (order, offset),
                // Too long to write its order down: the list as it is at this moment.
                None => return self.live().await,
            },
        };
        let (rows, next) = order.page(self, &walk.walker, position).await?;
        // Those that are gone are found out page by page; at the last one the number is what was sent.
        let rest = order.length.saturating_sub(next);
        let total = if begins { order.length } else { offset + rows.len() as u64 + rest };
        if !rows.is_empty() && (rest > 0 || !begins) {
            let snapshot = order.keep(self, &walk.walker).await?;
            let mark = Mark::Listed { snapshot, position: next };
            let at = offset + rows.len() as u64 + 1;
            self.leave(&walk, at, mark, begins).await?;
        }
        Ok(self.at_index(total, rows))
    }

    /// The mark that the same caller left for this page of the same list.
    async fn mark(&self, walk: &Walk) -> Result<Option<Mark>, ScimError> {
        match self.offset() {
            0 => Ok(None),
            offset => self.scope.mark(walk, offset + 1).await.map_err(scim_error),
        }
    }

    async fn leave(&self, walk: &Walk, start_index: u64, mark: Mark, begins: bool) -> Result<(), ScimError> {
        whole(|| self.scope.leave_mark(walk, start_index, mark, begins)).await.map_err(scim_error)
    }

    pub(super) async fn by_cursor(&self, text: &str) -> Result<RenderedPage, ScimError> {
        let start = match self.cursor(text)? {
            None => Start::Offset(0),
            Some(Place::After(id)) => Start::After(id),
            Some(Place::Before(id)) => Start::Before(id),
            Some(Place::Listed(..)) => return Err(cursor::expired()),
        };
        let found = self.rows(start.clone(), Total::Whole).await?;
        let ends = found.rows.first().zip(found.rows.last()).map(|((first, _), (last, _))| (*first, *last));
        let (previous, next) = match (start, ends) {
            (_, None) => (None, None),
            (Start::Before(_), Some((first, last))) => (found.more.then_some(first), Some(last)),
            (Start::After(_), Some((first, last))) => (Some(first), found.more.then_some(last)),
            (_, Some((_, last))) => (None, found.more.then_some(last)),
        };
        Ok(self.at_cursor(found.total, found.rows, previous.map(Place::Before), next.map(Place::After)))
    }

    pub(super) async fn sorted_by_cursor(&self, text: &str) -> Result<RenderedPage, ScimError> {
        let walker = self.walk().walker;
        let (mut order, position) = match self.cursor(text)? {
            None => (Order::begin(self).await?.ok_or_else(too_many)?, 0),
            Some(Place::Listed(snapshot, position)) => {
                let order = Order::open(self, &walker, snapshot, position).await?;
                (order.ok_or_else(cursor::expired)?, position)
            }
            Some(_) => return Err(cursor::expired()),
        };
        let (rows, next) = order.page(self, &walker, position).await?;
        let (mut previous, mut following) = (None, None);
        if self.query.count > 0 && (position > 0 || next < order.length) {
            let snapshot = order.keep(self, &walker).await?;
            let before = position.saturating_sub(self.query.count);
            previous = (position > 0).then_some(Place::Listed(snapshot, before));
            following = (next < order.length).then_some(Place::Listed(snapshot, next));
        }
        Ok(self.at_cursor(order.length, rows, previous, following))
    }

    /// Where a cursor leads; `None` for the empty one, which is the first page.
    fn cursor(&self, text: &str) -> Result<Option<Place>, ScimError> {
        if text.is_empty() {
            return Ok(None);
        }
        Cursor::parse(text, self.digest(), self.query.count, self.now).map(|cursor| Some(cursor.place))
    }

    fn at_cursor(
        &self,
        total: u64,
        rows: Vec<Row>,
        previous: Option<Place>,
        next: Option<Place>,
    ) -> RenderedPage {
        let write =
            |place| Cursor { query: self.digest(), count: self.query.count, at: self.now, place }.write();
        let position = ListPosition::Cursor { previous: previous.map(write), next: next.map(write) };
        page_of(total, rows, position)
    }

    fn walk(&self) -> Walk {
        Walk { walker: self.source.request().context.actor.id.clone(), query: self.digest().to_vec() }
    }

    /// All that must stay the same while one caller walks through one list.
    fn digest(&self) -> Digest {
        let parts = self.source.parts();
        let projection = |part: &Selected<'_>| {
            (
                part.kind.kind.name(),
                part.request.projection.attributes.clone(),
                part.request.projection.excluded.clone(),
            )
        };
        let parts: Vec<_> = parts.iter().map(projection).collect();
        let actor = &self.source.request().context.actor;
        let text = serde_json::json!([
            actor.id,
            parts,
            self.query.filter,
            self.query.sort_by,
            self.query.descending,
        ])
        .to_string();
        let hash = Sha256::digest(text);
        let mut digest = Digest::default();
        digest.copy_from_slice(&hash[..16]);
        digest
    }
}

/// The page of these rows.
fn page_of(total: u64, rows: Vec<Row>, position: ListPosition) -> RenderedPage {
    let (mut resources, mut more_members) = (Vec::with_capacity(rows.len()), Vec::new());
    for (place, (_, rendered)) in rows.into_iter().enumerate() {
        resources.push(rendered.body);
        more_members.extend(rendered.more_members.map(|more| (place, more)));
    }
    RenderedPage { total, resources, more_members, position }
}

fn too_many() -> ScimError {
    ScimError::bad_request(
        ScimType::TooMany,
        format!(
            "sortBy: a list of more than {MAX_SORTED} resources cannot be walked through in another order than that \
             of their creation; narrow the filter, or leave sortBy out."
        ),
    )
}
