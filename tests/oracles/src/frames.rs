//! Frame headers and the rules between fragments, on bytes cut anywhere.
//!
//! The first byte of the input says how long the reads are. The same bytes, read whole and read
//! in pieces, must give the same frames and end at the same error; a header that decodes must
//! encode to the very bytes it came from; and no limit may be passed.

use frame::{ClosePayload, Error, Fragments, Header, Limits, Opcode, Part};

const LIMITS: Limits = Limits {
    message_bytes_max: 200,
    fragments_max: 5,
};

pub(crate) fn judge(input: &[u8]) {
    let Some((&read_bytes, stream)) = input.split_first() else {
        return;
    };
    let whole = frames(stream, stream.len().max(1));
    let pieces = frames(stream, usize::from(read_bytes).max(1));
    assert_eq!(whole, pieces);
}

type Frames = (Vec<(Header, Option<Part>)>, Option<Error>);

/// What a connection would see that reads `read_bytes` at a time.
fn frames(stream: &[u8], read_bytes: usize) -> Frames {
    let mut fragments = Fragments::new();
    let mut seen = Vec::new();
    let mut start = 0;
    let mut end = 0;
    loop {
        match Header::decode(&stream[start..end]) {
            Err(error) => return (seen, Some(error)),
            Ok(None) if end == stream.len() => return (seen, None),
            Ok(None) => end = stream.len().min(end + read_bytes),
            Ok(Some((header, header_bytes))) => {
                same_bytes(&header, &stream[start..start + header_bytes]);
                match fragments.on_frame(&header, &LIMITS) {
                    Err(error) => return (seen, Some(error)),
                    Ok(part) => seen.push((header, part)),
                }
                check_limits(&seen);
                let payload_at = start + header_bytes;
                start = payload_at + header.payload_len as usize;
                if start > stream.len() {
                    return (seen, None);
                }
                close_payload(&header, &stream[payload_at..start]);
                end = end.max(start);
            }
        }
    }
}

fn same_bytes(header: &Header, bytes: &[u8]) {
    let mut out = [0; Header::BYTES_MAX];
    assert_eq!(header.encoded_len(), bytes.len());
    assert_eq!(header.encode(&mut out), bytes.len());
    assert_eq!(&out[..bytes.len()], bytes);
}

/// Adds up again, from the headers alone, what the message of the last data frame is.
fn check_limits(seen: &[(Header, Option<Part>)]) {
    let Some((_, Some(part))) = seen.last() else {
        return;
    };
    assert!(matches!(part.message, Opcode::Text | Opcode::Binary));
    let mut frames = 0;
    let mut bytes = 0;
    for (header, part) in seen.iter().rev() {
        let Some(part) = part else { continue };
        frames += 1;
        bytes += header.payload_len;
        if part.first {
            break;
        }
    }
    assert!(frames <= LIMITS.fragments_max && bytes <= LIMITS.message_bytes_max);
    assert_eq!(bytes, part.message_bytes);
}

fn close_payload(header: &Header, payload: &[u8]) {
    if header.opcode != Opcode::Close {
        return;
    }
    if let Ok(close) = ClosePayload::decode(payload) {
        let mut out = [0; 125];
        let length = close.encode(&mut out);
        assert_eq!(&out[..length], payload);
    }
}
