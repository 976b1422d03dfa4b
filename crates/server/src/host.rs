//! Which names a request may give for this server.
//!
//! A page of evil.example whose name is pointed at 127.0.0.1 after it was loaded (DNS rebinding)
//! talks to a broker on the visitor's machine under its own origin: `Origin` and `Host` agree. Only
//! the name gives it away. So a broker on loopback answers to names that nobody else can own; a
//! broker that others can reach answers to any, unless it was told its names. Over TLS the browser
//! has asked the certificate already, and found none for evil.example.

use std::net::{IpAddr, SocketAddr};

/// The entry that stands for every name.
const ANY: &str = "*";

/// The names that requests may give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedHosts {
    /// Where nothing is configured, any name will do.
    open: bool,
    /// In lower case.
    configured: Vec<String>,
}

impl AllowedHosts {
    /// What `http.allowed_hosts` says for a broker that listens there.
    pub fn new(configured: &[String], listen: SocketAddr) -> Self {
        Self {
            open: !listen.ip().is_loopback(),
            configured: configured
                .iter()
                .map(|entry| entry.to_ascii_lowercase())
                .collect(),
        }
    }

    /// Whether a request for `host`, with or without a port, is answered; it came over TLS if
    /// `encrypted`. The port is not looked
    /// at: whoever reached this server has the right one.
    pub fn allow(&self, host: &str, encrypted: bool) -> bool {
        if self.configured.is_empty() && (self.open || encrypted) {
            return true;
        }
        let name = without_port(host);
        // An address cannot be pointed elsewhere, and RFC 6761 section 6.3 keeps localhost on this
        // machine. A browser always sends a name.
        host.is_empty()
            || is_address(name)
            || is_localhost(name)
            || self
                .configured
                .iter()
                .any(|own| own == ANY || own.eq_ignore_ascii_case(name))
    }
}

/// Whether `text` can stand in `http.allowed_hosts`.
pub fn is_wellformed(text: &str) -> bool {
    let name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    text == ANY || (!text.is_empty() && text.bytes().all(name))
}

fn without_port(host: &str) -> &str {
    let name_end = host.rfind(']').map_or(0, |bracket| bracket + 1);
    match host[name_end..].find(':') {
        Some(colon) => &host[..name_end + colon],
        None => host,
    }
}

fn is_address(name: &str) -> bool {
    match name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'))
    {
        Some(inside) => matches!(inside.parse(), Ok(IpAddr::V6(_))),
        None => matches!(name.parse(), Ok(IpAddr::V4(_))),
    }
}

fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name.rsplit('.')
        .next()
        .is_some_and(|last| last.eq_ignore_ascii_case("localhost"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(configured: &[&str], listen: &str) -> AllowedHosts {
        let configured: Vec<_> = configured.iter().map(|name| (*name).to_owned()).collect();
        AllowedHosts::new(&configured, listen.parse().unwrap())
    }

    const LOOPBACK: &str = "127.0.0.1:7464";
    const OPEN: &str = "0.0.0.0:7464";

    /// Names that no page can have from anybody's DNS server.
    const SAFE: [&str; 14] = [
        "localhost",
        "localhost:7464",
        "LocalHost:1",
        "localhost.",
        "app.localhost",
        "a.b.localhost:3000",
        "127.0.0.1",
        "127.0.0.1:7464",
        "127.8.9.1",
        "[::1]",
        "[::1]:7464",
        "192.168.1.7:80",
        "[2001:db8::1]:80",
        "",
    ];

    /// Names that rebinding could use, or that only look safe.
    const FOREIGN: [&str; 14] = [
        "evil.example",
        "evil.example:7464",
        "localhost.evil.example",
        "evillocalhost",
        "127.0.0.1.evil.example",
        "127.0.0.1.nip.io:7464",
        "127.0.0.1x",
        "[::1].evil.example",
        "[::1]evil.example:80",
        "[127.0.0.1]",
        "::1",
        "0x7f.1",
        "[evil.example]",
        ".",
    ];

    #[test]
    fn a_broker_on_loopback_answers_to_what_no_page_can_own_and_to_nothing_else() {
        for listen in [LOOPBACK, "127.0.0.9:1", "[::1]:7464"] {
            let hosts = hosts(&[], listen);
            for host in SAFE {
                assert!(hosts.allow(host, false), "{host}");
            }
            for host in FOREIGN {
                assert!(!hosts.allow(host, false), "{host}");
            }
        }
    }

    #[test]
    fn a_broker_that_others_reach_answers_to_any_name_until_it_is_told_its_own() {
        let open = hosts(&[], OPEN);
        assert!(
            SAFE.iter()
                .chain(&FOREIGN)
                .all(|host| open.allow(host, false))
        );
        let told = hosts(&["broker.example"], OPEN);
        assert!(SAFE.iter().all(|host| told.allow(host, false)));
        assert!(FOREIGN.iter().all(|host| !told.allow(host, false)));
    }

    #[test]
    fn configured_names_are_whole_names() {
        let hosts = hosts(&["Broker.example", "other"], LOOPBACK);
        for host in [
            "broker.example",
            "BROKER.example:7464",
            "other",
            "localhost",
        ] {
            assert!(hosts.allow(host, false), "{host}");
        }
        for host in [
            "a.broker.example",
            "broker.example.evil.example",
            "evilbroker.example",
            "broker",
            "other.",
        ] {
            assert!(!hosts.allow(host, false), "{host}");
        }
    }

    #[test]
    fn a_star_is_every_name() {
        let hosts = hosts(&["*"], LOOPBACK);
        assert!(FOREIGN.iter().all(|host| hosts.allow(host, false)));
    }

    #[test]
    fn over_tls_the_certificate_guards_unless_names_are_configured() {
        let unconfigured = hosts(&[], LOOPBACK);
        assert!(FOREIGN.iter().all(|host| unconfigured.allow(host, true)));
        let told = hosts(&["broker.example"], LOOPBACK);
        assert!(told.allow("broker.example:7465", true));
        assert!(FOREIGN.iter().all(|host| !told.allow(host, true)));
    }

    #[test]
    fn entries_are_names_without_port_or_scheme() {
        for good in ["broker.example", "a-b_c", "*", "BROKER"] {
            assert!(is_wellformed(good), "{good}");
        }
        for bad in ["", "a:80", "http://a", "a/", "*.example", "[::1]", "a b"] {
            assert!(!is_wellformed(bad), "{bad}");
        }
    }
}
