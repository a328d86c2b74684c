//! What a declaration would change of destinations.

use std::collections::{BTreeMap, BTreeSet};

use delivery::{
    DestinationChange, DestinationError, NewDestination, NewWay, WayChange,
    ldap::{LdapChange, NewLdap},
    redis_stream::{NewRedisStream, RedisStreamChange},
    webhook::{NewWebhook, WebhookChange},
};
use provisioning::configuration::Judged;
use serde_json::{Value, json};
use store::{
    DestinationId,
    destinations::{Destination, DestinationKind, DestinationState, MOST},
};
use url::Url;

use super::{
    plan::{Deed, Field, differences, users_of, word},
    read::WantedDestination,
    secrets::Secret,
    source::{Fault, Faults},
};
use crate::installation::Installation;

/// Whose destinations are declared.
pub(super) struct Whose<'a> {
    /// `None`: the installation's.
    pub(super) tenant: Option<&'a Judged>,
    /// Are those that are not declared removed?
    pub(super) prune: bool,
}

/// What would change of a destination.
pub(super) struct DestinationStep {
    pub(super) name: String,
    pub(super) action: Action,
    pub(super) fields: Vec<Field>,
}

/// What is to be done.
pub(super) enum Action {
    /// Make it, for a tenant that may not be there yet; what signs is shown if it was made, too.
    Create { new: Box<NewDestination>, state: DestinationState, shows_secret: bool },
    /// Change it; a webhook may get another secret.
    Change { id: DestinationId, change: Box<DestinationChange>, secret: Option<String> },
    /// Remove it.
    Remove { id: DestinationId },
}

impl DestinationStep {
    pub(super) fn deed(&self) -> Deed {
        match self.action {
            Action::Create { .. } => Deed::Create,
            Action::Change { .. } => Deed::Change,
            Action::Remove { .. } => Deed::Remove,
        }
    }
}

/// Judges what is wanted of the destinations of a tenant, or of the installation; the outer error is of the database.
pub(super) async fn steps(
    installation: &Installation,
    whose: &Whose<'_>,
    wanted: Vec<WantedDestination>,
    unset: &mut Vec<String>,
) -> anyhow::Result<Result<Vec<DestinationStep>, Faults>> {
    let there = match whose.tenant {
        Some(judged) if judged.is_new() => Vec::new(),
        tenant => {
            let of = tenant.map(|judged| judged.before().id());
            installation.store.platform().destinations(of).await?
        }
    };
    let (mut steps, mut faults) = (Vec::new(), Vec::new());
    let mut declared = BTreeSet::new();
    for one in &wanted {
        let name = one.file.name.trim();
        declared.insert(name);
        unset.extend(one.secrets.values().filter_map(|secret| match secret {
            Secret::Unset(variable) => Some(variable.clone()),
            Secret::Known(_) => None,
        }));
        let mut called = there.iter().filter(|found| found.name == name);
        let judge = Judge { installation, whose, wanted: one };
        let step = match (called.next(), called.next()) {
            (None, _) => judge.made().map(Some),
            (Some(found), None) => judge.changed(found),
            (Some(_), Some(_)) => {
                let problem =
                    format_args!("name: several destinations are called {name}; rename one of them first");
                Err(one.place.key("name").fault(problem))
            }
        };
        match step {
            Ok(step) => steps.extend(step),
            Err(fault) => faults.push(fault),
        }
    }
    if whose.prune {
        let others = there.iter().filter(|found| !declared.contains(found.name.as_str()));
        steps.extend(others.map(|found| DestinationStep {
            name: found.name.clone(),
            action: Action::Remove { id: found.id },
            fields: differences(&members(found), &BTreeMap::new()),
        }));
    }
    let moved = |deed: Deed| steps.iter().filter(|step| step.deed() == deed).count();
    let then = (there.len() + moved(Deed::Create)).saturating_sub(moved(Deed::Remove));
    if then > MOST
        && let Some(last) = wanted.last()
    {
        faults.push(
            last.place
                .fault(format_args!("destination: with these there are {then}; at most {MOST} are kept")),
        );
    }
    Ok(if faults.is_empty() { Ok(steps) } else { Err(faults.into_iter().collect()) })
}

/// Judges one.
struct Judge<'a> {
    installation: &'a Installation,
    whose: &'a Whose<'a>,
    wanted: &'a WantedDestination,
}

