//! permessage-deflate (RFC 7692 section 7): what both ends agree on.

/// What the handshake agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// How the server compresses.
    pub server: Compressing,
    /// How the client does.
    pub client: Compressing,
}

/// How one end compresses its messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compressing {
    /// Messages may refer to those before: the other end has to remember them.
    pub context_takeover: bool,
    /// The window has 2 to the power of this many bytes: 8 to 15.
    pub window_bits: u8,
}
