//! Calls to addresses that somebody typed: the one way out to what a tenant names.
//!
//! A name is resolved, each of its addresses is checked, and the connection goes to a checked address and no other, so
//! that an answer of the name service that changes meanwhile leads nowhere. Addresses that are not public are refused
//! unless the operator has opened their network. No redirect is followed, no proxy variable is heeded, only https is
//! spoken (plain http to opened networks alone), and time and size of an answer are bounded. Who speaks another protocol
//! gets the checked addresses ([`Client::addresses`]) or a connection to one of them ([`Client::connect`]).

mod addresses;
mod client;
mod connect;
mod dns;
mod names;
mod networks;
mod service;

pub use addresses::is_public;
pub use client::{Answer, Call, Client, EgressError, Limits};
pub use dns::{Dns, DnsError, NameServers};
pub use names::Names;
pub use networks::Networks;
pub use service::Schemes;
