//! How bad the simulated network is.

use std::ops::RangeInclusive;

/// What happens to bytes and operations on their way. The defaults delay and cut everything, but break nothing.
#[derive(Clone, Debug)]
pub struct Conditions {
    /// How long a packet travels, in nanoseconds. Packets of one direction never overtake each other.
    pub travel_ns: RangeInclusive<u64>,
    /// How long after an operation is done its completion shows.
    pub completion_ns: RangeInclusive<u64>,
    /// The longest packet, and the longest piece that a receive brings.
    pub piece_bytes_max: usize,
    /// Bytes that one direction of a connection holds for a reader that does not read, both ends' buffers together.
    pub window_bytes: usize,
    /// How many of a million packets break their connection instead of arriving.
    pub resets_per_million: u32,
    /// How many of a million accepts fail for want of descriptors; the connection is accepted later.
    pub accept_failures_per_million: u32,
    /// How many of a million receives find no buffer, and try again later.
    pub starvations_per_million: u32,
}

impl Default for Conditions {
    fn default() -> Self {
        Self {
            travel_ns: 5_000..=100_000,
            completion_ns: 0..=20_000,
            piece_bytes_max: 2_048,
            window_bytes: 64 << 10,
            resets_per_million: 0,
            accept_failures_per_million: 0,
            starvations_per_million: 50_000,
        }
    }
}
