//! A wire format for tests that says all there is.

use std::ops::Range;

use ringwire_broker::naive::Message;
use ringwire_broker::{Encode, Format, Kind, Publication, TopicName};

/// A wire format that says all there is: the format, and topic, position, kind and payload with their lengths.
#[derive(Debug, Default)]
pub(crate) struct Plain;

impl Encode for Plain {
    fn encode(
        &mut self,
        format: Format,
        topic: &str,
        publication: &Publication<'_>,
        out: &mut Vec<u8>,
    ) -> Option<Range<usize>> {
        let at = publication.at.to_string();
        let kind = match publication.kind {
            Kind::Text => 0,
            Kind::Binary => 1,
            Kind::Json => 2,
        };
        out.extend([
            format.number(),
            kind,
            topic.len() as u8,
            at.len() as u8,
            publication.payload.len() as u8,
        ]);
        out.extend(topic.as_bytes());
        out.extend(at.as_bytes());
        let start = out.len();
        // JSON is kept verbatim, RAW is written backwards, so that both ways of keeping a payload are used.
        if format == Format::RAW {
            out.extend(publication.payload.iter().rev());
            return None;
        }
        out.extend(publication.payload);
        Some(start..out.len())
    }
}

/// Reads what `Plain` wrote; panics if a message is cut or of another format.
pub(crate) fn decode(format: Format, mut bytes: &[u8]) -> Vec<Message> {
    let mut take = |count: usize| {
        let (head, rest) = bytes.split_at(count);
        bytes = rest;
        (head, rest.is_empty())
    };
    let mut messages = Vec::new();
    let mut done = false;
    while !done {
        let (head, _) = take(5);
        let &[own, kind, topic, at, payload] = head else {
            unreachable!()
        };
        assert_eq!(own, format.number(), "bytes of another format");
        let topic = TopicName::parse(str::from_utf8(take(topic.into()).0).unwrap()).unwrap();
        let at = str::from_utf8(take(at.into()).0).unwrap().parse().unwrap();
        let (payload, last) = take(payload.into());
        let mut payload = payload.to_vec();
        if format == Format::RAW {
            payload.reverse();
        }
        messages.push(Message {
            topic,
            at,
            kind: [Kind::Text, Kind::Binary, Kind::Json][kind as usize],
            payload,
        });
        done = last;
    }
    messages
}
