//! Tokens of the installation, for `/api/v1`: the list, and the form that makes one.

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;
use secrecy::ExposeSecret;
use serde::Deserialize;
use store::{ActorKind, audit::Record, credentials::AllowedFrom, platform_tokens::PlatformToken};
use token_service::{Longest, Networks, NewPlatformToken, expiring, expiry, scopes};

use super::{
    Done,
    setup::{self, token_form, unfit},
};
use crate::{
    ConsoleState,
    chrome::{Badge, Chrome, page},
    error::PageError,
    extract::{Fields, Parameters, Visit},
    form::Errors,
    when::Moment,
};

/// Events that are shown.
const SHOWN: u64 = 20;

#[derive(Template)]
#[template(path = "platform_tokens.html")]
pub(crate) struct PlatformTokensPage {
    pub(crate) chrome: Chrome,
    /// What was just done.
    pub(crate) notice: Option<&'static str>,
    pub(crate) issued: Option<Issued>,
    /// Where the API is.
    pub(crate) address: String,
    pub(crate) rows: Vec<Row>,
    /// When a token may expire: value and label.
    pub(crate) choices: Vec<(&'static str, String)>,
    pub(crate) typed: NewTokenForm,
    pub(crate) errors: Errors,
    pub(crate) events: Vec<Event>,
}

/// A token that is shown once.
pub(crate) struct Issued {
    pub(crate) name: String,
    pub(crate) token: String,
    /// What becomes of the token whose place it took, if it took one's place.
    pub(crate) old: Option<String>,
}

/// A token in the list, and on its own page.
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) name: String,
    /// Last four characters.
    pub(crate) hint: String,
    pub(crate) scope: String,
    /// Networks that it may come from; empty: from anywhere.
    pub(crate) from: String,
    pub(crate) report_only: bool,
    pub(crate) created: Moment,
    pub(crate) created_by: String,
    pub(crate) used: Option<Moment>,
    /// Address and user agent of the last use.
    pub(crate) used_from: String,
    pub(crate) expires: Moment,
    pub(crate) state: Badge,
    pub(crate) live: bool,
    /// Can a new token take its place?
    pub(crate) rotates: bool,
}

/// Something that happened to the installation.
pub(crate) struct Event {
    pub(crate) what: String,
    pub(crate) who: String,
    pub(crate) at: Moment,
}

/// What was typed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct NewTokenForm {
    pub(crate) name: String,
    /// One of [`token_form::choices`].
    pub(crate) expires: String,
    /// Checkbox of `admin:*`.
    pub(crate) admin: Option<String>,
    /// Checkbox of `admin:read`.
    pub(crate) read: Option<String>,
    /// Checkbox of `admin:write`.
    pub(crate) write: Option<String>,
    /// Checkbox of `directory:read`.
    pub(crate) directory: Option<String>,
    /// Networks that it may come from.
    pub(crate) from: String,
    /// Checkbox.
    pub(crate) report_only: Option<String>,
}

impl NewTokenForm {
    /// As it is offered: for reading the directory, which most are made for.
    pub(crate) fn fresh(longest: Longest) -> Self {
        Self {
            expires: token_form::usual(longest).to_owned(),
            directory: Some("on".to_owned()),
            ..Self::default()
        }
    }

    /// What it asks for, at `now`; or what is wrong.
    fn read(&self, now: i64, longest: Longest) -> Result<NewPlatformToken, Errors> {
        let mut errors = Errors::default();
        if self.name.trim().is_empty() {
            errors.add("name", "Enter a name, so that you know later where the token is used.");
        }
        let chosen = [
            (&self.admin, scopes::ADMIN),
            (&self.read, scopes::ADMIN_READ),
            (&self.write, scopes::ADMIN_WRITE),
            (&self.directory, scopes::DIRECTORY_READ),
        ];
        let chosen = chosen.into_iter().filter(|(checked, _)| checked.is_some());
        let scope = chosen.map(|(_, scope)| scope).collect::<Vec<_>>().join(" ");
        if scope.is_empty() {
            errors.add("scopes", "Choose at least one.");
        }
        let expires_at = token_form::end_of(&self.expires, now, longest).unwrap_or_else(|problem| {
            errors.add("expires", problem);
            0
        });
        let networks = self.from.parse::<Networks>().unwrap_or_else(|problem| {
            errors.add("from", format!("{problem}."));
            Networks::default()
        });
        if !errors.is_empty() {
            return Err(errors);
        }
        let allowed_from = AllowedFrom { networks: networks.0, report_only: self.report_only.is_some() };
        Ok(NewPlatformToken { name: self.name.clone(), scope, expires_at, allowed_from })
    }
}

