//! One connection's share of a load: its own users, so that it knows at any time what the server must hold of them.

use std::collections::BTreeSet;
use std::time::Instant;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use reqwest::Method;
use serde_json::Value;

use super::tally::{Kind, Tally};
use super::{LoadOptions, bodies};
use crate::client::{Answer, Client, Provider, look_up_path};
use crate::judge::shorten;
use crate::people::{People, Person};

/// A user as the server must hold it.
pub(super) struct Account {
    id: String,
    person: Person,
    active: bool,
    /// Ids of the groups it is in.
    groups: BTreeSet<String>,
    /// A write has failed, so nobody knows what the server holds.
    unknown: bool,
}

/// One connection.
pub(super) struct Player {
    client: Client,
    provider: Provider,
    dice: StdRng,
    /// People that are still to be made.
    people: Vec<Person>,
    pub(super) users: Vec<Account>,
    /// Ids of all groups.
    pub(super) groups: Vec<String>,
    pub(super) tally: Tally,
    /// Makes each change another one.
    changes: u64,
}

/// Sends a request, counts it, and gives its answer if the status is one of these.
async fn sent(
    client: &Client,
    tally: &Tally,
    kind: Kind,
    (method, path, body): (Method, &str, Option<&Value>),
    statuses: &[u16],
) -> Option<Answer> {
    let start = Instant::now();
    let answer = client.send_once(&method, path, body).await;
    tally.sent(kind, start.elapsed());
    match answer {
        Ok(answer) if statuses.contains(&answer.status) => Some(answer),
        Ok(answer) => {
            tally.failed(kind, || {
                format!("{}: {} {}", answer.request, answer.status, shorten(&answer.json().to_string()))
            });
            None
        }
        Err(error) => {
            tally.failed(kind, || format!("{method} {path}: {error}"));
            None
        }
    }
}

/// Counts an answer that says something else than it should.
fn expect(tally: &Tally, kind: Kind, answer: &Answer, what: &str, found: &Value, expected: &Value) -> bool {
    let right = found == expected;
    if !right {
        tally.failed(kind, || {
            let found = shorten(&found.to_string());
            format!("{}: {what} is {found} where {expected} should be", answer.request)
        });
    }
    right
}

/// Makes a group; gives its id.
pub(super) async fn make_group(client: &Client, tally: &Tally, name: &str) -> Option<String> {
    let request = (Method::POST, "/Groups", Some(&bodies::group(name)));
    let answer = sent(client, tally, Kind::CreateGroup, request, &[201]).await?;
    id(tally, Kind::CreateGroup, &answer)
}

fn id(tally: &Tally, kind: Kind, answer: &Answer) -> Option<String> {
    let id = answer.json()["id"].as_str().map(str::to_owned);
    if id.is_none() {
        tally.failed(kind, || format!("{}: the answer has no id", answer.request));
    }
    id
}

pub(super) async fn remove_group(client: &Client, tally: &Tally, id: &str) {
    let path = format!("/Groups/{id}");
    sent(client, tally, Kind::DeleteGroup, (Method::DELETE, &path, None), &[204]).await;
}

/// Are all those in each group that were put in, and nobody else?
pub(super) async fn read_back_groups(client: &Client, tally: &Tally, players: &[Player]) {
    let accounts = || players.iter().flat_map(|player| &player.users);
    let Some(first) = players.first() else { return };
    for group in &first.groups {
        let path = format!("/Groups/{group}");
        let request = (Method::GET, path.as_str(), None);
        let Some(answer) = sent(client, tally, Kind::ReadBack, request, &[200]).await else { continue };
        let found: BTreeSet<&str> = answer.json()["members"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|member| member["value"].as_str())
            .collect();
        let unknown: BTreeSet<&str> =
            accounts().filter(|account| account.unknown).map(|account| account.id.as_str()).collect();
        let expected: BTreeSet<&str> = accounts()
            .filter(|account| account.groups.contains(group))
            .map(|account| account.id.as_str())
            .collect();
        let wrong = found.symmetric_difference(&expected).filter(|id| !unknown.contains(**id)).count();
        if wrong > 0 {
            tally.failed(Kind::ReadBack, || {
                format!("GET {path}: {wrong} members too many or too few; {} should be there", expected.len())
            });
        }
    }
}

impl Player {
    /// The player number `share.0` of `share.1`.
    pub(super) fn new(
        client: Client,
        options: &LoadOptions,
        people: &People,
        share: (usize, usize),
        tally: &Tally,
    ) -> Self {
        let (index, of) = share;
        Self {
            client,
            provider: options.provider,
            dice: StdRng::seed_from_u64(options.seed.wrapping_add(index as u64)),
            people: (index..options.users).step_by(of).map(|number| people.person(number)).collect(),
            users: vec![],
            groups: vec![],
            tally: tally.like(),
            changes: 0,
        }
    }

    async fn sent(
        &self,
        kind: Kind,
        request: (Method, &str, Option<&Value>),
        statuses: &[u16],
    ) -> Option<Answer> {
        sent(&self.client, &self.tally, kind, request, statuses).await
    }

    /// Makes this player's users; ends at the first that is refused.
    pub(super) async fn make_users(&mut self, made: impl Fn()) {
        for person in std::mem::take(&mut self.people) {
            let body = bodies::create(self.provider, &person);
            let request = (Method::POST, "/Users", Some(&body));
            let Some(answer) = self.sent(Kind::CreateUser, request, &[201]).await else { return };
            let Some(id) = id(&self.tally, Kind::CreateUser, &answer) else { return };
            self.users.push(Account { id, person, active: true, groups: BTreeSet::new(), unknown: false });
            made();
        }
    }

