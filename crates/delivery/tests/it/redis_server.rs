//! A Redis of a test's own, which can be killed and forgets everything.

use std::{net::TcpListener, process::Stdio, time::Duration};

use redis::{Cmd, FromRedisValue, aio::MultiplexedConnection};
use serde_json::{Map, Value};
use tokio::process::{Child, Command};

/// See the module. It is gone when this is dropped.
pub(crate) struct Server {
    pub(crate) port: u16,
    arguments: Vec<String>,
    process: Child,
}

/// Who looks into a Redis from beside.
pub(crate) struct Eye(MultiplexedConnection);

/// Fields of an entry.
pub(crate) type Entry = Map<String, Value>;

impl Server {
    pub(crate) async fn start(arguments: &[&str]) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let process = spawn(port, &arguments);
        let server = Self { port, arguments, process };
        server.is_up().await;
        server
    }

    /// Without a user and a password.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// As when the power goes.
    pub(crate) async fn kill(&mut self) {
        self.process.kill().await.expect("killed");
    }

    /// Empty.
    pub(crate) async fn start_again(&mut self) {
        self.process = spawn(self.port, &self.arguments);
        self.is_up().await;
    }

    async fn is_up(&self) {
        for _ in 0..200 {
            if tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("redis-server does not listen on port {}", self.port);
    }
}

fn spawn(port: u16, arguments: &[String]) -> Child {
    let mut command = Command::new("redis-server");
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
    command.args(arguments).current_dir(std::env::temp_dir()).kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("redis-server is installed (tests/run does that)")
}

impl Eye {
    pub(crate) async fn of(url: &str) -> Self {
        let client = redis::Client::open(url).expect("a URL");
        Self(client.get_multiplexed_async_connection().await.expect("a connection"))
    }

    pub(crate) async fn ask<T: FromRedisValue>(&mut self, words: &[&str]) -> T {
        let mut command = Cmd::new();
        command.arg(words);
        command.query_async(&mut self.0).await.unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }

    /// All entries of a stream, in order.
    pub(crate) async fn entries(&mut self, stream: &str) -> Vec<Entry> {
        let found: Vec<(String, Vec<(String, String)>)> = self.ask(&["XRANGE", stream, "-", "+"]).await;
        found.into_iter().map(|(_, fields)| entry(fields)).collect()
    }

    /// Waits until there are so many.
    pub(crate) async fn has(&mut self, stream: &str, count: usize) -> Vec<Entry> {
        for _ in 0..600 {
            let entries = self.entries(stream).await;
            if entries.len() >= count {
                return entries;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{} of {count} entries are in {stream}", self.entries(stream).await.len());
    }

    /// What a consumer of a group is given, as ids of events.
    pub(crate) async fn given(&mut self, stream: &str, group: &str) -> Vec<String> {
        type Given = Option<Vec<(String, Vec<(String, Vec<(String, String)>)>)>>;
        let given: Given = self.ask(&["XREADGROUP", "GROUP", group, "one", "STREAMS", stream, ">"]).await;
        let entries = given.into_iter().flatten().flat_map(|(_, entries)| entries);
        entries.map(|(_, fields)| entry(fields)["id"].as_str().expect("text").to_owned()).collect()
    }
}

fn entry(fields: Vec<(String, String)>) -> Entry {
    fields.into_iter().map(|(name, value)| (name, Value::from(value))).collect()
}
