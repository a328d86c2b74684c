//! A token's text: what it says, how it is signed, and how far its signature can be trusted. Whether it is still active
//! is for the database to say.

use jsonwebtoken::{Algorithm, Header, Validation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Refusal, keys::KeyRing};

/// Every token begins so: people and secret scanners know it by that.
pub(crate) const PREFIX: &str = "rcl_";

/// Claims of a token (RFC 7519 §4). No URL and no slug: a token outlives both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claims {
    /// The installation.
    pub(crate) iss: Uuid,
    /// The installation again: nobody else is to accept it.
    pub(crate) aud: Uuid,
    /// The credential: the token speaks for no one else.
    pub(crate) sub: Uuid,
    /// The credential's row.
    pub(crate) jti: Uuid,
    /// The tenant; `None`: the token is the installation's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tenant: Option<Uuid>,
    /// Seconds since 1970 UTC.
    pub(crate) iat: i64,
    /// Seconds since 1970 UTC; we never set it, and heed it if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) nbf: Option<i64>,
    /// Seconds since 1970 UTC.
    pub(crate) exp: i64,
    /// Blank-separated (RFC 8693 §4.2).
    pub(crate) scope: String,
}

/// `rcl_` + JWT. `None` when the key cannot sign, which a loaded key can.
pub(crate) fn sign(claims: &Claims, keys: &KeyRing) -> Option<String> {
    let header = Header { kid: Some(keys.kid.clone()), ..Header::new(Algorithm::EdDSA) };
    let token = jsonwebtoken::encode(&header, claims, &keys.signing).ok()?;
    Some(format!("{PREFIX}{token}"))
}

/// Checks prefix, algorithm, key, signature, issuer, audience and times. `now` in milliseconds; there is no leeway,
/// since tokens are made and checked by one installation.
pub(crate) fn check(token: &str, keys: &KeyRing, installation: Uuid, now: i64) -> Result<Claims, Refusal> {
    let token = token.strip_prefix(PREFIX).ok_or(Refusal::Foreign)?;
    let header = jsonwebtoken::decode_header(token).map_err(|_| Refusal::Foreign)?;
    let key = header.kid.as_deref().and_then(|kid| keys.verifying(kid)).ok_or(Refusal::Foreign)?;
    let claims = jsonwebtoken::decode::<Claims>(token, key, &validation(installation))
        .map_err(|_| Refusal::Foreign)?
        .claims;
    let millis = |seconds: i64| seconds.saturating_mul(1000);
    if claims.sub != claims.jti || claims.nbf.is_some_and(|nbf| now < millis(nbf)) {
        return Err(Refusal::Foreign);
    }
    if millis(claims.exp) <= now {
        return Err(Refusal::Expired);
    }
    Ok(claims)
}

/// EdDSA alone, this installation alone. Times are checked against the store's clock instead of the system's.
fn validation(installation: Uuid) -> Validation {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_issuer(&[installation]);
    validation.set_audience(&[installation]);
    validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation
}

#[cfg(test)]
mod tests {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    use jsonwebtoken::EncodingKey;
    use serde_json::{Value, json};

    use super::*;
    use crate::MasterKey;

    const NOW: i64 = 1_795_255_200_000;
    const HERE: Uuid = Uuid::from_u128(1);

    fn master() -> MasterKey {
        MasterKey::from_base64(&base64::prelude::BASE64_STANDARD.encode([1_u8; 32])).expect("a master key")
    }

    fn claims() -> Claims {
        let id = Uuid::from_u128(7);
        Claims {
            iss: HERE,
            aud: HERE,
            sub: id,
            jti: id,
            tenant: Some(Uuid::from_u128(9)),
            iat: NOW / 1000,
            nbf: None,
            exp: NOW / 1000 + 60,
            scope: "scim:read".into(),
        }
    }

    fn is_foreign(token: &str, keys: &KeyRing) -> bool {
        matches!(check(token, keys, HERE, NOW), Err(Refusal::Foreign))
    }

