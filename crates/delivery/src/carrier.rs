//! What a way of sending events has to do: carry one message, and say what came of it.

use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;

use crate::Event;

/// An event on its way.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// The event's id: the same at each attempt.
    pub id: String,
    /// What has happened: the event's type.
    pub name: String,
    /// The event; `None`: it is a test, and says nothing.
    pub event: Option<Event>,
    /// The event, in JSON.
    pub body: Bytes,
    /// Now, in milliseconds.
    pub now: i64,
}

/// Why a message was not taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// For people. Of what a receiver that a tenant named has answered its status alone; of a directory, which operators
    /// name, what it says of the operation.
    pub problem: String,
    /// The status, if there was an answer.
    pub status: Option<u16>,
    /// The receiver wants nothing for so long.
    pub retry_after: Option<Duration>,
    /// The receiver wants nothing ever again.
    pub is_gone: bool,
    /// It is this one event that is not taken, by a receiver that takes others: nothing is to be learned of it for those.
    pub of_event: bool,
}

/// A way of sending events. Whether a message is tried again, and when, is not its concern.
pub trait Carrier: Send + Sync {
    /// Carries a message, within [`TIME`]; gives the status of the answer where there is such a thing.
    fn carry<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<Option<u16>, Refusal>>;
}

/// Longest time of an attempt.
pub const TIME: Duration = Duration::from_secs(15);
