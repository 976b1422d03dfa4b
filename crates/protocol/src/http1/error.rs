//! What can be wrong with a request, and the status that says so.
//!
//! A variant names the rule that was broken. After any of them the connection is closed: whoever
//! disagrees with us about the framing of one request cannot be asked for another.

use std::fmt;

/// The rule that an HTTP peer broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The first bytes cannot begin an HTTP request: another protocol came to this port.
    NotHttp,
    /// The request line is not `method SP target SP version`.
    RequestLine,
    /// The version is not HTTP/1.1.
    Version,
    /// The status line of a response is not `version SP status SP reason`.
    StatusLine,
    /// A line ended in a carriage return or a line feed alone.
    LineEnd,
    /// A header line is malformed: folded, a space before the colon, a control character, not UTF-8.
    HeaderLine,
    /// The request target is in none of the forms that a server of resources answers.
    Target,
    /// The request line alone is longer than a head may be.
    TargetTooLong,
    /// The head is longer than it may be.
    HeadTooLarge,
    /// There are more header lines than there may be.
    TooManyHeaders,
    /// `Host` is missing, repeated or no host.
    Host,
    /// `Content-Length` is repeated or not a plain decimal number.
    ContentLength,
    /// `Transfer-Encoding` is repeated or anything but `chunked`.
    TransferEncoding,
    /// `Content-Length` and `Transfer-Encoding` stand in one message.
    LengthAndTransferEncoding,
    /// A request that asks for a WebSocket has a body.
    UpgradeWithBody,
    /// `Expect` asks for something other than `100-continue`.
    Expectation,
    /// The chunked coding is malformed, or a chunk size does not fit 64 bits.
    Chunk,
    /// The chunk extensions of one body are longer than they may be together.
    ChunkExtensions,
    /// The body is larger than it may be.
    BodyTooLarge,
    /// The head or the body was not whole in time.
    Timeout,
}

impl Error {
    /// The status to answer with before the connection is closed.
    pub fn status(&self) -> u16 {
        match self {
            Self::Timeout => 408,
            Self::BodyTooLarge => 413,
            Self::TargetTooLong => 414,
            Self::Expectation => 417,
            Self::HeadTooLarge | Self::TooManyHeaders => 431,
            Self::Version => 505,
            _ => 400,
        }
    }

    /// One sentence for whoever sent the request.
    pub fn message(&self) -> &'static str {
        match self {
            Self::NotHttp => "this is not an HTTP request",
            Self::RequestLine => "the request line is malformed",
            Self::Version => "only HTTP/1.1 is spoken here",
            Self::StatusLine => "the status line is malformed",
            Self::LineEnd => "lines end in CR LF",
            Self::HeaderLine => "a header line is malformed",
            Self::Target => "the request target is malformed",
            Self::TargetTooLong => "the request target is too long",
            Self::HeadTooLarge => "the header lines are too long",
            Self::TooManyHeaders => "there are too many header lines",
            Self::Host => "exactly one valid Host header is required",
            Self::ContentLength => "Content-Length is not one decimal number",
            Self::TransferEncoding => "the only transfer coding that this server knows is chunked",
            Self::LengthAndTransferEncoding => {
                "Content-Length and Transfer-Encoding exclude each other"
            }
            Self::UpgradeWithBody => "a request for a WebSocket has no body",
            Self::Expectation => "the only expectation that this server knows is 100-continue",
            Self::Chunk => "the chunked body is malformed",
            Self::ChunkExtensions => "there are too many chunk extensions",
            Self::BodyTooLarge => "the body is too large",
            Self::Timeout => "the request was not complete in time",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.message())
    }
}

impl std::error::Error for Error {}
