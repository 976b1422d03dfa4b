//! The floor on a bare io_uring: multishot accept and receive, registered files, one submit for a turn.
//!
//! One send in flight for a connection; a batch is shared by all its sends and lives until the last of them
//! has completed. The single issuer defers task work, and waits for as many completions as it knows will
//! come, plus one.

use std::alloc::{Layout, alloc_zeroed, handle_alloc_error};
use std::collections::VecDeque;
use std::io;
use std::net::TcpListener;
use std::os::fd::AsRawFd;
use std::rc::Rc;
use std::sync::atomic::{AtomicU16, Ordering};

use io_uring::types::{BufRingEntry, Fd, Fixed, SubmitArgs, Timespec};
use io_uring::{IoUring, cqueue, opcode, squeue};

use crate::hub::{Hub, Outcome, Peer};

const SUBMISSIONS: u32 = 4096;
const COMPLETIONS: u32 = 32_768;
const FILES_MAX: u32 = 65_536;
const BUFFERS: u16 = 128;
const BUFFER_BYTES: usize = 17 << 10;
const BUFFER_GROUP: u16 = 0;
const PAGE_BYTES: usize = 4096;

/// How long a turn waits for sends that do not complete at once, before it looks at what else came.
const STALLED_SENDS: Timespec = Timespec::new().nsec(1_000_000);

// What a completion is about stands above its connection's number.
const ACCEPT: u64 = 1 << 32;
const RECEIVE: u64 = 2 << 32;
const SEND: u64 = 3 << 32;
const CLOSE: u64 = 4 << 32;
const KIND: u64 = !0 << 32;

type Batch = Rc<Vec<u8>>;

/// One connection; its number is its registered file's.
#[derive(Default)]
struct Connection {
    peer: Peer,
    sending: Option<Batch>,
    waiting: VecDeque<Batch>,
    /// Nothing more is received or begun; closed when the send in flight is back.
    ending: bool,
    receiving: bool,
}

/// The memory that the kernel receives into: a ring of buffer descriptions, and the buffers.
struct Buffers {
    ring: *mut BufRingEntry,
    memory: Vec<u8>,
    tail: u16,
}

/// Who is connected, and the ring that they are served by.
struct Wire {
    ring: IoUring,
    connections: Vec<Option<Box<Connection>>>,
    sends_in_flight: usize,
}

struct Server {
    listener: TcpListener,
    hub: Hub,
    buffers: Buffers,
    wire: Wire,
}

/// Serves for ever.
pub(crate) fn serve(listener: TcpListener) -> io::Result<()> {
    let ring = IoUring::builder()
        .setup_single_issuer()
        .setup_defer_taskrun()
        .setup_cqsize(COMPLETIONS)
        .build(SUBMISSIONS)?;
    register_files(&ring)?;
    let buffers = Buffers::register(&ring)?;
    let wire = Wire {
        ring,
        connections: Vec::new(),
        sends_in_flight: 0,
    };
    let mut server = Server {
        listener,
        hub: Hub::default(),
        buffers,
        wire,
    };
    server.accept()?;
    let mut completions: Vec<cqueue::Entry> = Vec::new();
    loop {
        server.wire.submit_and_wait()?;
        completions.extend(server.wire.ring.completion());
        for completion in completions.drain(..) {
            server.complete(&completion)?;
        }
        server.end_turn()?;
    }
}

/// Registers as many places for connections as the process's limit on descriptors allows.
fn register_files(ring: &IoUring) -> io::Result<()> {
    let mut files = FILES_MAX;
    loop {
        match ring.submitter().register_files_sparse(files) {
            Err(error) if error.raw_os_error() == Some(libc::EMFILE) && files > 1 => files /= 2,
            outcome => return outcome,
        }
    }
}

