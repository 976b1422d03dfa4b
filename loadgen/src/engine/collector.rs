//! The thread that puts the intervals of all threads together, and shows them to whoever looks on.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use reactor::clock::monotonic_ns;

use super::course::Course;
use crate::observer::{Moment, Observer};
use crate::plan::Plan;
use crate::tally::Distribution;
use crate::timeline::{Collection, Complete, Part, Timeline};

/// How often observers look.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);

/// Puts parts together until the last thread is gone.
pub(super) struct Collector<'r> {
    course: &'r Course,
    collection: Collection,
    observers: Vec<Box<dyn Observer + 'r>>,
}

impl<'r> Collector<'r> {
    pub(super) fn new(
        plan: &Plan,
        course: &'r Course,
        observers: Vec<Box<dyn Observer + 'r>>,
    ) -> Collector<'r> {
        Collector {
            course,
            collection: Collection::new(plan.threads, plan.interval.as_nanos() as u64),
            observers,
        }
    }

    /// Takes `parts` until there are no more, and returns the whole timeline and the latencies of the measured window.
    pub(super) fn run(mut self, parts: Receiver<Part>) -> (Timeline, Distribution) {
        let mut looks = Instant::now();
        loop {
            let pause = match self.observers.is_empty() {
                true => Duration::MAX,
                false => looks.saturating_duration_since(Instant::now()),
            };
            match parts.recv_timeout(pause) {
                Ok(part) => self
                    .collection
                    .take(part, |complete| tell(&mut self.observers, complete)),
                Err(RecvTimeoutError::Timeout) => {
                    self.look();
                    looks = Instant::now() + LOOK_INTERVAL;
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.collection
            .finish(|complete| tell(&mut self.observers, complete))
    }

    fn look(&mut self) {
        let from_ns = self.course.publish_from_ns();
        let moment = Moment {
            phase: self.course.phase(),
            since_first_publish: Duration::from_nanos(match from_ns {
                0 => 0,
                from_ns => monotonic_ns().saturating_sub(from_ns),
            }),
            standing: self.course.standing(),
            timeline: self.collection.timeline(),
        };
        for observer in &mut self.observers {
            observer.look(&moment);
        }
    }
}

fn tell(observers: &mut [Box<dyn Observer + '_>], complete: &Complete) {
    for observer in observers {
        observer.interval(complete);
    }
}
