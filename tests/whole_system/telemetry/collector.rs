//! Takes traces over OTLP as a collector does, and gives them as spans with names. With `ROLLCALL_TEST_COLLECTOR` a real
//! collector stands in between: `tests/long telemetry`.

use std::{
    collections::BTreeMap,
    io::Read,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, header},
    response::IntoResponse,
    routing::post,
};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{KeyValue, any_value},
};
use prost::Message as _;

use crate::harness::{PATIENCE, eventually, free_port};

/// What has come.
#[derive(Default)]
struct Taken {
    bytes: Vec<u8>,
    spans: Vec<Span>,
}

/// A span.
#[derive(Clone, Debug)]
pub(super) struct Span {
    pub(super) trace: String,
    pub(super) id: String,
    /// Empty: it begins the trace.
    pub(super) parent: String,
    pub(super) name: String,
    /// 2 is a server's, 3 a client's.
    pub(super) kind: i32,
    /// 2 is an error.
    pub(super) status: i32,
    pub(super) attributes: BTreeMap<String, String>,
    /// Traces that it is linked with.
    pub(super) links: Vec<String>,
    pub(super) events: usize,
}

impl Span {
    pub(super) fn attribute(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }
}

/// See the module.
pub(super) struct Collector {
    pub(super) endpoint: String,
    taken: Arc<Mutex<Taken>>,
    between: Option<Child>,
}

impl Collector {
    pub(super) async fn start() -> Self {
        let taken = Arc::new(Mutex::new(Taken::default()));
        let keeps = taken.clone();
        let take = move |headers: HeaderMap, body: Bytes| async move {
            keeps.lock().unwrap().take(&plain(&headers, &body));
            // An empty answer of its kind.
            ([(header::CONTENT_TYPE, "application/x-protobuf")], "").into_response()
        };
        let collector = Router::new().route("/v1/traces", post(take));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let here = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, collector).await.unwrap() });
        let Ok(program) = std::env::var("ROLLCALL_TEST_COLLECTOR") else {
            return Self { endpoint: here, taken, between: None };
        };
        let (http, grpc) = (free_port(), free_port());
        let between = Command::new(program)
            .args(["start", "--otlp-http-endpoint", &format!("127.0.0.1:{http}")])
            .args(["--otlp-grpc-endpoint", &format!("127.0.0.1:{grpc}")])
            .args([
                "--exporter",
                "otlp",
                "--otlp-exporter-protocol",
                "http",
                "--otlp-exporter-endpoint",
                &here,
            ])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        eventually(PATIENCE, "the collector listens", || async move {
            tokio::net::TcpStream::connect(("127.0.0.1", http)).await.is_ok()
        })
        .await;
        Self { endpoint: format!("http://127.0.0.1:{http}"), taken, between: Some(between) }
    }

    /// All spans until now.
    pub(super) fn spans(&self) -> Vec<Span> {
        self.taken.lock().unwrap().spans.clone()
    }

    /// Do these letters stand anywhere in what came?
    pub(super) fn holds(&self, text: &str) -> bool {
        self.taken.lock().unwrap().bytes.windows(text.len()).any(|window| window == text.as_bytes())
    }

    /// The spans of the request with this id, once its own has come, which ends last.
    pub(super) async fn trace(&self, request_id: &str) -> Vec<Span> {
        let root =
            || self.spans().into_iter().find(|span| span.attribute("rollcall.request_id") == request_id);
        eventually(PATIENCE, "a trace", || async { root().is_some() }).await;
        if self.between.is_some() {
            // It has batches of its own, in any order.
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let trace = root().unwrap().trace;
        self.spans().into_iter().filter(|span| span.trace == trace).collect()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        if let Some(between) = &mut self.between {
            drop(between.kill());
            drop(between.wait());
        }
    }
}

impl Taken {
    fn take(&mut self, body: &[u8]) {
        self.bytes.extend_from_slice(body);
        let request = ExportTraceServiceRequest::decode(body).unwrap();
        for resource in request.resource_spans {
            let of = attributes(&resource.resource.unwrap().attributes);
            assert_eq!(of["service.name"], "rollcall");
            assert!(!of["service.version"].is_empty());
            for span in resource.scope_spans.into_iter().flat_map(|scope| scope.spans) {
                self.spans.push(Span {
                    trace: hex(&span.trace_id),
                    id: hex(&span.span_id),
                    parent: hex(&span.parent_span_id),
                    name: span.name,
                    kind: span.kind,
                    status: span.status.map_or(0, |status| status.code),
                    attributes: attributes(&span.attributes),
                    links: span.links.iter().map(|link| hex(&link.trace_id)).collect(),
                    events: span.events.len(),
                });
            }
        }
    }
}

/// A body as it was before it was compressed; Rollcall does not, others do.
fn plain(headers: &HeaderMap, body: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    match headers.get(header::CONTENT_ENCODING).map(|coding| coding.to_str().unwrap()) {
        Some("gzip") => flate2::read::GzDecoder::new(body).read_to_end(&mut plain).unwrap(),
        Some(other) => panic!("{other} is not taken"),
        None => Read::read_to_end(&mut &*body, &mut plain).unwrap(),
    };
    plain
}

fn attributes(list: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |attribute: &KeyValue| match attribute.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(any_value::Value::StringValue(text)) => text.clone(),
        Some(any_value::Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    };
    list.iter().map(|attribute| (attribute.key.clone(), text(attribute))).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
