//! Which host a request is for: people and machines are answered under the public URL's name alone.

use http::{HeaderMap, Uri, header};
use url::{Host, Url};

/// Is the request for the public URL's host? Ports do not matter: they cannot be forged into another site's reach
/// without the host. On a loopback public URL every loopback name is the same machine.
#[must_use]
pub fn fits(uri: &Uri, headers: &HeaderMap, public: &Url) -> bool {
    let asked = uri
        .authority()
        .map(|authority| authority.host().to_owned())
        .or_else(|| {
            let text = headers.get(header::HOST)?.to_str().ok()?;
            Some(text.parse::<http::uri::Authority>().ok()?.host().to_owned())
        })
        .and_then(|host| Host::parse(&host).ok());
    match (asked, public.host().map(|host| host.to_owned())) {
        (Some(asked), Some(public)) => asked == public || (is_loopback(&asked) && is_loopback(&public)),
        _ => false,
    }
}

fn is_loopback(host: &Host<String>) -> bool {
    match host {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(host: &str, public: &str) -> bool {
        let headers = HeaderMap::from_iter([(header::HOST, host.parse().expect("a header"))]);
        super::fits(&Uri::from_static("/console/"), &headers, &Url::parse(public).expect("url"))
    }

    #[test]
    fn only_the_public_host_is_served() {
        assert!(fits("rollcall.example.com", "https://rollcall.example.com"));
        assert!(fits("Rollcall.Example.com:8443", "https://rollcall.example.com"));
        assert!(fits("localhost:8080", "http://127.0.0.1:9000"));
        assert!(fits("[::1]:8080", "http://127.0.0.1:9000"));
        assert!(!fits("evil.example", "http://127.0.0.1:9000"));
        assert!(!fits("localhost", "https://rollcall.example.com"));
        assert!(!fits("acme.rollcall.example.com", "https://rollcall.example.com"));
        assert!(!fits("rollcall.example.com@evil.example/", "https://rollcall.example.com"));
    }
}
