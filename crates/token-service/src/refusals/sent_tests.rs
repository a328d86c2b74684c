//! Mistakes as people make them, and that no secret is in a fingerprint.

use http::HeaderValue;
use serde_json::json;

use super::*;

const HERE: Uuid = Uuid::from_u128(7);

fn read(values: &[&[u8]]) -> Sent {
    let mut headers = HeaderMap::new();
    for value in values {
        headers.append(header::AUTHORIZATION, HeaderValue::from_bytes(value).expect("a value"));
    }
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"key");
    Reader { key: &key, installation: HERE }.headers(&headers)
}

fn jwt(issuer: &str, signature: usize) -> String {
    let part = |value: Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let header = part(json!({"alg": "EdDSA", "typ": "JWT"}));
    format!("{header}.{}.{}", part(json!({ "iss": issuer })), "A".repeat(signature))
}

#[test]
fn each_mistake_is_told_apart() {
    let here = HERE.to_string();
    let ours = format!("rcl_{}", jwt(&here, 86));
    let entra = jwt("https://sts.windows.net/8adf8e6e/", 342);
    let okta = format!("00{}", "aB3-_".repeat(8));
    let halves = format!("{} {}", &ours[..100], &ours[100..]);
    for (value, expected) in [
        ("".to_owned(), Mistake::EmptyHeader),
        ("Bearer".to_owned(), Mistake::NoToken),
        ("Bearer bearer ".to_owned(), Mistake::NoToken),
        ("Basic".to_owned(), Mistake::NoToken),
        ("Basic !!!".to_owned(), Mistake::UnreadableBasic),
        ("Basic rcl_token".to_owned(), Mistake::UnreadableBasic),
        ("Basic b2t0YTpzZWNyZXQ=".to_owned(), Mistake::WrongPassword),
        ("b2t0YTpzZWNyZXQ=".to_owned(), Mistake::LoginAsToken),
        ("Bearer b2t0YTpzZWNyZXQ=".to_owned(), Mistake::LoginAsToken),
        ("Authorization: Bearer rcl_x".to_owned(), Mistake::HeaderName),
        ("SSWS 00abc".to_owned(), Mistake::OtherScheme),
        ("Digest username=x".to_owned(), Mistake::OtherScheme),
        ("secret words".to_owned(), Mistake::OtherScheme),
        (format!("Bearer \"{ours}\""), Mistake::Quoted),
        (format!("“{ours}”"), Mistake::Quoted),
        ("Bearer <token>".to_owned(), Mistake::Placeholder),
        ("Bearer YOUR_TOKEN_HERE".to_owned(), Mistake::Placeholder),
        ("Bearer rcl_eyJh…x9Qz".to_owned(), Mistake::Shortened),
        ("rcl_eyJh...".to_owned(), Mistake::Shortened),
        (halves, Mistake::BrokenUp),
        (format!("Bearer{ours}"), Mistake::Glued),
        (format!("Bearer:{ours}"), Mistake::Glued),
        ("https://scim.example.com/t/acme/scim/v2".to_owned(), Mistake::Url),
        (format!("Bearer {entra}"), Mistake::EntraToken),
        (okta, Mistake::OktaApiToken),
        (jwt("https://issuer.example", 86), Mistake::ForeignJwt),
        (jwt(&here, 86), Mistake::PrefixMissing),
        (ours[..60].to_owned(), Mistake::CutShort),
        (ours[..ours.len() - 1].to_owned(), Mistake::CutShort),
        (ours.clone(), Mistake::Damaged),
        (format!("{ours}A"), Mistake::Damaged),
        (format!("rcl_{}", jwt(&Uuid::from_u128(8).to_string(), 86)), Mistake::OtherInstallation),
        ("non-token".to_owned(), Mistake::NotOurs),
    ] {
        assert_eq!(read(&[value.as_bytes()]).mistake, expected, "{value}");
    }
    assert_eq!(read(&[]).mistake, Mistake::NoHeader);
    assert_eq!(read(&[b"Bearer a", b"Bearer b"]).mistake, Mistake::TwoHeaders);
    assert_eq!(read(&["x".repeat(9000).as_bytes()]).mistake, Mistake::TooLong);
    assert_eq!(read(&[b"Bearer \xff\xfe"]).mistake, Mistake::NotOurs);
}

/// Nothing of a secret is in a fingerprint but its length; the same gives the same.
#[test]
fn a_fingerprint_is_no_secret() {
    let sent = read(&[b"Bearer hunter2hunter2"]);
    assert_eq!(sent.print.scheme.as_deref(), Some("Bearer"));
    assert_eq!((sent.print.length, sent.print.head.as_str()), (Some(14), ""));
    assert_eq!(sent.print.digest, read(&[b"hunter2hunter2"]).print.digest);
    assert_ne!(sent.print.digest, read(&[b"hunter2hunter3"]).print.digest);
    assert!(!sent.print.line().contains("hunter"), "{}", sent.print.line());
    assert!(!read(&[b"hunter2 hunter2"]).print.line().contains("hunter"), "an unknown scheme is not named");
    let basic = read(&[b"Basic b2t0YTpzZWNyZXQ="]);
    assert_eq!((basic.login.as_deref(), basic.print.length), (Some("okta"), None));
    assert!(basic.print.line().starts_with("Basic, #"), "{}", basic.print.line());
}

#[test]
fn a_line_says_what_may_be_said() {
    let token = format!("Bearer rcl_{}", jwt("x", 86));
    let mut print = read(&[token.as_bytes()]).print;
    print.tail = Some("AAAA".into());
    print.digest = "1c29f3d0".into();
    let length = token.len() - 7;
    assert_eq!(print.line(), format!("Bearer rcl_…, {length} characters, ending in AAAA, #1c29f3d0"));
    assert_eq!(read(&[]).print.line(), "");
}
