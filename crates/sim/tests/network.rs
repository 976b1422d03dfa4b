//! The simulated network keeps its promises: the same seed gives the same run, and everything it threatens does happen.

use bytes::Bytes;
use reactor::{Completion, Driver, ListenOptions, Outgoing, Socket, Wait};
use ringwire_sim::{Conditions, Network, Peer, PeerState, SimDriver};
use std::net::SocketAddr;

/// A server that sends every byte back, and a diary of all that it was told.
struct Echo {
    driver: SimDriver,
    address: SocketAddr,
    diary: Vec<String>,
    unsent: Vec<(Socket, Vec<u8>)>,
    sending: Vec<Socket>,
}

impl Echo {
    fn new(network: &Network) -> Self {
        let mut driver = network.driver(4);
        let any = "0.0.0.0:0".parse().unwrap();
        let (_, address) = driver.listen(any, &ListenOptions::default()).unwrap();
        Self {
            driver,
            address: SocketAddr::new([127, 0, 0, 1].into(), address.port()),
            diary: Vec::new(),
            unsent: Vec::new(),
            sending: Vec::new(),
        }
    }

    fn turn(&mut self) {
        self.driver
            .wait(Wait::Until(Some(self.driver.now_ns() + 1_000_000)))
            .unwrap();
        let mut accepted = Vec::new();
        while let Some(completion) = self.driver.next_completion() {
            self.diary.push(format!("{completion:?}"));
            match completion {
                Completion::Accepted { stream, .. } => accepted.push(stream),
                Completion::Received { socket, bytes } => {
                    self.unsent.push((socket, bytes.to_vec()))
                }
                Completion::Sent { socket, .. } => self.sending.retain(|busy| *busy != socket),
                _ => {}
            }
        }
        for stream in accepted {
            let socket = self.driver.adopt(stream);
            self.driver.receive(socket);
        }
        for (socket, bytes) in std::mem::take(&mut self.unsent) {
            if self.sending.contains(&socket) {
                self.unsent.push((socket, bytes));
            } else {
                self.sending.push(socket);
                self.driver.send(socket, Outgoing::One(Bytes::from(bytes)));
            }
        }
    }

    fn until(&mut self, done: impl Fn(&Self) -> bool) {
        for _ in 0..20_000 {
            if done(self) {
                return;
            }
            self.turn();
        }
        panic!("it never happened: {:?}", self.diary);
    }
}

/// Three peers that say something and hear it again; everything that was seen on the way.
fn conversation(seed: u64) -> Vec<String> {
    let network = Network::new(seed, Conditions::default());
    let mut echo = Echo::new(&network);
    let said: Vec<u8> = (0..6_000_u32).map(|place| (place % 251) as u8).collect();
    let mut peers: Vec<Peer> = (0..3)
        .map(|_| network.connect(echo.address, None))
        .collect();
    let mut written = [0; 3];
    let mut heard = vec![Vec::new(); 3];
    while heard.iter().any(|bytes| bytes.len() < said.len()) {
        echo.turn();
        for (number, peer) in peers.iter_mut().enumerate() {
            written[number] += peer.write(&said[written[number]..]);
            heard[number].extend(peer.read(1_000));
        }
        assert!(echo.diary.len() < 100_000, "it does not end");
    }
    assert!(heard.iter().all(|bytes| *bytes == said), "an echo differs");
    echo.diary
}

#[test]
fn a_run_follows_from_its_seed() {
    assert_eq!(conversation(7), conversation(7));
    assert_ne!(conversation(7), conversation(8));
}

#[test]
fn a_peer_that_does_not_read_closes_its_window_and_nothing_else() {
    let network = Network::new(1, Conditions::default());
    let mut echo = Echo::new(&network);
    let mut slow = network.connect(echo.address, None);
    let mut brisk = network.connect(echo.address, None);
    echo.until(|_| slow.state() == PeerState::Open && brisk.state() == PeerState::Open);
    let mut written = 0;
    for _ in 0..2_000 {
        written += slow.write(&[1; 4_096]);
        echo.turn();
    }
    let window_bytes = Conditions::default().window_bytes;
    assert!(written > 2 * window_bytes, "both directions are full");
    brisk.write(b"still there?");
    let mut answer = Vec::new();
    while answer.len() < 12 {
        echo.turn();
        answer.extend(brisk.read(100));
    }
    let mut late = 0;
    while late < written {
        echo.turn();
        late += slow.read(usize::MAX).len();
    }
    assert_eq!(late, written, "nothing was lost");
}

#[test]
fn endings_look_different_from_both_sides() {
    let network = Network::new(2, Conditions::default());
    let mut echo = Echo::new(&network);
    let mut polite = network.connect(echo.address, None);
    let abrupt = network.connect(echo.address, None);
    let nowhere = network.connect("127.0.0.1:9".parse().unwrap(), None);
    echo.until(|_| polite.state() == PeerState::Open && abrupt.state() == PeerState::Open);
    echo.until(|echo| echo.driver.counters().sockets == 2);
    assert_eq!(nowhere.state(), PeerState::Refused);
    polite.finish();
    assert_eq!(polite.write(b"too late"), 0);
    abrupt.reset();
    let ended = |echo: &Echo, how: &str| {
        let about = |entry: &&String| entry.starts_with("ReceiveEnded") && entry.contains(how);
        echo.diary.iter().filter(about).count()
    };
    echo.until(|echo| ended(echo, "None") == 1 && ended(echo, "ConnectionReset") == 1);
    drop(echo);
    while polite.state() == PeerState::Open {
        network.advance(1_000_000);
    }
    assert_eq!(polite.state(), PeerState::Finished);
    network.advance(1_000_000_000);
    assert!(network.is_quiet());
}

#[test]
fn a_network_that_breaks_things_breaks_them() {
    let conditions = Conditions {
        resets_per_million: 20_000,
        accept_failures_per_million: 300_000,
        starvations_per_million: 300_000,
        ..Conditions::default()
    };
    let network = Network::new(3, conditions);
    let mut echo = Echo::new(&network);
    let mut peers: Vec<Peer> = (0..40)
        .map(|_| network.connect(echo.address, None))
        .collect();
    echo.until(|echo| echo.driver.counters().accepted == 40);
    for _ in 0..300 {
        for peer in &mut peers {
            peer.write(&[9; 3_000]);
            peer.read(usize::MAX);
        }
        echo.turn();
    }
    let counters = echo.driver.counters();
    assert!(
        counters.accept_failures > 0 && counters.starved > 0,
        "{counters:?}"
    );
    assert!(peers.iter().any(|peer| peer.state() == PeerState::Reset));
}
