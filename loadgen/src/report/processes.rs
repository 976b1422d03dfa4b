//! What both processes used, the generator's and the server's: CPU time and memory.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Percentiles, ratio};
use crate::evidence::{Evidence, ServerUse};
use crate::plan::{Pace, Plan};
use crate::verdict::{own_busiest_share, share};

/// The generator itself.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(default)]
pub(super) struct Generator {
    /// Open loop only: how long after its time each message was sent.
    pub(super) lateness: Option<Percentiles>,
    pub(super) cpu_ns_per_delivery: Option<f64>,
    pub(super) cpu_share: f64,
    pub(super) cpu_share_busiest_thread: f64,
    /// Of the thread that was ready to run and had no CPU for longest.
    pub(super) cpu_wait_share: f64,
    /// Run and waited for a CPU, without the time in which the thread polled in vain.
    pub(super) busy_share_busiest_thread: f64,
    pub(super) resident_bytes_before: u64,
    pub(super) resident_bytes_connected: u64,
    pub(super) resident_bytes_per_connection: f64,
}

/// The server's process, if it is known.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(default)]
pub(super) struct Server {
    pub(super) pid: u32,
    pub(super) threads: usize,
    pub(super) cpu_ns_per_delivery: Option<f64>,
    pub(super) cpu_share: f64,
    pub(super) cpu_share_busiest_thread: f64,
    /// Of the thread that was ready to run and had no CPU for longest.
    pub(super) cpu_wait_share: f64,
    pub(super) voluntary_switches_per_second: f64,
    pub(super) voluntary_switches_per_delivery: Option<f64>,
    pub(super) involuntary_switches_per_second: f64,
    pub(super) involuntary_switches_per_delivery: Option<f64>,
    pub(super) resident_bytes_before: u64,
    pub(super) resident_bytes_connected: u64,
    pub(super) resident_bytes_end: u64,
    pub(super) resident_bytes_per_connection: f64,
    pub(super) resident_bytes_per_connection_end: f64,
}

impl Generator {
    pub(super) fn of(plan: &Plan, evidence: &Evidence) -> Generator {
        Generator {
            lateness: matches!(plan.pace, Pace::Open { .. })
                .then(|| Percentiles::of(&evidence.lateness)),
            cpu_ns_per_delivery: per_delivery(evidence.own_cpu.total_ns, evidence),
            cpu_share: share(evidence.own_cpu.total_ns, evidence.window_ns),
            cpu_share_busiest_thread: share(evidence.own_cpu.busiest_thread_ns, evidence.window_ns),
            cpu_wait_share: share(evidence.own_cpu.waited_thread_ns, evidence.window_ns),
            busy_share_busiest_thread: own_busiest_share(evidence),
            resident_bytes_before: evidence.own_resident_bytes.start,
            resident_bytes_connected: evidence.own_resident_bytes.end,
            resident_bytes_per_connection: per_connection(
                evidence.own_resident_bytes.start,
                evidence.own_resident_bytes.end,
                evidence,
            ),
        }
    }
}

impl Server {
    pub(super) fn of(server: &ServerUse, evidence: &Evidence) -> Server {
        let per_second = |switches| ratio(switches as f64, evidence.window_ns as f64 / 1e9);
        let grown_to = |bytes| per_connection(server.resident_bytes_before, bytes, evidence);
        Server {
            pid: server.pid,
            threads: server.cpu.threads,
            cpu_ns_per_delivery: per_delivery(server.cpu.total_ns, evidence),
            cpu_share: share(server.cpu.total_ns, evidence.window_ns),
            cpu_share_busiest_thread: share(server.cpu.busiest_thread_ns, evidence.window_ns),
            cpu_wait_share: share(server.cpu.waited_thread_ns, evidence.window_ns),
            voluntary_switches_per_second: per_second(server.switches.voluntary),
            voluntary_switches_per_delivery: per_delivery(server.switches.voluntary, evidence),
            involuntary_switches_per_second: per_second(server.switches.involuntary),
            involuntary_switches_per_delivery: per_delivery(server.switches.involuntary, evidence),
            resident_bytes_before: server.resident_bytes_before,
            resident_bytes_connected: server.resident_bytes_connected,
            resident_bytes_end: server.resident_bytes_end,
            resident_bytes_per_connection: grown_to(server.resident_bytes_connected),
            resident_bytes_per_connection_end: grown_to(server.resident_bytes_end),
        }
    }
}

fn per_delivery(used: u64, evidence: &Evidence) -> Option<f64> {
    (evidence.window.deliveries > 0).then(|| used as f64 / evidence.window.deliveries as f64)
}

fn per_connection(before: u64, after: u64, evidence: &Evidence) -> f64 {
    ratio(
        after.saturating_sub(before) as f64,
        evidence.connections as f64,
    )
}
