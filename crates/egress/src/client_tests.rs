//! Calls against small servers on loopback addresses, under a name service that the test writes.

use std::{
    collections::VecDeque,
    io,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use futures::future::BoxFuture;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::*;

/// What the name service says, one answer after the other; the last one stays.
struct Script {
    answers: Mutex<VecDeque<Vec<IpAddr>>>,
    asked: AtomicUsize,
}

impl Script {
    fn new(answers: &[&[&str]]) -> Arc<Self> {
        let parse = |answer: &&[&str]| answer.iter().map(|text| text.parse().expect("an address")).collect();
        Arc::new(Self {
            answers: Mutex::new(answers.iter().map(parse).collect()),
            asked: AtomicUsize::new(0),
        })
    }
}

impl Names for Script {
    fn look_up(&self, _: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.answers.lock().expect("whole");
        let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        Box::pin(std::future::ready(Ok(answer.unwrap_or_default())))
    }
}

/// Gives the same bytes to everybody and closes. Its port, and what it was asked.
async fn server(address: &str, answer: &'static str) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind((address, 0)).await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = asked.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 4096];
            let length = stream.read(&mut request).await.unwrap_or_default();
            seen.lock().expect("whole").push(String::from_utf8_lossy(&request[..length]).into_owned());
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (port, asked)
}

const HELLO: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello";

fn url(text: &str) -> Url {
    text.parse().expect("a URL")
}

fn opened(networks: &str) -> Networks {
    networks.parse().expect("networks")
}

async fn get(client: &Client, text: &str) -> Result<Answer, EgressError> {
    client.send(Call::get(url(text), Limits::default())).await
}

/// The name leads to an opened address when it is checked and to another one ever after: the connection goes to the
/// one that was checked, nobody asks a second time for it, and the next connection is refused.
#[tokio::test]
async fn a_name_that_changes_its_mind_leads_nowhere_else() {
    let (port, asked) = server("127.0.0.1", HELLO).await;
    let (_, inner) = server("127.0.0.2", HELLO).await;
    let names = Script::new(&[&["127.0.0.1"], &["127.0.0.2"]]);
    let client = Client::with_names(opened("127.0.0.1"), names.clone());
    let target = format!("http://hooks.example.com:{port}/secret-path");
    assert_eq!(get(&client, &target).await.expect("answered").body, "hello");
    assert_eq!(names.asked.load(Ordering::SeqCst), 1);
    let error = get(&client, &target).await.expect_err("refused");
    assert!(matches!(&error, EgressError::Forbidden { address, .. } if address.to_string() == "127.0.0.2"));
    let text = error.to_string();
    assert!(text.contains("hooks.example.com") && text.contains("ROLLCALL_EGRESS_ALLOW"), "{text}");
    assert!(!text.contains("secret-path"), "{text}");
    assert_eq!(asked.lock().expect("whole").len(), 1);
    assert!(inner.lock().expect("whole").is_empty());
}

/// Of several addresses only those are tried that may be.
#[tokio::test]
async fn addresses_that_may_not_be_connected_to_are_left_out() {
    let (port, _) = server("127.0.0.1", HELLO).await;
    let names = Script::new(&[&["127.0.0.2", "::1", "10.0.0.1", "127.0.0.1"]]);
    let client = Client::with_names(opened("127.0.0.1"), names);
    assert!(get(&client, &format!("http://mixed.example.com:{port}/")).await.is_ok());
}

#[tokio::test]
async fn private_addresses_are_refused_however_they_are_written() {
    let (port, asked) = server("127.0.0.1", HELLO).await;
    let client = Client::new(Networks::default());
    for host in [
        "127.0.0.1",
        "127.1",
        "0x7f.0.0.1",
        "2130706433",
        "017700000001",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "localhost",
        "169.254.169.254",
        "10.0.0.1",
    ] {
        for scheme in ["http", "https"] {
            let target = format!("{scheme}://{host}:{port}/");
            let error = get(&client, &target).await.expect_err(&target);
            assert!(matches!(error, EgressError::Forbidden { .. }), "{target}: {error}");
        }
    }
    assert!(asked.lock().expect("whole").is_empty());
    let nowhere = Client::with_names(Networks::default(), Script::new(&[&[]]));
    let error = get(&nowhere, "https://nowhere.example.com/").await.expect_err("no address");
    assert!(error.to_string().contains("the name has no address"), "{error}");
}

#[tokio::test]
async fn an_opened_network_is_reached_under_each_spelling() {
    let (port, asked) = server("127.0.0.1", HELLO).await;
    let client = Client::new(opened("127.0.0.0/8"));
    for host in ["127.0.0.1", "[::ffff:127.0.0.1]"] {
        let answer = get(&client, &format!("http://{host}:{port}/")).await.expect(host);
        assert_eq!((answer.status, answer.body.as_ref()), (StatusCode::OK, &b"hello"[..]));
    }
    assert!(asked.lock().expect("whole")[0].contains("user-agent: Rollcall/"));
}

#[test]
fn what_a_form_is_told() {
    let client = Client::new(opened("10.1.0.0/16"));
    let told = |text: &str| client.check(&url(text)).err().map(|error| error.to_string());
    for fine in [
        "https://example.com/",
        "https://1.1.1.1/",
        "http://10.1.2.3/",
        "https://10.1.2.3:8443/",
        "http://example.com",
    ] {
        assert_eq!(told(fine), None, "{fine}");
    }
    for (text, part) in [
        ("ftp://example.com/", "https://"),
        ("file:///etc/passwd", "https://"),
        ("https://user:password@example.com/", "user name"),
        ("https://user@example.com/", "user name"),
        ("http://1.1.1.1/", "only https"),
        ("https://10.2.0.1/", "ROLLCALL_EGRESS_ALLOW"),
    ] {
        assert!(told(text).is_some_and(|error| error.contains(part)), "{text}: {:?}", told(text));
    }
}

#[tokio::test]
async fn nothing_goes_in_clear_over_the_internet() {
    let client = Client::with_names(opened("127.0.0.1"), Script::new(&[&["1.1.1.1"]]));
    let error = get(&client, "http://example.com/").await.expect_err("refused");
    assert!(matches!(error, EgressError::InClear { .. }), "{error}");
}

#[tokio::test]
async fn a_redirect_is_an_answer() {
    let there = "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n";
    let (port, asked) = server("127.0.0.1", there).await;
    let client = Client::new(opened("127.0.0.1"));
    let answer = get(&client, &format!("http://127.0.0.1:{port}/")).await.expect("answered");
    assert_eq!(answer.status, StatusCode::FOUND);
    assert_eq!(answer.headers["location"], "http://127.0.0.1:1/");
    assert_eq!(asked.lock().expect("whole").len(), 1);
}

#[tokio::test]
async fn a_large_answer_is_cut_off_whether_it_says_so_or_not() {
    let declared = "HTTP/1.1 200 OK\r\ncontent-length: 999999999\r\n\r\nx";
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\naaaa\r\n4\r\nbbbb\r\n4\r\ncccc\r\n0\r\n\r\n";
    let client = Client::new(opened("127.0.0.1"));
    for (answer, limit, fits) in [
        (declared, 1000, false),
        (chunked, 11, false),
        (chunked, 12, true),
        (HELLO, 5, true),
        (HELLO, 4, false),
    ] {
        let (port, _) = server("127.0.0.1", answer).await;
        let limits = Limits { answer: limit, ..Limits::default() };
        let call = Call::get(url(&format!("http://127.0.0.1:{port}/")), limits);
        match client.send(call).await {
            Ok(answer) => assert!(fits && answer.body.len() == limit, "{limit}"),
            Err(EgressError::TooLarge { limit: told, .. }) => assert!(!fits && told == limit, "{limit}"),
            Err(error) => panic!("{error}"),
        }
    }
}

/// A server that takes the request and says nothing, and one that begins an answer and never ends it.
#[tokio::test]
async fn a_slow_answer_is_given_up() {
    let client = Client::new(opened("127.0.0.1"));
    for begun in ["", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhe"] {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let held = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a caller");
            assert_ne!(stream.read(&mut [0; 4096]).await.expect("a request"), 0);
            stream.write_all(begun.as_bytes()).await.expect("written");
            // Until the caller has gone.
            let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
        });
        let limits = Limits { total: Duration::from_millis(300), ..Limits::default() };
        let call = Call::get(url(&format!("http://127.0.0.1:{port}/")), limits);
        let error = client.send(call).await.expect_err("given up");
        assert!(matches!(error, EgressError::TimedOut { .. }), "{error}");
        held.await.expect("the connection is closed");
    }
}

