//! The engine: does what the plan says and returns what it found.
//!
//! One thread for each `--threads`, each with a ring and a share of the connections. Shared are the phase of the run (`course`)
//! and, in a closed loop, notices of what came back (`lanes`); a delivery touches nothing that another thread writes.

mod arrivals;
mod buffers;
mod collector;
mod conductor;
mod course;
mod hearing;
mod homecoming;
mod inbound;
mod intervals;
mod lanes;
mod links;
mod obstacle;
mod opening;
mod posting;
mod processes;
mod publishing;
mod reception;
mod slow_reading;
mod turnover;
mod worker;

use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};

use reactor::{Driver, RingDriver};

use self::collector::Collector;
use self::conductor::Conductor;
use self::course::{Course, Phase};
use self::lanes::Lanes;
use self::processes::Processes;
use self::worker::{Share, Worker};
use crate::evidence::Evidence;
use crate::failure::Failure;
use crate::observer::Observer;
use crate::plan::Plan;
use crate::timeline::Part;

/// Ends a run from outside, by a signal for instance.
#[derive(Clone, Debug)]
pub struct Brake(Arc<Course>);

impl Brake {
    /// Ends what the run is at: connecting, or publishing, after which what is on its way is still waited for, or that waiting.
    pub fn pull(&self, reason: &str) {
        self.0.end_early(reason.to_owned());
        if self.0.phase() == Phase::Drain {
            self.0.begin_close();
        }
    }
}

/// A run that is ready to begin.
pub struct Engine<'p> {
    plan: &'p Plan,
    course: Arc<Course>,
    observers: Vec<Box<dyn Observer + 'p>>,
}

