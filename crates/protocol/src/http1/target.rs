//! The request target (RFC 9112 section 3.2) and the host that it is asked of.
//!
//! Origin form and absolute form are answered, and `*` for OPTIONS. CONNECT's authority form is
//! refused, for this is no proxy. Nothing is decoded here: what a percent sign means is for whoever
//! knows what the path names.

use super::Error;
use super::head::{Head, Span};

/// The parts of a target, and the host from the target or from `Host`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// Without the query; empty in `http://host`, which means `/`.
    pub(super) path: Span,
    /// Without the question mark.
    pub(super) query: Option<Span>,
}

/// Checks the target and `Host`, and finds the parts. The second value is the host that counts.
pub(super) fn parse(head: &Head) -> Result<(Target, String), Error> {
    let (text, span) = head.target();
    let plain = text
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'#');
    if !plain {
        return Err(Error::Target);
    }
    let header = host_header(head)?;
    let (authority, resource) = split_authority(head.method(), text)?;
    let host = match authority {
        // RFC 9112 section 3.2.2: with an absolute form the target's host counts, not the field's.
        Some(authority) if is_host(authority) => authority,
        Some(_) => return Err(Error::Target),
        None => header,
    };
    let start = span.start() + resource;
    let end = span.start() + text.len();
    let target = match text[resource..].find('?') {
        Some(at) => Target {
            path: Span::new(start, start + at),
            query: Some(Span::new(start + at + 1, end)),
        },
        None => Target {
            path: Span::new(start, end),
            query: None,
        },
    };
    Ok((target, host.to_owned()))
}

/// RFC 9112 section 3.2: exactly one `Host`, and 400 otherwise.
fn host_header(head: &Head) -> Result<&str, Error> {
    let mut hosts = head.all("host");
    match (hosts.next(), hosts.next()) {
        (Some(host), None) if is_host(host) || host.is_empty() => Ok(host),
        _ => Err(Error::Host),
    }
}

/// The authority of an absolute form, and where the path begins.
fn split_authority<'t>(method: &str, text: &'t str) -> Result<(Option<&'t str>, usize), Error> {
    if text.starts_with('/') || (text == "*" && method == "OPTIONS") {
        return Ok((None, 0));
    }
    let has_scheme = |scheme: &str| {
        text.get(..scheme.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    let scheme = ["http://", "https://"]
        .into_iter()
        .find(|scheme| has_scheme(scheme))
        .ok_or(Error::Target)?;
    let rest = &text[scheme.len()..];
    let authority = &rest[..rest.find(['/', '?']).unwrap_or(rest.len())];
    Ok((Some(authority), scheme.len() + authority.len()))
}

/// Whether every byte may stand in a host with a port. User information is refused with the rest:
/// it only serves to make one host look like another.
fn is_host(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=%:[]".contains(&byte))
}
