//! The bounds of this crate: what one client may make a session hold or do. Bounds on topics, subscriptions and logs are the broker's.

/// How deep a JSON payload may nest. RFC 8259 section 9 lets an implementation set this; subscribers' parsers have such limits too, and a payload that
/// only some of them can read would break the others.
pub const JSON_DEPTH_MAX: u32 = 64;

/// The longest `id` of a command as it stands in the text, quotes and escapes included. It is kept until the command is answered.
pub const ID_BYTES_MAX: usize = 128;

/// How many positions one `since` object may carry.
pub const POSITIONS_MAX: usize = 1024;

/// The largest `last`.
pub const LAST_MAX: u32 = 1_000_000;

/// The greatest age that `since` may name: 400 days.
pub const AGE_S_MAX: u64 = 400 * 24 * 3600;

/// Errors of the client's own making after which a connection is closed: more are no accident, and each costs an answer.
pub const STRIKES_MAX: u8 = 10;

/// How long it takes one such error to be forgiven.
pub const STRIKE_FORGIVEN_MS: u64 = 60_000;

/// Bytes of a session between two messages. It holds nothing beside them but the name of the topic that a raw client publishes to, and the strikes
/// of a client that made a mistake.
pub const SESSION_BYTES_MAX: usize = 24;

// A position is an object entry of at least 10 bytes (`"a":"b:1",`), so its bound must be one that a message can reach; and a strike must fit its counter.
const _: () =
    assert!(POSITIONS_MAX * 10 < 1 << 20 && STRIKES_MAX < u8::MAX && ID_BYTES_MAX < 1 << 10);
