//! The machines of `protocol` before the judge: no socket, no clock, every cut.

use super::{Cut, Head, compare};
use crate::cases::{
    Answer, AnswerCase, Deflate, End, FRAGMENTS_MAX, FrameCase, MESSAGE_BYTES_MAX, OFFERED,
    RequestCase,
};
use crate::wire::{Heard, Sender};
use protocol::handshake::client::{Offer, Response};
use protocol::handshake::deflate::{self, Agreed, Compressing};
use protocol::handshake::server::{self, Policy};
use protocol::http1::{Limits, Requests};
use protocol::ws::{Config, Connection, Event, Inflater, Input, Role};

const CONFIG: Config = Config {
    limits: frame::Limits {
        message_bytes_max: MESSAGE_BYTES_MAX as u64,
        fragments_max: FRAGMENTS_MAX as u32,
    },
    control_frames_per_s_max: 100,
    ping_interval_ms: 25_000,
    pong_timeout_ms: 10_000,
    close_timeout_ms: 1_000,
};

/// What `/ws` serves.
const POLICY: Policy<'static> = Policy {
    subprotocols: &["ringwire.v1.json"],
    deflate: Some(deflate::Policy {
        context_bytes_max: 1 << 24,
        context_window_bits: 15,
    }),
};

const OFFER: Offer<'static> = Offer {
    host: "127.0.0.1",
    target: "/ws",
    subprotocols: OFFERED,
    headers: &[],
    key: *b"the sample nonce",
    deflate: None,
};

const CUTS: [Cut; 6] = [
    Cut::Whole,
    Cut::Single,
    Cut::Random(1),
    Cut::Random(2),
    Cut::Random(3),
    Cut::Random(4),
];

/// Every cut; the first that is judged wrongly is told.
fn each_cut(judge: impl Fn(Cut) -> Result<(), String>) -> Result<(), String> {
    CUTS.into_iter()
        .try_for_each(|cut| judge(cut).map_err(|wrong| format!("cut {cut:?}: {wrong}")))
}

/// An endpoint that sends every message back.
struct Echo {
    connection: Connection,
    inflater: Inflater,
    out: Vec<u8>,
}

impl Echo {
    fn new(role: Role, deflate: Option<Deflate>) -> Self {
        let connection = Connection::new(role, 0, 7);
        Self {
            connection: match deflate {
                Some(deflate) => connection.with_deflate(agreed(deflate)),
                None => connection,
            },
            inflater: Inflater::default(),
            out: Vec::new(),
        }
    }

    fn receive(&mut self, piece: &[u8]) {
        let mut piece = piece.to_vec();
        let mut input = Input::new(&mut piece);
        while let Some(event) = self
            .connection
            .receive(&CONFIG, &mut self.inflater, 0, &mut input)
        {
            if let Event::Message { kind, payload } = event {
                self.connection.send(kind, &payload, &mut self.out);
            }
        }
        self.connection.transmit(&mut self.out);
    }

    /// Judges all that it said, and whether it ended.
    fn check(&self, from: &[u8], by: Sender, due: &[Heard], end: End) -> Result<(), String> {
        let mut heard = Vec::new();
        let mut rest = from;
        while let Some(frame) = Heard::read(&mut rest, by, false)? {
            heard.push(frame);
        }
        compare(&heard, due)?;
        match end {
            End::Closed if !self.connection.is_finished() => Err("it did not end".into()),
            End::Cut if !self.connection.is_open() => Err("it ended".into()),
            _ => Ok(()),
        }
    }
}

/// In the machines both ends compress in the same way, so that a case can be sent by either.
fn agreed(deflate: Deflate) -> Agreed {
    let compressing = Compressing {
        context_takeover: deflate == Deflate::WithContext,
        window_bits: 15,
    };
    Agreed {
        server: compressing,
        client: compressing,
    }
}

/// Frames, sent by that end to a machine in the other role.
///
/// # Errors
/// What came out instead of what the case says.
pub fn frames(case: &FrameCase, sender: Sender) -> Result<(), String> {
    let bytes = case.bytes(sender);
    let role = match sender {
        Sender::Client => Role::Server,
        Sender::Server => Role::Client,
    };
    each_cut(|cut| {
        let mut echo = Echo::new(role, case.deflate);
        cut.pieces(&bytes)
            .into_iter()
            .for_each(|piece| echo.receive(piece));
        echo.check(&echo.out, sender.peer(), &case.hears, case.end)
    })
}

/// A request, and frames behind it.
///
/// # Errors
/// What came out instead of what the case says.
pub fn request(case: &RequestCase) -> Result<(), String> {
    let bytes = case.bytes();
    each_cut(|cut| {
        let mut requests = Requests::new(Limits::default(), 0);
        let mut echo = None;
        for mut piece in cut.pieces(&bytes) {
            if echo.is_none() {
                match requests.receive(0, &mut piece) {
                    Ok(None) => continue,
                    Err(error) => return refused(error.status(), &case.answer),
                    Ok(Some(request)) => {
                        let mut opened = Echo::new(Role::Server, None);
                        match server::accept(&request, &POLICY) {
                            Ok(accepted) => server::write_accept(&accepted, &mut opened.out),
                            Err(refusal) => refusal.write(&mut opened.out),
                        }
                        echo = Some(opened);
                    }
                }
            }
            if let Some(echo) = &mut echo
                && !piece.is_empty()
            {
                echo.receive(piece);
            }
        }
        answered(echo.as_ref(), &case.answer)
    })
}

/// HTTP that was refused before anybody looked for a WebSocket in it.
fn refused(status: u16, answer: &Answer) -> Result<(), String> {
    let head = Head {
        status,
        fields: Vec::new(),
    };
    head.check(answer)
}

fn answered(echo: Option<&Echo>, answer: &Answer) -> Result<(), String> {
    let Some(echo) = echo else {
        return Err("it waits for more of the request".into());
    };
    let end = echo.out.windows(4).position(|bytes| bytes == b"\r\n\r\n");
    let (head, rest) = echo
        .out
        .split_at(end.ok_or("the answer's head has no end")?);
    Head::parse(head)?.check(answer)?;
    match answer {
        Answer::Switched { hears, .. } if !hears.is_empty() => {
            echo.check(&rest[4..], Sender::Server, hears, End::Closed)
        }
        _ => Ok(()),
    }
}

/// A server's answer.
///
/// # Errors
/// What the client made of it instead of what the case says.
pub fn answer(case: &AnswerCase) -> Result<(), String> {
    each_cut(|cut| {
        let mut response = Response::new(&Offer {
            deflate: case.deflate,
            ..OFFER
        });
        let mut judged = Ok(None);
        let mut left = 0;
        for mut piece in cut.pieces(&case.answer) {
            if matches!(judged, Ok(None)) {
                judged = response.receive(&mut piece);
            }
            left += piece.len();
        }
        let judged = match judged {
            Ok(None) => return Err("it waits for more of the answer".into()),
            Ok(Some(established)) => Ok(established),
            Err(error) => Err(error),
        };
        if judged != case.judged {
            return Err(format!(
                "the client says {judged:?} instead of {:?}",
                case.judged
            ));
        }
        let behind = case
            .answer
            .windows(4)
            .position(|bytes| bytes == b"\r\n\r\n");
        let behind = behind.map_or(0, |at| case.answer.len() - at - 4);
        if judged.is_ok() && left != behind {
            return Err(format!(
                "{left} bytes are left for frames instead of {behind}"
            ));
        }
        Ok(())
    })
}
