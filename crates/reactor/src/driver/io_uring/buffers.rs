//! The receive buffers that all sockets of a core share: one provided-buffer ring.
//!
//! The kernel picks a buffer when bytes are there, so that an idle socket owns none. Buffers go round in order, and
//! every one of them passes through the cache: about as many as receives become ready in one turn is best.
//! A buffer is lent to the driver's user until the next completion is taken, then goes back; the kernel sees
//! what went back at the next publishing, once per turn.

use crate::driver::POISON;
use crate::sys::Mapping;
use io_uring::IoUring;
use io_uring::types::BufRingEntry;
use std::io;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU16, Ordering};

/// The one buffer group of a ring.
pub(super) const GROUP: u16 = 0;

/// Most buffers that a ring can hold.
pub(super) const COUNT_MAX: u16 = 1 << 15;

pub(super) struct ReceiveBuffers {
    /// The ring header: `entries` descriptors, the kernel reads them and the tail.
    entries: Mapping,
    mask: u16,
    /// Where the next buffer goes back; published by `publish`.
    tail: u16,
    published_tail: u16,
    memory: Mapping,
    count: u16,
    buffer_bytes: u32,
    lent: Option<u16>,
}

impl ReceiveBuffers {
    /// Allocates `count` buffers and registers them with the ring.
    pub(super) fn register(ring: &IoUring, count: u16, buffer_bytes: u32) -> io::Result<Self> {
        let entries = count.next_power_of_two();
        let mut buffers = Self {
            entries: Mapping::new(usize::from(entries) * size_of::<BufRingEntry>())?,
            mask: entries - 1,
            tail: 0,
            published_tail: 0,
            memory: Mapping::new(usize::from(count) * buffer_bytes as usize)?,
            count,
            buffer_bytes,
            lent: None,
        };
        let header = buffers.entries.start().as_ptr() as u64;
        // SAFETY: the header is page-aligned, has `entries` entries, and lives until `unregister`
        // or, where that cannot be reached, for ever (the driver's drop leaks it).
        unsafe {
            ring.submitter()
                .register_buf_ring_with_flags(header, entries, GROUP, 0)?
        };
        (0..count).for_each(|buffer| buffers.give_back(buffer));
        buffers.publish();
        Ok(buffers)
    }

    pub(super) fn unregister(&self, ring: &IoUring) -> io::Result<()> {
        ring.submitter().unregister_buf_ring(GROUP)
    }

    /// Never frees the memory: the kernel may still write to it.
    pub(super) fn leak(&mut self) {
        self.entries.leak();
        self.memory.leak();
    }

    pub(super) fn count(&self) -> u16 {
        self.count
    }

    pub(super) fn buffer_bytes(&self) -> u32 {
        self.buffer_bytes
    }

    fn start_of(&self, buffer: u16) -> NonNull<u8> {
        assert!(
            buffer < self.count,
            "the kernel named a buffer that it was never given"
        );
        // SAFETY: `memory` has `count` buffers of `buffer_bytes`, and `buffer` is below `count`.
        unsafe {
            self.memory
                .start()
                .add(usize::from(buffer) * self.buffer_bytes as usize)
        }
    }

    /// Puts a buffer that the kernel had filled back into the ring.
    pub(super) fn give_back(&mut self, buffer: u16) {
        let start = self.start_of(buffer);
        if cfg!(debug_assertions) {
            // SAFETY: `memory` has `buffer_bytes` from there on, and the kernel was not given them yet.
            unsafe { start.write_bytes(POISON, self.buffer_bytes as usize) };
        }
        let position = usize::from(self.tail & self.mask);
        // SAFETY: `position` is inside the header. The kernel reads this entry only after the tail has passed it,
        // which `publish` does later; the entry's last two bytes, which are the tail in entry 0, stay untouched.
        let entry = unsafe {
            &mut *self
                .entries
                .start()
                .cast::<BufRingEntry>()
                .as_ptr()
                .add(position)
        };
        entry.set_addr(start.as_ptr() as u64);
        entry.set_len(self.buffer_bytes);
        entry.set_bid(buffer);
        self.tail = self.tail.wrapping_add(1);
    }

    /// Lets the kernel see everything given back so far.
    pub(super) fn publish(&mut self) {
        if self.tail == self.published_tail {
            return;
        }
        let base = self.entries.start().cast::<BufRingEntry>().as_ptr();
        // SAFETY: the tail lies inside the header, is aligned for a u16, and is only ever accessed atomically.
        let tail = unsafe { AtomicU16::from_ptr(BufRingEntry::tail(base).cast_mut()) };
        tail.store(self.tail, Ordering::Release);
        self.published_tail = self.tail;
    }

    /// The `len` bytes that the kernel wrote into `buffer`, until `reclaim`.
    pub(super) fn lend(&mut self, buffer: u16, len: usize) -> &mut [u8] {
        assert!(len <= self.buffer_bytes as usize && self.lent.is_none());
        let start = self.start_of(buffer);
        self.lent = Some(buffer);
        // SAFETY: the kernel has written `len` bytes and lets go of the buffer until it is given back, which
        // `reclaim` does; it needs `&mut self`, so the slice is gone by then.
        unsafe { std::slice::from_raw_parts_mut(start.as_ptr(), len) }
    }

    /// Takes back what was lent.
    pub(super) fn reclaim(&mut self) {
        if let Some(buffer) = self.lent.take() {
            self.give_back(buffer);
        }
    }
}
