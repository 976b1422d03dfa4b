//! Why connections cannot be opened, with what to do about it.
//!
//! An error number says what the kernel refused; whoever runs a load test wants to know which knob that is.

use std::fmt::Display;
use std::io;
use std::net::SocketAddr;

use protocol::handshake::client;

use crate::failure::Failure;
use crate::quantity::grouped;

/// Where a thread stood when connecting came to a halt.
#[derive(Clone, Copy, Debug)]
pub(super) struct Situation {
    pub(super) address: SocketAddr,
    /// Connections of this thread that stand.
    pub(super) connected: u64,
}

// Linux's numbers, the same on every architecture that has io_uring.
const ENFILE: i32 = 23;
const EMFILE: i32 = 24;

/// A socket could not be opened or connected.
pub(super) fn of_connect(error: &io::Error, at: Situation) -> Failure {
    let (what, remedy) = match (error.kind(), error.raw_os_error()) {
        (_, Some(EMFILE)) => (
            "out of file descriptors".to_owned(),
            "Raise the hard limit for this shell (`ulimit -Hn`, or `prlimit --nofile`): one descriptor is needed for each connection.",
        ),
        (_, Some(ENFILE)) => (
            "the whole system is out of file descriptors".to_owned(),
            "Raise it with `sysctl fs.file-max`.",
        ),
        (io::ErrorKind::ConnectionRefused, _) => (
            format!("nothing listens on {}", at.address),
            "Start the server, or give its address: ringwire-load ws://HOST:PORT",
        ),
        (io::ErrorKind::AddrNotAvailable, _) => (
            format!(
                "no local port or address is left to connect to {} from",
                at.address
            ),
            "One local address has about 28,000 ports: give several (--source 127.0.0.1-127.0.0.4), or widen \
             net.ipv4.ip_local_port_range. Ports of an earlier run are free again after a minute.",
        ),
        (io::ErrorKind::TimedOut, _) => (
            format!("{} does not answer", at.address),
            "Check the address, the firewall, and whether the server's backlog is full (fewer --connecting).",
        ),
        (io::ErrorKind::ConnectionReset, _) => (
            format!("{} reset the connection", at.address),
            "The server may be at its limit of connections, or its backlog full (fewer --connecting).",
        ),
        _ => (
            format!("no connection to {}: {error}", at.address),
            "Check the address and the route to it.",
        ),
    };
    failure(what, remedy, at)
}

/// The server answered the opening handshake with something else than a WebSocket.
pub(super) fn of_handshake(error: &client::Error, at: Situation) -> Failure {
    let remedy = match error {
        client::Error::Refused { status: 404 | 405 } => {
            "That path is no WebSocket there: give the server's own with --subscribe-url and --publish-url."
        }
        client::Error::Refused { status: 401 | 403 } => {
            "The server wants other credentials, or does not allow these topics."
        }
        client::Error::Refused { status: 429 | 503 } => {
            "The server is at a limit, or is being shut down."
        }
        client::Error::Refused { status: 400 | 426 } => {
            "It may want another path or another subprotocol: see --driver and --subscribe-url."
        }
        client::Error::Subprotocol => {
            "It speaks another protocol than --driver says, or wants one by --subprotocol."
        }
        client::Error::Refused { .. } => "Check the URL: is this the server's WebSocket path?",
        client::Error::Http(_) => {
            "Whatever listens there does not speak WebSocket as RFC 6455 has it, or only behind TLS (wss://)."
        }
        _ => "Whatever listens there does not speak WebSocket as RFC 6455 has it.",
    };
    failure(
        format!("{} refused the WebSocket: {error}", at.address),
        remedy,
        at,
    )
}

/// TLS did not come about, or the server took it back before the WebSocket stood.
pub(super) fn of_tls(error: &tls::Error, at: Situation) -> Failure {
    use tls::Error as E;
    let remedy = match error {
        E::NotTls => {
            "It speaks without TLS there: give ws:// instead of wss://, or the port that has TLS."
        }
        E::Untrusted | E::Certificate(_) => {
            "Give the authority's certificate, or the server's own, with --ca FILE; or accept any with --insecure."
        }
        E::WrongName { .. } => {
            "Give one of these names in the URL (/etc/hosts can lead it here), or accept any with --insecure."
        }
        E::Expired | E::NotYetValid => {
            "Renew the certificate, check this machine's clock, or accept any with --insecure."
        }
        E::Refused(alert) if alert == "CertificateRequired" => {
            "It wants a certificate of its clients, and this one has none: let it do without."
        }
        E::Refused(alert) if alert == "UnrecognisedName" => {
            "It has no certificate for that name: give another one in the URL."
        }
        E::Refused(_) | E::Incompatible(_) => {
            "See its log. TLS 1.2 and 1.3 are spoken here, http/1.1 inside, and no client certificate is shown."
        }
        E::Broken(_) | E::TooLong | E::KeysUsedUp => {
            "Whatever listens there does not speak TLS as it should."
        }
    };
    failure(format!("no TLS with {}: {error}", at.address), remedy, at)
}

