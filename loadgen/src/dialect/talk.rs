//! One connection's conversation: how far its script has come, what of a message was cut, where its subscription stands.
//!
//! Protocol messages need not agree with WebSocket messages in number or in place. Nothing here depends on the dialect.

use std::sync::Arc;

use super::{CUT_BYTES_MAX, Cue, Dialect, Heard, Part, Position, Refusal, Script};

/// One connection's conversation with the server.
#[derive(Debug)]
pub struct Talk {
    dialect: Arc<dyn Dialect>,
    /// Asked for each message, and so kept where it is at hand.
    is_plain: bool,
    answers_pings: bool,
    /// What is still to be heard and said before the connection stands.
    script: Option<Box<Script>>,
    /// The start of a protocol message that goes on in the next WebSocket message.
    cut: Vec<u8>,
    progress: Option<Box<Progress>>,
}

/// How far a subscription has come in its topic's history.
#[derive(Debug, Default)]
struct Progress {
    position: Option<Position>,
    recovered: Option<bool>,
}

/// What came of listening besides deliveries.
#[derive(Debug, Default)]
pub struct Aside {
    words: Vec<u8>,
    /// Where each message in `words` ends.
    ends: Vec<usize>,
    /// What the server told.
    pub notices: Notices,
}

/// What servers tell about publications.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Notices {
    /// Publications that the server has acknowledged.
    pub acknowledged: u64,
    /// Publications that the server has refused.
    pub rejected: u64,
    /// Times that the server told a subscriber of messages that it will not get.
    pub gaps: u64,
    /// How many messages those were.
    pub gap_messages: u64,
}

/// What one WebSocket message was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gist {
    /// Whole deliveries and nothing else: the same bytes mean the same to any other subscriber of the topic.
    Deliveries,
    /// Something else was in it, or a protocol message was cut.
    Mixed,
}

impl Aside {
    /// Whether there is nothing to say and nothing was told.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty() && self.notices == Notices::default()
    }

    /// The messages to send, in order.
    pub fn messages(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts
            .zip(&self.ends)
            .map(|(from, &until)| &self.words[from..until])
    }

    /// Forgets everything, but not the memory for it.
    pub fn clear(&mut self) {
        self.words.clear();
        self.ends.clear();
        self.notices = Notices::default();
    }

    fn say(&mut self, message: &[u8]) {
        if !message.is_empty() {
            self.words.extend_from_slice(message);
            self.ends.push(self.words.len());
        }
    }
}

impl Talk {
    /// The conversation of a new connection.
    pub fn new(dialect: &Arc<dyn Dialect>, part: &Part<'_>) -> Talk {
        let progress = part.since.map(|since| {
            Box::new(Progress {
                position: Some(since.clone()),
                recovered: None,
            })
        });
        let mut talk = Talk {
            dialect: dialect.clone(),
            is_plain: dialect.is_plain(),
            answers_pings: true,
            script: None,
            cut: Vec::new(),
            progress,
        };
        talk.begin(dialect.script(part));
        talk
    }

    /// The WebSocket stands: says what is said without being asked.
    pub fn open(&mut self, aside: &mut Aside) {
        follow(&mut self.script, Cue::Open, aside);
    }

    /// Whether the connection stands: a subscriber is subscribed, a publisher may publish.
    pub fn is_ready(&self) -> bool {
        self.script.is_none()
    }

    /// Ends the subscription to `topic` and begins it again; the connection does not stand until that is done. Says false,
    /// and nothing to the server, if the dialect has no words for it.
    pub fn resubscribe(&mut self, topic: &str, aside: &mut Aside) -> bool {
        self.begin(self.dialect.resubscription(topic));
        self.open(aside);
        self.script.is_some()
    }

    /// From now on keeps account of [`Talk::position`]. Each message must then be read.
    pub fn keep_position(&mut self) {
        self.progress.get_or_insert_default();
    }

    /// The position of the last delivery, or where the subscription began; if it is kept and the server has told it.
    pub fn position(&self) -> Option<&Position> {
        self.progress.as_ref()?.position.as_ref()
    }

