//! GET by id, filters and pages of users.

use hyper::Method;

use super::{Load, read_back};
use crate::{
    measure::{Dice, Measured, Want, measure},
    people,
    roster::{Roster, User},
};

/// A kind of read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Read {
    Get,
    Eq,
    /// The name in capitals.
    EqCase,
    /// Nobody has the name.
    EqMiss,
    EmailEq,
    ExternalIdEq,
    /// A part of a family name that few have.
    FamilyCo,
    /// A page of 100 from this position on, counted from 1.
    Page(usize),
}

impl Read {
    /// The read of a scenario's name.
    pub(super) fn of(name: &str, load: &Load) -> Option<Self> {
        let users = load.users();
        Some(match name {
            "get" => Self::Get,
            "eq" => Self::Eq,
            "eq_case" => Self::EqCase,
            "eq_miss" => Self::EqMiss,
            "email_eq" => Self::EmailEq,
            "external_id_eq" => Self::ExternalIdEq,
            "family_co" => Self::FamilyCo,
            "page_first" => Self::Page(1),
            "page_middle" => Self::Page((users / 2).max(1)),
            "page_last" => Self::Page(users.saturating_sub(99).max(1)),
            _ => return None,
        })
    }

    /// Path below the base URL, with the query.
    pub(super) fn path(self, prefix: &str, user: &User, nonce: usize) -> String {
        let filter = |filter: String, count: usize| {
            format!("/Users?filter={}&startIndex=1&count={count}", people::encode(&filter))
        };
        let name = |name: &str| filter(format!("userName eq \"{name}\""), 100);
        match self {
            Self::Get => format!("/Users/{}", user.id),
            Self::Eq => name(&people::user_name(prefix, user.n)),
            Self::EqCase => name(&people::user_name(prefix, user.n).to_uppercase()),
            Self::EqMiss => name(&format!("nobody{nonce}@acme.example")),
            Self::EmailEq => {
                let mail = people::email(prefix, user.n).to_uppercase();
                filter(format!("emails[type eq \"work\"].value eq \"{mail}\""), 100)
            }
            Self::ExternalIdEq => {
                filter(format!("externalId eq \"{}\"", people::external_id(prefix, user.n)), 100)
            }
            Self::FamilyCo => filter(format!("name.familyName co \"{}\"", people::family_part(user.n)), 10),
            Self::Page(start) => format!("/Users?startIndex={start}&count=100"),
        }
    }

    fn want(self, users: usize) -> Want {
        match self {
            Self::Get => Want::Status(&[200]),
            Self::Eq | Self::EqCase | Self::EmailEq | Self::ExternalIdEq => Want::Total(1),
            Self::EqMiss => Want::Total(0),
            Self::FamilyCo => Want::AtLeast(1),
            Self::Page(_) => Want::Total(users),
        }
    }
}

/// A user by the dice.
pub(super) fn somebody(roster: &Roster, dice: &mut Dice) -> User {
    roster.users[dice.below(roster.users.len())].clone()
}

/// Reads about users at random; looks at the content of some answers afterwards.
pub(super) async fn read(load: &Load, read: Read) -> Measured {
    let users = load.users();
    let measured = measure(&load.target, load.length, load.processes, |mut worker| {
        let roster = load.roster.clone();
        async move {
            while let Some(n) = worker.next() {
                let path = {
                    let roster = roster.borrow();
                    let user = somebody(&roster, &mut worker.dice);
                    format!("{}{}", worker.path(), read.path(&roster.prefix, &user, n))
                };
                worker.shot(Method::GET, &path, None, read.want(users)).await;
            }
        }
    })
    .await;
    read_back::answers(load, read, &measured.tally).await;
    measured
}
