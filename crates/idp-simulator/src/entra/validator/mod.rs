//! The sets of Entra's SCIM Validator: what the server announces in `/Schemas` is set to random texts
//! and wanted back. Each set makes what it needs, and deletes it.

mod groups;
mod users;
mod values;

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::announced::Announced;
use super::matching::equals;
use super::users::Record;
use super::{Engine, Operation, bodies};
use crate::client::{Target, TargetError};
use crate::judge::{self, ENTERPRISE, GROUP, Requirement, USER, demand};
use crate::report::Report;

use super::expected::Expected;
use values::Values;

/// One set of the validator's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Set {
    CreateUser,
    DuplicateUser,
    FilterUser,
    /// One operation without a path beside those that need a filter, or one operation each.
    ReplaceAttributes {
        verbose: bool,
    },
    /// The same as additions to a user of nothing but a name.
    AddAttributes {
        verbose: bool,
    },
    ChangeUserName,
    DisableUser,
    Manager,
    DeleteUser,
    /// Preview: several verbs on different attributes, and all of them on one.
    MixedOperations,
    /// Preview: what is not there, and what is there no more.
    DeleteTwice,
    CreateGroup,
    DuplicateGroup,
    FilterGroup,
    ReplaceExternalId,
    RenameGroup,
    Members,
    DeleteGroup,
    /// Preview: one member in and out in one PATCH.
    MemberInAndOut,
}

impl Set {
    pub(crate) const USERS: [Self; 13] = [
        Self::CreateUser,
        Self::DuplicateUser,
        Self::FilterUser,
        Self::ReplaceAttributes { verbose: false },
        Self::ReplaceAttributes { verbose: true },
        Self::AddAttributes { verbose: false },
        Self::AddAttributes { verbose: true },
        Self::ChangeUserName,
        Self::DisableUser,
        Self::Manager,
        Self::DeleteUser,
        Self::MixedOperations,
        Self::DeleteTwice,
    ];
    pub(crate) const GROUPS: [Self; 8] = [
        Self::CreateGroup,
        Self::DuplicateGroup,
        Self::FilterGroup,
        Self::ReplaceExternalId,
        Self::RenameGroup,
        Self::Members,
        Self::DeleteGroup,
        Self::MemberInAndOut,
    ];

    /// Its name in reports.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::CreateUser => "validator: create user",
            Self::DuplicateUser => "validator: duplicate user",
            Self::FilterUser => "validator: filter users",
            Self::ReplaceAttributes { verbose: false } => "validator: replace attributes",
            Self::ReplaceAttributes { verbose: true } => "validator: replace attributes, verbose",
            Self::AddAttributes { verbose: false } => "validator: add attributes",
            Self::AddAttributes { verbose: true } => "validator: add attributes, verbose",
            Self::ChangeUserName => "validator: change userName",
            Self::DisableUser => "validator: disable user",
            Self::Manager => "validator: add, replace, remove manager",
            Self::DeleteUser => "validator: delete user",
            Self::MixedOperations => "validator: several operations (preview)",
            Self::DeleteTwice => "validator: delete twice (preview)",
            Self::CreateGroup => "validator: create group",
            Self::DuplicateGroup => "validator: duplicate group",
            Self::FilterGroup => "validator: filter groups",
            Self::ReplaceExternalId => "validator: replace externalId of a group",
            Self::RenameGroup => "validator: rename group",
            Self::Members => "validator: add and remove members",
            Self::DeleteGroup => "validator: delete group",
            Self::MemberInAndOut => "validator: member in and out at once (preview)",
        }
    }
}

/// A run of the sets against one server.
pub(crate) struct Validator {
    engine: Engine,
    announced: Announced,
    values: Values,
}

impl Validator {
    pub(crate) fn new(target: &Target, seed: u64) -> Result<Self, TargetError> {
        let engine = Engine::for_validator(target)?;
        Ok(Self { engine, announced: Announced::default(), values: Values::new(seed) })
    }

    /// Reads what the server announces. False when there is nothing to build the sets from.
    pub(crate) async fn read_announced(&mut self) -> bool {
        if !self.engine.read_schemas().await {
            return false;
        }
        self.announced = (*self.engine.announced).clone();
        match self.engine.user_extensions().await {
            Some(extensions) => self.announced.extensions = extensions,
            None => return false,
        }
        true
    }

    /// The sets that the server announces resources for.
    pub(crate) fn sets(&self) -> Vec<Set> {
        let groups = self.announced.schema(GROUP).is_some();
        let groups = groups.then_some(Set::GROUPS).into_iter().flatten();
        Set::USERS.into_iter().chain(groups).collect()
    }

    pub(crate) fn report(&self) -> Report {
        self.engine.report()
    }