    /// Sends one request after the other until the time is over.
    pub(super) async fn play(&mut self, until: Instant) {
        while Instant::now() < until && !self.users.is_empty() {
            let mut number = self.dice.random_range(0..100);
            let mix = bodies::mix(self.provider);
            let kind = mix.into_iter().find_map(|(share, kind)| {
                let drawn = number < share;
                number = number.saturating_sub(share);
                drawn.then_some(kind)
            });
            let index = self.dice.random_range(0..self.users.len());
            match kind {
                Some(Kind::Get) => drop(self.get(index, Kind::Get).await),
                Some(Kind::Update) => self.update(index).await,
                Some(Kind::Activate) => self.activate(index).await,
                Some(Kind::Member) if !self.groups.is_empty() => self.member(index).await,
                _ => self.look_up(index).await,
            }
        }
    }

    async fn look_up(&self, index: usize) {
        let account = &self.users[index];
        let path = look_up_path("/Users", "userName", &account.person.user_name);
        let Some(answer) = self.sent(Kind::LookUp, (Method::GET, &path, None), &[200]).await else { return };
        let list = answer.json();
        let expect =
            |what, found, expected: Value| expect(&self.tally, Kind::LookUp, &answer, what, found, &expected);
        let _ = expect("totalResults", &list["totalResults"], 1.into())
            && expect("the id", &list["Resources"][0]["id"], account.id.as_str().into());
    }

    /// GETs a user and holds it against what is known of it.
    async fn get(&self, index: usize, kind: Kind) -> Option<Answer> {
        let account = &self.users[index];
        let path = format!("/Users/{}", account.id);
        let answer = self.sent(kind, (Method::GET, &path, None), &[200]).await?;
        self.is_as_known(account, kind, &answer).then_some(answer)
    }

    fn is_as_known(&self, account: &Account, kind: Kind, answer: &Answer) -> bool {
        let user = answer.json();
        let expect =
            |what: &str, expected: Value| expect(&self.tally, kind, answer, what, &user[what], &expected);
        // A server may leave out an attribute that its tenant does not support.
        let title = user.get("title").is_none()
            || account.unknown
            || expect("title", account.person.title.as_str().into());
        expect("id", account.id.as_str().into())
            && title
            && (account.unknown || expect("active", account.active.into()))
    }

    /// A new title: Okta reads the user and PUTs it back with the title changed, Entra PATCHes it.
    async fn update(&mut self, index: usize) {
        self.changes += 1;
        let mut person = self.users[index].person.clone();
        person.title = format!("Specialist {}", self.changes);
        let path = format!("/Users/{}", self.users[index].id);
        let (method, body) = match self.provider {
            Provider::Okta => {
                let Some(answer) = self.get(index, Kind::Get).await else { return };
                let account = &self.users[index];
                (Method::PUT, bodies::put(answer.json(), &account.person, &person, account.active))
            }
            Provider::Entra => (Method::PATCH, bodies::patch(&person)),
        };
        let request = (method, path.as_str(), Some(&body));
        let answer = self.sent(Kind::Update, request, &[200, 204]).await;
        self.written(index, Kind::Update, answer, |account| account.person = person);
    }

    async fn activate(&mut self, index: usize) {
        let account = &self.users[index];
        let (path, active) = (format!("/Users/{}", account.id), !account.active);
        let body = bodies::activate(self.provider, active);
        let answer = self.sent(Kind::Activate, (Method::PATCH, &path, Some(&body)), &[200, 204]).await;
        self.written(index, Kind::Activate, answer, |account| account.active = active);
    }

    /// Notes what was written; if the answer holds the user, it must hold this.
    fn written(
        &mut self,
        index: usize,
        kind: Kind,
        answer: Option<Answer>,
        change: impl FnOnce(&mut Account),
    ) {
        let Some(answer) = answer else {
            self.users[index].unknown = true;
            return;
        };
        change(&mut self.users[index]);
        if answer.status == 200 {
            self.is_as_known(&self.users[index], kind, &answer);
        }
    }

    async fn member(&mut self, index: usize) {
        let group = self.groups[self.dice.random_range(0..self.groups.len())].clone();
        let account = &self.users[index];
        let joins = !account.groups.contains(&group);
        let (path, body) = (format!("/Groups/{group}"), bodies::member(&account.id, joins));
        let answer = self.sent(Kind::Member, (Method::PATCH, &path, Some(&body)), &[200, 204]).await;
        let account = &mut self.users[index];
        match (answer, joins) {
            (None, _) => account.unknown = true,
            (Some(_), true) => drop(account.groups.insert(group)),
            (Some(_), false) => drop(account.groups.remove(&group)),
        }
    }

    /// Reads each user once more.
    pub(super) async fn read_back(&mut self) {
        for index in 0..self.users.len() {
            self.get(index, Kind::ReadBack).await;
        }
    }

    pub(super) async fn remove_users(&mut self, removed: impl Fn()) {
        for account in std::mem::take(&mut self.users) {
            let path = format!("/Users/{}", account.id);
            self.sent(Kind::DeleteUser, (Method::DELETE, &path, None), &[204]).await;
            removed();
        }
    }
}