/// `GET /console/platform-tokens`.
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    visit: Visit,
    Parameters(query): Parameters<Done>,
) -> Result<Response, PageError> {
    let mut shown = tokens_page(&state, &visit).await?;
    shown.notice = match query.done.as_str() {
        "revoked" => Some("The token is revoked: the next request with it is refused."),
        "networks" => Some("The networks are saved: they hold for the next request."),
        _ => None,
    };
    page(StatusCode::OK, &shown)
}

/// `POST /console/platform-tokens`: the answer is the only place where the token ever stands.
pub(crate) async fn create(
    State(state): State<ConsoleState>,
    visit: Visit,
    Fields(typed): Fields<NewTokenForm>,
) -> Result<Response, PageError> {
    let made = match typed.read(state.store.now(), state.tokens.longest(None)) {
        Ok(new) => match state.tokens.issue_platform(new, &visit.context()).await {
            Ok(issued) => Ok(issued),
            Err(error) => Err(unfit(error, &["name"])?),
        },
        Err(errors) => Err(errors),
    };
    let mut shown = tokens_page(&state, &visit).await?;
    match made {
        Ok(issued) => {
            let token = issued.token.expose_secret().to_owned();
            shown.with_token(Issued { name: issued.kept.name, token, old: None })
        }
        Err(errors) => {
            shown.typed = typed;
            shown.errors = errors;
            shown.chrome.title = format!("Error: {}", shown.chrome.title);
            page(StatusCode::UNPROCESSABLE_ENTITY, &shown)
        }
    }
}

impl PlatformTokensPage {
    /// The page with a token that was just made.
    pub(crate) fn with_token(mut self, issued: Issued) -> Result<Response, PageError> {
        self.issued = Some(issued);
        self.chrome.title = "New platform token".to_owned();
        page(StatusCode::CREATED, &self)
    }
}

/// The page with nothing made and nothing typed.
pub(crate) async fn tokens_page(
    state: &ConsoleState,
    visit: &Visit,
) -> Result<PlatformTokensPage, PageError> {
    let (now, longest) = (state.store.now(), state.tokens.longest(None));
    let mut tokens = state.tokens.platform_tokens().await?;
    tokens.sort_by_key(|token| !is_live(token, now));
    let events = state.store.platform().audit(None, SHOWN).await?;
    Ok(PlatformTokensPage {
        chrome: visit.chrome("Platform tokens"),
        notice: None,
        issued: None,
        address: format!("{}/api/v1", state.public_url.origin().ascii_serialization()),
        rows: tokens.into_iter().map(|token| row(token, now)).collect(),
        choices: token_form::choices(longest),
        typed: NewTokenForm::fresh(longest),
        errors: Errors::default(),
        events: events.into_iter().map(|record| event(record, now)).collect(),
    })
}

/// A token as it is shown.
pub(crate) fn row(token: PlatformToken, now: i64) -> Row {
    let live = is_live(&token, now);
    Row {
        id: token.id.to_string(),
        state: badge(&token, now),
        live,
        rotates: live && !token.replaced,
        created: Moment::new(token.created_at, now),
        used: token.last_used_at.map(|at| Moment::new(at, now)),
        used_from: token.last_used_from.unwrap_or_default(),
        expires: Moment::new(token.expires_at, now),
        from: Networks(token.allowed_from.networks).to_string(),
        report_only: token.allowed_from.report_only,
        name: token.name,
        hint: token.hint,
        scope: token.scope,
        created_by: token.created_by,
    }
}

