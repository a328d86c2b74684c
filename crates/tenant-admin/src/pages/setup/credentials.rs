//! What the parts of a page that are about credentials need (`parts/issued.html`, `new_token`, `new_login`,
//! `new_client`, `tokens`, `logins`, `clients`, `credential_dialogs`). A page that has `head`, `errors` and `credentials` may include them.

use provisioning::Tenant;
use scim_core::profile::CredentialKind;
use serde::Deserialize;

use token_service::RotationState;

use super::{ClientForm, IssuedClient, TokenForm, TokenRow, token_form, token_rows::rows_of};
use crate::{ConsoleState, error::PageError, pages::networks::NetworksForm};

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
    /// When a token may expire: value and label.
    pub(crate) choices: Vec<(&'static str, String)>,
    /// The choice of a token that is made by one press, and how it reads.
    pub(crate) quick: (&'static str, String),
    /// How long new ones may live, where that is less than anybody may.
    pub(crate) limit: Option<String>,
    /// Of tokens that were rotated and live still: which of the two is in use.
    pub(crate) rotations: Vec<RotationRow>,
}

/// A rotation whose old token lives still.
pub(crate) struct RotationRow {
    pub(crate) name: String,
    /// What is known, and what to do.
    pub(crate) advice: String,
    /// The old one, if it is safe to revoke.
    pub(crate) revoke: Option<String>,
}

impl RotationRow {
    fn of(state: RotationState, now: i64) -> Self {
        let revoke = state.in_use.safe_to_revoke().then(|| state.old.id.to_string());
        Self { advice: state.advice(now), name: state.name, revoke }
    }
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
    /// Where it may come from: as in [`NetworksForm`].
    networks: String,
    report_only: Option<String>,
}

impl LoginForm {
    /// Where it may come from.
    pub(crate) fn places(&self) -> NetworksForm {
        NetworksForm { networks: self.networks.clone(), report_only: self.report_only.clone() }
    }
}

impl Credentials {
    /// Of a tenant, with nothing made and nothing typed.
    pub(crate) async fn of(state: &ConsoleState, tenant: &Tenant) -> Result<Self, PageError> {
        let takes = |kind| tenant.profile.credentials.contains(&kind);
        let (now, longest) = (state.store.now(), state.tokens.longest(tenant.row.credential_days));
        let credentials = state.tokens.list(tenant.id()).await?;
        let rotations = RotationState::all(&credentials, now);
        let rows = rows_of(state, tenant, credentials);
        let choices = token_form::choices(longest);
        let quick = token_form::usual(longest);
        let quick_words = choices.iter().find(|(value, _)| *value == quick).map(|(_, label)| label.clone());
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
            typed_client: ClientForm::fresh(longest),
            typed_token: TokenForm::fresh(longest),
            typed_login: LoginForm::default(),
            days: token_form::days(now, longest),
            quick: (quick, quick_words.unwrap_or_default()),
            choices,
            limit: longest.is_set().then(|| longest.lifetime.words()),
            rotations: rotations.into_iter().map(|rotation| RotationRow::of(rotation, now)).collect(),
        })
    }

    /// Those with which something can be done.
    pub(crate) fn live(&self) -> impl Iterator<Item = &TokenRow> {
        self.tokens.iter().chain(&self.logins).chain(&self.clients).filter(|token| token.live)
    }
}
