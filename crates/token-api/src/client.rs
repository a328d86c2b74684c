//! Which client calls (RFC 6749 §2.3.1): by `client_secret_basic` or `client_secret_post`, never by both.

use std::net::SocketAddr;

use admission::{Lane, Place};
use axum::extract::ConnectInfo;
use http::{HeaderMap, header, request::Parts};
use percent_encoding::percent_decode_str;
use scim_core::profile::CredentialKind;
use secrecy::{ExposeSecret as _, SecretString};
use token_service::{
    Client, Presented, Refusal, Sender, authorization, oauth,
    refusals::{Attempt, Because, Sent, Verdict},
};

use crate::{TokenApiState, error::OauthError, form::Form};

/// What every client is told that could not prove who it is: unknown ones too.
const WRONG: &str = "The client is unknown or its secret is wrong. Check client id and secret, or make a new client on the \
                     tenant's set-up page: a revoked one does not come back.";

/// Finds out which client calls, and where from.
pub(crate) async fn authenticate(
    state: &TokenApiState,
    parts: &Parts,
    form: &Form,
) -> Result<(Client, Sender), OauthError> {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
    let sender = Sender::of(&parts.headers, peer, &state.trusted_proxies);
    let (id, secret) = presented(&parts.headers, form)?;
    let refusal = match state.tokens.verify_client_from(&id, &secret, &sender).await {
        Ok(client) => return Ok((client, sender)),
        Err(refusal) => refusal,
    };
    let error = refused(&sender, request_id(parts), &id, &refusal);
    let sent = state.tokens.sent_client(&id, &secret);
    match note(state, parts, &sender, sent, Because::Refusal(&refusal)).await {
        Verdict::Refuse => Err(error),
        Verdict::TooMany => Err(OauthError::too_many()),
    }
}

/// A place to work on the request of a client, in turn with those of its tenant's identity provider.
pub(crate) async fn enter(state: &TokenApiState, client: &Client) -> Result<Place, OauthError> {
    let entered = state.admission.enter(Lane::Tenant(client.principal.tenant)).await;
    entered.map_err(|_| OauthError::busy())
}

/// Notes a refusal for the people of the client's tenant, and says how it is to be answered.
async fn note(
    state: &TokenApiState,
    parts: &Parts,
    sender: &Sender,
    sent: Sent,
    because: Because<'_>,
) -> Verdict {
    let base_url = state.public_url.origin().ascii_serialization() + parts.uri.path();
    state.tokens.refuse(Attempt { slug: None, base_url: &base_url, sent, sender }, because).await
}

/// Lets a client in whose tenant takes it and is active. Whoever comes here has proven who it is, so it is told the
/// reason: its administrator sees it at "Test connection".
pub(crate) async fn admit(
    state: &TokenApiState,
    parts: &Parts,
    sender: &Sender,
    client: &Client,
) -> Result<(), OauthError> {
    let good = &client.principal;
    // Nothing of the secret is needed any more.
    let noted =
        async |because| note(state, parts, sender, state.tokens.sent_client("", &"".into()), because).await;
    let unknown = |error| {
        tracing::error!(%error, "tenants cannot be looked up now");
        OauthError::busy()
    };
    let tenant = state.tenants.by_id(client.principal.tenant).await.map_err(unknown)?;
    let tenant = tenant.ok_or_else(|| OauthError::client(WRONG))?;
    if !tenant.profile.credentials.contains(&CredentialKind::Oauth) {
        // Whoever has a valid credential is never told to wait.
        let _ = noted(Because::NotTaken(good)).await;
        return Err(OauthError::new(
            "unauthorized_client",
            format!(
                "{} does not sign in with OAuth clients; use what its set-up page offers.",
                tenant.profile.title
            ),
        ));
    }
    if !state.tenants.settled(tenant).await.map_err(unknown)?.is_active() {
        let _ = noted(Because::Inactive(good)).await;
        return Err(OauthError::new(
            "unauthorized_client",
            "This tenant is not active; it has to be activated before it gets access tokens. The client is good.",
        ));
    }
    Ok(())
}

/// Every failed sign-in of a client comes by here.
fn refused(sender: &Sender, request_id: &str, id: &str, refusal: &Refusal) -> OauthError {
    // What was typed in the wrong field may be a secret.
    let client = if is_client_id(id) { id } else { "(no client id)" };
    match refusal {
        Refusal::Unavailable(error) => {
            tracing::error!(request_id, client, %error, "clients cannot be checked now");
            OauthError::busy()
        }
        reason => {
            tracing::info!(request_id, client, sender = sender.line(), %reason, "a client was refused");
            match reason {
                Refusal::Expired => {
                    OauthError::client("The client has expired; make a new one on the tenant's set-up page.")
                }
                _ => OauthError::client(WRONG),
            }
        }
    }
}

/// The id that the server gave the request; empty in tests of this crate alone.
pub(crate) fn request_id(parts: &Parts) -> &str {
    parts.headers.get("x-request-id").and_then(|id| id.to_str().ok()).unwrap_or_default()
}

fn is_client_id(text: &str) -> bool {
    let rest = text.strip_prefix(oauth::ID_PREFIX);
    rest.is_some_and(|rest| rest.len() == 32 && rest.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Id and secret, from the header or from the body.
fn presented(headers: &HeaderMap, form: &Form) -> Result<(String, SecretString), OauthError> {
    let (id, secret) = (form.get("client_id"), form.get("client_secret"));
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(header) = values.next() else {
        return match (id, secret) {
            (Some(id), Some(secret)) => Ok((id.to_owned(), secret.into())),
            _ => Err(OauthError::client(
                "Nobody has signed in. Send client id and secret as Authorization: Basic, or as client_id and \
                 client_secret in the body.",
            )),
        };
    };
    if secret.is_some() {
        return Err(OauthError::request(
            "The client signs in twice, in the header Authorization and with client_secret in the body; use one of them.",
        ));
    }
    if values.next().is_some() {
        return Err(OauthError::request("The header Authorization is there twice; send it once."));
    }
    let Some((basic_id, secret)) = header.to_str().ok().and_then(basic) else {
        return Err(OauthError::client(
            "The header Authorization is not understood; send Basic and the base64 of client id, colon, secret.",
        ));
    };
    if id.is_some_and(|id| id != basic_id) {
        return Err(OauthError::request(
            "client_id in the body names another client than the header Authorization.",
        ));
    }
    Ok((basic_id, secret))
}

/// Id and secret of `Authorization: Basic`, each form-urlencoded before (RFC 6749 §2.3.1).
fn basic(header: &str) -> Option<(String, SecretString)> {
    let Some(Presented::Basic { username, password }) = authorization::parse(header) else { return None };
    Some((decoded(&username)?, decoded(password.expose_secret())?.into()))
}

fn decoded(text: &str) -> Option<String> {
    let text = text.replace('+', " ");
    percent_decode_str(&text).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_id_is_logged() {
        assert!(is_client_id("rc_00112233445566778899aabbccddeeff"));
        for text in ["", "rc_", "rcs_00112233445566778899aabbccddeeff", "rc_00112233445566778899aabbccddeefg"]
        {
            assert!(!is_client_id(text), "{text}");
        }
    }

    #[test]
    fn both_parts_are_decoded() {
        // `rc%5Fa:s%3Ae+c%25`
        let (id, secret) = basic("Basic cmMlNUZhOnMlM0FlK2MlMjU=").expect("read");
        assert_eq!((id.as_str(), secret.expose_secret()), ("rc_a", "s:e c%"));
        assert!(basic("Bearer rcl_x").is_none());
    }
}
