//! Whole turns of a core: from the bytes of a read to the bytes of every send.

use std::rc::Rc;

use frame::Opcode;

use crate::{Client, Stage, publication};

/// Publications before anything is counted: more than a topic keeps, so that from then on each removes one.
const WARM_UP: usize = 200;
/// A publish is taken in one turn and its sends are over in the next.
const TURNS: usize = 2;
/// What stands before a payload of 64 bytes, and of 16 KiB, in a frame from the server.
const SHORT_HEADER_BYTES: usize = 2;
const LONG_HEADER_BYTES: usize = 4;

/// A node, those who publish to it and those who listen.
struct Scene {
    stage: Stage,
    publishers: Vec<Client>,
    subscribers: Vec<Client>,
    /// What each subscriber was sent before anything was published.
    before: Vec<u64>,
}

impl Scene {
    fn new(stage: Stage, publishers: Vec<Client>, subscribers: Vec<Client>) -> Self {
        let before = subscribers
            .iter()
            .map(|client| stage.sent_bytes(*client))
            .collect();
        Self {
            stage,
            publishers,
            subscribers,
            before,
        }
    }

    fn one_core(subscribers: usize) -> Self {
        let mut stage = Stage::new(1);
        let publishers = vec![stage.join(0, "/t/the/one?mode=pub")];
        let join = |_| stage.join(0, "/t/the/one?mode=sub");
        let subscribers = (0..subscribers).map(join).collect();
        Self::new(stage, publishers, subscribers)
    }

    fn publish(&mut self, frames: &Rc<[u8]>, turns: usize) {
        self.stage.say(self.publishers[0], frames);
        self.stage.settle(turns);
    }

    /// Every subscriber was sent exactly this much since the beginning.
    fn check(&self, bytes: usize) {
        for (client, before) in self.subscribers.iter().zip(&self.before) {
            assert_eq!(self.stage.sent_bytes(*client) - before, bytes as u64);
        }
    }
}

/// Turns in which nothing happens, of a core with connections.
pub(super) fn nothing(rounds: usize) {
    let mut scene = Scene::one_core(100);
    for _ in 0..rounds {
        scene.stage.turn();
    }
    scene.check(0);
}

/// Turns in which nothing happens, on as many cores as a node can have: each looks at its lanes.
pub(super) fn nothing_on_64(rounds: usize) {
    let mut stage = Stage::new(64);
    let client = stage.join(0, "/t/the/one?mode=sub");
    let before = stage.sent_bytes(client);
    for _ in 0..rounds {
        stage.turn();
    }
    assert_eq!(stage.sent_bytes(client), before);
}

/// One publisher, so many subscribers, and `together` messages in each read.
pub(super) fn fan_out(subscribers: usize, payload_bytes: usize, together: usize, rounds: usize) {
    let mut scene = Scene::one_core(subscribers);
    let frames = publication(Opcode::Binary, &vec![b'x'; payload_bytes], together);
    let rounds = WARM_UP.div_ceil(together) + rounds;
    for _ in 0..rounds {
        scene.publish(&frames, TURNS);
    }
    let header_bytes = match payload_bytes {
        ..126 => SHORT_HEADER_BYTES,
        _ => LONG_HEADER_BYTES,
    };
    scene.check(rounds * together * (header_bytes + payload_bytes));
}

/// Ten publishers, a thousand topics with one subscriber each: ten topics in each turn.
pub(super) fn topics(rounds: usize) {
    const PUBLISHERS: usize = 10;
    const TOPICS: usize = 1000;
    let mut stage = Stage::new(1);
    let url = |topic: usize, mode| format!("/t/topics/{topic}?mode={mode}");
    let subscribers = (0..TOPICS)
        .map(|topic| stage.join(0, &url(topic, "sub")))
        .collect();
    let publishers = (0..TOPICS)
        .map(|topic| stage.join(0, &url(topic, "pub")))
        .collect();
    let mut scene = Scene::new(stage, publishers, subscribers);
    let frame = publication(Opcode::Binary, &[b'x'; 64], 1);
    let mut topics = (0..TOPICS).cycle();
    let mut round = || {
        for topic in topics.by_ref().take(PUBLISHERS) {
            scene.stage.say(scene.publishers[topic], &frame);
        }
        scene.stage.settle(TURNS);
    };
    // Each topic twice; whole laps, so that all topics have seen as much.
    const LAP: usize = TOPICS / PUBLISHERS;
    for _ in 0..2 * LAP + rounds {
        round();
    }
    assert_eq!(rounds % LAP, 0);
    scene.check((2 + rounds / LAP) * (SHORT_HEADER_BYTES + 64));
}

