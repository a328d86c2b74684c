//! Puts the parts together behind listeners, and stops them in order.

mod bodies;
mod connections;
mod life;
mod observed;
mod wire;

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use activity::Journal;
use admission::Admission;
use anyhow::Context as _;
use axum::{Router, extract::Request, middleware, response::Response};
use metrics_exporter_prometheus::PrometheusHandle;
use tenant_admin::Live;
use tokio::{net::TcpListener, sync::watch};
use tower_http::request_id::{MakeRequestUuid, SetRequestIdLayer};

use connections::Terms;
use life::Patience;

use crate::{
    framing, gauges,
    health::{self, Readiness},
    installation::Installation,
    metrics::{self, For},
    numbering, retention,
    settings::{SecondFactor, Settings},
    traces, upkeep, warnings,
};

/// Most connections of the listener for health and metrics.
const ADMIN_CONNECTIONS: usize = 256;

/// How long writing the last requests to the log may take.
const LAST_REQUESTS: Duration = Duration::from_secs(1);

/// The whole application.
fn router(
    installation: &Installation,
    settings: &Settings,
    metrics: &PrometheusHandle,
    journal: &Journal,
    (live, waiting): (&Live, &Live),
    readiness: &Readiness,
    admission: &Admission,
) -> Router {
    let console = tenant_admin::router(tenant_admin::ConsoleState {
        store: installation.store.clone(),
        provisioner: installation.provisioner.clone(),
        tenants: installation.tenants.clone(),
        tokens: installation.tokens.clone(),
        destinations: installation.destinations.clone(),
        public_url: settings.public_url(),
        tenant_domain: settings.tenant_domain.clone(),
        trusted_proxies: settings.trusted_proxies.clone().unwrap_or_default(),
        second_factor: match settings.console_second_factor.unwrap_or_default() {
            SecondFactor::Optional => tenant_admin::SecondFactor::Optional,
            SecondFactor::Required => tenant_admin::SecondFactor::Required,
        },
        oidc: installation.oidc.clone(),
        secure_cookies: settings.secure_cookies(),
        request_log_days: settings.request_log_days(),
        live: live.clone(),
        admission: admission.clone(),
    });
    let api = tenant_admin::api_router(tenant_admin::ApiState {
        store: installation.store.clone(),
        provisioner: installation.provisioner.clone(),
        tenants: installation.tenants.clone(),
        tokens: installation.tokens.clone(),
        destinations: installation.destinations.clone(),
        public_url: settings.public_url(),
        trusted_proxies: settings.trusted_proxies.clone().unwrap_or_default(),
        live: waiting.clone(),
        admission: admission.clone(),
    });
    let machines = token_api::router(token_api::TokenApiState {
        tokens: installation.tokens.clone(),
        tenants: installation.tenants.clone(),
        public_url: settings.public_url(),
        trusted_proxies: settings.trusted_proxies.clone().unwrap_or_default(),
        access_token_lifetime: settings.access_token_lifetime(),
        admission: admission.clone(),
    });
    let mut others = Router::new().merge(console).merge(api).merge(machines);
    if settings.admin_listen.is_none() {
        others = others
            .merge(health::router(readiness.clone()))
            .merge(metrics::router(metrics.clone(), For::ThisMachine));
    }
    scim_api::service(
        scim_api::ScimState {
            provisioner: installation.provisioner.clone(),
            tenants: installation.tenants.clone(),
            tokens: installation.tokens.clone(),
            public_url: settings.public_url(),
            tenant_domain: settings.tenant_domain.clone(),
            rate_limit: settings.rate_limit(),
            trusted_proxies: settings.trusted_proxies.clone().unwrap_or_default(),
            admission: admission.clone(),
            journal: journal.clone(),
        },
        // The id is set by then; this hands it to the pages in the form that tower knows.
        others
            .fallback(not_found)
            .layer(middleware::from_fn(observed::observe))
            .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid)),
    )
}

/// What is answered where nothing is.
pub(crate) async fn not_found(request: Request) -> Response {
    let request_id = request.headers().get("x-request-id").and_then(|value| value.to_str().ok());
    let error = scim_core::ScimError::new(
        404,
        "Nothing is served at this address. A tenant's SCIM Base URL looks like /t/{tenant}/scim/v2; the console is at /console/.",
    );
    scim_api::error_response(&error, request_id)
}

/// What a client is told that the server itself refuses, in the form of the door that it came to.
fn refusal(path: &str, status: u16, detail: &'static str) -> Response {
    let is_below =
        |door: &str| path.strip_prefix(door).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if is_below("/api/v1") {
        tenant_admin::problem(status, detail)
    } else if is_below("/oauth") {
        token_api::error(status, detail)
    } else {
        scim_api::error_response(&scim_core::ScimError::new(status, detail), None)
    }
}

