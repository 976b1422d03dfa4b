//! Runs one row against one target and judges what came of it.
//!
//! Of ringwire everything that the row says is asked: status, close code, reason in the log, memory, cost. Of another server
//! only the class: what had to be refused is refused, what is allowed works, memory stays bounded, others are still served.

use std::cell::RefCell;
use std::thread;
use std::time::{Duration, Instant};

use crate::measure::{Cost, Meter};
use crate::peer::{Answer, End, Heard, PATIENCE, Pace, Peer};
use crate::row::{Attack, Case, Expect, Flood, Opening, Place, Row};
use crate::target::{Reasons, Target};
use crate::wire;

/// By how much a server may grow in a row that says nothing else. No row takes a third of it of ringwire, and an attack that worked
/// would take more.
pub const GROWTH_BYTES_MAX: u64 = 16 << 20;

/// How long another server may leave open what it should have ended. It may do so for good, so this is short.
const OTHERS_PATIENCE: Duration = Duration::from_secs(2);

/// How long a flood waits for a server that takes nothing.
const FLOOD_PATIENCE: Duration = Duration::from_secs(5);

/// How often the log is looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// What came of a row.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The row's id.
    pub id: &'static str,
    /// The row's name.
    pub name: &'static str,
    /// Its advisories.
    pub advisories: &'static [&'static str],
    /// Passed or not.
    pub verdict: Verdict,
    /// What was seen, in a few words.
    pub seen: String,
    /// What it cost.
    pub cost: Cost,
}

/// Passed or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As the catalogue says.
    Passed,
    /// Otherwise.
    Failed(String),
    /// Not run here, and why.
    NotRun(String),
}

/// Runs a row. The calling thread is the attacker. What it sends is made before anything is measured.
pub fn run(row: &Row, target: &Target) -> Outcome {
    let attempt = Attempt::begin(target);
    let mut memory_bytes_max = GROWTH_BYTES_MAX;
    let mut cheaper = false;
    let meter = || Meter::start(target.process());
    let (meter, result) = match &row.attack {
        Attack::Cases(cases) => {
            let cases = cases(&place(target));
            (meter(), run_cases(&attempt, &cases))
        }
        Attack::Flood(flood) => {
            let flood = flood(&place(target));
            memory_bytes_max = flood.memory_bytes_max;
            cheaper = flood.cheaper;
            (meter(), run_flood(&attempt, &flood))
        }
        Attack::Ours(..) if !target.is_ours() => {
            return not_run(row, "concerns ringwire alone".to_owned());
        }
        Attack::Behaviour(behave, _) | Attack::Ours(behave, _) => (meter(), behave(&attempt)),
        Attack::Proven(file, test) => return not_run(row, format!("proven by {test} in {file}")),
        Attack::Absent(why) => return not_run(row, (*why).to_owned()),
    };
    let cost = meter.stop();
    let judged = result.and_then(|seen| {
        attempt.check_reasons()?;
        serves_others(target)?;
        check_memory(&cost, memory_bytes_max)?;
        check_cost(target, &cost, cheaper)?;
        Ok(seen)
    });
    let (verdict, seen) = match judged {
        Ok(seen) => (Verdict::Passed, seen),
        Err(fault) => (Verdict::Failed(fault.clone()), fault),
    };
    Outcome {
        id: row.id,
        name: row.name,
        advisories: row.advisories,
        verdict,
        seen,
        cost,
    }
}

/// A row under way: whom it attacks, and for which reasons the log must say that connections ended.
#[derive(Debug)]
pub struct Attempt<'t> {
    /// Whom.
    pub target: &'t Target,
    log_length: u64,
    wanted: RefCell<Reasons>,
}

impl<'t> Attempt<'t> {
    /// From now.
    pub fn begin(target: &'t Target) -> Self {
        Self {
            target,
            log_length: target.log_length(),
            wanted: RefCell::default(),
        }
    }

    /// One more connection has to end for this reason.
    pub fn want(&self, reason: &str) {
        *self
            .wanted
            .borrow_mut()
            .entry(reason.to_owned())
            .or_default() += 1;
    }

