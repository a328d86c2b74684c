//! The users and groups of a trial: what was asked of each, as [`super::history`] wants it, and what they are in the end.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use reqwest::Method;
use serde_json::{Value, json};

use super::history::{Change, Seen, Step, Values, Verdict, judge};

/// Longest wait for an answer.
const LONGEST: Duration = Duration::from_secs(20);

pub(super) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    User,
    Group,
}

impl Kind {
    fn path(self) -> &'static str {
        match self {
            Self::User => "/Users",
            Self::Group => "/Groups",
        }
    }
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Acknowledged,
    /// It has had no effect.
    Refused,
    /// It may have had an effect.
    Unknown,
}

/// A user or a group.
pub(super) struct Resource {
    pub(super) kind: Kind,
    name: String,
    /// Of the request that made it, if that was answered with success.
    pub(super) id: Option<String>,
    steps: Mutex<Vec<Step>>,
    pub(super) unknown: AtomicUsize,
}

impl Resource {
    /// How often it was asked for something that has or may have happened.
    pub(super) fn len(&self) -> usize {
        self.steps.lock().unwrap().len()
    }

    /// Was it deleted, for all that is known?
    pub(super) fn is_gone(&self) -> bool {
        let steps = self.steps.lock().unwrap();
        steps.iter().any(|step| matches!(step.answer, Some((_, Seen::Nothing))))
    }

    /// The version that was seen last.
    pub(super) fn version(&self) -> Option<u64> {
        self.steps.lock().unwrap().iter().rev().find_map(|step| match step.answer {
            Some((_, Seen::Values(_, version) | Seen::Version(version))) => Some(version),
            _ => None,
        })
    }

    fn note(&self, step: Step) {
        if step.answer.is_none() {
            self.unknown.fetch_add(1, Ordering::SeqCst);
        }
        self.steps.lock().unwrap().push(step);
    }
}

/// What all who ask share.
pub(super) struct Shared {
    /// Base URLs of the nodes.
    pub(super) nodes: Vec<String>,
    pub(super) authorization: String,
    /// Ids of the users who may be members; the place is the bit. Nobody changes them.
    pub(super) staff: Vec<String>,
    titles: AtomicU32,
    all: Mutex<Vec<Arc<Resource>>>,
    /// By outcome: acknowledged writes, refused ones, those of which nobody knows.
    counts: [AtomicUsize; 3],
    /// When writes were acknowledged, and by which node.
    acknowledged: Mutex<Vec<(usize, Instant)>>,
}

impl Shared {
    pub(super) fn new(nodes: Vec<String>, authorization: String, staff: Vec<String>) -> Self {
        Self {
            nodes,
            authorization,
            staff,
            titles: AtomicU32::new(1),
            all: Mutex::default(),
            counts: Default::default(),
            acknowledged: Mutex::default(),
        }
    }

    /// A number that was not given before.
    pub(super) fn title(&self) -> u32 {
        self.titles.fetch_add(1, Ordering::SeqCst)
    }

    pub(super) fn counts(&self) -> [usize; 3] {
        self.counts.each_ref().map(|count| count.load(Ordering::SeqCst))
    }

    /// When one of these nodes first acknowledged a write after a moment.
    pub(super) fn first_after(&self, moment: Instant, nodes: &[usize]) -> Option<Instant> {
        let acknowledged = self.acknowledged.lock().unwrap();
        let after = |(node, at): &&(usize, Instant)| *at > moment && nodes.contains(node);
        acknowledged.iter().filter(after).map(|(_, at)| *at).min()
    }

