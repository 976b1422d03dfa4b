//! What one read of one connection holds: frames, in them the messages of its dialect, in those deliveries.
//!
//! The common case goes straight from the driver's buffer to the books; see `inbound` for the frames that do not, and
//! `reception` for what is done with a delivery.

use frame::{CloseCode, Opcode};
use protocol::ws::{Config, Event, Inflater, Kind};

use super::inbound::plain;
use super::links::{Ends, Link, Member, Stage};
use super::publishing::Publishing;
use super::reception::Reception;
use super::slow_reading::SlowReading;
use crate::dialect::{Aside, Gist, Refusal};

/// Where what is heard of one connection goes.
pub(super) struct Ear<'e> {
    pub(super) reception: &'e mut Reception,
    pub(super) publishing: &'e mut Publishing,
    pub(super) slow: &'e mut SlowReading,
    /// What the connection answers, and what else came of it.
    pub(super) aside: &'e mut Aside,
    pub(super) inflater: &'e mut Inflater,
    /// Of the messages that deliveries come in.
    pub(super) opcode: Opcode,
    pub(super) now_ns: u64,
}

/// Why nothing more is to be heard of a connection.
#[derive(Debug)]
pub(super) enum End {
    /// The closing handshake has begun, or a rule was broken and the server was told so.
    Closed(String),
    /// The server said inside a message that it will not.
    Refused(String),
}

impl Ear<'_> {
    /// Takes all of `bytes`, or up to the end of the conversation.
    #[inline]
    pub(super) fn hear(
        mut self,
        link: &mut Link,
        config: &Config,
        bytes: &mut [u8],
    ) -> Option<End> {
        let mut at = 0;
        while at < bytes.len() {
            if link.inbound.is_between_messages()
                && matches!(link.stage, Stage::Greeting | Stage::Open)
            {
                match self.hear_plain(link, &bytes[at..]) {
                    Ok(taken) => at += taken,
                    Err(refusal) => return Some(End::Refused(refusal.to_string())),
                }
                if at == bytes.len() {
                    break;
                }
            }
            let (taken, end) = self.hear_other(link, config, &mut bytes[at..]);
            at += taken;
            if end.is_some() {
                return end;
            }
        }
        None
    }

    /// Takes whole messages in one frame each, as far as there are any.
    #[inline]
    fn hear_plain(&mut self, link: &mut Link, bytes: &[u8]) -> Result<usize, Refusal> {
        let talk = &mut link.ends.talk;
        if let Some(subscriber) = link.member.subscriber()
            && talk.may_be_recognised()
            && let Some(taken) = self.reception.recognise(subscriber, bytes, self.now_ns)
        {
            return Ok(taken);
        }
        let (mut at, mut gist) = (0, Gist::Deliveries);
        while let Some((from, until)) = plain(&bytes[at..], self.opcode) {
            let message = &bytes[at + from..at + until];
            at += until;
            let read = talk.read(message, self.aside, |payload| match link.member {
                Member::Subscriber(subscriber) | Member::Both(subscriber) => {
                    self.reception.hear(subscriber, payload)
                }
                Member::Away(_) => {}
                Member::Slow(_) => self.slow.note_message(),
                Member::Line(_) => self.publishing.counts.unasked += 1,
            });
            match read {
                Ok(Gist::Deliveries) => {}
                Ok(Gist::Mixed) => gist = Gist::Mixed,
                Err(refusal) => {
                    self.enter(link.member, None);
                    return Err(refusal);
                }
            }
        }
        self.enter(
            link.member,
            Some(&bytes[..at]).filter(|_| at > 0 && gist == Gist::Deliveries),
        );
        Ok(at)
    }

    /// Takes one frame of any other kind, or as much of it as there is.
    #[cold]
    fn hear_other(
        &mut self,
        link: &mut Link,
        config: &Config,
        bytes: &mut [u8],
    ) -> (usize, Option<End>) {
        let Link {
            inbound,
            ends,
            member,
            ..
        } = link;
        let Ends { machine, talk, .. } = &mut **ends;
        let mut end = None;
        let taken = inbound.take(
            machine,
            config,
            self.inflater,
            self.now_ns / 1_000_000,
            bytes,
            |event| match event {
                Event::Message { kind, payload } => {
                    let read = talk.read(&payload, self.aside, |payload| match *member {
                        Member::Subscriber(subscriber) | Member::Both(subscriber) => {
                            self.reception.hear(subscriber, payload)
                        }
                        Member::Slow(_) => self.slow.note_message(),
                        Member::Away(_) => {}
                        // Servers that acknowledge a publication in words are within their rights.
                        Member::Line(_) => {
                            self.publishing.counts.unasked += u64::from(kind == Kind::Binary)
                        }
                    });
                    if let Err(refusal) = read {
                        end = Some(End::Refused(refusal.to_string()));
                    }
                }
                Event::Pong(_) => {}
                Event::PeerClosed { code, reason } => {
                    end = Some(End::Closed(describe_close(code, &reason)))
                }
                Event::Failed(failure) => {
                    end = Some(End::Closed(format!("the server broke a rule: {failure}")))
                }
            },
        );
        self.enter(*member, None);
        (taken, end)
    }

    #[inline]
    fn enter(&mut self, member: Member, bytes: Option<&[u8]>) {
        if let Some(subscriber) = member.subscriber() {
            self.reception.enter(subscriber, bytes, self.now_ns);
        }
    }
}

fn describe_close(code: Option<CloseCode>, reason: &str) -> String {
    let code = match code {
        None => "closed by the server without a code".to_owned(),
        Some(code) => match code.name() {
            Some(name) => format!("closed by the server: {} {name}", code.0),
            None => format!("closed by the server: {}", code.0),
        },
    };
    if reason.is_empty() {
        code
    } else {
        format!("{code}: {reason}")
    }
}
