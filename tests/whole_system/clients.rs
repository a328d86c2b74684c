//! Clients that are slow, send too much of what nobody reads, or hang up: they cost themselves something, and nobody else.

use std::{
    io,
    time::{Duration, Instant},
};

use serde_json::json;
use store_testing::{Dice, Trial};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::harness::{Database, Installation, Scim, Server, eventually, on_both_databases};

on_both_databases!(who_hangs_up_leaves_nothing_half_done);

/// Requests whose client hangs up.
const VARIABLE: &str = "ROLLCALL_LONG_CLIENTS";
/// Those of `tests/run`.
const FEW: usize = 120;

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

/// Connections of the server below.
const CONNECTIONS: usize = 60;
/// Its patience.
const PATIENCE: Duration = Duration::from_secs(1);
/// What a busy machine adds.
const SLACK: Duration = Duration::from_secs(4);

async fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(server.origin.trim_start_matches("http://")).await.unwrap()
}

/// All that comes until the other side closes, which a reset does too.
async fn rest(stream: &mut TcpStream) -> String {
    let (mut text, mut piece) = (Vec::new(), [0; 4096]);
    while let Ok(bytes @ 1..) = stream.read(&mut piece).await {
        text.extend_from_slice(&piece[..bytes]);
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// Sends the beginning, then a byte now and then, until there is an answer; gives it with the time that it took.
async fn trickle(server: &Server, beginning: &str, then: u8) -> (String, Duration) {
    let (mut stream, begun) = (connect(server).await, Instant::now());
    stream.write_all(beginning.as_bytes()).await.unwrap();
    let mut readable = [0; 1];
    loop {
        tokio::select! {
            _ = stream.peek(&mut readable) => break,
            () = tokio::time::sleep(Duration::from_millis(150)) => {}
        }
        if stream.write_all(&[then]).await.is_err() {
            break;
        }
        assert!(begun.elapsed() < PATIENCE + SLACK, "nobody hangs up");
    }
    let took = begun.elapsed();
    (rest(&mut stream).await, took)
}

async fn limited(installation: &Installation) -> Server {
    let more = ["--client-timeout", "1", "--keep-alive", "3", "--max-connections", &CONNECTIONS.to_string()];
    installation.serve_with(&more).await
}

#[tokio::test]
async fn who_is_slow_holds_nobody_up() {
    let installation = Installation::new(Database::Sqlite).await;
    let authorization = installation.tenant("acme", "generic");
    let server = limited(&installation).await;
    let scim = Scim::new(server.base_url("acme"), &authorization);
    assert_eq!(scim.get("/Users").await.0, 200);

    // Slow loris: heads and bodies that never end, over half of all connections.
    let heads = (0..30).map(|_| async {
        let (answer, took) =
            trickle(&server, "GET /t/acme/scim/v2/Users HTTP/1.1\r\nHost: x\r\nX-A: ", b'a').await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408 "), "{answer}");
        assert!(took >= PATIENCE, "{took:?}");
    });
    let bodies = [
        ("/t/acme/scim/v2/Users", "application/scim+json", "urn:ietf:params:scim:api:messages:2.0:Error"),
        ("/oauth/token", "application/x-www-form-urlencoded", "error_description"),
    ]
    .map(|(path, kind, word)| {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: {authorization}\r\nContent-Type: {kind}\r\n\
             Content-Length: 1000\r\n\r\n ",
            server.origin.trim_start_matches("http://"),
        );
        let server = &server;
        async move {
            let (answer, took) = trickle(server, &head, b' ').await;
            assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains(word), "{path}: {answer}");
            assert!(
                answer.contains("connection: close") && answer.contains("Send the request again"),
                "{answer}"
            );
            assert!(took >= PATIENCE, "{took:?}");
        }
    });
    let others = async {
        for _ in 0..10 {
            assert_eq!(scim.get("/Users").await.0, 200);
            tokio::time::sleep(PATIENCE / 10).await;
        }
    };
    let (heads, bodies) = (futures::future::join_all(heads), futures::future::join_all(bodies));
    tokio::join!(heads, bodies, others);
    let (status, list) = scim.get("/Users?count=0").await;
    assert_eq!((status, &list["totalResults"]), (200, &json!(0)), "nothing came of half a body");

    // Whoever says nothing at all keeps a connection until another needs it.
    let mut silent = Vec::new();
    for _ in 0..CONNECTIONS {
        silent.push(connect(&server).await);
    }
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let begun = Instant::now();
    let fresh = [(); 4].map(|()| Scim::new(server.base_url("acme"), &authorization));
    for scim in &fresh {
        assert_eq!(scim.get("/Users").await.0, 200);
    }
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    // And not for ever.
    let begun = Instant::now();
    for stream in &mut silent {
        assert_eq!(rest(stream).await, "");
    }
    assert!(begun.elapsed() < Duration::from_secs(3) + SLACK, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn floods_of_headers_are_refused() {
    let installation = Installation::new(Database::Sqlite).await;
    let authorization = installation.tenant("acme", "generic");
    let server = limited(&installation).await;
    let many = (0..200).map(|number| format!("X-{number}: a\r\n")).collect::<String>();
    let large = format!("X-A: {}\r\n", "a".repeat(100 * 1024));
    let endless = "X-A: a\r\n".repeat(200_000);
    for headers in [many, large, endless] {
        let mut stream = connect(&server).await;
        let head = format!("GET /t/acme/scim/v2/Users HTTP/1.1\r\nHost: x\r\n{headers}\r\n");
        // Refused while it is sent.
        let sent: io::Result<()> = stream.write_all(head.as_bytes()).await;
        let answer = rest(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 431 ") || sent.is_err(), "{answer}");
    }
    let mut stream = connect(&server).await;
    let target = "a".repeat(70_000);
    let sent: io::Result<()> = stream.write_all(format!("GET /{target} HTTP/1.1\r\n\r\n").as_bytes()).await;
    let answer = rest(&mut stream).await;
    assert!(
        ["HTTP/1.1 414 ", "HTTP/1.1 431 "].iter().any(|text| answer.starts_with(text)) || sent.is_err(),
        "{answer}"
    );
    assert_eq!(Scim::new(server.base_url("acme"), authorization).get("/Users").await.0, 200);
}

/// Half of them hang up in the middle of the body, half of them after it, before the answer can have come.
async fn who_hangs_up_leaves_nothing_half_done(installation: Installation) {
    let trial = Trial::new("clients", VARIABLE, FEW);
    let mut dice = Dice::new(trial.seed);
    installation.run(&["migrate"]);
    let authorization = installation.tenant("acme", "generic");
    let server = installation.serve().await;
    let scim = Scim::new(server.base_url("acme"), &authorization);
    assert_eq!(scim.get("/Users").await.0, 200);
    let mut under_way = tokio::task::JoinSet::new();
    for number in 0..trial.cases {
        let kind = if number % 2 == 0 { "half" } else { "whole" };
        let body = json!({"schemas": [USER], "userName": format!("{kind}-{number}")}).to_string();
        let head = format!(
            "POST /t/acme/scim/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization: {authorization}\r\n\
             Content-Type: application/scim+json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let sent = if number % 2 == 0 { dice.below(body.len()) } else { body.len() };
        let (pause, text) = (dice.below(6_000) as u64, format!("{head}{}", &body[..sent]));
        let mut stream = connect(&server).await;
        under_way.spawn(async move {
            // The server may have hung up first.
            drop(stream.write_all(text.as_bytes()).await);
            tokio::time::sleep(Duration::from_micros(pause)).await;
        });
        while under_way.len() >= 24 {
            under_way.join_next().await.unwrap().unwrap();
        }
    }
    while under_way.join_next().await.is_some() {}

    // Each connection to the database is free again: more than there are work at once.
    let looks = (0..40).map(|_| async { assert_eq!(scim.get("/Users?count=1").await.0, 200) });
    let begun = Instant::now();
    futures::future::join_all(looks).await;
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    let total = async |kind: &str| {
        let (_, list) = scim.get(&format!("/Users?count=0&filter=userName%20sw%20%22{kind}%22")).await;
        list["totalResults"].as_u64().unwrap()
    };
    // What goes on without its client ends soon.
    eventually(SLACK, "quiet", || async {
        let before = total("whole").await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        before == total("whole").await
    })
    .await;
    assert_eq!(total("half").await, 0, "half a body made a user");
    let total = total("whole").await;
    let [users, entries, events] = installation.made().await;
    assert_eq!([entries, events], [users; 2], "nobody is half there");
    assert_eq!(u64::try_from(users).unwrap(), total);
    trial.report(&format!(
        "{}: {} hung up in the middle of a body, none made; {} after it, {total} made, wholly",
        if installation.is_sqlite() { "SQLite" } else { "PostgreSQL" },
        trial.cases.div_ceil(2),
        trial.cases / 2
    ));
}
