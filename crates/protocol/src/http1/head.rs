//! A head: the start line and the header lines of one message, read within bounds and parsed once.
//!
//! [`HeadReader`] collects bytes until the empty line, refusing early what can only fail: another
//! protocol at its first odd byte, another version at the end of the first line. [`Head`] is the
//! whole text with the places of its fields, for requests and responses alike.

use super::field::{is_method_byte, list};
use super::lines::{Lines, Seen};
use super::{Error, Limits};
use std::fmt;

/// Which kind of start line a reader waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StartLine {
    Request,
    Response,
}

/// Collects one head.
pub(crate) struct HeadReader {
    start_line: StartLine,
    bytes: Vec<u8>,
    lines: Lines,
    /// The first space was seen, so what came before it was a method.
    method_ended: bool,
    /// Bytes of empty lines before the start line: not kept, but counted.
    skipped_bytes: usize,
}

/// Half a head may hold tokens as well.
impl fmt::Debug for HeadReader {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("HeadReader")
            .field("bytes", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

impl HeadReader {
    pub(crate) fn new(start_line: StartLine) -> Self {
        Self {
            start_line,
            bytes: Vec::new(),
            lines: Lines::default(),
            method_ended: false,
            skipped_bytes: 0,
        }
    }

    /// Whether no byte of the head has arrived.
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty() && self.skipped_bytes == 0
    }

    /// Takes bytes up to the end of the head. After `Some` or an error the reader is used up.
    pub(crate) fn receive(
        &mut self,
        limits: &Limits,
        input: &mut &[u8],
    ) -> Result<Option<Head>, Error> {
        while let Some(end) = self.scan(limits, input)? {
            let (taken, rest) = input.split_at(end);
            *input = rest;
            self.bytes.extend_from_slice(taken);
            if self.lines.count() > 0 {
                return Head::parse(
                    self.start_line,
                    std::mem::take(&mut self.bytes),
                    self.lines.count() - 1,
                )
                .map(Some);
            }
            // RFC 9112 section 2.2: empty lines before the request line are ignored.
            self.skipped_bytes += self.bytes.len();
            self.bytes.clear();
        }
        self.bytes.extend_from_slice(input);
        *input = &[];
        Ok(None)
    }

    /// Looks at each byte of `input` once, up to an empty line: how many bytes end with it.
    fn scan(&mut self, limits: &Limits, input: &[u8]) -> Result<Option<usize>, Error> {
        let before = self.skipped_bytes + self.bytes.len();
        for (at, &byte) in input.iter().enumerate() {
            if before + at >= limits.head_bytes_max {
                let in_start_line = self.lines.count() == 0;
                return Err(if in_start_line {
                    Error::TargetTooLong
                } else {
                    Error::HeadTooLarge
                });
            }
            self.check_method(byte)?;
            match self.lines.push(byte)? {
                Seen::Byte => {}
                Seen::EmptyLine => return Ok(Some(at + 1)),
                Seen::LineEnd if self.lines.count() == 1 => self.check_start_line(&input[..=at])?,
                Seen::LineEnd if self.lines.count() > limits.headers_max + 1 => {
                    return Err(Error::TooManyHeaders);
                }
                Seen::LineEnd => {}
            }
        }
        Ok(None)
    }

    /// A TLS hello, an SSH banner or line noise is told at its first byte that is in no method.
    fn check_method(&mut self, byte: u8) -> Result<(), Error> {
        if self.method_ended || self.start_line == StartLine::Response {
            return Ok(());
        }
        match byte {
            b' ' => self.method_ended = true,
            b'\r' | b'\n' if self.lines.is_at_line_start() => {}
            _ if is_method_byte(byte) => {}
            _ => return Err(Error::NotHttp),
        }
        Ok(())
    }

    /// The version is judged when the first line is whole: an HTTP/2 client hears 505 at once.
    fn check_start_line(&self, newest: &[u8]) -> Result<(), Error> {
        if self.start_line == StartLine::Response {
            return Ok(());
        }
        const TAIL: usize = b" HTTP/1.1\r\n".len();
        let mut tail = [0; TAIL];
        let ending = self.bytes.iter().chain(newest).rev();
        tail.iter_mut()
            .rev()
            .zip(ending)
            .for_each(|(slot, byte)| *slot = *byte);
        match &tail {
            b" HTTP/1.1\r\n" => Ok(()),
            [b' ', b'H', b'T', b'T', b'P', b'/', major, b'.', minor, ..]
                if major.is_ascii_digit() && minor.is_ascii_digit() =>
            {
                Err(Error::Version)
            }
            _ => Err(Error::RequestLine),
        }
    }
}

/// The place of some text in a head.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    start: usize,
    end: usize,
}

