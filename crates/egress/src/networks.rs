//! Lists of networks, as people write them.

use std::{fmt, net::IpAddr, str::FromStr};

use ipnet::IpNet;

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
    /// Does the address lie in one of them?
    #[must_use]
    pub fn hold(&self, address: IpAddr) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_read_and_written() {
        let read = |text: &str| text.parse::<Networks>().map(|networks| networks.to_string());
        assert_eq!(read("").as_deref(), Ok(""));
        assert_eq!(
            read(" 203.0.113.7,10.1.2.3/8 2001:db8::/32").as_deref(),
            Ok("203.0.113.7/32, 10.0.0.0/8, 2001:db8::/32")
        );
        for text in ["x", "10.0.0.0/33", "10.0.0", "::/129", "example.com"] {
            assert!(read(text).is_err_and(|error| error.contains("CIDR")), "{text}");
        }
    }

    #[test]
    fn an_address_lies_in_a_network_or_does_not() {
        let networks: Networks = "10.0.0.0/8 2001:db8::/32".parse().expect("networks");
        for (address, expected) in
            [("10.255.0.1", true), ("11.0.0.1", false), ("2001:db8::1", true), ("2001:db9::1", false)]
        {
            assert_eq!(networks.hold(address.parse().expect("an address")), expected, "{address}");
        }
    }
}
