//! A population as one database keeps it, and the one place where lists are read.

use scim_core::{Document, ResourceKind, ResourceType, filter::Filter, search};
use serde_json::Value;
use store::{
    Backend, ListQuery, Sort, Start, StoreError, TenantId, TenantScope, Total, UserId,
    groups::{Group, GroupState},
    users::{User, UserState},
};
use store_testing::TestStore;
use uuid::Uuid;

use super::population::{GroupPlan, Plan, Population};
use crate::{
    filters::{group_form, user_form},
    support::{context, group_state, plain},
};

/// When each population begins: the same on both databases.
const EPOCH: i64 = 1_700_000_000_000;

/// An empty database whose clock stands still.
pub(super) async fn open(backend: Backend) -> TestStore {
    let still = |options: &mut store::StoreOptions| options.clock = std::sync::Arc::new(|| EPOCH);
    match backend {
        Backend::Sqlite => store_testing::sqlite_with(still).await,
        Backend::Postgres => store_testing::postgres_with(still).await,
    }
}

/// The rows of a tenant of its own, in the order of their ids.
pub(super) struct Kept {
    pub(super) backend: Backend,
    pub(super) users: Vec<Row>,
    pub(super) groups: Vec<Row>,
    scope: TenantScope,
}

/// What the evaluator sees of a row.
pub(super) struct Row {
    pub(super) id: Uuid,
    pub(super) document: Document,
    pub(super) form: Value,
}

/// What a list gives.
pub(super) struct Listed {
    pub(super) total: usize,
    /// Places of the rows.
    pub(super) rows: Vec<usize>,
}

impl Kept {
    /// Makes the population.
    pub(super) async fn of(store: &TestStore, backend: Backend, population: &Population) -> Self {
        let scope = store.tenant(TenantId::generate());
        let user = &population.profile.user;
        let maker = Maker { store, scope: &scope, kind: user };
        let mut users = Vec::new();
        for plan in &population.users {
            users.push(maker.user(plan).await);
        }
        let mut groups: Vec<Uuid> = Vec::new();
        for plan in &population.groups {
            let members =
                plan.users.iter().map(|at| &users[*at]).chain(plan.groups.iter().map(|at| &groups[*at]));
            let members: Vec<String> = members.map(Uuid::to_string).collect();
            let made = maker.group(plan, &members).await;
            groups.push(made);
        }
        maker.delete(population, &users, &groups).await;

        let all = query(None, None, 0, 1000, true);
        let users =
            scope.users(&all).await.expect("users").items.iter().map(|row| row_of_user(user, row)).collect();
        let groups = scope.groups(&all).await.expect("groups").items.iter().map(row_of_group).collect();
        Self { backend, users, groups, scope }
    }

    /// The rows of a kind.
    pub(super) fn rows(&self, kind: ResourceKind) -> &[Row] {
        match kind {
            ResourceKind::User => &self.users,
            ResourceKind::Group => &self.groups,
        }
    }

    /// Places of the rows that the evaluator selects.
    pub(super) fn evaluate(&self, kind: ResourceKind, filter: &Filter) -> Vec<usize> {
        let rows = self.rows(kind).iter().enumerate();
        rows.filter(|(_, row)| filter.matches(&row.form)).map(|(place, _)| place).collect()
    }

    /// The rows that the database selects.
    pub(super) async fn list(
        &self,
        kind: ResourceKind,
        filter: Option<&Filter>,
        sort: Option<&Sort>,
        (offset, limit): (usize, usize),
    ) -> Result<Listed, StoreError> {
        let query = query(filter, sort, offset as u64, limit as u64, false);
        let (total, ids): (u64, Vec<Uuid>) = match kind {
            ResourceKind::User => {
                let page = self.scope.users(&query).await?;
                (page.total, page.items.iter().map(|user| user.id.0).collect())
            }
            ResourceKind::Group => {
                let page = self.scope.groups(&query).await?;
                (page.total, page.items.iter().map(|group| group.id.0).collect())
            }
        };
        let place = |id: &Uuid| {
            let place = self.rows(kind).iter().position(|row| row.id == *id);
            place.expect("a live row of this tenant")
        };
        Ok(Listed { total: usize::try_from(total).expect("few"), rows: ids.iter().map(place).collect() })
    }
}

/// The one place that knows the shape of a list query.
fn query(filter: Option<&Filter>, sort: Option<&Sort>, offset: u64, limit: u64, edges: bool) -> ListQuery {
    ListQuery {
        filter: filter.cloned(),
        sort: sort.cloned(),
        start: Start::Offset(offset),
        limit,
        total: Total::Whole,
        edges,
    }
}

struct Maker<'a> {
    store: &'a TestStore,
    scope: &'a TenantScope,
    kind: &'a ResourceType,
}

impl Maker<'_> {
    async fn user(&self, plan: &Plan) -> Uuid {
        self.store.advance(plan.wait);
        let made = self.scope.create_user(&self.state(&plan.document), &context()).await.expect("a user");
        let (mut version, mut before) = (made.version, &plan.document);
        for next in &plan.next {
            self.store.advance(1);
            // By turns: what changes of the indexed values, and all of them anew.
            let state = match version % 2 {
                0 => self.state(next),
                _ => UserState::after(self.kind, before, next.clone()),
            };
            let changed = self.scope.replace_user(made.id, version, &state, &context()).await;
            (version, before) = (changed.expect("changed").expect("there").version, next);
        }
        made.id.0
    }

    fn state(&self, document: &Document) -> UserState {
        UserState::new(self.kind, document.clone())
    }

    async fn group(&self, plan: &GroupPlan, members: &[String]) -> Uuid {
        self.store.advance(plan.row.wait);
        let state = with_document(group_state("", members), &plan.row.document);
        let made = self.scope.create_group(&state, false, &context()).await.expect("a group").group;
        let mut version = made.version;
        for next in &plan.row.next {
            self.store.advance(1);
            let state = with_document(plain(""), next);
            let changed = self.scope.change_group(made.id, Some(version), &state, false, &context()).await;
            version = changed.expect("changed").expect("there").group.version;
        }
        made.id.0
    }

    async fn delete(&self, population: &Population, users: &[Uuid], groups: &[Uuid]) {
        for (plan, id) in population.users.iter().zip(users).filter(|(plan, _)| plan.deleted) {
            self.store.advance(plan.wait);
            self.scope.soft_delete_user(UserId(*id), None, &context()).await.expect("deleted");
        }
        for (plan, id) in population.groups.iter().zip(groups).filter(|(plan, _)| plan.row.deleted) {
            self.store.advance(plan.row.wait);
            self.scope.delete_group(store::GroupId(*id), None, &context()).await.expect("deleted");
        }
    }
}

fn with_document(state: GroupState, document: &Document) -> GroupState {
    let search = search::form(&ResourceType::group(), document);
    GroupState { search, document: document.clone(), ..state }
}

fn row_of_user(kind: &ResourceType, user: &User) -> Row {
    let (mut form, mut beside) = (search::form(kind, &user.document), user_form(user));
    for name in ["id", "meta", "groups"] {
        form[name] = beside[name].take();
    }
    Row { id: user.id.0, document: user.document.clone(), form: without_addresses(form) }
}

fn row_of_group(group: &Group) -> Row {
    Row { id: group.id.0, document: group.document.clone(), form: without_addresses(group_form(group)) }
}

/// An address depends on the URL that a client came by: the databases keep none and compare none.
fn without_addresses(mut form: Value) -> Value {
    if let Some(meta) = form["meta"].as_object_mut() {
        meta.remove("location");
    }
    form
}