impl Span {
    pub(crate) fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// Where `part`, which was cut out of `whole`, stands in it. An empty part may stand anywhere.
    fn of(whole: &[u8], part: &[u8]) -> Self {
        if part.is_empty() {
            return Self::default();
        }
        let start = part.as_ptr().addr() - whole.as_ptr().addr();
        Self {
            start,
            end: start + part.len(),
        }
    }

    pub(crate) fn start(&self) -> usize {
        self.start
    }
}

/// One parsed head.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Head {
    text: String,
    fields: Vec<(Span, Span)>,
    /// Empty in a response.
    method: Span,
    /// Empty in a response.
    target: Span,
    /// Zero in a request.
    status: u16,
}

impl Head {
    fn parse(start_line: StartLine, bytes: Vec<u8>, headers: usize) -> Result<Self, Error> {
        // Header values are text for everybody above; octets beyond ASCII must then be UTF-8.
        let text = String::from_utf8(bytes).map_err(|_| Error::HeaderLine)?;
        let mut parsed = vec![httparse::EMPTY_HEADER; headers];
        let (method, target, status) = match start_line {
            StartLine::Request => parse_request(text.as_bytes(), &mut parsed)?,
            StartLine::Response => parse_response(text.as_bytes(), &mut parsed)?,
        };
        let span = |part: &[u8]| Span::of(text.as_bytes(), part);
        let fields = parsed
            .iter()
            .map(|field| (span(field.name.as_bytes()), span(field.value)))
            .collect();
        Ok(Self {
            method,
            target,
            status,
            fields,
            text,
        })
    }

    pub(crate) fn text(&self, span: Span) -> &str {
        &self.text[span.start..span.end]
    }

    pub(crate) fn method(&self) -> &str {
        self.text(self.method)
    }

    pub(crate) fn target(&self) -> (&str, Span) {
        (self.text(self.target), self.target)
    }

    pub(crate) fn status(&self) -> u16 {
        self.status
    }

    /// The values of all fields of that name, in their order.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> + Clone {
        self.fields
            .iter()
            .filter(move |(field, _)| self.text(*field).eq_ignore_ascii_case(name))
            .map(|(_, value)| self.text(*value))
    }

    /// Whether one of the comma lists in the fields of that name holds `token`, in any case.
    pub(crate) fn lists(&self, name: &str, token: &str) -> bool {
        self.all(name)
            .flat_map(list)
            .any(|element| element.eq_ignore_ascii_case(token))
    }
}

/// A head may hold tokens, which no log is to show.
impl fmt::Debug for Head {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Head").finish_non_exhaustive()
    }
}

fn parse_request<'b>(
    bytes: &'b [u8],
    headers: &mut [httparse::Header<'b>],
) -> Result<(Span, Span, u16), Error> {
    let mut request = httparse::Request::new(headers);
    match request.parse(bytes) {
        Ok(httparse::Status::Complete(_)) => {}
        // The line ends in the right version, so a wrong one is another space before it.
        Ok(httparse::Status::Partial) | Err(httparse::Error::Token | httparse::Error::Version) => {
            return Err(Error::RequestLine);
        }
        Err(_) => return Err(Error::HeaderLine),
    }
    let part = |text: Option<&str>| Span::of(bytes, text.unwrap_or_default().as_bytes());
    match (request.method, request.path) {
        (Some(_), Some(_)) => Ok((part(request.method), part(request.path), 0)),
        _ => Err(Error::RequestLine),
    }
}

fn parse_response<'b>(
    bytes: &'b [u8],
    headers: &mut [httparse::Header<'b>],
) -> Result<(Span, Span, u16), Error> {
    let mut response = httparse::Response::new(headers);
    match response.parse(bytes) {
        Ok(httparse::Status::Complete(_)) => {}
        Ok(httparse::Status::Partial)
        | Err(httparse::Error::Token | httparse::Error::Status | httparse::Error::Version) => {
            return Err(Error::StatusLine);
        }
        Err(_) => return Err(Error::HeaderLine),
    }
    // Version 0 is HTTP/1.0: an answer from before persistent connections and the chunked coding.
    match (response.version, response.code) {
        (Some(1), Some(status)) => Ok((Span::default(), Span::default(), status)),
        _ => Err(Error::Version),
    }
}
