//! What a connection tells by what it does not do: pure reading of what was heard, with what each identity provider is known to do.
//! That requests fail, or nobody is let in, is told by [`crate::health`].

use provisioning::Tenant;
use store::{
    activity::{Heard, Milestone},
    credentials::Credential,
};

use crate::{pages::setup, when::Moment};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// So long after its first user an identity provider that pushes groups has pushed one.
const PATIENT: i64 = HOUR;
/// After so long without groups it is by choice.
const CHOSEN: i64 = 14 * DAY;
/// Whoever has called within this time calls by a timer, or all the time.
const LATELY: i64 = 2 * HOUR;
/// Nothing has changed for so long: worth a word.
const UNCHANGED: i64 = DAY;
/// A credential that nobody has used for so long.
const IDLE: i64 = 7 * DAY;

/// What is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts<'a> {
    /// Milestones that were reached.
    pub(crate) heard: &'a [Heard],
    /// Has the product groups?
    pub(crate) groups: bool,
    /// Has the tenant users, whoever made them?
    pub(crate) users: bool,
    /// Live credentials of its identity provider.
    pub(crate) credentials: &'a [Used],
    /// Milliseconds.
    pub(crate) now: i64,
}

/// A credential and its use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Used {
    /// Its name.
    pub(crate) name: String,
    /// When it was made, in milliseconds.
    pub(crate) made_at: i64,
    /// When it was used last.
    pub(crate) used_at: Option<i64>,
}

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    /// As it should be, though it may not look so.
    Fine,
    /// Worth a look.
    Look,
}

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// A word for programs.
    pub(crate) code: &'static str,
    pub(crate) weight: Weight,
    /// What, in a sentence or two.
    pub(crate) what: String,
    /// What to do next.
    pub(crate) next: &'static str,
}

/// Names a credential, which not everybody may see.
const CREDENTIAL_IDLE: &str = "credential-idle";

impl Finding {
    /// May whoever does not manage the tenant see it?
    pub(crate) fn is_open(&self) -> bool {
        self.code != CREDENTIAL_IDLE
    }

    /// Is it worth a look?
    pub(crate) fn is_look(&self) -> bool {
        self.weight == Weight::Look
    }
}

/// What is found of a tenant's connection; one that is not served is not looked at. `users`: has it any?
pub(crate) fn of(
    tenant: &Tenant,
    heard: &[Heard],
    users: bool,
    credentials: &[Credential],
    now: i64,
) -> Vec<Finding> {
    if !tenant.is_active() {
        return Vec::new();
    }
    let used = |one: &Credential| Used {
        name: one.login.clone().unwrap_or_else(|| one.name.clone()),
        made_at: one.created_at,
        used_at: one.last_used_at,
    };
    let credentials: Vec<Used> =
        credentials.iter().filter(|one| setup::provisions(one, now)).map(used).collect();
    Facts { heard, groups: tenant.profile.group.is_some(), users, credentials: &credentials, now }.findings()
}

