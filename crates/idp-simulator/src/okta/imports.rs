//! Imports: every page of 100 until `totalResults`, in one order, nobody twice.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::{Account, Engine, Operation, PushedGroup};
use crate::judge::{self, ListView, Requirement, demand};
use crate::people::Person;

/// Entries a page, as Okta asks.
const PAGE: u64 = 100;
/// So many pages are read again to see whether the order is the same.
const PAGES_READ_AGAIN: usize = 5;

/// What is left of a walk: a server may hold far more than this run's, so only those asked for are kept whole.
#[derive(Default)]
struct Walk {
    ids: Vec<String>,
    kept: HashMap<String, Value>,
    /// Those that carry the mark and are not wanted.
    others: Vec<Value>,
    /// How many carry the run's mark in their userName.
    marked: usize,
}

impl Walk {
    fn take(&mut self, resources: Vec<Value>, wanted: &HashSet<&str>, mark: Option<&str>) {
        for resource in resources {
            let id = resource["id"].as_str().unwrap_or_default().to_owned();
            let name = resource["userName"].as_str().unwrap_or_default();
            let marked = mark.is_some_and(|mark| name.contains(mark));
            self.marked += usize::from(marked);
            self.ids.push(id.clone());
            if wanted.contains(id.as_str()) {
                self.kept.insert(id, resource);
            } else if marked {
                self.others.push(resource);
            }
        }
    }
}

impl Engine {
    /// Imports all users and compares those provisioned with what the server tells of them. How many of `expected`
    /// stand in the server, active or not; `mark` is in the userName of every user of this run and of no other.
    pub async fn import_users(&self, expected: &[Account], mark: Option<&str>) -> u64 {
        let op = self.begin("import users");
        let wanted = expected.iter().map(|account| account.id.as_str()).collect();
        let Some(walk) = op.walk("/Users", &wanted, mark).await else { return 0 };
        let mut standing = 0;
        for account in expected {
            let Some(user) = walk.kept.get(&account.id) else {
                op.missing("GET /Users", &account.person.user_name);
                continue;
            };
            standing += 1;
            for verdict in op.whole_user(user, account, &[]) {
                op.hold("GET /Users".into(), verdict);
            }
        }
        let requirement = Requirement {
            text: "an import holds the users that were provisioned and no others of theirs",
            source: "Okta: import users, test plan C9303",
        };
        let good = mark.is_none() || walk.marked == expected.len();
        let found = || format!("{} for {}", walk.marked, expected.len());
        op.hold("GET /Users".into(), demand(good, requirement, found));
        standing
    }

    /// Imports all users and takes in those that Okta did not provision, found by the run's mark: each is matched by
    /// its userName with one of `directory`, or becomes a new Okta user with the names and address that it came with;
    /// then it is assigned, which links it. `None` when a record could not be taken in.
    pub(crate) async fn import_others(
        &self,
        known: &[Account],
        mark: &str,
        directory: &[Person],
        new: impl Fn(usize) -> Person,
    ) -> Option<Vec<Account>> {
        let op = self.begin("import users");
        let wanted = known.iter().map(|account| account.id.as_str()).collect();
        let walk = op.walk("/Users", &wanted, Some(mark)).await?;
        let mut linked = Vec::new();
        for (place, record) in walk.others.iter().enumerate() {
            let name = record["userName"].as_str().unwrap_or_default();
            let person = match directory.iter().find(|person| person.user_name.eq_ignore_ascii_case(name)) {
                Some(person) => person.clone(),
                None => op.new_person(record, new(place))?,
            };
            linked.push(self.link(&person, record).await?);
        }
        Some(linked)
    }

