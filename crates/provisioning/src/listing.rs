//! Lists: resolves the names of a request, and goes through the list in the way that the client asked for.
//!
//! By **index** (RFC 7644 §3.4.2.4): when the same caller repeats the same query with startIndex where its last page
//! ended, the page goes on after the last row that was sent, so that rows that come or go meanwhile move nobody out of
//! sight. By **cursor** (RFC 9865): the same, written into the cursor.

use scim_core::{
    ResourceKind, ResourceType, ScimError, ScimType, filter, leniency::Leniencies, path::Resolved,
    resource::AttrRef, schema::AttributeType,
};
use sha2::{Digest as _, Sha256};
use store::{
    ListQuery, Part, Resource, RootQuery, Sort, Start, TenantScope, Total,
    walks::{Mark, Walk},
};
use uuid::Uuid;

use crate::{
    ListPosition, Paging, Provisioner, Query, Rendered, RenderedPage, Request, answer,
    attempts::whole,
    cursor::{self, Cursor, Digest, Place},
    scim_error,
};

/// Longest sorted list that can be walked through: its order is written down.
pub(crate) const MAX_SORTED: u64 = 100_000;

/// What is listed, names resolved.
pub(crate) enum Source<'a> {
    /// `/Users`.
    Users(Selected<'a>),
    /// `/Groups`.
    Groups(Selected<'a>),
    /// All types.
    Root(Vec<Selected<'a>>),
}

/// One resource type of a list.
pub(crate) struct Selected<'a> {
    /// The request, with the projection for this type.
    pub(crate) request: Request<'a>,
    kind: &'a ResourceType,
    filter: Option<filter::Filter>,
    sort: Option<Sort>,
    edges: bool,
}

impl<'a> Selected<'a> {
    /// Binds a query at the endpoint of a type: 400 for a name that the type does not know.
    pub(crate) fn bind(
        request: Request<'a>,
        kind: &'a ResourceType,
        query: &Query,
    ) -> Result<Self, ScimError> {
        let leniencies = request.tenant.profile.leniencies;
        let filter =
            query.filter.as_deref().map(|text| filter::parse(text, kind, leniencies.boolean_strings));
        let by = query.sort_by.as_deref().map(|path| sort_key(kind, path)).transpose()?.flatten();
        Ok(Self::new(request, kind, filter.transpose()?, by, query))
    }

    /// Binds a query over several types: a name that the type does not know has no value in it.
    pub(crate) fn bind_at_root(
        request: Request<'a>,
        kind: &'a ResourceType,
        query: &Query,
    ) -> Result<Self, ScimError> {
        let leniencies: Leniencies = request.tenant.profile.leniencies;
        let bind = |text| filter::parse_at_root(text, kind, leniencies.boolean_strings);
        let filter = query.filter.as_deref().map(bind).transpose()?;
        let by = query.sort_by.as_deref().and_then(|path| sort_key(kind, path).ok().flatten());
        Ok(Self::new(request, kind, filter, by, query))
    }

    fn new(
        request: Request<'a>,
        kind: &'a ResourceType,
        filter: Option<filter::Filter>,
        by: Option<AttrRef>,
        query: &Query,
    ) -> Self {
        let sort = by.map(|by| Sort { by, descending: query.descending });
        Self { request, kind, filter, sort, edges: request.projection.wants_edges(kind) }
    }

    fn list(&self, start: Start, limit: u64, total: Total) -> ListQuery {
        let (filter, sort) = (self.filter.clone(), self.sort.clone());
        ListQuery { filter, sort, start, limit, total, edges: self.edges }
    }

    fn part(&self) -> Part {
        Part { kind: self.kind.kind, filter: self.filter.clone(), sort: self.sort.clone(), edges: self.edges }
    }
}

/// Rows of a list, ready to be sent, each with its id.
struct Rows {
    total: u64,
    rows: Vec<Row>,
    more: bool,
}

/// A resource and its id.
type Row = (Uuid, Rendered);

impl Provisioner {
    /// A page of a list.
    pub(crate) async fn list(&self, source: &Source<'_>, query: &Query) -> Result<RenderedPage, ScimError> {
        let request = source.request();
        let listing = Listing { source, scope: self.scope(request), now: self.store.now(), query };
        match &query.paging {
            Paging::Live => listing.live().await,
            Paging::Index if source.is_sorted() => listing.sorted_by_index().await,
            Paging::Index => listing.by_index().await,
            Paging::Cursor(text) if source.is_sorted() => listing.sorted_by_cursor(text).await,
            Paging::Cursor(text) => listing.by_cursor(text).await,
        }
    }
}

impl Source<'_> {
    fn request(&self) -> Request<'_> {
        match self {
            Self::Users(selected) | Self::Groups(selected) => selected.request,
            Self::Root(parts) => parts[0].request,
        }
    }

    fn parts(&self) -> &[Selected<'_>] {
        match self {
            Self::Users(selected) | Self::Groups(selected) => std::slice::from_ref(selected),
            Self::Root(parts) => parts,
        }
    }

    fn is_sorted(&self) -> bool {
        self.parts().iter().any(|part| part.sort.is_some())
    }

    fn root(&self, start: Start, limit: u64, total: Total) -> RootQuery {
        RootQuery { parts: self.parts().iter().map(Selected::part).collect(), start, limit, total }
    }

    /// Rows of a part of the list.
    async fn rows(
        &self,
        scope: &TenantScope,
        start: Start,
        limit: u64,
        total: Total,
    ) -> Result<Rows, ScimError> {
        match self {
            Self::Users(selected) => {
                let page = scope.users(&selected.list(start, limit, total)).await.map_err(scim_error)?;
                let row = |user: &store::users::User| (user.id.0, answer::user(selected.request, user));
                Ok(Rows { total: page.total, rows: page.items.iter().map(row).collect(), more: page.more })
            }
            Self::Groups(selected) => {
                let page = scope.groups(&selected.list(start, limit, total)).await.map_err(scim_error)?;
                let row = |group: &store::groups::Group| {
                    (group.id.0, answer::group(selected.request, scope, selected.kind, group))
                };
                Ok(Rows { total: page.total, rows: page.items.iter().map(row).collect(), more: page.more })
            }
            Self::Root(_) => {
                let page = scope.resources(&self.root(start, limit, total)).await.map_err(scim_error)?;
                let rows = page.items.iter().filter_map(|item| Some((item.id(), self.render(scope, item)?)));
                Ok(Rows { total: page.total, rows: rows.collect(), more: page.more })
            }
        }
    }

    fn render(&self, scope: &TenantScope, resource: &Resource) -> Option<Rendered> {
        let part = |kind| self.parts().iter().find(|part| part.kind.kind == kind);
        match resource {
            Resource::User(user) => Some(answer::user(part(ResourceKind::User)?.request, user)),
            Resource::Group(group) => {
                let part = part(ResourceKind::Group)?;
                Some(answer::group(part.request, scope, part.kind, group))
            }
        }
    }

    /// The ids of the whole list in its order, at most `max`.
    async fn ids(&self, scope: &TenantScope, max: u64) -> Result<Vec<Uuid>, ScimError> {
        let (start, limit, total) = (Start::default(), 0, Total::Whole);
        match self {
            Self::Users(selected) => scope.user_ids(&selected.list(start, limit, total), max).await,
            Self::Groups(selected) => scope.group_ids(&selected.list(start, limit, total), max).await,
            Self::Root(_) => scope.resource_ids(&self.root(start, limit, total), max).await,
        }
        .map_err(scim_error)
    }
}

