//! A connection to a host that somebody named, for protocols that are not HTTP.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use tokio::{net::TcpStream, time::timeout};
use url::Host;

use crate::{Client, EgressError, names::allowed};

/// Longest time until there is a connection.
const CONNECT: Duration = Duration::from_secs(5);

impl Client {
    /// Could this host be connected to, as far as it tells without asking the name service? For forms in which one is typed.
    pub fn check_host(&self, host: &str) -> Result<(), EgressError> {
        match Host::parse(host) {
            Ok(Host::Domain(_)) => Ok(()),
            Ok(Host::Ipv4(address)) => self.check_address(host, IpAddr::V4(address)),
            Ok(Host::Ipv6(address)) => self.check_address(host, IpAddr::V6(address)),
            Err(_) => Err(EgressError::Url("the URL names no host".into())),
        }
    }

    /// Connects to a host; whatever is then spoken must be encrypted. The address that is connected to is the one that was
    /// checked.
    pub async fn connect(&self, host: &str, port: u16) -> Result<TcpStream, EgressError> {
        self.check_host(host)?;
        let addresses = match Host::parse(host) {
            Ok(Host::Ipv4(address)) => vec![IpAddr::V4(address)],
            Ok(Host::Ipv6(address)) => vec![IpAddr::V6(address)],
            _ => self.addresses_of(host).await?,
        };
        let mut reason = String::new();
        for address in addresses {
            match timeout(CONNECT, TcpStream::connect(SocketAddr::new(address, port))).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => reason = error.to_string(),
                Err(_) => return Err(EgressError::TimedOut { host: host.to_owned() }),
            }
        }
        Err(EgressError::Unreachable { host: host.to_owned(), reason })
    }

    /// The addresses of a name that may be connected to; at least one.
    async fn addresses_of(&self, host: &str) -> Result<Vec<IpAddr>, EgressError> {
        let unreachable = |reason: String| EgressError::Unreachable { host: host.to_owned(), reason };
        let found = timeout(CONNECT, self.names().look_up(host.to_owned())).await;
        let found = found.map_err(|_| EgressError::TimedOut { host: host.to_owned() })?;
        let found = found.map_err(|error| unreachable(error.to_string()))?;
        allowed(&self.encrypted(), &found).map_err(|forbidden| match forbidden.0 {
            Some(address) => EgressError::Forbidden { host: host.to_owned(), address },
            None => unreachable(forbidden.to_string()),
        })
    }

    fn check_address(&self, host: &str, address: IpAddr) -> Result<(), EgressError> {
        match self.encrypted().allows(address) {
            true => Ok(()),
            false => Err(EgressError::Forbidden { host: host.to_owned(), address }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
