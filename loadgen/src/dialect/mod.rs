//! What client and server say to each other, and where: one [`Dialect`] for each kind of server.
//!
//! A dialect knows the URLs, the words before a connection stands, what goes around a payload, and how to take apart what
//! comes. It has no state and does no I/O: the state of one connection's conversation is a [`Talk`], which is the same for
//! all of them. A new one is a file in this folder and a line in [`DRIVERS`].

mod centrifugo;
mod encoding;
mod json;
mod mqtt;
mod nats;
mod plain;
mod ringwire_json;
mod talk;
mod template;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use protocol::ws::Kind;

pub use self::encoding::{Encoding, Envelope};
pub use self::talk::{Aside, Gist, Notices, Talk};
pub use self::template::{PAYLOAD_PLACE, Wording};

/// A protocol message that goes on beyond this is none of ours; the server is at fault.
pub(crate) const CUT_BYTES_MAX: usize = 128 << 20;

/// Every driver, in the order in which help shows them.
pub const DRIVERS: &[&Driver] = &[
    &plain::RINGWIRE,
    &ringwire_json::DRIVER,
    &plain::URL,
    &template::DRIVER,
    &plain::NCHAN,
    &centrifugo::DRIVER,
    &nats::DRIVER,
    &mqtt::DRIVER,
];

/// One line of the table of drivers.
#[derive(Debug)]
pub struct Driver {
    /// What `--driver` calls it.
    pub name: &'static str,
    /// What help says about it.
    pub help: &'static str,
    /// How its dialect comes to be.
    pub recipe: Recipe,
}

/// How a dialect comes to be.
#[derive(Debug)]
pub enum Recipe {
    /// It is always the same.
    Fixed(fn() -> Arc<dyn Dialect>),
    /// The user says how its messages read.
    Worded(fn(&Wording) -> Result<Arc<dyn Dialect>, String>),
}

impl Driver {
    /// Its dialect, with what the user said about messages.
    ///
    /// # Errors
    /// That makes no sense, or is nothing for this driver.
    pub fn dialect(&self, wording: &Wording) -> Result<Arc<dyn Dialect>, String> {
        match self.recipe {
            Recipe::Fixed(dialect) if wording.is_silent() => Ok(dialect()),
            Recipe::Fixed(_) => Err(format!(
                "the words of messages are for --driver template; {} has its own",
                self.name
            )),
            Recipe::Worded(dialect) => dialect(wording),
        }
    }
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It only receives.
    Subscribe,
    /// It only sends.
    Publish,
    /// It does both, on one topic.
    Both,
}

/// One connection's part in the conversation.
#[derive(Clone, Copy, Debug)]
pub struct Part<'p> {
    /// What it is for.
    pub role: Role,
    /// The name of its topic.
    pub topic: &'p str,
    /// Different for each connection.
    pub client: u64,
    /// Where its subscription goes on, in dialects that [resume](Dialect::resumes).
    pub since: Option<&'p Position>,
}

impl Part<'_> {
    /// Whether it receives.
    pub fn subscribes(&self) -> bool {
        self.role != Role::Publish
    }
}

/// A place in a topic's history, as the server numbers it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Which life of the topic.
    pub epoch: String,
    /// Which message.
    pub offset: u64,
}

/// What one kind of server speaks.
pub trait Dialect: fmt::Debug + Send + Sync {
    /// Where connections of this role go; `{topic}` stands for the topic's name. `url` is what the user says.
    fn url(&self, url: &str, role: Role) -> String {
        let _ = role;
        url.to_owned()
    }

    /// Whether the topic is named by what connections of this role say. If not, their URLs must name it.
    fn names_topic(&self, role: Role) -> bool {
        let _ = role;
        true
    }

