//! Okta's provisioning engine as a client: each operation sends what Okta sends,
//! judges every answer, and reads the resource again, for a 200 must mean that the stored state changed.

pub(crate) mod bodies;
mod credentials;
mod groups;
mod imports;
mod lifecycle;
mod offers;
mod products;
mod refusals;
mod users;

use std::sync::Arc;

use serde_json::{Map, Value};

pub use groups::PushedGroup;

pub use crate::client::TargetError;
use crate::client::{Client, Provider, Target};
use crate::exchange::{Exchange, Ids};
use crate::people::Person;
use crate::report::{Feature, Recorder, Report};

/// How an Okta app updates what it has provisioned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppStyle {
    /// App Integration Wizard: GET, then PUT with the server's own answer echoed back; groups by PUT.
    Wizard,
    /// Catalogue app: PATCH for users and groups.
    Catalogue,
}

/// Which attributes an app maps, and which of them the server must give back.
#[derive(Clone, Copy, Debug)]
pub struct AppProfile {
    /// The mapped attributes of a person as SCIM JSON, `userName` included, extensions under their URN. What Okta
    /// adds to every body (`schemas`, `externalId`, `groups`, `password`, `active`) is not among them.
    pub mapping: fn(&Person) -> Map<String, Value>,
    /// Names of attributes, beyond userName, names, e-mails and active, that must be in every answer. Others may be
    /// left out by a server that does not support them, but if they come back, then as sent.
    pub kept: &'static [&'static str],
    /// Names of attributes that must be in no answer, whatever was sent: the product does not have them.
    pub never: &'static [&'static str],
}

/// A user as Okta believes that it stands in the server.
#[derive(Clone, Debug)]
pub struct Account {
    /// The server's id.
    pub id: String,
    /// What was last sent.
    pub person: Person,
    /// Whether it was left active.
    pub active: bool,
}

/// The provisioning engine of one Okta app. Cheap to clone; clones share connections and the report.
#[derive(Clone)]
pub struct Engine {
    client: Client,
    style: AppStyle,
    profile: AppProfile,
    feature: Option<Feature>,
    ids: Arc<Ids>,
}

impl Engine {
    /// An app towards one server. Fails when the base URL or the credential cannot be used at all.
    pub fn new(target: &Target, style: AppStyle, profile: AppProfile) -> Result<Self, TargetError> {
        let client = Client::new(target, Provider::Okta, Arc::default())?;
        Ok(Self { client, style, profile, feature: None, ids: Arc::default() })
    }

    /// The same app of the other kind.
    pub fn with_style(&self, style: AppStyle) -> Self {
        Self { style, ..self.clone() }
    }

    /// The same app, its operations counted under a feature of a guide.
    pub(crate) fn for_feature(&self, feature: Feature) -> Self {
        Self { feature: Some(feature), ..self.clone() }
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
        self.recorder().operation(self.feature.map_or(name, |feature| feature.name));
        self.quietly(name)
    }

    /// An operation that is part of another and not counted.
    fn quietly(&self, name: &'static str) -> Operation<'_> {
        let name = match self.feature {
            Some(feature) => format!("{} [{}]: {name}", feature.name, feature.reference),
            None => name.to_owned(),
        };
        Operation { engine: self, exchange: Exchange::new(self.client.clone(), name, self.feature) }
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
