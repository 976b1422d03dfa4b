//! What client and server say to each other inside WebSocket messages: how a connection comes to stand, how a publication
//! is framed, and how what arrives is taken apart.
//!
//! [`Dialect::Plain`] is a WebSocket message for each publication and nothing else. The others are protocols of their own: a
//! stream of protocol messages that need not agree with WebSocket messages in number or in place. Each has one file with
//! its cues, its script and its parser; the conversation itself is the same for all of them and stands here. Nothing
//! does I/O.

mod mqtt;
mod nats;

use std::collections::VecDeque;
use std::fmt;

/// A protocol message that goes on beyond this is none of ours; the server is at fault.
pub(crate) const CUT_BYTES_MAX: usize = 128 << 20;

/// The protocol inside WebSocket messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// Each WebSocket message is a publication; the topic stands in the URL.
    #[default]
    Plain,
    /// The NATS client protocol.
    Nats,
    /// MQTT 3.1.1, quality of service 0.
    Mqtt,
}

/// What is sent around each payload that is published to one topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Envelope {
    /// Before the payload.
    pub before: Vec<u8>,
    /// Behind it.
    pub after: &'static [u8],
}

/// One connection's conversation with the server.
#[derive(Debug)]
pub struct Talk {
    dialect: Dialect,
    /// What is still to be heard and said before the connection stands.
    script: VecDeque<Step>,
    /// The start of a protocol message that goes on in the next WebSocket message.
    cut: Vec<u8>,
}

/// The server gives a cue, the client then says its words.
#[derive(Debug)]
struct Step {
    awaits: Cue,
    then: Vec<u8>,
}

/// What a server says before a connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cue {
    /// Nothing but the answer to the opening handshake.
    Open,
    Info,
    Pong,
    Connack,
    Suback,
}

/// One protocol message of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard<'m> {
    Delivery(&'m [u8]),
    Cue(Cue),
    /// The server asks whether this end is alive.
    Ping,
    /// Of no interest.
    Nothing,
}

/// What one WebSocket message was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gist {
    /// Whole deliveries and nothing else: the same bytes mean the same to any other subscriber of the topic.
    Deliveries,
    /// Something else was in it, or a protocol message was cut.
    Mixed,
}

/// The server said that it will not, or something that its protocol does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal(String);

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Dialect {
    /// The WebSocket subprotocols to offer.
    pub fn subprotocols(self) -> &'static [&'static str] {
        match self {
            Dialect::Plain | Dialect::Nats => &[],
            Dialect::Mqtt => &["mqtt"],
        }
    }

    /// What goes around payloads of `payload_bytes` published to `topic`.
    pub fn envelope(self, topic: &str, payload_bytes: usize) -> Envelope {
        match self {
            Dialect::Plain => Envelope::default(),
            Dialect::Nats => nats::envelope(topic, payload_bytes),
            Dialect::Mqtt => mqtt::envelope(topic, payload_bytes),
        }
    }

    /// Whether a topic may have this name; the error says why not.
    pub fn check_topic(self, name: &str) -> Result<(), &'static str> {
        match self {
            Dialect::Plain => Ok(()),
            Dialect::Nats => nats::check_topic(name),
            Dialect::Mqtt => mqtt::check_topic(name),
        }
    }

    /// The largest payload that it can carry to `topic`, if there is one.
    pub fn payload_bytes_max(self, topic: &str) -> Option<usize> {
        match self {
            Dialect::Plain | Dialect::Nats => None,
            Dialect::Mqtt => Some(mqtt::payload_bytes_max(topic)),
        }
    }

    fn parse(self, bytes: &[u8]) -> Result<Option<(Heard<'_>, usize)>, Refusal> {
        match self {
            Dialect::Plain => {
                Ok((!bytes.is_empty()).then_some((Heard::Delivery(bytes), bytes.len())))
            }
            Dialect::Nats => nats::parse(bytes),
            Dialect::Mqtt => mqtt::parse(bytes),
        }
    }
}

