//! The bounds of this crate, beside those that rustls has itself: 64 KiB for a handshake message, 32 key updates without data.

/// Bytes of a record, or of a handshake message's records, that wait for their rest. A record is 16 KiB and its overhead; a
/// whole flight of an honest server with a long chain of certificates is below 64 KiB.
pub const CUT_BYTES_MAX: usize = 128 << 10;

/// Bytes of a peer whose handshake does not end. A client without a certificate needs one to four KiB, a server with a long
/// chain a few more.
pub const HANDSHAKE_BYTES_MAX: usize = 64 << 10;

/// What encrypting adds to a record at most: its header, an explicit nonce, the content type and the tag.
pub(crate) const RECORD_OVERHEAD_BYTES_MAX: usize = 5 + 8 + 1 + 16;

/// Plaintext in one record (RFC 8446 section 5.1).
pub(crate) const RECORD_PLAIN_BYTES_MAX: usize = 16 << 10;

/// Sessions that a client remembers, to take them up again. rustls keeps eight for each server at most.
pub(crate) const SESSIONS_REMEMBERED_MAX: usize = 256;

/// Sessions that a server remembers: those of TLS 1.2 whose client takes no tickets.
pub(crate) const SESSIONS_KEPT_MAX: usize = 1024;

/// Days before a certificate's end at which it is spoken of.
pub(crate) const EXPIRY_NOTICE_DAYS: u32 = 14;

const _: () = assert!(CUT_BYTES_MAX > 64 * 1024 + RECORD_PLAIN_BYTES_MAX);
