//! The index of values inside users' documents, kept in the transaction of each change.

use scim_core::search::IndexedValue;

use uuid::Uuid;

use crate::{StoreError, UserId, tx::TenantTx, users::UserState};

impl TenantTx {
    /// Adds the values of a new user.
    pub(crate) async fn add_values(&self, id: UserId, values: &[IndexedValue]) -> Result<(), StoreError> {
        if values.is_empty() {
            return Ok(());
        }
        let mut sql = self.sql();
        sql.add(
            "INSERT INTO user_values (tenant_id, path, value, user_id) SELECT ?, x.a, x.b, ? FROM ",
            [self.tenant_value(), id.0.into()],
        );
        sql.pairs(&pairs(values)).push(" AS x WHERE TRUE ON CONFLICT DO NOTHING");
        self.run(sql).await?;
        Ok(())
    }

    /// Makes the values of several users those of their states.
    pub(crate) async fn renew_values_of(&self, states: &[(UserId, UserState)]) -> Result<(), StoreError> {
        let ids: Vec<Uuid> = states.iter().map(|(id, _)| id.0).collect();
        let mut rows = Vec::new();
        for (id, state) in states {
            let id = id.0.simple().to_string();
            let values = state.values.iter();
            rows.extend(values.map(|indexed| (id.clone(), indexed.path.clone(), indexed.value.clone())));
        }
        let mut sql = self.sql();
        sql.add("DELETE FROM user_values WHERE tenant_id = ? AND ", [self.tenant_value()]);
        sql.is_one_of("user_id", &ids).push(" AND (user_id, path, value) NOT IN (SELECT ");
        sql.dialect("x.a::uuid", "unhex(x.a)").push(", x.b, x.c FROM ").triples(&rows).push(" AS x)");
        self.run(sql).await?;
        let mut sql = self.sql();
        sql.add(
            "INSERT INTO user_values (tenant_id, path, value, user_id) SELECT ?, x.b, x.c, ",
            [self.tenant_value()],
        );
        sql.dialect("x.a::uuid", "unhex(x.a)").push(" FROM ").triples(&rows);
        sql.push(" AS x WHERE TRUE ON CONFLICT DO NOTHING");
        self.run(sql).await?;
        Ok(())
    }

    /// Removes the values of a user who is no longer there.
    pub(crate) async fn end_values(&self, id: UserId) -> Result<u64, StoreError> {
        let mut sql = self.sql();
        sql.add(
            "DELETE FROM user_values WHERE tenant_id = ? AND user_id = ?",
            [self.tenant_value(), id.0.into()],
        );
        self.run(sql).await
    }
}

fn pairs(values: &[IndexedValue]) -> Vec<(String, String)> {
    values.iter().map(|indexed| (indexed.path.clone(), indexed.value.clone())).collect()
}
