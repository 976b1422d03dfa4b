//! The receiving half of a client's WebSocket: frames out of the bytes of each read.
//!
//! Nearly everything that a measured server sends is a whole message in one frame that lies whole in the read:
//! [`plain`] sees that from the header and nothing is copied. Whatever is not (a frame that a read has cut, fragments, the other kind,
//! control frames, broken rules) goes to the protocol's own machine, a whole frame at a time, so that the short way and
//! the machine can take turns on one connection. No read is longer than a message may be, so the short way needs no limit.

use frame::{Header, Opcode};
use protocol::ws::{Config, Connection, Event, Inflater, Input};

/// What is kept of a connection's frames between two reads.
#[derive(Debug, Default)]
pub(super) struct Inbound {
    /// The start of a frame that a read has cut.
    cut: Vec<u8>,
    /// A fragmented message has begun and not ended.
    is_in_message: bool,
}

/// How far the first frame in some bytes reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    /// It ends here; or it breaks a rule, and the machine is to see all there is.
    Whole(usize),
    /// It goes on beyond the bytes, by at least so many.
    Cut(usize),
}

/// Where the payload begins and ends, if a whole message of this kind in one frame stands at the start of `bytes`. Whether text
/// is UTF-8 is not looked at.
#[inline]
pub(super) fn plain(bytes: &[u8], opcode: Opcode) -> Option<(usize, usize)> {
    let (header, header_bytes) = Header::decode(bytes).ok()??;
    if !header.fin || header.opcode != opcode || header.rsv != 0 || header.mask.is_some() {
        return None;
    }
    let left_bytes = bytes.len() - header_bytes;
    let payload_bytes = usize::try_from(header.payload_len)
        .ok()
        .filter(|length| *length <= left_bytes)?;
    Some((header_bytes, header_bytes + payload_bytes))
}

impl Inbound {
    /// Whether the next byte begins a frame that [`plain`] may look at.
    #[inline]
    pub(super) fn is_between_messages(&self) -> bool {
        self.cut.is_empty() && !self.is_in_message
    }

