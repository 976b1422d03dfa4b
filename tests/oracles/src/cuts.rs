//! Where a stream is cut into reads: the outcome must not depend on it.

/// The reads of `stream` that `how` asks for: below 128 all of one length, `how + 1`; above, lengths
/// from 1 to 16 that follow from `how` alone.
pub(crate) fn reads(how: u8, mut stream: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut state = u32::from(how);
    std::iter::from_fn(move || {
        let wanted = match how {
            0..=127 => usize::from(how) + 1,
            _ => {
                // The linear congruential generator of POSIX's `rand`, whose upper bits are the good ones.
                state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345);
                1 + (state >> 16) as usize % 16
            }
        };
        if stream.is_empty() {
            return None;
        }
        let (read, rest) = stream.split_at(wanted.min(stream.len()));
        stream = rest;
        Some(read)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_are_the_stream_and_none_is_empty() {
        let stream: Vec<u8> = (0..=255).collect();
        for how in 0..=u8::MAX {
            let reads: Vec<&[u8]> = reads(how, &stream).collect();
            assert_eq!(reads.concat(), stream);
            assert!(reads.iter().all(|read| !read.is_empty()));
        }
        assert_eq!(reads(0, &stream).count(), 256);
        assert_eq!(reads(0, &[]).count(), 0);
    }
}
