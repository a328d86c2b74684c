//! A page of a walk by startIndex: goes on after the row that the last page ended with, and marks where the next one will.

use scim_core::filter::Filter;
use uuid::Uuid;

use super::{Mark, Walk};
use crate::{
    ListQuery, Page, Resource, RootQuery, Start, StoreError, TenantScope, Total, groups::Group,
    store::Backend, tx::TenantTx, users::KeptUser,
};

impl TenantScope {
    /// A page of users from `query.start`, an offset: live, or, where the same walk left a mark for this place, what comes
    /// after the row that it names; then the total is the offset and what is left. `query.total` means nothing.
    pub async fn walk_users(&self, query: &ListQuery, walk: &Walk) -> Result<Page<KeptUser>, StoreError> {
        let query = ListQuery { total: Total::Whole, ..query.clone() };
        if self.has_page_by_place(&query) {
            return self.page_by_place(&query, Some(walk)).await;
        }
        if query.start == Start::Offset(0) && query.filter.is_some() {
            // Nobody walks through it yet; mostly a key leads to it, and there is no second page.
            let page = self.kept_users(&query).await?;
            if page.more {
                self.step(walk, &query.start, []).await?.end(&page, |user| user.id.0).await?;
            }
            return Ok(page);
        }
        let step = self.step(walk, &query.start, [query.filter.as_ref()]).await?;
        let (start, total) = step.window();
        let mut page = step.tx.users(&ListQuery { start, total, ..query }).await?;
        page.total += step.end(&page, |user| user.id.0).await?;
        Ok(page)
    }

    /// The same of groups.
    pub async fn walk_groups(&self, query: &ListQuery, walk: &Walk) -> Result<Page<Group>, StoreError> {
        let step = self.step(walk, &query.start, [query.filter.as_ref()]).await?;
        let (start, total) = step.window();
        let mut page = step.tx.groups(&ListQuery { start, total, ..query.clone() }).await?;
        page.total += step.end(&page, |group| group.id.0).await?;
        Ok(page)
    }

    /// The same of all types.
    pub async fn walk_resources(&self, query: &RootQuery, walk: &Walk) -> Result<Page<Resource>, StoreError> {
        let filters = query.parts.iter().map(|part| part.filter.as_ref());
        let step = self.step(walk, &query.start, filters).await?;
        let (start, total) = step.window();
        let mut page = step.tx.resources(&RootQuery { start, total, ..query.clone() }).await?;
        page.total += step.end(&page, Resource::id).await?;
        Ok(page)
    }

    /// Begins to read a page; `filters` are those of its list.
    async fn step<'w>(
        &self,
        walk: &'w Walk,
        start: &Start,
        filters: impl IntoIterator<Item = Option<&Filter>>,
    ) -> Result<Step<'w>, StoreError> {
        let offset = match start {
            Start::Offset(offset) => *offset,
            Start::After(_) | Start::Before(_) | Start::Among(_) => 0,
        };
        let tx = self.read_for(filters).await?;
        let mark = match offset {
            0 => None,
            offset => tx.mark(walk, offset + 1).await?,
        };
        Ok(Step { scope: self.clone(), tx, walk, offset, mark })
    }
}

/// A page in the making.
struct Step<'w> {
    scope: TenantScope,
    tx: TenantTx,
    walk: &'w Walk,
    offset: u64,
    /// What was left for it.
    mark: Option<Mark>,
}

impl Step<'_> {
    /// Which part of the list it is.
    fn window(&self) -> (Start, Total) {
        match self.mark {
            Some(Mark::After(id)) => (Start::After(id), Total::Remaining),
            _ => (Start::Offset(self.offset), Total::Whole),
        }
    }

    /// Leaves the mark for the next page, if there is one, or if this one was walked to: the end of a walk is marked too, so
    /// that what comes after it is nothing, not a position. Gives what the page's total lacks.
    async fn end<T>(self, page: &Page<T>, id: impl Fn(&T) -> Uuid) -> Result<u64, StoreError> {
        let before = if matches!(self.mark, Some(Mark::After(_))) { self.offset } else { 0 };
        let last = page.items.last().filter(|_| page.more || self.mark.is_some());
        let Some(last) = last else {
            self.tx.commit().await?;
            return Ok(before);
        };
        let next = self.offset + page.items.len() as u64 + 1;
        let mark = Mark::After(id(last));
        if self.tx.has_mark(self.walk, next, mark).await? {
            self.tx.commit().await?;
            return Ok(before);
        }
        let begins = self.mark.is_none();
        match self.tx.backend {
            Backend::Postgres => {
                self.tx.leave(self.walk, next, mark, begins).await?;
                self.tx.commit().await?;
            }
            // A transaction that has read may not begin to write.
            Backend::Sqlite => {
                self.tx.commit().await?;
                self.scope.leave_mark(self.walk, next, mark, begins).await?;
            }
        }
        Ok(before)
    }
}
