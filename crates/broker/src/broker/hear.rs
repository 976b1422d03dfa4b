//! The subscribers' side: what home cores tell this core.
//!
//! Answers stand in their lane exactly between the chunks before and after them, so a subscriber joins its feed when the answer is heard.

use super::{Broker, Client};
use crate::chunk;
use crate::lane::{Answer, Budget, Caller, Tell};
use crate::name::{HashedName, TopicName};
use crate::notice::{Loss, Notice, Outcome, Recovery, Refusal, Standing};
use crate::pattern::Pattern;
use crate::position::Position;

impl Broker {
    pub(super) fn hear(&mut self, from: usize, tell: Tell) {
        match tell {
            Tell::Chunk(chunk) => {
                self.local
                    .arrive(from, &chunk.topic, chunk.span, chunk::share(&chunk))
            }
            Tell::Watched {
                topic,
                caller,
                answer,
            } => self.watched(&topic, caller, answer),
            Tell::WatchedPattern {
                pattern,
                caller,
                answer,
            } => self.watched_pattern(from, &pattern, caller, answer),
            Tell::Notice {
                client,
                notice,
                answers,
            } => {
                if answers {
                    self.local.answered(client);
                }
                self.local.notify(client, notice);
            }
        }
    }

    /// A home core counts this core's interest in a topic, or refuses.
    fn watched(&mut self, topic: &HashedName, caller: Caller, answer: Result<Answer, Refusal>) {
        let Some(feed) = self.local.find(topic) else {
            return;
        };
        let watch = self.local.feeds[feed].watches.of(caller.format);
        watch.awaited -= 1;
        watch.stands |= answer.is_ok();
        if let Ok(answer) = &answer {
            self.local.feeds[feed].set_last(answer.standing.at);
        }
        let Ok(slot) = self.local.slot(caller.client) else {
            return;
        };
        let Some(asked) = slot.take_asked(caller.command) else {
            return;
        };
        self.local.answered(caller.client);
        let refusal = match answer {
            Ok(Answer {
                standing, replay, ..
            }) if !asked.cancelled => {
                let answer = Some((standing.recovery, replay));
                return self.enter_topic(caller.client, asked.echo, feed, answer, asked.past);
            }
            Ok(_) => Refusal::Cancelled,
            Err(refusal) => refusal,
        };
        self.local.notify(
            caller.client,
            Notice::Refused {
                echo: asked.echo,
                refusal,
            },
        );
    }

    /// One home core of a pattern's answers.
    fn watched_pattern(
        &mut self,
        from: usize,
        pattern: &Pattern,
        caller: Caller,
        answer: Result<Vec<Answer>, Refusal>,
    ) {
        let Some(id) = self.local.patterns.find(pattern) else {
            return;
        };
        self.local.watch_pattern(id, caller.format).awaited -= 1;
        let client = caller.client;
        let Ok(slot) = self.local.slot(client) else {
            return;
        };
        let own = slot.pattern(id).into_iter().flat_map(|own| &own.asked);
        let Some(index) = own
            .map(|asked| asked.command)
            .position(|command| command == caller.command)
        else {
            return;
        };
        let answers = answer.map(|answers| self.sift(client, answers, from));
        if answers.is_ok() {
            self.local.open_homes(client, id, 1 << from);
        }
        let Some(own) = self.local.client(client.index).pattern(id) else {
            return;
        };
        let asked = &mut own.asked[index];
        asked.answered |= 1 << from;
        match answers {
            Ok(answers) => asked.add(answers),
            Err(refusal) => asked.refusal = Some(refusal),
        }
        if asked.answered == self.all_cores() {
            self.enter_pattern(caller, id, index);
        }
    }

    /// All home cores have answered a client's question, with this index among those about a pattern.
    fn enter_pattern(&mut self, caller: Caller, id: u32, index: usize) {
        let client = caller.client;
        let Some(own) = self.local.client(client.index).pattern(id) else {
            return;
        };
        let mut asked = own.asked.remove(index);
        let unused = !own.active && own.asked.is_empty();
        let echo = asked.echo.take();
        self.local.answered(client);
        if let Some(refusal) = asked.refusal {
            if unused {
                self.local.drop_pattern(client.index, id);
            }
            return self.local.notify(client, Notice::Refused { echo, refusal });
        }
        self.refresh(client, &mut asked.standings);
        self.local.watch_pattern(id, caller.format).stands = true;
        let (pattern, outcome) = (
            self.local.patterns.pattern(id).clone(),
            Outcome::Pattern(asked.standings),
        );
        self.local.notify(
            client,
            Notice::Subscribed {
                echo,
                pattern,
                outcome,
                replay: asked.replay,
            },
        );
        self.local.activate(client.index, id);
    }

    /// The client gets no message twice: what it receives already needs no past.
    fn sift(&mut self, client: Client, answers: Vec<Answer>, from: usize) -> Vec<Answer> {
        let sift = |mut answer: Answer| {
            let standing = &mut answer.standing;
            self.learn(standing);
            let member = self.whereabouts(client, &standing.topic);
            let topic = standing.topic.as_str();
            if member.is_none()
                && self
                    .local
                    .through_patterns(client.index, topic, from)
                    .is_none()
            {
                return answer;
            }
            standing.at = member.flatten().unwrap_or(standing.at);
            standing.recovery = Recovery::Lost(Loss::Live);
            answer.replay = Vec::new();
            answer.cost = Budget::NOTHING;
            answer
        };
        answers.into_iter().map(sift).collect()
    }

    /// What a home answers, it answers behind all chunks before: a topic may have begun a new life without a message of it.
    fn learn(&mut self, standing: &Standing) {
        let topic = self.hashed(standing.topic.clone());
        if let Some(feed) = self.local.find(&topic) {
            self.local.feeds[feed].set_last(standing.at);
        }
    }

    /// A topic that the client receives otherwise has gone on since its home answered.
    fn refresh(&mut self, client: Client, standings: &mut [Standing]) {
        let live = |standing: &&mut Standing| standing.recovery == Recovery::Lost(Loss::Live);
        for standing in standings.iter_mut().filter(live) {
            if let Some(Some(at)) = self.whereabouts(client, &standing.topic) {
                standing.at = at;
            }
        }
    }

    /// Whether the client is a member of the topic's feed, and what it has of it as far as it knows.
    fn whereabouts(&mut self, client: Client, topic: &TopicName) -> Option<Option<Position>> {
        let topic = self.hashed(topic.clone());
        let feed = self.local.find(&topic)?;
        let place = self.local.member(client.index, feed)?;
        Some(self.local.position(client.index, place))
    }
}
