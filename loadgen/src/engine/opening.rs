//! Opens one thread's connections, a bounded number at a time: connect, opening handshake, done.
//!
//! A connection counts as done when the server has answered 101. A server that lets something published after that pass a
//! subscriber by loses messages, and is told so by the report.

use std::net::IpAddr;

use protocol::handshake::client;
use protocol::ws;
use reactor::{Driver, SocketOptions};

use super::links::{Ends, Link, Links, Member, Stage};
use super::obstacle::{self, Situation};
use super::slow_reading::SlowReading;
use crate::dialect::{Part, Role, Talk};
use crate::failure::Failure;
use crate::plan::{Endpoint, Plan};

/// Connections begun in one turn. What was answered meanwhile is not kept waiting for the rest of a large `--connecting`,
/// and they are one submission.
const TURN_CONNECTS_MAX: u32 = 64;

/// What is still to be opened.
#[derive(Debug)]
pub(super) struct Opening<'p> {
    plan: &'p Plan,
    topics: Topics,
    /// Who has not been begun, the next one last.
    waiting: Vec<Member>,
    /// Where this thread is in the round of source addresses.
    sources_used: usize,
    on_their_way: u32,
    connected: u64,
    /// When a connection was last begun or completed.
    moved_ns: u64,
    randomness: Randomness,
    /// Makes TLS connections, with a memory for sessions that no other thread shares.
    tls: Option<tls::Client>,
}

/// The topic of each of a thread's members. Of those who are both it stands with the subscribers.
#[derive(Clone, Debug, Default)]
pub(super) struct Topics {
    pub(super) subscribers: Vec<u32>,
    pub(super) slow: Vec<u32>,
    pub(super) lines: Vec<u32>,
}

/// Mask seeds and handshake keys. They need to be unpredictable to nobody here, only different.
#[derive(Debug)]
struct Randomness(u64);

