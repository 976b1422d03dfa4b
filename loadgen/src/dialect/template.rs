//! Any server that takes and gives messages around a payload: the user says how they read.
//!
//! What comes is searched for payloads, not parsed: between the words that the user says stand around one, or for a quoted
//! string that is as long as ours. So nothing needs to be known of the server's protocol, and what is not found is lost.

use std::sync::Arc;

use memchr::memmem;
use protocol::ws::Kind;

use super::{
    Cue, Dialect, Driver, Encoding, Envelope, Heard, Part, Recipe, Refusal, Role, Script, Step,
};
use crate::url::TOPIC_PLACE;

/// Messages in the user's words.
pub(super) const DRIVER: Driver = Driver {
    name: "template",
    help: "Messages in words of your own: see --subscribe-message and the options behind it",
    recipe: Recipe::Worded(|wording| Ok(Arc::new(Template::new(wording)?))),
};

/// Where a payload goes.
pub const PAYLOAD_PLACE: &str = "{payload}";

/// How messages read. In all of them `{topic}` stands for the topic's name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wording {
    /// What every connection says first.
    pub first: Option<String>,
    /// What a subscriber says.
    pub subscribe: Option<String>,
    /// A part of the message with which the server says that the subscription stands. Without it, it stands at once.
    pub subscribed_when: Option<String>,
    /// What a publisher says, around `{payload}`.
    pub publish: Option<String>,
    /// What a subscriber gets, around `{payload}`.
    pub delivery: Option<String>,
    /// How payloads are written; as base64 unless given.
    pub encoding: Option<Encoding>,
    /// What is sent; text unless given.
    pub kind: Option<Kind>,
    /// How long payloads are.
    pub payload_bytes: usize,
}

#[derive(Debug)]
struct Template {
    first: Option<String>,
    subscribe: Option<String>,
    subscribed_when: Option<memmem::Finder<'static>>,
    publish: [String; 2],
    place: Place,
    encoding: Encoding,
    kind: Kind,
    /// How long a payload is as it stands in a message.
    encoded_bytes: usize,
}

/// Where payloads are found in what comes.
#[derive(Debug)]
enum Place {
    /// The message begins with it.
    Start { after: Vec<u8> },
    Behind {
        before: Box<memmem::Finder<'static>>,
        after: Vec<u8>,
    },
    /// It is a whole string between double quotes.
    Quoted,
}

impl Wording {
    /// Whether the user has said nothing of this.
    pub fn is_silent(&self) -> bool {
        *self
            == Wording {
                payload_bytes: self.payload_bytes,
                ..Wording::default()
            }
    }
}

impl Template {
    fn new(wording: &Wording) -> Result<Template, String> {
        let encoding = wording.encoding.unwrap_or(Encoding::Base64);
        let kind = wording.kind.unwrap_or(Kind::Text);
        if (encoding, kind) == (Encoding::Raw, Kind::Text) {
            return Err(
                "--payload-as raw: text cannot carry any bytes; give --messages-as binary as well"
                    .to_owned(),
            );
        }
        for (option, text) in [
            ("subscribed-when", &wording.subscribed_when),
            ("first-message", &wording.first),
            ("subscribe-message", &wording.subscribe),
        ] {
            if text.as_ref().is_some_and(String::is_empty) {
                return Err(format!("--{option}: there is nothing in it"));
            }
        }
        let publish = wording.publish.as_deref().unwrap_or(PAYLOAD_PLACE);
        Ok(Template {
            first: wording.first.clone(),
            subscribe: wording.subscribe.clone(),
            subscribed_when: wording.subscribed_when.as_deref().map(finder),
            publish: around_payload("publish-message", publish)?,
            place: match &wording.delivery {
                Some(delivery) => Place::of(delivery)?,
                None if encoding == Encoding::Raw => Place::of(PAYLOAD_PLACE)?,
                None => Place::Quoted,
            },
            encoding,
            kind,
            encoded_bytes: encoding.encoded_bytes(wording.payload_bytes),
        })
    }

    /// Each piece of a message that is where a payload should be, and as long.
    fn candidates<'m>(&self, message: &'m [u8], mut take: impl FnMut(&'m [u8])) {
        let length = self.encoded_bytes;
        match &self.place {
            Place::Start { after } => {
                if let Some((text, rest)) = message.split_at_checked(length)
                    && rest.starts_with(after)
                {
                    take(text);
                }
            }
            Place::Behind { before, after } => {
                let mut rest = message;
                while let Some(found) = before.find(rest) {
                    rest = &rest[found + before.needle().len()..];
                    if let Some((text, behind)) = rest.split_at_checked(length)
                        && behind.starts_with(after)
                    {
                        take(text);
                        rest = behind;
                    }
                }
            }
            Place::Quoted => message
                .split(|byte| *byte == b'"')
                .filter(|text| text.len() == length)
                .for_each(take),
        }
    }
}