impl Judge<'_> {
    fn made(&self) -> Result<DestinationStep, Fault> {
        let file = &self.wanted.file;
        let way = match file.kind {
            DestinationKind::Webhook => {
                let secret = self.wanted.secrets.get("secret");
                let secret =
                    secret.map(|secret| secret.needed(&self.wanted.place.key("secret"))).transpose()?;
                let headers = self.headers(|_| true)?;
                let headers = headers.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
                NewWay::Webhook(NewWebhook { url: file.url.clone(), headers, secret })
            }
            DestinationKind::RedisStream => NewWay::RedisStream(NewRedisStream {
                url: self.url_with_secrets()?,
                stream: self.needed("stream", file.stream.clone())?,
                max_len: file.max_len.filter(|most| *most > 0),
                groups: file.groups.clone().unwrap_or_default(),
            }),
            DestinationKind::Ldap => NewWay::Ldap(NewLdap {
                url: file.url.clone(),
                ldap: self.needed("ldap", file.ldap.clone())?,
                password: match self.wanted.secrets.get("password") {
                    Some(password) => password.needed(&self.wanted.place.key("password"))?,
                    None => return Err(self.lacks("password")),
                },
                users: match self.whose.tenant {
                    Some(judged) => users_of(judged.after()),
                    None => return Err(self.unfit(&delivery::of_one_tenant().into())),
                },
            }),
        };
        let new = NewDestination {
            tenant: self.whose.tenant.map(|judged| judged.before().id()),
            name: file.name.clone(),
            events: file.events.clone(),
            after: None,
            target: file.target_seconds,
            way,
        };
        let state =
            if file.active == Some(false) { DestinationState::Paused } else { DestinationState::Active };
        let destinations = &self.installation.destinations;
        let mut would = destinations.preview(new.clone()).map_err(|error| self.unfit(&error))?;
        would.state = state;
        let mut fields = differences(&BTreeMap::new(), &members(&would));
        fields.extend(self.wanted.secrets.keys().map(|member| secret_field(member, None, Some("given"))));
        let is_made = file.kind == DestinationKind::Webhook && file.secret.is_none();
        fields.extend(is_made.then(|| secret_field("secret", None, Some("made, and shown once"))));
        let action = Action::Create { new: Box::new(new), state, shows_secret: is_made };
        Ok(DestinationStep { name: file.name.trim().to_owned(), action, fields })
    }

    /// `None`: nothing would change.
    fn changed(&self, found: &Destination) -> Result<Option<DestinationStep>, Fault> {
        let (file, place) = (&self.wanted.file, &self.wanted.place);
        if found.kind != file.kind {
            let is = word(found.kind);
            let problem =
                format!("kind: {} is one of the kind {is}, and stays so; use another name", found.name);
            return Err(place.fault_of(&problem));
        }
        let destinations = &self.installation.destinations;
        let shown = self.wanted.secrets.iter();
        let shown: BTreeMap<String, String> =
            shown.filter_map(|(member, secret)| Some((member.clone(), secret.known()?.to_owned()))).collect();
        let known = destinations.known_secrets(found, &shown);
        // One that is not there, or cannot be read, is another one, too.
        let is_other = |member: &str| match known.members.get(member) {
            Some(same) => *same == Some(false),
            None => shown.contains_key(member) || known.readable,
        };
        let mut others: Vec<&String> = self.wanted.secrets.keys().filter(|member| is_other(member)).collect();
        let mut gone: Vec<String> = Vec::new();
        let way = match file.kind {
            DestinationKind::Webhook => {
                let is_elsewhere = origin(&file.url) != origin(text(&found.settings, "url"));
                let names = found.settings["headers"].as_array().into_iter().flatten();
                let names: Vec<&str> = names.filter_map(Value::as_str).collect();
                let mut headers = None;
                if let Some(wanted) = &file.headers {
                    let is_wanted = |name: &str| wanted.keys().any(|other| other.eq_ignore_ascii_case(name));
                    gone.extend(
                        names.iter().filter(|name| !is_wanted(name)).map(|name| format!("headers.{name}")),
                    );
                    let mut all = self.headers(|member| is_elsewhere || is_other(member))?;
                    all.extend(gone.iter().map(|member| (member["headers.".len()..].to_owned(), None)));
                    headers = Some(all).filter(|all| is_elsewhere || !all.is_empty());
                }
                WayChange::Webhook(WebhookChange { url: Some(file.url.clone()), headers })
            }
            DestinationKind::RedisStream => {
                let is_elsewhere = normal(&file.url) != normal(text(&found.settings, "url"));
                let loses = known.members.keys().filter(|member| !self.wanted.secrets.contains_key(*member));
                let loses: Vec<String> = loses.cloned().collect();
                // Without any of them the file says nothing of them.
                let says = !self.wanted.secrets.is_empty();
                let anew = is_elsewhere || !others.is_empty() || (says && !loses.is_empty());
                if anew {
                    gone = loses;
                }
                WayChange::RedisStream(RedisStreamChange {
                    url: anew.then(|| self.url_with_secrets()).transpose()?,
                    stream: file.stream.clone(),
                    max_len: file.max_len.map(|most| Some(most).filter(|most| *most > 0)),
                    groups: file.groups.clone(),
                })
            }
            DestinationKind::Ldap => {
                let users = match self.whose.tenant {
                    Some(judged) => users_of(judged.after()),
                    None => return Err(self.unfit(&delivery::of_one_tenant().into())),
                };
                let kept = &found.settings["ldap"];
                let is_elsewhere = file.url != text(&found.settings, "url")
                    || file.ldap.as_ref().is_some_and(|ldap| {
                        ldap.bind_dn != text(kept, "bindDn") || ldap.ca.as_deref() != kept["ca"].as_str()
                    });
                let password = self.wanted.secrets.get("password");
                let password = password.filter(|_| is_elsewhere || !others.is_empty());
                let password = password.map(|secret| secret.needed(&place.key("password"))).transpose()?;
                WayChange::Ldap(LdapChange {
                    url: Some(file.url.clone()),
                    ldap: file.ldap.clone(),
                    password,
                    users,
                })
            }
        };
        let secret = match self.wanted.secrets.get("secret") {
            Some(secret) if is_other("secret") => Some(secret.needed(&place.key("secret"))?),
            _ => None,
        };
        let is_active = found.state == DestinationState::Active;
        let change = DestinationChange {
            name: None,
            events: file.events.clone().map(Some),
            active: file.active.filter(|active| *active != is_active),
            target: file.target_seconds,
            way: Some(way),
        };
        let would = destinations.preview_change(found, change.clone()).map_err(|error| self.unfit(&error))?;
        let mut fields = differences(&members(found), &members(&would));
        others.sort();
        let before = |member: &str| known.members.contains_key(member).then_some("given");
        fields.extend(
            others.into_iter().map(|member| secret_field(member, before(member), Some("another one"))),
        );
        fields.extend(gone.iter().map(|member| secret_field(member, Some("given"), None)));
        if fields.is_empty() {
            return Ok(None);
        }
        let action = Action::Change { id: found.id, change: Box::new(change), secret };
        Ok(Some(DestinationStep { name: found.name.clone(), action, fields }))
    }

    /// The declared headers whose members these are, with their values.
    fn headers(&self, which: impl Fn(&str) -> bool) -> Result<BTreeMap<String, Option<String>>, Fault> {
        let mut headers = BTreeMap::new();
        for (member, secret) in &self.wanted.secrets {
            let Some(name) = member.strip_prefix("headers.").filter(|_| which(member)) else { continue };
            let place = self.wanted.place.key("headers").key(name);
            headers.insert(name.to_owned(), Some(secret.needed(&place)?));
        }
        Ok(headers)
    }

    fn url_with_secrets(&self) -> Result<String, Fault> {
        let file = &self.wanted.file;
        let at = self.wanted.place.key("url");
        let mut url = Url::parse(&file.url).map_err(|error| at.fault(format_args!("url: {error}")))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(
                at.fault("url: it must not hold a user name or password; they are `user` and `password`")
            );
        }
        let unfit = || at.fault("url: write rediss://HOST:PORT/DATABASE");
        if let Some(user) = self.wanted.secrets.get("user") {
            url.set_username(&user.needed(&self.wanted.place.key("user"))?).map_err(|()| unfit())?;
        }
        if let Some(password) = self.wanted.secrets.get("password") {
            let password = password.needed(&self.wanted.place.key("password"))?;
            url.set_password(Some(&password)).map_err(|()| unfit())?;
        }
        Ok(url.into())
    }

    fn needed<T>(&self, member: &str, value: Option<T>) -> Result<T, Fault> {
        value.ok_or_else(|| self.lacks(member))
    }

    fn lacks(&self, member: &str) -> Fault {
        let file = &self.wanted.file;
        let kind = word(file.kind);
        self.wanted.place.fault_of(&format!("{member}: a destination of the kind {kind} needs it"))
    }

    fn unfit(&self, error: &DestinationError) -> Fault {
        self.wanted.place.fault_of(&error.to_string())
    }
}

