//! Walks a plan: one call after the other, and at the end the answer.

use std::collections::{HashMap, VecDeque};

use serde_json::{Map, Value, json};

use super::{
    Action, BULK_RESPONSE, BulkRequest, Method, Operation, ResourceId, Step, find, plan, substitute, without,
};
use crate::{ResourceKind, error::ScimError, intake::shown};

/// What is to be done next, as if it had come alone.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Position of its operation in the request.
    pub index: usize,
    /// Verb; a resource of a circle is completed by a PUT.
    pub method: Method,
    /// Endpoint.
    pub kind: ResourceKind,
    /// The resource; `None` for POST alone.
    pub id: Option<String>,
    /// To be used like the text of `If-Match`.
    pub version: Option<String>,
    /// Body with ids in the place of references; `None` for DELETE alone.
    pub data: Option<Value>,
}

/// How a call went well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// Id of the resource.
    pub id: String,
    /// Its version afterwards, as in `ETag`; `None` after DELETE.
    pub version: Option<String>,
}

/// A bulk request on its way.
///
/// ```
/// # use scim_core::{ScimError, bulk::{BulkRequest, Call, Done, Run}, leniency::Leniencies};
/// # fn carry_out(call: Call) -> Result<Done, ScimError> { Ok(Done { id: "7".into(), version: None }) }
/// # let body = serde_json::json!({"Operations": [{"method": "DELETE", "path": "/Users/7"}]});
/// let mut run = Run::new(BulkRequest::parse(body, Leniencies::LENIENT)?);
/// while let Some(call) = run.next_call() {
///     run.finish(carry_out(call));
/// }
/// let answer = run.response("https://h/t/acme/scim/v2", None);
/// # assert_eq!(answer["Operations"][0]["status"], "204");
/// # Ok::<(), ScimError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Run {
    operations: Vec<Operation>,
    steps: VecDeque<Step>,
    errors_left: Option<usize>,
    /// The steps whose calls are out, in order.
    current: VecDeque<Step>,
    outcomes: Vec<Option<Outcome>>,
    /// Ids by bulkId.
    ids: HashMap<String, String>,
    /// What resources of a circle still lack.
    lacking: HashMap<usize, Vec<String>>,
}

#[derive(Clone, Debug)]
struct Outcome {
    /// Id of the resource, where there is one.
    id: Option<String>,
    version: Option<String>,
    result: Result<u16, ScimError>,
}

impl Run {
    /// Plans the request.
    #[must_use]
    pub fn new(request: BulkRequest) -> Self {
        Self {
            steps: plan(&request.operations).into(),
            errors_left: request.fail_on_errors,
            current: VecDeque::new(),
            outcomes: request.operations.iter().map(|_| None).collect(),
            ids: HashMap::new(),
            lacking: HashMap::new(),
            operations: request.operations,
        }
    }

    /// The next call; `None` when all is done, or `failOnErrors` is reached. Operations that cannot be carried out
    /// (malformed; references that lead nowhere: 409) are answered on the way and need no call.
    pub fn next_call(&mut self) -> Option<Call> {
        while self.is_out() {
            self.finish(Err(ScimError::new(500, "The operation was not carried out.")));
        }
        while let Some(step) = self.steps.pop_front() {
            match self.prepare(&step) {
                Ok(call) => {
                    if call.is_some() {
                        self.current.push_back(step);
                        return call;
                    }
                }
                Err(error) => self.record(&step, Err(error)),
            }
        }
        None
    }

    /// Adds the calls that follow one and make users, too, as long as none of them refers to what is not there yet: all
    /// of these can be carried out together. Each is finished in its turn.
    pub fn and_alike(&mut self, first: Call) -> Vec<Call> {
        let makes_user = |call: &Call| call.method == Method::Post && call.kind == ResourceKind::User;
        let is_run = matches!(self.current.front(), Some(Step::Run(_)));
        let (more, mut calls) = (is_run && makes_user(&first), vec![first]);
        while more
            && let Some(step @ Step::Run(_)) = self.steps.front().cloned()
            && let Ok(Some(call)) = self.prepare(&step)
            && makes_user(&call)
        {
            self.current.extend(self.steps.pop_front());
            calls.push(call);
        }
        calls
    }

