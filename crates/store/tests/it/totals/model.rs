//! Users and groups as a test made them, random changes of them, and pages of lists compared with what is there.

use std::collections::{BTreeMap, BTreeSet};

use scim_core::ResourceKind;
use serde_json::json;
use store::{GroupId, ListQuery, Part, Resource, RootQuery, Start, TenantScope, Total, UserId};
use store_testing::Dice;
use uuid::Uuid;

use crate::{
    common::context,
    support::{plain, user_state},
};

/// What is there, as the test did it.
pub(super) struct Model {
    pub(super) scope: TenantScope,
    pub(super) users: BTreeSet<Uuid>,
    pub(super) groups: BTreeSet<Uuid>,
    /// Those that were soft-deleted, and their names.
    hidden: BTreeMap<Uuid, String>,
    names: BTreeMap<Uuid, String>,
    made: usize,
}

/// A user with nothing but a name.
pub(super) fn named(name: &str) -> store::users::UserState {
    user_state(json!({"userName": name}))
}

fn any<T: Copy>(dice: &mut Dice, several: impl ExactSizeIterator<Item = T>) -> Option<T> {
    let at = dice.below(several.len());
    several.into_iter().nth(at)
}

impl Model {
    /// Of nobody and nothing.
    pub(super) fn new(scope: TenantScope) -> Self {
        let (users, groups) = (BTreeSet::new(), BTreeSet::new());
        Self { scope, users, groups, hidden: BTreeMap::new(), names: BTreeMap::new(), made: 0 }
    }

    async fn create(&mut self) {
        self.made += 1;
        let name = format!("u{}", self.made);
        let id = self.scope.create_user(&named(&name), &context()).await.unwrap().id.0;
        self.users.insert(id);
        self.names.insert(id, name);
    }

