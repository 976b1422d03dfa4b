//! WebSocket URIs (RFC 6455 sections 3 and 11.1), and the HTTP ones that lead to the same server.
//!
//! ```text
//! ws-URI  = "ws:"  "//" host [ ":" port ] path [ "?" query ]
//! wss-URI = "wss:" "//" host [ ":" port ] path [ "?" query ]
//! ```
//!
//! What the grammar of RFC 3986 leaves out is refused, not repaired: user information, fragments,
//! blanks, and characters that should have been percent-encoded. Nothing is decoded or resolved.

use std::fmt;
use std::net::Ipv6Addr;

/// A scheme of the registry that leads to a server like ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// A WebSocket (RFC 6455 section 11.1.1).
    Ws,
    /// A WebSocket over TLS (section 11.1.2).
    Wss,
    /// Requests.
    Http,
    /// Requests over TLS.
    Https,
}

impl Scheme {
    /// Every one of them.
    pub const ALL: [Scheme; 4] = [Self::Ws, Self::Wss, Self::Http, Self::Https];

    /// As it is written, in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ws => "ws",
            Self::Wss => "wss",
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The port where the URI names none.
    pub const fn default_port(self) -> u16 {
        if self.is_secure() { 443 } else { 80 }
    }

    /// Whether TLS is spoken first.
    pub const fn is_secure(self) -> bool {
        matches!(self, Self::Wss | Self::Https)
    }

    /// Whether a WebSocket is what is there.
    pub const fn is_websocket(self) -> bool {
        matches!(self, Self::Ws | Self::Wss)
    }
}

/// A URI in parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uri<'a> {
    /// Whether TLS, and whether a WebSocket.
    pub scheme: Scheme,
    /// Host and port as they were written: what `Host` says.
    pub authority: &'a str,
    /// A name or an address, without the brackets of IPv6.
    pub host: &'a str,
    /// As it was written, or the scheme's own.
    pub port: u16,
    /// Path and query as they were written, perhaps nothing.
    target: &'a str,
}

impl<'a> Uri<'a> {
    /// Takes a URI apart.
    ///
    /// # Errors
    /// The part that does not follow the grammar.
    pub fn parse(text: &'a str) -> Result<Self, Invalid> {
        let (scheme, rest) = text.split_once("://").ok_or(Invalid::Scheme)?;
        // RFC 6455 section 3: the scheme matches "case-insensitively".
        let scheme = Scheme::ALL
            .into_iter()
            .find(|known| known.name().eq_ignore_ascii_case(scheme))
            .ok_or(Invalid::Scheme)?;
        let (authority, target) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let (host, port) = split_port(authority);
        let host = bare_host(host).ok_or(Invalid::Host)?;
        let port = match port {
            // RFC 3986 section 3.2.3: port = *DIGIT, and an empty one is none.
            None | Some("") => scheme.default_port(),
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().map_err(|_| Invalid::Port)?
            }
            Some(_) => return Err(Invalid::Port),
        };
        if target.contains('#') {
            return Err(Invalid::Fragment);
        }
        if !is_encoded(target, b"/?:@") {
            return Err(Invalid::Target);
        }
        Ok(Self {
            scheme,
            authority,
            host,
            port,
            target,
        })
    }

    /// The request's target, which RFC 6455 section 3 calls the resource name: the path, of which an
    /// empty one is `/`, and the query.
    pub fn resource_name(&self) -> String {
        if self.target.starts_with('/') {
            self.target.to_owned()
        } else {
            format!("/{}", self.target)
        }
    }
}

/// `host:port`, `host`, `[::1]:port`, `[::1]`: the host as it is written, and the port's text.
fn split_port(authority: &str) -> (&str, Option<&str>) {
    let bracket = authority.rfind(']').unwrap_or(0);
    match authority[bracket..].find(':') {
        None => (authority, None),
        Some(colon) => {
            let (host, port) = authority.split_at(bracket + colon);
            (host, Some(&port[1..]))
        }
    }
}

/// RFC 3986 section 3.2.2: an address in brackets, or characters of a name. No name is empty here,
/// and none holds a percent sign, for nobody could resolve it.
fn bare_host(host: &str) -> Option<&str> {
    match host.strip_prefix('[') {
        Some(bracketed) => bracketed
            .strip_suffix(']')
            .filter(|address| address.parse::<Ipv6Addr>().is_ok()),
        None => Some(host)
            .filter(|name| !name.is_empty() && !name.contains('%') && is_encoded(name, b"")),
    }
}

/// Whether every byte is unreserved, a sub-delimiter, one of `extra`, or percent-encoded (RFC 3986
/// section 2).
fn is_encoded(text: &str, extra: &[u8]) -> bool {
    let mut bytes = text.bytes();
    let is_hex = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_hexdigit());
    while let Some(byte) = bytes.next() {
        let fits = match byte {
            b'%' => is_hex(bytes.next()) && is_hex(bytes.next()),
            _ => {
                byte.is_ascii_alphanumeric()
                    || b"-._~!$&'()*+,;=".contains(&byte)
                    || extra.contains(&byte)
            }
        };
        if !fits {
            return false;
        }
    }
    true
}

