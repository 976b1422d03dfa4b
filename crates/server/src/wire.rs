//! How a publication looks on the wire, once for each wire format: the one place where the
//! broker's formats, the session's dialects and WebSocket frames meet.
//!
//! The broker asks for it once per message and format, whatever the number of subscribers.

use std::ops::Range;

use broker::{Encode, Format, Kind, Publication};
use frame::{Header, Opcode};
use session::dialect::json;

/// Encodes publications into frames. Keeps one scratch buffer from call to call.
#[derive(Debug, Default)]
pub struct WireEncoder {
    scratch: Vec<u8>,
}

impl Encode for WireEncoder {
    fn encode(
        &mut self,
        format: Format,
        topic: &str,
        publication: &Publication<'_>,
        out: &mut Vec<u8>,
    ) -> Option<Range<usize>> {
        if format == Format::RAW {
            let opcode = match publication.kind {
                Kind::Text | Kind::Json => Opcode::Text,
                Kind::Binary => Opcode::Binary,
            };
            return Some(write_frame(opcode, publication.payload, out));
        }
        self.scratch.clear();
        let verbatim = json::message(&mut self.scratch, topic, publication);
        let message = write_frame(Opcode::Text, &self.scratch, out);
        verbatim.map(|within| message.start + within.start..message.start + within.end)
    }
}

/// Appends one unmasked, unfragmented frame; returns where its payload stands.
pub fn write_frame(opcode: Opcode, payload: &[u8], out: &mut Vec<u8>) -> Range<usize> {
    let header = Header {
        fin: true,
        rsv: 0,
        opcode,
        mask: None,
        payload_len: payload.len() as u64,
    };
    let mut head = [0; Header::BYTES_MAX];
    let head_bytes = header.encode(&mut head);
    out.reserve(head_bytes + payload.len());
    out.extend_from_slice(&head[..head_bytes]);
    let start = out.len();
    out.extend_from_slice(payload);
    start..out.len()
}