    fn part(value: &Value) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(value.to_string())
    }

    /// The decoded header and payload of a token.
    fn parts(token: &str) -> (Value, Value) {
        let read = |text: &str| {
            let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).expect("base64");
            serde_json::from_slice(&bytes).expect("JSON")
        };
        let mut parts = token.strip_prefix(PREFIX).expect("the prefix").split('.');
        (read(parts.next().expect("a header")), read(parts.next().expect("a payload")))
    }

    #[test]
    fn a_token_says_what_it_must_and_no_more() {
        let (keys, row) = KeyRing::fresh(&master());
        let token = sign(&claims(), &keys).expect("signed");
        assert_eq!(check(&token, &keys, HERE, NOW).expect("accepted"), claims());
        let (header, payload) = parts(&token);
        assert_eq!(header, json!({ "typ": "JWT", "alg": "EdDSA", "kid": row.kid }));
        let names: Vec<&str> = payload.as_object().expect("an object").keys().map(String::as_str).collect();
        assert_eq!(names, ["iss", "aud", "sub", "jti", "tenant", "iat", "exp", "scope"]);
        assert_eq!(payload["jti"], "00000000-0000-0000-0000-000000000007");
    }

    #[test]
    fn every_changed_character_breaks_it() {
        let (keys, _) = KeyRing::fresh(&master());
        let token = sign(&claims(), &keys).expect("signed");
        for at in (0..token.len()).step_by(5) {
            let mut changed = token.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            assert!(is_foreign(&String::from_utf8(changed).expect("ASCII"), &keys), "character {at}");
        }
        for text in [
            "",
            "rcl_",
            "rcl_a.b.c",
            "non-token",
            token.trim_start_matches(PREFIX),
            &token[..token.len() - 1],
        ] {
            assert!(is_foreign(text, &keys), "{text:?}");
        }
    }

    #[test]
    fn another_payload_under_the_same_signature_is_refused() {
        let (keys, _) = KeyRing::fresh(&master());
        let token = sign(&claims(), &keys).expect("signed");
        let (header, mut payload) = parts(&token);
        payload["tenant"] = json!(Uuid::from_u128(10));
        let signature = token.rsplit('.').next().expect("a signature");
        let forged = format!("{PREFIX}{}.{}.{signature}", part(&header), part(&payload));
        assert!(is_foreign(&forged, &keys));
    }

    #[test]
    fn no_other_algorithm_is_taken() {
        let (keys, row) = KeyRing::fresh(&master());
        let payload = serde_json::to_value(claims()).expect("JSON");
        for alg in ["none", "None", "NONE", ""] {
            let header = part(&json!({ "typ": "JWT", "alg": alg, "kid": row.kid }));
            for signature in ["", "AAAA"] {
                assert!(
                    is_foreign(&format!("{PREFIX}{header}.{}.{signature}", part(&payload)), &keys),
                    "{alg}"
                );
            }
        }
        // The public key taken for a shared secret.
        let header = Header { kid: Some(row.kid), ..Header::new(Algorithm::HS256) };
        let secret = EncodingKey::from_secret(&row.public_key);
        let confused = jsonwebtoken::encode(&header, &claims(), &secret).expect("signed");
        assert!(is_foreign(&format!("{PREFIX}{confused}"), &keys));
    }

    #[test]
    fn a_key_that_is_not_ours_is_refused_under_any_name() {
        let (keys, row) = KeyRing::fresh(&master());
        let (mut foreign, _) = KeyRing::fresh(&master());
        assert!(is_foreign(&sign(&claims(), &foreign).expect("signed"), &keys), "unknown kid");
        foreign.kid = row.kid;
        assert!(is_foreign(&sign(&claims(), &foreign).expect("signed"), &keys), "known kid, wrong key");
        let header = Header::new(Algorithm::EdDSA);
        let nameless = jsonwebtoken::encode(&header, &claims(), &keys.signing).expect("signed");
        assert!(is_foreign(&format!("{PREFIX}{nameless}"), &keys), "no kid");
    }

    #[test]
    fn a_token_is_for_this_installation_and_this_time() {
        let (keys, _) = KeyRing::fresh(&master());
        let elsewhere = Uuid::from_u128(2);
        let signed = |claims: Claims| sign(&claims, &keys).expect("signed");
        assert!(is_foreign(&signed(Claims { iss: elsewhere, ..claims() }), &keys), "iss");
        assert!(is_foreign(&signed(Claims { aud: elsewhere, ..claims() }), &keys), "aud");
        assert!(is_foreign(&signed(Claims { sub: elsewhere, ..claims() }), &keys), "sub");
        assert!(is_foreign(&signed(Claims { nbf: Some(NOW / 1000 + 1), ..claims() }), &keys), "nbf ahead");
        assert!(check(&signed(Claims { nbf: Some(NOW / 1000), ..claims() }), &keys, HERE, NOW).is_ok());

        let token = signed(claims());
        assert!(check(&token, &keys, HERE, NOW + 59_999).is_ok());
        assert!(matches!(check(&token, &keys, HERE, NOW + 60_000), Err(Refusal::Expired)));
        assert!(matches!(check(&token, &keys, HERE, i64::MAX), Err(Refusal::Expired)));
    }

    /// Without a tenant it is the installation's, and nothing else but a tenant's id may stand there.
    #[test]
    fn a_token_without_a_tenant_is_the_installations() {
        let (keys, row) = KeyRing::fresh(&master());
        let token = sign(&Claims { tenant: None, ..claims() }, &keys).expect("signed");
        assert!(parts(&token).1.get("tenant").is_none());
        assert_eq!(check(&token, &keys, HERE, NOW).expect("accepted").tenant, None);
        for wrong in [json!(""), json!("platform"), json!(7), json!([])] {
            let mut payload = serde_json::to_value(claims()).expect("JSON");
            payload["tenant"] = wrong;
            let header = Header { kid: Some(row.kid.clone()), ..Header::new(Algorithm::EdDSA) };
            let token = jsonwebtoken::encode(&header, &payload, &keys.signing).expect("signed");
            assert!(is_foreign(&format!("{PREFIX}{token}"), &keys), "{payload}");
        }
    }

    #[test]
    fn a_claim_that_is_missing_is_refused() {
        let (keys, row) = KeyRing::fresh(&master());
        let whole = serde_json::to_value(claims()).expect("JSON");
        for name in ["iss", "aud", "sub", "jti", "iat", "exp", "scope"] {
            let mut payload = whole.clone();
            payload.as_object_mut().expect("an object").remove(name);
            let header = Header { kid: Some(row.kid.clone()), ..Header::new(Algorithm::EdDSA) };
            let token = jsonwebtoken::encode(&header, &payload, &keys.signing).expect("signed");
            assert!(is_foreign(&format!("{PREFIX}{token}"), &keys), "{name}");
        }
    }
}