impl Buffers {
    fn register(ring: &IoUring) -> io::Result<Buffers> {
        let bytes = usize::from(BUFFERS) * size_of::<BufRingEntry>();
        let layout = Layout::from_size_align(bytes, PAGE_BYTES).map_err(io::Error::other)?;
        // SAFETY: the layout's size is not zero. Zeroes are valid for the entries, which are integers.
        let entries: *mut BufRingEntry = unsafe { alloc_zeroed(layout) }.cast();
        if entries.is_null() {
            handle_alloc_error(layout);
        }
        // SAFETY: the memory is page-aligned, holds BUFFERS entries, and is never freed.
        unsafe {
            ring.submitter().register_buf_ring_with_flags(
                entries as u64,
                BUFFERS,
                BUFFER_GROUP,
                0,
            )?;
        }
        let memory = vec![0; usize::from(BUFFERS) * BUFFER_BYTES];
        let mut buffers = Buffers {
            ring: entries,
            memory,
            tail: 0,
        };
        for id in 0..BUFFERS {
            buffers.give_back(id);
        }
        Ok(buffers)
    }

    fn bytes(&self, id: u16, length: usize) -> &[u8] {
        &self.memory[usize::from(id) * BUFFER_BYTES..][..length]
    }

    fn give_back(&mut self, id: u16) {
        let address = self.memory[usize::from(id) * BUFFER_BYTES..].as_ptr() as u64;
        let place = usize::from(self.tail % BUFFERS);
        // SAFETY: `place` is within the ring, and the kernel reads no entry from the tail on.
        let entry = unsafe { &mut *self.ring.add(place) };
        entry.set_addr(address);
        entry.set_len(BUFFER_BYTES as u32);
        entry.set_bid(id);
        self.tail = self.tail.wrapping_add(1);
        // SAFETY: the ring's first entry carries the tail, which only this thread writes; the kernel
        // reads it with acquire, so the entry is published by this release.
        unsafe {
            let tail = BufRingEntry::tail(self.ring).cast_mut();
            AtomicU16::from_ptr(tail).store(self.tail, Ordering::Release);
        }
    }
}

impl Server {
    fn accept(&mut self) -> io::Result<()> {
        let entry = opcode::AcceptMulti::new(Fd(self.listener.as_raw_fd()))
            .allocate_file_index(true)
            .build()
            .user_data(ACCEPT);
        self.wire.push(&entry)
    }

    fn complete(&mut self, completion: &cqueue::Entry) -> io::Result<()> {
        let index = (completion.user_data() & !KIND) as usize;
        let more = cqueue::more(completion.flags());
        match completion.user_data() & KIND {
            ACCEPT => self.accepted(completion.result(), more),
            RECEIVE => self.received(index, completion, more),
            SEND => self.sent(index, completion.result()),
            _ => Ok(()),
        }
    }

    fn accepted(&mut self, result: i32, more: bool) -> io::Result<()> {
        if !more {
            self.accept()?;
        }
        let Ok(index) = usize::try_from(result) else {
            return Ok(());
        };
        if index >= self.wire.connections.len() {
            self.wire.connections.resize_with(index + 1, || None);
        }
        let connection = Connection {
            receiving: true,
            ..Connection::default()
        };
        self.wire.connections[index] = Some(Box::new(connection));
        self.wire.receive(index)
    }

    fn received(&mut self, index: usize, completion: &cqueue::Entry, more: bool) -> io::Result<()> {
        let Some(connection) = self.wire.connections[index].as_mut() else {
            return Ok(());
        };
        connection.receiving = more;
        let mut outcome = Outcome::Nothing;
        if let Some(id) = cqueue::buffer_select(completion.flags()) {
            let length = usize::try_from(completion.result()).unwrap_or(0);
            if !connection.ending {
                let bytes = self.buffers.bytes(id, length);
                outcome = self.hub.receive(index, &mut connection.peer, bytes);
            }
            self.buffers.give_back(id);
        }
        let ended = completion.result() <= 0 && completion.result() != -libc::ENOBUFS;
        match outcome {
            Outcome::Answer(answer) => self.wire.send(index, &Rc::new(answer))?,
            Outcome::End => return self.end(index),
            Outcome::Nothing if ended => return self.end(index),
            Outcome::Nothing => {}
        }
        if let Some(connection) = self.wire.connections[index].as_mut()
            && !connection.receiving
            && !connection.ending
        {
            connection.receiving = true;
            return self.wire.receive(index);
        }
        self.wire.close_if_quiet(index)
    }

