//! Servers that pass WebSocket messages on as they are: the topic stands in the URL, and nothing else is said.

use std::sync::Arc;

use super::{Dialect, Driver, Envelope, Heard, Recipe, Refusal, Role, under};

/// ringwire's raw URLs.
pub(super) const RINGWIRE: Driver = Driver {
    name: "ringwire",
    help: "Each message is a publication; subscribers open URL/t/TOPIC?mode=sub, publishers URL/t/TOPIC?mode=pub",
    recipe: Recipe::Fixed(|| {
        Arc::new(Plain {
            subscribe: "/t/{topic}?mode=sub",
            publish: "/t/{topic}?mode=pub",
            both: "/t/{topic}",
        })
    }),
};

/// Any other server of this kind.
pub(super) const URL: Driver = Driver {
    name: "url",
    help: "Each message is a publication; the URLs are used as they are, `{topic}` in them being replaced",
    recipe: Recipe::Fixed(|| {
        Arc::new(Plain {
            subscribe: "",
            publish: "",
            both: "",
        })
    }),
};

/// nginx with nchan, its locations named as in the examples of nchan's own documentation.
pub(super) const NCHAN: Driver = Driver {
    name: "nchan",
    help: "nginx with nchan: each message is a publication; subscribers open URL/sub/TOPIC, publishers URL/pub/TOPIC",
    recipe: Recipe::Fixed(|| {
        Arc::new(Plain {
            subscribe: "/sub/{topic}",
            publish: "/pub/{topic}",
            both: "/pubsub/{topic}",
        })
    }),
};

/// What is put behind the user's URL.
#[derive(Debug)]
struct Plain {
    subscribe: &'static str,
    publish: &'static str,
    both: &'static str,
}

impl Dialect for Plain {
    fn url(&self, url: &str, role: Role) -> String {
        match role {
            Role::Subscribe if !self.subscribe.is_empty() => under(url, self.subscribe),
            Role::Publish if !self.publish.is_empty() => under(url, self.publish),
            Role::Both if !self.both.is_empty() => under(url, self.both),
            _ => url.to_owned(),
        }
    }

    fn names_topic(&self, _role: Role) -> bool {
        false
    }

    fn is_plain(&self) -> bool {
        true
    }

    fn envelope(&self, _topic: &str, _payload_bytes: usize) -> Envelope {
        Envelope::default()
    }

    fn read(&self, bytes: &[u8], hear: &mut dyn FnMut(Heard<'_>)) -> Result<usize, Refusal> {
        hear(Heard::Delivery(bytes));
        Ok(bytes.len())
    }
}
