//! A broker that does exactly what a script says, to the nanosecond: it delays, stalls, trickles, loses, repeats, damages and
//! misroutes the messages that the script names.
//!
//! It parses and writes frames with the code of the scripted server on real sockets, which shares nothing with the generator.

use std::collections::BTreeMap;

use bytes::Bytes;
use reactor::{Driver, Outgoing, Socket, Stream};
use sim::SimDriver;

use crate::scripted::{frame, read_frame, read_head, welcome};
use crate::stage::{Counterpart, Event};

pub(crate) const US: u64 = 1_000;
pub(crate) const MS: u64 = 1_000_000;

/// What becomes of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Passed on after that long; what comes behind it is not held up.
    After(u64),
    /// Nothing at all is done for that long, then it is passed on.
    Stall(u64),
    /// Passed on one byte at a time, each that long after the one before.
    Trickle(u64),
    Drop,
    Twice,
    /// Passed on behind the next one.
    AfterNext,
    /// Passed on with one bit changed.
    Corrupt,
    /// Passed on to the subscribers of all other topics.
    Misroute,
    /// Passed on as a message of another run, whole.
    Foreign,
}

/// Decides by the message's number on its connection, from 0.
pub(crate) type Script = fn(u64) -> Act;

/// The broker.
pub(crate) struct Broker {
    script: Script,
    clients: BTreeMap<Socket, Client>,
    /// Bytes for a client, in the order of their times.
    due: BTreeMap<(u64, u64), (Socket, Vec<u8>)>,
    dues_made: u64,
    /// Until when it does nothing.
    free_ns: u64,
}

#[derive(Default)]
struct Client {
    topic: String,
    is_subscriber: bool,
    is_welcome: bool,
    heard: Vec<u8>,
    out: Vec<u8>,
    is_sending: bool,
    /// It has said goodbye, or hung up.
    is_gone: bool,
    messages: u64,
    kept_back: Option<Vec<u8>>,
}

impl Broker {
    pub(crate) fn new(script: Script) -> Broker {
        Broker {
            script,
            clients: BTreeMap::new(),
            due: BTreeMap::new(),
            dues_made: 0,
            free_ns: 0,
        }
    }

    fn hear(&mut self, socket: Socket, bytes: &[u8], now_ns: u64) {
        let client = self.clients.get_mut(&socket).expect("a client");
        client.heard.extend_from_slice(bytes);
        if !client.is_welcome {
            if !client.heard.ends_with(b"\r\n\r\n") {
                return;
            }
            let (target, key) = read_head(&mut &client.heard[..]).expect("a whole head");
            let (topic, mode) = target.split_once("?mode=").expect("the standard URLs");
            client.topic = topic.to_owned();
            client.is_subscriber = mode == "sub";
            client.is_welcome = true;
            client.heard.clear();
            client.out = welcome(&key, "");
            return;
        }
        loop {
            let client = self.clients.get_mut(&socket).expect("a client");
            let mut rest = &client.heard[..];
            let Some((opcode, payload)) = read_frame(&mut rest) else {
                return;
            };
            let taken = client.heard.len() - rest.len();
            client.heard.drain(..taken);
            match opcode {
                8 => {
                    client.out.extend(frame(8, &payload));
                    client.is_gone = true;
                }
                2 => self.act_on(socket, payload, now_ns),
                _ => panic!("the generator sends binary messages, whole"),
            }
        }
    }

    fn act_on(&mut self, socket: Socket, mut payload: Vec<u8>, now_ns: u64) {
        let client = self.clients.get_mut(&socket).expect("a client");
        let act = (self.script)(client.messages);
        client.messages += 1;
        let kept_back = client.kept_back.take();
        let at_ns = now_ns.max(self.free_ns);
        match act {
            Act::After(delay_ns) => self.pass_on(socket, at_ns + delay_ns, &payload),
            Act::Stall(stall_ns) => {
                self.free_ns = at_ns + stall_ns;
                self.pass_on(socket, self.free_ns, &payload);
            }
            Act::Trickle(gap_ns) => {
                let bytes = frame(2, &payload);
                for (place, byte) in (1..).zip(bytes) {
                    self.put(at_ns + place * gap_ns, &self.hearers(socket, true), &[byte]);
                }
            }
            Act::Drop => {}
            Act::Twice => {
                self.pass_on(socket, at_ns, &payload);
                self.pass_on(socket, at_ns, &payload);
            }
            Act::AfterNext => {
                self.clients.get_mut(&socket).expect("a client").kept_back = Some(payload);
                return;
            }
            Act::Corrupt => {
                payload[20] ^= 1;
                self.pass_on(socket, at_ns, &payload);
            }
            Act::Misroute => self.put(at_ns, &self.hearers(socket, false), &frame(2, &payload)),
            Act::Foreign => {
                let mut stamp =
                    ringwire_load::payload::Stamp::read(&payload, payload.len()).expect("whole");
                stamp.run ^= 1;
                stamp.write(&mut payload);
                self.pass_on(socket, at_ns, &payload);
            }
        }
        if let Some(late) = kept_back {
            self.pass_on(socket, at_ns, &late);
        }
    }

    fn pass_on(&mut self, from: Socket, at_ns: u64, payload: &[u8]) {
        self.put(at_ns, &self.hearers(from, true), &frame(2, payload));
    }

    /// The subscribers of the topic of `from`, or of all others.
    fn hearers(&self, from: Socket, is_same: bool) -> Vec<Socket> {
        let topic = &self.clients[&from].topic;
        let hears = |client: &Client| {
            client.is_subscriber && !client.is_gone && (client.topic == *topic) == is_same
        };
        let clients = self.clients.iter();
        clients
            .filter(|(_, client)| hears(client))
            .map(|(socket, _)| *socket)
            .collect()
    }

    fn put(&mut self, at_ns: u64, to: &[Socket], bytes: &[u8]) {
        for &socket in to {
            self.dues_made += 1;
            self.due
                .insert((at_ns, self.dues_made), (socket, bytes.to_vec()));
        }
    }
}

impl Counterpart for Broker {
    fn act(&mut self, driver: &mut SimDriver) {
        while let Some(first) = self.due.first_entry()
            && first.key().0 <= driver.now_ns()
        {
            let (socket, bytes) = first.remove();
            if let Some(client) = self.clients.get_mut(&socket) {
                client.out.extend(bytes);
            }
        }
        for (&socket, client) in &mut self.clients {
            if !client.is_sending && !client.out.is_empty() {
                client.is_sending = true;
                let bytes = Bytes::from(std::mem::take(&mut client.out));
                driver.send(socket, Outgoing::One(bytes));
            }
        }
    }

    fn next_ns(&self) -> u64 {
        self.due.keys().next().map_or(u64::MAX, |(at_ns, _)| *at_ns)
    }

    fn accept(&mut self, stream: Stream, driver: &mut SimDriver) {
        let socket = driver.adopt(stream);
        driver.receive(socket);
        self.clients.insert(socket, Client::default());
    }

    fn owns(&self, socket: Socket) -> bool {
        self.clients.contains_key(&socket)
    }

    fn take(&mut self, event: Event, now_ns: u64) {
        match event {
            Event::Received(socket, bytes) => self.hear(socket, &bytes, now_ns),
            Event::Sent(socket, ..) => {
                self.clients.get_mut(&socket).expect("a client").is_sending = false;
            }
            Event::ReceiveEnded(socket, _) => {
                self.clients.get_mut(&socket).expect("a client").is_gone = true;
            }
            Event::Connected(..) | Event::Closed(_) | Event::Woken => {}
        }
    }
}
