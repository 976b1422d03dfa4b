//! Where a core accepts, and what is spoken there.

use reactor::ListenerId;

use crate::connection::Transport;

/// The listeners of one core. All cores have the same, on the same addresses.
#[derive(Clone, Copy, Debug, Default)]
pub struct Listeners {
    /// For `http://` and `ws://`.
    pub plain: Option<ListenerId>,
    /// For `https://` and `wss://`.
    pub tls: Option<ListenerId>,
}

impl Listeners {
    pub(super) fn transport(&self, listener: ListenerId) -> Transport {
        if self.tls == Some(listener) {
            Transport::Tls
        } else {
            Transport::Plain
        }
    }

    /// All of them; none are left.
    pub(super) fn take(&mut self) -> impl Iterator<Item = ListenerId> + use<> {
        let Self { plain, tls } = std::mem::take(self);
        plain.into_iter().chain(tls)
    }
}

impl From<ListenerId> for Listeners {
    fn from(plain: ListenerId) -> Self {
        Self {
            plain: Some(plain),
            tls: None,
        }
    }
}
