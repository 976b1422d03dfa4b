//! Where connections go: a `ws://`, `wss://`, `http://` or `https://` URL with a place for the topic, taken apart and resolved once.
//!
//! The grammar is [`protocol::uri`]'s; here stand the place for the topic and the addresses behind a name.

use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use protocol::uri::{Scheme, Uri};

use crate::failure::Failure;

/// Where the topic's name goes.
pub const TOPIC_PLACE: &str = "{topic}";

/// The same as a URI may hold it.
const ESCAPED_PLACE: &str = "%7Btopic%7D";

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
    scheme: Scheme,
    authority: String,
    host: String,
    port: u16,
    target: String,
}

impl UrlTemplate {
    /// Takes `ws://host[:port][/path][?query]` apart, or the same with `wss`, `http` or `https`.
    pub fn parse(url: &str) -> Result<UrlTemplate, String> {
        // No URI holds a brace: the place for the topic is kept in its escaped form.
        let escaped = url.replace(TOPIC_PLACE, ESCAPED_PLACE);
        let uri = Uri::parse(&escaped).map_err(|error| format!("`{url}`: {error}"))?;
        Ok(UrlTemplate {
            scheme: uri.scheme,
            authority: uri.authority.to_owned(),
            host: uri.host.to_owned(),
            port: uri.port,
            target: uri.resource_name(),
        })
    }

    /// Whose certificate a TLS server has to show; none where TLS is not spoken.
    pub fn server_name(&self) -> Result<Option<tls::ServerName<'static>>, String> {
        if !self.scheme.is_secure() {
            return Ok(None);
        }
        tls::ServerName::try_from(self.host.clone())
            .map(Some)
            .map_err(|_| format!("{}: no certificate can be for that name", self.host))
    }

    /// Whether requests go there, and not WebSockets.
    pub fn is_http(&self) -> bool {
        !self.scheme.is_websocket()
    }

    /// The `Host` header.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Whether each topic gets a URL of its own.
    pub fn names_topic(&self) -> bool {
        self.target.contains(ESCAPED_PLACE)
    }

    /// The request target for `topic`, each of its levels percent-encoded.
    pub fn target(&self, topic: &str) -> String {
        let levels: Vec<String> = topic
            .split('/')
            .map(|level| utf8_percent_encode(level, SEGMENT).to_string())
            .collect();
        self.target.replace(ESCAPED_PLACE, &levels.join("/"))
    }

    /// The address behind the name. Of several the first that answers, for `localhost` is often two and a server on one.
    pub fn resolve(&self) -> Result<SocketAddr, Failure> {
        let unknown = |what: String| Failure::Unreachable {
            what,
            remedy: "Check the host in the URL, or give its address.".to_owned(),
        };
        let addresses: Vec<SocketAddr> = (self.host.as_str(), self.port)
            .to_socket_addrs()
            .map_err(|error| unknown(format!("the name {} does not resolve: {error}", self.host)))?
            .collect();
        match addresses.as_slice() {
            [] => Err(unknown(format!("the name {} has no address", self.host))),
            [only] => Ok(*only),
            [first, ..] => Ok(addresses.iter().copied().find(answers).unwrap_or(*first)),
        }
    }
}

fn answers(address: &SocketAddr) -> bool {
    TcpStream::connect_timeout(address, PROBE_TIMEOUT).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_found() {
        let url = UrlTemplate::parse("ws://[::1]:7464/t/{topic}?mode=sub").expect("a good URL");
        assert_eq!(
            (url.authority(), url.host.as_str(), url.port),
            ("[::1]:7464", "::1", 7464)
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
            ("ws://{topic}/", "host:port"),
            ("ws://h/{other}", "unescaped"),
            ("ws://h:99999/", "port"),
            ("ws://h/a#b", "fragments"),
            ("ws://h/ü", "unescaped"),
        ] {
            let error = UrlTemplate::parse(url).expect_err(url);
            assert!(error.contains(reason), "{url}: {error}");
        }
    }
}
