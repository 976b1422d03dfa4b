//! How large a thread's ring and its receive buffers are, from what the plan lets arrive at once.
//!
//! What a subscriber gets in one go should fit one buffer: each buffer more is a completion more, and a message across two of
//! them is assembled by a copy. Larger than that they only spread over the cache what lay close together. Measured against
//! the io_uring floor, own CPU per delivery: 64 messages of 64 B at a time 97 ns with 2 KiB buffers and 88 ns with 8 KiB;
//! 8 messages of 16 KiB 6.6 us with 2 KiB buffers and 4.2 us with 64 KiB.

use frame::Header;
use reactor::RingSettings;

use crate::plan::{Pace, Plan};

const BUFFER_BYTES_MIN: u64 = 2 << 10;
pub(super) const BUFFER_BYTES_MAX: u64 = 64 << 10;

/// What TLS adds to a record: header, content type and tag, and the explicit nonce of TLS 1.2.
const RECORD_BYTES: usize = 5 + 1 + 16 + 8;

/// All buffers of one thread together.
const MEMORY_BYTES_MAX: u64 = 16 << 20;

const BUFFERS_MAX: u64 = 1024;

const _: () = assert!(MEMORY_BYTES_MAX / BUFFER_BYTES_MAX >= 128);

/// The ring of one of the plan's threads, when the user may lock `lockable_bytes` in memory.
pub(super) fn ring_settings(plan: &Plan, lockable_bytes: Option<u64>) -> RingSettings {
    let messages = match plan.pace {
        Pace::Open { .. } | Pace::Idle => 1,
        Pace::Closed { outstanding } => u64::from(outstanding),
    };
    // What comes is about as long as what is sent, and a server may put each message into a TLS record of its own.
    let record_bytes = plan.security.as_ref().map_or(0, |_| RECORD_BYTES);
    let message_bytes = plan
        .dialect
        .envelope(&plan.topic_names[0], plan.payload_bytes)
        .message_bytes(plan.payload_bytes);
    let burst_bytes = messages * (message_bytes + Header::BYTES_MAX + record_bytes) as u64;
    let buffer_bytes = burst_bytes
        .next_power_of_two()
        .clamp(BUFFER_BYTES_MIN, BUFFER_BYTES_MAX);
    RingSettings {
        receive_buffer_bytes: buffer_bytes as u32,
        receive_buffers: BUFFERS_MAX.min(MEMORY_BYTES_MAX / buffer_bytes) as u16,
        locked_kib_max: lockable_bytes
            .map_or(u64::MAX, |bytes| bytes / 1024 / u64::from(plan.threads)),
        ..RingSettings::default()
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::arguments::Arguments;

    fn buffers(line: &str) -> (u32, u16) {
        let words = std::iter::once("ringwire-load").chain(line.split_whitespace());
        let arguments = Arguments::try_parse_from(words).expect("a sensible line");
        let settings = ring_settings(&arguments.plan().expect("a sensible plan"), None);
        (settings.receive_buffer_bytes, settings.receive_buffers)
    }

    #[test]
    fn a_burst_fits_a_buffer_within_bounds() {
        assert_eq!(buffers("--rate 1000"), (2048, 1024));
        assert_eq!(buffers("-w 64"), (8192, 1024));
        assert_eq!(buffers("-w 1 --payload 16KiB"), (32_768, 512));
        assert_eq!(buffers("-w 65536 --payload 1MiB"), (65_536, 256));
    }

    #[test]
    fn threads_share_what_may_be_locked() {
        let words = ["ringwire-load", "--threads", "4"];
        let plan = Arguments::try_parse_from(words)
            .expect("a sensible line")
            .plan();
        let settings = ring_settings(&plan.expect("a sensible plan"), Some(1 << 20));
        assert_eq!(settings.locked_kib_max, 256);
    }
}
