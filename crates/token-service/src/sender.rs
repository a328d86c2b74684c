//! Where a request comes from: the peer, or whom a trusted proxy names.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

use http::{HeaderMap, HeaderName, header};
use ipnet::IpNet;

/// What proxies append the address of their own peer to.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// Longest part of a User-Agent that is kept, in characters.
const MAX_AGENT: usize = 200;

/// Networks, as people write them: `10.0.0.0/8, 2001:db8::1`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(pub Vec<IpNet>);

impl FromStr for Networks {
    type Err = String;

    /// CIDR or single addresses, separated by commas or blanks. What is wrong with the first unfit one.
    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split(|ch: char| ch == ',' || ch.is_whitespace()).filter(|part| !part.is_empty());
        parts.map(network).collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Display for Networks {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        formatter.write_str(&texts.join(", "))
    }
}

impl Networks {
    fn hold(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

fn network(text: &str) -> Result<IpNet, String> {
    let parsed = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    let shown: String = text.chars().take(50).collect();
    parsed.map(unmapped).map_err(|_| {
        format!("{shown:?} is no network; write an address or CIDR, such as 203.0.113.7, 203.0.113.0/24 or 2001:db8::/32")
    })
}

/// IPv4 as IPv4, even when it was written mapped into IPv6: so are the addresses that it is compared with.
fn unmapped(network: IpNet) -> IpNet {
    let (IpAddr::V4(address), Some(length)) =
        (network.addr().to_canonical(), network.prefix_len().checked_sub(96))
    else {
        return network.trunc();
    };
    IpNet::new(address.into(), length).unwrap_or(network).trunc()
}

/// Who sent a request, as far as the network tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sender {
    /// Address; `None`: not known (in tests without a connection). IPv4 as IPv4, even when it came mapped into IPv6.
    pub address: Option<IpAddr>,
    /// User-Agent without control characters, cut.
    pub agent: String,
}

impl Sender {
    /// Reads `X-Forwarded-For` from its end as long as it was written by a trusted proxy: the first address that is
    /// none of theirs is the sender. What a stranger wrote is never believed.
    #[must_use]
    pub fn of(headers: &HeaderMap, peer: Option<IpAddr>, proxies: &Networks) -> Self {
        let agent = headers.get(header::USER_AGENT).map(|agent| String::from_utf8_lossy(agent.as_bytes()));
        let agent = agent.unwrap_or_default().chars().filter(|ch| !ch.is_control()).take(MAX_AGENT).collect();
        Self { address: peer.map(|peer| client(headers, peer.to_canonical(), proxies)), agent }
    }

    /// Address and User-Agent in one line, for the list of credentials.
    #[must_use]
    pub fn line(&self) -> String {
        let address = self.address.map(|address| address.to_string()).unwrap_or_default();
        let parts = [address.as_str(), self.agent.as_str()];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
    }
}

fn client(headers: &HeaderMap, peer: IpAddr, proxies: &Networks) -> IpAddr {
    let mut client = peer;
    let lines: Vec<&str> =
        headers.get_all(FORWARDED_FOR).iter().map(|line| line.to_str().unwrap_or_default()).collect();
    let mut named = lines.iter().rev().flat_map(|line| line.rsplit(','));
    while proxies.hold(client) {
        // What cannot be read is nobody's address: the proxy that wrote it is the last one known.
        let Some(next) = named.next().and_then(|text| address(text.trim())) else { break };
        client = next;
    }
    client
}

/// An address, with or without a port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let parsed = bare.parse().or_else(|_| text.parse().map(|address: SocketAddr| address.ip()));
    parsed.ok().map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn sender(peer: &str, forwarded: &[&str], proxies: &str) -> String {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append(FORWARDED_FOR, HeaderValue::from_str(line).expect("a header value"));
        }
        let peer = Some(peer.parse().expect("an address"));
        Sender::of(&headers, peer, &proxies.parse().expect("networks")).line()
    }

    #[test]
    fn only_what_trusted_proxies_wrote_is_believed() {
        for (peer, forwarded, proxies, expected) in [
            ("192.0.2.1", &["203.0.113.7"][..], "", "192.0.2.1"),
            ("192.0.2.1", &["203.0.113.7"], "10.0.0.0/8", "192.0.2.1"),
            ("10.1.2.3", &["203.0.113.7"], "10.0.0.0/8", "203.0.113.7"),
            ("10.1.2.3", &["198.51.100.9, 203.0.113.7"], "10.0.0.0/8", "203.0.113.7"),
            ("10.1.2.3", &["198.51.100.9", "203.0.113.7, 10.9.9.9"], "10.0.0.0/8", "203.0.113.7"),
            ("10.1.2.3", &["203.0.113.7:4711"], "10.0.0.0/8", "203.0.113.7"),
            ("10.1.2.3", &["[2001:db8::7]:443"], "10.0.0.0/8", "2001:db8::7"),
            ("10.1.2.3", &["[2001:db8::7]"], "10.0.0.0/8", "2001:db8::7"),
            ("::ffff:10.1.2.3", &["::ffff:203.0.113.7"], "10.0.0.0/8", "203.0.113.7"),
            ("10.1.2.3", &["203.0.113.7, unknown"], "10.0.0.0/8", "10.1.2.3"),
            ("10.1.2.3", &[], "10.0.0.0/8", "10.1.2.3"),
            ("10.1.2.3", &["10.0.0.1, 10.0.0.2"], "10.0.0.0/8", "10.0.0.1"),
            ("2001:db8::1", &["203.0.113.7"], "10.0.0.0/8 2001:db8::/32", "203.0.113.7"),
        ] {
            assert_eq!(sender(peer, forwarded, proxies), expected, "{peer} {forwarded:?} {proxies:?}");
        }
    }

    #[test]
    fn networks_are_read_and_written() {
        let read = |text: &str| text.parse::<Networks>().map(|networks| networks.to_string());
        assert_eq!(read("").as_deref(), Ok(""));
        assert_eq!(
            read(" 203.0.113.7,10.1.2.3/8 2001:db8::/32").as_deref(),
            Ok("203.0.113.7/32, 10.0.0.0/8, 2001:db8::/32")
        );
        assert_eq!(read("::ffff:10.1.2.3/104 ::ffff:10.1.2.3").as_deref(), Ok("10.0.0.0/8, 10.1.2.3/32"));
        for text in ["x", "10.0.0.0/33", "10.0.0", "::/129", "example.com"] {
            assert!(read(text).is_err_and(|error| error.contains("CIDR")), "{text}");
        }
    }

    #[test]
    fn the_line_is_bounded() {
        let mut headers = HeaderMap::new();
        let of = |headers: &HeaderMap, peer| Sender::of(headers, peer, &Networks::default()).line();
        let peer = Some(IpAddr::from([192, 0, 2, 1]));
        assert_eq!(of(&headers, None), "");
        assert_eq!(of(&headers, peer), "192.0.2.1");
        headers.insert(header::USER_AGENT, HeaderValue::from_static("Okta SCIM Client 1.0.0"));
        assert_eq!(of(&headers, peer), "192.0.2.1 Okta SCIM Client 1.0.0");
        let long = HeaderValue::from_str(&"x".repeat(5000)).expect("a header value");
        headers.insert(header::USER_AGENT, long);
        assert_eq!(of(&headers, peer).len(), "192.0.2.1 ".len() + MAX_AGENT);
    }
}
