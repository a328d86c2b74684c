//! The way back from the provider: the code becomes a token, and the token is checked.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use egress::{Call, Limits};
use http::{HeaderMap, HeaderValue, Method, header};
use jsonwebtoken::{Algorithm, Validation};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::Value;
use url::form_urlencoded;

use super::{Configuration, Kept, OidcError, Provider, Returned, unseal, web};
use crate::{TokenService, federation::Source};

/// How far the provider's clock may be from ours, in seconds.
const SKEW: i64 = 60;

/// What is read of the answer to the code (RFC 6749 §5.1, OpenID Connect Core 1.0 §3.1.3.3).
#[derive(Deserialize)]
struct Answer {
    id_token: String,
}

/// What is asked of the claims beside their signature (OpenID Connect Core 1.0 §2).
#[derive(Deserialize)]
struct Claims {
    sub: String,
    aud: Value,
    azp: Option<String>,
    exp: i64,
    nbf: Option<i64>,
    nonce: String,
}

/// Somebody whom the provider knows.
pub(super) struct Proven {
    /// Never changes, and is nobody else's.
    pub(super) subject: String,
    /// All claims.
    pub(super) claims: Value,
    /// The page that was asked for.
    pub(super) next: String,
}

fn again(what: &str) -> OidcError {
    OidcError::Refused(format!("{what} Nothing was done. Begin again below."))
}

impl Provider {
    /// Checks what came back, and gets the token for it.
    pub(super) async fn prove(
        &self,
        tokens: &TokenService,
        kept: &str,
        returned: &Returned,
    ) -> Result<Proven, OidcError> {
        let late = || again("This sign-in took too long, or was begun in another browser.");
        let kept = unseal(tokens, kept).ok_or_else(late)?;
        verify_slices_are_equal(kept.state.as_bytes(), returned.state.as_bytes()).map_err(|_| late())?;
        let options = &self.inner.options;
        if returned.iss.as_ref().is_some_and(|iss| *iss != options.issuer) {
            return Err(again("The answer came from another provider."));
        }
        if let Some(error) = &returned.error {
            tracing::info!(
                error = error.chars().take(60).collect::<String>(),
                "the OpenID provider refused a sign-in"
            );
            return Err(again(&format!("{} did not sign you in.", self.name())));
        }
        let configuration = self.configuration().await?;
        let answer = self.redeem(&configuration, &returned.code, &kept).await?;
        let claims = self.check(tokens, &configuration, &answer.id_token, &kept).await?;
        let subject = claims["sub"].as_str().unwrap_or_default().to_owned();
        Ok(Proven { subject, claims, next: kept.next })
    }

    /// The code for a token, at the provider (RFC 6749 §4.1.3, RFC 7636 §4.5).
    async fn redeem(
        &self,
        configuration: &Configuration,
        code: &str,
        kept: &Kept,
    ) -> Result<Answer, OidcError> {
        let options = &self.inner.options;
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        // `client_secret_basic` where nothing is said (OpenID Connect Discovery 1.0 §3).
        let methods = configuration.token_endpoint_auth_methods_supported.as_deref();
        let in_head = methods.is_none_or(|all| all.iter().any(|method| method == "client_secret_basic"));
        if in_head {
            headers.insert(header::AUTHORIZATION, basic(&options.client_id, &options.client_secret)?);
        }
        let body = {
            let mut form = form_urlencoded::Serializer::new(String::new());
            form.append_pair("grant_type", "authorization_code")
                .append_pair("code", code)
                .append_pair("redirect_uri", options.redirect_uri.as_str())
                .append_pair("code_verifier", &kept.verifier);
            if !in_head {
                form.append_pair("client_id", &options.client_id)
                    .append_pair("client_secret", options.client_secret.expose_secret());
            }
            form.finish()
        };
        let call = Call {
            method: Method::POST,
            url: web(&configuration.token_endpoint)?,
            headers,
            body: body.into(),
            limits: Limits::default(),
        };
        let answer = self.inner.issuers.egress().send(call).await;
        let answer = answer.map_err(|error| OidcError::Failed(format!("token endpoint: {error}")))?;
        if answer.status != http::StatusCode::OK {
            let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
            let word: String = body["error"].as_str().unwrap_or_default().chars().take(60).collect();
            if word == "invalid_grant" {
                return Err(again("This sign-in was used already, or took too long."));
            }
            return Err(OidcError::Failed(format!("token endpoint: answers {} {word}", answer.status)));
        }
        serde_json::from_slice(&answer.body)
            .map_err(|_| OidcError::Failed("token endpoint: the answer has no id_token".into()))
    }

    /// The signature first, then each claim (OpenID Connect Core 1.0 §3.1.3.7).
    async fn check(
        &self,
        tokens: &TokenService,
        configuration: &Configuration,
        token: &str,
        kept: &Kept,
    ) -> Result<Value, OidcError> {
        let failed = |what: &str| OidcError::Failed(format!("ID token: {what}"));
        let head = jsonwebtoken::decode_header(token).map_err(|_| failed("is no JWT"))?;
        if !matches!(head.alg, Algorithm::RS256 | Algorithm::ES256) {
            return Err(failed("is signed neither by RS256 nor by ES256"));
        }
        let kid = head.kid.ok_or_else(|| failed("names no key"))?;
        let options = &self.inner.options;
        let source = Source::at(options.issuer.clone(), configuration.jwks_uri.clone());
        let store = &tokens.inner.store;
        let key = self.inner.issuers.key(&source, &kid, head.alg, store).await;
        let key = key.ok_or_else(|| failed("is signed by a key that the provider does not publish"))?;
        let mut validation = Validation::new(key.algorithm);
        validation.set_issuer(&[&options.issuer]);
        validation.set_audience(&[&options.client_id]);
        validation.set_required_spec_claims(&["iss", "aud", "exp", "sub"]);
        // Times are checked against the store's clock.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        let decoded = jsonwebtoken::decode::<Value>(token, &key.decoding, &validation);
        let all = decoded.map_err(|error| failed(&error.to_string()))?.claims;
        let claims = Claims::deserialize(&all).map_err(|error| failed(&error.to_string()))?;
        let now = store.now().div_euclid(1000);
        if claims.exp.saturating_add(SKEW) <= now || claims.nbf.is_some_and(|nbf| nbf > now + SKEW) {
            return Err(failed("it is not its time; compare the clocks"));
        }
        let several = claims.aud.as_array().is_some_and(|all| all.len() > 1);
        if claims.azp.as_ref().map_or(several, |azp| *azp != options.client_id) {
            return Err(failed("was issued to another client"));
        }
        if verify_slices_are_equal(claims.nonce.as_bytes(), kept.nonce.as_bytes()).is_err() {
            return Err(failed("belongs to another sign-in"));
        }
        if claims.sub.is_empty() || claims.sub.len() > 255 {
            return Err(failed("names nobody"));
        }
        Ok(all)
    }
}

/// Id and secret form-encoded before they are joined (RFC 6749 §2.3.1).
fn basic(client_id: &str, secret: &SecretString) -> Result<HeaderValue, OidcError> {
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", encode(client_id), encode(secret.expose_secret()));
    let mut value = HeaderValue::from_str(&format!("Basic {}", BASE64_STANDARD.encode(pair)))
        .map_err(|_| OidcError::Failed("client id or secret cannot be sent".into()))?;
    value.set_sensitive(true);
    Ok(value)
}
