//! OAuth clients on the set-up page: the form that makes one, and the answer that shows its secret once.

use axum::{extract::State, response::Response};
use http::StatusCode;
use scim_core::profile::CredentialKind;
use secrecy::ExposeSecret;
use serde::Deserialize;
use token_service::{Longest, NewClient, scopes, service::IssueError};

use super::{super::tenant, closed, setup_page, takes, token_form, unfit};
use crate::{
    ConsoleState,
    chrome::page,
    error::PageError,
    extract::{Fields, Segments, Visit},
    form::Errors,
};

/// A client and the secret that is shown once.
pub(crate) struct IssuedClient {
    pub(crate) name: String,
    pub(crate) client_id: String,
    pub(crate) secret: String,
}

/// What was typed to make a client. The page has a form for tokens too, hence the names.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ClientForm {
    #[serde(rename = "client-name")]
    pub(crate) name: String,
    /// One of the choices for tokens.
    #[serde(rename = "client-expires")]
    pub(crate) expires: String,
}

impl ClientForm {
    /// As it is offered: a year, or the longest that fits.
    pub(crate) fn fresh(longest: Longest) -> Self {
        Self { name: String::new(), expires: token_form::usual(longest).to_owned() }
    }

    /// What it asks for, at `now` (milliseconds); or what is wrong.
    fn read(&self, now: i64, longest: Longest) -> Result<NewClient, Errors> {
        let mut errors = Errors::default();
        if self.name.trim().is_empty() {
            errors.add("client-name", "Enter a name, so that you know later where the client is used.");
        }
        let expires_at = token_form::end_of(&self.expires, now, longest).unwrap_or_else(|problem| {
            errors.add("client-expires", problem);
            0
        });
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(NewClient {
            name: self.name.clone(),
            scope: scopes::DEFAULT.to_owned(),
            expires_at,
            allowed_from: Default::default(),
        })
    }
}

/// `POST …/clients`: the answer is the only place where the secret ever stands.
pub(crate) async fn create_client(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(slug): Segments<String>,
    Fields(typed): Fields<ClientForm>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    if let Some(closed) = closed::instead(&visit, &tenant, StatusCode::FORBIDDEN)? {
        return Ok(closed);
    }
    takes(&tenant, CredentialKind::Oauth)?;
    let longest = state.tokens.longest(tenant.row.credential_days);
    let made = match typed.read(state.store.now(), longest) {
        Ok(new) => match state.tokens.create_client(tenant.id(), new, &visit.context()).await {
            Ok(issued) => Ok(issued),
            Err(IssueError::Unfit(problem) | IssueError::Taken(problem)) => {
                // The field has another name on this page.
                let told = match problem.strip_prefix("name: ") {
                    Some(rest) => format!("client-name: {rest}"),
                    None => problem,
                };
                Err(unfit(IssueError::Unfit(told), &["client-name"])?)
            }
            Err(IssueError::Store(error)) => return Err(error.into()),
        },
        Err(errors) => Err(errors),
    };
    let mut setup = setup_page(&state, &visit, &tenant).await?;
    match made {
        Ok(issued) => {
            setup.credentials.issued_client = Some(IssuedClient {
                name: issued.credential.name,
                client_id: issued.client_id,
                secret: issued.secret.expose_secret().to_owned(),
            });
            setup.chrome.title = format!("New client · {}", setup.head.name);
            page(StatusCode::CREATED, &setup)
        }
        Err(errors) => {
            setup.credentials.typed_client = typed;
            setup.with_errors(errors)
        }
    }
}

/// Where clients of any tenant get their access tokens.
pub(crate) fn token_url(state: &ConsoleState) -> String {
    format!("{}/oauth/token", state.public_url.origin().ascii_serialization())
}