/// The server takes the WebSocket, but none of the subprotocols.
pub(super) fn of_no_subprotocol(offered: &str, at: Situation) -> Failure {
    failure(
        format!(
            "{} agreed to no subprotocol, and {offered} was offered",
            at.address
        ),
        "Check the URL and --driver. If it speaks it without saying so: --subprotocol none.",
        at,
    )
}

/// The server takes the WebSocket, but messages are not to be compressed.
pub(super) fn of_no_compression(at: Situation) -> Failure {
    failure(
        format!("{} did not agree to permessage-deflate", at.address),
        "Switch it on at the server, or leave out --compress.",
        at,
    )
}

/// The WebSocket stands, and then the server said that it will not.
pub(super) fn of_refusal(how: &str, at: Situation) -> Failure {
    failure(
        format!("{} does not take the connection: {how}", at.address),
        "Check --driver, the URL, and whether the server lets anybody in.",
        at,
    )
}

/// The server hung up before it answered the handshake.
pub(super) fn of_hang_up(error: Option<&io::Error>, is_securing: bool, at: Situation) -> Failure {
    let how = error.map_or_else(
        || "closed the connection".to_owned(),
        |error| format!("broke the connection off ({error})"),
    );
    let (before, remedy) = match is_securing {
        false => (
            "it answered the opening handshake",
            "It may be at its limit of connections, want TLS (wss://), or not be a WebSocket server: see its log.",
        ),
        true => (
            "TLS was agreed on",
            "Does this port speak TLS? If not, give ws:// instead of wss://. Otherwise see its log.",
        ),
    };
    failure(format!("{} {how} before {before}", at.address), remedy, at)
}

/// Nothing has moved for as long as one connection may take.
pub(super) fn of_silence(is_securing: bool, at: Situation) -> Failure {
    let remedy = match is_securing {
        false => "The server accepts, but does not answer: see its log, or give it more time.",
        true => {
            "The server accepts, but does not answer in TLS: if this port is a plain one, give ws:// instead of wss://; \
             otherwise see its log, or give it more time."
        }
    };
    failure(
        format!(
            "no connection to {} came to stand within --connect-timeout",
            at.address
        ),
        remedy,
        at,
    )
}

/// A member's name or URL makes an impossible request.
pub(super) fn of_request(error: impl Display) -> Failure {
    Failure::Usage(format!("the URL makes no valid request: {error}"))
}

/// Fewer descriptors than connections.
pub(super) fn of_descriptors(wanted: u64, allowed: u64) -> Failure {
    Failure::Unreachable {
        what: format!("{} connections are wanted, and there are descriptors for {}", grouped(wanted), grouped(allowed)),
        remedy: "Raise the hard limit of descriptors (`ulimit -Hn`, `prlimit --nofile`, or LimitNOFILE= of a unit), or give more --threads, \
                 for each of which there are as many again; or open fewer connections."
            .to_owned(),
    }
}

fn failure(what: String, remedy: &str, at: Situation) -> Failure {
    let what = match at.connected {
        0 => what,
        connected => format!("{what}; {} connections stood by then", grouped(connected)),
    };
    Failure::Unreachable {
        what,
        remedy: remedy.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remedy(failure: &Failure) -> String {
        failure.to_string()
    }

    #[test]
    fn each_obstacle_names_its_knob() {
        let at = Situation {
            address: SocketAddr::from(([127, 0, 0, 1], 9)),
            connected: 28_000,
        };
        let of_number = |number| remedy(&of_connect(&io::Error::from_raw_os_error(number), at));
        for (text, knob) in [
            (of_number(EMFILE), "ulimit"),
            (of_number(ENFILE), "fs.file-max"),
            (of_number(99), "--source"),
            (of_number(111), "Start the server"),
            (of_number(110), "does not answer"),
            (of_number(104), "--connecting"),
            (
                remedy(&of_handshake(&client::Error::Refused { status: 404 }, at)),
                "--subscribe-url",
            ),
            (
                remedy(&of_handshake(&client::Error::Refused { status: 503 }, at)),
                "limit",
            ),
            (
                remedy(&of_handshake(&client::Error::Accept, at)),
                "RFC 6455",
            ),
            (remedy(&of_hang_up(None, false, at)), "see its log"),
            (remedy(&of_hang_up(None, true, at)), "ws://"),
            (remedy(&of_silence(true, at)), "ws://"),
            (remedy(&of_tls(&tls::Error::NotTls, at)), "ws://"),
            (remedy(&of_tls(&tls::Error::Untrusted, at)), "--ca"),
            (remedy(&of_tls(&tls::Error::Expired, at)), "clock"),
            (
                remedy(&of_handshake(&client::Error::Subprotocol, at)),
                "--driver",
            ),
            (remedy(&of_no_subprotocol("mqtt", at)), "--subprotocol none"),
            (remedy(&of_descriptors(60_000, 20_000)), "hard limit"),
        ] {
            assert!(text.contains(knob), "{text}");
        }
        assert!(
            of_number(99).contains("28 000 connections stood"),
            "{}",
            of_number(99)
        );
    }
}
