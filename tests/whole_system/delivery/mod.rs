//! What is provisioned reaches the vendor's application whatever is killed in between, and how soon. `tests/long delivery`
//! tries it with thousands of changes and takes the figures.

mod changes;
mod latency;
mod receiver;

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, UNIX_EPOCH},
};

use serde_json::{Value, json};
use store_testing::{Dice, Trial};

use self::{
    changes::{CLIENTS, Changes},
    receiver::{Kept, Receiver},
};
use crate::{
    harness::{Installation, eventually, on_both_databases},
    nodes::Node,
};

on_both_databases!(nothing_is_lost_when_processes_are_killed);

/// Changes to make.
const VARIABLE: &str = "ROLLCALL_LONG_DELIVERY";
/// Those of `tests/run`.
const FEW: usize = 240;
/// One kill for so many changes, and three at least.
const CHANGES_A_KILL: usize = 250;
/// About as long is it from one kill to the next.
const CALM: Duration = Duration::from_secs(4);
/// Until everything has come: the destination of a node that is killed is held for 30 s more, and an event that was refused
/// twice waits for 5 minutes.
const LONGEST: Duration = Duration::from_secs(1_200);
/// What the application wants.
const EVENTS: [&str; 4] = ["user.*", "group.*", "membership.*", "role.*"];

/// All that may be killed.
struct Processes<'a> {
    installation: &'a Installation,
    nodes: Vec<Node>,
    receiver: Receiver,
}

impl Processes<'_> {
    /// Kills one of them with SIGKILL, and starts it again after a while.
    async fn kill_one(&mut self, dice: &mut Dice, killed: &mut [usize; 2]) {
        let which = dice.below(self.nodes.len() + 1);
        let away = Duration::from_millis(dice.below(1_500) as u64);
        if let Some(node) = self.nodes.get_mut(which) {
            node.kill();
            killed[0] += 1;
            tokio::time::sleep(away).await;
            node.start(self.installation).await;
        } else {
            self.receiver.kill();
            killed[1] += 1;
            tokio::time::sleep(away).await;
            self.receiver.start_again().await;
        }
    }
}

async fn nothing_is_lost_when_processes_are_killed(mut installation: Installation) {
    let mut trial = Trial::new("delivery", VARIABLE, FEW);
    installation.set("ROLLCALL_EGRESS_ALLOW", Some("127.0.0.0/8"));
    installation.run(&["migrate"]);
    let authorization = installation.tenant("acme", "generic");
    let application = Application::new(&installation);
    let mut receiver = Receiver::new(installation.dir.path().join("kept.jsonl"));
    let mut nodes = Node::of(&installation);
    for node in &mut nodes {
        node.start(&installation).await;
    }
    let origins: Vec<String> = nodes.iter().map(Node::origin).collect();
    let secret = application.wants_events(&origins[0], &receiver.url()).await;
    receiver.start(&secret).await;
    refuses_what_is_forged(&receiver).await;

    let answered: Arc<Mutex<Vec<String>>> = Arc::default();
    let left = Arc::new(AtomicUsize::new(trial.cases));
    let kills = (trial.cases / CHANGES_A_KILL).max(3);
    let changes = Changes {
        nodes: origins.iter().map(|origin| format!("{origin}/t/acme/scim/v2")).collect(),
        authorization,
        left: left.clone(),
        answered: Arc::clone(&answered),
        // Kills fall between changes from the first to the last of them.
        pace: CALM * u32::try_from(kills * CLIENTS).unwrap() / u32::try_from(trial.cases).unwrap(),
    };
    let mut dice = Dice::new(trial.seed);
    let clients: Vec<_> =
        (0..CLIENTS).map(|which| tokio::spawn(changes.clone().client(which, dice.number()))).collect();
    let mut processes = Processes { installation: &installation, nodes, receiver };
    let mut killed = [0, 0];
    while killed.iter().sum::<usize>() < kills || left.load(Ordering::SeqCst) > 0 {
        tokio::time::sleep(CALM * u32::try_from(dice.between(10..=160)).unwrap() / 100).await;
        processes.kill_one(&mut dice, &mut killed).await;
        trial.progress(trial.cases - left.load(Ordering::SeqCst));
    }
    for client in clients {
        client.await.unwrap();
    }
    let expected = application.events(&origins[0]).await;
    let receiver = &processes.receiver;
    let took = eventually(LONGEST, "all events", || async { receiver.count() >= expected.len() }).await;

    let kept = receiver.kept();
    let again = in_order_and_complete(&expected, &kept);
    let titles: HashSet<&str> = kept.iter().filter_map(|kept| kept.title.as_deref()).collect();
    let answered = answered.lock().unwrap();
    let lost: Vec<&String> = answered.iter().filter(|title| !titles.contains(title.as_str())).collect();
    assert!(lost.is_empty(), "changes that were answered with success and never told: {lost:?}");
    assert_eq!(answered.len(), trial.cases);
    trial.report(&format!(
        "{}: {} changes answered with success, {} events; killed: nodes {} times, the receiver {} times; all events came, the \
         last one {:.0} s after the last change; {again} came more than once, with the same id; 0 lost; order of each object kept",
        if installation.is_sqlite() { "SQLite, one node" } else { "PostgreSQL, two nodes" },
        answered.len(),
        expected.len(),
        killed[0],
        killed[1],
        took.as_secs_f64()
    ));
}

