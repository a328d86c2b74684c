//! How destinations stand, all tenants' together: for operators.

use super::{COUNTED, DestinationKind, DestinationState};
use crate::{Platform, StoreError, words::value};

/// How the destinations of one kind stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// Which kind.
    pub kind: DestinationKind,
    /// Those that are sent events.
    pub active: u64,
    /// Those that somebody has paused.
    pub paused: u64,
    /// Those that have failed for too long.
    pub disabled: u64,
    /// Deliveries of active ones that have not ended; of each destination up to [`COUNTED`].
    pub waiting: u64,
    /// Deliveries of all of them that were attempted for the last time; likewise.
    pub dead: u64,
    /// When the oldest waiting one got its number, in milliseconds.
    pub oldest_at: Option<i64>,
}

impl Platform {
    /// How all destinations stand. Each kind is there, whether it is used or not.
    pub async fn backlog(&self) -> Result<[Backlog; 3], StoreError> {
        let none = Backlog {
            kind: DestinationKind::Webhook,
            active: 0,
            paused: 0,
            disabled: 0,
            waiting: 0,
            dead: 0,
            oldest_at: None,
        };
        let kinds = [DestinationKind::Webhook, DestinationKind::RedisStream, DestinationKind::Ldap];
        let mut found = kinds.map(|kind| Backlog { kind, ..none });
        let mut sql = self.sql();
        let most = sql.slot(COUNTED);
        sql.push("SELECT d.kind, d.state, (SELECT COUNT(*) FROM (SELECT 1 FROM deliveries x WHERE x.destination = d.id");
        sql.push(" AND x.state IN ('behind', 'due') LIMIT ").put(most);
        sql.push(") o), (SELECT COUNT(*) FROM (SELECT 1 FROM deliveries x WHERE x.destination = d.id");
        sql.push(" AND x.state = 'dead' LIMIT ").put(most);
        // The first of each object is due.
        sql.push(
            ") o), (SELECT MIN(x.numbered_at) FROM deliveries x WHERE x.destination = d.id AND x.state = 'due') \
             FROM destinations d",
        );
        for row in self.all(sql).await? {
            let kind: DestinationKind = value("kind", row.try_get_by_index(0)?)?;
            let state: DestinationState = value("state", row.try_get_by_index(1)?)?;
            let count = |at| -> Result<u64, StoreError> {
                Ok(u64::try_from(row.try_get_by_index::<i64>(at)?).unwrap_or_default())
            };
            let Some(of_kind) = found.iter_mut().find(|backlog| backlog.kind == kind) else { continue };
            of_kind.dead += count(3)?;
            match state {
                DestinationState::Active => {
                    of_kind.active += 1;
                    of_kind.waiting += count(2)?;
                    let oldest: Option<i64> = row.try_get_by_index(4)?;
                    of_kind.oldest_at = of_kind.oldest_at.into_iter().chain(oldest).min();
                }
                // What is sent to nobody waits because somebody wants it to, or is told by the state.
                DestinationState::Paused => of_kind.paused += 1,
                DestinationState::Disabled => of_kind.disabled += 1,
            }
        }
        Ok(found)
    }
}
