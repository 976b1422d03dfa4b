//! Clients publish, and ask for what is kept.

use super::{Broker, Client, Output, Publisher};
use crate::lane::{Ask, Query, Request};
use crate::name::{self, HashedName, HashedRef, TopicName, TopicRef};
use crate::notice::{Echo, Notice, Refusal, Start};
use crate::open::Incoming;
use crate::publication::{Encode, Kind};

impl Broker {
    /// Publishes. The payload is copied where it must be; it is not kept borrowed.
    pub fn publish<'t>(
        &mut self,
        encode: &mut dyn Encode,
        publisher: Publisher,
        topic: impl Into<TopicRef<'t>>,
        kind: Kind,
        payload: &[u8],
        time_ms: u64,
    ) -> Result<(), Refusal> {
        let topic = topic.into();
        if let Publisher::Unconfirmed(client) | Publisher::Confirmed(client, _) = publisher {
            self.may_command(client)?;
        }
        if payload.len() > self.limits.payload_bytes_max {
            return Err(Refusal::Payload);
        }
        let hash = name::hash(self.hash_key, topic.as_str());
        let to = self.home_core(hash);
        if to == self.core {
            let topic = HashedRef { topic, hash };
            let at = self.publish_here(
                encode,
                topic,
                Incoming {
                    kind,
                    time_ms,
                    payload,
                },
            )?;
            if let Publisher::Confirmed(client, echo) = publisher {
                let topic = topic.topic.to_name();
                self.local
                    .notify(client, Notice::Published { echo, topic, at });
            }
            return Ok(());
        }
        if let Publisher::Confirmed(client, _) = publisher {
            self.local.client(client.index).pending += 1;
        }
        let topic = HashedName {
            name: topic.to_name(),
            hash,
        };
        let ask = Ask::Publish {
            topic,
            kind,
            payload: payload.into(),
            publisher,
        };
        self.lanes.push_back(Output::Request {
            to,
            request: Request(ask),
        });
        Ok(())
    }

    /// Asks for publications that are kept: the newest with [`Start::Last`], the oldest after a position or a time otherwise.
    /// Answered by [`Notice::History`].
    pub fn history<'t>(
        &mut self,
        client: Client,
        echo: Echo,
        topic: impl Into<TopicRef<'t>>,
        start: Start,
        messages_max: u32,
        time_ms: u64,
    ) -> Result<(), Refusal> {
        self.may_command(client)?;
        if matches!(start, Start::Live | Start::SinceEach(_)) {
            return Err(Refusal::Start);
        }
        let name = self.hashed(topic.into().to_name());
        let query = Query {
            start,
            messages_max,
        };
        let to = self.home_core(name.hash);
        if to == self.core {
            let notice = self.recount(name, echo, &query, time_ms);
            self.local.notify(client, notice);
        } else {
            self.local.client(client.index).pending += 1;
            let ask = Ask::History {
                topic: name,
                client,
                echo,
                query,
            };
            self.lanes.push_back(Output::Request {
                to,
                request: Request(ask),
            });
        }
        Ok(())
    }

    pub(super) fn may_command(&mut self, client: Client) -> Result<(), Refusal> {
        let pending_max = self.limits.pending_max;
        let full = self.local.slot(client)?.pending >= pending_max;
        if full { Err(Refusal::Pending) } else { Ok(()) }
    }

    pub(super) fn hashed(&self, name: TopicName) -> HashedName {
        let hash = name::hash(self.hash_key, name.as_str());
        HashedName { name, hash }
    }
}
