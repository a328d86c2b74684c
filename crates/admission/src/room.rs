//! Places and lines. Nothing here waits; whoever calls holds the lock for a moment.

use std::collections::{HashMap, VecDeque, hash_map};

use tokio::sync::oneshot;

use crate::{Full, Lane};

/// What becomes of somebody who comes.
pub(crate) enum Entry {
    /// Has a place.
    Let,
    /// Is told when there is one.
    Wait(oneshot::Receiver<()>),
}

/// Lines are served in turn. One whose lane has as many places as one may have is passed over.
pub(crate) struct Room {
    free: usize,
    share: usize,
    lanes: HashMap<Lane, Line>,
    /// Lanes in which somebody waits, each once; the next first.
    turn: VecDeque<Lane>,
    waiting: usize,
}

#[derive(Default)]
struct Line {
    held: usize,
    waiting: VecDeque<oneshot::Sender<()>>,
}

impl Room {
    pub(crate) fn new(places: usize, share: usize) -> Self {
        Self { free: places, share, lanes: HashMap::new(), turn: VecDeque::new(), waiting: 0 }
    }

    /// Somebody comes.
    pub(crate) fn enter(&mut self, lane: Lane, longest: usize, all: usize) -> Result<Entry, Full> {
        let line = self.lanes.entry(lane).or_default();
        if self.free > 0 && line.held < self.share && line.waiting.is_empty() {
            self.free -= 1;
            line.held += 1;
            return Ok(Entry::Let);
        }
        if line.waiting.len() >= longest {
            return Err(Full::Line);
        }
        if self.waiting >= all {
            self.forget(lane);
            return Err(Full::Lines);
        }
        let (told, turn) = oneshot::channel();
        if line.waiting.is_empty() {
            self.turn.push_back(lane);
        }
        line.waiting.push_back(told);
        self.waiting += 1;
        Ok(Entry::Wait(turn))
    }

    /// A request of this lane is done.
    pub(crate) fn leave(&mut self, lane: Lane) {
        if let Some(line) = self.lanes.get_mut(&lane) {
            line.held = line.held.saturating_sub(1);
        }
        self.free += 1;
        self.hand_over();
        self.forget(lane);
    }

    /// Somebody in this lane's line has gone, and their end of the channel is closed.
    pub(crate) fn give_up(&mut self, lane: Lane) {
        let Some(line) = self.lanes.get_mut(&lane) else { return };
        let before = line.waiting.len();
        line.waiting.retain(|told| !told.is_closed());
        self.waiting -= before - line.waiting.len();
        if before > 0 && line.waiting.is_empty() {
            self.turn.retain(|other| *other != lane);
        }
        self.forget(lane);
    }

    /// Gives what is free to those whose turn it is.
    fn hand_over(&mut self) {
        while self.free > 0 {
            let (lanes, share) = (&self.lanes, self.share);
            let may = |lane: &Lane| lanes.get(lane).is_some_and(|line| line.held < share);
            let Some(at) = self.turn.iter().position(may) else { return };
            let Some(lane) = self.turn.remove(at) else { return };
            let Some(line) = self.lanes.get_mut(&lane) else { continue };
            let told = line.waiting.pop_front();
            if !line.waiting.is_empty() {
                self.turn.push_back(lane);
            }
            let Some(told) = told else { continue };
            self.waiting -= 1;
            // Who is gone already needs none.
            if told.send(()).is_ok() {
                line.held += 1;
                self.free -= 1;
            }
        }
    }

    /// Keeps nothing of a lane that has nothing.
    fn forget(&mut self, lane: Lane) {
        if let hash_map::Entry::Occupied(entry) = self.lanes.entry(lane)
            && entry.get().held == 0
            && entry.get().waiting.is_empty()
        {
            entry.remove();
        }
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self, places: usize) -> bool {
        self.free == places && self.lanes.is_empty() && self.turn.is_empty() && self.waiting == 0
    }
}