impl Talk {
    /// The conversation of a connection that subscribes to the topic `subscribes_to`, or only publishes. `client` is different
    /// for each connection.
    pub fn new(dialect: Dialect, subscribes_to: Option<&str>, client: u64) -> Talk {
        let script = match dialect {
            Dialect::Plain => VecDeque::new(),
            Dialect::Nats => nats::script(subscribes_to),
            Dialect::Mqtt => mqtt::script(subscribes_to, client),
        };
        Talk {
            dialect,
            script,
            cut: Vec::new(),
        }
    }

    /// The WebSocket stands: appends to `reply` what is said without being asked.
    pub fn open(&mut self, reply: &mut Vec<u8>) {
        self.follow(Cue::Open, reply);
    }

    /// Whether the connection stands: a subscriber is subscribed, a publisher may publish.
    pub fn is_ready(&self) -> bool {
        self.script.is_empty()
    }

    /// Whether the next WebSocket message begins with a protocol message.
    #[inline]
    pub fn is_between_messages(&self) -> bool {
        self.cut.is_empty()
    }

    /// Takes one WebSocket message: each delivery in it goes to `deliver`, and what is to be answered is appended to `reply`.
    ///
    /// # Errors
    /// Nothing that the server says after that can be understood.
    #[inline]
    pub fn read(
        &mut self,
        message: &[u8],
        reply: &mut Vec<u8>,
        mut deliver: impl FnMut(&[u8]),
    ) -> Result<Gist, Refusal> {
        if self.dialect == Dialect::Plain {
            deliver(message);
            return Ok(Gist::Deliveries);
        }
        if self.cut.is_empty() {
            let (taken, gist) = self.take(message, reply, deliver)?;
            self.cut.extend_from_slice(&message[taken..]);
            return Ok(if self.cut.is_empty() {
                gist
            } else {
                Gist::Mixed
            });
        }
        let mut bytes = std::mem::take(&mut self.cut);
        bytes.extend_from_slice(message);
        let (taken, _) = self.take(&bytes, reply, deliver)?;
        bytes.drain(..taken);
        if bytes.len() > CUT_BYTES_MAX {
            return Err(Refusal(
                "it began a protocol message that does not end".to_owned(),
            ));
        }
        self.cut = bytes;
        Ok(Gist::Mixed)
    }

    /// Takes the whole protocol messages at the start of `bytes`, and says how many bytes those were.
    fn take(
        &mut self,
        bytes: &[u8],
        reply: &mut Vec<u8>,
        mut deliver: impl FnMut(&[u8]),
    ) -> Result<(usize, Gist), Refusal> {
        let (mut at, mut gist) = (0, Gist::Deliveries);
        while let Some((heard, length)) = self.dialect.parse(&bytes[at..])? {
            at += length;
            match heard {
                Heard::Delivery(payload) => {
                    deliver(payload);
                    continue;
                }
                Heard::Cue(cue) => self.follow(cue, reply),
                Heard::Ping => reply.extend_from_slice(nats::PONG),
                Heard::Nothing => {}
            }
            gist = Gist::Mixed;
        }
        Ok((at, gist))
    }

