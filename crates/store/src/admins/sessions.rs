//! Sessions of the console: rows known by the digest of what the cookie holds, which people see and end.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set, sea_query::Expr};
use serde_json::json;

use super::{changes, event, touched};
use crate::{AdminId, ChangeContext, Platform, StoreError, entity::admin_sessions, tx::PlatformTx};

/// Sessions of one person, and as many that wait for a code; the oldest goes when there would be more.
const MOST: u64 = 50;
/// A session that was seen is not written again before this, in milliseconds.
pub const SEEN_STEP: i64 = 60_000;

/// A session as kept; `id_hash` is a digest of the cookie's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// Digest of the session id.
    pub id_hash: Vec<u8>,
    /// JSON.
    pub data: String,
    /// Milliseconds.
    pub expires_at: i64,
    /// Whose it is, if it is anybody's.
    pub seat: Option<Seat>,
}

/// Whose session it is, and from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seat {
    /// Who.
    pub admin: AdminId,
    /// The password was right, and a code is still to come.
    pub pending: bool,
    /// Milliseconds.
    pub created_at: i64,
    /// Milliseconds, at most [`SEEN_STEP`] too early.
    pub last_seen_at: i64,
    /// Where it was last seen.
    pub address: String,
    /// User-Agent.
    pub agent: String,
}

impl Platform {
    /// Keeps a new session. Of more than 50 that somebody is signed in with the oldest ends, and the epoch moves; those in
    /// which a code is still to come are counted apart, so that a password alone ends no session of its owner.
    pub async fn create_session(&self, session: &SessionRow) -> Result<(), StoreError> {
        let tx = self.inner.begin_write().await?;
        let seat = session.seat.as_ref();
        let row = admin_sessions::ActiveModel {
            id_hash: Set(session.id_hash.clone()),
            data: Set(session.data.clone()),
            admin_id: Set(seat.map(|seat| seat.admin.0)),
            pending: Set(seat.is_some_and(|seat| seat.pending)),
            created_at: Set(seat.map_or(tx.now, |seat| seat.created_at)),
            last_seen_at: Set(seat.map_or(tx.now, |seat| seat.last_seen_at)),
            address: Set(seat.map(|seat| seat.address.clone()).unwrap_or_default()),
            agent: Set(seat.map(|seat| seat.agent.clone()).unwrap_or_default()),
            expires_at: Set(session.expires_at),
        };
        admin_sessions::Entity::insert(row).exec_without_returning(&tx.db).await?;
        let ended = match seat {
            Some(seat) => forget_oldest(&tx, seat).await?,
            None => false,
        };
        // Nodes remember who sits in a session.
        if ended { tx.commit_configuration().await } else { tx.commit().await }
    }

    /// Replaces data and end of a session. One that has ended meanwhile does not come back. Whose the session is and since
    /// when does not change, but whether a code is still to come.
    pub async fn save_session(&self, session: &SessionRow) -> Result<(), StoreError> {
        let tx = self.inner.begin_write().await?;
        let seat = session.seat.as_ref();
        let row = admin_sessions::ActiveModel {
            data: Set(session.data.clone()),
            admin_id: Set(seat.map(|seat| seat.admin.0)),
            pending: Set(seat.is_some_and(|seat| seat.pending)),
            expires_at: Set(session.expires_at),
            ..Default::default()
        };
        admin_sessions::Entity::update_many()
            .set(row)
            .filter(admin_sessions::Column::IdHash.eq(session.id_hash.clone()))
            .exec(&tx.db)
            .await?;
        tx.commit().await
    }

    /// A session that has not expired.
    pub async fn session(&self, id_hash: &[u8]) -> Result<Option<SessionRow>, StoreError> {
        let query = admin_sessions::Entity::find_by_id(id_hash.to_vec())
            .filter(admin_sessions::Column::ExpiresAt.gt((self.inner.clock)()));
        Ok(query.one(&self.inner.db).await?.map(SessionRow::from))
    }

    /// Notes that a session was used, unless that was noted within the last minute.
    pub async fn session_seen(&self, id_hash: &[u8], address: &str) -> Result<(), StoreError> {
        let tx = self.inner.begin_write().await?;
        admin_sessions::Entity::update_many()
            .col_expr(admin_sessions::Column::LastSeenAt, Expr::value(tx.now))
            .col_expr(admin_sessions::Column::Address, Expr::value(address))
            .filter(admin_sessions::Column::IdHash.eq(id_hash.to_vec()))
            .filter(admin_sessions::Column::LastSeenAt.lte(tx.now.saturating_sub(SEEN_STEP)))
            .exec(&tx.db)
            .await?;
        tx.commit().await
    }