    /// Imports all groups likewise. How many of `expected` stand in the server.
    pub async fn import_groups(&self, expected: &[PushedGroup]) -> u64 {
        let op = self.begin("import groups");
        let wanted = expected.iter().map(|group| group.id.as_str()).collect();
        let Some(walk) = op.walk("/Groups", &wanted, None).await else { return 0 };
        let mut standing = 0;
        for group in expected {
            let Some(found) = walk.kept.get(&group.id) else {
                op.missing("GET /Groups", &group.name);
                continue;
            };
            standing += 1;
            op.hold("GET /Groups".into(), judge::group_name(found, &group.name));
            op.hold("GET /Groups".into(), judge::group_members(found, group.ids()));
        }
        standing
    }
}

impl Operation<'_> {
    /// A record that matches nobody becomes a new Okta user: it must bring a name to sign in with, both names of a
    /// person, and an address. What it does not bring, `person` has already.
    fn new_person(&self, record: &Value, person: Person) -> Option<Person> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let person = Person {
            user_name: text(&record["userName"]),
            given_name: text(&record["name"]["givenName"]),
            family_name: text(&record["name"]["familyName"]),
            email: text(&record["emails"][0]["value"]),
            ..person
        };
        let parts = [&person.user_name, &person.given_name, &person.family_name, &person.email];
        let requirement = Requirement {
            text: "an imported record has what a new Okta user needs: userName, both names, an address",
            source: "Okta: import users, Okta's bodies of users",
        };
        let good = parts.iter().all(|part| !part.is_empty());
        let found = || format!("{:?}", parts.map(|part| !part.is_empty()));
        self.hold("GET /Users".into(), demand(good, requirement, found)).then_some(person)
    }

    fn missing(&self, request: &str, name: &str) {
        let requirement = Requirement {
            text: "an import holds everything that was provisioned",
            source: "Okta: import users",
        };
        self.hold(request.into(), demand(false, requirement, || format!("{name} is missing")));
    }

    /// Every page; `None` when one could not be used. The first pages are read twice.
    async fn walk(&self, resources: &str, wanted: &HashSet<&str>, mark: Option<&str>) -> Option<Walk> {
        let all = self.pages(resources, usize::MAX, wanted, mark).await?;
        let again = self.pages(resources, PAGES_READ_AGAIN, &HashSet::new(), None).await?;
        let twice = all.ids.len() - all.ids.iter().collect::<HashSet<_>>().len();
        let each_once = Requirement {
            text: "the pages of an import hold each entry once",
            source: "Okta: import users, RFC 7644, 3.4.2",
        };
        let same_order =
            Requirement { text: "an import has the same order every time", source: "Okta: import users" };
        let request = || format!("GET {resources}");
        if self.hold(request(), demand(twice == 0, each_once, || format!("{twice} repeated"))) {
            let good = all.ids.starts_with(&again.ids);
            self.hold(request(), demand(good, same_order, || "another order".into()));
        }
        Some(all)
    }

    async fn pages(
        &self,
        resources: &str,
        at_most: usize,
        wanted: &HashSet<&str>,
        mark: Option<&str>,
    ) -> Option<Walk> {
        let mut walk = Walk::default();
        let mut start = 1;
        for _ in 0..at_most {
            let page = self.page(resources, start).await?;
            let received = page.resources.len() as u64;
            walk.take(page.resources, wanted, mark);
            start += received;
            if start > page.total {
                break;
            }
            let requirement = Requirement {
                text: "pages hold entries until totalResults is reached",
                source: "Okta: import users",
            };
            let found = || format!("an empty page at {start} of {}", page.total);
            self.hold(format!("GET {resources}"), demand(received > 0, requirement, found)).then_some(())?;
        }
        Some(walk)
    }

    async fn page(&self, resources: &str, start: u64) -> Option<ListView> {
        let answer = self.get(&format!("{resources}?startIndex={start}&count={PAGE}")).await?;
        self.status(&answer, &[200]).then_some(())?;
        let page = judge::list(answer.json(), PAGE)
            .map_err(|broken| self.fail(answer.request.clone(), broken))
            .ok()?;
        self.judge(&answer, [judge::page_starts_at(&page, start)]).then_some(page)
    }
}
