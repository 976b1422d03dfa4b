//! No wake-up is ever lost, on two threads that race for every single one.
//!
//! The kernel's part is played by a channel: a sleeper waits for one token, a waker puts one in. If a wake-up were lost,
//! the sleeper would wait for ever; its patience ends after a minute, and the test with it.

use ringwire_mesh::{Port, ports};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

const ROUNDS: u32 = 200_000;
const PATIENCE: Duration = Duration::from_secs(60);

/// Receives one message, asleep whenever there is none.
fn receive(port: &mut Port<u32>, wakes: &Receiver<()>) -> u32 {
    loop {
        if let Some((_, message)) = port.receive() {
            return message;
        }
        if port.prepare_to_sleep() {
            wakes.recv_timeout(PATIENCE).expect("a wake-up was lost");
            port.awake();
        }
    }
}

/// A pause in steps of about a nanosecond.
fn pause(steps: u32) {
    (0..steps).for_each(|step| {
        std::hint::black_box(step);
    });
}

fn send(port: &mut Port<u32>, message: u32, wake: &SyncSender<()>) {
    port.send(1 - port.id(), message).unwrap();
    for _ in port.take_wakes() {
        // A wake-up that is still on its way is as good as a second one.
        let _ = wake.try_send(());
    }
}

/// A lost wake-up shows only if no other message follows, so each is sent after the one before was taken: at about the time at
/// which the receiver goes to sleep. The pause before it varies, to meet every moment of that.
#[test]
fn a_message_that_meets_a_port_going_to_sleep_wakes_it() {
    let [mut near, mut far]: [Port<u32>; 2] = ports(2, 4).try_into().unwrap();
    let (wake_far, far_wakes) = sync_channel(1);
    let taken = Arc::new(AtomicU32::new(0));
    let taken_by_far = taken.clone();
    let sink = std::thread::spawn(move || {
        for expected in 0..ROUNDS {
            assert_eq!(receive(&mut far, &far_wakes), expected);
            taken_by_far.store(expected + 1, Ordering::Release);
            // About as long as the sender takes to hear of it.
            pause(expected % 401);
        }
        far.counters()
    });
    for round in 0..ROUNDS {
        pause(round % 97);
        send(&mut near, round, &wake_far);
        while taken.load(Ordering::Acquire) <= round && !sink.is_finished() {
            std::hint::spin_loop();
        }
    }
    let far_counters = sink.join().unwrap();
    assert!(
        near.counters().wakes > 0,
        "nobody ever slept: the test has tested nothing"
    );
    // On a single processor the two hardly ever meet.
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    assert!(
        processors < 2 || far_counters.sleeps_given_up > 0,
        "no message ever met a port going to sleep"
    );
}

#[test]
fn a_flood_over_a_small_lane_arrives_in_order() {
    let [mut near, mut far]: [Port<u32>; 2] = ports(2, 4).try_into().unwrap();
    let (wake_far, far_wakes) = sync_channel(1);
    let sink = std::thread::spawn(move || {
        (0..ROUNDS).for_each(|expected| assert_eq!(receive(&mut far, &far_wakes), expected));
    });
    for message in 0..ROUNDS {
        while !near.has_room(1) {
            std::thread::yield_now();
        }
        send(&mut near, message, &wake_far);
    }
    sink.join().unwrap();
}
