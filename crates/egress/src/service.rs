//! Addresses for those who speak another protocol than HTTP: the rules are the same, the connection is theirs.

use std::net::{IpAddr, SocketAddr};

use url::{Host, Url};

use crate::{Client, EgressError, client};

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
        let unreachable = |reason: String| EgressError::Unreachable { host: client::host(url), reason };
        let found: Vec<IpAddr> = match host(url)? {
            Host::Ipv4(address) => vec![address.into()],
            Host::Ipv6(address) => vec![address.into()],
            Host::Domain(name) => {
                self.inner.names.look_up(name).await.map_err(|error| unreachable(error.to_string()))?
            }
        };
        let port = url.port().unwrap_or(port);
        let allowed = found.iter().filter(|address| guard.allows(**address));
        let allowed: Vec<_> = allowed.map(|address| SocketAddr::new(*address, port)).collect();
        if !allowed.is_empty() {
            return Ok(allowed);
        }
        Err(match found.first() {
            Some(address) => client::forbidden(url, &guard, *address),
            None => unreachable("the name has no address".to_owned()),
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
