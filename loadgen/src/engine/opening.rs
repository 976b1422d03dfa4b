//! Opens one thread's connections, at their times and a bounded number at a time: connect, opening handshake, done. Who has left while
//! others publish comes again the same way.
//!
//! A connection counts as done when the server has answered 101. A server that lets something published after that pass a
//! subscriber by loses messages, and is told so by the report.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::IpAddr;

use protocol::handshake::{client, deflate};
use protocol::ws;
use reactor::{Driver, Socket, SocketOptions};

use super::links::{Approach, Cause, Ends, Link, Links, Member, Stage};
use super::obstacle::{self, Situation};
use super::posting::Post;
use super::slow_reading::SlowReading;
use super::worker::Share;
use crate::dialect::{Part, Position, Role, Talk};
use crate::failure::Failure;
use crate::plan::{Endpoint, Handshake, Plan};
use crate::tally::Distribution;
use crate::turnover::Setbacks;

/// Connections begun in one turn. What was answered meanwhile is not kept waiting for the rest of a large `--connecting`,
/// and they are one submission.
const TURN_CONNECTS_MAX: u32 = 64;

/// Between two attempts to come back, of one subscriber.
const RETRY_NS: u64 = 100_000_000;

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
    ramp: Option<Ramp>,
    /// Who comes back, by when it is due.
    again: BTreeMap<(u64, u32), Again>,
    /// Where those go on that were cut off.
    positions: HashMap<u32, Position>,
    /// When those of them were begun that may still be on their way.
    begun: VecDeque<(u64, Socket)>,
    /// How attempts to come back failed.
    pub(super) setbacks: Setbacks,
    /// From the time at which each was due, if it had not been there before.
    pub(super) latency: Distribution,
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

/// Somebody who comes back.
#[derive(Clone, Copy, Debug)]
struct Again {
    cause: Cause,
    /// What its latency counts from.
    due_ns: u64,
}

