//! What the parts of a page that are about credentials need (`parts/issued.html`, `new_token`, `new_login`,
//! `new_client`, `tokens`, `logins`, `clients`, `credential_dialogs`). A page that has `head`, `errors` and `credentials` may include them.

use provisioning::Tenant;
use scim_core::profile::CredentialKind;
use serde::Deserialize;

use super::{ClientForm, IssuedClient, TokenForm, TokenRow, token_form, token_rows};
use crate::{ConsoleState, error::PageError};

/// See the module.
pub(crate) struct Credentials {
    /// Does the tenant take tokens?
    pub(crate) bearer: bool,
    /// Does it take user names with passwords?
    pub(crate) basic: bool,
    /// Where OAuth clients get their access tokens; `None`: the tenant does not take them.
    pub(crate) token_url: Option<String>,
    /// Does the product's guide paste `Bearer` and the token?
    pub(crate) with_bearer: bool,
    /// Is there a credential, neither expired nor revoked, with which the identity provider gets in?
    pub(crate) valid: bool,
    /// A token made by this very request.
    pub(crate) issued_token: Option<IssuedToken>,
    /// A user name made by this very request.
    pub(crate) issued_login: Option<IssuedLogin>,
    /// A client made by this very request.
    pub(crate) issued_client: Option<IssuedClient>,
    pub(crate) tokens: Vec<TokenRow>,
    pub(crate) logins: Vec<TokenRow>,
    pub(crate) clients: Vec<TokenRow>,
    pub(crate) typed_token: TokenForm,
    pub(crate) typed_login: LoginForm,
    pub(crate) typed_client: ClientForm,
    /// First and last day that the form for tokens takes: `2026-11-22`.
    pub(crate) days: (String, String),
}

/// A token that is shown once.
pub(crate) struct IssuedToken {
    pub(crate) name: String,
    pub(crate) token: String,
    /// What becomes of the token whose place it took, if it took one's place.
    pub(crate) old: Option<String>,
}

/// A user name and the password that is shown once.
pub(crate) struct IssuedLogin {
    pub(crate) username: String,
    pub(crate) password: String,
}

/// What was typed to make a user name.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct LoginForm {
    pub(crate) username: String,
}

impl Credentials {
    /// Of a tenant, with nothing made and nothing typed.
    pub(crate) async fn of(state: &ConsoleState, tenant: &Tenant) -> Result<Self, PageError> {
        let takes = |kind| tenant.profile.credentials.contains(&kind);
        let rows = token_rows(state, tenant).await?;
        let valid = rows.iter().any(|row| row.serves);
        let (logins, others): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.basic);
        let (clients, tokens) = others.into_iter().partition(|row| row.client_id.is_some());
        Ok(Self {
            bearer: takes(CredentialKind::Bearer),
            basic: takes(CredentialKind::Basic),
            token_url: takes(CredentialKind::Oauth).then(|| super::clients::token_url(state)),
            with_bearer: tenant.profile.paste_with_bearer,
            valid,
            issued_token: None,
            issued_login: None,
            issued_client: None,
            tokens,
            logins,
            clients,
            typed_token: TokenForm::fresh(),
            typed_login: LoginForm::default(),
            typed_client: ClientForm::fresh(),
            days: token_form::days(state.store.now()),
        })
    }

    /// Those with which something can be done.
    pub(crate) fn live(&self) -> impl Iterator<Item = &TokenRow> {
        self.tokens.iter().chain(&self.logins).chain(&self.clients).filter(|token| token.live)
    }
}