    /// Does a call wait for [`Run::finish`]? Not when `failOnErrors` was reached by one before it.
    #[must_use]
    pub fn is_out(&self) -> bool {
        !self.current.is_empty()
    }

    /// Does an error count ([`BulkRequest::fail_on_errors`])?
    #[must_use]
    pub fn counts_errors(&self) -> bool {
        self.errors_left.is_some()
    }

    /// Ends the run before all is done. What is still to be done is answered with this error (a malformed operation
    /// with its own), and a resource of a circle that lacks references says so. Not counted by `failOnErrors`.
    pub fn stop_with(&mut self, why: &ScimError) {
        while self.is_out() {
            self.finish(Err(why.clone()));
        }
        for step in std::mem::take(&mut self.steps) {
            match step {
                Step::Run(index) | Step::RunWithout(index, _) => {
                    let error = self.operations[index].action.as_ref().err().unwrap_or(why).clone();
                    self.record_first(index, Err(error));
                }
                Step::Complete(index) if self.lacking.contains_key(&index) => {
                    self.record_completion(index, Err(why.clone()));
                }
                Step::Complete(_) => {}
            }
        }
    }

    /// Tells how a call went, the first one that is out.
    pub fn finish(&mut self, result: Result<Done, ScimError>) {
        if let Some(step) = self.current.pop_front() {
            self.record(&step, result);
        }
    }

    /// The call of a step; `None` when there is nothing to do.
    fn prepare(&mut self, step: &Step) -> Result<Option<Call>, ScimError> {
        let (Step::Run(index) | Step::RunWithout(index, _) | Step::Complete(index)) = *step;
        let Action { method, kind, id, version, data } = self.operations[index].action.clone()?;
        let call = |method, id, version, data| Call { index, method, kind, id, version, data };
        match step {
            Step::Run(_) => {
                let id = id.map(|id| self.id_of(id)).transpose()?;
                let data = data.map(|data| self.resolved(data)).transpose()?;
                Ok(Some(call(method, id, version, data)))
            }
            Step::RunWithout(_, bulk_ids) => {
                let data = data.map(|data| self.resolved(without(&data, bulk_ids))).transpose()?;
                Ok(Some(call(method, None, None, data)))
            }
            Step::Complete(_) => {
                let Some(Outcome { id: Some(id), version, result: Ok(_) }) = self.outcomes[index].clone()
                else {
                    return Ok(None);
                };
                let data = data.map(|data| self.resolved(data)).transpose()?;
                Ok(Some(call(Method::Put, Some(id), version, data)))
            }
        }
    }

    fn id_of(&self, id: ResourceId) -> Result<String, ScimError> {
        match id {
            ResourceId::Known(id) => Ok(id),
            ResourceId::BulkId(bulk_id) => {
                self.ids.get(&bulk_id).cloned().ok_or_else(|| self.unresolved(&bulk_id))
            }
        }
    }

    fn resolved(&self, mut data: Value) -> Result<Value, ScimError> {
        if let Some(bulk_id) = find(&data).into_iter().find(|bulk_id| !self.ids.contains_key(*bulk_id)) {
            return Err(self.unresolved(bulk_id));
        }
        substitute(&mut data, &|bulk_id| self.ids.get(bulk_id).map(String::as_str));
        Ok(data)
    }

    /// 409 (RFC 7644 §3.7.2).
    fn unresolved(&self, bulk_id: &str) -> ScimError {
        let known = self
            .operations
            .iter()
            .any(|operation| operation.is_post() && operation.bulk_id.as_deref() == Some(bulk_id));
        let problem = if known {
            "names an operation that failed; mend that one and send both again."
        } else {
            "names no POST of this request."
        };
        ScimError::new(409, format!("bulkId:{} {problem}", shown(bulk_id)))
    }

    fn record(&mut self, step: &Step, result: Result<Done, ScimError>) {
        let failed = result.is_err();
        match step {
            Step::Run(index) => self.record_first(*index, result),
            Step::RunWithout(index, bulk_ids) => {
                if !failed {
                    self.lacking.insert(*index, bulk_ids.clone());
                }
                self.record_first(*index, result);
            }
            Step::Complete(index) => self.record_completion(*index, result),
        }
        if failed && let Some(left) = &mut self.errors_left {
            *left = left.saturating_sub(1);
            if *left == 0 {
                self.stop();
            }
        }
    }

