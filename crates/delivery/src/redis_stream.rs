//! Streams of Redis: each event an entry, with the means of a server that the vendor runs already.
//!
//! Entries have ids that Redis gives. One made of the event's place would have to grow with each entry, but events of different
//! objects go side by side and come again after a failure, so places go back and forth, and Redis refuses an id below the
//! last one. What an entry is, its field `id` says: the same however often the event comes.

mod problem;
mod terms;

use std::{net::SocketAddr, time::Duration};

use egress::Client;
use futures::{FutureExt as _, future::BoxFuture};
use redis::{
    AsyncConnectionConfig, Cmd, ConnectionAddr, IntoConnectionInfo as _, RedisConnectionInfo, RedisError,
    RedisFuture, RedisResult,
    aio::MultiplexedConnection,
    io::{AsyncDNSResolver, tcp::TcpSettings},
};
use tokio::time::timeout;
use url::{Host, Url};

use crate::{
    Unfit,
    carrier::{Carrier, Message, Refusal, TIME},
    shared::{Had, Lent, Shared},
};

pub use terms::{NewRedisStream, RedisStreamChange, Secrets, Settings};
use terms::{SCHEMES, database};

/// The port of Redis.
const PORT: u16 = 6379;

/// Longest time until there is a connection, and the groups with it.
const CONNECT: Duration = Duration::from_secs(5);

/// A stream, ready to be written to.
pub struct RedisStream {
    egress: Client,
    settings: Settings,
    url: Url,
    host: String,
    login: RedisConnectionInfo,
    /// The one connection that all entries go over.
    link: Shared<MultiplexedConnection, Refusal>,
}

/// Why an entry was not written.
enum Failed {
    /// The connection is of no use any more.
    Lost(Refusal),
    Refused(Refusal),
}

impl RedisStream {
    /// Of what is kept. The error names what cannot be used.
    pub fn new(egress: Client, settings: Settings, secrets: &Secrets) -> Result<Self, Unfit> {
        let url = Url::parse(&settings.url).map_err(|error| Unfit::new("url", error.to_string()))?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let mut login = RedisConnectionInfo::default()
            .set_db(database(&url)?)
            .set_lib_name("rollcall", env!("CARGO_PKG_VERSION"));
        if let Some(user) = &secrets.user {
            login = login.set_username(user);
        }
        if let Some(password) = &secrets.password {
            login = login.set_password(password);
        }
        Ok(Self { egress, settings, url, host, login, link: Shared::default() })
    }

    /// Writes an entry, over a new connection where the one that there was is lost: it may have been closed long ago, as nobody
    /// used it. If the entry was written all the same, it comes twice.
    async fn write(&self, message: &Message, had: &Had) -> Result<(), Refusal> {
        loop {
            let (Lent { connection, .. }, is_new) = self.link.lend(had, |_| true, self.connect()).await?;
            match self.add(connection, message).await {
                Ok(()) => return Ok(()),
                Err(Failed::Refused(refusal)) => return Err(refusal),
                Err(Failed::Lost(refusal)) => {
                    self.link.forget(had);
                    if is_new {
                        return Err(refusal);
                    }
                }
            }
        }
    }

    /// Writes an entry. Where there are groups it makes no stream by the way: one that is gone has lost its groups, which are
    /// made with the stream, before its first entry.
    async fn add(&self, mut connection: MultiplexedConnection, message: &Message) -> Result<(), Failed> {
        let failed = |error: RedisError| self.failed(&error);
        let only_there = !self.settings.groups.is_empty();
        let written: Option<String> =
            self.entry(message, only_there).query_async(&mut connection).await.map_err(failed)?;
        if written.is_some() {
            return Ok(());
        }
        self.make_groups(&mut connection).await.map_err(failed)?;
        let written: Option<String> =
            self.entry(message, false).query_async(&mut connection).await.map_err(failed)?;
        written.map(|_| ()).ok_or_else(|| {
            let problem = format!("{} wrote no entry", self.host);
            Failed::Refused(Refusal { problem, ..Refusal::default() })
        })
    }

