//! Bytes as an attacker writes them: frames with any header, handshakes with any field.
//!
//! Nothing here is shared with the broker, and nothing is checked: a length may be a lie, a mask may be missing, a field may
//! stand there twice. What is right and wrong is the rows' business.

/// The key of masked frames. Not zero, so that masked bytes differ from plain ones.
pub const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// FIN, in a frame's first byte.
pub const FIN: u8 = 0x80;
/// RSV1, in a frame's first byte.
pub const RSV1: u8 = 0x40;
/// Opcodes.
pub const CONTINUATION: u8 = 0;
/// Text.
pub const TEXT: u8 = 1;
/// Binary.
pub const BINARY: u8 = 2;
/// Close.
pub const CLOSE: u8 = 8;
/// Ping.
pub const PING: u8 = 9;
/// Pong.
pub const PONG: u8 = 10;

/// How the length stands in a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// In the fewest bytes.
    Minimal,
    /// In 16 bits.
    In16,
    /// In 64 bits.
    In64,
}

/// A header whose first byte is `first`, which declares `length` bytes of payload.
pub fn header(first: u8, length: u64, form: Length, key: Option<[u8; 4]>) -> Vec<u8> {
    let mask = if key.is_some() { 0x80 } else { 0 };
    let form = match form {
        Length::Minimal if length < 126 => None,
        Length::Minimal if length < 1 << 16 => Some(Length::In16),
        Length::Minimal => Some(Length::In64),
        other => Some(other),
    };
    let mut bytes = vec![first];
    match form {
        None => bytes.push(mask | length as u8),
        Some(Length::In16) => {
            bytes.push(mask | 126);
            bytes.extend((length as u16).to_be_bytes());
        }
        Some(_) => {
            bytes.push(mask | 127);
            bytes.extend(length.to_be_bytes());
        }
    }
    bytes.extend(key.into_iter().flatten());
    bytes
}

/// A masked frame with this first byte.
pub fn part(first: u8, payload: &[u8]) -> Vec<u8> {
    masked(first, payload, Length::Minimal, KEY)
}

/// A masked frame whose length is written in this form.
pub fn masked(first: u8, payload: &[u8], form: Length, key: [u8; 4]) -> Vec<u8> {
    let mut bytes = header(first, payload.len() as u64, form, Some(key));
    let at = bytes.len();
    bytes.extend_from_slice(payload);
    for (index, byte) in bytes[at..].iter_mut().enumerate() {
        *byte ^= key[index % 4];
    }
    bytes
}

/// A whole masked frame.
pub fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    part(FIN | opcode, payload)
}

/// A Close with this code and reason.
pub fn close(code: u16, reason: &[u8]) -> Vec<u8> {
    frame(CLOSE, &[&code.to_be_bytes(), reason].concat())
}

/// The types of TLS records.
pub const TLS_ALERT: u8 = 21;
/// Handshake.
pub const TLS_HANDSHAKE: u8 = 22;

/// A TLS record (RFC 8446 section 5.1).
pub fn tls_record(kind: u8, fragment: &[u8]) -> Vec<u8> {
    let length = u16::try_from(fragment.len()).expect("a record is short");
    [&[kind, 3, 1][..], &length.to_be_bytes(), fragment].concat()
}

/// The start of a ClientHello that declares `length` bytes, of which some zeros follow.
pub fn client_hello(length: u32, zeros: usize) -> Vec<u8> {
    let mut hello = vec![1];
    hello.extend_from_slice(&length.to_be_bytes()[1..]);
    hello.extend([3, 3]);
    hello.resize(hello.len() + zeros, 0);
    hello
}

/// One request, field by field.
#[derive(Clone, Debug)]
pub struct Request {
    line: String,
    fields: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    /// A request without fields.
    pub fn new(line: &str) -> Self {
        Self {
            line: line.to_owned(),
            fields: Vec::new(),
            body: Vec::new(),
        }
    }

    /// A good opening handshake.
    pub fn handshake(path: &str, host: &str) -> Self {
        Self::new(&format!("GET {path} HTTP/1.1"))
            .field("Host", host)
            .field("Upgrade", "websocket")
            .field("Connection", "Upgrade")
            .field("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
            .field("Sec-WebSocket-Version", "13")
    }

    /// With another request line.
    pub fn line(mut self, line: &str) -> Self {
        line.clone_into(&mut self.line);
        self
    }

    /// With one more field, wherever else that name stands.
    pub fn field(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Without any field of that name.
    pub fn without(mut self, name: &str) -> Self {
        self.fields
            .retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self
    }

    /// With exactly one field of that name.
    pub fn set(self, name: &str, value: &str) -> Self {
        self.without(name).field(name, value)
    }

    /// With bytes behind the head.
    pub fn body(mut self, body: &[u8]) -> Self {
        body.clone_into(&mut self.body);
        self
    }

    /// How many header lines it has.
    pub fn fields(&self) -> usize {
        self.fields.len()
    }

    /// As it is sent.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = format!("{}\r\n", self.line).into_bytes();
        for (name, value) in &self.fields {
            bytes.extend(format!("{name}: {value}\r\n").into_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&self.body);
        bytes
    }

    /// Filled up with a field of the right length, so that the head has exactly so many bytes.
    ///
    /// # Panics
    /// If it is longer already.
    pub fn padded_to(self, head_bytes: usize) -> Self {
        let before = self.clone().body(b"").field("X-Padding", "").bytes().len();
        self.field("X-Padding", &"x".repeat(head_bytes - before))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_stand_as_in_the_rfc() {
        // RFC 6455 section 5.7: a masked "Hello".
        let hello = [
            0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58,
        ];
        assert_eq!(frame(TEXT, b"Hello"), hello);
        assert_eq!(
            header(FIN | BINARY, 256, Length::Minimal, None),
            [0x82, 0x7e, 0x01, 0x00]
        );
        assert_eq!(
            header(FIN | BINARY, 65_536, Length::Minimal, None),
            [0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0]
        );
        assert_eq!(
            header(FIN | BINARY, 5, Length::In16, None),
            [0x82, 0x7e, 0, 5]
        );
    }

    #[test]
    fn a_padded_head_has_exactly_so_many_bytes() {
        let request = Request::handshake("/", "h").padded_to(8192);
        assert_eq!(request.bytes().len(), 8192);
    }
}
