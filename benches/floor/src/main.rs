//! The floor: a server that receives a message and sends a ready frame to every subscriber, and nothing else.
//!
//! It shows what the kernel alone costs, so that the broker's own share can be told: no checks, no history,
//! no limits, no protection from anybody. Written twice, since neither way is the cheaper one everywhere: plain
//! `send()` behind epoll, and a bare io_uring; and twice more on a runtime, for what that costs beside the bare
//! ring. It is no server to use, and shares no code with the broker.
//!
//! `ringwire-floor send|uring|tokio-uring|tokio-uring-tasks ADDRESS:PORT`; clients connect to `/t/<topic>?mode=sub|pub`.

#![deny(unsafe_code)]

mod hub;
mod runtime;
mod send;
#[allow(unsafe_code)]
mod uring;
mod wire;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;

use rustix::net::sockopt;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let serve = match arguments.first().map(String::as_str) {
        Some("send") => send::serve,
        Some("uring") => uring::serve,
        Some("tokio-uring") => runtime::serve_directly,
        Some("tokio-uring-tasks") => runtime::serve_with_tasks,
        _ => return usage(),
    };
    let Some(address) = arguments.get(1).and_then(|text| text.parse().ok()) else {
        return usage();
    };
    match listen(address).and_then(serve) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ringwire-floor: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A listener whose connections inherit TCP_NODELAY: a broadcast must not wait for acknowledgements.
fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    sockopt::set_tcp_nodelay(&listener, true)?;
    println!("listening on {}", listener.local_addr()?);
    Ok(listener)
}

fn usage() -> ExitCode {
    eprintln!("usage: ringwire-floor send|uring|tokio-uring|tokio-uring-tasks ADDRESS:PORT");
    ExitCode::from(2)
}
