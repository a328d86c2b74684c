//! Requests whose end two servers would see at different places (request smuggling): one answer, then the connection ends, and
//! what stands behind is never read as a request.

use std::{thread, time::Duration};

use super::{Heard, SILENCE, listen, send};
use crate::harness::{Database, Installation, PATIENCE, Server};

/// What is smuggled: it would be answered 200.
const SECOND: &str = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
const EMPTY: &str = "2\r\n{}\r\n0\r\n\r\n";

/// Heads and bodies of a POST, with what is wrong with them. The parser knows no `Transfer-Encoding` without doubt beside a
/// `Content-Length`: it believes the first, as RFC 9112 §6.3 says, and ends the connection.
const DOUBTFUL: [(&str, &str); 38] = [
    ("Content-Length: 12\r\nTransfer-Encoding: chunked\r\n", EMPTY),
    ("Transfer-Encoding: chunked\r\nContent-Length: 12\r\n", EMPTY),
    ("Content-Length: 2\r\nContent-Length: 3\r\n", "{}"),
    ("Content-Length: 2, 2\r\n", "{}"),
    ("Content-Length: +2\r\n", "{}"),
    ("Content-Length: -2\r\n", "{}"),
    ("Content-Length: 0x2\r\n", "{}"),
    ("Content-Length: 2 2\r\n", "{}"),
    ("Content-Length: \r\n", "{}"),
    ("Content-Length: 18446744073709551616\r\n", "{}"),
    ("Content-Length : 2\r\n", "{}"),
    ("Transfer-Encoding: xchunked\r\n", EMPTY),
    ("Transfer-Encoding: identity\r\n", EMPTY),
    ("Transfer-Encoding: chunked, identity\r\n", EMPTY),
    ("Transfer-Encoding: identity, chunked\r\n", EMPTY),
    ("Transfer-Encoding: gzip, chunked\r\n", EMPTY),
    ("Transfer-Encoding: chunked, chunked\r\n", EMPTY),
    ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", EMPTY),
    ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", EMPTY),
    ("Transfer-Encoding : chunked\r\n", EMPTY),
    ("Transfer-Encoding: \u{b}chunked\r\n", EMPTY),
    ("Transfer-Encoding:\r\n chunked\r\n", EMPTY),
    ("X-Folded: a\r\n b\r\nContent-Length: 2\r\n", "{}"),
    ("X-Bare: a\rX-B: b\r\nContent-Length: 2\r\n", "{}"),
    ("X-Nul: a\0b\r\nContent-Length: 2\r\n", "{}"),
    (" X-First: y\r\nContent-Length: 2\r\n", "{}"),
    (": y\r\nContent-Length: 2\r\n", "{}"),
    ("no colon\r\nContent-Length: 2\r\n", "{}"),
    ("Host: other\r\nContent-Length: 2\r\n", "{}"),
    ("Transfer-Encoding: chunked\r\n", "-2\r\n{}\r\n0\r\n\r\n"),
    ("Transfer-Encoding: chunked\r\n", "+2\r\n{}\r\n0\r\n\r\n"),
    ("Transfer-Encoding: chunked\r\n", "0x2\r\n{}\r\n0\r\n\r\n"),
    ("Transfer-Encoding: chunked\r\n", "10000000000000002\r\n{}\r\n0\r\n\r\n"),
    ("Transfer-Encoding: chunked\r\n", "\r\n{}\r\n0\r\n\r\n"),
    ("Transfer-Encoding: chunked\r\n", "2\n{}\n0\n\n"),
    ("Transfer-Encoding: chunked\r\n", "2;a\n{}\r\n0\r\n\r\n"),
    ("Transfer-Encoding: chunked\r\n", "1\r\n{}\r\n0\r\n\r\n"),
    ("Transfer-Encoding: chunked\r\n", "3\r\n{}\r\n0\r\n\r\n"),
];

/// Whole heads.
const HEADS: [&str; 8] = [
    "GET /healthz HTTP/1.1\r\n\r\n",
    "GET /healthz HTTP/1.1\r\nHost: a b\r\n\r\n",
    "GET /healthz HTTP/1.1\r\nHost: \r\n\r\n",
    "GET /healthz HTTP/1.1\r\nHost: user@localhost\r\n\r\n",
    "GET /healthz HTTP/1.2\r\nHost: localhost\r\n\r\n",
    "GET  /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET /healthz\r\n",
    "POST /healthz HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n",
];

#[tokio::test]
async fn a_connection_whose_end_is_in_doubt_carries_no_second_request() {
    let installation = Installation::new(Database::Sqlite).await;
    let server = installation.serve().await;
    let authorization = installation.tenant("acme", "generic");
    let post = |more: &str, body: &str| {
        format!(
            "POST /t/acme/scim/v2/Users HTTP/1.1\r\nHost: localhost\r\nAuthorization: {authorization}\r\n\
             Content-Type: application/scim+json\r\n{more}\r\n{body}"
        )
    };
    let heads = HEADS.iter().map(|head| (*head).to_owned());
    let requests: Vec<String> = DOUBTFUL.iter().map(|(more, body)| post(more, body)).chain(heads).collect();
    for (request, heard) in all(&server, &requests, PATIENCE) {
        assert_eq!(heard.statuses(), [400], "{request:?}: {:?}", heard.text);
        assert!(heard.closed, "{request:?} keeps its connection");
    }
    // The same frame sees a second request where nothing is in doubt.
    let plain = [post("Content-Length: 2\r\n", "{}"), post("Transfer-Encoding: chunked\r\n", EMPTY)];
    for (request, heard) in all(&server, &plain, SILENCE) {
        assert_eq!(heard.statuses(), [400, 200], "{request:?}: {:?}", heard.text);
        assert!(!heard.closed, "{request:?}");
    }
    // No value of a header comes back as a header of its own.
    for injected in [
        "/t/a%0d%0aX-Evil:%201/scim/v2/Users",
        "/%0d%0aX-Evil:%201",
        "/console/sign-in?next=%0d%0aX-Evil:%201",
    ] {
        let request = format!(
            "GET {injected} HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: a%0d%0aX-Evil: 1\r\nConnection: close\r\n\r\n"
        );
        let heard = send(&server, request.as_bytes());
        let (head, _) = heard.text.split_once("\r\n\r\n").unwrap();
        assert!(!head.to_ascii_lowercase().contains("x-evil"), "{head}");
    }
}

/// Each request with the smuggled one behind it, all at the same time.
fn all<'a>(server: &Server, requests: &'a [String], silence: Duration) -> Vec<(&'a String, Heard)> {
    thread::scope(|scope| {
        let one = |request: &'a String| {
            scope.spawn(move || (request, listen(server, format!("{request}{SECOND}").as_bytes(), silence)))
        };
        let threads: Vec<_> = requests.iter().map(one).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}
