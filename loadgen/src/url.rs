//! Where connections go: a `ws://`, `wss://`, `http://` or `https://` URL with a place for the topic, taken apart and resolved once.
//!
//! Knows the little of a URL that a WebSocket client needs (RFC 6455 section 3) and nothing of user names or redirects.

use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::failure::Failure;

/// Where the topic's name goes.
pub const TOPIC_PLACE: &str = "{topic}";

/// What a path segment may carry as it stands: the unreserved characters of RFC 3986 section 2.3.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// How long one of several addresses may take to answer before the next is tried.
const PROBE_TIMEOUT: Duration = Duration::from_secs(3);

/// A URL in parts, perhaps with a place for the topic in its target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlTemplate {
    is_http: bool,
    is_secure: bool,
    authority: String,
    host: String,
    port: u16,
    target: String,
}

impl UrlTemplate {
    /// Takes `ws://host[:port][/path][?query]` apart, or the same with `wss`, `http` or `https`.
    pub fn parse(url: &str) -> Result<UrlTemplate, String> {
        let (is_http, is_secure, rest) = match url.split_once("://") {
            Some(("ws", rest)) => (false, false, rest),
            Some(("wss", rest)) => (false, true, rest),
            Some(("http", rest)) => (true, false, rest),
            Some(("https", rest)) => (true, true, rest),
            _ => {
                return Err(format!(
                    "`{url}`: a URL starts with ws:// or wss://, as in ws://127.0.0.1:7464"
                ));
            }
        };
        let (authority, target) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        if authority.contains(['@', '{', ' ']) || authority.is_empty() {
            return Err(format!(
                "`{url}`: between :// and the path stands host:port, nothing else"
            ));
        }
        if target.contains(['#', ' ', '\r', '\n']) || !target.is_ascii() {
            return Err(format!(
                "`{url}`: fragments, blanks and unescaped characters have no place in a request"
            ));
        }
        let default_port = if is_secure { 443 } else { 80 };
        let (host, port) = split_port(authority, default_port)
            .ok_or_else(|| format!("`{url}`: the port is no number up to 65535"))?;
        let target = if target.starts_with('/') {
            target.to_owned()
        } else {
            format!("/{target}")
        };
        Ok(UrlTemplate {
            is_http,
            is_secure,
            authority: authority.to_owned(),
            host: host.to_owned(),
            port,
            target,
        })
    }

    /// Whose certificate a TLS server has to show; none where TLS is not spoken.
    pub fn server_name(&self) -> Result<Option<tls::ServerName<'static>>, String> {
        if !self.is_secure {
            return Ok(None);
        }
        tls::ServerName::try_from(self.bare_host().to_owned())
            .map(Some)
            .map_err(|_| format!("{}: no certificate can be for that name", self.host))
    }

    /// Whether requests go there, and not WebSockets.
    pub fn is_http(&self) -> bool {
        self.is_http
    }

    /// The `Host` header.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Whether each topic gets a URL of its own.
    pub fn names_topic(&self) -> bool {
        self.target.contains(TOPIC_PLACE)
    }

    /// The request target for `topic`, each of its levels percent-encoded.
    pub fn target(&self, topic: &str) -> String {
        let levels: Vec<String> = topic
            .split('/')
            .map(|level| utf8_percent_encode(level, SEGMENT).to_string())
            .collect();
        self.target.replace(TOPIC_PLACE, &levels.join("/"))
    }

    /// The address behind the name. Of several the first that answers, for `localhost` is often two and a server on one.
    pub fn resolve(&self) -> Result<SocketAddr, Failure> {
        let unknown = |what: String| Failure::Unreachable {
            what,
            remedy: "Check the host in the URL, or give its address.".to_owned(),
        };
        let addresses: Vec<SocketAddr> = (self.bare_host(), self.port)
            .to_socket_addrs()
            .map_err(|error| unknown(format!("the name {} does not resolve: {error}", self.host)))?
            .collect();
        match addresses.as_slice() {
            [] => Err(unknown(format!("the name {} has no address", self.host))),
            [only] => Ok(*only),
            [first, ..] => Ok(addresses.iter().copied().find(answers).unwrap_or(*first)),
        }
    }

    fn bare_host(&self) -> &str {
        self.host.trim_matches(['[', ']'])
    }
}

fn answers(address: &SocketAddr) -> bool {
    TcpStream::connect_timeout(address, PROBE_TIMEOUT).is_ok()
}

/// `host:port`, `host`, `[::1]:port`, `[::1]`.
fn split_port(authority: &str, default_port: u16) -> Option<(&str, u16)> {
    let after_host = authority.rfind(']').map_or(0, |bracket| bracket + 1);
    match authority[after_host..].find(':') {
        None => Some((authority, default_port)),
        Some(colon) => {
            let (host, port) = authority.split_at(after_host + colon);
            Some((host, port[1..].parse().ok()?))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_found() {
        let url = UrlTemplate::parse("ws://[::1]:7464/t/{topic}?mode=sub").expect("a good URL");
        assert_eq!(
            (url.authority(), url.host.as_str(), url.port),
            ("[::1]:7464", "[::1]", 7464)
        );
        assert_eq!(url.target("a b/ü"), "/t/a%20b/%C3%BC?mode=sub");
        assert!(url.names_topic());
        let bare = UrlTemplate::parse("ws://localhost").expect("a good URL");
        assert_eq!((bare.port, bare.target("x").as_str()), (80, "/"));
        assert_eq!(bare.server_name(), Ok(None));
        assert!(!bare.names_topic());
        assert_eq!(
            UrlTemplate::parse("ws://h?topic={topic}")
                .expect("a good URL")
                .target("a/b"),
            "/?topic=a/b"
        );
    }

    #[test]
    fn a_secure_url_names_whose_certificate_it_wants() {
        for (url, port, name) in [
            ("wss://good.example/x", 443, "good.example"),
            ("wss://[::1]:8443", 8443, "::1"),
            ("wss://127.0.0.1:7464/t/{topic}", 7464, "127.0.0.1"),
        ] {
            let parsed = UrlTemplate::parse(url).expect(url);
            let wanted = parsed.server_name().expect(url).expect("it is secure");
            assert_eq!((parsed.port, &*wanted.to_str()), (port, name), "{url}");
        }
        let nobody = UrlTemplate::parse("wss://a..b/").expect("a URL all the same");
        assert!(nobody.server_name().is_err());
    }

    #[test]
    fn nonsense_is_refused_with_the_reason() {
        for (url, reason) in [
            ("ftp://h/", "ws://"),
            ("127.0.0.1:7464", "ws://"),
            ("ws:///path", "host:port"),
            ("ws://me@h/", "host:port"),
            ("ws://h:99999/", "port"),
            ("ws://h/a#b", "fragments"),
            ("ws://h/ü", "unescaped"),
        ] {
            let error = UrlTemplate::parse(url).expect_err(url);
            assert!(error.contains(reason), "{url}: {error}");
        }
    }
}
