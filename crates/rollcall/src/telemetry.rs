//! Logs to stderr, traces to an OTLP collector when one is configured.

use std::{io::IsTerminal as _, time::Duration};

use anyhow::Context as _;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::{
    EnvFilter, Layer as _, Registry,
    filter::{FilterExt as _, filter_fn},
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use crate::{
    settings::{LogFormat, Settings},
    traces,
};

/// Targets that write the address of a request as it came, whatever the filter asks for: the address of a setup link or of
/// an invitation is a secret.
const TELLS_ADDRESSES: [&str; 1] = ["tower_http::csrf"];

/// How long sending the last spans may take.
const LAST_SPANS: Duration = Duration::from_secs(2);

/// Keeps the exporter alive; sends what is left when dropped.
pub(crate) struct Telemetry {
    provider: Option<SdkTracerProvider>,
}

/// Starts logging and, with `otlp_endpoint`, tracing. Spans of traces are not in the log, and without an endpoint they are
/// never made.
pub(crate) fn start(settings: &Settings, default_filter: Option<&str>) -> anyhow::Result<Telemetry> {
    let filter = default_filter.unwrap_or(&settings.log);
    let filter = EnvFilter::builder().parse(filter).with_context(|| format!("log filter {filter:?}"))?;
    let filter = filter.and(filter_fn(|metadata| {
        let tells_addresses = TELLS_ADDRESSES.iter().any(|target| metadata.target().starts_with(target));
        !tells_addresses && !traces::is_ours(metadata)
    }));
    let log = match settings.log_format {
        LogFormat::Text => tracing_subscriber::fmt::layer()
            .with_writer(std::io::stderr)
            .with_ansi(std::io::stderr().is_terminal())
            .boxed(),
        LogFormat::Json => {
            tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(std::io::stderr).boxed()
        }
    };
    let provider = settings.otlp_endpoint.as_ref().map(traces::provider).transpose()?;
    let traces = provider.as_ref().map(traces::layer);
    Registry::default()
        .with(log.with_filter(filter))
        .with(traces)
        .try_init()
        .context("logging was started twice")?;
    Ok(Telemetry { provider })
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        let Some(provider) = self.provider.take() else { return };
        // The program is ending; a collector that is away must not turn that into a failure, and one that does not answer must
        // not hold it up: the exporter itself knows no end.
        let (done, ended) = std::sync::mpsc::channel();
        if std::thread::Builder::new().spawn(move || done.send(provider.shutdown())).is_ok() {
            drop(ended.recv_timeout(LAST_SPANS));
        }
    }
}
