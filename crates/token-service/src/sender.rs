//! Where a request comes from: the peer, or whom a trusted proxy names.

use std::net::{IpAddr, SocketAddr};

use egress::Networks;
use http::{HeaderMap, HeaderName, header};

/// What proxies append the address of their own peer to.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// Longest part of a User-Agent that is kept, in characters.
const MAX_AGENT: usize = 200;

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
