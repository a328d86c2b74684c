//! What only a raw connection can send: request lines that no HTTP library writes, and floods of headers.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use crate::harness::{Installation, PATIENCE, Server, on_both_databases};

on_both_databases!(raw_request_lines, floods_of_headers, bodies_that_end_too_early);

/// Sends bytes on a connection of their own; gives the status and everything after it.
fn send(server: &Server, request: &[u8]) -> (u16, String) {
    let address = server.origin.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // The server may answer and close before it has read everything.
    drop(stream.write_all(request));
    let mut bytes = Vec::new();
    drop(stream.read_to_end(&mut bytes));
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.unwrap_or_else(|| panic!("no answer: {text:?}")), text)
}

fn get(server: &Server, target: &str, authorization: &str, more: &str) -> (u16, String) {
    let head = format!(
        "GET {target} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {authorization}\r\nConnection: close\r\n{more}\r\n"
    );
    send(server, head.as_bytes())
}

/// A client has to encode blanks and quotes (RFC 3986 §3.4); where it does not, the HTTP parser refuses the line before
/// anybody knows that SCIM was meant, since RFC 9112 §3 asks not to guess at one.
async fn raw_request_lines(installation: Installation) {
    let server = installation.serve().await;
    let authorization = installation.tenant("acme", "generic");
    let base = "/t/acme/scim/v2/Users";
    for (target, status) in [
        (format!("{base}?filter=userName%20eq%20%22a@x%22"), 200),
        (format!("{base}?filter=userName+eq+%22a@x%22"), 200),
        (format!("{base}?filter=userName+eq+%22\u{e9}@x%22"), 200),
        (format!("{base}?filter=userName eq \"a@x\""), 400),
        (format!("{base}?filter=userName+eq+\"a@x\""), 400),
        (format!("{base}?filter=userName eq %22a@x%22"), 400),
        (format!("{base}/\"x\""), 404),
        (format!("{base}?attributes={{userName}}"), 200),
        (format!("{base}?a=|^`[]"), 200),
        (format!("{base}?a=<b>"), 400),
        (format!("{base}#fragment"), 200),
        ("*".to_owned(), 404),
        (format!("{base}?{}", "x".repeat(70_000)), 414),
    ] {
        let (found, text) = get(&server, &target, &authorization, "");
        assert_eq!(found, status, "{target:.120}: {text:.300}");
    }
}

async fn floods_of_headers(installation: Installation) {
    let server = installation.serve().await;
    let authorization = installation.tenant("acme", "generic");
    let list = "/t/acme/scim/v2/Users";
    let flood = |count: usize, size: usize| -> String {
        (0..count).map(|n| format!("X-Flood-{n}: {}\r\n", "x".repeat(size))).collect()
    };
    for (more, status) in [(flood(50, 10), 200), (flood(1_000, 10), 431), (flood(2, 1_000_000), 431)] {
        let (found, text) = get(&server, list, &authorization, &more);
        assert_eq!(found, status, "{text:.300}");
    }
    assert_eq!(get(&server, list, &authorization, "").0, 200, "and others are served");
}

async fn bodies_that_end_too_early(installation: Installation) {
    let server = installation.serve().await;
    let authorization = installation.tenant("acme", "generic");
    let post = |more: &str, body: &str| {
        let head = format!(
            "POST /t/acme/scim/v2/Users HTTP/1.1\r\nHost: localhost\r\nAuthorization: {authorization}\r\n\
             Content-Type: application/scim+json\r\nConnection: close\r\n{more}\r\n{body}"
        );
        send(&server, head.as_bytes())
    };
    for (more, body, status) in [
        ("Content-Length: x\r\n", "{}", 400),
        ("Content-Length: 99999999999\r\n", "", 413),
        ("Content-Length: 2\r\nContent-Length: 3\r\n", "{}", 400),
        ("Transfer-Encoding: chunked\r\n", "zz\r\n{}\r\n0\r\n\r\n", 400),
        ("Transfer-Encoding: chunked\r\n", "2\r\n{}\r\n0\r\n\r\n", 400),
        ("Content-Encoding: gzip\r\nContent-Length: 2\r\n", "{}", 415),
    ] {
        let (found, text) = post(more, body);
        assert_eq!(found, status, "{more:?} {body:?}: {text:.300}");
    }
}
