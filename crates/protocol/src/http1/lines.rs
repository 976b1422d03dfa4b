//! Where a block of header lines ends, found one byte at a time.
//!
//! A scan remembers where it stands between two reads, so each byte is looked at once however the
//! input is cut. It is strict: a line ends in CR LF and nothing else, because a peer that takes a
//! lone CR or LF for a line end sees other requests than we do (RFC 9112 section 2.2 lets us refuse).

use super::Error;

/// What one more byte of the block meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// It belongs to a line, or to a line end that is not whole.
    Byte,
    /// It ended a line that is not empty.
    LineEnd,
    /// It ended an empty line: the block is whole.
    EmptyLine,
}

/// The state of the scan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lines {
    line_bytes: usize,
    lines: usize,
    after_carriage_return: bool,
}

impl Lines {
    /// Lines that ended so far, empty ones not counted.
    pub(crate) fn count(&self) -> usize {
        self.lines
    }

    /// Whether the present line has no byte yet, other than half a line end.
    pub(crate) fn is_at_line_start(&self) -> bool {
        self.line_bytes == 0
    }

    pub(crate) fn push(&mut self, byte: u8) -> Result<Seen, Error> {
        #[cfg(test)]
        tests::LOOKED_AT.with(|count| count.set(count.get() + 1));
        match (self.after_carriage_return, byte) {
            (false, b'\r') => self.after_carriage_return = true,
            (false, b'\n') => return Err(Error::LineEnd),
            (false, _) => self.line_bytes += 1,
            (true, b'\n') => return Ok(self.end_line()),
            (true, _) => return Err(Error::LineEnd),
        }
        Ok(Seen::Byte)
    }

    fn end_line(&mut self) -> Seen {
        self.after_carriage_return = false;
        if self.line_bytes == 0 {
            return Seen::EmptyLine;
        }
        self.line_bytes = 0;
        self.lines += 1;
        Seen::LineEnd
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Limits, Requests};
    use std::cell::Cell;

    thread_local! {
        pub(super) static LOOKED_AT: Cell<usize> = const { Cell::new(0) };
    }

    #[test]
    fn a_dripping_head_costs_no_more_looks_than_it_has_bytes() {
        let head = format!("GET / HTTP/1.1\r\nhost: h\r\n{}\r\n", "a: b\r\n".repeat(60));
        let mut machine = Requests::new(Limits::default(), 0);
        let mut requests = 0;
        for byte in head.as_bytes().chunks(1) {
            requests += usize::from(machine.receive(0, &mut &*byte).unwrap().is_some());
        }
        assert_eq!(requests, 1);
        assert_eq!(LOOKED_AT.get(), head.len());
    }
}
