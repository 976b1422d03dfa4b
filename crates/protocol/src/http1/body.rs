//! The body of one message, collected within its bound.
//!
//! It grows with the bytes that arrived, never from the length that was declared.

use super::chunked::Chunked;
use super::framing::Framing;
use super::{Error, Limits};
use std::fmt;

/// Collects one body.
pub(super) struct BodyReader {
    bytes: Vec<u8>,
    ends: Ends,
}

/// How much there is, not what: no log is to show a body.
impl fmt::Debug for BodyReader {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("BodyReader")
            .field("bytes", &self.bytes.len())
            .field("ends", &self.ends)
            .finish()
    }
}

#[derive(Debug)]
enum Ends {
    AfterBytes(usize),
    ByCoding(Chunked),
    WithConnection,
}

impl BodyReader {
    /// Refuses a declared length that is over the bound, before a byte of it is read.
    pub(super) fn new(framing: Framing, limits: &Limits) -> Result<Self, Error> {
        let ends = match framing {
            Framing::Length(length) => {
                let length = usize::try_from(length)
                    .ok()
                    .filter(|length| *length <= limits.body_bytes_max);
                Ends::AfterBytes(length.ok_or(Error::BodyTooLarge)?)
            }
            Framing::Chunked => Ends::ByCoding(Chunked::new()),
            Framing::UntilClose => Ends::WithConnection,
        };
        Ok(Self {
            bytes: Vec::new(),
            ends,
        })
    }

    /// Takes the body's bytes from `input`: true when it is whole.
    pub(super) fn receive(&mut self, limits: &Limits, input: &mut &[u8]) -> Result<bool, Error> {
        match &mut self.ends {
            Ends::AfterBytes(length) => {
                let (taken, rest) = input.split_at(input.len().min(*length - self.bytes.len()));
                self.bytes.extend_from_slice(taken);
                *input = rest;
                Ok(self.bytes.len() == *length)
            }
            Ends::ByCoding(chunked) => chunked.receive(limits, input, &mut self.bytes),
            Ends::WithConnection => {
                if input.len() > limits.body_bytes_max - self.bytes.len() {
                    return Err(Error::BodyTooLarge);
                }
                self.bytes.extend_from_slice(input);
                *input = &[];
                Ok(false)
            }
        }
    }

    /// Whether the end of the connection now would be the end of the body.
    pub(super) fn may_end(&self) -> bool {
        matches!(self.ends, Ends::WithConnection)
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}
