//! What a declaration would change of destinations.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use delivery::{
    DestinationChange, DestinationError, NewDestination, NewWay, WayChange,
    ldap::{LdapChange, NewLdap},
    names,
    redis_stream::{NewRedisStream, RedisStreamChange},
    webhook::{NewWebhook, WebhookChange},
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use scim_core::ResourceType;
use serde::Serialize;
use serde_json::{Value, json};
use store::{
    DestinationId, TenantId,
    destinations::{Destination, DestinationKind, DestinationState, MOST},
};
use url::Url;

use super::{
    plan::{Deed, Field, differences, word},
    read::WantedDestination,
    secrets::Secret,
    source::{Fault, Faults, Place},
};
use crate::installation::Installation;

/// Whose destinations are declared.
pub(super) enum Whose {
    /// The installation's.
    Installation,
    /// A tenant's.
    Tenant {
        /// `None`: it is to be made.
        id: Option<TenantId>,
        /// Its users as they would be; `None`: its profile does not do, so nobody knows.
        users: Option<Arc<ResourceType>>,
        /// Are those that are not declared removed?
        prune: bool,
    },
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
    /// Change it, if it is the version that was looked at.
    Change { id: DestinationId, change: Box<DestinationChange> },
    /// Remove it, likewise.
    Remove { id: DestinationId, version: i64 },
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

/// Judges what is wanted of the destinations of a tenant, or of the installation: what is to be done, and what does not fit.
pub(super) async fn steps(
    installation: &Installation,
    whose: &Whose,
    wanted: Vec<WantedDestination>,
    unset: &mut Vec<String>,
) -> anyhow::Result<(Vec<DestinationStep>, Vec<Fault>)> {
    let platform = installation.store.platform();
    let there = match whose {
        Whose::Installation => platform.destinations(None).await?,
        Whose::Tenant { id: Some(id), .. } => platform.destinations(Some(*id)).await?,
        Whose::Tenant { id: None, .. } => Vec::new(),
    };
    let (mut steps, mut faults) = (Vec::new(), Vec::new());
    let mut declared = BTreeSet::new();
    for one in &wanted {
        let name = one.file.name.trim();
        declared.insert(name);
        unset.extend(one.secrets.values().filter_map(|secret| match secret {
            Secret::Unset(variable) => Some(variable.clone()),
            Secret::Known { .. } => None,
        }));
        let mut called = there.iter().filter(|found| found.name == name);
        let judge = Judge { installation, whose, wanted: one };
        let step = match (called.next(), called.next()) {
            (None, _) => judge.made(),
            (Some(found), None) => judge.changed(found),
            (Some(_), Some(_)) => {
                let problem =
                    format_args!("name: several destinations are called {name}; rename one of them first");
                Err(one.place.key("name").fault(problem).into())
            }
        };
        match step {
            Ok(step) => steps.extend(step),
            Err(Faults(found)) => faults.extend(found),
        }
    }
    if let Whose::Tenant { prune: true, .. } = whose {
        let others = there.iter().filter(|found| !declared.contains(found.name.as_str()));
        steps.extend(others.map(|found| DestinationStep {
            name: found.name.clone(),
            action: Action::Remove { id: found.id, version: found.version },
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
    Ok((steps, faults))
}

/// Judges one.
struct Judge<'a> {
    installation: &'a Installation,
    whose: &'a Whose,
    wanted: &'a WantedDestination,
}

impl Judge<'_> {
    /// `None`: it cannot be judged yet.
    fn made(&self) -> Result<Option<DestinationStep>, Faults> {
        let (file, secrets) = (&self.wanted.file, &self.wanted.secrets);
        let missing = secrets.iter().filter_map(|(member, secret)| secret.needed(&self.at(member)).err());
        let missing: Faults = missing.collect();
        if !missing.0.is_empty() {
            return Err(missing);
        }
        let secret = |member: &str| secrets.get(member).and_then(Secret::known).map(str::to_owned);
        let way = match file.kind {
            DestinationKind::Webhook => {
                let headers = self.headers(|_| true)?;
                let headers = headers.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
                NewWay::Webhook(NewWebhook { url: file.url.clone(), headers, secret: secret("secret") })
            }
            DestinationKind::RedisStream => NewWay::RedisStream(NewRedisStream {
                url: self.url_with_secrets()?,
                stream: self.needed("stream", file.stream.clone())?,
                max_len: file.max_len.filter(|most| *most > 0),
                groups: file.groups.clone().unwrap_or_default(),
            }),
            DestinationKind::Ldap => {
                let Some(users) = self.users()? else { return Ok(None) };
                NewWay::Ldap(NewLdap {
                    url: file.url.clone(),
                    ldap: self.needed("ldap", file.ldap.clone())?,
                    password: self.needed("password", secret("password"))?,
                    users,
                })
            }
        };
        let tenant = match self.whose {
            Whose::Installation => None,
            // Of one that is to be made the id is not known yet, and that it is of a tenant has been looked at.
            Whose::Tenant { id, .. } => Some(id.unwrap_or_else(TenantId::generate)),
        };
        let new = NewDestination {
            tenant,
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
        let from = |secret: &Secret| Some(format!("from {}", secret.from()));
        fields.extend(secrets.iter().map(|(member, secret)| secret_field(member, None, from(secret))));
        let is_made = file.kind == DestinationKind::Webhook && file.secret.is_none();
        fields.extend(is_made.then(|| secret_field("secret", None, Some("made, and shown once".to_owned()))));
        let action = Action::Create { new: Box::new(new), state, shows_secret: is_made };
        Ok(Some(DestinationStep { name: file.name.trim().to_owned(), action, fields }))
    }

    /// `None`: nothing would change, or it cannot be judged yet. What is so already is not judged: it was once, and by what held
    /// then.
    fn changed(&self, found: &Destination) -> Result<Option<DestinationStep>, Faults> {
        let (file, place) = (&self.wanted.file, &self.wanted.place);
        if found.kind != file.kind {
            let is = word(found.kind);
            let problem =
                format!("kind: {} is one of the kind {is}, and stays so; use another name", found.name);
            return Err(place.fault_of(&problem).into());
        }
        let destinations = &self.installation.destinations;
        // Names of headers know no case: each is called as it is kept.
        let kept = found.settings["headers"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let kept: Vec<String> = kept.map(|name| format!("headers.{name}")).collect();
        let spelled = |member: &str| {
            let same = kept.iter().find(|kept| kept.eq_ignore_ascii_case(member));
            same.map_or_else(|| member.to_owned(), String::clone)
        };
        let wanted: BTreeMap<String, &Secret> =
            self.wanted.secrets.iter().map(|(member, secret)| (spelled(member), secret)).collect();
        let shown = wanted.iter();
        let shown: BTreeMap<String, String> =
            shown.filter_map(|(member, secret)| Some((member.clone(), secret.known()?.to_owned()))).collect();
        let known = destinations.known_secrets(found, &shown);
        // One that is not there, or cannot be read, is another one, too.
        let is_other = |member: &str| match known.members.get(member) {
            Some(same) => *same == Some(false),
            None => shown.contains_key(member) || known.readable,
        };
        let others = wanted.keys().any(|member| is_other(member));
        let mut gone: Vec<String> = Vec::new();
        let is_elsewhere;
        let way = match file.kind {
            DestinationKind::Webhook => {
                is_elsewhere = origin(&file.url) != origin(text(&found.settings, "url"));
                let mut headers = None;
                if file.headers.is_some() {
                    gone.extend(kept.iter().filter(|member| !wanted.contains_key(*member)).cloned());
                    let mut all = self.headers(|member| is_elsewhere || is_other(&spelled(member)))?;
                    all.extend(gone.iter().map(|member| (member["headers.".len()..].to_owned(), None)));
                    headers = Some(all).filter(|all| is_elsewhere || !all.is_empty());
                }
                let url = Some(&file.url).filter(|url| normal(url) != normal(text(&found.settings, "url")));
                WayChange::Webhook(WebhookChange { url: url.cloned(), headers })
            }
            DestinationKind::RedisStream => {
                is_elsewhere = normal(&file.url) != normal(text(&found.settings, "url"));
                let loses = known.members.keys().filter(|member| !wanted.contains_key(*member));
                let loses: Vec<String> = loses.cloned().collect();
                // Without any of them the file says nothing of them.
                let says = !wanted.is_empty();
                let anew = is_elsewhere || others || (says && !loses.is_empty());
                if anew {
                    gone = loses;
                }
                WayChange::RedisStream(RedisStreamChange {
                    url: anew.then(|| self.url_with_secrets()).transpose()?,
                    stream: differing(&file.stream, &found.settings["stream"]),
                    max_len: differing(
                        &file.max_len.map(|most| Some(most).filter(|most| *most > 0)),
                        &found.settings["maxLen"],
                    ),
                    groups: differing(&file.groups, &found.settings["groups"]),
                })
            }
            DestinationKind::Ldap => {
                let Some(users) = self.users()? else { return Ok(None) };
                let kept = &found.settings["ldap"];
                is_elsewhere = file.url != text(&found.settings, "url")
                    || file.ldap.as_ref().is_some_and(|ldap| {
                        ldap.bind_dn != text(kept, "bindDn") || ldap.ca.as_deref() != kept["ca"].as_str()
                    });
                let password = wanted.get("password").filter(|_| is_elsewhere || others);
                let password = password.map(|secret| secret.needed(&self.at("password"))).transpose()?;
                let url = Some(&file.url).filter(|url| **url != text(&found.settings, "url"));
                let ldap = differing(&file.ldap, kept);
                WayChange::Ldap(LdapChange { url: url.cloned(), ldap, password, users })
            }
        };
        let secret = wanted.get("secret").filter(|_| is_other("secret"));
        let is_active = found.state == DestinationState::Active;
        let all = [names::ALL.to_owned()];
        let events = file.events.clone().map(|events| Some(events).filter(|events| *events != all));
        let change = DestinationChange {
            name: None,
            events: events.filter(|events| *events != found.events),
            active: file.active.filter(|active| *active != is_active),
            target: file.target_seconds.filter(|seconds| i64::from(*seconds) * 1_000 != found.target),
            way: Some(way),
            secret: secret.map(|secret| secret.needed(&self.at("secret"))).transpose()?,
            version: Some(found.version),
        };
        let would = destinations.preview_change(found, change.clone()).map_err(|error| self.unfit(&error))?;
        let mut fields = differences(&members(found), &members(&would));
        for (member, secret) in &wanted {
            let is_there = known.members.contains_key(member).then(|| "given".to_owned());
            // What signs goes nowhere.
            let which = match is_other(member) {
                true => "another one",
                false if is_elsewhere && member != "secret" => "the same one",
                false => continue,
            };
            fields.push(secret_field(member, is_there, Some(format!("{which}, from {}", secret.from()))));
        }
        fields.extend(gone.iter().map(|member| secret_field(member, Some("given".to_owned()), None)));
        if fields.is_empty() {
            return Ok(None);
        }
        let action = Action::Change { id: found.id, change: Box::new(change) };
        Ok(Some(DestinationStep { name: found.name.clone(), action, fields }))
    }

    /// The tenant's users, if they are known.
    fn users(&self) -> Result<Option<Arc<ResourceType>>, Faults> {
        match self.whose {
            Whose::Tenant { users, .. } => Ok(users.clone()),
            Whose::Installation => Err(self.unfit(&delivery::of_one_tenant().into()).into()),
        }
    }

    /// Where a secret stands.
    fn at(&self, member: &str) -> Place {
        match member.strip_prefix("headers.") {
            Some(name) => self.wanted.place.key("headers").key(name),
            None => self.wanted.place.key(member),
        }
    }

    /// The declared headers whose members these are, with their values.
    fn headers(&self, which: impl Fn(&str) -> bool) -> Result<BTreeMap<String, Option<String>>, Fault> {
        let mut headers = BTreeMap::new();
        for (member, secret) in &self.wanted.secrets {
            let Some(name) = member.strip_prefix("headers.").filter(|_| which(member)) else { continue };
            headers.insert(name.to_owned(), Some(secret.needed(&self.at(member))?));
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
        // In a URL a % begins something, and much else would end the password.
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        if let Some(user) = self.wanted.secrets.get("user") {
            url.set_username(&encoded(&user.needed(&self.at("user"))?)).map_err(|()| unfit())?;
        }
        if let Some(password) = self.wanted.secrets.get("password") {
            let password = encoded(&password.needed(&self.at("password"))?);
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

fn secret_field(member: &str, before: Option<String>, after: Option<String>) -> Field {
    let told = |text: Option<String>| text.map(|text| json!(format!("({text})")));
    Field { name: member.to_owned(), before: told(before), after: told(after), lines: None }
}

/// What is declared, where it is not what is kept.
fn differing<T: Clone + Serialize>(declared: &Option<T>, kept: &Value) -> Option<T> {
    declared.as_ref().filter(|declared| json!(declared) != *kept).cloned()
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
