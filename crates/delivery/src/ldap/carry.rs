//! What an event does to the entry of its user. Each may come twice, and an entry that is not there is made from the whole
//! state; what is somebody else's is left as it is.

use std::panic::AssertUnwindSafe;

use egress::Client;
use futures::{FutureExt as _, future::BoxFuture};
use scim_core::{Document, fold};
use serde::Deserialize;
use tokio::time::timeout;

use super::{
    connection::{Connection, Fault, Session},
    dn::Dn,
    mapping::{Entry, Mapping, Wanted},
    settings::{OnDelete, Secrets, Settings},
    template::Subject,
};
use crate::carrier::{Carrier, Message, Refusal, TIME};

/// Carries events of users to a directory.
pub struct Writer {
    pub(super) connection: Connection,
    pub(super) mapping: Mapping,
}

/// What is read of an event.
#[derive(Debug, Deserialize)]
struct Told {
    r#type: String,
    object: Option<Object>,
    data: Option<Data>,
}

#[derive(Debug, Deserialize)]
struct Object {
    id: String,
}

#[derive(Debug, Default, Deserialize)]
struct Data {
    state: Option<Document>,
    before: Option<Document>,
    /// Of a purge: was the user there until then?
    #[serde(default)]
    live: bool,
}

impl Carrier for Writer {
    fn carry<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<Option<u16>, Refusal>> {
        Box::pin(async move {
            // The library panics on answers that are malformed: that is one attempt that failed.
            let carried = AssertUnwindSafe(timeout(TIME, self.carried(message))).catch_unwind().await;
            let problem = match carried {
                Ok(Ok(Ok(()))) => return Ok(None),
                Ok(Ok(Err(fault))) => fault.into_text(),
                unanswered => {
                    self.connection.forget().await;
                    match unanswered {
                        Ok(_) => "the directory did not answer in time",
                        Err(_) => "the answer of the directory could not be understood",
                    }
                    .to_owned()
                }
            };
            Err(Refusal { problem, ..Refusal::default() })
        })
    }
}

impl Writer {
    /// Of what is kept. The error says what cannot be used.
    pub fn new(egress: Client, settings: &Settings, secrets: Secrets) -> Result<Self, String> {
        let mapping = Mapping::new(&settings.ldap).map_err(|unfit| unfit.to_string())?;
        Ok(Self { connection: Connection::new(egress, settings, secrets)?, mapping })
    }

    async fn carried(&self, message: &Message) -> Result<(), Fault> {
        let told: Told = serde_json::from_slice(&message.body)
            .map_err(|error| Fault::Refused(format!("the event cannot be read: {error}")))?;
        let session = self.connection.open().await?;
        match self.apply(session, &told).await {
            // It may have been closed since it was used last. What was done already is found done.
            Err(Fault::Lost(_)) => {
                self.connection.forget().await;
                self.apply(self.connection.open().await?, &told).await
            }
            done => done,
        }
    }

    async fn apply(&self, session: Session, told: &Told) -> Result<(), Fault> {
        let mut desk = Desk { session, mapping: &self.mapping, attributes: self.mapping.looked_at() };
        let Some(Object { id }) = &told.object else { return desk.look().await };
        let nothing = Data::default();
        let data = told.data.as_ref().unwrap_or(&nothing);
        match (told.r#type.as_str(), &data.state) {
            ("user.deleted", _) => desk.end(id, data.before.as_ref(), true).await,
            ("user.purged", _) => desk.end(id, None, data.live).await,
            (name, Some(state)) if name.starts_with("user.") => {
                desk.write(id, state, data.before.as_ref()).await
            }
            // Of somebody who was purged since, whose end is told by an event that follows.
            _ => Ok(()),
        }
    }
}

/// What is done for one event.
struct Desk<'w> {
    session: Session,
    mapping: &'w Mapping,
    attributes: Vec<String>,
}

