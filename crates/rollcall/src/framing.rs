//! Heads of requests that two readers could take for different ones are refused before anybody reads on: a host that is not
//! said once (RFC 9112 §3.2), a body whose end is in doubt (§6.1).

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderValue, Version, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use scim_api::RequestId;
use scim_core::ScimError;

/// Refuses such a request with 400 and ends its connection, so that what stands behind it is never read as another one. What
/// no parser can make anything of (two lengths, folded lines, odd sizes of chunks) is refused by the server's parser before.
pub(crate) async fn check(request: Request, next: Next) -> Response {
    match fault(request.version(), request.headers()) {
        None => next.run(request).await,
        Some(text) => refused(request.headers(), text),
    }
}

fn fault(version: Version, headers: &HeaderMap) -> Option<&'static str> {
    let hosts = || headers.get_all(header::HOST).iter();
    if version == Version::HTTP_11 && hosts().count() != 1 {
        return Some("The request has to name its host once; send one Host header.");
    }
    if version < Version::HTTP_2 && !hosts().all(is_host) {
        return Some("Host is neither a name nor an address, with or without a port.");
    }
    // What else it may be encoded with is not undone here, and a proxy before us could read another end from it.
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    let plain = |value: &HeaderValue| value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked");
    if codings.next().is_some_and(|first| !plain(first)) || codings.next().is_some() {
        return Some(
            "This Transfer-Encoding is not taken; send the body as it is, with its length or chunked.",
        );
    }
    None
}

fn is_host(value: &HeaderValue) -> bool {
    let Some(text) = value.to_str().ok() else { return false };
    let Ok(authority) = text.parse::<Authority>() else { return false };
    let port = text.strip_prefix(authority.host()).map(|rest| rest.strip_prefix(':').unwrap_or(rest));
    let named = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~[]:".contains(&byte);
    !authority.host().is_empty()
        && authority.host().bytes().all(named)
        && port.is_some_and(|port| port.is_empty() || port.parse::<u16>().is_ok())
}

fn refused(headers: &HeaderMap, text: &'static str) -> Response {
    let id = RequestId::of(headers);
    let error = scim_api::error_response(&ScimError::new(400, text), Some(id.as_str()));
    ([("x-request-id", id.as_str()), ("connection", "close")], error).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(version: Version, lines: &[(&'static str, &'static str)]) -> Option<&'static str> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_static(value));
        }
        fault(version, &headers)
    }

    #[test]
    fn a_host_is_said_once() {
        for host in ["localhost", "acme.example:8080", "[::1]:8080", "127.0.0.1"] {
            assert_eq!(of(Version::HTTP_11, &[("host", host)]), None, "{host}");
        }
        for host in ["", "a b", "a/b", "user@acme.example", "a,b", "acme.example:x", "<b>"] {
            assert!(of(Version::HTTP_11, &[("host", host)]).is_some(), "{host}");
            assert!(of(Version::HTTP_10, &[("host", host)]).is_some(), "{host}");
        }
        assert!(of(Version::HTTP_11, &[]).is_some());
        assert!(of(Version::HTTP_11, &[("host", "a"), ("host", "a")]).is_some());
        // Older clients need not say it, and newer ones say it elsewhere.
        assert_eq!(of(Version::HTTP_10, &[]), None);
        assert_eq!(of(Version::HTTP_2, &[]), None);
    }

    #[test]
    fn a_body_has_one_end() {
        let with = |codings: &[&'static str]| {
            let mut lines = vec![("host", "localhost")];
            lines.extend(codings.iter().map(|coding| ("transfer-encoding", *coding)));
            of(Version::HTTP_11, &lines)
        };
        for taken in [&[][..], &["chunked"], &["Chunked"]] {
            assert_eq!(with(taken), None, "{taken:?}");
        }
        for refused in [
            &["gzip, chunked"][..],
            &["chunked, chunked"],
            &["chunked", "chunked"],
            &["identity, chunked"],
            &["gzip"],
            &[""],
        ] {
            assert!(with(refused).is_some(), "{refused:?}");
        }
    }
}
