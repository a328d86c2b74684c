//! Many new users at once: each is judged as if it had come alone, then all that can be are made in one transaction.

use std::sync::Arc;

use scim_core::{
    Document, ScimError,
    projection::{self, Projection},
};
use serde_json::Value;
use store::{
    ChangeContext, StoreError,
    users::{Made, Together, UserState},
};

use crate::{
    Provisioner, Request, Tenant, attempts::whole, computing::compute, scim_error, users::new_state,
};

/// Users that one transaction makes: their rows are written in a few hundredths of a second, so that nobody waits long
/// for SQLite's one writer.
pub(crate) const BATCH: usize = 250;

/// A user that a POST made, linked or brought back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Its id.
    pub id: String,
    /// `meta.version`.
    pub etag: String,
}

/// What came of one of several bodies.
type Outcome = Result<Placed, ScimError>;

impl Provisioner {
    /// Several POSTs to /Users, each with the outcome that it would have alone, in their order. `whole`: all of them or
    /// none; `None` when one of them would have no success, and then nothing is done.
    pub async fn create_users(
        &self,
        request: Request<'_>,
        bodies: Vec<Value>,
        whole: bool,
    ) -> Option<Vec<Outcome>> {
        let size = if whole { bodies.len().max(1) } else { BATCH };
        let mut bodies = bodies.into_iter();
        let mut outcomes = Vec::with_capacity(bodies.len());
        let mut judged = self.judge(request, bodies.by_ref().take(size).collect()).await;
        while !judged.is_empty() {
            // The next ones are judged while these are written.
            let next = bodies.by_ref().take(size).collect();
            let (made, next) = tokio::join!(self.place(request, judged, whole), self.judge(request, next));
            outcomes.extend(made?);
            judged = next;
        }
        Some(outcomes)
    }

    /// The documents that POSTs of these bodies would make, in their order; writes nothing.
    pub async fn check_users(
        &self,
        request: Request<'_>,
        bodies: Vec<Value>,
    ) -> Vec<Result<Document, ScimError>> {
        let judged = self.judge(request, bodies).await;
        judged.into_iter().map(|state| state.map(|state| state.document)).collect()
    }

    /// The states that these bodies make, away from the threads that serve requests.
    async fn judge(&self, request: Request<'_>, bodies: Vec<Value>) -> Vec<Result<UserState, ScimError>> {
        if bodies.is_empty() {
            return Vec::new();
        }
        let (judge, bodies) = (Arc::new(Judge::of(request)), Arc::new(bodies));
        let all = (Arc::clone(&judge), Arc::clone(&bodies));
        if let Ok(states) = compute(move || all.0.judge(&all.1)).await {
            return states;
        }
        // One of them broke it off: that one alone shall fail.
        let mut states = Vec::with_capacity(bodies.len());
        for body in bodies.iter() {
            let (judge, body) = (Arc::clone(&judge), [body.clone()]);
            let state = compute(move || judge.judge(&body)).await;
            states.extend(state.unwrap_or_else(|error| vec![Err(scim_error(error))]));
        }
        states
    }

    /// Makes the users of these states; those that cannot be made with the others come alone.
    async fn place(
        &self,
        request: Request<'_>,
        judged: Vec<Result<UserState, ScimError>>,
        whole: bool,
    ) -> Option<Vec<Outcome>> {
        let (mut states, mut outcomes) = (Vec::with_capacity(judged.len()), Vec::with_capacity(judged.len()));
        for judged in judged {
            outcomes.push(judged.map(|state| states.push(state)).err().map(Err));
        }
        let refused = outcomes.iter().any(Option::is_some);
        if whole && refused {
            return None;
        }
        // Where nothing came of all together, one by one shows whose fault it is.
        let made = self.make_users(request, &states, whole).await;
        let made = made.unwrap_or_else(|_| vec![Made::Undone; states.len()]);
        if whole && !made.iter().all(|made| matches!(made, Made::Created(_))) {
            return None;
        }
        let open = outcomes.iter_mut().filter(|outcome| outcome.is_none());
        for ((outcome, state), made) in open.zip(&states).zip(made) {
            *outcome = Some(match made {
                Made::Created(id) => Ok(Placed { id: id.to_string(), etag: projection::etag(1) }),
                Made::Taken | Made::Departed | Made::Undone => self.place_alone(request, state).await,
            });
        }
        Some(outcomes.into_iter().flatten().collect())
    }

    async fn place_alone(&self, request: Request<'_>, state: &UserState) -> Outcome {
        let placed = self.place_user(request, state).await?.rendered;
        let id = placed.body["id"].as_str().unwrap_or_default().to_owned();
        Ok(Placed { id, etag: placed.etag })
    }

    /// Makes users of states that were judged, as far as their names are free; says what became of each.
    pub(crate) async fn make_users(
        &self,
        request: Request<'_>,
        states: &[UserState],
        all: bool,
    ) -> Result<Vec<Made>, StoreError> {
        let scope = self.scope(request);
        let returning = request.tenant.profile.policies.relink_on_return;
        let how = Together { whole: all, returning };
        whole(|| scope.create_users(states, how, request.context)).await
    }
}

/// What judges bodies, wherever that is done.
struct Judge {
    tenant: Tenant,
    context: ChangeContext,
    projection: Projection,
}

impl Judge {
    fn of(request: Request<'_>) -> Self {
        let Request { tenant, context, projection, .. } = request;
        Self { tenant: tenant.clone(), context: context.clone(), projection: projection.clone() }
    }

    fn judge(&self, bodies: &[Value]) -> Vec<Result<UserState, ScimError>> {
        bodies.iter().map(|body| new_state(self.request(), body)).collect()
    }

    fn request(&self) -> Request<'_> {
        Request { tenant: &self.tenant, context: &self.context, base_url: "", projection: &self.projection }
    }
}