    /// The WebSocket subprotocols to offer.
    fn subprotocols(&self) -> &'static [&'static str] {
        &[]
    }

    /// Whether each WebSocket message is one publication and nothing else is ever said. Such messages are taken as they
    /// are, and [`Dialect::read`] is not asked.
    fn is_plain(&self) -> bool {
        false
    }

    /// The kind of WebSocket message that carries everything.
    fn kind(&self) -> Kind {
        Kind::Binary
    }

    /// Whether a topic may have this name; the error says why not.
    fn check_topic(&self, name: &str) -> Result<(), &'static str> {
        let _ = name;
        Ok(())
    }

    /// The largest payload that it can carry to `topic`, if there is one.
    fn payload_bytes_max(&self, topic: &str) -> Option<usize> {
        let _ = topic;
        None
    }

    /// What goes around payloads of `payload_bytes` published to `topic`.
    fn envelope(&self, topic: &str, payload_bytes: usize) -> Envelope;

    /// What is heard and said until a connection stands.
    fn script(&self, part: &Part<'_>) -> Script {
        let _ = part;
        Script::new()
    }

    /// What is said and heard to end the subscription to `topic` and to begin it again; empty if it cannot.
    fn resubscription(&self, topic: &str) -> Script {
        let _ = topic;
        Script::new()
    }

    /// Whether the server answers each publication.
    fn acknowledges(&self) -> bool {
        false
    }

    /// Whether the server tells a subscriber of messages that it will not get.
    fn announces_gaps(&self) -> bool {
        false
    }

    /// Whether a subscription can go on from a [`Position`].
    fn resumes(&self) -> bool {
        false
    }

    /// The answer to a [`Heard::Ping`].
    fn pong(&self) -> &'static [u8] {
        b""
    }

    /// Takes the whole protocol messages at the start of `bytes`, tells `hear` what they say, and returns how many bytes they
    /// took. The rest is given again, with more behind it.
    ///
    /// # Errors
    /// Nothing that the server says after that can be understood.
    fn read(&self, bytes: &[u8], hear: &mut dyn FnMut(Heard<'_>)) -> Result<usize, Refusal>;
}

/// What is to be heard and said, in this order.
pub type Script = VecDeque<Step>;

/// The server gives a cue, the client then says its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What is waited for.
    pub awaits: Cue,
    /// The WebSocket message that is then sent; none if it is empty.
    pub then: Vec<u8>,
}

impl Step {
    fn new(awaits: Cue, then: impl Into<Vec<u8>>) -> Step {
        Step {
            awaits,
            then: then.into(),
        }
    }
}

/// What a server says before a connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cue {
    /// Nothing: it is the client's turn.
    Open,
    /// It has greeted, or taken the client's greeting.
    Greeted,
    /// The subscription stands.
    Subscribed,
    /// The subscription has ended as it was wished.
    Unsubscribed,
}

/// What a server says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard<'m> {
    /// A publication's payload.
    Delivery(&'m [u8]),
    /// One of the things that are waited for.
    Cue(Cue),
    /// Whether this end is alive.
    Ping,
    /// That it wants no answers to its pings.
    PingsAreIdle,
    /// The position that the subscription has reached; the epoch is left out while it stays.
    Position {
        /// As in [`Position`].
        epoch: Option<&'m str>,
        /// As in [`Position`].
        offset: u64,
    },
    /// Whether the subscription goes on where it was to.
    Recovered(bool),
    /// A publication of this connection was taken.
    Acknowledged,
    /// A publication of this connection was not taken; later ones may be.
    Rejected,
    /// The subscription misses so many messages, and the server says so.
    Gap(u64),
    /// Of no interest.
    Nothing,
}

/// The server said that it will not, or something that its protocol does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal(String);

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// `url` with `path` behind it, unless it ends so already.
fn under(url: &str, path: &str) -> String {
    let url = url.trim_end_matches('/');
    if url.ends_with(path) {
        url.to_owned()
    } else {
        format!("{url}{path}")
    }
}

/// The start of what a server said, for a message.
fn quoted(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(60)]).replace(char::is_control, " ")
}
