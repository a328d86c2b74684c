//! What Okta sends on a usual day: of 100 requests 70 look-ups by user name, 10 GETs, 10 PUTs, 5 POSTs and 5 changes of
//! a group's members.

use std::{cell::Cell, rc::Rc};

use hyper::Method;

use super::{Load, groups, reads::somebody, writes};
use crate::{
    measure::{Dice, Measured, Want, measure},
    people,
    roster::{Roster, User},
};

/// Groups of the mix, and the members each begins with.
const GROUPS: usize = 50;
const MEMBERS: usize = 20;

/// A request of the mix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    LookUp,
    Get,
    Put,
    Create,
    Member,
}

/// Requests in random order, with the exact shares of the mix in each twenty.
pub(crate) struct Deck {
    left: Vec<Kind>,
}

impl Deck {
    pub(crate) fn new() -> Self {
        Self { left: vec![] }
    }

    pub(crate) fn draw(&mut self, dice: &mut Dice) -> Kind {
        if self.left.is_empty() {
            let shares =
                [(14, Kind::LookUp), (2, Kind::Get), (2, Kind::Put), (1, Kind::Create), (1, Kind::Member)];
            self.left.extend(shares.iter().flat_map(|(times, kind)| std::iter::repeat_n(*kind, *times)));
        }
        self.left.swap_remove(dice.below(self.left.len()))
    }
}

/// A request that is ready to be sent.
pub(crate) struct Prepared {
    pub(crate) method: Method,
    /// Below the base URL.
    pub(crate) path: String,
    pub(crate) body: Option<String>,
    pub(crate) want: Want,
}

impl Kind {
    /// The request; `new` is the number of the next new user.
    pub(crate) fn prepare(self, roster: &Roster, dice: &mut Dice, new: usize) -> Prepared {
        let user = somebody(roster, dice);
        let prefix = &*roster.prefix;
        let (method, path, body, want) = match self {
            Self::LookUp => {
                let filter =
                    people::encode(&format!("userName eq \"{}\"", people::user_name(prefix, user.n)));
                let path = format!("/Users?filter={filter}&startIndex=1&count=100");
                (Method::GET, path, None, Want::Total(1))
            }
            Self::Get => (Method::GET, format!("/Users/{}", user.id), None, Want::Status(&[200])),
            Self::Put => {
                let body = people::user(prefix, user.n, Some(&user.id), "Staff Engineer");
                (Method::PUT, format!("/Users/{}", user.id), Some(body), Want::Status(&[200]))
            }
            Self::Create => {
                let body = people::user(prefix, new, None, "Engineer");
                (Method::POST, "/Users".to_owned(), Some(body), Want::Status(&[201]))
            }
            Self::Member => {
                let groups: Vec<_> = roster.groups.iter().filter(|group| group.size == MEMBERS).collect();
                let group = groups[dice.below(groups.len())];
                let body = match dice.below(2) {
                    0 => people::patch_add(prefix, std::slice::from_ref(&user)),
                    _ => people::patch_remove(&user),
                };
                (Method::PATCH, format!("/Groups/{}", group.id), Some(body), Want::Status(&[200, 204]))
            }
        };
        Prepared { method, path, body, want }
    }
}

/// The mix, without pause on each connection. The first time it makes its groups.
pub(super) async fn mixed(load: &Load) -> anyhow::Result<Measured> {
    if !load.roster.borrow().groups.iter().any(|group| group.size == MEMBERS) {
        groups::make(load, &[MEMBERS; GROUPS], MEMBERS, "mixed").await?;
    }
    let new = Rc::new(Cell::new(load.roster.borrow().next()));
    let measured = measure(&load.target, load.length, load.processes, |mut worker| {
        let (roster, new) = (load.roster.clone(), new.clone());
        async move {
            let mut deck = Deck::new();
            while worker.next().is_some() {
                let kind = deck.draw(&mut worker.dice);
                let number = new.get();
                if kind == Kind::Create {
                    new.set(number + 1);
                }
                let Prepared { method, path, body, want } =
                    kind.prepare(&roster.borrow(), &mut worker.dice, number);
                let path = format!("{}{path}", worker.path());
                let answer = worker.shot(method, &path, body, want).await;
                if kind == Kind::Create
                    && let Some(id) = answer.and_then(|answer| writes::id(&answer.body))
                {
                    roster.borrow_mut().users.push(User { id, n: number });
                }
            }
        }
    })
    .await;
    load.roster.borrow().save()?;
    Ok(measured)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_twenty_hold_the_exact_shares() {
        let (mut deck, mut dice) = (Deck::new(), Dice::new(1));
        for _ in 0..5 {
            let drawn: Vec<Kind> = (0..20).map(|_| deck.draw(&mut dice)).collect();
            let shares = [Kind::LookUp, Kind::Get, Kind::Put, Kind::Create, Kind::Member]
                .map(|kind| drawn.iter().filter(|drawn| **drawn == kind).count());
            assert_eq!(shares, [14, 2, 2, 1, 1]);
        }
    }
}