/// One request for a page.
struct Listing<'a> {
    source: &'a Source<'a>,
    scope: TenantScope,
    now: i64,
    query: &'a Query,
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
    async fn live(&self) -> Result<RenderedPage, ScimError> {
        let found = self.rows(Start::Offset(self.offset()), Total::Whole).await?;
        Ok(self.at_index(found.total, found.rows))
    }

    async fn by_index(&self) -> Result<RenderedPage, ScimError> {
        let (walk, offset) = (self.walk(), self.offset());
        let mark = self.mark(&walk).await?;
        let found = match mark {
            Some(Mark::After(id)) => {
                let rest = self.rows(Start::After(id), Total::Remaining).await?;
                Rows { total: offset + rest.total, ..rest }
            }
            _ => self.rows(Start::Offset(offset), Total::Whole).await?,
        };
        // The end of a walk is marked too: asked for what comes after it, the answer is "nothing", not a position.
        let walks = found.more || mark.is_some();
        if let (true, Some((last, _))) = (walks, found.rows.last()) {
            let next = offset + found.rows.len() as u64 + 1;
            self.leave(&walk, next, Mark::After(*last), mark.is_none()).await?;
        }
        Ok(self.at_index(found.total, found.rows))
    }

    async fn sorted_by_index(&self) -> Result<RenderedPage, ScimError> {
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

    async fn by_cursor(&self, text: &str) -> Result<RenderedPage, ScimError> {
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

    async fn sorted_by_cursor(&self, text: &str) -> Result<RenderedPage, ScimError> {
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

/// The order of a sorted list as it was when the walk began.
struct Order {
    /// Ids in the whole list.
    length: u64,
    /// Those at hand, and the place of the first of them.
    at_hand: (u64, Vec<Uuid>),
    /// Where all of them are kept, once they are.
    snapshot: Option<Uuid>,
}

impl Order {
    /// Of the list as it is now; `None` when it is too long.
    async fn begin(listing: &Listing<'_>) -> Result<Option<Self>, ScimError> {
        let ids = listing.source.ids(&listing.scope, MAX_SORTED + 1).await?;
        let length = ids.len() as u64;
        Ok((length <= MAX_SORTED).then_some(Self { length, at_hand: (0, ids), snapshot: None }))
    }

    /// As it was kept; `None` when it is no longer there.
    async fn open(
        listing: &Listing<'_>,
        walker: &str,
        snapshot: Uuid,
        position: u64,
    ) -> Result<Option<Self>, ScimError> {
        let stretch = listing.scope.stretch(walker, snapshot, position, listing.query.count).await;
        let stretch = stretch.map_err(scim_error)?;
        Ok(stretch.map(|stretch| Self {
            length: stretch.length,
            at_hand: (position, stretch.ids),
            snapshot: Some(snapshot),
        }))
    }

    /// Its id in the database.
    async fn keep(&mut self, listing: &Listing<'_>, walker: &str) -> Result<Uuid, ScimError> {
        if let Some(snapshot) = self.snapshot {
            return Ok(snapshot);
        }
        let keep = || listing.scope.keep_snapshot(walker, &self.at_hand.1);
        let kept = whole(keep).await.map_err(scim_error)?;
        self.snapshot = Some(kept);
        Ok(kept)
    }

    /// A full page from a place on, as long as there are rows: those that are gone are passed over. Gives also the
    /// place after it.
    async fn page(
        &mut self,
        listing: &Listing<'_>,
        walker: &str,
        mut position: u64,
    ) -> Result<(Vec<Row>, u64), ScimError> {
        let mut rows: Vec<Row> = Vec::new();
        while position < self.length {
            let missing = listing.query.count.saturating_sub(rows.len() as u64);
            if missing == 0 {
                break;
            }
            let ids = self.ids(listing, walker, position, missing).await?;
            if ids.is_empty() {
                break;
            }
            position += ids.len() as u64;
            let limit = ids.len() as u64;
            let found =
                listing.source.rows(&listing.scope, Start::Among(ids), limit, Total::Remaining).await?;
            rows.extend(found.rows);
        }
        Ok((rows, position))
    }

    /// Up to `count` ids from a place on.
    async fn ids(
        &mut self,
        listing: &Listing<'_>,
        walker: &str,
        position: u64,
        count: u64,
    ) -> Result<Vec<Uuid>, ScimError> {
        let (first, at_hand) = &self.at_hand;
        let skipped = usize::try_from(position - first).unwrap_or(usize::MAX);
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let ids: Vec<Uuid> = at_hand.iter().skip(skipped).take(count).copied().collect();
        let (true, Some(snapshot)) = (ids.is_empty(), self.snapshot) else { return Ok(ids) };
        let stretch = listing.scope.stretch(walker, snapshot, position, listing.query.count).await;
        let Some(stretch) = stretch.map_err(scim_error)? else { return Ok(Vec::new()) };
        self.at_hand = (position, stretch.ids);
        Ok(self.at_hand.1.iter().take(count).copied().collect())
    }
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

/// What a `sortBy` names; `None` when no resource has a value there, so that the order by id remains. A complex attribute
/// stands for its `value` (RFC 7644 §3.4.2.3).
fn sort_key(kind: &ResourceType, path: &str) -> Result<Option<AttrRef>, ScimError> {
    let shown: String = path.chars().take(100).collect();
    match kind.resolve_in_query(path.trim()) {
        Resolved::Attribute(mut target) => {
            if target.leaf().kind == AttributeType::Complex {
                let value = target.leaf().sub("value").cloned();
                target.sub = Some(value.ok_or_else(|| {
                    ScimError::invalid_value("sortBy", format!("{shown:?} has parts; name one of them."))
                })?);
            }
            Ok(Some(target))
        }
        Resolved::NotOffered(_) => Ok(None),
        Resolved::Extension(_) | Resolved::Unknown(_) => Err(ScimError::invalid_value(
            "sortBy",
            format!("{shown:?} is no attribute of {}; name one that its schema lists.", kind.kind.name()),
        )),
    }
}
