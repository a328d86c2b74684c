//! The feed as server-sent events, read by a client over a real connection.

use std::{net::SocketAddr, time::Duration};

use reqwest::Response;
use serde_json::{Value, json};
use tenant_admin::{ApiState, Live};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
};

use crate::support::{Api, DAY, HOST};

/// A server on a port of its own.
struct Served(SocketAddr);

/// Somebody who reads a stream.
struct Reader {
    response: Response,
    text: String,
}

/// What came between two empty lines.
#[derive(Debug, Default, PartialEq)]
struct Block {
    id: Option<i64>,
    event: Option<String>,
    data: Option<Value>,
    is_comment: bool,
}

impl Served {
    async fn of(api: &Api, live: Live) -> Self {
        let app = tenant_admin::api_router(ApiState { live, ..api.state.clone() });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = app.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });
        Self(address)
    }

    async fn get(&self, token: &str, path: &str, last: Option<&str>) -> Response {
        let client = reqwest::Client::new().get(format!("http://{}/api/v1{path}", self.0));
        let mut request =
            client.header("host", HOST).bearer_auth(token).header("accept", "text/event-stream");
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        request.send().await.unwrap()
    }

    /// Asks for a stream, and takes no more of it than its first bytes.
    async fn open_and_read_nothing(&self, token: &str, path: &str) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let mut connection = socket.connect(self.0).await.unwrap();
        let request = format!(
            "GET /api/v1{path} HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {token}\r\n\
             Accept: text/event-stream\r\n\r\n"
        );
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut begin = [0; 12];
        connection.read_exact(&mut begin).await.unwrap();
        assert_eq!(&begin, b"HTTP/1.1 200");
        connection
    }

    async fn read(&self, token: &str, path: &str, last: Option<&str>) -> Reader {
        let response = self.get(token, path, last).await;
        assert_eq!(
            (response.status(), &response.headers()["content-type"]),
            (http::StatusCode::OK, &"text/event-stream".parse().unwrap())
        );
        assert_eq!(
            (&response.headers()["x-accel-buffering"], &response.headers()["cache-control"]),
            (&"no".parse().unwrap(), &"no-store".parse().unwrap())
        );
        let mut reader = Reader { response, text: String::new() };
        let begin = reader.text().await.unwrap();
        assert_eq!(begin, "retry: 1000");
        reader
    }
}

impl Reader {
    /// The lines up to the next empty one; `None`: the stream has ended.
    async fn text(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                return Some(block);
            }
            let part = tokio::time::timeout(Duration::from_secs(20), self.response.chunk()).await;
            let Some(part) = part.expect("something comes").unwrap() else {
                assert_eq!(self.text, "", "nothing is cut off");
                return None;
            };
            self.text += std::str::from_utf8(&part).unwrap();
        }
    }

    async fn block(&mut self) -> Option<Block> {
        let mut block = Block::default();
        for line in self.text().await?.lines() {
            let (name, value) = line.split_once(':').unwrap();
            let value = value.strip_prefix(' ').unwrap_or(value);
            match name {
                "" => block.is_comment = true,
                "id" => block.id = Some(value.parse().unwrap()),
                "event" => block.event = Some(value.to_owned()),
                "data" => {
                    assert_eq!(block.data.replace(serde_json::from_str(value).unwrap()), None, "one line")
                }
                other => panic!("{other}"),
            }
        }
        Some(block)
    }

    /// The next events, so many.
    async fn events(&mut self, count: usize) -> Vec<Block> {
        let mut events = Vec::new();
        while events.len() < count {
            events.extend(self.block().await.filter(|block| block.data.is_some()));
        }
        events
    }

    async fn types(&mut self, count: usize) -> Vec<String> {
        self.events(count).await.into_iter().map(|block| block.event.unwrap()).collect()
    }
}

