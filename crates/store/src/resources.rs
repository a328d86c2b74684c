//! Queries over users and groups at once (RFC 7644 §3.4.2.1).

use scim_core::ResourceKind;
use uuid::Uuid;

use crate::{
    Page, Resource, RootQuery, Start, StoreError, TenantScope, Total,
    groups::{GROUPS, group},
    rows::{Select, Table, Window},
    tx::TenantTx,
    users::{USERS, user},
};

impl TenantScope {
    /// Live users and groups that match, in one order.
    pub async fn resources(&self, query: &RootQuery) -> Result<Page<Resource>, StoreError> {
        let tx = self.read_for(query.parts.iter().map(|part| part.filter.as_ref())).await?;
        let page = tx.resources(query).await?;
        tx.commit().await?;
        Ok(page)
    }
}

impl TenantTx {
    /// Live users and groups that match, in one order.
    pub(crate) async fn resources(&self, query: &RootQuery) -> Result<Page<Resource>, StoreError> {
        let selects: Vec<Select<'_>> = query.selects().collect();
        let found = self.page_of_ids(&selects, query.window()).await?;
        let mut items = Vec::with_capacity(found.rows.len());
        for part in &query.parts {
            items.extend(self.resources_of(part.kind, &found.rows, part.edges).await?);
        }
        let place = |id: Uuid| found.rows.iter().position(|listed| *listed == id);
        items.sort_by_cached_key(|item| place(item.id()));
        Ok(Page { total: found.total, items, more: found.more })
    }

    /// Those of the ids that belong to rows of one type.
    async fn resources_of(
        &self,
        kind: ResourceKind,
        ids: &[Uuid],
        edges: bool,
    ) -> Result<Vec<Resource>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        match kind {
            ResourceKind::User => {
                let rows = self.rows_among(USERS, ids).await?;
                let mut users = rows.iter().map(user).collect::<Result<Vec<_>, _>>()?;
                if edges {
                    self.add_groups(users.iter_mut().map(|user| (user.id, &mut user.groups))).await?;
                }
                Ok(users.into_iter().map(Resource::User).collect())
            }
            ResourceKind::Group => {
                let rows = self.rows_among(GROUPS, ids).await?;
                let mut groups = rows.iter().map(group).collect::<Result<Vec<_>, _>>()?;
                if edges {
                    self.add_members(&mut groups).await?;
                }
                Ok(groups.into_iter().map(Resource::Group).collect())
            }
        }
    }

    async fn rows_among(&self, table: Table, ids: &[Uuid]) -> Result<Vec<sea_orm::QueryResult>, StoreError> {
        let start = Start::Among(ids.to_vec());
        let window = Window { start: &start, limit: ids.len() as u64, total: Total::Remaining };
        Ok(self.page(Select { table, filter: None, sort: None }, window).await?.rows)
    }
}
