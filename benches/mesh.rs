//! What does one message between two cores cost, and what does it cost to wake a core for it?
//!
//! Messages are as large as those of the broker's delivery lanes. Rows: a [`mesh::Port`], which counts
//! and remembers who has to be woken, and crossbeam's `ArrayQueue`, which lies inside it. `one thread`
//! puts in and takes out by turns, everything in the cache; `two cores` streams from a thread pinned to the first
//! allowed CPU to one on the second, one by one or 64 at a time as a turn does, and its figure is that of
//! the slower side. `wake` is the way of `Core::flush_lanes`: two rings, the other one asleep in the kernel.
//!
//! `cargo bench -p ringwire-benches --bench mesh`

use std::hint::{black_box, spin_loop};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use crossbeam::queue::ArrayQueue;
use mesh::Port;
use reactor::{Completion, Driver, RingDriver, RingSettings, Wait, Waker, affinity, clock};
use server::core::Shipped;

type Message = [u8; size_of::<Shipped<broker::Delivery>>()];

const MESSAGE: Message = [7; size_of::<Message>()];
/// As `io.lane_capacity`.
const LANE_MESSAGES_MAX: usize = 1024;
const BATCH: u64 = 64;
/// More than a core takes from its last instruction to its sleep in the kernel.
const INTO_SLEEP: Duration = Duration::from_micros(50);

/// Who fills a lane: puts one message in if there is room, and ends a turn.
trait Sender: Send {
    fn send(&mut self) -> bool;
    fn end_turn(&mut self);
}

/// Who empties it.
trait Receiver: Send {
    fn receive(&mut self) -> bool;
}

impl Sender for Port<Message> {
    fn send(&mut self) -> bool {
        Port::send(self, 1, black_box(MESSAGE)).is_ok()
    }

    fn end_turn(&mut self) {
        assert_eq!(
            self.take_wakes().count(),
            0,
            "the other side does not sleep"
        );
    }
}

impl Receiver for Port<Message> {
    fn receive(&mut self) -> bool {
        black_box(Port::receive(self)).is_some()
    }
}

impl Sender for Arc<ArrayQueue<Message>> {
    fn send(&mut self) -> bool {
        self.push(black_box(MESSAGE)).is_ok()
    }

    fn end_turn(&mut self) {}
}

impl Receiver for Arc<ArrayQueue<Message>> {
    fn receive(&mut self) -> bool {
        black_box(self.pop()).is_some()
    }
}

fn port_lane() -> (Port<Message>, Port<Message>) {
    let mut ports = mesh::ports(2, LANE_MESSAGES_MAX);
    let receiver = ports.pop().expect("two ports");
    (ports.pop().expect("two ports"), receiver)
}

fn queue_lane() -> (Arc<ArrayQueue<Message>>, Arc<ArrayQueue<Message>>) {
    let queue = Arc::new(ArrayQueue::new(LANE_MESSAGES_MAX));
    (queue.clone(), queue)
}

fn lanes(criterion: &mut Criterion) {
    for batch in [1, BATCH] {
        let mut group = criterion.benchmark_group(format!("mesh/one thread/{batch} a turn"));
        group.throughput(Throughput::Elements(batch));
        let (mut sender, mut receiver) = port_lane();
        group.bench_function("port", |bencher| {
            bencher.iter(|| turn(&mut sender, &mut receiver, batch));
        });
        let (mut sender, mut receiver) = queue_lane();
        group.bench_function("ArrayQueue", |bencher| {
            bencher.iter(|| turn(&mut sender, &mut receiver, batch));
        });
        group.finish();

        let mut group = criterion.benchmark_group(format!("mesh/two cores/{batch} a turn"));
        group.throughput(Throughput::Elements(batch));
        group.bench_function("port", |bencher| {
            bencher.iter_custom(|turns| stream(port_lane(), turns, batch));
        });
        group.bench_function("ArrayQueue", |bencher| {
            bencher.iter_custom(|turns| stream(queue_lane(), turns, batch));
        });
        group.finish();
    }
    let mut group = criterion.benchmark_group("mesh/sleep");
    let (_sender, mut receiver) = port_lane();
    group.bench_function("announced and given up", |bencher| {
        bencher.iter(|| {
            assert!(receiver.prepare_to_sleep());
            receiver.awake();
        });
    });
    group.finish();
}

/// One turn of each side on one thread.
fn turn(sender: &mut impl Sender, receiver: &mut impl Receiver, batch: u64) {
    for _ in 0..batch {
        assert!(sender.send());
    }
    sender.end_turn();
    for _ in 0..batch {
        assert!(receiver.receive());
    }
}