    fn entry(&self, message: &Message, only_there: bool) -> Cmd {
        let mut entry = redis::cmd("XADD");
        entry.arg(&self.settings.stream);
        if only_there {
            entry.arg("NOMKSTREAM");
        }
        if let Some(max_len) = self.settings.max_len {
            // Whole pieces of the stream are cut off, which costs nearly nothing.
            entry.arg("MAXLEN").arg("~").arg(max_len);
        }
        entry.arg("*").arg("id").arg(&message.id).arg("type").arg(&message.name);
        if let Some(event) = &message.event {
            entry.arg("tenant").arg(&event.tenant.slug);
            entry.arg("object").arg(&event.object.id);
            entry.arg("version").arg(event.object.version);
        }
        entry.arg("body").arg(message.body.as_ref());
        entry
    }

    /// Makes the groups that are not there, from the first entry on: what was written before they were lost comes once more
    /// rather than never.
    async fn make_groups(&self, connection: &mut MultiplexedConnection) -> RedisResult<()> {
        for group in &self.settings.groups {
            let mut make = redis::cmd("XGROUP");
            make.arg("CREATE").arg(&self.settings.stream).arg(group).arg("0").arg("MKSTREAM");
            match make.exec_async(connection).await {
                Err(error) if error.code() == Some("BUSYGROUP") => {}
                other => other?,
            }
        }
        Ok(())
    }

    /// A connection to an address that may be connected to, with the groups in their place: the server may have lost them
    /// together with all that it held.
    async fn connect(&self) -> Result<MultiplexedConnection, Refusal> {
        let addresses = self.egress.addresses(&self.url, SCHEMES, PORT).await;
        let addresses =
            addresses.map_err(|error| Refusal { problem: error.to_string(), ..Refusal::default() })?;
        let connected = async {
            let info = self
                .server()
                .into_connection_info()?
                .set_tcp_settings(TcpSettings::default().set_nodelay(true))
                .set_redis_settings(self.login.clone());
            let config = AsyncConnectionConfig::new()
                .set_connection_timeout(Some(CONNECT))
                // Each entry has its own end.
                .set_response_timeout(None)
                .set_dns_resolver(Checked(addresses));
            let mut connection =
                redis::Client::open(info)?.get_multiplexed_async_connection_with_config(&config).await?;
            self.make_groups(&mut connection).await?;
            Ok::<_, RedisError>(connection)
        };
        let late = |_| problem::too_late(&self.host);
        let failed = |error| problem::refusal(&self.host, &self.settings.stream, &error);
        timeout(CONNECT, connected).await.map_err(late)?.map_err(failed)
    }

    /// The name is what TLS verifies; the addresses behind it are given to the connection.
    fn server(&self) -> ConnectionAddr {
        let port = self.url.port().unwrap_or(PORT);
        let host = match self.url.host() {
            Some(Host::Ipv6(address)) => address.to_string(),
            _ => self.host.clone(),
        };
        if self.url.scheme() == SCHEMES.clear {
            return ConnectionAddr::Tcp(host, port);
        }
        ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None }
    }

    fn failed(&self, error: &RedisError) -> Failed {
        let refusal = problem::refusal(&self.host, &self.settings.stream, error);
        if problem::is_lost(error) { Failed::Lost(refusal) } else { Failed::Refused(refusal) }
    }
}

impl Carrier for RedisStream {
    fn carry<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<Option<u16>, Refusal>> {
        async move {
            let had = Had::default();
            let Ok(written) = timeout(TIME, self.write(message, &had)).await else {
                // Whoever does not answer is not asked over this connection again.
                self.link.forget(&had);
                return Err(problem::too_late(&self.host));
            };
            written.map(|()| None)
        }
        .boxed()
    }
}

/// Gives the connection the addresses that were checked, whatever the name leads to meanwhile.
struct Checked(Vec<SocketAddr>);

impl AsyncDNSResolver for Checked {
    fn resolve<'a, 'b: 'a>(
        &'a self,
        _: &'b str,
        _: u16,
    ) -> RedisFuture<'a, Box<dyn Iterator<Item = SocketAddr> + Send + 'a>> {
        let addresses: Box<dyn Iterator<Item = SocketAddr> + Send + 'a> = Box::new(self.0.iter().copied());
        std::future::ready(Ok(addresses)).boxed()
    }
}
