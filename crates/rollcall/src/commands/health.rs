//! `rollcall health`: is the server that runs with these settings ready, or at least there?

use std::{process::ExitCode, time::Duration};

use reqwest::StatusCode;
use serde_json::Value;
use url::Url;

use super::output;
use crate::{cli::Health, settings::Settings};

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks `/readyz`, or `/healthz`, and prints the answer as one line; fails unless it is 200.
pub(super) async fn run(settings: &Settings, options: &Health) -> anyhow::Result<ExitCode> {
    let origin = options.url.clone().unwrap_or_else(|| settings.health_url());
    let address = origin.join(if options.alive { "/healthz" } else { "/readyz" })?;
    let (mark, said, code) = match ask(&address).await {
        Ok((StatusCode::OK, said)) => ('✓', said, ExitCode::SUCCESS),
        Ok((status, said)) => ('✗', format!("{} {said}", status.as_u16()), ExitCode::FAILURE),
        Err(error) => ('✗', format!("{:#}", anyhow::Error::new(error.without_url())), ExitCode::FAILURE),
    };
    output::line(format_args!("{mark} {address}: {}", said.trim()));
    Ok(code)
}

/// The status of the answer, and what it says.
async fn ask(address: &Url) -> Result<(StatusCode, String), reqwest::Error> {
    let mut client = reqwest::Client::builder()
        .timeout(PATIENCE)
        .redirect(reqwest::redirect::Policy::none())
        // A proxy that is set for other calls does not know this machine's loopback.
        .no_proxy();
    if address.scheme() == "http" {
        // Plain HTTP needs no certificates, and a minimal machine has none to load.
        client = client.tls_certs_only([]);
    }
    let answer = client.build()?.get(address.clone()).send().await?;
    let status = answer.status();
    // What is no JSON is no answer of ours; its status tells enough.
    let body: Value = answer.json().await.unwrap_or_default();
    let said = body["detail"].as_str().or(body["status"].as_str());
    Ok((status, said.unwrap_or_default().to_owned()))
}