    /// Plays one set.
    pub(crate) async fn play(&mut self, set: Set) {
        self.engine.recorder().operation(set.name());
        match set {
            Set::CreateUser => self.create_user(set).await,
            Set::DuplicateUser => self.duplicate_user(set).await,
            Set::FilterUser => self.filter_users(set).await,
            Set::ReplaceAttributes { verbose } => self.replace_attributes(set, verbose).await,
            Set::AddAttributes { verbose } => self.add_attributes(set, verbose).await,
            Set::ChangeUserName => self.change_user_name(set).await,
            Set::DisableUser => self.disable_user(set).await,
            Set::Manager => self.manager(set).await,
            Set::DeleteUser => self.delete_user(set).await,
            Set::MixedOperations => self.mixed_operations(set).await,
            Set::DeleteTwice => self.delete_twice(set).await,
            Set::CreateGroup => self.create_group(set).await,
            Set::DuplicateGroup => self.duplicate_group(set).await,
            Set::FilterGroup => self.filter_groups(set).await,
            Set::ReplaceExternalId => self.replace_external_id(set).await,
            Set::RenameGroup => self.rename_group(set).await,
            Set::Members => self.members(set).await,
            Set::DeleteGroup => self.delete_group(set).await,
            Set::MemberInAndOut => self.member_in_and_out(set).await,
        }
    }

    fn operation(&self, set: Set) -> Operation<'_> {
        self.engine.quietly(set.name())
    }

    /// The body of a user of random texts, and what must come back of it.
    fn random_user(&mut self) -> (Value, Expected) {
        let attributes = self.values.document(&self.announced);
        let mut schemas = vec![USER.to_owned()];
        schemas.extend(attributes.keys().filter(|key| key.starts_with("urn:")).cloned());
        let mut body = Map::from_iter([("schemas".to_owned(), json!(schemas))]);
        body.insert("externalId".into(), json!(self.values.guid()));
        body.insert("userName".into(), json!(self.values.word()));
        body.insert("active".into(), json!(true));
        body.extend(attributes);
        let mut kept = body.clone();
        kept.remove("schemas");
        kept.retain(|name, _| name.starts_with("urn:") || self.announced.offers("", name));
        for (urn, extension) in kept.iter_mut().filter(|(name, _)| name.starts_with("urn:")) {
            let Some(extension) = extension.as_object_mut() else { continue };
            extension.retain(|name, _| self.announced.offers(urn, name));
        }
        let expected = Expected::of(&kept);
        (Value::Object(body), expected)
    }

    /// A user of random texts in the server.
    async fn arrive(&mut self, set: Set) -> Option<Record> {
        let (body, expected) = self.random_user();
        self.operation(set).post_user(&body, expected).await
    }

    /// A user of nothing but a name.
    async fn arrive_bare(&mut self, set: Set) -> Option<Record> {
        let name = self.values.word();
        let body = bodies::minimal(&name);
        let expected = Expected::of(&Map::from_iter([("userName".to_owned(), json!(name))]));
        self.operation(set).post_user(&body, expected).await
    }

    /// Whoever a set made goes again, whatever the set found.
    async fn clear(&self, set: Set, user: &Record) {
        self.operation(set).delete(&format!("/Users/{}", user.id)).await;
    }
}

impl Engine {
    /// `GET /ResourceTypes`: the extensions of users.
    async fn user_extensions(&self) -> Option<BTreeSet<String>> {
        let op = self.begin("read resource types");
        let answer = op.get("/ResourceTypes").await?;
        op.status(&answer, &[200]).then_some(())?;
        let page = judge::list(answer.json(), u64::MAX);
        let page = page.map_err(|broken| op.fail(answer.request.clone(), broken)).ok()?;
        op.judge(&answer, [judge::no_nulls(answer.json())]).then_some(())?;
        let users = page
            .resources
            .iter()
            .find(|one| one["schema"].as_str().is_some_and(|urn| urn.eq_ignore_ascii_case(USER)));
        let requirement = Requirement {
            text: "/ResourceTypes holds the core User",
            source: "RFC 7644, 3.4.2; RFC 7643, 6",
        };
        op.judge(&answer, [demand(users.is_some(), requirement, || "other types only".into())])
            .then_some(())?;
        let extensions = users?["schemaExtensions"].as_array().into_iter().flatten();
        Some(extensions.filter_map(|one| one["schema"].as_str()).map(str::to_owned).collect())
    }
}

impl Operation<'_> {
    /// POST of a user: 201 with what was sent, the same when it is read and when it is looked up.
    async fn post_user(&self, body: &Value, expected: Expected) -> Option<Record> {
        let answer = self.send(reqwest::Method::POST, "/Users", Some(body)).await?;
        let user = self.created(&answer, expected)?;
        if let Some(password) = body["password"].as_str() {
            self.judge(&answer, [judge::no_password(answer.json(), password)]);
        }
        self.expect_only(&equals("userName", user.user_name()), &user).await;
        self.read(&user).await;
        Some(user)
    }
}

/// Whether managers are among what the server announces.
fn has_manager(announced: &Announced) -> bool {
    announced.offers_enterprise("manager")
        && announced.extensions.iter().any(|urn| urn.eq_ignore_ascii_case(ENTERPRISE))
}
