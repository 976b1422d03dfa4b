//! What a connection wants of its socket, and what is under way there.
//!
//! A few plain facts with the rules between them: one send at a time, a FIN after the last byte,
//! a close after the FIN or instead of it, one place in the ready list, one entry in the timers.

use session::Reason;

/// What is still read once the end is decided, in pieces of [`PIECE_BYTES`]: it was under way, and behind it comes the peer's
/// end. Whoever sends more is not read from any more, for reading costs us more than sending costs them; the peer may read our
/// last bytes until the close timeout.
const UNHEARD_PIECES_MAX: u16 = 256;
const PIECE_BYTES: usize = 64;

/// The socket's side of a connection.
#[derive(Debug)]
pub(super) struct Pipe {
    /// When the send in flight began, or the FIN was sent: never both.
    since_ms: u64,
    /// The deadline that the timers know.
    armed_ms: u64,
    /// A send is in flight.
    sending: bool,
    /// Some topic has bytes for this client.
    pub(super) behind: bool,
    /// It stands in the core's ready list.
    pub(super) ready: bool,
    pub(super) reading: Reading,
    ending: Ending,
    /// What came once the end was decided, each read rounded up to whole pieces.
    unheard_pieces: u16,
    /// Why it ends, once that is known.
    pub(super) reason: Option<Reason>,
}

/// Whether it is read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// It is.
    On,
    /// Not until it has taken something of what it asked for.
    Full,
    /// Not until there is room in the lanes.
    Lanes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// No end in sight.
    None,
    /// A FIN follows the last byte; the peer then has a while to close its half.
    Finish,
    /// The same, but the peer has closed its half already.
    FinishThenClose,
    /// The FIN is sent.
    Finished,
    /// Both directions end as soon as no send is in flight.
    Close,
    /// The close is on its way.
    Closed,
}

impl Pipe {
    pub(super) fn new() -> Self {
        Self {
            since_ms: 0,
            armed_ms: u64::MAX,
            sending: false,
            behind: false,
            ready: false,
            reading: Reading::On,
            ending: Ending::None,
            unheard_pieces: 0,
            reason: None,
        }
    }

    /// A send begins. None follows a FIN.
    pub(super) fn begin_send(&mut self, now_ms: u64) {
        self.sending = true;
        self.since_ms = now_ms;
    }

    pub(super) fn end_send(&mut self) {
        self.sending = false;
    }

    pub(super) fn is_sending(&self) -> bool {
        self.sending
    }

    /// `has_work` is something to send; `waits_for_turn` something to do that needs no socket.
    pub(super) fn becomes_ready(&mut self, has_work: bool, waits_for_turn: bool) -> bool {
        let ends = matches!(
            self.ending,
            Ending::Finish | Ending::FinishThenClose | Ending::Close
        );
        // A close does not wait for a send that a dead reader may never take.
        let free = !self.sending || self.ending == Ending::Close;
        let joins = !self.ready
            && (waits_for_turn || free && (has_work || self.behind || ends))
            && self.ending != Ending::Closed;
        self.ready |= joins;
        joins
    }

    /// FIN after the last byte.
    pub(super) fn finish(&mut self) {
        if self.ending == Ending::None {
            self.ending = Ending::Finish;
        }
    }

    /// The peer has closed its half: nothing to wait for after the last byte.
    pub(super) fn finish_then_close(&mut self) {
        match self.ending {
            Ending::None | Ending::Finish => self.ending = Ending::FinishThenClose,
            Ending::Finished => self.ending = Ending::Close,
            _ => {}
        }
    }

    /// The end, whatever is unsent.
    pub(super) fn close(&mut self) {
        if self.ending != Ending::Closed {
            self.ending = Ending::Close;
        }
    }

    /// Whether a FIN follows what is still to be sent.
    pub(super) fn is_finishing(&self) -> bool {
        matches!(self.ending, Ending::Finish | Ending::FinishThenClose)
    }

    /// Whether the socket is to be closed now: true once.
    pub(super) fn take_close(&mut self) -> bool {
        let close = self.ending == Ending::Close;
        if close {
            self.ending = Ending::Closed;
        }
        close
    }

