//! Which web pages may use the broker.
//!
//! A browser sends the visitor's cookies to any server that a page names, so the broker asks where
//! the page came from: its own origin and the configured ones are let in, every other is refused.
//! A client that sends no `Origin` is no browser and is let in. Origins are compared as scheme,
//! host and port, never by prefix or suffix.

/// The rule for one request: `origin` as the client sent it (one value for each header line),
/// `host` what the request is for, which came over TLS if `encrypted`.
///
/// # Errors
/// The status and what to tell the client.
pub fn check<'a>(
    mut origins: impl Iterator<Item = &'a str>,
    host: &str,
    encrypted: bool,
    allowed: &[String],
) -> Result<(), Refused> {
    let Some(origin) = origins.next() else {
        return Ok(());
    };
    if origins.next().is_some() {
        return Err(Refused::Repeated);
    }
    let Some(page) = parse(origin) else {
        return Err(Refused::Denied);
    };
    // On a plain connection the broker's own origin is http://<Host>, or https all the same behind a
    // proxy that ends TLS. Over TLS it is https://<Host> alone: anybody on the way can make a page
    // of the other.
    let own = |scheme| parse_parts(scheme, host).is_some_and(|own| own == page);
    if own("https")
        || (!encrypted && own("http"))
        || allowed
            .iter()
            .any(|entry| parse(entry).as_ref() == Some(&page))
    {
        return Ok(());
    }
    Err(Refused::Denied)
}

/// Why a page may not come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// More than one `Origin` header: 400.
    Repeated,
    /// Neither the broker's own origin nor an allowed one: 403.
    Denied,
}

/// Whether `text` can stand in `http.allowed_origins`.
pub fn is_wellformed(text: &str) -> bool {
    parse(text).is_some()
}

#[derive(PartialEq, Eq)]
struct Origin {
    scheme: String,
    host: String,
    port: u16,
}

fn parse(text: &str) -> Option<Origin> {
    let (scheme, rest) = text.split_once("://")?;
    parse_parts(scheme, rest)
}

fn parse_parts(scheme: &str, authority: &str) -> Option<Origin> {
    let scheme = scheme.to_ascii_lowercase();
    let default_port = match scheme.as_str() {
        "http" => 80,
        "https" => 443,
        _ => return None,
    };
    let port_at = match authority.rfind(']') {
        Some(bracket) => authority[bracket..].find(':').map(|colon| bracket + colon),
        None => authority.find(':'),
    };
    let (host, port) = match port_at {
        Some(colon) => {
            let digits = &authority[colon + 1..];
            // `u16::parse` takes a leading plus sign.
            if !digits.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            (&authority[..colon], digits.parse().ok()?)
        }
        None => (authority, default_port),
    };
    let plain =
        |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'[' | b']' | b':');
    if host.is_empty() || !host.bytes().all(plain) {
        return None;
    }
    Some(Origin {
        scheme,
        host: host.to_ascii_lowercase(),
        port,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(origin: &str, host: &str, allowed: &[&str]) -> Result<(), Refused> {
        let allowed: Vec<_> = allowed.iter().map(|s| (*s).to_owned()).collect();
        check([origin].into_iter(), host, false, &allowed)
    }

    #[test]
    fn own_and_allowed_origins_come_in_and_no_other() {
        let allowed = ["https://good.com", "http://localhost:3000"];
        for (origin, host) in [
            ("http://localhost:7464", "localhost:7464"),
            ("https://example.com", "example.com"),
            ("HTTP://Example.com:80", "example.com"),
            ("https://good.com", "broker:7464"),
            ("https://good.com:443", "broker:7464"),
            ("http://localhost:3000", "localhost:7464"),
            ("http://[::1]:7464", "[::1]:7464"),
        ] {
            assert_eq!(ask(origin, host, &allowed), Ok(()), "{origin}");
        }
        for origin in [
            "null",
            "https://good.com.evil.io",
            "https://evilgood.com",
            "http://good.com",
            "https://good.com:8443",
            "https://good.com@evil.io",
            "https://good.com/",
            "https://good.com:+443",
            "file://",
            "",
        ] {
            assert_eq!(
                ask(origin, "broker:7464", &allowed),
                Err(Refused::Denied),
                "{origin}"
            );
        }
    }

    #[test]
    fn no_origin_is_no_browser_and_two_are_none() {
        assert_eq!(check([].into_iter(), "a", false, &[]), Ok(()));
        assert_eq!(
            check(["http://a", "http://a"].into_iter(), "a", false, &[]),
            Err(Refused::Repeated)
        );
    }

    #[test]
    fn over_tls_a_plain_page_of_the_same_host_is_another_origin() {
        let over_tls = |origin| check([origin].into_iter(), "a:7465", true, &[]);
        assert_eq!(over_tls("https://a:7465"), Ok(()));
        assert_eq!(over_tls("http://a:7465"), Err(Refused::Denied));
        let default_port = check(["https://a"].into_iter(), "a", true, &[]);
        assert_eq!(default_port, Ok(()));
    }
}