    /// Whether connections ended for the reasons for which they had to. The log is written by a thread of its own, which
    /// may take a moment.
    ///
    /// # Errors
    /// What the log says instead.
    pub fn check_reasons(&self) -> Result<(), String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.check_reasons_now() {
                Err(_) if Instant::now() < deadline => thread::sleep(LOOK_AGAIN),
                checked => return checked,
            }
        }
    }

    /// The same, of what the log says by now.
    ///
    /// # Errors
    /// As [`check_reasons`](Self::check_reasons).
    pub fn check_reasons_now(&self) -> Result<(), String> {
        let wanted = self.wanted.borrow();
        if !self.target.is_ours() || wanted.is_empty() {
            return Ok(());
        }
        let seen = self.target.reasons_since(self.log_length);
        let seen = seen.map_err(|error| error.to_string())?;
        let enough = |(reason, count): (&String, &usize)| seen.get(reason) >= Some(count);
        match wanted.iter().all(enough) {
            true => Ok(()),
            false => Err(format!("the log says {seen:?} instead of {wanted:?}")),
        }
    }

    /// Hears what comes and compares.
    ///
    /// # Errors
    /// What was wrong with it.
    pub fn judge(&self, peer: &mut Peer, expect: &Expect) -> Result<String, String> {
        let target = self.target;
        match expect {
            Expect::Refused(status, reason) => {
                self.want(reason);
                refused(target, peer, *status, None)
            }
            Expect::RefusedWith(status, reason, field) => {
                self.want(reason);
                refused(target, peer, *status, Some(field))
            }
            Expect::Upgraded => upgraded(target, peer),
            Expect::Closed(code, reason) => {
                self.want(reason);
                closed(target, peer, *code)
            }
            Expect::Ended(reason) => {
                self.want(reason);
                match peer.end(patience(target)) {
                    End::Open => Err("the connection was not ended".to_owned()),
                    end => Ok(format!("{end:?}")),
                }
            }
            Expect::Echoed(messages) => echoed(target, peer, messages),
            Expect::Served(status) => {
                let answer = answer(target, peer)?;
                match answer.status {
                    seen if seen == *status || !target.is_ours() => Ok(seen.to_string()),
                    seen => Err(format!("{seen} instead of {status}")),
                }
            }
        }
    }
}

fn not_run(row: &Row, why: String) -> Outcome {
    Outcome {
        id: row.id,
        name: row.name,
        advisories: row.advisories,
        verdict: Verdict::NotRun(why.clone()),
        seen: why,
        cost: Cost::default(),
    }
}

fn place(target: &Target) -> Place {
    Place {
        path: target.echo_path(),
        host: target.host(),
    }
}

/// A newcomer connects, says something and hears it.
///
/// # Errors
/// What came instead.
pub fn serves_others(target: &Target) -> Result<(), String> {
    let mut peer = Peer::echo(target).map_err(|error| format!("serves nobody else: {error}"))?;
    let message = wire::frame(wire::TEXT, b"still here");
    peer.send(&message, Pace::AtOnce)
        .map_err(|error| format!("reads from nobody else: {error}"))?;
    match peer.message(PATIENCE) {
        Ok(frame) if frame.payload == b"still here" => Ok(()),
        other => Err(format!("a newcomer's message came back as {other:?}")),
    }
}

fn check_memory(cost: &Cost, bytes_max: u64) -> Result<(), String> {
    match cost.memory_bytes {
        Some(bytes) if bytes > bytes_max => Err(format!(
            "the server grew by {} KiB, {} are allowed",
            bytes >> 10,
            bytes_max >> 10
        )),
        _ => Ok(()),
    }
}

/// A build without optimisation proves nothing about cost.
fn check_cost(target: &Target, cost: &Cost, cheaper: bool) -> Result<(), String> {
    match cost.server {
        Some(server)
            if cheaper
                && target.is_ours()
                && !cfg!(debug_assertions)
                && server >= cost.attacker =>
        {
            Err(format!(
                "it cost the server {server:?} and the attacker {:?}",
                cost.attacker
            ))
        }
        _ => Ok(()),
    }
}