/// All that may be declared of a destination but its secrets, by name.
fn members(destination: &Destination) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::from([
        ("kind".to_owned(), word(destination.kind)),
        ("active".to_owned(), json!(destination.state == DestinationState::Active)),
        ("target-seconds".to_owned(), json!(destination.target / 1_000)),
        ("events".to_owned(), destination.events.as_ref().map_or_else(|| json!("all"), |names| json!(names))),
    ]);
    let settings = destination.settings.as_object();
    for (name, value) in settings.into_iter().flatten() {
        match (name.as_str(), value) {
            // Secrets are told of by themselves.
            ("headers" | "hasPassword", _) | (_, Value::Null) => {}
            ("ldap", Value::Object(ldap)) => {
                all.extend(ldap.iter().map(|(name, value)| (format!("ldap.{name}"), value.clone())));
            }
            ("maxLen", value) => drop(all.insert("max-len".to_owned(), value.clone())),
            (name, value) => drop(all.insert(name.to_owned(), value.clone())),
        }
    }
    all
}

fn secret_field(member: &str, before: Option<&str>, after: Option<&str>) -> Field {
    let told = |text: Option<&str>| text.map(|text| json!(format!("({text})")));
    Field { name: member.to_owned(), before: told(before), after: told(after), lines: None }
}

fn text<'a>(settings: &'a Value, name: &str) -> &'a str {
    settings[name].as_str().unwrap_or_default()
}

fn origin(url: &str) -> Option<url::Origin> {
    Url::parse(url).ok().map(|url| url.origin())
}

/// As it is kept.
fn normal(url: &str) -> String {
    Url::parse(url).map_or_else(|_| url.to_owned(), String::from)
}
