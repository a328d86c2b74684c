//! `/metrics`: what the crates count through the facade, in Prometheus' text format 0.0.4.

use std::{net::SocketAddr, time::Duration};

use anyhow::Context as _;
use axum::{
    Router,
    extract::{ConnectInfo, Request, State},
    http::{HeaderName, header},
    response::{IntoResponse, Response},
    routing::get,
};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use metrics_util::MetricKindMask;
use telemetry::metrics::Kind;

use crate::{server, warnings};

/// What proxies tell of whom they stand for.
const PROXIED: [HeaderName; 2] = [header::FORWARDED, HeaderName::from_static("x-forwarded-for")];

/// Gauges that nobody has set for so long are shown no more: a tenant whose credential was replaced. Each gauge is set
/// at least once in a round of [`warnings`], most of them by [`crate::gauges`].
const STALE: Duration = Duration::from_secs(warnings::LONGEST_PAUSE.as_secs() * 2 + 300);

/// Who may ask.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum For {
    /// Whoever reaches the listener.
    All,
    /// Processes of this machine, and no proxy on it.
    ThisMachine,
}

/// Counts from now on; once in a process.
pub(crate) fn install() -> anyhow::Result<PrometheusHandle> {
    let recorder = recorder(STALE)?;
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).context("metrics")?;
    telemetry::metrics::describe();
    Ok(handle)
}

fn recorder(stale: Duration) -> anyhow::Result<PrometheusRecorder> {
    let mut builder = PrometheusBuilder::new().idle_timeout(MetricKindMask::GAUGE, Some(stale));
    for metric in telemetry::metrics::ALL {
        if let Kind::Histogram(bounds) = metric.kind {
            builder = builder.set_buckets_for_metric(Matcher::Full(metric.name.to_owned()), bounds)?;
        }
    }
    Ok(builder.build_recorder())
}

/// The route.
pub(crate) fn router(handle: PrometheusHandle, to: For) -> Router {
    Router::new().route("/metrics", get(show)).with_state((handle, to))
}

async fn show(State((handle, to)): State<(PrometheusHandle, For)>, request: Request) -> Response {
    if to == For::ThisMachine && !is_local(&request) {
        return server::not_found(request).await;
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], handle.render()).into_response()
}

/// A proxy on this machine passes on what strangers ask, so its word is needed to know that nobody is behind it. One that
/// keeps silent mostly passes on the name that was asked for, and so does a browser that was lured here by a name.
fn is_local(request: &Request) -> bool {
    let here = url::Url::parse("http://localhost");
    if !here.is_ok_and(|here| token_service::host::fits(request.uri(), request.headers(), &here)) {
        return false;
    }
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let near = peer.is_some_and(|peer| peer.0.ip().to_canonical().is_loopback());
    near && !PROXIED.iter().any(|name| request.headers().contains_key(name))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    /// The gauges of the lines are found once, when the node starts. Taken for stale, they would be shown never again.
    #[test]
    fn what_is_touched_is_shown_however_quiet_a_node_is() {
        let recorder = recorder(Duration::from_millis(20)).unwrap();
        let handle = recorder.handle();
        metrics::with_local_recorder(&recorder, || {
            let admission = admission::Admission::new(admission::Options::new(8));
            metrics::gauge!("of_one_that_is_gone").set(1.0);
            for _ in 0..3 {
                assert!(handle.render().contains("rollcall_requests_working 0"), "{}", handle.render());
                std::thread::sleep(Duration::from_millis(30));
                admission.show();
            }
            assert!(!handle.render().contains("of_one_that_is_gone"), "{}", handle.render());
        });
    }

    #[test]
    fn only_this_machine_is_local() {
        let local_as = |host: &'static str, peer: Option<&str>, headers: &[&str]| {
            let mut request = Request::new(Body::empty());
            request.headers_mut().insert(header::HOST, header::HeaderValue::from_static(host));
            if let Some(peer) = peer {
                let peer: SocketAddr = peer.parse().unwrap();
                request.extensions_mut().insert(ConnectInfo(peer));
            }
            for name in headers {
                let name: HeaderName = name.parse().unwrap();
                request.headers_mut().insert(name, header::HeaderValue::from_static("192.0.2.1"));
            }
            is_local(&request)
        };
        let local = |peer: Option<&str>, headers: &[&str]| local_as("127.0.0.1:8080", peer, headers);
        for (host, expected) in [
            ("localhost:8080", true),
            ("[::1]:8080", true),
            ("scim.example.com", false),
            ("localhost.example.com", false),
            ("10.0.0.1:8080", false),
        ] {
            assert_eq!(local_as(host, Some("127.0.0.1:1"), &[]), expected, "{host}");
        }
        for peer in ["127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
            assert!(local(Some(peer), &[]), "{peer}");
            assert!(local(Some(peer), &["user-agent"]), "{peer}");
            for header in ["x-forwarded-for", "forwarded"] {
                assert!(!local(Some(peer), &[header]), "{peer} {header}");
            }
        }
        for peer in [Some("192.0.2.1:1"), Some("10.0.0.1:1"), Some("[2001:db8::1]:1"), None] {
            assert!(!local(peer, &[]), "{peer:?}");
        }
    }
}