    /// Whether the FIN is to be sent now: true once.
    pub(super) fn take_finish(&mut self, now_ms: u64) -> bool {
        match self.ending {
            Ending::Finish => {
                self.ending = Ending::Finished;
                self.since_ms = now_ms;
            }
            Ending::FinishThenClose => self.ending = Ending::Close,
            _ => return false,
        }
        true
    }

    /// Whether the end is decided: nothing that still comes is listened to.
    pub(super) fn is_ending(&self) -> bool {
        self.ending != Ending::None
    }

    /// So many bytes came after that.
    pub(super) fn overhear(&mut self, bytes: usize) {
        let pieces = u16::try_from(bytes.div_ceil(PIECE_BYTES)).unwrap_or(u16::MAX);
        self.unheard_pieces = self.unheard_pieces.saturating_add(pieces);
    }

    /// Whether more came than is read then.
    pub(super) fn has_heard_enough(&self) -> bool {
        self.unheard_pieces > UNHEARD_PIECES_MAX
    }

    pub(super) fn write_is_overdue(&self, now_ms: u64, write_timeout_ms: u64) -> bool {
        self.sending && now_ms >= self.since_ms + write_timeout_ms
    }

    pub(super) fn finish_is_overdue(&self, now_ms: u64, close_timeout_ms: u64) -> bool {
        self.ending == Ending::Finished && now_ms >= self.since_ms + close_timeout_ms
    }

    /// `u64::MAX` if there is none.
    pub(super) fn deadline(&self, write_timeout_ms: u64, close_timeout_ms: u64) -> u64 {
        if self.sending {
            self.since_ms + write_timeout_ms
        } else if self.ending == Ending::Finished {
            self.since_ms + close_timeout_ms
        } else {
            u64::MAX
        }
    }

    /// Remembers the deadline if it comes before the armed one; the timers then need an entry.
    pub(super) fn arm(&mut self, deadline_ms: u64) -> Option<u64> {
        (deadline_ms < self.armed_ms).then(|| {
            self.armed_ms = deadline_ms;
            deadline_ms
        })
    }

    /// An entry fired. Entries that were overtaken by an earlier one mean nothing.
    pub(super) fn disarm(&mut self, now_ms: u64) -> bool {
        let due = self.armed_ms <= now_ms;
        if due {
            self.armed_ms = u64::MAX;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fin_waits_for_the_last_byte_and_a_close_for_nothing() {
        let mut pipe = Pipe::new();
        pipe.begin_send(5);
        pipe.finish();
        assert!(!pipe.becomes_ready(true, false), "a send is in flight");
        pipe.close();
        assert!(pipe.becomes_ready(false, false) && pipe.take_close());
        assert!(!pipe.take_close(), "once");
        assert!(!pipe.becomes_ready(true, false), "nothing follows a close");
    }

    #[test]
    fn a_peer_that_closed_its_half_is_not_waited_for() {
        let mut pipe = Pipe::new();
        pipe.finish_then_close();
        assert!(pipe.take_finish(1) && pipe.take_close());
        let mut pipe = Pipe::new();
        pipe.finish();
        assert!(pipe.take_finish(1));
        assert!(!pipe.finish_is_overdue(1000, 1000) && pipe.finish_is_overdue(1001, 1000));
        pipe.finish_then_close();
        assert!(pipe.take_close());
    }

    #[test]
    fn a_peer_that_goes_on_after_the_end_is_heard_up_to_a_bound() {
        let mut pipe = Pipe::new();
        assert!(!pipe.is_ending());
        pipe.finish();
        assert!(pipe.is_ending());
        pipe.overhear((usize::from(UNHEARD_PIECES_MAX) - 1) * PIECE_BYTES);
        pipe.overhear(0);
        pipe.overhear(1);
        assert!(!pipe.has_heard_enough(), "the last piece was begun");
        pipe.overhear(1);
        assert!(pipe.has_heard_enough());
        pipe.overhear(usize::MAX);
        pipe.overhear(usize::MAX);
        assert!(pipe.has_heard_enough());
    }

    #[test]
    fn only_an_earlier_deadline_needs_a_new_timer() {
        let mut pipe = Pipe::new();
        assert_eq!(pipe.arm(100), Some(100));
        assert_eq!(pipe.arm(200), None);
        assert_eq!(pipe.arm(50), Some(50));
        assert!(pipe.disarm(50));
        assert!(!pipe.disarm(100), "the entry at 100 was overtaken");
    }
}
