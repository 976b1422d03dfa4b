//! The closed loop's books: which messages have come back completely.
//!
//! A message is *outstanding* from its sending until the last of its deliveries has arrived. Each thread counts the arrivals at
//! its own subscribers in a [`Countdown`]; when a thread has them all, it tells the thread whose publisher sent the message,
//! which counts threads in a [`Window`]. So a message costs one notice for each thread, not for each delivery.
//!
//! Both are rings of one slot for each message that may be in flight on a line, so nothing is allocated and nothing grows.

/// Counts the returns of each message on each line.
#[derive(Debug)]
pub struct Countdown {
    slots: Box<[Slot]>,
    width: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    sequence: u64,
    count: u32,
}

impl Countdown {
    /// Books for `lines` lines with up to `outstanding` messages in flight on each.
    pub fn new(lines: u32, outstanding: u32) -> Countdown {
        let width = outstanding.next_power_of_two();
        Countdown {
            slots: vec![Slot::default(); lines as usize * width as usize].into(),
            width,
        }
    }

    /// Notes one return of a message and says whether that was the last of `wanted`. Returns of messages so old that their
    /// slot serves a later one are of no interest any more.
    #[inline]
    pub fn note(&mut self, line: u32, sequence: u64, wanted: u32) -> bool {
        let at =
            line as usize * self.width as usize + (sequence & u64::from(self.width - 1)) as usize;
        let slot = &mut self.slots[at];
        if slot.sequence != sequence {
            if slot.sequence > sequence {
                return false;
            }
            *slot = Slot { sequence, count: 0 };
        }
        slot.count += 1;
        slot.count == wanted
    }
}

/// The messages of one line that its publisher has sent and not seen back.
#[derive(Debug)]
pub struct Window {
    /// Indexed by sequence modulo its length.
    in_flight: Box<[Option<InFlight>]>,
    oldest: u64,
    next: u64,
}

#[derive(Clone, Copy, Debug)]
struct InFlight {
    sent_ns: u64,
    threads_missing: u32,
}

impl Window {
    /// A window for up to `outstanding` messages.
    pub fn new(outstanding: u32) -> Window {
        Window {
            in_flight: vec![None; outstanding.next_power_of_two() as usize].into(),
            oldest: 0,
            next: 0,
        }
    }

    /// Whether another message fits. It may not although fewer than the allowed number are outstanding: when an old one is
    /// missing and later ones are back.
    pub fn has_room(&self) -> bool {
        self.next - self.oldest < self.in_flight.len() as u64
    }

    /// Enters the sending of the next message, which `threads` threads will report back, and returns its sequence number.
    ///
    /// # Panics
    /// Without room.
    pub fn send(&mut self, now_ns: u64, threads: u32) -> u64 {
        assert!(self.has_room(), "a window is never overrun");
        let sequence = self.next;
        *self.slot(sequence) = Some(InFlight {
            sent_ns: now_ns,
            threads_missing: threads,
        });
        self.next += 1;
        sequence
    }

    /// One thread has all its deliveries of a message. True if it was the last thread, so that the message is back.
    pub fn take_back(&mut self, sequence: u64) -> bool {
        if !(self.oldest..self.next).contains(&sequence) {
            return false;
        }
        let Some(message) = self.slot(sequence) else {
            return false;
        };
        message.threads_missing -= 1;
        let is_back = message.threads_missing == 0;
        if is_back {
            *self.slot(sequence) = None;
            self.advance();
        }
        is_back
    }

    /// Gives up every message sent before `before_ns` and returns how many those were.
    pub fn give_up(&mut self, before_ns: u64) -> u32 {
        let mut given_up = 0;
        for sequence in self.oldest..self.next {
            match *self.slot(sequence) {
                Some(message) if message.sent_ns >= before_ns => break,
                Some(_) => {
                    *self.slot(sequence) = None;
                    given_up += 1;
                }
                None => {}
            }
        }
        self.advance();
        given_up
    }

    fn slot(&mut self, sequence: u64) -> &mut Option<InFlight> {
        let mask = self.in_flight.len() as u64 - 1;
        &mut self.in_flight[(sequence & mask) as usize]
    }

    fn advance(&mut self) {
        while self.oldest < self.next && self.slot(self.oldest).is_none() {
            self.oldest += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_message_is_back_with_the_last_of_its_deliveries() {
        let mut countdown = Countdown::new(2, 4);
        assert!(!countdown.note(1, 0, 3));
        assert!(!countdown.note(1, 0, 3));
        assert!(!countdown.note(0, 0, 2), "another line's message");
        assert!(countdown.note(1, 0, 3));
        assert!(!countdown.note(1, 4, 2), "the slot serves the next round");
        assert!(
            !countdown.note(1, 0, 3),
            "and late returns of the old round do not disturb it"
        );
        assert!(countdown.note(1, 4, 2));
    }

    #[test]
    fn a_missing_message_holds_the_window_until_it_is_given_up() {
        let mut window = Window::new(2);
        assert_eq!((window.send(10, 1), window.send(20, 1)), (0, 1));
        assert!(window.take_back(1));
        assert!(!window.has_room(), "0 is missing");
        assert_eq!(window.give_up(10), 0);
        assert_eq!(window.give_up(11), 1);
        assert!(window.has_room());
        assert_eq!(window.send(30, 1), 2);
        assert!(!window.take_back(0), "too late");
        assert!(!window.take_back(7), "never sent");
    }

    proptest! {
        /// Whatever order the notices come in, each message is back exactly once, with its last thread.
        #[test]
        fn every_message_comes_back_once(outstanding in 1_u32..9, threads in 1_u32..4, picks in prop::collection::vec(any::<prop::sample::Index>(), 1..200)) {
            let mut window = Window::new(outstanding);
            let mut notices: Vec<u64> = Vec::new();
            let mut back = Vec::new();
            let mut sent = 0;
            for pick in picks {
                while window.has_room() {
                    let sequence = window.send(0, threads);
                    prop_assert_eq!(sequence, sent);
                    sent += 1;
                    notices.extend(std::iter::repeat_n(sequence, threads as usize));
                }
                let notice = notices.swap_remove(pick.index(notices.len()));
                if window.take_back(notice) {
                    prop_assert!(!notices.contains(&notice));
                    back.push(notice);
                }
            }
            let count = back.len();
            back.sort_unstable();
            back.dedup();
            prop_assert_eq!(back.len(), count);
            let waiting = (0..sent).filter(|sequence| notices.contains(sequence)).count();
            prop_assert_eq!(count + waiting, sent as usize);
        }
    }
}