store_testing::on_both! {
    async fn events_come_as_they_happen_and_go_on_where_a_reader_left(store: TestStore) {
        let api = Api::new(store).await;
        let served = Served::of(&api, Live::default()).await;
        let acme = api.tenant("acme", "generic").await;
        let beta = api.tenant("beta", "generic").await;
        api.store.number().await;
        let mut reader = served.read(&api.token, "/events?after=0&limit=1", None).await;
        assert_eq!(reader.types(2).await, ["tenant.created", "tenant.created"]);
        api.user(&acme, "ann@example.com").await;
        api.store.number().await;
        let ann = reader.events(1).await.remove(0);
        api.user(&beta, "bob@example.com").await;
        api.store.number().await;
        let bob = reader.events(1).await.remove(0);
        let page = api.get("/events?types=user.*").await.is(200).body["events"].clone();
        assert_eq!(json!([ann.data, bob.data]), page, "the same as in a page");
        for block in [&ann, &bob] {
            let data = block.data.as_ref().unwrap();
            assert_eq!((json!(block.id), json!(block.event)), (data["position"].clone(), data["type"].clone()));
        }
        drop(reader);

        let last = ann.id.unwrap().to_string();
        // The address is still the one of the first time.
        let mut again = served.read(&api.token, "/events?after=0", Some(&last)).await;
        assert_eq!(again.events(1).await, [bob]);
        let mut filtered = served.read(&api.token, "/events?types=user.*&tenant=acme", None).await;
        let own = api.tenant_token(&beta, "directory:read", None).await;
        let mut of_beta = served.read(&own, "/tenants/beta/events", None).await;
        assert_eq!(filtered.events(1).await, [ann]);
        assert_eq!(of_beta.events(1).await[0].data.as_ref().unwrap()["tenant"]["slug"], "beta");
        for (tenant, name) in [(&acme, "cat"), (&beta, "dan")] {
            api.user(tenant, &format!("{name}@example.com")).await;
        }
        api.store.number().await;
        let name = |mut events: Vec<Block>| events.remove(0).data.unwrap()["data"]["state"]["userName"].clone();
        assert_eq!(name(filtered.events(1).await), "cat@example.com");
        assert_eq!(name(of_beta.events(1).await), "dan@example.com");

        for (path, last, status) in [
            ("/events?wait=5", None, 422), ("/events?after=-1", None, 422), ("/events?limit=0", None, 422),
            ("/events", Some("x"), 422), ("/events", Some("7000"), 422), ("/events?nonsense=1", None, 400),
            ("/events?tenant=nobody", None, 404), ("/tenants/nobody/events", None, 404),
        ] {
            let answer = served.get(&api.token, path, last).await;
            assert_eq!((answer.status().as_u16(), &answer.headers()["content-type"]), (status, &"application/problem+json".parse().unwrap()), "{path}");
        }
        assert_eq!(served.get(&own, "/tenants/acme/events", None).await.status(), 404);
    }

    async fn a_stream_ends_with_its_token(store: TestStore) {
        let api = Api::new(store).await;
        let served = Served::of(&api, Live::default()).await;
        let acme = api.tenant("acme", "generic").await;
        let token = api.platform("app", "directory:read", DAY).await;
        let mut reader = served.read(&token, "/events", None).await;
        api.user(&acme, "ann@example.com").await;
        api.store.number().await;
        assert_eq!(reader.types(1).await, ["user.created"], "nothing of tenants");
        let tokens = api.get("/platform-tokens").await;
        let app = tokens.items().iter().find(|one| one["name"] == "app").unwrap().clone();
        api.delete(&format!("/platform-tokens/{}", app["id"].as_str().unwrap())).await.is(204);
        api.user(&acme, "bob@example.com").await;
        api.store.number().await;
        assert_eq!(reader.block().await, None);
        assert_eq!(served.get(&token, "/events", None).await.status(), 401);
    }

    async fn a_stream_shows_that_it_lives_and_comes_to_its_end(store: TestStore) {
        let api = Api::new(store).await;
        let live = Live::default().with_pace(Duration::from_millis(100), Duration::from_secs(2));
        let served = Served::of(&api, live).await;
        let acme = api.tenant("acme", "generic").await;
        let mut reader = served.read(&api.token, "/events?types=role.*", None).await;
        api.user(&acme, "ann@example.com").await;
        api.store.number().await;
        let last = api.get("/events").await.is(200).body["last"].as_i64();
        let (mut ids, mut comments) = (Vec::new(), 0);
        while let Some(block) = reader.block().await {
            assert!(block.is_comment && block.data.is_none(), "{block:?}");
            comments += 1;
            ids.extend(block.id);
        }
        assert!((2..=20).contains(&comments), "{comments}");
        assert_eq!(ids.pop(), last, "the place is told, once others' events were passed");
    }

    async fn a_server_that_stops_ends_streams_and_the_places_are_bounded(store: TestStore) {
        let api = Api::new(store).await;
        let live = Live::default();
        let served = Served::of(&api, live.clone()).await;
        let mut readers = Vec::new();
        for _ in 0..20 {
            readers.push(served.read(&api.token, "/events", None).await);
        }
        assert_eq!(served.get(&api.token, "/events", None).await.status(), 429);
        let other = api.platform("other", "directory:read", DAY).await;
        readers.push(served.read(&other, "/events", None).await);
        live.stop();
        for reader in &mut readers {
            assert_eq!(reader.block().await, None);
        }
    }

    async fn who_takes_nothing_loses_its_place(store: TestStore) {
        let api = Api::new(store).await;
        let acme = api.tenant("acme", "generic").await;
        // More than lies between a server and its reader.
        let title = "x".repeat(50_000);
        for number in 0..200 {
            api.titled_user(&acme, &format!("u{number}@example.com"), Some(&title)).await;
        }
        api.store.number().await;
        let live = Live::default().with_pace(Duration::from_millis(100), Duration::from_secs(600));
        let served = Served::of(&api, live).await;
        let mut silent = Vec::new();
        for _ in 0..20 {
            silent.push(served.open_and_read_nothing(&api.token, "/events?after=0").await);
        }
        let end = tokio::time::Instant::now() + Duration::from_secs(30);
        while served.get(&api.token, "/events", None).await.status() == 429 {
            assert!(tokio::time::Instant::now() < end, "their places are never free");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