impl<'p> Engine<'p> {
    /// A run of `plan`.
    pub fn new(plan: &'p Plan) -> Engine<'p> {
        Engine {
            plan,
            course: Arc::new(Course::new(plan.threads, plan.layout.lines())),
            observers: Vec::new(),
        }
    }

    /// Lets somebody look on.
    pub fn watched_by(mut self, observer: Box<dyn Observer + 'p>) -> Engine<'p> {
        self.observers.push(observer);
        self
    }

    /// The means to end the run early.
    pub fn brake(&self) -> Brake {
        Brake(self.course.clone())
    }

    /// Runs to the end, on rings of the kernel and one thread for each. What stands in its way is told in the evidence, with
    /// what was found until then; an error is only what the command line should have said otherwise.
    pub fn run(mut self) -> Result<Evidence, Failure> {
        if let Err(failure) = self.make_room() {
            return Ok(Evidence {
                failure: Some(failure),
                connections_wanted: self.plan.layout.connections(),
                ..Evidence::default()
            });
        }
        let processes = Processes::of(self.plan)?;
        let conductor = Conductor::new(self.plan, processes);
        let observers = std::mem::take(&mut self.observers);
        let evidence = self.keep_timeline(observers, |parts| self.run_threads(conductor, parts));
        match evidence.failure {
            Some(failure @ Failure::Usage(_)) => Err(failure),
            _ => Ok(evidence),
        }
    }

    fn run_threads(&self, conductor: Conductor, parts: Sender<Part>) -> Evidence {
        let mut conductor = Some(conductor);
        let lanes = Lanes::new(self.plan.threads as usize, self.plan.layout, parts);
        let run = random_u64() as u32;
        let mut evidence = Evidence::default();
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..self.plan.threads)
                .zip(lanes)
                .map(|(thread, lanes)| {
                    let conductor = conductor.take();
                    std::thread::Builder::new()
                        .name(format!("load-{thread}"))
                        .spawn_scoped(scope, move || self.work(thread, lanes, conductor, run))
                        .map_err(|error| {
                            self.fail(Failure::Environment(format!(
                                "no thread could be started: {error}"
                            )))
                        })
                })
                .collect();
            for thread in threads {
                let found = thread.map(|thread| {
                    thread
                        .join()
                        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                });
                match found.flatten() {
                    Ok(found) => evidence.add(found),
                    Err(failure) => evidence.failure = evidence.failure.take().or(Some(failure)),
                }
            }
        });
        evidence
    }

    /// Runs to the end in this thread, on another driver than the kernel's: on a simulated network, in its time. Nothing but
    /// the plan, the driver and `seed` decides what is found; no process is looked at.
    ///
    /// # Panics
    /// If the plan has more than one thread.
    pub fn run_on<D: Driver>(self, driver: D, seed: u64) -> Evidence {
        assert_eq!(self.plan.threads, 1, "a simulation has one thread");
        let conductor = Conductor::new(self.plan, Processes::default());
        self.keep_timeline(Vec::new(), |parts| {
            let lanes = Lanes::new(1, self.plan.layout, parts).remove(0);
            self.turn_to_end(driver, 0, lanes, Some(conductor), seed as u32, seed)
        })
    }

    /// Makes sure that the machine allows what the plan wants.
    fn make_room(&self) -> Result<(), Failure> {
        let wanted = self.plan.layout.connections();
        let open_files = reactor::limits::raise_open_files().map_err(|error| {
            Failure::Environment(format!(
                "the limit of file descriptors cannot be raised: {error}"
            ))
        })?;
        let allowed = reactor::limits::sockets(open_files, u64::from(self.plan.threads));
        if wanted > allowed {
            return Err(obstacle::of_descriptors(wanted, allowed));
        }
        reactor::limits::make_room(wanted.min(open_files));
        Ok(())
    }

    /// Does `work`, and puts together what its threads send about each interval.
    fn keep_timeline(
        &self,
        observers: Vec<Box<dyn Observer + '_>>,
        work: impl FnOnce(Sender<Part>) -> Evidence,
    ) -> Evidence {
        let (parts, taken) = channel();
        std::thread::scope(|scope| {
            let collector = Collector::new(self.plan, &self.course, observers);
            let collector = scope.spawn(move || {
                // Where that is not possible it looks on from where it is.
                let _ = reactor::affinity::keep_current_thread_off(&self.plan.pins);
                collector.run(taken)
            });
            let mut evidence = work(parts);
            (evidence.timeline, evidence.latency) = collector
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            let from_ns = self.course.publish_from_ns();
            let window_ns = self.course.window_ns();
            if !window_ns.is_empty() {
                evidence.timeline.measured_ns = window_ns.start - from_ns..window_ns.end - from_ns;
            }
            evidence
        })
    }

    /// One thread from beginning to end. Whatever ends it early ends the others.
    fn work(
        &self,
        thread: u32,
        lanes: Lanes,
        conductor: Option<Conductor>,
        run: u32,
    ) -> Result<Evidence, Failure> {
        let _alarm = Alarm(&self.course);
        self.work_through(thread, lanes, conductor, run)
            .map_err(|failure| self.fail(failure))
    }

    fn work_through(
        &self,
        thread: u32,
        lanes: Lanes,
        conductor: Option<Conductor>,
        run: u32,
    ) -> Result<Evidence, Failure> {
        if let Some(&cpu) = self.plan.pins.get(thread as usize) {
            reactor::affinity::pin_current_thread(cpu).map_err(|error| {
                Failure::Usage(format!(
                    "--pin {cpu}: {error}; `nproc` says how many CPUs there are"
                ))
            })?;
        }
        let lockable_bytes = reactor::limits::locked_memory_bytes().map_err(|error| {
            Failure::Environment(format!("the limit of locked memory is unknown: {error}"))
        })?;
        let settings = buffers::ring_settings(self.plan, lockable_bytes);
        let driver =
            RingDriver::new(settings).map_err(|error| Failure::Environment(error.to_string()))?;
        Ok(self.turn_to_end(driver, thread, lanes, conductor, run, random_u64()))
    }

    fn turn_to_end<D: Driver>(
        &self,
        driver: D,
        thread: u32,
        lanes: Lanes,
        conductor: Option<Conductor>,
        run: u32,
        seed: u64,
    ) -> Evidence {
        self.course.enrol(thread, driver.waker());
        let share = Share {
            thread,
            threads: self.plan.threads,
        };
        let mut worker = Worker::new(driver, self.plan, &self.course, share, lanes, run, seed);
        if let Some(conductor) = conductor {
            worker.lead(conductor);
        }
        worker.run()
    }

    fn fail(&self, failure: Failure) -> Failure {
        self.course.fail(failure.clone());
        failure
    }
}

/// Lets the other threads end when one panics, instead of waiting for it for ever.
struct Alarm<'c>(&'c Course);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.fail(Failure::Environment(
                "a thread of the generator panicked: this is a fault of ringwire-load".to_owned(),
            ));
        }
    }
}

/// # Panics
/// If the operating system has no randomness.
fn random_u64() -> u64 {
    getrandom::u64().expect("Linux always has randomness")
}
