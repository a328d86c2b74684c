//! Reads a request body: media type, size, encoding, then JSON (see [`crate::json`]).

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use scim_core::{ScimError, ScimType};
use serde_json::Value;

use crate::json;

/// Largest body taken, in bytes (16 MiB).
pub const MAX_BYTES: usize = 16 * 1024 * 1024;

/// How much of a body is taken, and how more is refused.
#[derive(Clone, Copy)]
pub(crate) struct Limit {
    /// Largest body in bytes.
    pub(crate) bytes: usize,
    /// The 413 for a larger one.
    pub(crate) error: fn() -> ScimError,
}

/// For a body that is one resource or one search: [`MAX_BYTES`].
pub(crate) const ONE: Limit = Limit { bytes: MAX_BYTES, error: too_large };

/// The body as JSON. 415 for a media type or encoding that is not taken, 413 beyond [`MAX_BYTES`] or for too many
/// values, 400 `invalidSyntax` with line and column for anything that is no JSON or holds a key twice, 400
/// `invalidValue` for a NUL character.
pub(crate) async fn read(headers: &HeaderMap, body: Body) -> Result<Value, ScimError> {
    read_within(ONE, headers, body).await
}

/// Likewise with a limit of its own, which holds before anything is parsed.
pub(crate) async fn read_within(limit: Limit, headers: &HeaderMap, body: Body) -> Result<Value, ScimError> {
    check_encoding(headers)?;
    let bytes = collect(limit, headers, body).await?;
    if bytes.is_empty() {
        return Err(syntax("The body is empty; send a JSON object."));
    }
    check_media_type(headers)?;
    parse(&bytes)
}

/// Identity providers say `application/scim+json`, `application/json` or `text/json`, with any parameter and in any
/// case; nothing at all counts as JSON (RFC 9110 §8.3 leaves that to the recipient).
fn check_media_type(headers: &HeaderMap) -> Result<(), ScimError> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return Ok(()) };
    let essence = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    let taken = ["application/scim+json", "application/json", "text/json"];
    if essence.is_empty() && !value.is_empty() || !essence.is_empty() && !is_one_of(essence, &taken) {
        return Err(ScimError::new(
            415,
            "This media type is not taken; send the body as Content-Type: application/scim+json or \
             application/json.",
        ));
    }
    Ok(())
}

fn check_encoding(headers: &HeaderMap) -> Result<(), ScimError> {
    let plain = headers
        .get_all(header::CONTENT_ENCODING)
        .iter()
        .all(|value| value.to_str().is_ok_and(|value| is_one_of(value.trim(), &["identity", ""])));
    if plain {
        Ok(())
    } else {
        Err(ScimError::new(415, "Compressed bodies are not taken; send it as it is."))
    }
}

fn is_one_of(text: &str, taken: &[&str]) -> bool {
    taken.iter().any(|known| known.eq_ignore_ascii_case(text))
}

/// The whole body. 413 beyond the limit, told at once where the length is announced.
pub(crate) async fn collect(limit: Limit, headers: &HeaderMap, body: Body) -> Result<Bytes, ScimError> {
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit.bytes as u64) {
        return Err((limit.error)());
    }
    match Limited::new(body, limit.bytes).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err((limit.error)()),
        Err(_) => Err(syntax("The body ended too early.")),
    }
}

fn too_large() -> ScimError {
    ScimError::new(
        413,
        format!("The body is larger than {} MiB; send it in several requests.", MAX_BYTES / (1024 * 1024)),
    )
}

fn parse(bytes: &[u8]) -> Result<Value, ScimError> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| not_utf8(bytes, error.valid_up_to()))?;
    let value = json::parse(text)?;
    // A NUL fits into no text column of PostgreSQL; only its escape can bring one here.
    if text.contains("\\u0000")
        && let Some(path) = json::nul(&value)
    {
        let detail = format!("{path} holds a NUL character (\\u0000); leave it out.");
        return Err(ScimError::bad_request(ScimType::InvalidValue, detail));
    }
    Ok(value)
}

