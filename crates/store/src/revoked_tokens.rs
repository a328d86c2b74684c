//! Access tokens that were revoked before their end. There is no row of any other: they live for an hour or so, and new
//! ones are asked for often.

use serde_json::json;
use uuid::Uuid;

use crate::{ChangeContext, CredentialId, StoreError, TenantScope, record::Event, tx::TenantTx};

/// Revoked tokens of a tenant that are kept at once. Whoever revokes so many within their lifetime revokes the client.
pub const MOST: i64 = 10_000;

/// A token to be revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its `jti`.
    pub id: Uuid,
    /// The client that it was made for.
    pub client: CredentialId,
    /// Its end, in milliseconds.
    pub expires_at: i64,
}

/// What became of a wish to revoke a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is revoked.
    Revoked,
    /// It was before.
    Already,
    /// The tenant has [`MOST`] already: it is not revoked.
    Full,
}

impl TenantScope {
    /// Revokes an access token and moves the epoch; what has ended is cleared away. Event `token.revoked`.
    pub async fn revoke_token(&self, token: &Token, context: &ChangeContext) -> Result<Outcome, StoreError> {
        let tx = self.write().await?;
        tx.clear_ended().await?;
        if tx.count_revoked().await? >= MOST {
            // What was cleared away stays so.
            tx.commit().await?;
            return Ok(Outcome::Full);
        }
        let mut sql = tx.sql();
        sql.add(
            "INSERT INTO revoked_tokens (tenant_id, token_id, expires_at) VALUES (?, ?, ?) \
             ON CONFLICT (tenant_id, token_id) DO NOTHING",
            [tx.tenant_value(), token.id.into(), token.expires_at.into()],
        );
        if tx.run(sql).await? == 0 {
            return Ok(Outcome::Already);
        }
        let state = json!({ "id": token.id, "clientId": token.client, "expiresAt": token.expires_at });
        let event = Event {
            event: "token.revoked",
            object_type: "AccessToken",
            object_id: token.id.to_string(),
            object_version: 1,
            live_delta: None,
            payload: json!({ "state": state, "before": null }).into(),
        };
        tx.record(vec![event], context).await?;
        tx.commit_configuration().await?;
        Ok(Outcome::Revoked)
    }

    /// Was the access token of this `jti` revoked?
    pub async fn is_token_revoked(&self, id: Uuid) -> Result<bool, StoreError> {
        let tx = self.read().await?;
        let mut sql = tx.sql();
        sql.add(
            "SELECT 1 FROM revoked_tokens WHERE tenant_id = ? AND token_id = ?",
            [tx.tenant_value(), id.into()],
        );
        let found = tx.one(sql).await?.is_some();
        tx.commit().await?;
        Ok(found)
    }

    /// Clears away the rows of tokens that have ended; gives their number. Where there are none it only reads.
    pub async fn forget_ended_tokens(&self) -> Result<u64, StoreError> {
        let tx = self.read().await?;
        let mut sql = tx.sql();
        sql.add(
            "SELECT 1 FROM revoked_tokens WHERE tenant_id = ? AND expires_at <= ? LIMIT 1",
            [tx.tenant_value(), tx.now.into()],
        );
        let found = tx.one(sql).await?.is_some();
        tx.commit().await?;
        if !found {
            return Ok(0);
        }
        let tx = self.write().await?;
        let cleared = tx.clear_ended().await?;
        tx.commit().await?;
        Ok(cleared)
    }
}

impl TenantTx {
    async fn clear_ended(&self) -> Result<u64, StoreError> {
        let mut sql = self.sql();
        sql.add(
            "DELETE FROM revoked_tokens WHERE tenant_id = ? AND expires_at <= ?",
            [self.tenant_value(), self.now.into()],
        );
        self.run(sql).await
    }

    async fn count_revoked(&self) -> Result<i64, StoreError> {
        let mut sql = self.sql();
        sql.add("SELECT count(*) FROM revoked_tokens WHERE tenant_id = ?", [self.tenant_value()]);
        let row = self.one(sql).await?;
        row.map_or(Ok(0), |row| Ok(row.try_get_by_index(0)?))
    }
}