fn patience(target: &Target) -> Duration {
    if target.is_ours() {
        PATIENCE
    } else {
        OTHERS_PATIENCE
    }
}

/// Runs cases, each on a connection of its own; what was seen, each thing once.
///
/// # Errors
/// What was wrong, for each case that went wrong.
pub fn run_cases(attempt: &Attempt<'_>, cases: &[Case]) -> Result<String, String> {
    let mut seen: Vec<String> = Vec::new();
    let mut faults = Vec::new();
    for case in cases {
        if case.ours_alone && !attempt.target.is_ours() {
            continue;
        }
        match run_case(attempt, case) {
            Ok(what) if seen.contains(&what) => {}
            Ok(what) => seen.push(what),
            Err(fault) => faults.push(format!("{}: {fault}", case.name)),
        }
    }
    if faults.is_empty() && seen.is_empty() {
        Ok("nothing that concerns this server".to_owned())
    } else if faults.is_empty() {
        Ok(seen.join(", "))
    } else {
        Err(faults.join("; "))
    }
}

fn run_case(attempt: &Attempt<'_>, case: &Case) -> Result<String, String> {
    let mut peer = open(attempt.target, &case.opening)?;
    // The server may end the connection before it has read all of it.
    let _ = peer.send(&case.bytes, case.pace);
    attempt.judge(&mut peer, &case.expect)
}

fn open(target: &Target, opening: &Opening) -> Result<Peer, String> {
    match opening {
        Opening::Nothing => Peer::connect(target),
        Opening::Tls => Peer::connect_tls(target),
        Opening::Echo => Peer::echo(target),
        Opening::Deflate => Peer::deflate(target),
        Opening::Handshake(request) => Peer::upgrade(target, request).map(|(peer, _)| peer),
    }
    .map_err(|error| format!("it does not open: {error}"))
}

fn answer(target: &Target, peer: &mut Peer) -> Result<Answer, String> {
    peer.answer(patience(target))
        .map_err(|error| error.to_string())
}

fn refused(
    target: &Target,
    peer: &mut Peer,
    status: u16,
    field: Option<&str>,
) -> Result<String, String> {
    let ours = target.is_ours();
    let answer = match answer(target, peer) {
        Ok(answer) => answer,
        // Others may hang up without a word.
        Err(_) if !ours && peer.end(OTHERS_PATIENCE) != End::Open => return Ok("ended".into()),
        Err(fault) => return Err(fault),
    };
    if answer.status < 400 || (ours && answer.status != status) {
        return Err(format!("{} instead of {status}", answer.status));
    }
    if let Some(field) = field.filter(|field| ours && answer.field(field).is_none()) {
        return Err(format!("{status} without {field}"));
    }
    let (rest, end) = peer.rest(patience(target));
    if ours && end == End::Open {
        return Err(format!("{status}, and the connection stays"));
    }
    if ours && has_answer(&rest) {
        return Err(format!("{status}, and another answer after it"));
    }
    let stays = if end == End::Open { ", stays open" } else { "" };
    Ok(format!("{}{stays}", answer.status))
}

/// Whether a status line is among these bytes.
fn has_answer(bytes: &[u8]) -> bool {
    const START: &[u8] = b"HTTP/1.1 ";
    let mut windows = bytes.windows(START.len() + 1);
    windows.any(|window| window.starts_with(START) && window[START.len()].is_ascii_digit())
}

fn upgraded(target: &Target, peer: &mut Peer) -> Result<String, String> {
    let answer = answer(target, peer)?;
    if answer.status != 101 {
        return Err(format!("{} instead of 101", answer.status));
    }
    for field in ["sec-websocket-extensions", "sec-websocket-protocol"] {
        if let Some(value) = answer.field(field).filter(|_| target.is_ours()) {
            return Err(format!("101 with {field}: {value}"));
        }
    }
    peer.send(&wire::frame(wire::PING, b"alive"), Pace::AtOnce)
        .map_err(|error| format!("101, and then {error}"))?;
    loop {
        match peer.frame(patience(target)) {
            Ok(frame) if frame.opcode() == wire::PONG => return Ok("101".to_owned()),
            Ok(frame) if frame.opcode() == wire::CLOSE => {
                return Err("101, and then a Close".to_owned());
            }
            Ok(_) => {}
            Err(end) => return Err(format!("101, and then {end:?}")),
        }
    }
}