impl Desk<'_> {
    /// Is the place of the entries there?
    async fn look(&mut self) -> Result<(), Fault> {
        match self.session.entry(&self.mapping.base, &self.attributes).await? {
            Some(_) => Ok(()),
            None => Err(self.no_base()),
        }
    }

    /// Makes the entry of a user what its state says.
    async fn write(&mut self, id: &str, state: &Document, before: Option<&Document>) -> Result<(), Fault> {
        let user = Subject { id, document: state };
        let wanted = self.mapping.wanted(user).map_err(Fault::Refused)?;
        let link = self.mapping.link_of(user).map_err(Fault::Refused)?;
        let mut links = vec![link.clone()];
        if let Some(document) = before
            && let Ok(former) = self.mapping.link_of(Subject { id, document })
            && fold(&former) != fold(&link)
        {
            links.push(former);
        }
        let mut found = self.found(&self.mapping.linked(&links)).await?;
        // Somebody else has taken the former name, and says so.
        found.retain(|entry| self.has_link(entry, &link) || !self.mapping.is_of_another(entry, id));
        match <[Entry; 1]>::try_from(found) {
            Ok([entry]) => self.update(id, entry, &wanted).await,
            Err(none) if none.is_empty() => self.add(&wanted, &link).await,
            Err(several) => Err(self.several(&several, &link)),
        }
    }

    async fn add(&mut self, wanted: &Wanted, link: &str) -> Result<(), Fault> {
        match self.session.add(&wanted.dn, self.mapping.whole(wanted)).await {
            Err(Fault::Exists) => Err(self.occupied(wanted, link).await?),
            Err(Fault::Absent) => Err(self.no_place(wanted)),
            done => done,
        }
    }

    async fn update(&mut self, id: &str, mut entry: Entry, wanted: &Wanted) -> Result<(), Fault> {
        if self.mapping.is_of_another(&entry, id) {
            let (dn, link) = (&entry.dn, self.mapping.link());
            let text = format!(
                "the entry {dn} is another user's, by the id that it holds, though its {link} is this user's"
            );
            return Err(untouched(&text));
        }
        if !Dn::parse(&entry.dn).is_some_and(|name| name.is_same(&wanted.name)) {
            match self.session.rename(&entry.dn, &wanted.name).await {
                Err(Fault::Exists) => {
                    let text = format!(
                        "the entry {} of the user cannot be moved to {}: there is an entry of that name already",
                        entry.dn, wanted.dn
                    );
                    return Err(untouched(&text));
                }
                Err(Fault::Absent) => return Err(self.no_place(wanted)),
                done => done?,
            }
            let moved = self.session.entry(&wanted.dn, &self.attributes).await?;
            entry = moved
                .ok_or_else(|| Fault::Refused(format!("{} is not there after it was moved", wanted.dn)))?;
        }
        let differing = self.mapping.differences(wanted, &entry);
        let changes: Vec<_> =
            differing.into_iter().map(|one| (one.attribute, one.wanted.into_iter().collect())).collect();
        if changes.is_empty() {
            return Ok(());
        }
        self.session.replace(&entry.dn, changes).await
    }

    /// Ends the entry of a user who is no more, as far as it can be found; `must`: one that cannot be looked for is a fault.
    async fn end(&mut self, id: &str, before: Option<&Document>, must: bool) -> Result<(), Fault> {
        let link = match before.map(|document| self.mapping.link_of(Subject { id, document })) {
            None => None,
            Some(Ok(link)) => Some(link),
            // Without a link there never was an entry.
            Some(Err(_)) => return Ok(()),
        };
        let filter = match &link {
            Some(link) => Some(self.mapping.linked(std::slice::from_ref(link))),
            None => self.mapping.holding(id),
        };
        let Some(filter) = filter else {
            let text = format!(
                "the user {id} was purged, so that nothing is known of it but its id, which entries do not hold: look for its \
                 entry with `rollcall ldap reconcile`, and let an attribute be written as {{id}}"
            );
            return if must { Err(Fault::Refused(text)) } else { Ok(()) };
        };
        let mut found = self.found(&filter).await?;
        // The name may be somebody else's by now.
        found.retain(|entry| !self.mapping.is_of_another(entry, id));
        let entry = match <[Entry; 1]>::try_from(found) {
            Ok([entry]) => entry,
            Err(none) if none.is_empty() => return Ok(()),
            Err(several) => return Err(self.several(&several, link.as_deref().unwrap_or(id))),
        };
        let done = match self.mapping.on_delete {
            OnDelete::Delete => self.session.delete(&entry.dn).await,
            OnDelete::Deactivate => {
                let (attribute, values) = self.mapping.active_value(false);
                if entry.values(&attribute).eq(values.iter().map(String::as_str)) {
                    return Ok(());
                }
                self.session.replace(&entry.dn, vec![(attribute, values)]).await
            }
        };
        match done {
            Err(Fault::Absent) => Ok(()),
            done => done,
        }
    }

    async fn found(&mut self, filter: &str) -> Result<Vec<Entry>, Fault> {
        match self.session.below(&self.mapping.base, filter, &self.attributes).await {
            Err(Fault::Absent) => Err(self.no_base()),
            found => found,
        }
    }

    fn has_link(&self, entry: &Entry, link: &str) -> bool {
        entry.values(self.mapping.link()).any(|value| fold(value) == fold(link))
    }

    fn several(&self, entries: &[Entry], link: &str) -> Fault {
        let names: Vec<&str> = entries.iter().map(|entry| entry.dn.as_str()).collect();
        let text = format!(
            "several entries are linked to one user ({} {link}): {}; one has to go",
            self.mapping.link(),
            names.join(" and ")
        );
        untouched(&text)
    }

    /// An entry has the name that is to be given, and is not the user's.
    async fn occupied(&mut self, wanted: &Wanted, link: &str) -> Result<Fault, Fault> {
        let attribute = self.mapping.link().to_owned();
        let there = self.session.entry(&wanted.dn, std::slice::from_ref(&attribute)).await?;
        let held: Vec<&str> = there.iter().flat_map(|entry| entry.values(&attribute)).collect();
        let whose = match held.as_slice() {
            [] => format!("is linked to nobody (it has no {attribute})"),
            held => format!("is linked to another user ({attribute} {})", held.join(", ")),
        };
        let text = format!(
            "there is an entry {} already, which {whose}; if it is this user's, give it the {attribute} {link}",
            wanted.dn
        );
        Ok(untouched(&text))
    }

    fn no_base(&self) -> Fault {
        Fault::Refused(format!("the base DN {} is not there, or may not be read", self.mapping.base))
    }

    fn no_place(&self, wanted: &Wanted) -> Fault {
        let (place, dn) = (wanted.name.parent(), &wanted.dn);
        Fault::Refused(format!("{dn} has no place: {place} is not there, or may not be written to"))
    }
}

/// A conflict: it is for people to settle.
fn untouched(text: &str) -> Fault {
    Fault::Refused(format!("{text}. Nothing was changed"))
}