/// So many turns from one core to the other, until the last message was taken.
fn stream(
    (mut sender, mut receiver): (impl Sender, impl Receiver),
    turns: u64,
    batch: u64,
) -> Duration {
    let begun = AtomicBool::new(false);
    thread::scope(|scope| {
        pin(0);
        let taker = scope.spawn(|| {
            pin(1);
            begun.store(true, Ordering::Release);
            let mut left = turns * batch;
            while left > 0 {
                if receiver.receive() {
                    left -= 1;
                } else {
                    spin_loop();
                }
            }
        });
        while !begun.load(Ordering::Acquire) {
            spin_loop();
        }
        let start = Instant::now();
        for _ in 0..turns {
            for _ in 0..batch {
                while !sender.send() {
                    spin_loop();
                }
            }
            sender.end_turn();
        }
        taker.join().expect("everything was taken");
        start.elapsed()
    })
}

/// This thread to the first or second CPU that the process was given. With one CPU there are no two cores to measure.
fn pin(place: usize) {
    // Asked once: a pinned thread may use one, and those that it starts as well.
    static CPUS: OnceLock<Vec<usize>> = OnceLock::new();
    let cpus = CPUS.get_or_init(|| affinity::allowed_cpus().expect("a CPU mask"));
    let cpu = *cpus.get(place).expect("two CPUs");
    affinity::pin_current_thread(cpu).expect("an allowed CPU");
}

fn wake(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("mesh/wake");
    group.bench_function("there and back", |bencher| {
        bencher.iter_custom(|rounds| wake_by_turns(rounds).0);
    });
    group.bench_function("there and back, CPU time of one core", |bencher| {
        bencher.iter_custom(|rounds| wake_by_turns(rounds).1);
    });
    group.bench_function("CPU time of the waking core", |bencher| {
        bencher.iter_custom(wake_sleeper);
    });
    group.finish();
}

/// Two cores that sleep in their rings and wake each other by turns: the time of so many rounds, and the first
/// core's CPU time in them.
fn wake_by_turns(rounds: u64) -> (Duration, Duration) {
    let (to_echo, from_caller) = std::sync::mpsc::channel::<Waker>();
    let (to_caller, from_echo) = std::sync::mpsc::channel::<Waker>();
    pin(0);
    thread::scope(|scope| {
        scope.spawn(move || {
            pin(1);
            let mut driver = driver();
            to_caller
                .send(driver.waker())
                .expect("the caller waits for it");
            let caller = from_caller.recv().expect("the caller sends it");
            for _ in 0..rounds {
                sleep(&mut driver);
                driver.wake(&caller);
            }
            // Out with the last wake-up.
            driver.wait(Wait::Poll).expect("the ring works");
        });
        let mut driver = driver();
        to_echo.send(driver.waker()).expect("the echo waits for it");
        let echo = from_echo.recv().expect("the echo sends it");
        let (start, start_ns) = (Instant::now(), clock::thread_cpu_ns());
        for _ in 0..rounds {
            driver.wake(&echo);
            sleep(&mut driver);
        }
        let used_ns = clock::thread_cpu_ns() - start_ns;
        (start.elapsed(), Duration::from_nanos(used_ns))
    })
}

/// The CPU time in which a core that goes on working wakes one that sleeps, so many times.
fn wake_sleeper(rounds: u64) -> Duration {
    let (to_waker, from_sleeper) = std::sync::mpsc::channel::<Waker>();
    let asleep = AtomicBool::new(false);
    pin(0);
    thread::scope(|scope| {
        scope.spawn(|| {
            pin(1);
            let mut driver = driver();
            to_waker.send(driver.waker()).expect("it is waited for");
            for _ in 0..rounds {
                asleep.store(true, Ordering::Release);
                sleep(&mut driver);
            }
        });
        let mut driver = driver();
        let sleeper = from_sleeper.recv().expect("the sleeper sends it");
        let mut used_ns = 0;
        for _ in 0..rounds {
            while !asleep.swap(false, Ordering::Acquire) {
                spin_loop();
            }
            // It has said so, and is on its way into the kernel.
            let begun = Instant::now();
            while begun.elapsed() < INTO_SLEEP {
                spin_loop();
            }
            let start_ns = clock::thread_cpu_ns();
            driver.wake(&sleeper);
            driver.wait(Wait::Poll).expect("the ring works");
            used_ns += clock::thread_cpu_ns() - start_ns;
        }
        Duration::from_nanos(used_ns)
    })
}

fn driver() -> RingDriver {
    RingDriver::new(RingSettings::default()).unwrap_or_else(|refusal| panic!("{refusal}"))
}

/// Until somebody wakes this core.
fn sleep(driver: &mut RingDriver) {
    loop {
        driver.wait(Wait::Until(None)).expect("the ring works");
        while let Some(completion) = driver.next_completion() {
            if matches!(completion, Completion::Woken) {
                return;
            }
        }
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .sample_size(30);
    targets = lanes, wake
}
criterion_main!(benches);