    fn sent(&mut self, index: usize, result: i32) -> io::Result<()> {
        self.wire.sends_in_flight -= 1;
        let Some(connection) = self.wire.connections[index].as_mut() else {
            return Ok(());
        };
        let batch = connection.sending.take();
        let is_whole = batch.is_some_and(|batch| usize::try_from(result) == Ok(batch.len()));
        if !is_whole {
            return self.end(index);
        }
        match connection.waiting.pop_front() {
            Some(next) => self.wire.send(index, &next),
            None => self.wire.close_if_quiet(index),
        }
    }

    fn end_turn(&mut self) -> io::Result<()> {
        let wire = &mut self.wire;
        let mut outcome = Ok(());
        self.hub.end_turn(|subscribers, batch| {
            let batch = Rc::new(std::mem::take(batch));
            for index in subscribers {
                if outcome.is_ok() {
                    outcome = wire.send(*index, &batch);
                }
            }
        });
        outcome
    }

    /// Leaves the hub and stops the receive, which is what the shutdown ends.
    fn end(&mut self, index: usize) -> io::Result<()> {
        let Some(connection) = self.wire.connections[index].as_mut() else {
            return Ok(());
        };
        if !connection.ending {
            connection.ending = true;
            connection.waiting.clear();
            self.hub.leave(index, &connection.peer);
            let entry = opcode::Shutdown::new(Fixed(index as u32), libc::SHUT_RDWR)
                .build()
                .user_data(CLOSE);
            self.wire.push(&entry)?;
        }
        self.wire.close_if_quiet(index)
    }
}

impl Wire {
    fn submit_and_wait(&mut self) -> io::Result<()> {
        let arguments = SubmitArgs::new().timespec(&STALLED_SENDS);
        let submitter = self.ring.submitter();
        let outcome = match self.sends_in_flight {
            0 => self.ring.submit_and_wait(1),
            sends => submitter.submit_with_args(sends + 1, &arguments),
        };
        match outcome.map_err(|error| error.raw_os_error()) {
            Ok(_) | Err(Some(libc::ETIME | libc::EINTR | libc::EBUSY)) => Ok(()),
            Err(code) => Err(io::Error::from_raw_os_error(code.unwrap_or(libc::EIO))),
        }
    }

    /// Queues an operation, after handing a full queue to the kernel.
    fn push(&mut self, entry: &squeue::Entry) -> io::Result<()> {
        // SAFETY: what an entry points to outlives it: receive buffers live as long as the ring, a batch
        // is kept in `sending` until its completion, and nothing else carries a pointer.
        while unsafe { self.ring.submission().push(entry) }.is_err() {
            self.ring.submit()?;
        }
        Ok(())
    }

    fn receive(&mut self, index: usize) -> io::Result<()> {
        let entry = opcode::RecvMulti::new(Fixed(index as u32), BUFFER_GROUP)
            .build()
            .user_data(RECEIVE | index as u64);
        self.push(&entry)
    }

    fn send(&mut self, index: usize, batch: &Batch) -> io::Result<()> {
        let Some(connection) = self.connections[index].as_mut() else {
            return Ok(());
        };
        if connection.ending {
            return Ok(());
        }
        if connection.sending.is_some() {
            connection.waiting.push_back(Rc::clone(batch));
            return Ok(());
        }
        connection.sending = Some(Rc::clone(batch));
        self.sends_in_flight += 1;
        let entry = opcode::Send::new(Fixed(index as u32), batch.as_ptr(), batch.len() as u32)
            .flags(libc::MSG_WAITALL | libc::MSG_NOSIGNAL)
            .build()
            .user_data(SEND | index as u64);
        self.push(&entry)
    }

    /// Frees the file when nothing of the connection is in flight: the kernel may give its number to the
    /// next one at once.
    fn close_if_quiet(&mut self, index: usize) -> io::Result<()> {
        let is_quiet = self.connections[index]
            .as_ref()
            .is_some_and(|it| it.ending && it.sending.is_none() && !it.receiving);
        if !is_quiet {
            return Ok(());
        }
        self.connections[index] = None;
        let entry = opcode::Close::new(Fixed(index as u32))
            .build()
            .user_data(CLOSE);
        self.push(&entry)
    }
}
