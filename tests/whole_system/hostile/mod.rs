//! What strangers send to break in: requests that two servers would read differently, paths that lead elsewhere, texts that
//! would be lines of a log or scripts on a page. What only one crate must withstand is tried there; docs/trust.md lists all.

mod framing;
mod logs;
mod paths;
mod scripts;

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use crate::harness::{PATIENCE, Server};

/// How long a connection may stay silent before it counts as kept open.
const SILENCE: Duration = Duration::from_millis(700);

/// What came back on one connection.
struct Heard {
    /// All of it.
    text: String,
    /// Did the server end the connection?
    closed: bool,
}

impl Heard {
    /// The status of each answer.
    fn statuses(&self) -> Vec<u16> {
        let lines = self.text.split("HTTP/1.1 ").skip(1);
        lines.map(|line| line.split(' ').next().unwrap().parse().unwrap()).collect()
    }
}

/// Sends bytes on a connection of their own and listens until it ends.
fn send(server: &Server, bytes: &[u8]) -> Heard {
    listen(server, bytes, PATIENCE)
}

/// The same with an end to the silence.
fn listen(server: &Server, bytes: &[u8], silence: Duration) -> Heard {
    let mut stream = TcpStream::connect(server.origin.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(silence)).unwrap();
    // The server may answer and close before it has read everything.
    drop(stream.write_all(bytes));
    let mut heard = Vec::new();
    let closed = match stream.read_to_end(&mut heard) {
        Ok(_) => true,
        Err(error) => !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
    };
    Heard { text: String::from_utf8_lossy(&heard).into_owned(), closed }
}
