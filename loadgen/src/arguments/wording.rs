//! How messages read, for servers that have words of their own.

use clap::{Args, ValueEnum};
use protocol::ws::Kind;

use crate::dialect::{Encoding, Wording};

/// The words of messages.
#[derive(Debug, Args)]
#[command(next_help_heading = "Words of messages, for --driver template")]
pub struct Words {
    /// What a subscriber says to subscribe, `{topic}` being replaced, as in '{"action":"sub","channel":"{topic}"}'. Without it the
    /// URL alone says which topic it is
    #[arg(long, value_name = "TEXT")]
    pub subscribe_message: Option<String>,

    /// The subscription stands when a message came that has TEXT in it. Without it, it stands at once: give the server the time
    /// for it with --settle
    #[arg(long, value_name = "TEXT")]
    pub subscribed_when: Option<String>,

    /// What a publisher says, `{topic}` and `{payload}` being replaced, as in
    /// '{"action":"pub","channel":"{topic}","data":"{payload}"}' [default: {payload}]
    #[arg(long, value_name = "TEXT")]
    pub publish_message: Option<String>,

    /// What a subscriber gets: payloads are looked for between the words that stand around `{payload}`. Without it any quoted
    /// string of the right length is taken for one
    #[arg(long, value_name = "TEXT")]
    pub delivery_message: Option<String>,

    /// What each connection says before anything else, a log-in for instance
    #[arg(long, value_name = "TEXT")]
    pub first_message: Option<String>,

    /// How the bytes of a payload are written [default: base64]
    #[arg(long, value_enum, value_name = "FORM")]
    pub payload_as: Option<Form>,

    /// The kind of WebSocket message that all this is sent in [default: text]
    #[arg(long, value_enum, value_name = "KIND")]
    pub messages_as: Option<MessageKind>,
}

/// How bytes are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// With `+`, `/` and padding
    Base64,
    /// With `-` and `_`, without padding: nothing in it is ever escaped
    Base64url,
    /// Two small digits for each byte
    Hex,
    /// As they are, in binary messages
    Raw,
}

/// Kinds of WebSocket messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MessageKind {
    /// UTF-8 text
    Text,
    /// Any bytes
    Binary,
}

impl Words {
    /// All of it, for payloads of that size.
    pub(super) fn wording(&self, payload_bytes: usize) -> Wording {
        Wording {
            first: self.first_message.clone(),
            subscribe: self.subscribe_message.clone(),
            subscribed_when: self.subscribed_when.clone(),
            publish: self.publish_message.clone(),
            delivery: self.delivery_message.clone(),
            encoding: self.payload_as.map(|form| match form {
                Form::Base64 => Encoding::Base64,
                Form::Base64url => Encoding::Base64Url,
                Form::Hex => Encoding::Hex,
                Form::Raw => Encoding::Raw,
            }),
            kind: self.messages_as.map(|kind| match kind {
                MessageKind::Text => Kind::Text,
                MessageKind::Binary => Kind::Binary,
            }),
            payload_bytes,
        }
    }
}