#[tokio::test]
async fn a_call_carries_what_it_is_given() {
    let (port, asked) = server("127.0.0.1", HELLO).await;
    let client = Client::new(opened("127.0.0.1"));
    let mut headers = HeaderMap::new();
    headers.insert("x-id", http::HeaderValue::from_static("7"));
    let target = url(&format!("http://127.0.0.1:{port}/hook?a=b"));
    let body = Bytes::from_static(b"{\"a\":1}");
    let call = Call { method: Method::POST, url: target, headers, body, limits: Limits::default() };
    client.send(call).await.expect("answered");
    let seen = asked.lock().expect("whole")[0].clone();
    assert!(seen.starts_with("POST /hook?a=b HTTP/1.1\r\n"), "{seen}");
    assert!(seen.contains("x-id: 7\r\n") && seen.ends_with("\r\n\r\n{\"a\":1}"), "{seen}");
}

#[tokio::test]
async fn what_is_not_there_is_told_with_the_reason() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    let client = Client::new(opened("127.0.0.1"));
    let error = get(&client, &format!("http://127.0.0.1:{port}/token-in-path")).await.expect_err("nobody");
    let text = error.to_string();
    assert!(text.contains("refused") && !text.contains("token-in-path"), "{text}");
}

/// As a protocol without a crate of its own here.
const SERVICE: Schemes = Schemes { secure: "rediss", clear: "redis" };

