//! Addresses for those who speak another protocol than HTTP: the rules are the same, the connection is theirs.

use std::net::{IpAddr, SocketAddr};

use tokio::time::timeout;
use url::{Host, Url};

use crate::{
    Client, EgressError,
    client::{self, CONNECT},
    names::{Guard, allowed},
};

/// How URLs of a protocol begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schemes {
    /// Over TLS: `rediss`.
    pub secure: &'static str,
    /// In clear, to networks that the operator has opened alone: `redis`.
    pub clear: &'static str,
}

impl Client {
    /// The addresses of a service that may be connected to; at least one. Connect to these and to nothing else, whatever the
    /// name service says meanwhile, and let TLS verify the name in the URL. `port`: where the URL names none.
    pub async fn addresses(
        &self,
        url: &Url,
        schemes: Schemes,
        port: u16,
    ) -> Result<Vec<SocketAddr>, EgressError> {
        let guard = self.inner.guard(url, schemes)?;
        let allowed = self.allowed_of(&client::host(url), host(url)?, &guard).await?;
        let port = url.port().unwrap_or(port);
        Ok(allowed.into_iter().map(|address| SocketAddr::new(address, port)).collect())
    }

    /// The addresses of a host that may be connected to; at least one. `shown`: how the host was written.
    pub(crate) async fn allowed_of(
        &self,
        shown: &str,
        host: Host<String>,
        guard: &Guard,
    ) -> Result<Vec<IpAddr>, EgressError> {
        let unreachable = |reason: String| EgressError::Unreachable { host: shown.to_owned(), reason };
        let found = match host {
            Host::Ipv4(address) => vec![address.into()],
            Host::Ipv6(address) => vec![address.into()],
            Host::Domain(name) => {
                let found = timeout(CONNECT, self.inner.names.look_up(name)).await;
                let found = found.map_err(|_| EgressError::TimedOut { host: shown.to_owned() })?;
                found.map_err(|error| unreachable(error.to_string()))?
            }
        };
        allowed(guard, &found).map_err(|none| match none.0 {
            Some(address) => client::forbidden(shown, guard, address),
            None => unreachable(none.to_string()),
        })
    }
}

/// The host of a URL. Only those of web servers are read whole with the URL: of others an address may still be a text.
pub(crate) fn host(url: &Url) -> Result<Host<String>, EgressError> {
    let none = || EgressError::Url("the URL names no host".into());
    match url.host().ok_or_else(none)? {
        Host::Domain("") => Err(none()),
        Host::Domain(text) => {
            Host::parse(text).map_err(|error| EgressError::Url(format!("the host is none: {error}").into()))
        }
        Host::Ipv4(address) => Ok(Host::Ipv4(address)),
        Host::Ipv6(address) => Ok(Host::Ipv6(address)),
    }
}