    /// Judges every history; gives how many acknowledged writes are lost and how many resources are wrong, and says what is
    /// amiss.
    pub(super) fn judge(&self) -> (usize, usize, Vec<String>) {
        let (mut lost, mut wrong, mut amiss) = (0, 0, Vec::new());
        for resource in self.all.lock().unwrap().iter() {
            let steps = resource.steps.lock().unwrap();
            let verdict = judge(&steps);
            match verdict {
                Verdict::Explained => continue,
                Verdict::Lost(_) => lost += 1,
                Verdict::Wrong | Verdict::Undecided => wrong += 1,
            }
            let origin = steps.iter().map(|step| step.sent).min();
            let since = |at: Instant| at.duration_since(origin.unwrap_or(at)).as_secs_f64();
            let told = steps.iter().map(|Step { change, if_match, sent, answer }| {
                let answer = answer.map(|(at, seen)| (since(at), seen));
                format!("\n  {:.4} {change:?} {if_match:?} -> {answer:.4?}", since(*sent))
            });
            amiss.push(format!(
                "{verdict:?}: {} {:?}{}",
                resource.name,
                resource.id,
                told.collect::<String>()
            ));
        }
        (lost, wrong, amiss)
    }
}

/// One connection to the nodes.
pub(super) struct Client {
    pub(super) shared: Arc<Shared>,
    http: reqwest::Client,
}