    fn follow(&mut self, cue: Cue, reply: &mut Vec<u8>) {
        if self.script.front().is_some_and(|step| step.awaits == cue)
            && let Some(step) = self.script.pop_front()
        {
            reply.extend_from_slice(&step.then);
        }
        if self.script.is_empty() {
            // Its memory is not needed for the rest of the connection's life.
            self.script = VecDeque::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What one end of a conversation came to.
    #[derive(Debug, Default, PartialEq)]
    struct Outcome {
        delivered: Vec<Vec<u8>>,
        replied: Vec<u8>,
        refusal: Option<String>,
    }

    fn listen<'m>(talk: &mut Talk, messages: impl IntoIterator<Item = &'m [u8]>) -> Outcome {
        let mut outcome = Outcome::default();
        for message in messages {
            let deliver = |payload: &[u8]| outcome.delivered.push(payload.to_vec());
            if let Err(refusal) = talk.read(message, &mut outcome.replied, deliver) {
                outcome.refusal = Some(refusal.to_string());
                break;
            }
        }
        outcome
    }

    fn begun(dialect: Dialect, subscribes_to: Option<&str>) -> (Talk, Vec<u8>) {
        let (mut talk, mut reply) = (Talk::new(dialect, subscribes_to, 0xab), Vec::new());
        talk.open(&mut reply);
        (talk, reply)
    }

    fn say(talk: &mut Talk, message: &[u8]) -> String {
        let outcome = listen(talk, [message]);
        assert_eq!(outcome.refusal, None);
        outcome.replied.escape_ascii().to_string()
    }

    #[test]
    fn a_nats_subscriber_stands_when_its_ping_is_answered() {
        let (mut talk, first) = begun(Dialect::Nats, Some("load/0"));
        assert_eq!(first, b"", "the server speaks first");
        let said = say(&mut talk, b"INFO {\"max_payload\":1048576}\r\n");
        assert!(
            said.starts_with("CONNECT {") && said.ends_with("}\\r\\nSUB load/0 1\\r\\nPING\\r\\n"),
            "{said}"
        );
        assert!(!talk.is_ready());
        assert_eq!(say(&mut talk, b"INFO {}\r\n"), "", "said once");
        assert_eq!(say(&mut talk, b"PING\r\nPONG\r\n"), "PONG\\r\\n");
        assert!(talk.is_ready());
        let (mut publisher, _) = begun(Dialect::Nats, None);
        assert!(!say(&mut publisher, b"INFO {}\r\n").contains("SUB"));
    }

    #[test]
    fn an_mqtt_subscriber_stands_with_its_suback_and_a_publisher_with_its_connack() {
        let (mut talk, first) = begun(Dialect::Mqtt, Some("a/b"));
        assert_eq!(
            first,
            b"\x10\x20\x00\x04MQTT\x04\x02\x00\x00\x00\x14load00000000000000ab"
        );
        assert_eq!(
            say(&mut talk, b"\x20\x02\x00\x00"),
            "\\x82\\x08\\x00\\x01\\x00\\x03a/b\\x00"
        );
        assert!(!talk.is_ready());
        assert_eq!(say(&mut talk, b"\x90\x03\x00\x01\x00"), "");
        assert!(talk.is_ready());
        let (mut publisher, _) = begun(Dialect::Mqtt, None);
        assert_eq!(say(&mut publisher, b"\x20\x02\x00\x00"), "");
        assert!(publisher.is_ready());
    }

    #[test]
    fn plain_connections_stand_at_once_and_each_message_is_a_delivery() {
        let (mut talk, first) = begun(Dialect::Plain, Some("a"));
        assert!(talk.is_ready() && first.is_empty());
        assert_eq!(
            listen(&mut talk, [b"x".as_slice(), b"", b"y"]).delivered,
            [b"x".as_slice(), b"", b"y"]
        );
    }

    #[test]
    fn refusals_are_quoted() {
        for (dialect, message, words) in [
            (
                Dialect::Nats,
                b"-ERR 'Authorization Violation'\r\n".as_slice(),
                "Authorization Violation",
            ),
            (
                Dialect::Nats,
                b"HTTP/1.1 400 Bad Request\r\n",
                "does not speak NATS: `HTTP/1.1 400",
            ),
            (Dialect::Nats, b"MSG a 1 x\r\n", "does not speak NATS"),
            (Dialect::Nats, b"MSG a 1 2\r\nabcd", "does not speak NATS"),
            (Dialect::Mqtt, b"\x20\x02\x00\x05", "not authorized"),
            (
                Dialect::Mqtt,
                b"\x20\x02\x00\x01",
                "does not speak MQTT 3.1.1",
            ),
            (Dialect::Mqtt, b"\x20\x02\x00\x63", "code 99"),
            (
                Dialect::Mqtt,
                b"\x90\x03\x00\x01\x80",
                "refused the subscription",
            ),
            (
                Dialect::Mqtt,
                b"\x30\x81\x80\x80\x80",
                "length does not end",
            ),
            (Dialect::Mqtt, b"\x30\x03\x00\x05a", "cut inside its topic"),
            (Dialect::Mqtt, b"{\"error\":1}", "begins with 0x7b"),
        ] {
            let refusal = listen(&mut Talk::new(dialect, None, 1), [message]).refusal;
            assert!(
                refusal.as_ref().is_some_and(|text| text.contains(words)),
                "{words}: {refusal:?}"
            );
        }
    }

    #[test]
    fn names_that_would_mean_something_else_are_refused() {
        for (dialect, good, bad) in [
            (Dialect::Nats, "load/0.x", ["a b", "a.*", ">", "a..b"]),
            (Dialect::Mqtt, "load/0", ["a/+", "#", "a\0", "a/#/b"]),
        ] {
            assert_eq!(dialect.check_topic(good), Ok(()));
            bad.iter()
                .for_each(|name| assert!(dialect.check_topic(name).is_err(), "{name}"));
        }
    }

    /// A server's stream of protocol messages, and the payloads in it.
    fn any_stream(dialect: Dialect) -> impl Strategy<Value = (Vec<u8>, Vec<Vec<u8>>)> {
        let payload = prop::collection::vec(any::<u8>(), 0..300);
        let piece = prop_oneof![3 => payload.prop_map(Some), 1 => Just(None)];
        prop::collection::vec(piece, 1..12).prop_map(move |pieces| {
            let (mut stream, mut payloads) = (Vec::new(), Vec::new());
            for piece in pieces {
                match (piece, dialect) {
                    (Some(payload), _) => {
                        stream.extend(publication(dialect, &payload));
                        payloads.push(payload);
                    }
                    (None, Dialect::Nats) => stream.extend(b"PING\r\n+OK\r\n"),
                    (None, _) => stream.extend(b"\xd0\x00"),
                }
            }
            (stream, payloads)
        })
    }

    /// A publication as the server passes it on.
    fn publication(dialect: Dialect, payload: &[u8]) -> Vec<u8> {
        let Envelope { before, after } = dialect.envelope("a/b", payload.len());
        let before = match dialect {
            Dialect::Nats => format!("MSG a/b 1 {}\r\n", payload.len()).into_bytes(),
            Dialect::Plain | Dialect::Mqtt => before,
        };
        [&before, payload, after].concat()
    }

    proptest! {
        /// Where WebSocket messages end means nothing.
        #[test]
        fn a_stream_is_understood_wherever_it_is_cut(
            (dialect, (stream, payloads)) in prop_oneof![Just(Dialect::Nats), Just(Dialect::Mqtt)].prop_flat_map(|dialect| (Just(dialect), any_stream(dialect))),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
        ) {
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).chain([0, stream.len()]).collect();
            cuts.sort_unstable();
            let whole = listen(&mut Talk::new(dialect, None, 1), [stream.as_slice()]);
            prop_assert_eq!(&whole.delivered, &payloads);
            prop_assert_eq!(&whole.refusal, &None);
            let mut talk = Talk::new(dialect, None, 1);
            let cut = listen(&mut talk, cuts.windows(2).map(|ends| &stream[ends[0]..ends[1]]));
            prop_assert_eq!(cut, whole);
            prop_assert!(talk.is_between_messages());
        }

        #[test]
        fn nothing_that_a_server_says_panics(dialect in prop_oneof![Just(Dialect::Nats), Just(Dialect::Mqtt)], messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..6)) {
            listen(&mut Talk::new(dialect, Some("a"), 1), messages.iter().map(Vec::as_slice));
        }
    }

    #[test]
    fn only_whole_deliveries_are_the_same_for_everybody() {
        let mut talk = Talk::new(Dialect::Nats, None, 1);
        let mut gist = |message: &[u8]| talk.read(message, &mut Vec::new(), |_| {});
        assert_eq!(
            gist(b"MSG a 1 2\r\nab\r\nMSG a 1 0\r\n\r\n"),
            Ok(Gist::Deliveries)
        );
        assert_eq!(gist(b"MSG a 1 2\r\nab\r\nPING\r\n"), Ok(Gist::Mixed));
        assert_eq!(gist(b"MSG a 1 2\r\nab\r\nMSG a"), Ok(Gist::Mixed));
        assert_eq!(gist(b" 1 2\r\nab\r\n"), Ok(Gist::Mixed));
        assert_eq!(gist(b"MSG a 1 2\r\nab\r\n"), Ok(Gist::Deliveries));
    }
}
