//! From a name to the addresses that may be connected to.

use std::{
    error::Error,
    fmt, io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use futures::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::{
    Networks,
    addresses::{destination, is_public},
};

/// A name service.
pub trait Names: Send + Sync {
    /// All addresses of a name.
    fn look_up(&self, name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;
}

/// The name service of the system.
pub(crate) struct SystemNames;

impl Names for SystemNames {
    fn look_up(&self, name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// What may be connected to.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    /// Networks that the operator has opened.
    pub(crate) opened: Arc<Networks>,
    /// Only these: what goes in clear does not go over the internet.
    pub(crate) opened_only: bool,
    /// The scheme that does.
    pub(crate) secure: &'static str,
}

impl Guard {
    pub(crate) fn allows(&self, address: IpAddr) -> bool {
        self.opened.hold(destination(address)) || (!self.opened_only && is_public(address))
    }
}

/// Nothing that a name leads to may be connected to.
#[derive(Debug)]
pub(crate) struct Forbidden(pub(crate) Option<IpAddr>);

impl fmt::Display for Forbidden {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(address) => write!(formatter, "{address} may not be connected to"),
            None => formatter.write_str("the name has no address"),
        }
    }
}

impl Error for Forbidden {}

/// Those that may be connected to; at least one.
pub(crate) fn allowed(guard: &Guard, found: &[IpAddr]) -> Result<Vec<IpAddr>, Forbidden> {
    let allowed: Vec<IpAddr> = found.iter().copied().filter(|address| guard.allows(*address)).collect();
    if allowed.is_empty() { Err(Forbidden(found.first().copied())) } else { Ok(allowed) }
}

/// Gives the HTTP client checked addresses only. It connects to what it is given and looks nothing up a second time.
pub(crate) struct Checked {
    pub(crate) guard: Guard,
    pub(crate) names: Arc<dyn Names>,
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.guard.clone();
        let found = self.names.look_up(name.as_str().to_owned());
        Box::pin(async move {
            let allowed = allowed(&guard, &found.await?)?;
            Ok(Box::new(allowed.into_iter().map(|address| SocketAddr::new(address, 0))) as Addrs)
        })
    }
}
