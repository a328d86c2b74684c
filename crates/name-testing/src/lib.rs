//! A name server for tests: it answers over UDP what a test tells it to.

#![allow(clippy::unwrap_used, reason = "a test whose name server cannot go on has failed")]

use std::{
    collections::HashMap,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard},
};

use hickory_resolver::proto::{
    op::{Message, OpCode, ResponseCode},
    rr::{
        Name, RData, Record,
        rdata::{CNAME, TXT},
    },
};
use tokio::{net::UdpSocket, task::JoinHandle};

/// Longest string of a text record (RFC 1035 §3.3).
const STRING: usize = 255;

/// A running name server; it ends when dropped.
pub struct NameServer {
    address: SocketAddr,
    zone: Arc<Mutex<Zone>>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Zone {
    texts: HashMap<String, Vec<String>>,
    aliases: HashMap<String, String>,
    fails: bool,
}

impl NameServer {
    /// Starts on a free port of this machine, knowing no name.
    pub async fn start() -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = socket.local_addr().unwrap();
        let zone = Arc::<Mutex<Zone>>::default();
        let task = tokio::spawn(serve(socket, zone.clone()));
        Self { address, zone, task }
    }

    /// Where it answers.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Replaces the text records of a name; with none there is no such name.
    pub fn set(&self, name: &str, texts: &[&str]) {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        let mut zone = self.zone();
        if texts.is_empty() {
            zone.texts.remove(&key(name));
        } else {
            zone.texts.insert(key(name), texts);
        }
    }

    /// Makes a name an alias of another one.
    pub fn alias(&self, name: &str, of: &str) {
        self.zone().aliases.insert(key(name), key(of));
    }

    /// From here on it says that it cannot answer, or can again.
    pub fn fail(&self, fails: bool) {
        self.zone().fails = fails;
    }

    fn zone(&self) -> MutexGuard<'_, Zone> {
        self.zone.lock().unwrap()
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(socket: UdpSocket, zone: Arc<Mutex<Zone>>) {
    let mut buffer = [0; 4096];
    loop {
        let (length, sender) = socket.recv_from(&mut buffer).await.unwrap();
        let answer = {
            let zone = zone.lock().unwrap();
            answer(&zone, &buffer[..length])
        };
        socket.send_to(&answer, sender).await.unwrap();
    }
}

fn answer(zone: &Zone, question: &[u8]) -> Vec<u8> {
    let asked = Message::from_vec(question).unwrap();
    let mut answer = Message::response(asked.metadata.id, OpCode::Query);
    answer.metadata.recursion_desired = true;
    answer.metadata.recursion_available = true;
    let query = asked.queries.first().unwrap().clone();
    let mut name = query.name().clone();
    answer.add_query(query);
    if zone.fails {
        answer.metadata.response_code = ResponseCode::ServFail;
        return answer.to_vec().unwrap();
    }
    if let Some(target) = zone.aliases.get(&key(&name.to_string())) {
        let target = Name::from_ascii(format!("{target}.")).unwrap();
        answer.add_answer(Record::from_rdata(name, 60, RData::CNAME(CNAME(target.clone()))));
        name = target;
    }
    match zone.texts.get(&key(&name.to_string())) {
        None => answer.metadata.response_code = ResponseCode::NXDomain,
        Some(texts) => {
            for text in texts {
                let strings = text.as_bytes().chunks(STRING).collect();
                answer.add_answer(Record::from_rdata(name.clone(), 60, RData::TXT(TXT::from_bytes(strings))));
            }
        }
    }
    answer.to_vec().unwrap()
}

fn key(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}
