//! `ringwire pub` and `ringwire sub`: small blocking clients for the shell, on the public protocol
//! alone. They are clients like any other and know nothing of the server's inside.

mod publish;
mod subscribe;

use std::io;
use std::net::TcpStream;
use std::process::ExitCode;
use std::time::Duration;

use protocol::uri::Uri;

pub(crate) use crate::error::Error;
pub use publish::{Publish, publish};
pub use subscribe::{Subscribe, subscribe};

/// How long the server may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Turns an outcome into an exit code, and says on standard error what went wrong.
pub fn report(outcome: Result<(), Error>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ringwire: {error}");
            ExitCode::FAILURE
        }
    }
}

/// `http://host:port`, `ws://host:port` or `host:port`, as `host:port`. Nobody means port 80 here, so
/// that the port is not left out.
fn authority(server: &str) -> Result<&str, Error> {
    let start = server.find("://").map_or(0, |at| at + "://".len());
    let whole = match start {
        0 => format!("ws://{server}"),
        _ => server.to_owned(),
    };
    let rest = &server[start..];
    Uri::parse(&whole)
        .ok()
        .filter(|uri| !uri.scheme.is_secure() && uri.resource_name() == "/")
        .and_then(|uri| rest.get(..uri.authority.len()))
        .filter(|authority| !authority.ends_with([']', ':']) && authority.contains(':'))
        .ok_or_else(|| Error(format!("--server {server}: write it as http://HOST:PORT")))
}

fn connect(authority: &str) -> Result<TcpStream, Error> {
    let connected = TcpStream::connect(authority).map_err(|error| {
        Error(format!(
            "cannot connect to {authority}: {error}; is ringwire running there? (--server)"
        ))
    })?;
    // One small request: nothing is gained by waiting for more.
    connected
        .set_nodelay(true)
        .and_then(|()| connected.set_read_timeout(Some(ANSWER_TIMEOUT)))
        .map_err(broken)?;
    Ok(connected)
}

fn broken(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
            Error(format!("no answer within {} s", ANSWER_TIMEOUT.as_secs()))
        }
        _ => Error(format!("the connection broke: {error}")),
    }
}

/// A topic as the path of its URL: each level percent-encoded by itself.
fn topic_path(topic: &str) -> String {
    let mut path = String::from("/t/");
    for byte in topic.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' | b'*' => {
                path.push(byte.into())
            }
            _ => path.push_str(&format!("%{byte:02X}")),
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_a_host_and_a_port_with_or_without_scheme() {
        for server in ["http://a:1", "ws://a:1/", "WS://a:1", "a:1"] {
            assert_eq!(authority(server).unwrap(), "a:1");
        }
        assert_eq!(authority("[::1]:1").unwrap(), "[::1]:1");
        for server in [
            "https://a:1",
            "a",
            "[::1]",
            "a:",
            "a:b",
            "me@a:1",
            "ftp://a:1",
            "http://a:1/t/x",
        ] {
            assert!(
                authority(server)
                    .unwrap_err()
                    .to_string()
                    .contains("http://HOST:PORT")
            );
        }
    }

    #[test]
    fn the_path_of_a_topic_is_encoded_level_by_level() {
        assert_eq!(topic_path("a b/ä/**"), "/t/a%20b/%C3%A4/**");
    }
}
