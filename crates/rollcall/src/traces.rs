//! Traces over OTLP: which spans leave, whose traces they are, and the span that each request begins with.

use anyhow::Context as _;
use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName},
    middleware::Next,
    response::Response,
};
use opentelemetry::{
    Context,
    propagation::{Extractor, TextMapPropagator as _},
    trace::{SpanContext, TraceContextExt as _, TraceState, TracerProvider as _},
};
use opentelemetry_otlp::WithExportConfig as _;
use opentelemetry_sdk::{
    Resource,
    propagation::TraceContextPropagator,
    runtime,
    trace::{SdkTracerProvider, span_processor_with_async_runtime::BatchSpanProcessor},
};
use telemetry::{requests, spans};
use tracing::{Instrument as _, Metadata, Subscriber, level_filters::LevelFilter, subscriber::Interest};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::{Layer, filter::dynamic_filter_fn, registry::LookupSpan};

/// Sends traces to an endpoint. How many is told by OpenTelemetry's own variables, `OTEL_TRACES_SAMPLER` and its argument.
pub(crate) fn provider(endpoint: &url::Url) -> anyhow::Result<SdkTracerProvider> {
    let traces = traces_endpoint(endpoint)
        .context("otlp_endpoint: it is no address to which a path could be added")?;
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_endpoint(traces.as_str())
        .build()
        .context("cannot make the OTLP exporter")?;
    let version = opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    Ok(SdkTracerProvider::builder()
        .with_resource(Resource::builder().with_service_name("rollcall").with_attribute(version).build())
        // The exporter's HTTP client is async: its batches must be sent from the runtime, not from a bare thread.
        .with_span_processor(BatchSpanProcessor::builder(exporter, runtime::Tokio).build())
        .build())
}

/// `/v1/traces` below an endpoint, whose own path stays (OpenTelemetry's exporter specification).
fn traces_endpoint(endpoint: &url::Url) -> Option<url::Url> {
    let mut traces = endpoint.clone();
    traces.path_segments_mut().ok()?.pop_if_empty().extend(["v1", "traces"]);
    Some(traces)
}

/// Is it one of the spans that are made to leave?
pub(crate) fn is_ours(metadata: &Metadata<'_>) -> bool {
    metadata.target() == spans::TARGET
}

/// Makes traces of our spans, and of nothing else: neither events nor spans of libraries leave, whatever is logged. A span
/// without a request that it is for is none: a server asks its database for this and that all the time.
pub(crate) fn layer<S>(provider: &SdkTracerProvider) -> impl Layer<S> + use<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let leaves = dynamic_filter_fn(|metadata, context| {
        is_ours(metadata) && (metadata.name() == spans::REQUEST || context.lookup_current().is_some())
    })
    .with_callsite_filter(
        |metadata| if is_ours(metadata) { Interest::sometimes() } else { Interest::never() },
    )
    .with_max_level_hint(LevelFilter::INFO);
    tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("rollcall"))
        .with_location(false)
        .with_level(false)
        .with_target(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        .with_filter(leaves)
}

/// Begins the span of a request. The trace is always one of ours, with our own choice of whether it is kept: an id or a flag
/// from outside must neither switch that on nor off. The trace that the caller is in, if it tells one, is linked.
pub(crate) async fn begin(mut request: Request, next: Next) -> Response {
    let span = spans::request(requests::method(request.method().as_str()));
    if let Some(caller) = caller(request.headers()) {
        span.span().add_link(caller);
    }
    request.extensions_mut().insert(span.clone());
    let response = next.run(request).instrument(span.span().clone()).await;
    span.status(response.status().as_u16());
    if let Some(name) = span.name() {
        span.span().context().span().update_name(name.to_owned());
    }
    response
}

/// W3C `traceparent`, without its companion, which may hold any text.
fn caller(headers: &HeaderMap) -> Option<SpanContext> {
    let context = TraceContextPropagator::new().extract_with_context(&Context::new(), &Headers(headers));
    let caller = context.span().span_context().clone();
    caller.is_valid().then(|| {
        let state = TraceState::default();
        SpanContext::new(caller.trace_id(), caller.span_id(), caller.trace_flags(), true, state)
    })
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_keeps_its_path() {
        for (endpoint, expected) in [
            ("http://localhost:4318", "http://localhost:4318/v1/traces"),
            ("http://localhost:4318/", "http://localhost:4318/v1/traces"),
            ("https://otlp.example.com/otlp", "https://otlp.example.com/otlp/v1/traces"),
            ("https://otlp.example.com/a/b/?key=1", "https://otlp.example.com/a/b/v1/traces?key=1"),
        ] {
            let traces = traces_endpoint(&url::Url::parse(endpoint).unwrap()).unwrap();
            assert_eq!(traces.as_str(), expected);
        }
        assert_eq!(traces_endpoint(&url::Url::parse("mailto:ann@example.com").unwrap()), None);
    }
}
