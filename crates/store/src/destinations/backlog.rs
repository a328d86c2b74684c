//! How destinations stand, all tenants' together: for operators.

use super::{COUNTED, DestinationKind, DestinationState};
use crate::{Platform, StoreError, statement::Sql, words::value};

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
    /// Deliveries of active ones that were attempted for the last time; likewise.
    pub dead: u64,
    /// When the oldest waiting one got its number, in milliseconds; of each destination the [`COUNTED`] are looked at that have
    /// been due for longest.
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
        let mut found = DestinationKind::ALL.map(|kind| Backlog { kind, ..none });
        let mut sql = self.sql();
        let most = sql.slot(COUNTED);
        // What is sent to nobody waits because somebody wants it to, or is told by the state: it is not looked at. The rest are
        // short stretches of the indexes by which deliveries are sent. One by `numbered_at` would have to be written with every
        // delivery, while the oldest that is due is among those that are due for longest, but for a moment after a flood.
        let look = |sql: &mut Sql, what: &'static str, rows: &'static str| {
            sql.push(", CASE WHEN d.state = 'active' THEN (SELECT ").push(what);
            sql.push(" FROM (SELECT x.numbered_at FROM deliveries x WHERE x.destination = d.id AND ")
                .push(rows);
            sql.push(" LIMIT ").put(most).push(") o) END");
        };
        sql.push("SELECT d.kind, d.state");
        look(&mut sql, "COUNT(*)", "x.state IN ('behind', 'due')");
        look(&mut sql, "COUNT(*)", "x.state = 'dead'");
        // The first of each object is due.
        look(&mut sql, "MIN(o.numbered_at)", "x.state = 'due' ORDER BY x.next_at, x.position");
        sql.push(" FROM destinations d");
        for row in self.all(sql).await? {
            let kind: DestinationKind = value("kind", row.try_get_by_index(0)?)?;
            let state: DestinationState = value("state", row.try_get_by_index(1)?)?;
            let Some(of_kind) = found.iter_mut().find(|backlog| backlog.kind == kind) else { continue };
            match state {
                DestinationState::Active => {
                    of_kind.active += 1;
                    of_kind.waiting += row.try_get_by_index::<i64>(2)?.unsigned_abs();
                    of_kind.dead += row.try_get_by_index::<i64>(3)?.unsigned_abs();
                    let oldest: Option<i64> = row.try_get_by_index(4)?;
                    of_kind.oldest_at = of_kind.oldest_at.into_iter().chain(oldest).min();
                }
                DestinationState::Paused => of_kind.paused += 1,
                DestinationState::Disabled => of_kind.disabled += 1,
            }
        }
        Ok(found)
    }
}