impl Dialect for Template {
    fn names_topic(&self, role: Role) -> bool {
        let names = |words: &str| words.contains(TOPIC_PLACE);
        let subscribes = self.subscribe.as_deref().is_some_and(names);
        let publishes = self.publish.iter().any(|words| names(words));
        match role {
            Role::Subscribe => subscribes,
            Role::Publish => publishes,
            Role::Both => subscribes && publishes,
        }
    }

    fn kind(&self) -> Kind {
        self.kind
    }

    fn check_topic(&self, name: &str) -> Result<(), &'static str> {
        if name.contains(|letter: char| letter.is_control() || matches!(letter, '"' | '\\')) {
            return Err("it is put into messages as it is, so it has no quotes or backslashes");
        }
        Ok(())
    }

    fn envelope(&self, topic: &str, _payload_bytes: usize) -> Envelope {
        let [before, after] = &self.publish;
        Envelope {
            before: before.replace(TOPIC_PLACE, topic).into_bytes(),
            encoding: self.encoding,
            after: after.replace(TOPIC_PLACE, topic).into_bytes(),
        }
    }

    fn script(&self, part: &Part<'_>) -> Script {
        let subscribe = self.subscribe.iter().filter(|_| part.subscribes());
        let mut script: Script = self
            .first
            .iter()
            .chain(subscribe)
            .map(|words| Step::new(Cue::Open, words.replace(TOPIC_PLACE, part.topic)))
            .collect();
        if part.subscribes() && self.subscribed_when.is_some() {
            script.push_back(Step::new(Cue::Subscribed, []));
        }
        script
    }

    fn read(&self, bytes: &[u8], hear: &mut dyn FnMut(Heard<'_>)) -> Result<usize, Refusal> {
        let mut has_payload = false;
        self.candidates(bytes, |text| {
            if let Some(payload) = self.encoding.decode(text) {
                has_payload = true;
                hear(Heard::Delivery(&payload));
            }
        });
        let says = |words: &memmem::Finder<'_>| words.find(bytes).is_some();
        if !has_payload {
            hear(match &self.subscribed_when {
                Some(words) if says(words) => Heard::Cue(Cue::Subscribed),
                _ => Heard::Nothing,
            });
        }
        Ok(bytes.len())
    }
}

impl Place {
    /// As far as the words around the payload are the same in each message.
    fn of(delivery: &str) -> Result<Place, String> {
        let [before, after] = around_payload("delivery-message", delivery)?;
        let before = before.rsplit(TOPIC_PLACE).next().unwrap_or_default();
        let after = after.split(TOPIC_PLACE).next().unwrap_or_default().into();
        Ok(match before {
            "" => Place::Start { after },
            before => Place::Behind {
                before: Box::new(finder(before)),
                after,
            },
        })
    }
}

fn finder(words: &str) -> memmem::Finder<'static> {
    memmem::Finder::new(words).into_owned()
}