/// The vendor's application: it makes the destination, and reads the feed to know what it should have been sent.
struct Application {
    http: reqwest::Client,
    token: String,
}

impl Application {
    fn new(installation: &Installation) -> Self {
        let scope = "directory:read admin:write receipts:write";
        let arguments = ["token", "create", "--platform", "--name", "app", "--scope", scope];
        Self { http: reqwest::Client::new(), token: installation.run(&arguments) }
    }

    /// Makes a destination; gives its secret.
    async fn wants_events(&self, origin: &str, url: &str) -> String {
        let body = json!({"name": "application", "url": url, "events": EVENTS});
        let address = format!("{origin}/api/v1/tenants/acme/destinations");
        let answer = self.http.post(address).bearer_auth(&self.token).json(&body).send().await.unwrap();
        let status = answer.status();
        let made: Value = answer.json().await.unwrap();
        assert_eq!(status, 201, "{made}");
        made["secret"].as_str().unwrap().to_owned()
    }

    /// Ids of all events that there are once each change has its number.
    async fn events(&self, origin: &str) -> HashSet<String> {
        let (mut found, mut after) = (HashSet::new(), 0);
        loop {
            // Numbers come a second after the commit at the latest, a while later when the node that gives them was killed.
            let address = format!("{origin}/api/v1/tenants/acme/events?limit=500&wait=15&after={after}");
            let address = format!("{address}&types={}", EVENTS.join(","));
            let answer = self.http.get(address).bearer_auth(&self.token).send().await.unwrap();
            let page: Value = answer.json().await.unwrap();
            let events = page["events"].as_array().unwrap();
            if events.is_empty() {
                return found;
            }
            found.extend(events.iter().map(|event| event["id"].as_str().unwrap().to_owned()));
            after = page["last"].as_i64().unwrap();
        }
    }
}

/// What somebody else sends is refused by the library that verifies.
async fn refuses_what_is_forged(receiver: &Receiver) {
    let http = reqwest::Client::new();
    let now = UNIX_EPOCH.elapsed().unwrap().as_secs();
    let request = http.post(receiver.url()).header("webhook-id", "forged").header("webhook-timestamp", now);
    let request = request.header("webhook-signature", "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=");
    assert_eq!(request.body("{}").send().await.unwrap().status(), 400);
    assert!(receiver.kept().is_empty());
}

/// All that was expected has come and nothing else; events of one object came in the order of their places, and what came
/// again had come before under the same id. Gives how many came again.
fn in_order_and_complete(expected: &HashSet<String>, kept: &[Kept]) -> usize {
    let mut positions: HashMap<&str, i64> = HashMap::new();
    let mut last: HashMap<&(String, String), (i64, i64)> = HashMap::new();
    let mut again = 0;
    for call in kept {
        assert!(expected.contains(&call.id), "an event that is not in the feed: {call:?}");
        if let Some(position) = positions.insert(&call.id, call.position) {
            assert_eq!(position, call.position, "one id for two events: {call:?}");
            again += 1;
            continue;
        }
        let (position, version) =
            last.insert(&call.object, (call.position, call.version)).unwrap_or_default();
        assert!(position < call.position, "{call:?} came after the event of place {position}");
        assert!(version <= call.version, "{call:?} came after version {version}");
    }
    let missing: Vec<&String> = expected.iter().filter(|id| !positions.contains_key(id.as_str())).collect();
    assert!(missing.is_empty(), "events that never came: {missing:?}");
    again
}