/// Serves until `stop` says so, says that it leaves for as long as is set, then lets requests in flight end.
pub(crate) async fn serve(
    installation: Installation,
    settings: &Settings,
    listener: TcpListener,
    told: watch::Receiver<bool>,
) -> anyhow::Result<()> {
    let metrics = metrics::install()?;
    let leaving = Arc::new(AtomicBool::new(false));
    let readiness = Readiness::new(installation.store.clone(), leaving.clone());
    let stop = leave(told, leaving.clone(), settings.shutdown_delay());
    let log = settings.request_log_days() > 0;
    let journal =
        Journal::start(installation.store.clone(), activity::Options { log, ..activity::Options::default() });
    // Pages, and programs that wait for events: neither takes the other's places.
    let (live, waiting) = (Live::default(), Live::default());
    let admission = Admission::new(admission::Options::new(settings.max_requests()));
    let mut app =
        router(&installation, settings, &metrics, &journal, (&live, &waiting), &readiness, &admission)
            .layer(middleware::from_fn(framing::check));
    if settings.otlp_endpoint.is_some() {
        app = app.layer(middleware::from_fn(traces::begin));
    }
    let patience = Patience { client: settings.client_timeout(), idle: settings.keep_alive() };
    let terms = Terms { connections: connections::allowed(settings.max_connections()), patience };
    let mut servers = tokio::task::JoinSet::new();
    servers.spawn(connections::serve(listener, app, terms, leaving.clone(), stop.clone()));
    if let Some(address) = settings.admin_listen {
        let listener = bind(address).await?;
        let health = health::router(readiness.clone());
        let metrics = metrics::router(metrics.clone(), For::All);
        let app = health.merge(metrics).layer(middleware::from_fn(framing::check));
        let terms = Terms { connections: ADMIN_CONNECTIONS, patience };
        servers.spawn(connections::serve(listener, app, terms, leaving, stop.clone()));
    }
    let (to_end, stopping) = (live.clone(), stop.clone());
    let kept = retention::Kept { requests: settings.request_log_days(), events: settings.event_days() };
    let by_itself = [
        tokio::spawn(async move {
            stopped(stopping).await;
            to_end.stop();
            waiting.stop();
        }),
        tokio::spawn(upkeep::run(installation.clone(), stop.clone())),
        tokio::spawn(retention::run(installation.clone(), kept, stop.clone())),
        tokio::spawn(warnings::run(installation.clone(), stop.clone())),
        tokio::spawn(numbering::run(installation.store.clone(), stop.clone())),
        tokio::spawn(gauges::run(installation.store.clone(), readiness, admission, metrics, stop.clone())),
    ];
    let sending = tokio::spawn(installation.destinations.sender().run(stop));
    while let Some(ended) = servers.join_next().await {
        ended.context("a listener failed")?;
    }
    // What they were at is taken up again at the next start, here or in another node.
    for task in by_itself {
        task.abort();
    }
    // What is under way is ended or broken off, and other nodes need not wait.
    if let Err(error) = sending.await {
        tracing::warn!(%error, "sending did not end as it should");
    }
    installation.tokens.flush_uses().await?;
    installation.tokens.flush_refusals().await?;
    if tokio::time::timeout(LAST_REQUESTS, journal.flush()).await.is_err() {
        tracing::warn!("the last requests could not be logged in time");
    }
    installation.store.close().await;
    Ok(())
}

/// From the word to stop until the end of the delay, everything goes on and says that it will not; the receiver that this gives
/// says when it is over.
fn leave(told: watch::Receiver<bool>, leaving: Arc<AtomicBool>, delay: Duration) -> watch::Receiver<bool> {
    let (over, stop) = watch::channel(false);
    tokio::spawn(async move {
        stopped(told).await;
        leaving.store(true, Ordering::Relaxed);
        tokio::time::sleep(delay).await;
        over.send_replace(true);
    });
    stop
}

pub(crate) async fn stopped(mut stop: watch::Receiver<bool>) {
    // An error means that the sender is gone: then, too, it is time to stop.
    drop(stop.wait_for(|stop| *stop).await);
}

/// Binds a listener; the error says which address and what to do.
pub(crate) async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address}; is another server running there? Choose another with --listen")
    })
}

/// Becomes true at SIGTERM or Ctrl-C.
pub(crate) fn stop_signal() -> anyhow::Result<watch::Receiver<bool>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (sender, receiver) = watch::channel(false);
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
        sender.send_replace(true);
        // A second signal means: now.
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        std::process::exit(130);
    });
    Ok(receiver)
}
