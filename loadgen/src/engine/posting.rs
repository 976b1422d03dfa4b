//! Publishing over HTTP: a line whose messages are the bodies of POST requests.
//!
//! One request at a time is on its way on a connection; what is due meanwhile waits behind it, and its latency counts from when
//! it was due. The connection is kept. One that the server closes is opened again, as long as it has answered something:
//! a server that closes without ever answering has disconnected the publisher.

use std::collections::VecDeque;

use protocol::http1::Limits;
use protocol::http1::client::{Request, Response, ResponseReader};
use reactor::{Driver, Socket};

use super::arrivals::Arrivals;
use super::links::Stage;
use super::obstacle;
use crate::failure::Failure;
use crate::plan::Endpoint;

/// An answer may explain itself at this length.
const LIMITS: Limits = Limits {
    head_bytes_max: 16 << 10,
    headers_max: 100,
    body_bytes_max: 1 << 20,
    // Nobody waits for them here: a message that is late is seen to be late.
    head_timeout_ms: u64::MAX,
    body_timeout_ms: u64::MAX,
};

/// What a line that publishes over HTTP keeps, whichever connection it has.
#[derive(Debug)]
pub(super) struct Post {
    host: String,
    target: String,
    /// Bodies of requests that are not written yet.
    waiting: VecDeque<Vec<u8>>,
    waiting_bytes: usize,
    /// While an answer is awaited.
    answer: Option<ResponseReader>,
    /// Answers on the present connection.
    answers: u64,
}

impl Post {
    /// The line of one topic. Fails if the URL makes no request.
    pub(super) fn new(endpoint: &Endpoint, topic: &str) -> Result<Post, Failure> {
        let post = Post {
            host: endpoint.url.authority().to_owned(),
            target: endpoint.url.target(topic),
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            answer: None,
            answers: 0,
        };
        let checked = post.request(&[]).write(&mut Vec::new());
        checked.map(|()| post).map_err(obstacle::of_request)
    }

    /// Queues one message.
    pub(super) fn push(&mut self, body: &[u8]) {
        self.waiting_bytes += body.len();
        self.waiting.push_back(body.to_vec());
    }

    /// Another connection is begun.
    pub(super) fn begin_again(&mut self) {
        self.answers = 0;
    }

    pub(super) fn waiting_bytes(&self) -> usize {
        self.waiting_bytes
    }

    /// Writes the next request, if there is one and no answer is awaited.
    pub(super) fn write_next(&mut self, out: &mut Vec<u8>) {
        if self.answer.is_some() {
            return;
        }
        let Some(body) = self.waiting.pop_front() else {
            return;
        };
        self.waiting_bytes -= body.len();
        self.request(&body)
            .write(out)
            .expect("the same parts as in the first request");
        self.answer = Some(ResponseReader::new(LIMITS));
    }

    fn request<'a>(&'a self, body: &'a [u8]) -> Request<'a> {
        Request {
            method: "POST",
            host: &self.host,
            target: &self.target,
            headers: &[("content-type", "application/octet-stream")],
            body,
            keep_alive: true,
        }
    }

    /// Takes what came in: an answer when it is whole.
    fn receive(&mut self, mut bytes: &[u8]) -> Result<Option<Response>, String> {
        let Some(reader) = &mut self.answer else {
            return Err("it answered what it was not asked".to_owned());
        };
        let answer = reader
            .receive(&mut bytes)
            .map_err(|error| error.to_string())?;
        if answer.is_some() {
            self.answer = None;
            self.answers += 1;
        }
        Ok(answer)
    }
}

/// What connections that post come to.
impl Arrivals<'_> {
    /// TCP stands, and that is all that a request needs.
    pub(super) fn begin_posting(&mut self, socket: Socket, now_ns: u64) -> Result<(), Failure> {
        let Some(link) = self.links.at(socket) else {
            return Ok(());
        };
        self.opening.secure(link)?;
        let Some(post) = &mut link.ends.post else {
            return Ok(());
        };
        link.stage = Stage::Posting;
        self.standing += 1;
        post.write_next(&mut link.ends.out);
        let approach = link.ends.approach.take();
        if let Some(line) = link.member.line() {
            self.publishing.attach(line, socket);
        }
        self.links.mark(socket);
        if let Some(approach) = approach {
            self.opening.complete(&approach, now_ns);
        }
        Ok(())
    }

    /// Takes an answer, or a part of one.
    pub(super) fn receive_answer(&mut self, socket: Socket, bytes: &[u8]) {
        let Some(link) = self.links.at(socket) else {
            return;
        };
        let Some(post) = &mut link.ends.post else {
            return;
        };
        match post.receive(bytes) {
            Ok(None) => {}
            Ok(Some(answer)) => {
                self.answers.note(answer.status());
                if answer.keep_alive() {
                    post.write_next(&mut link.ends.out);
                    self.links.mark(socket);
                } else {
                    self.end_posting(socket, "it said that it would");
                }
            }
            Err(how) => self.end_posting(socket, &how),
        }
    }

    /// Whether a request is not answered: a message may reach its subscribers before its publisher is told so.
    pub(super) fn awaits_answers(&mut self) -> bool {
        let mut posts = self
            .links
            .iter_mut()
            .filter_map(|link| link.ends.post.as_ref());
        posts.any(|post| post.answer.is_some())
    }

    /// A connection that posts is over: it is opened again, unless it never served.
    pub(super) fn end_posting(&mut self, socket: Socket, how: &str) {
        let Some(link) = self.links.at(socket) else {
            return;
        };
        let Some(mut post) = link.ends.post.take() else {
            return;
        };
        let member = link.member;
        self.standing -= u64::from(link.stage == Stage::Posting);
        link.stage = Stage::Broken;
        self.links.mark(socket);
        if let Some(mut unanswered) = post.answer.take() {
            match unanswered.end() {
                Ok(answer) => {
                    self.answers.note(answer.status());
                    post.answers += 1;
                }
                Err(_) => self.answers.broken_off += 1,
            }
        }
        if post.answers > 0 {
            self.answers.reopened += 1;
            self.reopening.push((member, post));
        } else if let Some(line) = member.line() {
            self.publishing.detach(line);
            self.note_way(member.into(), how.to_owned());
        }
    }

    /// Opens again what the server has closed.
    pub(super) fn reopen<D: Driver>(&mut self, driver: &mut D, now_ns: u64) {
        for (member, post) in std::mem::take(&mut self.reopening) {
            let Some(line) = member.line() else { continue };
            match self.opening.connect_again(driver, member, post, now_ns) {
                Ok((socket, ends)) => {
                    self.links.insert(socket, member, ends);
                    self.publishing.attach(line, socket);
                }
                Err(error) => {
                    self.publishing.detach(line);
                    self.note_way(
                        member.into(),
                        format!("it could not be opened again: {error}"),
                    );
                }
            }
        }
    }
}