    /// Whether the subscription went on where it was to; `None` if that was not asked, or is not answered.
    pub fn recovered(&self) -> Option<bool> {
        self.progress.as_ref()?.recovered
    }

    /// Whether the next WebSocket message begins with a protocol message, and may mean to this connection what it meant to
    /// another: it need not be read again.
    #[inline]
    pub fn may_be_recognised(&self) -> bool {
        self.cut.is_empty() && self.progress.is_none()
    }

    /// Takes one WebSocket message: each delivery in it goes to `deliver`, everything else comes of it into `aside`.
    ///
    /// # Errors
    /// Nothing that the server says after that can be understood.
    #[inline]
    pub fn read(
        &mut self,
        message: &[u8],
        aside: &mut Aside,
        mut deliver: impl FnMut(&[u8]),
    ) -> Result<Gist, Refusal> {
        if self.is_plain {
            deliver(message);
            return Ok(Gist::Deliveries);
        }
        self.read_protocol(message, aside, &mut deliver)
    }

    fn read_protocol(
        &mut self,
        message: &[u8],
        aside: &mut Aside,
        deliver: &mut dyn FnMut(&[u8]),
    ) -> Result<Gist, Refusal> {
        if self.cut.is_empty() {
            let (taken, gist) = self.take(message, aside, deliver)?;
            self.cut.extend_from_slice(&message[taken..]);
            return Ok(if self.cut.is_empty() {
                gist
            } else {
                Gist::Mixed
            });
        }
        let mut bytes = std::mem::take(&mut self.cut);
        bytes.extend_from_slice(message);
        let (taken, _) = self.take(&bytes, aside, deliver)?;
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
        aside: &mut Aside,
        deliver: &mut dyn FnMut(&[u8]),
    ) -> Result<(usize, Gist), Refusal> {
        let Talk {
            dialect,
            script,
            answers_pings,
            progress,
            ..
        } = self;
        let (mut gist, mut is_asked) = (Gist::Deliveries, false);
        let taken = dialect.read(bytes, &mut |heard| {
            match heard {
                Heard::Delivery(payload) => return deliver(payload),
                Heard::Position { epoch, offset } => {
                    if let Some(progress) = progress {
                        progress.advance(epoch, offset);
                    }
                    return;
                }
                Heard::Cue(cue) => follow(script, cue, aside),
                Heard::Ping => is_asked = true,
                Heard::PingsAreIdle => *answers_pings = false,
                Heard::Recovered(recovered) => {
                    if let Some(progress) = progress {
                        progress.recovered = Some(recovered);
                    }
                }
                Heard::Acknowledged => aside.notices.acknowledged += 1,
                Heard::Rejected => aside.notices.rejected += 1,
                Heard::Gap(messages) => {
                    aside.notices.gaps += 1;
                    aside.notices.gap_messages += messages;
                }
                Heard::Nothing => {}
            }
            gist = Gist::Mixed;
        })?;
        // One answer says it for all pings of one message: what is sent stays smaller than what came.
        if is_asked && *answers_pings {
            aside.say(dialect.pong());
        }
        Ok((taken, gist))
    }

    fn begin(&mut self, script: Script) {
        self.script = Some(Box::new(script)).filter(|script| !script.is_empty());
    }
}

/// The server has given a cue: says what follows it, if it is what was waited for, up to the next cue.
fn follow(script: &mut Option<Box<Script>>, cue: Cue, aside: &mut Aside) {
    let Some(steps) = script else { return };
    let mut awaited = cue;
    while steps.front().is_some_and(|step| step.awaits == awaited)
        && let Some(step) = steps.pop_front()
    {
        aside.say(&step.then);
        awaited = Cue::Open;
    }
    if steps.is_empty() {
        // Its memory is not needed for the rest of the connection's life.
        *script = None;
    }
}

impl Progress {
    fn advance(&mut self, epoch: Option<&str>, offset: u64) {
        let position = self.position.get_or_insert_default();
        position.offset = offset;
        if let Some(epoch) = epoch.filter(|epoch| *epoch != position.epoch) {
            epoch.clone_into(&mut position.epoch);
        }
    }
}
