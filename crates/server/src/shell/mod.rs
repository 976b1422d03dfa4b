//! `ringwire pub` and `ringwire sub`: small blocking clients for the shell, on the public protocol
//! alone. They are clients like any other and know nothing of the server's inside.

mod pauses;
mod publish;
mod server;
mod subscribe;

use std::io;
use std::process::ExitCode;
use std::time::Duration;

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
    fn the_path_of_a_topic_is_encoded_level_by_level() {
        assert_eq!(topic_path("a b/ä/**"), "/t/a%20b/%C3%A4/**");
    }
}