/// Connection `k` of the whole run is due at `start + k / rate`; a thread has every `threads`-th of them.
#[derive(Clone, Copy, Debug)]
struct Ramp {
    start_ns: u64,
    share: Share,
    rate_per_second: f64,
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
        share: Share,
        seed: u64,
        now_ns: u64,
    ) -> Opening<'p> {
        members.reverse();
        let ramp = plan.connects_per_second.map(|rate_per_second| Ramp {
            start_ns: now_ns,
            share,
            rate_per_second,
        });
        Opening {
            plan,
            topics,
            waiting: members,
            sources_used: seed as usize % plan.sources.len().max(1),
            on_their_way: 0,
            connected: 0,
            moved_ns: now_ns,
            ramp,
            again: BTreeMap::new(),
            positions: HashMap::new(),
            begun: VecDeque::new(),
            setbacks: Setbacks::default(),
            latency: Distribution::default(),
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

    /// Whether everybody who left has come back.
    pub(super) fn is_at_rest(&self) -> bool {
        self.again.is_empty() && self.on_their_way == 0
    }

    /// Lets a subscriber connect when it is due.
    pub(super) fn come_again(&mut self, subscriber: u32, cause: Cause, due_ns: u64) {
        self.again
            .insert((due_ns, subscriber), Again { cause, due_ns });
    }

    /// Lets it name its position when it does.
    pub(super) fn resume(&mut self, subscriber: u32, position: Position) {
        self.positions.insert(subscriber, position);
    }

    /// When the connection with this number among this thread's is due, of several that could all come at `start_ns`.
    pub(super) fn due_ns(&self, number: u64, start_ns: u64) -> u64 {
        self.ramp
            .map_or(start_ns, |ramp| Ramp { start_ns, ..ramp }.due_ns(number))
    }

    /// When to give up, if nothing moves until then of what is on its way.
    fn deadline_ns(&self) -> Option<u64> {
        (self.on_their_way > 0).then(|| self.moved_ns + self.patience_ns())
    }

    /// How long one connection may be on its way.
    pub(super) fn patience_ns(&self) -> u64 {
        self.plan.times.connect.as_nanos() as u64
    }

    /// Who is next and from when on, and why and since when it is due.
    fn peek(&self, now_ns: u64) -> Option<(Member, u64, Again)> {
        if let Some(&member) = self.waiting.last() {
            let begun = (self.count() - self.waiting.len()) as u64;
            let due_ns = self.ramp.map_or(now_ns, |ramp| ramp.due_ns(begun));
            let first = Again {
                cause: Cause::First,
                due_ns,
            };
            return Some((member, due_ns, first));
        }
        let (&(from_ns, subscriber), &again) = self.again.first_key_value()?;
        Some((Member::Subscriber(subscriber), from_ns, again))
    }

    /// Begins as many connections as are due and may be on their way, up to the bound of one turn, and says when to come again.
    pub(super) fn advance<D: Driver>(
        &mut self,
        driver: &mut D,
        links: &mut Links,
        now_ns: u64,
    ) -> Result<Option<u64>, Failure> {
        if self.connected < self.count() as u64
            && self
                .deadline_ns()
                .is_some_and(|deadline_ns| now_ns >= deadline_ns)
        {
            let is_securing = links.iter_mut().any(|link| link.ends.is_securing());
            return Err(obstacle::of_silence(is_securing, self.situation()));
        }
        for _ in 0..TURN_CONNECTS_MAX {
            if self.on_their_way == self.plan.connecting_max {
                return Ok(self.deadline_ns());
            }
            let Some((member, from_ns, Again { cause, due_ns })) = self.peek(now_ns) else {
                return Ok(self.deadline_ns());
            };
            if from_ns > now_ns {
                let times = self.deadline_ns().into_iter().chain([from_ns]);
                return Ok(times.min());
            }
            match cause {
                Cause::First => drop(self.waiting.pop()),
                Cause::Churn(_) | Cause::Cut => drop(self.again.pop_first()),
            }
            let options = match member {
                Member::Slow(_) => SlowReading::socket_options(),
                _ => SocketOptions::default(),
            };
            let situation = self.situation_of(member);
            let source = self.source();
            let approach = Approach {
                response: None,
                due_ns,
                cause,
            };
            let socket = match driver.connect(situation.address, source, &options) {
                Ok(socket) => socket,
                Err(error) => {
                    let failure = obstacle::of_connect(&error, situation);
                    self.retry(member, &approach, failure, now_ns)?;
                    continue;
                }
            };
            let mut ends = self.ends(member, approach, now_ns);
            let endpoint = self.endpoint(member);
            if endpoint.url.is_http() {
                ends.post = Some(Box::new(Post::new(endpoint, self.topic_name(member))?));
            }
            links.insert(socket, member, ends);
            self.on_their_way += 1;
            self.moved_ns = now_ns;
            if cause != Cause::First {
                self.begun.push_back((now_ns, socket));
            }
        }
        Ok(Some(now_ns))
    }

    /// Why one that comes back does not come to stand: nothing has moved for as long as it may take.
    pub(super) fn silence_of(&self, link: &Link) -> Failure {
        obstacle::of_silence(link.ends.is_securing(), self.situation_of(link.member))
    }

    /// The name of a subscriber's topic.
    pub(super) fn topic_of(&self, subscriber: u32) -> &'p str {
        self.topic_name(Member::Subscriber(subscriber))
    }

    /// When a connection was last begun or came to stand.
    pub(super) fn moved_ns(&self) -> u64 {
        self.moved_ns
    }

    /// Opens a connection for a line that publishes over HTTP and had one before.
    pub(super) fn connect_again<D: Driver>(
        &mut self,
        driver: &mut D,
        member: Member,
        mut post: Box<Post>,
        now_ns: u64,
    ) -> std::io::Result<(Socket, Ends)> {
        let address = self.endpoint(member).address;
        let source = self.source();
        let socket = driver.connect(address, source, &SocketOptions::default())?;
        post.begin_again();
        let approach = Approach {
            response: None,
            due_ns: now_ns,
            cause: Cause::First,
        };
        let ends = Ends {
            post: Some(post),
            // It has stood before, and is not counted again.
            approach: None,
            ..self.ends(member, approach, now_ns)
        };
        Ok((socket, ends))
    }

    fn ends(&mut self, member: Member, approach: Approach, now_ns: u64) -> Ends {
        let since = match (member, approach.cause) {
            (Member::Subscriber(subscriber), Cause::Cut) => self.positions.get(&subscriber),
            _ => None,
        };
        let part = Part {
            role: match member {
                Member::Subscriber(_) | Member::Slow(_) | Member::Away(_) => Role::Subscribe,
                Member::Line(_) => Role::Publish,
                Member::Both(_) => Role::Both,
            },
            topic: self.topic_name(member),
            client: self.randomness.next(),
            since,
        };
        let mut talk = Talk::new(&self.plan.dialect, &part);
        if self.plan.keeps_positions() {
            talk.keep_position();
        }
        Ends {
            machine: ws::Connection::new(
                ws::Role::Client,
                now_ns / 1_000_000,
                self.randomness.next(),
            ),
            talk,
            tls: None,
            approach: Some(Box::new(approach)),
            post: None,
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
        let Handshake {
            subprotocols,
            headers,
            compress,
        } = &self.plan.handshake;
        let subprotocols: Vec<&str> = subprotocols.iter().map(String::as_str).collect();
        let headers: Vec<(&str, &str)> = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let offer = client::Offer {
            host,
            target: &target,
            subprotocols: &subprotocols,
            headers: &headers,
            key,
            deflate: compress.then_some(deflate::Parameters {
                client_max_window_bits: Some(None),
                ..deflate::Parameters::default()
            }),
        };
        offer
            .write(&mut link.ends.out)
            .map_err(obstacle::of_request)?;
        self.secure(link)?;
        link.stage = Stage::Shaking;
        if let Some(approach) = &mut link.ends.approach {
            approach.response = Some(client::Response::new(&offer));
        }
        Ok(())
    }

    /// The server has agreed to a WebSocket. One that does not compress was not to be measured; one that agrees to none of the subprotocols speaks another, and browsers would
    /// hang up.
    pub(super) fn check_agreement(
        &self,
        agreed: &client::Established,
        member: Member,
    ) -> Result<(), Failure> {
        let situation = self.situation_of(member);
        if self.plan.handshake.compress && agreed.deflate.is_none() {
            return Err(obstacle::of_no_compression(situation));
        }
        let offered = &self.plan.handshake.subprotocols;
        if offered.is_empty() || agreed.subprotocol.is_some() {
            return Ok(());
        }
        Err(obstacle::of_no_subprotocol(&offered.join(", "), situation))
    }

    /// Puts TLS under a connection whose URL wants it. What is queued leaves when its handshake is done.
    pub(super) fn secure(&self, link: &mut Link) -> Result<(), Failure> {
        let endpoint = self.endpoint(link.member);
        if let (Some(client), Some(name)) = (&self.tls, &endpoint.server_name) {
            let tls = client.connect(name);
            link.secure(tls.map_err(|error| Failure::Environment(error.to_string()))?);
        }
        Ok(())
    }

    /// A connection stands.
    pub(super) fn complete(&mut self, approach: &Approach, now_ns: u64) {
        self.on_their_way -= 1;
        self.moved_ns = now_ns;
        if approach.cause == Cause::First {
            self.connected += 1;
            self.latency.record(now_ns - approach.due_ns, 1);
        }
    }

    /// A connection that was on its way will not come to stand. If somebody is to come back with it, there will be another.
    pub(super) fn abandon(
        &mut self,
        member: Member,
        approach: &Approach,
        failure: Failure,
        now_ns: u64,
    ) -> Result<(), Failure> {
        self.on_their_way -= 1;
        self.retry(member, approach, failure, now_ns)
    }

    /// Nobody is missed yet in a run that has not begun to publish, so that such a failure ends it.
    fn retry(
        &mut self,
        member: Member,
        approach: &Approach,
        failure: Failure,
        now_ns: u64,
    ) -> Result<(), Failure> {
        let (Member::Subscriber(subscriber), Cause::Churn(_) | Cause::Cut) =
            (member, approach.cause)
        else {
            return Err(failure);
        };
        self.setbacks.note(failure.what(), 1);
        // Its latency still counts from the time at which it was due first.
        self.again.insert(
            (now_ns + RETRY_NS, subscriber),
            Again {
                cause: approach.cause,
                due_ns: approach.due_ns,
            },
        );
        Ok(())
    }

    /// One of those that come back and have been on their way for too long.
    pub(super) fn take_overdue(&mut self, now_ns: u64) -> Option<Socket> {
        let before_ns = now_ns.saturating_sub(self.patience_ns());
        let (begun_ns, socket) = *self.begun.front()?;
        (begun_ns <= before_ns).then(|| {
            self.begun.pop_front();
            socket
        })
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
            Member::Subscriber(index) | Member::Both(index) | Member::Away(index) => {
                self.topics.subscribers[index as usize]
            }
            Member::Slow(index) => self.topics.slow[index as usize],
            Member::Line(index) => self.topics.lines[index as usize],
        };
        &self.plan.topic_names[topic as usize]
    }

    fn endpoint(&self, member: Member) -> &'p Endpoint {
        match member {
            Member::Line(_) => &self.plan.publish,
            _ => &self.plan.subscribe,
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

impl Ramp {
    fn due_ns(self, number: u64) -> u64 {
        let Share { thread, threads } = self.share;
        let place = number * u64::from(threads) + u64::from(thread);
        self.start_ns + (place as f64 * 1e9 / self.rate_per_second) as u64
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
