//! An event on its way to a directory: it says whose entry may not be right any more. What is written is the user as it stands
//! now, so an event that comes late, or again, never brings back what was.

use std::panic::AssertUnwindSafe;

use egress::Client;
use futures::{FutureExt as _, future::BoxFuture};
use scim_core::Document;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::timeout;

use super::{
    connection::{Connection, Fault, Session},
    desk::Desk,
    mapping::Mapping,
    people::{Now, Past, People},
    settings::{Secrets, Settings},
};
use crate::{
    carrier::{Carrier, Message, Refusal, TIME},
    shared::Had,
};

/// Carries events of users to a directory.
pub struct Writer {
    pub(super) connection: Connection,
    pub(super) mapping: Mapping,
    people: People,
}

/// What is read of an event.
#[derive(Debug, Deserialize)]
struct Told {
    r#type: String,
    #[serde(default)]
    position: i64,
    object: Option<Object>,
    data: Option<Data>,
}

#[derive(Debug, Deserialize)]
struct Object {
    id: String,
}

#[derive(Debug, Default, Deserialize)]
struct Data {
    before: Option<Document>,
    /// Of a purge: was the user there until then?
    #[serde(default)]
    live: bool,
}

impl Carrier for Writer {
    fn carry<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<Option<u16>, Refusal>> {
        Box::pin(async move {
            let had = Had::default();
            // The library panics on answers that are malformed: that is one attempt that failed.
            let carried = AssertUnwindSafe(timeout(TIME, self.carried(message, &had))).catch_unwind().await;
            let fault = match carried {
                Ok(Ok(Ok(()))) => return Ok(None),
                Ok(Ok(Err(fault))) => fault,
                unanswered => {
                    self.connection.forget(&had);
                    let text = match unanswered {
                        Ok(_) => "the directory did not answer in time",
                        Err(_) => "the answer of the directory could not be understood",
                    };
                    Fault::Lost(text.to_owned())
                }
            };
            let of_event = matches!(fault, Fault::Conflict(_));
            Err(Refusal { problem: fault.into_text(), of_event, ..Refusal::default() })
        })
    }
}

impl Writer {
    /// Of what is kept. The error says what cannot be used.
    pub(crate) fn new(
        egress: Client,
        settings: &Settings,
        secrets: Secrets,
        people: People,
    ) -> Result<Self, String> {
        let mapping = Mapping::new(&settings.ldap).map_err(|unfit| unfit.to_string())?;
        Ok(Self { connection: Connection::new(egress, settings, secrets)?, mapping, people })
    }

    async fn carried(&self, message: &Message, had: &Had) -> Result<(), Fault> {
        let told: Told = serde_json::from_slice(&message.body)
            .map_err(|error| Fault::Conflict(format!("the event cannot be read: {error}")))?;
        let session = self.connection.open(had).await?;
        match self.apply(session, &told).await {
            // It may have been closed since it was used last. What was done already is found done.
            Err(Fault::Lost(_)) => {
                self.connection.forget(had);
                self.apply(self.connection.open(had).await?, &told).await
            }
            done => done,
        }
    }

    async fn apply(&self, session: Session, told: &Told) -> Result<(), Fault> {
        let Some(Object { id }) = &told.object else {
            return Desk::new(session, &self.mapping).look().await;
        };
        if !told.r#type.starts_with("user.") {
            return Ok(());
        }
        let nothing = Data::default();
        let data = told.data.as_ref().unwrap_or(&nothing);
        let (story, ends) = (self.people.story(id, told.position), told.r#type == "user.deleted");
        let mut desk = Desk::new(session, &self.mapping);
        match story.now().await? {
            Now::Live(state) => desk.write(story, &state, data.before.as_ref()).await,
            Now::Deleted(last) if ends => desk.end(story, &last).await,
            Now::Deleted(mut last) => match story.past().await? {
                Past::Ended => Ok(()),
                // Its end comes, and has to find the entry: it is to be where the last state has it, for nobody to use.
                _ => {
                    last.insert("active".to_owned(), Value::Bool(false));
                    desk.write(story, &last, data.before.as_ref()).await
                }
            },
            Now::Gone if ends => desk.end_unknown(story, true).await,
            Now::Gone if told.r#type == "user.purged" => desk.end_unknown(story, data.live).await,
            // Its end is told by an event that follows.
            Now::Gone => Ok(()),
        }
    }
}
