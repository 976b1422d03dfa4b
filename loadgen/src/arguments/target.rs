//! Which server, and what it speaks.

use clap::{Args, ValueEnum};

use crate::dialect::Dialect;
use crate::failure::Failure;
use crate::plan::{Endpoint, Layout};
use crate::url::{TOPIC_PLACE, UrlTemplate};

/// Where to connect, and how to speak there.
#[derive(Debug, Args)]
pub struct Target {
    /// The server. What becomes of this URL depends on --driver
    #[arg(default_value = "ws://127.0.0.1:7464")]
    pub url: String,

    /// What the server speaks
    #[arg(long, value_enum, default_value_t = Driver::Ringwire, value_name = "NAME")]
    pub driver: Driver,

    /// Where subscribers connect, `{topic}` being replaced; instead of what URL says
    #[arg(long, value_name = "URL")]
    pub subscribe_url: Option<String>,

    /// Where publishers connect, `{topic}` being replaced; instead of what URL says
    #[arg(long, value_name = "URL")]
    pub publish_url: Option<String>,
}

/// What the server speaks inside WebSocket messages, and how topics come into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Driver {
    /// Each message is a publication; subscribers open URL/t/TOPIC?mode=sub, publishers URL/t/TOPIC?mode=pub
    Ringwire,
    /// Each message is a publication; the URLs are used as they are, `{topic}` in them being replaced
    Url,
    /// The NATS client protocol, at the URL as it is; the topic's name is the subject
    Nats,
    /// MQTT 3.1.1 with quality of service 0, at the URL as it is
    Mqtt,
}

impl Driver {
    /// What is spoken inside WebSocket messages.
    pub(super) fn dialect(self) -> Dialect {
        match self {
            Driver::Ringwire | Driver::Url => Dialect::Plain,
            Driver::Nats => Dialect::Nats,
            Driver::Mqtt => Dialect::Mqtt,
        }
    }
}

impl Target {
    /// Where subscribers connect, and where publishers do. That is one place for connections that are both.
    pub(super) fn endpoints(&self, layout: &Layout) -> Result<(Endpoint, Endpoint), Failure> {
        if !layout.is_duplex() {
            return Ok((
                self.endpoint(self.subscribe_url.as_deref(), "?mode=sub", layout)?,
                self.endpoint(self.publish_url.as_deref(), "?mode=pub", layout)?,
            ));
        }
        if self.subscribe_url.is_some() || self.publish_url.is_some() {
            return Err(Failure::Usage(
                "with --echo and --rooms one connection publishes and receives: give its URL alone, with --driver url if it is to be \
                 used as it is"
                    .to_owned(),
            ));
        }
        let both = self.endpoint(None, "", layout)?;
        Ok((both.clone(), both))
    }

    fn endpoint(
        &self,
        url: Option<&str>,
        mode: &str,
        layout: &Layout,
    ) -> Result<Endpoint, Failure> {
        let standard = || match self.driver {
            Driver::Ringwire => format!("{}/t/{TOPIC_PLACE}{mode}", self.url.trim_end_matches('/')),
            Driver::Url | Driver::Nats | Driver::Mqtt => self.url.clone(),
        };
        let url = UrlTemplate::parse(&url.map_or_else(standard, str::to_owned))
            .map_err(Failure::Usage)?;
        // A server that sends everybody only what they have sent needs no topics.
        let may_share = layout.topics == 1 || layout.is_echo();
        if !may_share && self.driver.dialect() == Dialect::Plain && !url.names_topic() {
            return Err(Failure::Usage(format!(
                "with several topics each URL needs a place for the name: {TOPIC_PLACE}"
            )));
        }
        let address = url.resolve()?;
        Ok(Endpoint { url, address })
    }
}
