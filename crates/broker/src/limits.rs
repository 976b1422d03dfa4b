//! Every bound of this crate, with the relations between them.
//!
//! The constants hold for every broker; [`Limits`] is what an operator may choose, for one core where it says so.

/// Longest topic name or pattern.
pub const NAME_BYTES_MAX: usize = 256;
/// Most levels of a topic name or pattern; also the depth of the pattern index.
pub const LEVELS_MAX: usize = 16;
/// Most cores that brokers can be joined over: a set of cores is one `u64`.
pub const CORES_MAX: usize = 64;
/// Most publications in one chunk, whatever their size.
pub(crate) const CHUNK_PUBLICATIONS_MAX: usize = 4096;
/// Room for what a wire format usually puts around a payload, so that a run with one publication is allocated once.
pub(crate) const ENVELOPE_BYTES: usize = 96;
/// Replays that are kept for whoever asks for the same, until the next sweep.
pub(crate) const REPLAYS_MAX: usize = 16;
/// A replay is handed over in pieces, each of which ends with the publication that makes it this long.
pub(crate) const REPLAY_PIECE_BYTES: usize = 64 << 10;
/// What a chunk costs beside its runs, counted against the backlog so that empty messages are not free.
pub(crate) const CHUNK_OVERHEAD_BYTES: usize = 128;
/// What a retained publication costs beside its payload, counted against the bytes of all logs.
pub(crate) const RETAINED_OVERHEAD_BYTES: usize = 64;
/// What nobody has needed for so many sweeps goes: interest, topics without publications, feeds of pattern subscribers alone.
pub(crate) const IDLE_SWEEPS_MAX: u8 = 3;
/// Most topics, most feeds and most patterns that one sweep looks at.
pub(crate) const SWEEP_STEPS_MAX: usize = 16 << 10;
/// Most topics that a pattern subscription with a past looks at on each core, the most recently used first.
pub(crate) const PATTERN_SCAN_MAX: usize = 64 << 10;
/// Most recent pattern subscriptions that a feed catches up with one by one before it resolves its patterns anew.
pub(crate) const JOINS_MAX: usize = 1024;
/// Most buffers kept for the next turn's chunks.
pub(crate) const SPARE_CHUNKS_MAX: usize = 64;

/// The bounds that an operator may choose.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Subscriptions of one client, those still in progress included.
    pub subscriptions_max: u32,
    /// Subscriptions of one client to patterns with wildcards.
    pub pattern_subscriptions_max: u32,
    /// Commands of one client that wait for their answer.
    pub pending_max: u16,
    /// Topics that live on one core.
    pub topics_max: usize,
    /// Different patterns in use, over all cores.
    pub patterns_max: usize,
    /// Bytes of all retained publications on one core.
    pub log_bytes_max: usize,
    /// Bytes of all chunks that wait on one core for slow subscribers.
    pub backlog_bytes_max: usize,
    /// A topic's chunk is closed within the turn when a run reaches this size.
    pub chunk_bytes_max: usize,
    /// Largest payload of a publication.
    pub payload_bytes_max: usize,
    /// Most publications in the answer to a subscription that asks for a past.
    pub replay_messages_max: usize,
    /// Most bytes in the answer to a subscription that asks for a past: of payloads, each counted with its topic's name.
    pub replay_bytes_max: usize,
    /// Most publications in one answer to a history query.
    pub history_messages_max: usize,
    /// Most payload bytes in one answer to a history query, unless it is one publication.
    pub history_bytes_max: usize,
}

/// The defaults.
const DEFAULT: Limits = Limits {
    subscriptions_max: 128,
    pattern_subscriptions_max: 16,
    pending_max: 1024,
    topics_max: 1 << 20,
    patterns_max: 1 << 20,
    log_bytes_max: 256 << 20,
    backlog_bytes_max: 256 << 20,
    chunk_bytes_max: 64 << 10,
    payload_bytes_max: 1 << 20,
    replay_messages_max: 1000,
    replay_bytes_max: 1 << 20,
    history_messages_max: 1000,
    history_bytes_max: 1 << 20,
};

impl Default for Limits {
    fn default() -> Self {
        DEFAULT
    }
}

const _: () = {
    assert!(DEFAULT.pattern_subscriptions_max <= DEFAULT.subscriptions_max);
    assert!(DEFAULT.subscriptions_max <= DEFAULT.pending_max as u32);
    assert!(DEFAULT.chunk_bytes_max + DEFAULT.payload_bytes_max < DEFAULT.backlog_bytes_max);
    assert!(DEFAULT.payload_bytes_max + RETAINED_OVERHEAD_BYTES < DEFAULT.log_bytes_max);
    assert!(REPLAY_PIECE_BYTES <= DEFAULT.replay_bytes_max);
    assert!(LEVELS_MAX * 2 <= NAME_BYTES_MAX);
    assert!(CORES_MAX <= u64::BITS as usize);
};
