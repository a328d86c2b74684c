//! Logs to stderr, traces to an OTLP collector when one is configured.

use std::io::IsTerminal as _;

use anyhow::Context as _;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::WithExportConfig as _;
use opentelemetry_sdk::{
    Resource, runtime,
    trace::{SdkTracerProvider, span_processor_with_async_runtime::BatchSpanProcessor},
};
use tracing_subscriber::{
    EnvFilter, Layer as _, Registry, filter::filter_fn, layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use crate::settings::{LogFormat, Settings};

/// Targets that write the address of a request as it came, whatever the filter asks for: the address of a setup link or of
/// an invitation is a secret.
const TELLS_ADDRESSES: [&str; 1] = ["tower_http::csrf"];

/// Keeps the exporter alive; sends what is left when dropped.
pub(crate) struct Telemetry {
    provider: Option<SdkTracerProvider>,
}

/// Starts logging and, with `otlp_endpoint`, tracing.
pub(crate) fn start(settings: &Settings, default_filter: Option<&str>) -> anyhow::Result<Telemetry> {
    let filter = default_filter.unwrap_or(&settings.log);
    let filter = EnvFilter::builder().parse(filter).with_context(|| format!("log filter {filter:?}"))?;
    let log = match settings.log_format {
        LogFormat::Text => tracing_subscriber::fmt::layer()
            .with_writer(std::io::stderr)
            .with_ansi(std::io::stderr().is_terminal())
            .boxed(),
        LogFormat::Json => {
            tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(std::io::stderr).boxed()
        }
    };
    let provider = settings.otlp_endpoint.as_ref().map(tracer_provider).transpose()?;
    let traces = provider
        .as_ref()
        .map(|provider| tracing_opentelemetry::layer().with_tracer(provider.tracer("rollcall")));
    Registry::default()
        .with(filter)
        .with(filter_fn(|metadata| {
            !TELLS_ADDRESSES.iter().any(|target| metadata.target().starts_with(target))
        }))
        .with(log)
        .with(traces)
        .try_init()
        .context("logging was started twice")?;
    Ok(Telemetry { provider })
}

fn tracer_provider(endpoint: &url::Url) -> anyhow::Result<SdkTracerProvider> {
    let traces = endpoint.join("v1/traces").context("otlp_endpoint")?;
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_endpoint(traces.as_str())
        .build()
        .context("cannot make the OTLP exporter")?;
    Ok(SdkTracerProvider::builder()
        .with_resource(Resource::builder().with_service_name("rollcall").build())
        // The exporter's HTTP client is async: its batches must be sent from the runtime, not from a bare thread.
        .with_span_processor(BatchSpanProcessor::builder(exporter, runtime::Tokio).build())
        .build())
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(provider) = self.provider.take() {
            // The program is ending; a collector that is away must not turn that into a failure.
            drop(provider.shutdown());
        }
    }
}
