//! A connection to a host that somebody named, for protocols that are not HTTP.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    net::TcpStream,
    time::{Instant, timeout, timeout_at},
};
use url::Host;

use crate::{Client, EgressError, client::CONNECT};

/// So long one address of several is waited for, before the next is tried.
const ONE_OF_SEVERAL: Duration = Duration::from_secs(1);

impl Client {
    /// Could this host be connected to, as far as it tells without asking the name service? For forms in which one is typed.
    pub fn check_host(&self, host: &str) -> Result<(), EgressError> {
        let address = match parsed(host)? {
            Host::Domain(_) => return Ok(()),
            Host::Ipv4(address) => address.into(),
            Host::Ipv6(address) => address.into(),
        };
        if self.encrypted().allows(address) {
            return Ok(());
        }
        Err(EgressError::Forbidden { host: host.to_owned(), address })
    }

    /// Connects to a host; whatever is then spoken must be encrypted. The address that is connected to is one that was checked:
    /// the first that answers.
    pub async fn connect(&self, host: &str, port: u16) -> Result<TcpStream, EgressError> {
        let addresses = self.allowed_of(host, parsed(host)?, &self.encrypted()).await?;
        let end = Instant::now() + CONNECT;
        let patience = if addresses.len() > 1 { ONE_OF_SEVERAL } else { CONNECT };
        let mut refused = None;
        for address in addresses {
            let trial = timeout(patience, TcpStream::connect(SocketAddr::new(address, port)));
            match timeout_at(end, trial).await {
                Ok(Ok(Ok(stream))) => return Ok(stream),
                Ok(Ok(Err(error))) => refused = Some(error.to_string()),
                // Perhaps another one answers.
                Ok(Err(_)) => {}
                Err(_) => break,
            }
        }
        Err(match refused {
            Some(reason) => EgressError::Unreachable { host: host.to_owned(), reason },
            None => EgressError::TimedOut { host: host.to_owned() },
        })
    }
}

fn parsed(host: &str) -> Result<Host<String>, EgressError> {
    Host::parse(host).map_err(|_| EgressError::Url("the URL names no host".into()))
}

#[cfg(test)]
mod tests {
    use std::{io, net::IpAddr};

    use futures::future::BoxFuture;

    use super::*;

    /// Two addresses where nobody listens, and one that answers.
    struct LastAnswers;

    impl crate::Names for LastAnswers {
        fn look_up(&self, _: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
            let addresses = ["127.0.0.2", "127.0.0.3", "127.0.0.1"];
            Box::pin(async move { Ok(addresses.iter().filter_map(|text| text.parse().ok()).collect()) })
        }
    }

    #[tokio::test]
    async fn an_address_where_nobody_listens_is_passed_over() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let client =
            Client::with_names("127.0.0.0/8".parse().expect("a network"), std::sync::Arc::new(LastAnswers));
        let stream = client.connect("directory.example", port).await.expect("a connection");
        assert_eq!(stream.peer_addr().expect("an address").ip().to_string(), "127.0.0.1");
    }

    #[tokio::test]
    async fn the_address_that_is_connected_to_was_checked() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let closed = Client::default();
        for host in ["127.0.0.1", "localhost", "0x7f000001", "[::1]", "10.0.0.1", "[::ffff:10.0.0.1]"] {
            let refused = closed.connect(host, port).await.expect_err(host);
            assert!(matches!(refused, EgressError::Forbidden { .. }), "{host}: {refused}");
        }
        let opened = Client::new("127.0.0.0/8".parse().expect("a network"));
        for host in ["127.0.0.1", "localhost", "2130706433"] {
            let stream = opened.connect(host, port).await.expect(host);
            assert_eq!(stream.peer_addr().expect("an address").port(), port, "{host}");
        }
        assert!(matches!(opened.connect("10.0.0.1", port).await, Err(EgressError::Forbidden { .. })));
        assert!(matches!(opened.connect("", port).await, Err(EgressError::Url(_))));
        drop(listener);
        assert!(matches!(opened.connect("127.0.0.1", port).await, Err(EgressError::Unreachable { .. })));
        assert!(closed.check_host("ldap.example.com").is_ok() && closed.check_host("192.168.0.1").is_err());
    }
}