    fn record_first(&mut self, index: usize, result: Result<Done, ScimError>) {
        let operation = &self.operations[index];
        let outcome = match result {
            Ok(Done { id, version }) => {
                if let (true, Some(bulk_id)) = (operation.is_post(), &operation.bulk_id) {
                    self.ids.insert(bulk_id.clone(), id.clone());
                }
                let status = operation.action.as_ref().map_or(200, |action| action.method.success());
                Outcome { id: Some(id), version, result: Ok(status) }
            }
            Err(error) => Outcome { id: None, version: None, result: Err(error) },
        };
        self.outcomes[index] = Some(outcome);
    }

    fn record_completion(&mut self, index: usize, result: Result<Done, ScimError>) {
        let lacking = self.lacking.remove(&index).unwrap_or_default();
        let Some(outcome) = &mut self.outcomes[index] else { return };
        match result {
            Ok(done) => outcome.version = done.version,
            Err(error) => outcome.result = Err(incomplete(&lacking, error)),
        }
    }

    /// Nothing more is carried out; what lacks references will not get them.
    fn stop(&mut self) {
        self.steps.clear();
        self.current.clear();
        for (index, lacking) in std::mem::take(&mut self.lacking) {
            if let Some(outcome) = &mut self.outcomes[index] {
                let why = ScimError::new(409, "failOnErrors was reached before.");
                outcome.result = Err(incomplete(&lacking, why));
            }
        }
    }

    /// The answer's body (status 200): the operations that were carried out, in the order of the request.
    /// `base_url` has no trailing slash. Operations that are still to be done are not in it.
    #[must_use]
    pub fn response(&self, base_url: &str, request_id: Option<&str>) -> Value {
        let operations: Vec<_> = self
            .operations
            .iter()
            .zip(&self.outcomes)
            .filter_map(|(operation, outcome)| {
                Some(self.answer(operation, outcome.as_ref()?, base_url, request_id))
            })
            .collect();
        json!({"schemas": [BULK_RESPONSE], "Operations": operations})
    }

    fn answer(
        &self,
        operation: &Operation,
        outcome: &Outcome,
        base_url: &str,
        request_id: Option<&str>,
    ) -> Value {
        let mut answer = Map::new();
        let mut add = |key: &str, value: Option<String>| {
            if let Some(value) = value {
                answer.insert(key.to_owned(), value.into());
            }
        };
        add("location", self.location(operation, outcome, base_url));
        add("method", operation.method.clone());
        add("bulkId", operation.bulk_id.clone());
        add("version", outcome.version.clone().filter(|_| outcome.result.is_ok()));
        let status = outcome.result.as_ref().map_or_else(|error| error.status, |status| *status);
        add("status", Some(status.to_string()));
        if let Err(error) = &outcome.result {
            answer.insert("response".into(), error.to_json(request_id));
        }
        Value::Object(answer)
    }

    /// URL of the resource; for a path that names none, the path as sent; none for a POST that made nothing.
    fn location(&self, operation: &Operation, outcome: &Outcome, base_url: &str) -> Option<String> {
        let action = operation.action.as_ref().ok();
        let id = outcome.id.clone().or_else(|| action?.id.clone().and_then(|id| self.id_of(id).ok()));
        if let (Some(action), Some(id)) = (action, id) {
            return Some(format!("{base_url}{}/{id}", action.kind.endpoint()));
        }
        let path = operation.path.as_deref().filter(|_| !operation.is_post())?;
        Some(format!("{base_url}/{}", path.trim_matches('/')))
    }
}

/// The resource is there, and not as it was asked for.
fn incomplete(lacking: &[String], why: ScimError) -> ScimError {
    let named: Vec<_> = lacking.iter().take(5).map(|bulk_id| format!("bulkId:{}", shown(bulk_id))).collect();
    let more = if lacking.len() > named.len() { ", …" } else { "" };
    let detail = format!(
        "The resource was created without its references to {}{more}; add them by a PATCH. {}",
        named.join(", "),
        why.detail
    );
    ScimError { detail, ..why }
}
