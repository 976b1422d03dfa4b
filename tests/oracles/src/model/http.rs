//! HTTP/1.1 requests read by a model: split the text, look the framing up, take the body off.
//!
//! It judges nothing: a stream that the machine refuses means nothing here. What the machine takes must read
//! the same, and end at the same byte.

/// One request, and how many bytes it had with all that framed it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plain {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) bytes: usize,
}

impl Plain {
    /// The values of the fields of that name, in their order.
    pub(crate) fn values(&self, name: &str) -> Vec<&str> {
        let named = |field: &&(String, String)| field.0.eq_ignore_ascii_case(name);
        let fields = self.fields.iter().filter(named);
        fields.map(|(_, value)| value.as_str()).collect()
    }
}

/// The first request of a stream, if it is whole.
pub(crate) fn request(stream: &[u8]) -> Option<Plain> {
    let mut start = 0;
    while stream[start..].starts_with(b"\r\n") {
        start += 2;
    }
    let head_bytes = find(&stream[start..], b"\r\n\r\n")?;
    let head = std::str::from_utf8(&stream[start..start + head_bytes]).ok()?;
    let mut lines = head.split("\r\n");
    let mut parts = lines.next()?.split(' ');
    let (method, target) = (parts.next()?.to_owned(), parts.next()?.to_owned());
    let field = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_owned(), value.trim_matches([' ', '\t']).to_owned()))
    };
    let mut plain = Plain {
        method,
        target,
        fields: lines.map(field).collect::<Option<_>>()?,
        body: Vec::new(),
        bytes: start + head_bytes + 4,
    };
    let rest = &stream[plain.bytes..];
    let (body, body_bytes) = if !plain.values("transfer-encoding").is_empty() {
        chunked(rest)?
    } else {
        let length = match plain.values("content-length")[..] {
            [] => 0,
            [length, ..] => length.parse().ok()?,
        };
        (rest.get(..length)?.to_vec(), length)
    };
    plain.body = body;
    plain.bytes += body_bytes;
    Some(plain)
}

/// RFC 9112 section 7.1.3, which gives the decoding in pseudo-code.
fn chunked(stream: &[u8]) -> Option<(Vec<u8>, usize)> {
    let mut body = Vec::new();
    let mut at = 0;
    loop {
        let line_bytes = find(&stream[at..], b"\r\n")?;
        let line = &stream[at..at + line_bytes];
        let size = line.split(|byte| *byte == b';').next()?;
        let size = usize::from_str_radix(std::str::from_utf8(size).ok()?, 16).ok()?;
        at += line_bytes + 2;
        if size == 0 {
            break;
        }
        body.extend_from_slice(stream.get(at..at.checked_add(size)?)?);
        at += size + 2;
        if at > stream.len() {
            return None;
        }
    }
    loop {
        let line_bytes = find(&stream[at..], b"\r\n")?;
        at += line_bytes + 2;
        if line_bytes == 0 {
            return Some((body, at));
        }
    }
}

fn find(stream: &[u8], wanted: &[u8]) -> Option<usize> {
    stream
        .windows(wanted.len())
        .position(|window| window == wanted)
}