    /// Takes the frame at the start of `bytes`, or as much of it as there is, and returns how many bytes that were.
    pub(super) fn take(
        &mut self,
        machine: &mut Connection,
        config: &Config,
        inflater: &mut Inflater,
        now_ms: u64,
        bytes: &mut [u8],
        mut hear: impl FnMut(Event<'_>),
    ) -> usize {
        let mut judge = |frame: &mut [u8], is_in_message: &mut bool| {
            if let Ok(Some((header, _))) = Header::decode(frame)
                && !header.opcode.is_control()
            {
                *is_in_message = !header.fin;
            }
            let mut input = Input::new(frame);
            while let Some(event) = machine.receive(config, inflater, now_ms, &mut input) {
                hear(event);
            }
        };
        if self.cut.is_empty() {
            return match extent(bytes, config) {
                Extent::Whole(length) => {
                    judge(&mut bytes[..length], &mut self.is_in_message);
                    length
                }
                Extent::Cut(_) => {
                    self.cut.extend_from_slice(bytes);
                    bytes.len()
                }
            };
        }
        let mut taken = 0;
        loop {
            match extent(&self.cut, config) {
                Extent::Whole(_) => {
                    judge(&mut self.cut, &mut self.is_in_message);
                    self.cut.clear();
                    return taken;
                }
                Extent::Cut(_) if taken == bytes.len() => return taken,
                Extent::Cut(missing) => {
                    let until = bytes.len().min(taken + missing);
                    self.cut.extend_from_slice(&bytes[taken..until]);
                    taken = until;
                }
            }
        }
    }
}

fn extent(bytes: &[u8], config: &Config) -> Extent {
    match Header::decode(bytes) {
        Ok(None) => Extent::Cut(1),
        Ok(Some((header, header_bytes)))
            if header.payload_len <= config.limits.message_bytes_max =>
        {
            let frame_bytes = header_bytes + header.payload_len as usize;
            match frame_bytes.checked_sub(bytes.len()) {
                None | Some(0) => Extent::Whole(frame_bytes),
                Some(missing) => Extent::Cut(missing),
            }
        }
        Ok(Some(_)) | Err(_) => Extent::Whole(bytes.len()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use protocol::ws::Role;

    use super::*;

    const CONFIG: Config = Config {
        limits: frame::Limits {
            message_bytes_max: 300,
            fragments_max: 8,
        },
        control_frames_per_s_max: 0,
        ping_interval_ms: 0,
        pong_timeout_ms: 0,
        close_timeout_ms: 1000,
    };

    fn machine() -> Connection {
        Connection::new(Role::Client, 0, 7)
    }

    /// What the machine alone makes of all bytes at once.
    fn by_the_machine(stream: &[u8]) -> (Vec<String>, Vec<u8>) {
        let (mut machine, mut heard, mut out) = (machine(), Vec::new(), Vec::new());
        let mut bytes = stream.to_vec();
        let mut input = Input::new(&mut bytes);
        let mut inflater = Inflater::default();
        while let Some(event) = machine.receive(&CONFIG, &mut inflater, 0, &mut input) {
            heard.push(format!("{event:?}"));
        }
        machine.transmit(&mut out);
        (heard, out)
    }

    /// What both ways together make of them, read by read.
    fn by_both(reads: &[&[u8]]) -> (Vec<String>, Vec<u8>) {
        let (mut machine, mut heard, mut out) = (machine(), Vec::new(), Vec::new());
        let (mut inbound, mut inflater) = (Inbound::default(), Inflater::default());
        for read in reads {
            let mut bytes = read.to_vec();
            let mut at = 0;
            while at < bytes.len() {
                if let Some((from, until)) = plain(&bytes[at..], Opcode::Binary)
                    .filter(|_| inbound.is_between_messages() && machine.is_open())
                {
                    let payload = bytes[at + from..at + until].into();
                    heard.push(format!(
                        "{:?}",
                        Event::Message {
                            kind: protocol::ws::Kind::Binary,
                            payload
                        }
                    ));
                    at += until;
                } else {
                    at += inbound.take(
                        &mut machine,
                        &CONFIG,
                        &mut inflater,
                        0,
                        &mut bytes[at..],
                        |event| heard.push(format!("{event:?}")),
                    );
                }
            }
        }
        machine.transmit(&mut out);
        (heard, out)
    }

    fn any_frame() -> impl Strategy<Value = Vec<u8>> {
        let opcode = prop_oneof![6 => Just(2_u8), 1 => Just(1), 3 => Just(0), 1 => Just(9), 1 => Just(10), 1 => Just(3)];
        let first = (
            opcode,
            prop::bool::weighted(0.8),
            prop::bool::weighted(0.02),
        )
            .prop_map(|(opcode, fin, rsv)| u8::from(fin) << 7 | u8::from(rsv) << 6 | opcode);
        (
            first,
            prop_oneof![4 => 0..126_usize, 2 => 126..290_usize, 1 => 290..300_usize],
        )
            .prop_map(|(first, length)| {
                let mut frame = vec![first];
                match length {
                    0..126 => frame.push(length as u8),
                    _ => frame.extend([126, (length >> 8) as u8, length as u8]),
                }
                frame.extend((0..length).map(|at| b'a' + (at % 26) as u8));
                frame
            })
    }

    proptest! {
        /// The short way changes nothing, wherever reads cut and whatever rules are broken.
        #[test]
        fn both_ways_together_hear_what_the_machine_hears(frames in prop::collection::vec(any_frame(), 1..12), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12)) {
            let stream = frames.concat();
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len())).chain([0, stream.len()]).collect();
            cuts.sort_unstable();
            let reads: Vec<&[u8]> = cuts.windows(2).map(|ends| &stream[ends[0]..ends[1]]).collect();
            prop_assert_eq!(by_both(&reads), by_the_machine(&stream));
        }
    }

    #[test]
    fn a_frame_that_is_too_large_is_not_waited_for() {
        let reads: [&[u8]; 2] = [b"\x82\x7e\x01\x2d", b"abc"];
        assert_eq!(by_both(&reads), by_the_machine(&reads.concat()));
        assert_eq!(by_both(&reads).0, ["Failed(Frame(MessageTooBig))"]);
    }

    #[test]
    fn only_a_whole_message_of_the_kind_is_plain() {
        assert_eq!(plain(b"\x82\x02abrest", Opcode::Binary), Some((2, 4)));
        assert_eq!(plain(b"\x82\x00", Opcode::Binary), Some((2, 2)));
        assert_eq!(plain(b"\x81\x02ab", Opcode::Text), Some((2, 4)));
        for other in [
            b"\x82\x03ab".as_slice(),
            b"\x82",
            b"",
            b"\x02\x02ab",
            b"\x81\x02ab",
            b"\xc2\x02ab",
            b"\x89\x02ab",
            b"\x82\x82keysab",
        ] {
            assert_eq!(plain(other, Opcode::Binary), None, "{other:?}");
        }
    }
}