impl Client {
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        let http = reqwest::Client::builder().timeout(LONGEST).pool_max_idle_per_host(1).build().unwrap();
        Self { shared: shared.clone(), http }
    }

    /// Makes a resource at a node; it may or may not be there then.
    pub(super) async fn create(&self, node: usize, kind: Kind, values: Values) -> (Outcome, Arc<Resource>) {
        let name = format!("{}@northwind.example", self.shared.title());
        let sent = Instant::now();
        let body = self.whole(kind, &name, values);
        let (outcome, answered) = self.send(node, Method::POST, kind.path(), Some(&body), None).await;
        let (mut id, mut steps) = (None, Vec::new());
        let mut step = Step { change: Change::Create(values), if_match: None, sent, answer: None };
        if let (Outcome::Acknowledged, Some(answer)) = (outcome, &answered) {
            id = answer.body["id"].as_str().map(str::to_owned);
            assert!(id.is_some(), "no id in {}", answer.body);
            step.answer = Some((answer.at, self.seen(kind, answer)));
        }
        let unknown = AtomicUsize::new(0);
        if outcome != Outcome::Refused {
            steps.push(step);
        }
        let resource = Arc::new(Resource { kind, name, id, steps: Mutex::new(steps), unknown });
        self.shared.all.lock().unwrap().push(resource.clone());
        self.count(node, outcome, answered.as_ref());
        (outcome, resource)
    }

    /// Asks a node for a change of a resource that was made.
    pub(super) async fn ask(
        &self,
        node: usize,
        resource: &Resource,
        change: Change,
        if_match: Option<u64>,
    ) -> Outcome {
        let kind = resource.kind;
        let path = format!("{}/{}", kind.path(), resource.id.as_deref().unwrap());
        let (method, body) = match change {
            Change::Read => (Method::GET, None),
            Change::Delete => (Method::DELETE, None),
            Change::Put(values) => (Method::PUT, Some(self.whole(kind, &resource.name, values))),
            change => (Method::PATCH, Some(self.patch(resource, change))),
        };
        let sent = Instant::now();
        let (outcome, answered) = self.send(node, method, &path, body.as_ref(), if_match).await;
        let mut step = Step { change, if_match, sent, answer: None };
        match (&answered, outcome) {
            (Some(answer), Outcome::Acknowledged) => {
                let seen = if change == Change::Delete { Seen::Nothing } else { self.seen(kind, answer) };
                step.answer = Some((answer.at, seen));
            }
            // It was looked for, and what was found is an answer like others.
            (Some(Answered { status: 404, at, .. }), _) => {
                (step.change, step.if_match, step.answer) = (Change::Read, None, Some((*at, Seen::Nothing)));
            }
            (Some(Answered { status: 412, at, .. }), _) => {
                (step.change, step.if_match) = (Change::Differs(if_match.unwrap()), None);
                step.answer = Some((*at, Seen::Success));
            }
            _ if outcome == Outcome::Refused || !change.is_write() => {
                self.count_write(change, node, outcome, None);
                return outcome;
            }
            _ => {}
        }
        resource.note(step);
        // An answer about the resource is no refusal by whoever cannot.
        if step.change == change {
            self.count_write(change, node, outcome, answered.as_ref());
        }
        outcome
    }

    /// What all resources are in the end, at a node: each by its id, or by its name where nobody knows whether it was made;
    /// then everything there is. Gives how many resources there are, and what nobody asked for.
    pub(super) async fn look_at_all(&self, node: usize) -> (usize, Vec<String>) {
        let all = self.shared.all.lock().unwrap().clone();
        let mut known: Vec<String> = self.shared.staff.clone();
        for resource in all {
            let path = match (&resource.id, resource.kind) {
                (Some(id), kind) => format!("{}/{id}", kind.path()),
                (None, Kind::User) => format!("/Users?filter=userName eq \"{}\"", resource.name),
                (None, Kind::Group) => format!("/Groups?filter=displayName sw \"{} \"", resource.name),
            };
            let sent = Instant::now();
            let (_, answered) = self.send(node, Method::GET, &path, None, None).await;
            let mut answer = answered.unwrap();
            let seen = if resource.id.is_some() {
                match answer.status {
                    404 => Seen::Nothing,
                    200 => self.seen(resource.kind, &answer),
                    status => panic!("{status} to GET {path} in the end"),
                }
            } else {
                assert_eq!(answer.status, 200, "{path}: {}", answer.body);
                match answer.body["Resources"].get(0).cloned() {
                    None => Seen::Nothing,
                    Some(found) => {
                        answer.version = found["meta"]["version"].as_str().and_then(number);
                        answer.body = found;
                        self.seen(resource.kind, &answer)
                    }
                }
            };
            if seen != Seen::Nothing {
                known.push(answer.body["id"].as_str().unwrap().to_owned());
            }
            let answer = Some((answer.at, seen));
            resource.note(Step { change: Change::Read, if_match: None, sent, answer });
        }
        let mut strange = Vec::new();
        let mut count = 0;
        for kind in [Kind::User, Kind::Group] {
            for id in self.ids(node, kind).await {
                count += 1;
                if !known.contains(&id) {
                    strange.push(format!("{}/{id} is there, and nobody made it", kind.path()));
                }
            }
        }
        if count != known.len() {
            strange.push(format!("{} resources are found one by one, {count} in the lists", known.len()));
        }
        (count, strange)
    }

    async fn ids(&self, node: usize, kind: Kind) -> Vec<String> {
        let mut ids = Vec::new();
        loop {
            let path = format!("{}?startIndex={}&count=200&attributes=id", kind.path(), ids.len() + 1);
            let (_, answered) = self.send(node, Method::GET, &path, None, None).await;
            let page = answered.unwrap().body;
            let found = page["Resources"].as_array().cloned().unwrap_or_default();
            ids.extend(found.iter().map(|one| one["id"].as_str().unwrap().to_owned()));
            if found.is_empty() || page["totalResults"].as_u64() == Some(ids.len() as u64) {
                assert_eq!(page["totalResults"], json!(ids.len()), "the total of {}", kind.path());
                return ids;
            }
        }
    }

    fn whole(&self, kind: Kind, name: &str, Values { title, active, members }: Values) -> Value {
        match kind {
            Kind::User => {
                json!({"schemas": [USER], "userName": name, "title": title.to_string(), "active": active})
            }
            Kind::Group => json!({
                "schemas": [GROUP],
                "displayName": format!("{name} {title}"),
                "members": self.members(members),
            }),
        }
    }

    fn members(&self, members: u64) -> Vec<Value> {
        let bits = (0..self.shared.staff.len()).filter(|bit| members & (1 << bit) != 0);
        bits.map(|bit| json!({"value": self.shared.staff[bit]})).collect()
    }

    fn patch(&self, resource: &Resource, change: Change) -> Value {
        let operation = match change {
            Change::Title(title) if resource.kind == Kind::User => {
                json!({"op": "replace", "path": "title", "value": title.to_string()})
            }
            Change::Title(title) => {
                json!({"op": "replace", "path": "displayName", "value": format!("{} {title}", resource.name)})
            }
            Change::Active(active) => json!({"op": "replace", "value": {"active": active}}),
            Change::Add(members) => json!({"op": "add", "path": "members", "value": self.members(members)}),
            // As Okta does.
            Change::Remove(members) => {
                let member = self.members(members).remove(0);
                json!({"op": "remove", "path": format!("members[value eq {}]", member["value"])})
            }
            change => panic!("{change:?} is no PATCH"),
        };
        json!({"schemas": [PATCH], "Operations": [operation]})
    }

    fn seen(&self, kind: Kind, answer: &Answered) -> Seen {
        let version = answer.version.unwrap_or_else(|| panic!("no version in {}", answer.body));
        if answer.body.is_null() {
            return Seen::Version(version);
        }
        let body = &answer.body;
        let title = match kind {
            Kind::User => body["title"].as_str(),
            Kind::Group => body["displayName"].as_str().and_then(|name| name.rsplit(' ').next()),
        };
        let mut members = 0;
        for member in body["members"].as_array().unwrap_or(&Vec::new()) {
            let bit = self.shared.staff.iter().position(|id| member["value"] == id.as_str());
            members |= 1 << bit.unwrap_or_else(|| panic!("a member that nobody added: {member}"));
        }
        let title = title.and_then(|title| title.parse().ok()).unwrap_or_default();
        let active = kind == Kind::Group || body["active"] == true;
        Seen::Values(Values { title, active, members }, version)
    }

    async fn send(
        &self,
        node: usize,
        method: Method,
        path: &str,
        body: Option<&Value>,
        if_match: Option<u64>,
    ) -> (Outcome, Option<Answered>) {
        let mut request = self.http.request(method, format!("{}{path}", self.shared.nodes[node]));
        request = request.header("authorization", &self.shared.authorization);
        if let Some(body) = body {
            request = request.header("content-type", "application/scim+json").body(body.to_string());
        }
        if let Some(version) = if_match {
            request = request.header("if-match", format!("W/\"{version}\""));
        }
        let answer = match request.send().await {
            Ok(answer) => answer,
            // Nothing was sent.
            Err(error) if error.is_connect() => return (Outcome::Refused, None),
            Err(_) => return (Outcome::Unknown, None),
        };
        let (status, version) = (answer.status().as_u16(), answer.headers().get("etag").cloned());
        let text = answer.text().await;
        let at = Instant::now();
        let outcome = match (status, &text) {
            (200..300, Ok(_)) => Outcome::Acknowledged,
            (400..500 | 503, _) => Outcome::Refused,
            _ => Outcome::Unknown,
        };
        let Ok(text) = text else { return (outcome, None) };
        let version = version.and_then(|version| number(version.to_str().unwrap()));
        let body = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() };
        (outcome, Some(Answered { status, version, body, at }))
    }

    fn count_write(&self, change: Change, node: usize, outcome: Outcome, answered: Option<&Answered>) {
        if change.is_write() {
            self.count(node, outcome, answered);
        }
    }

    fn count(&self, node: usize, outcome: Outcome, answered: Option<&Answered>) {
        let which = match outcome {
            Outcome::Acknowledged => 0,
            Outcome::Refused => 1,
            Outcome::Unknown => 2,
        };
        self.shared.counts[which].fetch_add(1, Ordering::SeqCst);
        if let (Outcome::Acknowledged, Some(answered)) = (outcome, answered) {
            self.shared.acknowledged.lock().unwrap().push((node, answered.at));
        }
    }
}

struct Answered {
    status: u16,
    version: Option<u64>,
    body: Value,
    at: Instant,
}

/// The number of a version, `W/"3"`.
fn number(version: &str) -> Option<u64> {
    version.trim_start_matches("W/").trim_matches('"').parse().ok()
}