    /// One change; gives its name.
    pub(super) async fn change(&mut self, dice: &mut Dice) -> &'static str {
        let table = [
            (20, "create"),
            (10, "create a group"),
            (12, "delete"),
            (6, "delete a group"),
            (6, "restore"),
            (6, "come back"),
            (4, "purge"),
            (4, "purge a hidden one"),
            (6, "change"),
            (3, "create many"),
            (2, "delete many"),
        ];
        let what = dice.weighted(&table);
        let live = any(dice, self.users.iter().copied());
        let hidden = any(dice, self.hidden.iter()).map(|(id, name)| (*id, name.clone()));
        match what {
            "create" => self.create().await,
            "create many" => {
                for _ in 0..dice.between(5..=20) {
                    self.create().await;
                }
            }
            "create a group" => {
                self.made += 1;
                let state = plain(&format!("g{}", self.made));
                let made = self.scope.create_group(&state, false, &context()).await.unwrap();
                self.groups.insert(made.group.id.0);
            }
            "delete a group" => {
                if let Some(id) = any(dice, self.groups.iter().copied()) {
                    assert!(self.scope.delete_group(GroupId(id), None, &context()).await.unwrap());
                    self.groups.remove(&id);
                }
            }
            "delete" => {
                if let Some(id) = live {
                    self.delete(id).await;
                }
            }
            "delete many" => {
                let from = dice.below(self.users.len());
                let some: Vec<Uuid> = self.users.iter().copied().skip(from).take(12).collect();
                for id in some {
                    self.delete(id).await;
                }
            }
            "restore" | "come back" | "purge a hidden one" => {
                let Some((id, name)) = hidden else { return what };
                let user = self.scope.deleted_user(UserId(id)).await.unwrap().unwrap();
                self.hidden.remove(&id);
                match what {
                    "restore" => {
                        let (state, by) = (named(&name), context());
                        let restored = self.scope.restore_user(user.id, user.version, &state, &by).await;
                        assert!(restored.unwrap().is_some());
                        self.users.insert(id);
                    }
                    "come back" => {
                        let admitted = self.scope.admit_user(&named(&name), &context()).await.unwrap();
                        assert!(admitted.returned && admitted.user.id.0 == id);
                        self.users.insert(id);
                    }
                    _ => assert!(self.scope.purge_user(user.id, None, &context()).await.unwrap()),
                }
            }
            "purge" => {
                if let Some(id) = live {
                    assert!(self.scope.purge_user(UserId(id), None, &context()).await.unwrap());
                    self.users.remove(&id);
                }
            }
            _ => {
                if let Some(id) = live {
                    let state = user_state(json!({"userName": self.names[&id], "title": "x"}));
                    let user = self.scope.user(UserId(id), false).await.unwrap().unwrap();
                    let after = self.scope.replace_user(user.id, user.version, &state, &context()).await;
                    assert!(after.unwrap().is_some());
                }
            }
        }
        what
    }

    pub(super) async fn delete(&mut self, id: Uuid) {
        assert!(self.scope.soft_delete_user(UserId(id), None, &context()).await.unwrap());
        self.users.remove(&id);
        self.hidden.insert(id, self.names[&id].clone());
    }

    /// Compares pages from some places with what is there.
    pub(super) async fn check(&self, dice: &mut Dice, all_places: bool) {
        let (users, groups): (Vec<Uuid>, Vec<Uuid>) =
            (self.users.iter().copied().collect(), self.groups.iter().copied().collect());
        let mut both: Vec<Uuid> = users.iter().chain(&groups).copied().collect();
        both.sort_unstable();
        for (kind, ids) in [("users", &users), ("groups", &groups), ("both", &both)] {
            let places: Vec<usize> = match all_places {
                true => (0..=ids.len() + 2).collect(),
                false => vec![0, dice.below(ids.len()), dice.below(ids.len() + 3)],
            };
            for place in places {
                let limit = dice.between(0..=5);
                let expected: Vec<Uuid> = ids.iter().copied().skip(place).take(limit).collect();
                let more = limit > 0 && ids.len() > place + limit;
                let start = Start::Offset(place as u64);
                let page = self.page(kind, start, limit, Total::Whole).await;
                assert_eq!(
                    page,
                    (ids.len() as u64, expected, more),
                    "{kind} from place {place}, {limit} at most"
                );
                // After a row that is there, or was, or stands between two.
                let after = match ids.get(place) {
                    Some(id) => *id,
                    None => Uuid::now_v7(),
                };
                let rest: Vec<Uuid> = ids.iter().copied().filter(|id| *id > after).collect();
                let expected: Vec<Uuid> = rest.iter().copied().take(limit).collect();
                let more = limit > 0 && rest.len() > limit;
                for (total, number) in [(Total::Whole, ids.len()), (Total::Remaining, rest.len())] {
                    let page = self.page(kind, Start::After(after), limit, total).await;
                    let expected = (number as u64, expected.clone(), more);
                    assert_eq!(page, expected, "{kind} after {after}, {limit} at most, {total:?}");
                }
            }
        }
    }

    async fn page(&self, kind: &str, start: Start, limit: usize, total: Total) -> (u64, Vec<Uuid>, bool) {
        let limit = limit as u64;
        let query = ListQuery { start: start.clone(), limit, total, edges: true, ..ListQuery::default() };
        match kind {
            "users" => {
                let page = self.scope.users(&query).await.unwrap();
                (page.total, page.items.iter().map(|user| user.id.0).collect(), page.more)
            }
            "groups" => {
                let page = self.scope.groups(&query).await.unwrap();
                (page.total, page.items.iter().map(|group| group.id.0).collect(), page.more)
            }
            _ => {
                let part = |kind| Part { kind, filter: None, sort: None, edges: false };
                let parts = [ResourceKind::User, ResourceKind::Group].map(part).to_vec();
                let page = self.scope.resources(&RootQuery { parts, start, limit, total }).await.unwrap();
                (page.total, page.items.iter().map(Resource::id).collect(), page.more)
            }
        }
    }
}
