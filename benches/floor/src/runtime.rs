//! The floor on a runtime: tokio-uring, in the two ways that one would write it.
//!
//! Directly: a task for each connection reads, and one task begins a turn's writes together and waits for all of
//! them. With tasks: each connection has a channel, and a second task that writes what comes out of it. Both are
//! here so that what a runtime costs beside a bare ring is a figure that anybody can make again.

use std::cell::RefCell;
use std::io;
use std::net::{Shutdown, TcpListener};
use std::rc::Rc;

use bytes::Bytes;
use tokio::sync::{Notify, mpsc};
use tokio_uring::buf::BoundedBuf;
use tokio_uring::net::TcpStream;

use crate::hub::{Hub, Outcome, Peer};

const SUBMISSIONS: u32 = 4096;
const COMPLETIONS: u32 = 32_768;
const RECEIVE_BYTES: usize = 16 * 1024;

/// How a turn's batches get to their subscribers.
trait Delivery: Default + 'static {
    /// What is kept of a connection to write to it.
    type Writer;

    fn writer(stream: &Rc<TcpStream>) -> Self::Writer;

    /// Something was published: its batches are in the hub.
    fn deliver(server: &Server<Self>);
}

/// Everything, shared by the tasks of one thread.
struct Server<D: Delivery> {
    hub: RefCell<Hub>,
    writers: RefCell<Vec<Option<D::Writer>>>,
    free: RefCell<Vec<usize>>,
    delivery: D,
}

/// Serves for ever, one task writing to everybody.
pub(crate) fn serve_directly(listener: TcpListener) -> io::Result<()> {
    start(async {
        let server = Rc::new(Server::<Direct>::default());
        tokio_uring::spawn(write_turns(Rc::clone(&server)));
        server.accept(listener).await
    })
}

/// Serves for ever, a task and a channel for each connection.
pub(crate) fn serve_with_tasks(listener: TcpListener) -> io::Result<()> {
    start(Rc::new(Server::<Tasks>::default()).accept(listener))
}

fn start(serve: impl Future<Output = io::Result<()>>) -> io::Result<()> {
    tokio_uring::builder()
        .entries(SUBMISSIONS)
        .uring_builder(
            tokio_uring::uring_builder()
                .setup_cqsize(COMPLETIONS)
                .setup_coop_taskrun(),
        )
        .start(serve)
}

impl<D: Delivery> Default for Server<D> {
    fn default() -> Server<D> {
        Server {
            hub: RefCell::default(),
            writers: RefCell::default(),
            free: RefCell::default(),
            delivery: D::default(),
        }
    }
}

impl<D: Delivery> Server<D> {
    async fn accept(self: Rc<Self>, listener: TcpListener) -> io::Result<()> {
        let listener = tokio_uring::net::TcpListener::from_std(listener);
        loop {
            let (stream, _) = listener.accept().await?;
            let stream = Rc::new(stream);
            let index = self.place(D::writer(&stream));
            let server = Rc::clone(&self);
            tokio_uring::spawn(async move {
                let mut peer = Peer::default();
                // However it ended: the place is free again.
                drop(server.read(index, &mut peer, &stream).await);
                server.hub.borrow_mut().leave(index, &peer);
                server.writers.borrow_mut()[index] = None;
                server.free.borrow_mut().push(index);
            });
        }
    }

    fn place(&self, writer: D::Writer) -> usize {
        let mut writers = self.writers.borrow_mut();
        if let Some(index) = self.free.borrow_mut().pop() {
            writers[index] = Some(writer);
            return index;
        }
        writers.push(Some(writer));
        writers.len() - 1
    }

    async fn read(&self, index: usize, peer: &mut Peer, stream: &TcpStream) -> io::Result<()> {
        let mut buffer = Vec::with_capacity(RECEIVE_BYTES);
        loop {
            let (outcome, filled) = stream.read(buffer).await;
            let length = outcome?;
            if length == 0 {
                return Ok(());
            }
            let outcome = self
                .hub
                .borrow_mut()
                .receive(index, peer, &filled[..length]);
            buffer = filled;
            match outcome {
                Outcome::Nothing => D::deliver(self),
                Outcome::Answer(answer) => stream.write_all(answer).await.0?,
                Outcome::End => return Ok(()),
            }
        }
    }
}

/// One task writes to everybody.
#[derive(Default)]
struct Direct {
    published: Notify,
}

impl Delivery for Direct {
    type Writer = Rc<TcpStream>;

    fn writer(stream: &Rc<TcpStream>) -> Rc<TcpStream> {
        Rc::clone(stream)
    }

    fn deliver(server: &Server<Direct>) {
        server.delivery.published.notify_one();
    }
}

/// Begins every write of a turn before it waits for the first, so that one submit carries them all. The next turn
/// waits for the slowest of them: the floor protects nobody.
async fn write_turns(server: Rc<Server<Direct>>) {
    let mut writes = Vec::new();
    loop {
        server.delivery.published.notified().await;
        server.hub.borrow_mut().end_turn(|subscribers, batch| {
            let batch = Bytes::from(std::mem::take(batch));
            let streams = server.writers.borrow();
            for stream in subscribers
                .iter()
                .filter_map(|index| streams[*index].as_ref())
            {
                writes.push((Rc::clone(stream), stream.write(batch.clone()).submit()));
            }
        });
        for (stream, write) in writes.drain(..) {
            let (outcome, batch) = write.await;
            let rest = match outcome {
                Ok(written) if written == batch.len() => continue,
                Ok(written) => stream.write_all(batch.slice(written..)).await.0,
                Err(error) => Err(error),
            };
            if rest.is_err() {
                // Its reader sees the end, and clears up.
                drop(stream.shutdown(Shutdown::Both));
            }
        }
    }
}

/// A task and a channel for each connection.
#[derive(Default)]
struct Tasks;

impl Delivery for Tasks {
    type Writer = mpsc::UnboundedSender<Bytes>;

    fn writer(stream: &Rc<TcpStream>) -> mpsc::UnboundedSender<Bytes> {
        let (sender, mut receiver) = mpsc::unbounded_channel::<Bytes>();
        let stream = Rc::clone(stream);
        tokio_uring::spawn(async move {
            while let Some(batch) = receiver.recv().await {
                if stream.write_all(batch).await.0.is_err() {
                    return;
                }
            }
        });
        sender
    }

    fn deliver(server: &Server<Tasks>) {
        let writers = server.writers.borrow();
        server.hub.borrow_mut().end_turn(|subscribers, batch| {
            let batch = Bytes::from(std::mem::take(batch));
            for writer in subscribers
                .iter()
                .filter_map(|index| writers[*index].as_ref())
            {
                // Fails only when the task has ended with its connection.
                drop(writer.send(batch.clone()));
            }
        });
    }
}
