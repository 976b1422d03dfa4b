//! The same job as a careful engineer would do it on tokio: one thread, fastwebsockets for the frames, each
//! message encoded once and shared by its subscribers, a queue for each connection, all that is queued in one
//! vectored write.
//!
//! `ringwire-peer-tokio ADDRESS:PORT`; clients connect to `/t/<topic>?mode=sub|pub`. It has no history, no
//! patterns and no acknowledgements; a subscriber whose queue outgrows its bound is dropped.

#![forbid(unsafe_code)]

mod connection;
mod outbox;
mod rooms;
mod upgrade;

use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::rc::Rc;

use tokio::net::TcpListener;
use tokio::task::{LocalSet, spawn_local};

use crate::rooms::Rooms;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let address = std::env::args().nth(1).and_then(|text| text.parse().ok());
    let Some(address) = address else {
        eprintln!("usage: ringwire-peer-tokio ADDRESS:PORT");
        return ExitCode::from(2);
    };
    match run(address) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ringwire-peer-tokio: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(address: SocketAddr) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    LocalSet::new().block_on(&runtime, serve(address))
}

async fn serve(address: SocketAddr) -> io::Result<()> {
    let listener = TcpListener::bind(address).await?;
    println!("listening on {}", listener.local_addr()?);
    let rooms = Rc::new(Rooms::default());
    spawn_local(Rc::clone(&rooms).flush_for_ever());
    loop {
        let (stream, _) = listener.accept().await?;
        // A broadcast must not wait for acknowledgements.
        stream.set_nodelay(true)?;
        let rooms = Rc::clone(&rooms);
        spawn_local(async move {
            // How a connection ended is nobody's business here: its place is free again.
            drop(connection::serve(stream, &rooms).await);
        });
    }
}