/// One client of the JSON dialect that subscribes, publishes and wants to be told that it did.
pub(super) fn json(rounds: usize) {
    let mut stage = Stage::new(1);
    let client = stage.join(0, "/ws");
    let text = |text: &str| publication(Opcode::Text, text.as_bytes(), 1);
    stage.say(client, &text(r#"{"id":1,"subscribe":"the/one"}"#));
    stage.settle(TURNS);
    let publish = text(r#"{"id":1,"publish":"the/one","data":{"temperature":21.5}}"#);
    for _ in 0..WARM_UP + rounds {
        stage.say(client, &publish);
        stage.settle(TURNS);
    }
    stage.listen_in(client);
    stage.say(client, &publish);
    stage.settle(TURNS);
    let sent = stage.transcript(client);
    let sent = String::from_utf8_lossy(&sent);
    assert!(sent.contains(r#""ok""#) && sent.contains("21.5"), "{sent}");
}

/// A client that publishes by HTTP, over one connection, to one subscriber.
pub(super) fn post(rounds: usize) {
    let mut scene = Scene::one_core(1);
    let client = scene.stage.call(0);
    let request: Rc<[u8]> = Rc::from(
        &b"POST /t/the/one HTTP/1.1\r\nHost: localhost:7464\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n\
           Content-Type: application/json\r\nContent-Length: 20\r\n\r\n{\"temperature\":21.5}"[..],
    );
    for _ in 0..WARM_UP + rounds {
        scene.stage.say(client, &request);
        scene.stage.settle(TURNS);
    }
    scene.check((WARM_UP + rounds) * (SHORT_HEADER_BYTES + 20));
}

/// A subscriber that comes, subscribes and goes again.
pub(super) fn come_and_go(rounds: usize) {
    let mut scene = Scene::one_core(100);
    for _ in 0..20 + rounds {
        let client = scene.stage.join(0, "/t/the/one?mode=sub");
        scene.stage.hang_up(client);
        scene.stage.settle(TURNS);
    }
    let frame = publication(Opcode::Binary, &[b'x'; 64], 1);
    scene.publish(&frame, TURNS);
    scene.check(SHORT_HEADER_BYTES + 64);
}

/// Two cores: the publisher on the first, the topic's home on the second, so many subscribers on each.
/// A publish crosses one lane there, its chunk one lane back. With the turns that two cores take in a
/// row, nobody is ever woken.
pub(super) fn two_cores(subscribers_each: usize, together: usize, rounds: usize) {
    /// There; back; sent.
    const TURNS: usize = 3;
    let (mut scene, frames) = two_core_scene(subscribers_each, together);
    let rounds = WARM_UP.div_ceil(together) + rounds;
    for _ in 0..rounds {
        scene.publish(&frames, TURNS);
    }
    scene.check(rounds * together * (SHORT_HEADER_BYTES + 64));
}

fn two_core_scene(subscribers_each: usize, together: usize) -> (Scene, Rc<[u8]>) {
    let mut stage = Stage::new(2);
    let topic = (0..)
        .map(|number| format!("the/{number}"))
        .find(|topic| stage.home_of(topic) == 1)
        .expect("some topic is at home there");
    let publishers = vec![
        stage.join(0, &format!("/t/{topic}?mode=pub")),
        // A core keeps connections only while it has no more than others.
        stage.join(1, &format!("/t/{topic}?mode=pub")),
    ];
    let target = format!("/t/{topic}?mode=sub");
    let subscribers = (0..2 * subscribers_each)
        .map(|number| stage.join(number % 2, &target))
        .collect();
    let frames = publication(Opcode::Binary, &[b'x'; 64], together);
    (Scene::new(stage, publishers, subscribers), frames)
}