impl<'p> Opening<'p> {
    /// What to open: one connection for each of `members`, in that order.
    pub(super) fn new(
        plan: &'p Plan,
        topics: Topics,
        mut members: Vec<Member>,
        seed: u64,
        now_ns: u64,
    ) -> Opening<'p> {
        members.reverse();
        Opening {
            plan,
            topics,
            waiting: members,
            sources_used: seed as usize % plan.sources.len().max(1),
            on_their_way: 0,
            connected: 0,
            moved_ns: now_ns,
            randomness: Randomness(seed),
            tls: plan
                .security
                .as_ref()
                .map(|security| security.client.apart()),
        }
    }

    /// How many connections there are to be.
    pub(super) fn count(&self) -> usize {
        self.topics.count()
    }

    /// How many connections have come to stand.
    pub(super) fn stood(&self) -> u64 {
        self.connected
    }

    /// Whether every connection stands.
    pub(super) fn is_done(&self) -> bool {
        self.waiting.is_empty() && self.on_their_way == 0
    }

    /// When to give up, if nothing moves until then.
    fn deadline_ns(&self) -> u64 {
        self.moved_ns + self.plan.times.connect.as_nanos() as u64
    }

    /// Begins as many connections as may be on their way, up to the bound of one turn, and says when to come again.
    pub(super) fn advance<D: Driver>(
        &mut self,
        driver: &mut D,
        links: &mut Links,
        now_ns: u64,
    ) -> Result<u64, Failure> {
        if now_ns >= self.deadline_ns() && !self.is_done() {
            let is_securing = links.iter_mut().any(|link| link.ends.is_securing());
            return Err(obstacle::of_silence(is_securing, self.situation()));
        }
        for _ in 0..TURN_CONNECTS_MAX {
            if self.on_their_way == self.plan.connecting_max {
                return Ok(self.deadline_ns());
            }
            let Some(member) = self.waiting.pop() else {
                return Ok(self.deadline_ns());
            };
            let options = match member {
                Member::Slow(_) => SlowReading::socket_options(),
                Member::Subscriber(_) | Member::Line(_) | Member::Both(_) => {
                    SocketOptions::default()
                }
            };
            let situation = self.situation_of(member);
            let source = self.source();
            let socket = driver
                .connect(situation.address, source, &options)
                .map_err(|error| obstacle::of_connect(&error, situation))?;
            let ends = self.ends(member, now_ns);
            links.insert(socket, member, ends);
            self.on_their_way += 1;
            self.moved_ns = now_ns;
        }
        Ok(now_ns)
    }

    fn ends(&mut self, member: Member, now_ns: u64) -> Ends {
        let part = Part {
            role: match member {
                Member::Subscriber(_) | Member::Slow(_) => Role::Subscribe,
                Member::Line(_) => Role::Publish,
                Member::Both(_) => Role::Both,
            },
            topic: self.topic_name(member),
            client: self.randomness.next(),
            since: None,
        };
        let talk = Talk::new(&self.plan.dialect, &part);
        Ends {
            machine: ws::Connection::new(
                ws::Role::Client,
                now_ns / 1_000_000,
                self.randomness.next(),
            ),
            talk,
            tls: None,
            response: None,
            out: Vec::new(),
        }
    }

    /// TCP stands: sends the opening handshake, where TLS is wanted behind that one's own.
    pub(super) fn shake_hands(&mut self, link: &mut Link) -> Result<(), Failure> {
        let endpoint = self.endpoint(link.member);
        let target = endpoint.url.target(self.topic_name(link.member));
        let host = endpoint.url.authority();
        let mut key = [0; 16];
        key[..8].copy_from_slice(&self.randomness.next().to_le_bytes());
        key[8..].copy_from_slice(&self.randomness.next().to_le_bytes());
        let offer = client::Offer {
            host,
            target: &target,
            subprotocols: self.plan.dialect.subprotocols(),
            headers: &[],
            key,
        };
        offer
            .write(&mut link.ends.out)
            .map_err(obstacle::of_request)?;
        if let (Some(client), Some(name)) = (&self.tls, &endpoint.server_name) {
            let tls = client.connect(name);
            link.secure(tls.map_err(|error| Failure::Environment(error.to_string()))?);
        }
        link.stage = Stage::Shaking;
        link.ends.response = Some(Box::new(client::Response::new(&offer)));
        Ok(())
    }

    /// A connection stands.
    pub(super) fn complete(&mut self, now_ns: u64) {
        self.on_their_way -= 1;
        self.connected += 1;
        self.moved_ns = now_ns;
    }

    /// For messages: where this thread stands. The address is that of the subscribers unless another is put in.
    fn situation(&self) -> Situation {
        Situation {
            address: self.plan.subscribe.address,
            connected: self.connected,
        }
    }

    /// The situation of one connection.
    pub(super) fn situation_of(&self, member: Member) -> Situation {
        Situation {
            address: self.endpoint(member).address,
            ..self.situation()
        }
    }

    fn topic_name(&self, member: Member) -> &'p str {
        let topic = match member {
            Member::Subscriber(index) | Member::Both(index) => {
                self.topics.subscribers[index as usize]
            }
            Member::Slow(index) => self.topics.slow[index as usize],
            Member::Line(index) => self.topics.lines[index as usize],
        };
        &self.plan.topic_names[topic as usize]
    }

    fn endpoint(&self, member: Member) -> &'p Endpoint {
        match member {
            Member::Subscriber(_) | Member::Both(_) | Member::Slow(_) => &self.plan.subscribe,
            Member::Line(_) => &self.plan.publish,
        }
    }

    fn source(&mut self) -> Option<IpAddr> {
        let sources = &self.plan.sources;
        let source = sources
            .get(self.sources_used % sources.len().max(1))
            .copied();
        self.sources_used += 1;
        source
    }
}

impl Topics {
    fn count(&self) -> usize {
        self.subscribers.len() + self.slow.len() + self.lines.len()
    }
}

impl Randomness {
    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
