//! Those who provision: one request after the other, each tried again until it is answered, as identity providers do.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::harness::PATIENCE;

/// At once.
const CLIENTS: usize = 6;
/// Between two requests of one of them.
const PACE: Duration = Duration::from_millis(15);
/// Before a request is sent again, where nothing says how long.
const AGAIN: Duration = Duration::from_secs(1);
/// A request that is not answered for so long is given up.
const LONGEST: Duration = Duration::from_secs(180);

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// What was acknowledged of somebody.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) id: String,
    pub(super) display_name: String,
    pub(super) active: bool,
}

/// What all of them saw.
#[derive(Default)]
pub(super) struct Seen {
    /// By user name.
    pub(super) people: BTreeMap<String, Person>,
    /// When each write was answered with success.
    written: Vec<Instant>,
    pub(super) writes: usize,
    pub(super) answered: usize,
    /// Requests that were sent once more.
    pub(super) again: usize,
    /// What was not answered in the end, or not as it should be.
    pub(super) failed: Vec<String>,
}

impl Seen {
    pub(super) fn is_written_after(&self, moment: Instant) -> bool {
        self.written.last().is_some_and(|at| *at > moment)
    }

    /// In which nobody's write was acknowledged.
    pub(super) fn longest_pause(&self) -> Duration {
        self.written.windows(2).map(|two| two[1].duration_since(two[0])).max().unwrap_or_default()
    }
}

/// They work until it is over.
pub(super) struct Clients {
    pub(super) seen: Arc<Mutex<Seen>>,
    over: Arc<AtomicBool>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Clients {
    /// Each at the nodes in turn.
    pub(super) fn start(base_urls: &[String], authorization: &str) -> Self {
        let (seen, over) = (Arc::<Mutex<Seen>>::default(), Arc::<AtomicBool>::default());
        let tasks = (0..CLIENTS).map(|number| {
            let client = Client {
                http: reqwest::Client::builder().timeout(PATIENCE).build().unwrap(),
                base_url: base_urls[number % base_urls.len()].clone(),
                authorization: authorization.to_owned(),
                seen: seen.clone(),
            };
            tokio::spawn(client.work(number, over.clone()))
        });
        Self { tasks: tasks.collect(), seen, over }
    }

    /// Lets each come to an end with the person that it is at.
    pub(super) async fn end(self) -> Seen {
        self.over.store(true, Ordering::SeqCst);
        for task in self.tasks {
            task.await.unwrap();
        }
        Arc::into_inner(self.seen).unwrap().into_inner().unwrap()
    }
}

struct Client {
    http: reqwest::Client,
    base_url: String,
    authorization: String,
    seen: Arc<Mutex<Seen>>,
}

impl Client {
    async fn work(self, number: usize, over: Arc<AtomicBool>) {
        let mut person = 0;
        while !over.load(Ordering::SeqCst) {
            person += 1;
            self.provision(&format!("{number}-{person}@northwind.example")).await;
        }
    }

    /// Looks for somebody, makes them, changes them, looks at them, deactivates them; notes what was acknowledged.
    async fn provision(&self, name: &str) {
        let filter = format!("/Users?filter=userName%20eq%20%22{name}%22");
        self.send("GET", &filter, None, &[200]).await;
        let mut user = json!({"schemas": [USER], "userName": name, "active": true});
        // Whoever sends it again may find that it was done the first time.
        let Some((status, made)) = self.send("POST", "/Users", Some(&user), &[201, 409]).await else {
            return;
        };
        let id = if status == 201 {
            made["id"].clone()
        } else {
            let Some((_, found)) = self.send("GET", &filter, None, &[200]).await else { return };
            found["Resources"][0]["id"].clone()
        };
        let Some(id) = id.as_str() else {
            self.seen.lock().unwrap().failed.push(format!("{name} is taken and nowhere"));
            return;
        };
        let note = |display_name: &str, active| {
            let person = Person { id: id.to_owned(), display_name: display_name.to_owned(), active };
            self.seen.lock().unwrap().people.insert(name.to_owned(), person);
        };
        note("", true);
        let path = format!("/Users/{id}");
        user["displayName"] = json!("Ada Byron");
        if self.send("PUT", &path, Some(&user), &[200]).await.is_none() {
            return;
        }
        note("Ada Byron", true);
        self.send("GET", &path, None, &[200]).await;
        let leave = json!({"op": "replace", "value": {"active": false}});
        let leave = json!({"schemas": [PATCH], "Operations": [leave]});
        if self.send("PATCH", &path, Some(&leave), &[200]).await.is_some() {
            note("Ada Byron", false);
        }
    }

    /// Sends a request until it is answered with one of these.
    async fn send(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        expected: &[u16],
    ) -> Option<(u16, Value)> {
        let begun = Instant::now();
        let mut is_repeated = false;
        loop {
            let (answer, wait) = self.once(method, path, body).await;
            let told = match answer {
                // 409 is an answer to what was sent before.
                Ok((status, body)) if expected.contains(&status) && (status != 409 || is_repeated) => {
                    self.note(method);
                    tokio::time::sleep(PACE).await;
                    return Some((status, body));
                }
                Ok((429 | 502..=504, body)) => body.to_string(),
                Ok((status, body)) => {
                    let failed = format!("{method} {path}: {status} {body}");
                    self.seen.lock().unwrap().failed.push(failed);
                    return None;
                }
                Err(error) => error.to_string(),
            };
            if begun.elapsed() > LONGEST {
                self.seen.lock().unwrap().failed.push(format!("{method} {path} is given up: {told}"));
                return None;
            }
            is_repeated = true;
            self.seen.lock().unwrap().again += 1;
            tokio::time::sleep(wait).await;
        }
    }

    fn note(&self, method: &str) {
        let mut seen = self.seen.lock().unwrap();
        seen.answered += 1;
        if method != "GET" {
            seen.writes += 1;
            seen.written.push(Instant::now());
        }
    }

    /// Once; with how long to wait before the next time.
    async fn once(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> (Result<(u16, Value), reqwest::Error>, Duration) {
        let mut request = self.http.request(method.parse().unwrap(), format!("{}{path}", self.base_url));
        request = request.header("authorization", &self.authorization);
        if let Some(body) = body {
            request = request.header("content-type", "application/scim+json").body(body.to_string());
        }
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) => return (Err(error), AGAIN),
        };
        let status = answer.status().as_u16();
        let wait = answer.headers().get("retry-after").and_then(|wait| wait.to_str().ok()?.parse().ok());
        let wait = wait.map_or(AGAIN, Duration::from_secs);
        let text = answer.text().await;
        (text.map(|text| (status, serde_json::from_str(&text).unwrap_or_default())), wait)
    }
}
