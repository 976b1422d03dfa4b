//! What every driver must do, as one list of tests over all of them.
//!
//! A peer is another driver of the same kind, in the same thread: what one end does, the other end must see. Nothing here
//! knows which kind it runs on; the last lines say which there are.

mod epoll;
mod io_uring;
mod limits;
mod node;

mod connections;
mod endings;
mod receiving;
mod sending;
mod waking;

use node::Fabric;
use reactor::{EpollDriver, RingDriver, RingSettings};
use ringwire_sim::{Conditions, Network, SimDriver};

/// Drivers on io_uring, over loopback.
struct Rings {
    ordinary_descriptors_max: u32,
}

/// As they are at first.
const RINGS: Rings = Rings {
    ordinary_descriptors_max: u32::MAX,
};
/// As if the process had all the descriptors that it may have.
const RINGS_OF_DIRECT_DESCRIPTORS: Rings = Rings {
    ordinary_descriptors_max: 0,
};

impl Fabric for Rings {
    type Driver = RingDriver;

    fn driver(&mut self, receive_buffers: u16) -> RingDriver {
        let settings = RingSettings {
            submission_entries: 64,
            completion_entries: 1024,
            receive_buffers,
            ordinary_descriptors_max: self.ordinary_descriptors_max,
            ..RingSettings::default()
        };
        RingDriver::new(settings).unwrap_or_else(|refusal| panic!("{refusal}"))
    }
}

/// Drivers on epoll, over loopback.
struct Epolls;

impl Fabric for Epolls {
    type Driver = EpollDriver;

    fn driver(&mut self, receive_buffers: u16) -> EpollDriver {
        EpollDriver::with_receive_buffer(usize::from(receive_buffers) * 2048).unwrap()
    }
}

/// Drivers on a simulated network.
struct Simulation(Network);

impl Simulation {
    /// Runs one behaviour on several networks: each seed delays and cuts differently.
    fn on_each(behaviour: impl Fn(&mut Simulation)) {
        for seed in 0..8 {
            behaviour(&mut Simulation(Network::new(seed, Conditions::default())));
        }
    }
}

impl Fabric for Simulation {
    type Driver = SimDriver;

    fn driver(&mut self, receive_buffers: u16) -> SimDriver {
        self.0.driver(receive_buffers)
    }
}

/// Names each behaviour once and runs it on every kind of driver.
macro_rules! contract {
    ($($area:ident: $($behaviour:ident)*;)*) => {
        mod on_io_uring {
            $($(#[test] fn $behaviour() { super::$area::$behaviour(&mut { super::RINGS }); })*)*
        }

        mod on_io_uring_with_direct_descriptors {
            $($(#[test] fn $behaviour() { super::$area::$behaviour(&mut { super::RINGS_OF_DIRECT_DESCRIPTORS }); })*)*
        }

        mod on_epoll {
            $($(#[test] fn $behaviour() { super::$area::$behaviour(&mut super::Epolls); })*)*
        }

        mod on_the_simulation {
            $($(#[test] fn $behaviour() { super::Simulation::on_each(|network| super::$area::$behaviour(network)); })*)*
        }
    };
}

contract! {
    connections:
        an_echo_comes_back
        an_accepted_stream_knows_its_peer
        a_refused_connection_is_told
        a_source_address_is_used
        a_stopped_listener_accepts_nothing
        an_accepted_stream_that_nobody_adopts_is_closed
        a_stream_can_be_adopted_by_another_driver
        an_index_is_used_again_with_another_generation;
    receiving:
        bytes_arrive_in_order
        a_paused_socket_receives_nothing_and_loses_nothing
        pausing_and_receiving_at_once_keeps_receiving
        one_buffer_serves_many_sockets
        a_starved_socket_may_pause_or_close;
    sending:
        pieces_are_sent_in_order_and_given_back
        an_empty_send_is_answered
        a_large_send_waits_for_a_slow_reader
        a_second_send_in_flight_is_a_defect
        a_send_after_finish_is_a_defect
        more_sends_than_the_queue_holds_all_arrive
        vectored_sends_by_the_hundred_all_arrive
        a_turn_ends_for_a_user_who_sends_whenever_a_send_is_over;
    endings:
        a_fin_is_seen_and_the_other_direction_goes_on
        finish_lets_a_send_in_flight_end_first
        a_reset_is_seen_by_receive_and_send
        close_answers_with_closed_and_nothing_else
        close_ends_a_stuck_send
        close_ends_a_connect_in_flight
        operations_on_a_closed_socket_do_nothing
        a_driver_dropped_with_everything_in_flight_leaves_its_peers_closed;
    waking:
        a_wait_ends_at_its_deadline
        a_poll_does_not_sleep
        polling_alone_finds_everything
        a_waker_ends_a_sleep
        a_driver_wakes_another_and_itself
        a_waker_outlives_its_driver;
}
