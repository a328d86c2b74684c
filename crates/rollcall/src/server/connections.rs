//! Takes connections and serves them: so many at most, none for ever, and each to its end when the server stops.

use std::{
    collections::HashMap,
    convert::Infallible,
    net::SocketAddr,
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    extract::{ConnectInfo, Request},
    response::Response,
    serve::Listener,
};
use http::{HeaderValue, header};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::JoinSet,
};
use tower::ServiceExt as _;

use super::{
    bodies::{Noted, timed},
    life::{Life, Patience},
    refusal, stopped,
    wire::Wire,
};

/// Largest head of a request, in bytes: the longest target there is (64 KiB, else 414) and 32 KiB of fields. More, or more than
/// 100 fields, is answered 431.
const LARGEST_HEAD: usize = 96 * 1024;

/// How long requests in flight may take to end after a stop was asked for. SIGTERM ends the server within 10 s.
const DRAIN: Duration = Duration::from_secs(8);

/// From one look for a connection that could be closed to the next, while all are at work.
const LOOK: Duration = Duration::from_millis(50);

/// A connection that was at work a moment ago may still have its answer to send.
const SETTLED: Duration = Duration::from_secs(1);

/// How a listener is served.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    /// Most connections.
    pub(super) connections: usize,
    /// With clients.
    pub(super) patience: Patience,
}

/// All connections of a listener.
struct Connections {
    app: Router,
    patience: Patience,
    /// One for each that may be open.
    places: Arc<Semaphore>,
    /// With fewer places left, whoever is turned away gives up theirs.
    scarce: usize,
    open: Mutex<HashMap<u64, Arc<Life>>>,
    next: AtomicU64,
    /// Clients and proxies are asked to come by another connection, which may lead them to another node.
    leaving: Arc<AtomicBool>,
}

/// Serves until `stop` says so, then lets requests in flight end.
pub(super) async fn serve(
    mut listener: TcpListener,
    app: Router,
    terms: Terms,
    leaving: Arc<AtomicBool>,
    stop: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(terms.connections));
    let connections = Arc::new(Connections {
        app,
        patience: terms.patience,
        places: places.clone(),
        scarce: terms.connections.div_ceil(8),
        open: Mutex::default(),
        next: AtomicU64::default(),
        leaving,
    });
    let mut serving = JoinSet::new();
    let mut ending = pin!(stopped(stop.clone()));
    loop {
        let taken = async {
            let (stream, peer) = Listener::accept(&mut listener).await;
            // Small pieces of a stream are not to wait for each other.
            drop(stream.set_nodelay(true));
            let place = loop {
                if let Ok(place) = places.clone().try_acquire_owned() {
                    break place;
                }
                connections.give_up_longest();
                let freed = tokio::time::timeout(LOOK, places.clone().acquire_owned()).await;
                if let Ok(Ok(place)) = freed {
                    break place;
                }
            };
            (stream, peer, place)
        };
        tokio::select! {
            (stream, peer, place) = taken => {
                let (connections, stop) = (connections.clone(), stop.clone());
                serving.spawn(async move {
                    connections.serve(stream, peer, stop).await;
                    drop(place);
                });
            }
            // Nothing else here: whatever ended first would drop a connection that is taken and waits for a place.
            () = &mut ending => break,
        }
        while serving.try_join_next().is_some() {}
    }
    drop(listener);
    let drained = async { while serving.join_next().await.is_some() {} };
    if tokio::time::timeout(DRAIN, drained).await.is_err() {
        tracing::warn!("closing connections that did not end in time");
    }
}

impl Connections {
    async fn serve(&self, stream: TcpStream, peer: SocketAddr, stop: watch::Receiver<bool>) {
        let life = Arc::new(Life::new());
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.open().insert(number, life.clone());
        let _entry = Entry { connections: self, number };

        let service = service_fn(|request| self.answer(request, peer, &life));
        let wire = TokioIo::new(Wire::new(stream, life.clone(), self.patience));
        let mut builder = http1::Builder::new();
        // Without a timer of hyper's: `Wire` has it.
        builder.header_read_timeout(None).max_header_size(LARGEST_HEAD);
        let mut connection = pin!(builder.serve_connection(wire, service));
        let told = async {
            tokio::select! {
                () = life.told() => {}
                () = stopped(stop) => {}
            }
        };
        tokio::select! {
            // What went wrong, the client's fault or the net's, is of no interest to anybody here.
            _ = connection.as_mut() => return,
            () = told => connection.as_mut().graceful_shutdown(),
        }
        drop(connection.await);
    }

    async fn answer(
        &self,
        request: hyper::Request<Incoming>,
        peer: SocketAddr,
        life: &Arc<Life>,
    ) -> Result<hyper::Response<Noted>, Infallible> {
        life.begun();
        let mut request: Request = request.map(|body| timed(body, life, self.patience.client));
        request.extensions_mut().insert(ConnectInfo(peer));
        let path = path(&request);
        let answered = self.app.clone().oneshot(request).await;
        let mut response: Response = answered.unwrap_or_else(|never| match never {});
        let late = life.take_late();
        if late {
            response = refusal(path.as_deref().unwrap_or_default(), 408, LATE);
        }
        let gives_up = is_turned_away(&response) && self.places.available_permits() < self.scarce;
        if late || gives_up || self.leaving.load(Ordering::Relaxed) {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(response.map(|body| Noted::new(body, life.clone())))
    }

    /// Closes the connection that has waited longest for its client, if one does.
    fn give_up_longest(&self) {
        let open = self.open();
        let waiting = open.values().filter_map(|life| life.waits_since(SETTLED).map(|since| (since, life)));
        if let Some((_, life)) = waiting.min_by_key(|(since, _)| *since) {
            life.give_up();
        }
    }

    fn open(&self) -> MutexGuard<'_, HashMap<u64, Arc<Life>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Is the client told to come again later?
fn is_turned_away(response: &Response) -> bool {
    response.headers().contains_key(header::RETRY_AFTER)
}

const LATE: &str = "The body of the request did not come in time, so nothing was done. Send the request again, without pauses.";

/// What is kept of a request for the case that its body is late: its path, if it has a body.
fn path(request: &Request) -> Option<String> {
    let has_body = !axum::body::HttpBody::is_end_stream(request.body());
    has_body.then(|| request.uri().path().to_owned())
}

/// A connection's entry, until it ends, however it does.
struct Entry<'a> {
    connections: &'a Connections,
    number: u64,
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        self.connections.open().remove(&self.number);
    }
}

/// Most connections that the open files of this process allow: the rest is for databases, files and calls.
pub(super) fn allowed(wanted: usize) -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let Some(files) = open_files(&limits) else { return wanted };
    let allowed = (files - files / 4).max(1);
    if allowed < wanted {
        tracing::info!(
            connections = allowed,
            files,
            "fewer connections are taken than set, for the limit of open files; raise it (ulimit -n, LimitNOFILE)"
        );
    }
    allowed.min(wanted)
}

/// The soft limit in the text of `/proc/self/limits`; none where there is none.
fn open_files(limits: &str) -> Option<usize> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_of_open_files_is_read() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units     \n\
                      Max processes             127236               127236               processes \n\
                      Max open files            1024                 1048576              files     \n";
        assert_eq!(open_files(limits), Some(1024));
        assert_eq!(
            open_files("Max open files            unlimited            unlimited            files"),
            None
        );
        assert_eq!(open_files(""), None);
        assert_eq!(allowed(1), 1);
    }
}
