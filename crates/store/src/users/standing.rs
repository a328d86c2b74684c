//! Active users, or inactive ones, for whoever reads all of them: by name, from page to page by key.

use super::{
    User,
    read::{USERS, user},
};
use crate::{StoreError, TenantScope};

impl TenantScope {
    /// Live users who are active, or who are not, with their groups, in the order of folded userNames: those after a name,
    /// whether somebody has it or not, or the first ones. [`StoreError::TooMany`] when they are in very many groups in all.
    pub async fn users_of_standing(
        &self,
        active: bool,
        after: Option<&str>,
        limit: u64,
    ) -> Result<Vec<User>, StoreError> {
        let tx = self.read().await?;
        let mut sql = tx.select(USERS);
        // As the index has it (`users_by_name`).
        sql.push(if active { " AND r.active = TRUE" } else { " AND r.active = FALSE" });
        if let Some(after) = after {
            sql.push(" AND r.user_name_key").by_code_point().push(" > ").bind(after);
        }
        sql.push(" ORDER BY r.user_name_key").by_code_point();
        sql.push(" LIMIT ").bind(i64::try_from(limit).unwrap_or(i64::MAX));
        let mut users = tx.all(sql).await?.iter().map(user).collect::<Result<Vec<_>, _>>()?;
        tx.add_groups(users.iter_mut().map(|user| (user.id, &mut user.groups))).await?;
        tx.commit().await?;
        Ok(users)
    }
}