fn not_utf8(bytes: &[u8], at: usize) -> ScimError {
    let before = &bytes[..at];
    let line = before.split(|byte| *byte == b'\n').count();
    let column = before.rsplit(|byte| *byte == b'\n').next().map_or(0, <[u8]>::len) + 1;
    syntax(format!("The body is not UTF-8 at line {line} column {column}."))
}

fn syntax(detail: impl Into<String>) -> ScimError {
    ScimError::bad_request(ScimType::InvalidSyntax, detail)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use serde_json::json;

    use super::*;

    async fn read_as(content_type: Option<&str>, body: impl Into<Body>) -> Result<Value, ScimError> {
        let mut headers = HeaderMap::new();
        if let Some(value) = content_type {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_str(value).expect("a header value"));
        }
        read(&headers, body.into()).await
    }

    #[tokio::test]
    async fn json_media_types_in_any_dress() {
        for content_type in [
            "application/scim+json",
            "application/scim+json; charset=utf-8",
            "Application/JSON;Charset=UTF-8",
            "application/json ; odd",
            "text/json",
            "",
        ] {
            let read = read_as(Some(content_type), "{\"a\":1}").await;
            assert_eq!(read, Ok(json!({"a": 1})), "{content_type}");
        }
        assert_eq!(read_as(None, "[]").await, Ok(json!([])));
        for content_type in
            ["text/plain", "application/xml", "application/x-www-form-urlencoded", ";a", "json"]
        {
            let error = read_as(Some(content_type), "{}").await.expect_err(content_type);
            assert_eq!(error.status, 415, "{content_type}");
        }
    }

    #[tokio::test]
    async fn bad_json_is_told_with_its_place() {
        let table = [
            ("", "empty"),
            ("{", "line 1 column 1"),
            ("{\n \"a\": ,}", "line 2 column 7"),
            ("{} x", "line 1 column 4"),
            ("{\"a\":\"\\ud800\"}", "line 1"),
        ];
        for (text, wanted) in table {
            let error = read_as(Some("application/json"), text).await.expect_err(text);
            assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidSyntax)), "{text}");
            assert!(error.detail.contains(wanted), "{text}: {}", error.detail);
        }
        let error = read_as(None, &b"{\"a\":\n\"\xff\"}"[..]).await.expect_err("not UTF-8");
        assert!(error.detail.contains("line 2 column 2"), "{}", error.detail);
        let deep = "[".repeat(100_000);
        assert_eq!(read_as(None, deep).await.expect_err("too deep").status, 400);
    }

    #[tokio::test]
    async fn a_byte_order_mark_is_taken_and_a_repeated_key_is_not() {
        assert_eq!(read_as(None, "\u{feff}{\"a\":1}").await, Ok(json!({"a": 1})));
        let error = read_as(None, "{\"a\":1,\"A\":1}").await.expect_err("twice");
        assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidSyntax)));
    }

    #[tokio::test]
    async fn nul_characters_are_refused() {
        for (text, path) in [
            ("{\"a\":[\"x\\u0000\"]}", "a[0] holds"),
            ("{\"\\u0000\":1}", "A name in the body holds"),
            ("{\"a\":{\"b\":[{\"c\\u0000\":1}]}}", "A name in a.b[0] holds"),
            ("\"\\u0000\"", "The body holds"),
        ] {
            let error = read_as(None, text).await.expect_err(text);
            assert_eq!(error.scim_type, Some(ScimType::InvalidValue));
            assert!(error.detail.starts_with(path), "{}", error.detail);
        }
        assert_eq!(read_as(None, "\"\\\\u0000\"").await, Ok(json!("\\u0000")));
    }

    #[tokio::test]
    async fn size_and_encoding_are_bounded() {
        let error = read_as(None, vec![b' '; MAX_BYTES + 1]).await.expect_err("too large");
        assert_eq!(error.status, 413);
        assert!(error.detail.contains("16 MiB"));
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(MAX_BYTES + 1));
        assert_eq!(read(&headers, Body::from("{}")).await.expect_err("announced").status, 413);
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        assert_eq!(read(&headers, Body::from("{}")).await.expect_err("compressed").status, 415);
    }
}