fn around_payload(option: &str, words: &str) -> Result<[String; 2], String> {
    match words.split(PAYLOAD_PLACE).collect::<Vec<_>>().as_slice() {
        [before, after] => Ok([*before, *after].map(str::to_owned)),
        _ => Err(format!(
            "--{option} {words}: it needs {PAYLOAD_PLACE} once, where the payload stands"
        )),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dialect::{Aside, Talk};

    /// Its base64 has a slash, a plus and padding.
    const PAYLOAD: [u8; 4] = *b"\x00\xff\xfe4";

    fn wording() -> Wording {
        Wording {
            subscribe: Some(r#"{"sub":"{topic}"}"#.to_owned()),
            publish: Some(r#"{"to":"{topic}","data":"{payload}"}"#.to_owned()),
            payload_bytes: PAYLOAD.len(),
            ..Wording::default()
        }
    }

    fn dialect(wording: &Wording) -> Arc<dyn Dialect> {
        DRIVER.dialect(wording).expect("sensible words")
    }

    fn heard(wording: &Wording, message: &[u8]) -> Vec<Vec<u8>> {
        let mut payloads = Vec::new();
        let taken = dialect(wording).read(message, &mut |heard| {
            if let Heard::Delivery(payload) = heard {
                payloads.push(payload.to_vec());
            }
        });
        assert_eq!(taken, Ok(message.len()));
        payloads
    }

    fn part(role: Role) -> Part<'static> {
        Part {
            role,
            topic: "a/b",
            client: 1,
            since: None,
        }
    }

    #[test]
    fn words_are_said_in_order_and_the_subscription_stands_with_the_answer() {
        let wording = Wording {
            first: Some("HELLO".to_owned()),
            subscribed_when: Some("subscribed".to_owned()),
            ..wording()
        };
        let (mut talk, mut aside) = (
            Talk::new(&dialect(&wording), &part(Role::Subscribe)),
            Aside::default(),
        );
        talk.open(&mut aside);
        let said: Vec<&[u8]> = aside.messages().collect();
        assert_eq!(said, [b"HELLO".as_slice(), br#"{"sub":"a/b"}"#]);
        for (message, is_ready) in [
            ("welcome", false),
            (r#"{"event":"subscribed"}"#, true),
            ("anything", true),
        ] {
            let read = talk.read(message.as_bytes(), &mut aside, |_| {});
            assert!(read.is_ok());
            assert_eq!(talk.is_ready(), is_ready, "{message}");
        }
        let (mut publisher, mut aside) = (
            Talk::new(&dialect(&wording), &part(Role::Publish)),
            Aside::default(),
        );
        publisher.open(&mut aside);
        assert_eq!(aside.messages().collect::<Vec<_>>(), [b"HELLO"]);
        assert!(publisher.is_ready());
    }

    #[test]
    fn payloads_are_found_where_the_words_say() {
        let delivery = |words: &str| Wording {
            delivery: Some(words.to_owned()),
            ..wording()
        };
        let raw = |words: &str| Wording {
            encoding: Some(Encoding::Raw),
            kind: Some(Kind::Binary),
            ..delivery(words)
        };
        let hex = Wording {
            encoding: Some(Encoding::Hex),
            ..wording()
        };
        for (wording, message, payloads) in [
            (wording(), br#"{"data":"AP/+NA=="}"#.as_slice(), 1),
            (
                wording(),
                br#"[{"data":"AP/+NA=="},{"data":"AP/+NA=="}]"#,
                2,
            ),
            (wording(), br#"{"data":"AP/+NA=","ok":true}"#, 0),
            (wording(), br#"{"data":"AP/+NA=!"}"#, 0),
            (hex, br#"["00fffe34"]"#, 1),
            (
                delivery(r#"{"{topic}":["{payload}"]}"#),
                br#"{"a/b":["AP/+NA=="]}"#,
                1,
            ),
            (
                delivery(r#"{"{topic}":["{payload}"]}"#),
                br#"{"a/b":["AP/+NA=="}"#,
                0,
            ),
            (
                delivery(r#"\"payload\":\"{payload}\""#),
                br#"{"data":"{\"payload\":\"AP/+NA==\"}"}"#,
                1,
            ),
            (delivery("{payload};"), b"AP/+NA==;", 1),
            (raw("to {topic}:{payload}"), b"to a/b:\x00\xff\xfe4", 1),
            (raw("{payload}"), b"\x00\xff\xfe4", 1),
        ] {
            assert_eq!(
                heard(&wording, message),
                vec![PAYLOAD; payloads],
                "{wording:?}"
            );
        }
    }

    #[test]
    fn words_that_make_no_sense_are_refused_with_the_reason() {
        for (wording, reason) in [
            (
                Wording {
                    publish: Some("no place".to_owned()),
                    ..wording()
                },
                "--publish-message no place: it needs {payload} once",
            ),
            (
                Wording {
                    delivery: Some("{payload}{payload}".to_owned()),
                    ..wording()
                },
                "--delivery-message",
            ),
            (
                Wording {
                    encoding: Some(Encoding::Raw),
                    ..wording()
                },
                "--messages-as binary",
            ),
            (
                Wording {
                    subscribed_when: Some(String::new()),
                    ..wording()
                },
                "--subscribed-when",
            ),
        ] {
            let error = DRIVER.dialect(&wording).expect_err(reason);
            assert!(error.contains(reason), "{error}");
        }
    }

    proptest! {
        #[test]
        fn nothing_that_a_server_says_panics(
            delivery in prop_oneof![Just(None), Just(Some("{payload}".to_owned())), Just(Some("a{payload}b".to_owned()))],
            message in prop::collection::vec(prop_oneof![Just(b'a'), Just(b'"'), any::<u8>()], 0..60),
        ) {
            heard(&Wording { delivery, ..wording() }, &message);
        }
    }
}
