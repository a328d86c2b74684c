//! Lists: resolves the names of a request, reads rows and renders them; [`pages`] goes from page to page.

mod order;
mod pages;

use scim_core::{
    ResourceKind, ResourceType, ScimError, filter, leniency::Leniencies, path::Resolved, resource::AttrRef,
    schema::AttributeType,
};
use store::{
    ListQuery, Page, Part, Resource, RootQuery, Sort, Start, TenantScope, Total, groups::Group,
    users::KeptUser, walks::Walk,
};
use uuid::Uuid;

use crate::{
    Paging, Provisioner, Query, Rendered, RenderedPage, Request, answer, attempts::whole, scim_error,
};
use pages::Listing;

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

    /// The query of a part of the list.
    pub(crate) fn list(&self, start: Start, limit: u64, total: Total) -> ListQuery {
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
                let page = scope.kept_users(&selected.list(start, limit, total)).await;
                self.users(page.map_err(scim_error)?)
            }
            Self::Groups(selected) => {
                let page = scope.groups(&selected.list(start, limit, total)).await;
                Ok(self.groups(scope, page.map_err(scim_error)?))
            }
            Self::Root(_) => {
                let page = scope.resources(&self.root(start, limit, total)).await;
                Ok(self.resources(scope, page.map_err(scim_error)?))
            }
        }
    }

    /// The same of a walk by startIndex: see [`TenantScope::walk_users`].
    async fn walked(
        &self,
        scope: &TenantScope,
        start: Start,
        limit: u64,
        walk: &Walk,
    ) -> Result<Rows, ScimError> {
        match self {
            Self::Users(selected) => {
                let query = selected.list(start, limit, Total::Whole);
                let page = whole(|| scope.walk_users(&query, walk)).await;
                self.users(page.map_err(scim_error)?)
            }
            Self::Groups(selected) => {
                let query = selected.list(start, limit, Total::Whole);
                let page = whole(|| scope.walk_groups(&query, walk)).await;
                Ok(self.groups(scope, page.map_err(scim_error)?))
            }
            Self::Root(_) => {
                let query = self.root(start, limit, Total::Whole);
                let page = whole(|| scope.walk_resources(&query, walk)).await;
                Ok(self.resources(scope, page.map_err(scim_error)?))
            }
        }
    }

    fn users(&self, page: Page<KeptUser>) -> Result<Rows, ScimError> {
        let request = self.request();
        let row = |user: KeptUser| Ok((user.id.0, answer::kept_user(request, user)?));
        let rows = page.items.into_iter().map(row).collect::<Result<_, ScimError>>()?;
        Ok(Rows { total: page.total, rows, more: page.more })
    }

    fn groups(&self, scope: &TenantScope, page: Page<Group>) -> Rows {
        let row = |group: &Group| {
            let part = &self.parts()[0];
            (group.id.0, answer::group(part.request, scope, part.kind, group))
        };
        Rows { total: page.total, rows: page.items.iter().map(row).collect(), more: page.more }
    }

    fn resources(&self, scope: &TenantScope, page: Page<Resource>) -> Rows {
        let rows = page.items.iter().filter_map(|item| Some((item.id(), self.render(scope, item)?)));
        Rows { total: page.total, rows: rows.collect(), more: page.more }
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