#[tokio::test]
async fn other_protocols_get_checked_addresses() {
    let names = Script::new(&[&["10.0.0.1", "1.1.1.1"], &["10.0.0.1"], &[]]);
    let client = Client::with_names(Networks::default(), names.clone());
    let addresses = async |client: &Client, text: &str| {
        let found = client.addresses(&url(text), SERVICE, 6379).await;
        found.map(|found| found.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
    };
    let told = async |client: &Client, text: &str| {
        addresses(client, text).await.map_err(|error| error.to_string()).expect_err(text)
    };
    assert_eq!(addresses(&client, "rediss://cache.example:7000/1").await.expect("one"), "1.1.1.1:7000");
    assert!(told(&client, "rediss://cache.example").await.contains("10.0.0.1, which is not on the public"));
    assert!(told(&client, "rediss://cache.example").await.contains("has no address"));
    assert_eq!(names.asked.load(Ordering::SeqCst), 3);
    assert!(told(&client, "redis://1.1.1.1").await.contains("write rediss://"));
    // Such a URL keeps its host as a text, in whichever spelling.
    for text in [
        "rediss://127.0.0.1",
        "rediss://0x7f000001",
        "rediss://2130706433",
        "rediss://[::1]",
        "rediss://%31%30.0.0.1",
    ] {
        assert!(
            matches!(client.check_service(&url(text), SERVICE), Err(EgressError::Forbidden { .. })),
            "{text}"
        );
        assert!(told(&client, text).await.contains("ROLLCALL_EGRESS_ALLOW"), "{text}");
    }
    for text in
        ["https://cache.example", "rediss://", "rediss:///1", "rediss://a:b@cache.example", "rediss://a%00b"]
    {
        assert!(client.check_service(&url(text), SERVICE).is_err(), "{text}");
    }
    let opened = Client::new(opened("127.0.0.0/8"));
    assert_eq!(addresses(&opened, "redis://127.0.0.1").await.expect("opened"), "127.0.0.1:6379");
}