fn is_live(token: &PlatformToken, now: i64) -> bool {
    expiry::state(token.revoked_at, Some(token.expires_at), now) == "live"
}

fn badge(token: &PlatformToken, now: i64) -> Badge {
    match expiry::state(token.revoked_at, Some(token.expires_at), now) {
        "revoked" => Badge::new("quiet", "Revoked"),
        "expired" => Badge::new("bad", "Expired"),
        _ if token.replaced => {
            Badge::new("warn", format!("Until {}", Moment::new(token.expires_at, now).exact))
        }
        _ => match expiring::step(token.expires_at, now) {
            None => Badge::new("ok", "Active"),
            Some(step) => Badge::new(
                setup::urgency(step),
                format!("Expires {}", Moment::new(token.expires_at, now).relative),
            ),
        },
    }
}

fn event(record: Record, now: i64) -> Event {
    let state = record.payload.as_ref().map(|payload| &payload["state"]);
    let named = |name: &str| {
        let text = state.and_then(|state| state[name].as_str()).unwrap_or(&record.object_id);
        format!("“{text}”")
    };
    let what = match record.event.as_str() {
        "platform-token.created" => format!("Token {} made", named("name")),
        "platform-token.rotated" => format!("Token {} rotated", named("name")),
        "platform-token.updated" => format!("Networks of token {} changed", named("name")),
        "platform-token.revoked" => format!("Token {} revoked", named("name")),
        "admin.created" => format!("Person {} entered", named("email")),
        "tenant.deleted" => format!("Tenant {} deleted", named("slug")),
        "tenant.restored" => format!("Tenant {} restored", named("slug")),
        "tenant.purged" => format!("The data of tenant {} removed for good", named("slug")),
        "admin.updated" => format!("Role or tenants of {} changed", named("email")),
        "admin.removed" => format!("Person {} removed", named("email")),
        "admin.invited" => format!("Link made by which {} chooses a password", named("email")),
        "admin.password-changed" => format!("Password of {} changed", named("email")),
        "admin.second-factor-enabled" => format!("Second factor of {} turned on", named("email")),
        "admin.second-factor-disabled" => format!("Second factor of {} turned off", named("email")),
        "admin.recovery-codes-renewed" => format!("Recovery codes of {} made anew", named("email")),
        "admin.recovery-code-used" => format!("Recovery code of {} used", named("email")),
        "admin.identity-bound" => format!("{} known at the OpenID provider", named("email")),
        "admin.signed-in" => format!("{} signed in", named("email")),
        "admin.signed-out" => format!("Sessions of {} ended", named("email")),
        "signing-key.rotated" => format!("Signing keys rotated: {} signs", record.object_id),
        "data-key.rewrapped" => "A data key wrapped by another master key".to_owned(),
        "keys.replaced" => "The keys of a lost master key replaced: every token ended".to_owned(),
        other => other.to_owned(),
    };
    let who = match record.actor.kind {
        ActorKind::PlatformToken => format!("platform token {}", record.actor.name),
        ActorKind::Credential => format!("token {}", record.actor.name),
        ActorKind::Cli => "command line".to_owned(),
        ActorKind::System => "Rollcall".to_owned(),
        ActorKind::Stranger => format!("somebody at {}", record.actor.name),
        ActorKind::Admin | ActorKind::SetupLink => record.actor.name.clone(),
    };
    Event { what, who, at: Moment::new(record.at, now) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_checked_at_once() {
        let longest = Longest::of(None, None);
        let form = NewTokenForm { from: "nowhere".into(), ..NewTokenForm::default() };
        let errors = form.read(0, longest).err().unwrap_or_default();
        assert!(
            ["name", "scopes", "expires", "from"].iter().all(|field| errors.of(field).is_some()),
            "{errors:?}"
        );
        let form =
            NewTokenForm { name: "Vendor".into(), write: Some("on".into()), ..NewTokenForm::fresh(longest) };
        let new = form.read(0, longest).expect("a token");
        assert_eq!((new.scope.as_str(), new.allowed_from.networks.len()), ("admin:write directory:read", 0));
    }
}