/// The part of a URI that does not follow the grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invalid {
    /// It begins with none of the schemes.
    Scheme,
    /// What stands between `://` and the port is no host.
    Host,
    /// The port is no number up to 65535.
    Port,
    /// RFC 6455 section 3: fragment identifiers "MUST NOT be used on these URIs".
    Fragment,
    /// Path or query hold a character that must be percent-encoded.
    Target,
}

impl fmt::Display for Invalid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Scheme => "a URL starts with ws:// or wss://, as in ws://127.0.0.1:7464",
            Self::Host => "between :// and the path stands host:port, nothing else",
            Self::Port => "the port is no number up to 65535",
            Self::Fragment => "fragments have no place in a request",
            Self::Target => "blanks and other unescaped characters have no place in a request",
        })
    }
}

impl std::error::Error for Invalid {}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6455 sections 3 and 11.1, and RFC 9110 section 4.2 for the other two.
    #[test]
    fn each_scheme_has_its_port_and_its_security_in_any_case() {
        let registry = [
            ("ws", Scheme::Ws, 80, false, true),
            ("wss", Scheme::Wss, 443, true, true),
            ("http", Scheme::Http, 80, false, false),
            ("https", Scheme::Https, 443, true, false),
        ];
        assert_eq!(registry.map(|entry| entry.1), Scheme::ALL);
        for (name, scheme, port, is_secure, is_websocket) in registry {
            assert_eq!(scheme.name(), name);
            assert_eq!(scheme.is_secure(), is_secure, "{name}");
            assert_eq!(scheme.is_websocket(), is_websocket, "{name}");
            for spelling in [name.to_owned(), name.to_uppercase()] {
                let text = format!("{spelling}://h");
                let uri = Uri::parse(&text).unwrap();
                assert_eq!((uri.scheme, uri.port), (scheme, port), "{text}");
            }
        }
        for text in ["", "h", "ws:/h", "wsx://h", "ftp://h", "://h", "w s://h"] {
            assert_eq!(Uri::parse(text), Err(Invalid::Scheme), "{text}");
        }
    }

    #[test]
    fn the_resource_name_is_the_path_and_the_query() {
        for (text, name) in [
            ("ws://h", "/"),
            ("ws://h/", "/"),
            ("ws://h?q", "/?q"),
            ("ws://h/?", "/?"),
            ("ws://h/chat", "/chat"),
            (
                "ws://h:1/a/b;c=d:@!$&'()*+,?e/f?g=%23",
                "/a/b;c=d:@!$&'()*+,?e/f?g=%23",
            ),
        ] {
            assert_eq!(Uri::parse(text).unwrap().resource_name(), name, "{text}");
        }
    }

    #[test]
    fn host_and_port_are_found() {
        for (text, authority, host, port) in [
            (
                "ws://example.com:8080/x",
                "example.com:8080",
                "example.com",
                8080,
            ),
            ("ws://h:/x", "h:", "h", 80),
            ("wss://h:00443", "h:00443", "h", 443),
            ("ws://[::1]", "[::1]", "::1", 80),
            ("ws://[::1]:65535?x", "[::1]:65535", "::1", 65535),
            ("ws://[::]:8080", "[::]:8080", "::", 8080),
            ("ws://127.0.0.1:0", "127.0.0.1:0", "127.0.0.1", 0),
        ] {
            let uri = Uri::parse(text).unwrap();
            assert_eq!((uri.authority, uri.host, uri.port), (authority, host, port));
        }
    }

    #[test]
    fn what_the_grammar_leaves_out_is_refused() {
        for text in [
            "ws://",
            "ws:///x",
            "ws://:80",
            "ws://me@h",
            "ws://a b",
            "ws://ä",
            "ws://h%41",
            "ws://[::1",
            "ws://::1",
            "ws://[::1]x",
            "ws://[h]",
            "ws://{h}",
        ] {
            let error = Uri::parse(text).unwrap_err();
            assert!(
                matches!(error, Invalid::Host | Invalid::Port),
                "{text}: {error:?}"
            );
        }
        for text in [
            "ws://h:65536",
            "ws://h:+1",
            "ws://h:x",
            "ws://h:1:2",
            "ws://h:-1",
        ] {
            assert_eq!(Uri::parse(text), Err(Invalid::Port), "{text}");
        }
        for text in ["ws://h#", "ws://h/#", "ws://h/a#b", "ws://h?a#b"] {
            assert_eq!(Uri::parse(text), Err(Invalid::Fragment), "{text}");
        }
        for text in [
            "ws://h/a b",
            "ws://h/ä",
            "ws://h/\r\n",
            "ws://h/%",
            "ws://h/%4",
            "ws://h/%4g",
            "ws://h/{t}",
            "ws://h/\"",
            "ws://h/a|b",
            "ws://h/<",
            "ws://h/\\",
            "ws://h/[",
            "ws://h?^",
            "ws://h/`",
        ] {
            assert_eq!(Uri::parse(text), Err(Invalid::Target), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_url_is_said() {
        for (text, words) in [
            ("h", "starts with ws:// or wss://"),
            ("ws://", "host:port"),
            ("ws://h:x", "65535"),
            ("ws://h#", "fragments"),
            ("ws://h/a b", "unescaped"),
        ] {
            let said = Uri::parse(text).unwrap_err().to_string();
            assert!(said.contains(words), "{text}: {said}");
        }
    }
}