    /// Somebody's sessions that have not expired and in which they are signed in, the last used first.
    pub async fn sessions_of(&self, admin: AdminId) -> Result<Vec<SessionRow>, StoreError> {
        let rows = admin_sessions::Entity::find()
            .filter(admin_sessions::Column::AdminId.eq(admin.0))
            .filter(admin_sessions::Column::Pending.eq(false))
            .filter(admin_sessions::Column::ExpiresAt.gt((self.inner.clock)()))
            .order_by_desc(admin_sessions::Column::LastSeenAt)
            .limit(MOST)
            .all(&self.inner.db)
            .await?;
        Ok(rows.into_iter().map(SessionRow::from).collect())
    }

    /// Ends a session; moves the epoch if it was somebody's, so that no node goes on with it from memory.
    pub async fn delete_session(&self, id_hash: &[u8]) -> Result<(), StoreError> {
        let tx = self.inner.begin_write().await?;
        let anybodys = admin_sessions::Entity::delete_many()
            .filter(admin_sessions::Column::IdHash.eq(id_hash.to_vec()))
            .filter(admin_sessions::Column::AdminId.is_not_null())
            .exec(&tx.db)
            .await?;
        if anybodys.rows_affected > 0 {
            return tx.commit_configuration().await;
        }
        admin_sessions::Entity::delete_by_id(id_hash.to_vec()).exec(&tx.db).await?;
        tx.commit().await
    }

    /// Ends one session of somebody and moves the epoch; `false`: they have no such one. Event `admin.signed-out`.
    pub async fn end_session(
        &self,
        admin: AdminId,
        id_hash: &[u8],
        context: &ChangeContext,
    ) -> Result<bool, StoreError> {
        let tx = self.inner.begin_write().await?;
        let ended = admin_sessions::Entity::delete_many()
            .filter(admin_sessions::Column::IdHash.eq(id_hash.to_vec()))
            .filter(admin_sessions::Column::AdminId.eq(admin.0))
            .exec(&tx.db)
            .await?;
        if ended.rows_affected == 0 {
            return Ok(false);
        }
        signed_out(tx, admin, 1, context).await?;
        Ok(true)
    }

    /// Ends all sessions of somebody but the one of this digest, and moves the epoch; gives their number. Event
    /// `admin.signed-out`.
    pub async fn end_sessions(
        &self,
        admin: AdminId,
        keep: Option<&[u8]>,
        context: &ChangeContext,
    ) -> Result<u64, StoreError> {
        let tx = self.inner.begin_write().await?;
        let ended = changes::end_sessions(&tx, admin, keep).await?;
        if ended > 0 {
            signed_out(tx, admin, ended, context).await?;
        }
        Ok(ended)
    }

    /// Removes expired sessions; gives their number.
    pub async fn delete_expired_sessions(&self) -> Result<u64, StoreError> {
        let tx = self.inner.begin_write().await?;
        let expired = admin_sessions::Column::ExpiresAt.lte(tx.now);
        let gone = admin_sessions::Entity::delete_many().filter(expired).exec(&tx.db).await?;
        tx.commit().await?;
        Ok(gone.rows_affected)
    }
}

async fn signed_out(
    tx: PlatformTx,
    admin: AdminId,
    sessions: u64,
    context: &ChangeContext,
) -> Result<(), StoreError> {
    if let Some((admin, version)) = touched(&tx, admin).await? {
        tx.record(event("admin.signed-out", &admin, version, json!({ "sessions": sessions })), context)
            .await?;
    }
    tx.commit_configuration().await
}

/// Ends the oldest of somebody's sessions of the same kind, if there are too many. Did one end that people sign in with?
async fn forget_oldest(tx: &PlatformTx, seat: &Seat) -> Result<bool, StoreError> {
    let oldest = admin_sessions::Entity::find()
        .filter(admin_sessions::Column::AdminId.eq(seat.admin.0))
        .filter(admin_sessions::Column::Pending.eq(seat.pending))
        .order_by_desc(admin_sessions::Column::CreatedAt)
        .offset(MOST)
        .limit(MOST)
        .all(&tx.db)
        .await?;
    if oldest.is_empty() {
        return Ok(false);
    }
    let ids = oldest.into_iter().map(|row| row.id_hash);
    let theirs = admin_sessions::Column::IdHash.is_in(ids);
    admin_sessions::Entity::delete_many().filter(theirs).exec(&tx.db).await?;
    Ok(!seat.pending)
}

impl From<admin_sessions::Model> for SessionRow {
    fn from(row: admin_sessions::Model) -> Self {
        let seat = row.admin_id.map(|admin| Seat {
            admin: AdminId(admin),
            pending: row.pending,
            created_at: row.created_at,
            last_seen_at: row.last_seen_at,
            address: row.address,
            agent: row.agent,
        });
        Self { id_hash: row.id_hash, data: row.data, expires_at: row.expires_at, seat }
    }
}
