//! What is allocated on a message's way, in a node that has warmed up: nothing for a delivery, and for
//! a publish a fixed few blocks, however many subscribers it has.
//!
//! Every allocation of the process is counted, so everything stands in one test. When it fails, dhat writes
//! where each block was allocated, and says into which file; <https://nnethercote.github.io/dh_view/dh_view.html>
//! shows it.

use std::rc::Rc;

use frame::Opcode;
use userspace::{Client, Stage, publication};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

/// More than a topic keeps, so that each publication removes one.
const WARM_UP: usize = 300;
const ROUNDS: usize = 100;

/// A node, one publisher on its first core, and the frames of one read.
struct Scene {
    stage: Stage,
    publisher: Client,
    read: Rc<[u8]>,
}

impl Scene {
    fn new(cores: usize, subscribers: usize, together: usize) -> Self {
        let mut stage = Stage::new(cores);
        let home = cores - 1;
        let topic = (0..)
            .map(|number| format!("the/{number}"))
            .find(|topic| stage.home_of(topic) == home)
            .expect("some topic is at home there");
        let publishing = format!("/t/{topic}?mode=pub");
        let subscribing = format!("/t/{topic}?mode=sub");
        // As many on each core: connections are not handed over then.
        let publishers: Vec<Client> = (0..cores)
            .map(|core| stage.join(core, &publishing))
            .collect();
        for number in 0..subscribers {
            stage.join(number % cores, &subscribing);
        }
        Self {
            stage,
            publisher: publishers[0],
            read: publication(Opcode::Binary, &[b'x'; 64], together),
        }
    }

    fn publish(&mut self, rounds: usize) {
        for _ in 0..rounds {
            self.stage.say(self.publisher, &self.read);
            self.stage.settle(3);
        }
    }

    /// Blocks allocated for one read's worth of publications and all their deliveries, `blocks_max` at most.
    fn blocks_per_read(&mut self, blocks_max: f64, load: &str, why: &str) -> f64 {
        self.publish(WARM_UP);
        let places = std::env::temp_dir().join("ringwire-allocations.json");
        let profiler = dhat::Profiler::builder().testing().file_name(places);
        let _profiler = profiler.build();
        self.publish(ROUNDS);
        let blocks = dhat::HeapStats::get().total_blocks as f64 / ROUNDS as f64;
        dhat::assert!(
            blocks <= blocks_max,
            "{}: {} blocks for each read, {} are due: {}",
            load,
            blocks,
            blocks_max,
            why
        );
        blocks
    }
}

/// A load, and the most blocks that one read of it may cost.
struct Bound {
    cores: usize,
    /// Publications in one read.
    together: usize,
    blocks_max: f64,
    why: &'static str,
}

const BOUNDS: [Bound; 4] = [
    Bound {
        cores: 1,
        together: 1,
        blocks_max: 2.0,
        why: "the chunk's bytes and their count of references",
    },
    Bound {
        cores: 1,
        together: 64,
        blocks_max: 7.0,
        why: "one chunk, and its bytes again each time it grows",
    },
    Bound {
        cores: 2,
        together: 1,
        blocks_max: 6.0,
        why: "name and payload for the lane to the topic's home, the chunk, and its share for the lane back",
    },
    Bound {
        cores: 2,
        together: 64,
        blocks_max: 137.0,
        why: "name and payload of each publication for the lane to the topic's home; the chunk as on one core",
    },
];

/// A delivery allocates nothing: a publish to a thousand costs the blocks of a publish to two. What a publish
/// allocates is bounded by what it does today; the aim is the chunk alone, two blocks.
#[test]
fn deliveries_allocate_nothing_and_publishes_a_few_blocks() {
    for bound in BOUNDS {
        let Bound {
            cores,
            together,
            blocks_max,
            why,
        } = bound;
        let read = |subscribers, blocks_max, why| {
            let load = format!("{cores} cores, {subscribers} subscribers, {together} together");
            Scene::new(cores, subscribers, together).blocks_per_read(blocks_max, &load, why)
        };
        let few = read(2, blocks_max, why);
        assert!(few > 0.0, "no chunk is allocated, so nothing was published");
        read(
            1000,
            few,
            "as with two subscribers, for a delivery allocates nothing",
        );
    }
}
