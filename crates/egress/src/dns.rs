//! The name service, asked for the texts of a name that somebody typed.
//!
//! Only ever a question to the installation's own name servers: nothing is connected to. It is asked anew each time, since
//! people change a record and look again; how many ask at once and how long an answer may take are bounded.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    str::FromStr,
    sync::Arc,
    time::Duration,
};

use hickory_resolver::{
    TokioResolver,
    config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig},
    net::{NetError, runtime::TokioRuntimeProvider},
    proto::rr::RData,
};
use tokio::sync::{OnceCell, Semaphore};

/// Questions at once; who comes later is told to come again.
const AT_ONCE: usize = 8;
/// Longest wait for an answer of one server, of which each is asked twice at most.
const ATTEMPT: Duration = Duration::from_secs(2);
/// Longest wait for an answer.
const TOTAL: Duration = Duration::from_secs(6);
/// The port of name servers.
const PORT: u16 = 53;
/// Texts that are taken from an answer; a name with more is somebody's mistake.
const TEXTS: usize = 100;

/// Name servers: `192.0.2.53,[2001:db8::53]:5353`, the port left out where it is 53.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameServers(pub Vec<SocketAddr>);

impl FromStr for NameServers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let server = |part: &str| {
            let with_port = part.parse::<SocketAddr>();
            with_port.or_else(|_| {
                let address: Result<IpAddr, _> = part.trim_matches(['[', ']']).parse();
                address.map(|address| SocketAddr::new(address, PORT))
            })
        };
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let servers = parts.map(|part| {
            server(part).map_err(|_| {
                format!("{part:?} is no address; write addresses such as 192.0.2.53 or 192.0.2.53:5353")
            })
        });
        servers.collect::<Result<Vec<_>, _>>().map(Self)
    }
}

impl fmt::Display for NameServers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<String> = self.0.iter().map(SocketAddr::to_string).collect();
        formatter.write_str(&all.join(","))
    }
}

/// Why nothing can be said of a name. The texts are for a person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DnsError {
    /// Too many ask at once.
    #[error("Too many names are being looked up at once. Wait a few seconds, then check again.")]
    Busy,
    /// No answer came in time.
    #[error("The name service did not answer in time. Check again in a minute.")]
    TimedOut,
    /// It answered that it cannot tell.
    #[error("The name service could not be asked ({0}). Check again in a minute.")]
    Failed(String),
    /// The system's configuration of the name service cannot be read.
    #[error(
        "This server does not know its name servers ({0}). Its operator can name them with ROLLCALL_DNS_SERVERS."
    )]
    Setup(String),
}

/// Asks the name service. Cheap to clone.
#[derive(Clone)]
pub struct Dns {
    inner: Arc<Inner>,
}

struct Inner {
    servers: NameServers,
    places: Semaphore,
    resolver: OnceCell<TokioResolver>,
}

/// The system's name servers.
impl Default for Dns {
    fn default() -> Self {
        Self::new(NameServers::default())
    }
}

impl Dns {
    /// Asks these servers; the system's where there are none.
    #[must_use]
    pub fn new(servers: NameServers) -> Self {
        let inner = Inner { servers, places: Semaphore::new(AT_ONCE), resolver: OnceCell::new() };
        Self { inner: Arc::new(inner) }
    }

    /// The texts (TXT records) of a name, each as one text (RFC 7208 §3.3 joins them the same way); none when there is no
    /// such name, or it has none.
    pub async fn texts(&self, name: &str) -> Result<Vec<String>, DnsError> {
        let _place = self.inner.places.try_acquire().map_err(|_| DnsError::Busy)?;
        let resolver = self.inner.resolver.get_or_try_init(async || self.inner.build()).await?;
        // With the dot of the root no search list is tried.
        let asked = resolver.txt_lookup(format!("{}.", name.trim_end_matches('.')));
        match tokio::time::timeout(TOTAL, asked).await {
            Err(_) | Ok(Err(NetError::Timeout)) => Err(DnsError::TimedOut),
            Ok(Err(error)) if error.is_no_records_found() => Ok(Vec::new()),
            Ok(Err(error)) => Err(DnsError::Failed(error.to_string())),
            Ok(Ok(found)) => {
                let texts = found.answers().iter().filter_map(|record| match &record.data {
                    RData::TXT(text) => Some(String::from_utf8_lossy(&text.txt_data.concat()).into_owned()),
                    _ => None,
                });
                Ok(texts.take(TEXTS).collect())
            }
        }
    }
}

impl Inner {
    fn build(&self) -> Result<TokioResolver, DnsError> {
        let setup = |error: NetError| DnsError::Setup(error.to_string());
        let mut builder = if self.servers.0.is_empty() {
            TokioResolver::builder_tokio().map_err(setup)?
        } else {
            let servers = self.servers.0.iter().map(|server| {
                let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
                    connection.port = server.port();
                    connection
                });
                NameServerConfig::new(server.ip(), true, connections.into())
            });
            let config = ResolverConfig::from_parts(None, Vec::new(), servers.collect());
            TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
        };
        let options = builder.options_mut();
        options.cache_size = 0;
        options.timeout = ATTEMPT;
        options.attempts = 1;
        options.use_hosts_file = ResolveHosts::Never;
        builder.build().map_err(setup)
    }
}

#[cfg(test)]
#[path = "dns_tests.rs"]
mod tests;
