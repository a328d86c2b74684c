//! Microsoft Entra ID's provisioning engine as a client: look-ups, creates and PATCHes in both
//! of its wire styles; each answer is judged, and the resource read again, for a 204 must mean that the state changed.

mod announced;
pub(crate) mod bodies;
mod change;
mod expected;
mod groups;
mod lifecycle;
mod matching;
mod quirks;
mod users;
pub(crate) mod validator;

use std::sync::Arc;

pub use bodies::CreateShape;
pub(crate) use change::{Change, enterprise};
pub use groups::{Group, GroupCase};
pub use matching::Matching;
pub use quirks::{Others, UserCase};
pub use users::{Record, User};

use announced::Announced;

use crate::client::{Client, Provider, Target, TargetError};
use crate::exchange::{Exchange, Ids};
use crate::report::{Recorder, Report};

/// The flag on the base URL that asks for the newer style.
const FLAG: &str = "aadOptscim062020";

/// How the engine writes its requests. One tenant meets both: on-demand provisioning ignores the flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wire {
    /// Without the flag: `Add`, `Replace`, `Remove`; `"True"`, `"False"`; an operation for each attribute; members
    /// removed by a list of values.
    Legacy,
    /// With the flag `aadOptscim062020` on the base URL: small letters, booleans, one operation without a path for
    /// several attributes, members removed by a filter.
    Compliant,
}

impl Wire {
    /// Both styles.
    pub const BOTH: [Self; 2] = [Self::Legacy, Self::Compliant];

    fn flag(self) -> Option<&'static str> {
        (self == Self::Compliant).then_some(FLAG)
    }
}

/// The provisioning engine of one Entra app. Cheap to clone; clones share connections and the report.
#[derive(Clone)]
pub struct Engine {
    client: Client,
    wire: Wire,
    matching: Matching,
    announced: Arc<Announced>,
    ids: Arc<Ids>,
}

impl Engine {
    /// An app towards one server, matching by `userName`, that expects every attribute back until
    /// [`Engine::read_schemas`] says which the server offers. Fails when the base URL or the credential cannot be used.
    pub fn new(target: &Target, wire: Wire) -> Result<Self, TargetError> {
        let client = Client::new(target, Provider::Entra, Arc::default())?.with_flag(wire.flag());
        Ok(Self {
            client,
            wire,
            matching: Matching::UserName,
            announced: Arc::default(),
            ids: Arc::default(),
        })
    }

    /// The engine as the SCIM Validator plays it: the newer style without the flag.
    pub(crate) fn for_validator(target: &Target) -> Result<Self, TargetError> {
        let engine = Self::new(target, Wire::Compliant)?;
        Ok(Self { client: engine.client.with_flag(None), ..engine })
    }

    /// The same app in the other style.
    pub fn with_wire(&self, wire: Wire) -> Self {
        Self { client: self.client.with_flag(wire.flag()), wire, ..self.clone() }
    }

    /// The same app with another matching attribute.
    pub fn with_matching(&self, matching: Matching) -> Self {
        Self { matching, ..self.clone() }
    }

    /// What was done and found so far.
    pub fn report(&self) -> Report {
        self.recorder().finish()
    }

    pub(crate) fn recorder(&self) -> &Recorder {
        &self.client.recorder
    }

    /// Begins and counts one operation.
    fn begin(&self, name: &'static str) -> Operation<'_> {
        self.recorder().operation(name);
        self.quietly(name)
    }

    /// An operation that is part of another and not counted.
    fn quietly(&self, name: &'static str) -> Operation<'_> {
        Operation { engine: self, exchange: Exchange::new(self.client.clone(), name.to_owned(), None) }
    }
}

/// One operation under way.
struct Operation<'a> {
    engine: &'a Engine,
    exchange: Exchange,
}

impl std::ops::Deref for Operation<'_> {
    type Target = Exchange;

    fn deref(&self) -> &Exchange {
        &self.exchange
    }
}