impl Facts<'_> {
    /// All that is found, what is worth a look first.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        let found = [self.no_groups(), self.no_users(), self.nothing_changes()];
        let mut found: Vec<Finding> = found.into_iter().flatten().chain(self.idle()).collect();
        found.sort_by_key(|finding| finding.weight == Weight::Fine);
        found
    }

    fn heard(&self, milestone: Milestone) -> Option<&Heard> {
        self.heard.iter().find(|heard| heard.milestone == milestone)
    }

    fn has_members(&self) -> bool {
        [Milestone::GroupPushed, Milestone::Membership].iter().any(|one| self.heard(*one).is_some())
    }

    fn no_groups(&self) -> Option<Finding> {
        let user = self.heard(Milestone::UserCreated)?;
        if !self.groups || self.has_members() || self.now - user.first_at < PATIENT {
            return None;
        }
        let (code, first) = ("users-without-groups", Moment::new(user.first_at, self.now).relative);
        if self.now - user.first_at >= CHOSEN {
            return Some(Finding {
                code,
                weight: Weight::Fine,
                what: format!(
                    "Users arrive, the first {first}, and groups are not pushed: nobody gets a role from one."
                ),
                next: "Nothing, where roles are given in another way. Otherwise push groups: in Okta under Push Groups, in Entra ID \
                       by assigning groups to the application with the mapping for groups turned on.",
            });
        }
        Some(Finding {
            code,
            weight: Weight::Look,
            what: format!(
                "Users arrive, the first {first}, but no group has been pushed, so nobody gets a role from one."
            ),
            next: "In Okta choose the groups under Push Groups: assigning a group to the application sends its people, not the \
                   group. In Entra ID assign groups to the application, and turn on the mapping for groups.",
        })
    }

    fn no_users(&self) -> Option<Finding> {
        let group = self.heard(Milestone::GroupPushed)?;
        // It may have found people here whom somebody else made, and changes them or leaves them as they are.
        let changes_users =
            [Milestone::UserCreated, Milestone::UserUpdated].iter().any(|one| self.heard(*one).is_some());
        if self.users || changes_users || self.now - group.first_at < PATIENT {
            return None;
        }
        Some(Finding {
            code: "groups-without-users",
            weight: Weight::Look,
            what: "Groups arrive, but there are no users, so their members are nobody here.".to_owned(),
            next: "Assign people to the application at the identity provider, and turn on that it creates users.",
        })
    }

    /// Entra ID comes by a timer; when it does and sends nothing, there is nothing to send. Whom no credential lets in any more
    /// has nothing to send either, and that is not as it should be.
    fn nothing_changes(&self) -> Option<Finding> {
        use Milestone::{Call, GroupPushed, Membership, Success, UserCreated, UserDeleted, UserUpdated};
        let (called, success) = (self.heard(Call)?, self.heard(Success)?);
        if self.credentials.is_empty() {
            return None;
        }
        let changes = [UserCreated, UserUpdated, UserDeleted, GroupPushed, Membership];
        let changed =
            changes.into_iter().filter_map(|one| self.heard(one)).map(|heard| heard.last_at).max()?;
        if success.last_at < called.last_at
            || self.now - called.last_at > LATELY
            || self.now - changed < UNCHANGED
        {
            return None;
        }
        Some(Finding {
            code: "nothing-changes",
            weight: Weight::Fine,
            what: format!(
                "It calls, last {}, and the last change came {}. Entra ID looks so when nothing has changed there: it comes \
                 about every 40 minutes, and sends only what is new.",
                Moment::new(called.last_at, self.now).relative,
                Moment::new(changed, self.now).relative
            ),
            next: "Nothing, unless somebody was changed there since. Then look at the scope and the provisioning log of the \
                   application at the identity provider.",
        })
    }

    fn idle(&self) -> impl Iterator<Item = Finding> {
        let others = self.credentials.len() > 1;
        let idle =
            self.credentials.iter().filter(|one| self.now - one.used_at.unwrap_or(one.made_at) >= IDLE);
        idle.map(move |one| {
            let (what, since) = match one.used_at {
                Some(at) => ("was last used", at),
                None => ("has never been used; it was made", one.made_at),
            };
            Finding {
                code: CREDENTIAL_IDLE,
                weight: Weight::Look,
                what: format!("{} {what} {}.", one.name, Moment::new(since, self.now).relative),
                next: if others {
                    "Revoke it if another one has taken its place: what nobody uses can only be stolen."
                } else {
                    "If people have changed since, see whether provisioning is on at the identity provider, and not in quarantine."
                },
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_688_400_000;

    fn heard(milestone: Milestone, first: i64, last: i64) -> Heard {
        Heard {
            milestone,
            first_at: NOW - first,
            last_at: NOW - last,
            last_method: "GET".into(),
            last_route: "/Users".into(),
            last_status: 200,
            last_scim_type: None,
            last_request_id: "r".into(),
        }
    }

    fn used(name: &str, made: i64, used: Option<i64>) -> Used {
        Used { name: name.into(), made_at: NOW - made, used_at: used.map(|ago| NOW - ago) }
    }

    #[test]
    fn what_is_not_done_is_told() {
        use Milestone::{Call, GroupPushed, Membership, Success, UserCreated, UserUpdated};
        let recent = |milestone| heard(milestone, 30 * DAY, HOUR / 4);
        let calls = [recent(Call), recent(Success)];
        let with = |more: &[Heard]| calls.iter().chain(more).cloned().collect::<Vec<_>>();
        let users = with(&[heard(UserCreated, 3 * DAY, HOUR)]);
        let new_users = with(&[heard(UserCreated, HOUR / 2, HOUR / 2)]);
        let both = with(&[heard(UserCreated, 3 * DAY, HOUR), heard(Membership, 2 * DAY, HOUR)]);
        let groups = with(&[heard(GroupPushed, 3 * DAY, HOUR)]);
        let quiet = with(&[
            heard(UserCreated, 30 * DAY, 9 * DAY),
            heard(UserUpdated, 30 * DAY, 3 * DAY),
            heard(GroupPushed, 30 * DAY, 30 * DAY),
        ]);
        let mut failing = quiet.clone();
        failing[1].last_at -= HOUR;
        let mut silent = quiet.clone();
        silent[..2].iter_mut().for_each(|heard| heard.last_at = NOW - 9 * DAY);
        let fresh = [used("Okta", 90 * DAY, Some(HOUR))];
        let idle = [used("Okta", 90 * DAY, Some(9 * DAY))];
        let pair = [used("Okta", 90 * DAY, Some(HOUR)), used("Spare", 8 * DAY, None)];
        let new = [used("Okta", DAY, None)];
        let chosen = with(&[heard(UserCreated, 15 * DAY, HOUR)]);
        let matched = with(&[heard(GroupPushed, 3 * DAY, HOUR), heard(UserUpdated, 3 * DAY, HOUR)]);
        type Row<'a> = (&'a [Heard], bool, &'a [Used], &'a [(&'a str, &'a str)]);
        let rows: [Row<'_>; 15] = [
            (&[], true, &[], &[]),
            (&[], true, &new, &[]),
            (&calls, true, &fresh, &[]),
            (&users, true, &fresh, &[("users-without-groups", "first 3 days ago, but no group")]),
            (&users, false, &fresh, &[]),
            (&new_users, true, &fresh, &[]),
            (&both, true, &fresh, &[]),
            (&chosen, true, &fresh, &[("users-without-groups", "ago, and groups are not pushed")]),
            (&matched, true, &fresh, &[]),
            // Nobody is let in any more.
            (&quiet, true, &[], &[]),
            (&groups, true, &fresh, &[("groups-without-users", "there are no users")]),
            (&quiet, true, &fresh, &[("nothing-changes", "the last change came 3 days ago")]),
            (&failing, true, &fresh, &[]),
            (&silent, true, &idle, &[("credential-idle", "Okta was last used 9 days ago.")]),
            (
                &quiet,
                true,
                &pair,
                &[
                    ("credential-idle", "Spare has never been used; it was made 8 days ago."),
                    ("nothing-changes", "Entra ID"),
                ],
            ),
        ];
        for (heard, groups, credentials, wanted) in rows {
            let facts = Facts { heard, groups, users: false, credentials, now: NOW };
            let found = facts.findings();
            let codes: Vec<_> = found.iter().map(|finding| finding.code).collect();
            assert_eq!(codes, wanted.iter().map(|(code, _)| *code).collect::<Vec<_>>(), "{found:?}");
            for (finding, (_, part)) in found.iter().zip(wanted) {
                assert!(finding.what.contains(part) && !finding.next.is_empty(), "{finding:?}");
            }
        }
        let weight = |heard: &[Heard]| {
            let found = Facts { heard, groups: true, users: true, credentials: &fresh, now: NOW }.findings();
            found.first().map(|finding| finding.weight)
        };
        assert_eq!(weight(&users), Some(Weight::Look));
        assert_eq!(weight(&chosen), Some(Weight::Fine), "it asks for nobody for ever");
        assert_eq!(weight(&groups), None, "there are users, whoever made them");
    }
}