fn closed(target: &Target, peer: &mut Peer, code: u16) -> Result<String, String> {
    let heard = peer.hear_out(patience(target));
    let seen = heard.close_code();
    if !target.is_ours() {
        return match heard.end {
            End::Open => Err(format!("not ended; {}", told(&heard))),
            _ => Ok(told(&heard)),
        };
    }
    if seen != Some(code) {
        return Err(format!("{} instead of {code}", told(&heard)));
    }
    if heard
        .frames
        .last()
        .is_some_and(|last| last.opcode() != wire::CLOSE)
    {
        return Err(format!("{code}, and frames after it"));
    }
    match heard.end {
        End::Open => Err(format!("{code}, and the connection stays")),
        _ => Ok(code.to_string()),
    }
}

fn told(heard: &Heard) -> String {
    match (heard.close_code(), heard.frames.len()) {
        (Some(code), _) => code.to_string(),
        (None, 0) => "no word".to_owned(),
        (None, frames) => format!("{frames} frames and no Close"),
    }
}

/// A message of our own marks the end of what has to come back.
fn echoed(target: &Target, peer: &mut Peer, wanted: &[(u8, Vec<u8>)]) -> Result<String, String> {
    const MARK: &[u8] = b"that was all";
    peer.send(&wire::frame(wire::TEXT, MARK), Pace::AtOnce)
        .map_err(|error| format!("it lives no longer: {error}"))?;
    let mut frames = Vec::new();
    loop {
        let frame = peer.frame(patience(target));
        match frame.map(|frame| peer.plain(frame)) {
            Ok(frame) if frame.payload == MARK => break,
            Ok(frame) if frame.opcode() == wire::CLOSE => {
                return Err(format!("closed with {:?}", frame.close_code()));
            }
            Ok(frame) => frames.push((frame.first, frame.payload)),
            Err(end) => return Err(format!("{end:?} after {} frames", frames.len())),
        }
    }
    // Nothing says when a pong leaves between messages.
    let is_data = |(first, _): &&(u8, Vec<u8>)| first & 0x0f < wire::CLOSE;
    let split = |all: &[(u8, Vec<u8>)]| {
        let (data, control): (Vec<_>, Vec<_>) = all.iter().partition(is_data);
        let [data, control] = [data, control].map(|list| list.into_iter().cloned().collect());
        (data, control)
    };
    let (seen, expected): ((Vec<_>, Vec<_>), _) = (split(&frames), split(wanted));
    if seen == expected {
        Ok("works".to_owned())
    } else {
        Err(format!(
            "{} frames came back, {} were expected, or they differ",
            frames.len(),
            wanted.len()
        ))
    }
}

fn run_flood(attempt: &Attempt<'_>, flood: &Flood) -> Result<String, String> {
    let mut told = Vec::new();
    let mut sent_bytes = 0;
    for _ in 0..flood.connections {
        let mut peer = open(attempt.target, &flood.opening)?;
        peer.stream()
            .set_write_timeout(Some(FLOOD_PATIENCE))
            .map_err(|error| error.to_string())?;
        sent_bytes += pour(&mut peer, flood);
        let seen = attempt.judge(&mut peer, &flood.expect)?;
        if !told.contains(&seen) {
            told.push(seen);
        }
    }
    Ok(format!(
        "{} ({} connections, {} KiB)",
        told.join(", "),
        flood.connections,
        sent_bytes >> 10
    ))
}

/// Sends until the server ends it, takes nothing for a while, or everything is sent.
fn pour(peer: &mut Peer, flood: &Flood) -> usize {
    let mut sent = 0;
    if peer.send(&flood.first, flood.pace).is_err() {
        return sent;
    }
    while sent < flood.bytes_max {
        if peer.send(&flood.block, flood.pace).is_err() {
            break;
        }
        sent += flood.block.len();
    }
    sent
}
