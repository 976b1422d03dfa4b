//! The report for people: aligned columns, one fact a line, and the verdict last, where the eye is.

use std::fmt::{self, Display, Formatter};

use super::turnover::row;
use super::{Percentiles, Report, Server, Stage};
use crate::failure::Outcome;
use crate::quantity::{bytes, count, grouped, nanoseconds, share};

/// Where values start.
pub(super) const LABEL_WIDTH: usize = 14;

/// A process that was ready to run and had no CPU for less than this was not held up.
const WAIT_SHARE_TOLD: f64 = 0.01;

impl Display for Report {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        self.write_head(formatter)?;
        if !self.is_idle() {
            self.write_throughput(formatter)?;
            writeln!(formatter)?;
            write_percentiles(formatter, "latency", &self.latency.figures)?;
            if let Some(lateness) = &self.generator.lateness {
                write_percentiles(formatter, "own lateness", lateness)?;
            }
            writeln!(formatter)?;
        }
        self.write_cpu(formatter)?;
        if !self.is_idle() {
            self.write_integrity(formatter)?;
        }
        self.write_turnover(formatter)?;
        self.write_departures(formatter)?;
        if let Some(answers) = &self.http_answers {
            writeln!(formatter, "{:<LABEL_WIDTH$}{answers}", "over HTTP")?;
        }
        if let Some(slow) = &self.slow_readers {
            slow.write(formatter)?;
        }
        writeln!(formatter)?;
        self.write_verdict(formatter)
    }
}

impl Report {
    /// Nothing is published, so that nothing can be said about messages.
    pub(super) fn is_idle(&self) -> bool {
        self.load.publishers == 0
    }

    fn write_head(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let load = &self.load;
        if self.is_idle() {
            writeln!(
                formatter,
                "idle, {} of {} held for {:.2} s",
                many(load.subscribers, "subscriber"),
                many(load.topics, "topic"),
                self.window.seconds
            )?;
        } else {
            self.write_load(formatter)?;
        }
        if let Some(reason) = &self.window.cut_short_because {
            writeln!(formatter, "CUT SHORT: {reason}")?;
        }
        let connect = &self.connect;
        writeln!(
            formatter,
            "{}{} connections in {:.3} s, {}/s",
            grouped(connect.connections),
            match connect.connections < connect.wanted {
                true => format!(" of {}", grouped(connect.wanted)),
                false => String::new(),
            },
            connect.seconds,
            count(connect.per_second)
        )?;
        let counted_from = match connect.wanted_per_second {
            Some(_) => "from its time on the ramp",
            None => "from its beginning",
        };
        row(formatter, "  standing", &connect.latency, counted_from)?;
        let mut row = |label: &str, ns: f64, share: f64| {
            writeln!(
                formatter,
                "{label:<LABEL_WIDTH$}{:>11} per connection, {:.1} % of a CPU",
                nanoseconds(ns as u64),
                share * 100.0
            )
        };
        if let (Some(ns), Some(share)) = (
            connect.server_cpu_ns_per_connection,
            connect.server_cpu_share,
        ) {
            row("  server CPU", ns, share)?;
        }
        row(
            "  own CPU",
            connect.generator_cpu_ns_per_connection,
            connect.generator_cpu_share,
        )?;
        if let Some(tls) = &self.tls {
            tls.write(formatter)?;
        }
        writeln!(formatter)
    }

    fn write_load(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let load = &self.load;
        let pace = match (load.rate_per_second, load.outstanding) {
            (Some(rate), _) => {
                let rates = match &load.stages {
                    None => format!("{} publishes/s", count(rate)),
                    Some(stages) => {
                        let stages: Vec<_> = stages.iter().map(Stage::describe).collect();
                        format!("publishes {}", stages.join(", "))
                    }
                };
                format!("open loop, {rates}: latency from the intended send time")
            }
            (_, outstanding) => format!(
                "closed loop, {} outstanding per publisher: latency from the actual send time, waiting to be sent left out",
                outstanding.unwrap_or_default()
            ),
        };
        writeln!(formatter, "{}, {pace}", load.scenario)?;
        let who = match (load.duplex, load.topics == load.subscribers) {
            (false, _) => format!(
                "{} -> {} -> {}",
                many(load.publishers, "publisher"),
                many(load.topics, "topic"),
                many(load.subscribers, "subscriber")
            ),
            (true, true) => format!(
                "{} that hear what they publish themselves",
                many(load.subscribers, "member")
            ),
            (true, false) => format!(
                "{} in {}, each hears {}",
                many(load.subscribers, "member"),
                many(load.topics, "room"),
                match load.no_local {
                    true => "the others of its room",
                    false => "everybody in its room, itself too",
                }
            ),
        };
        writeln!(
            formatter,
            "{who}, {} each; {:.2} s measured after {:.2} s of warm-up",
            bytes(load.payload_bytes as u64),
            self.window.seconds,
            self.window.warm_up_seconds,
        )
    }

    fn write_throughput(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let throughput = &self.throughput;
        let mut row = |label: &str, per_second: f64, total: u64| {
            writeln!(
                formatter,
                "{label:<LABEL_WIDTH$}{:>11}/s   {:>16} in the window",
                count(per_second),
                grouped(total)
            )
        };
        row(
            "deliveries",
            throughput.deliveries_per_second,
            throughput.deliveries,
        )?;
        row(
            "publishes",
            throughput.publishes_per_second,
            throughput.publishes,
        )?;
        writeln!(
            formatter,
            "{:<LABEL_WIDTH$}{:>11}/s",
            "payload",
            bytes(throughput.delivered_payload_bytes_per_second as u64)
        )
    }

    fn write_cpu(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let own = &self.generator;
        if let Some(server) = &self.server
            && !self.is_idle()
        {
            write_cpu_row(
                formatter,
                "server CPU",
                server.cpu_ns_per_delivery,
                server.cpu_share,
                server.cpu_share_busiest_thread,
                server.cpu_wait_share,
            )?;
        }
        if !self.is_idle() {
            write_cpu_row(
                formatter,
                "own CPU",
                own.cpu_ns_per_delivery,
                own.cpu_share,
                own.cpu_share_busiest_thread,
                own.cpu_wait_share,
            )?;
        }
        if let Some(server) = &self.server {
            write_switches(formatter, server)?;
            write_memory(formatter, server)?;
        }
        writeln!(
            formatter,
            "{:<LABEL_WIDTH$}{:>11} before, {} connected ({:.0} B per connection)",
            "own memory",
            bytes(own.resident_bytes_before),
            bytes(own.resident_bytes_connected),
            own.resident_bytes_per_connection
        )?;
        writeln!(formatter)
    }

    fn write_integrity(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let integrity = &self.integrity;
        writeln!(
            formatter,
            "{:<LABEL_WIDTH$}{}   {} of {} expected in the whole run",
            "reach",
            share(integrity.reach, 6),
            grouped(integrity.received),
            grouped(integrity.expected)
        )?;
        for line in [
            [
                ("lost", integrity.lost),
                ("duplicated", integrity.duplicated),
                ("reordered", integrity.reordered),
            ],
            [
                ("corrupted", integrity.corrupted),
                ("misrouted", integrity.misrouted),
                ("foreign", integrity.foreign),
            ],
            [
                ("never sent", integrity.unsent),
                ("given up", integrity.given_up),
                ("unasked", integrity.unasked),
            ],
        ] {
            let cells = line.map(|(label, value)| format!("{label:<11}{:>11}", grouped(value)));
            writeln!(formatter, "{:<LABEL_WIDTH$}{}", "", cells.join("   "))?;
        }
        self.write_told(formatter)
    }

    /// What the server itself said of its deliveries.
    fn write_told(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let integrity = &self.integrity;
        if let (Some(acknowledged), Some(rejected)) = (integrity.acknowledged, integrity.rejected) {
            writeln!(
                formatter,
                "{:<LABEL_WIDTH$}the server acknowledged {} publications and rejected {}",
                "",
                grouped(acknowledged),
                grouped(rejected)
            )?;
        }
        if let (Some(gaps @ 1..), Some(messages)) = (integrity.gaps, integrity.gap_messages) {
            writeln!(
                formatter,
                "{:<LABEL_WIDTH$}the server announced {} in subscriptions: {} messages left out",
                "",
                many(gaps, "gap"),
                grouped(messages)
            )?;
        }
        Ok(())
    }

    fn write_turnover(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        if let Some(churn) = &self.churn {
            churn.write(formatter, "connections", "closed and replaced")?;
        }
        if let Some(churn) = &self.churn_subscriptions {
            churn.write(formatter, "subscriptions", "ended and begun again")?;
        }
        if let Some(reconnect) = &self.reconnect {
            reconnect.write(formatter)?;
        }
        let mut setbacks = self.setbacks.iter();
        setbacks.try_for_each(|setback| setback.write(formatter))
    }

    fn write_departures(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        for departed in &self.departures {
            writeln!(
                formatter,
                "{:<LABEL_WIDTH$}{} ended: {}",
                "",
                many(departed.count, &departed.who),
                departed.how
            )?;
        }
        Ok(())
    }

    fn write_verdict(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        for fault in &self.verdict.faults {
            writeln!(formatter, "FAULT: {fault}")?;
        }
        for judged in &self.verdict.thresholds {
            let word = if judged.failed { "FAILED" } else { "ok" };
            writeln!(
                formatter,
                "{word:<LABEL_WIDTH$}--fail-if {:<24}{:>14}",
                judged.condition,
                judged.seen_text()
            )?;
        }
        if self.verdict.valid {
            let word = match (self.verdict.faults.is_empty(), self.is_idle()) {
                _ if self.verdict.outcome == Outcome::Failed => "which fails what it was to hold",
                (false, _) => "with faults",
                (true, false) => "every message arrived once and in order",
                (true, true) => "every connection stood to its end",
            };
            return writeln!(formatter, "valid run, {word}");
        }
        writeln!(formatter, "{:*<78}", "")?;
        writeln!(
            formatter,
            "INVALID: these figures do not describe the server"
        )?;
        for reason in &self.verdict.invalid_because {
            writeln!(formatter, " - {reason}")?;
        }
        writeln!(formatter, "{:*<78}", "")
    }
}

fn write_percentiles(
    formatter: &mut Formatter<'_>,
    label: &str,
    figures: &Percentiles,
) -> fmt::Result {
    let columns = [
        ("p50", figures.p50_ns),
        ("p90", figures.p90_ns),
        ("p99", figures.p99_ns),
        ("p99.9", figures.p99_9_ns),
        ("p99.99", figures.p99_99_ns),
        ("max", figures.max_ns),
    ];
    let names: String = columns
        .iter()
        .map(|(name, _)| format!("{name:>11}"))
        .collect();
    let values: String = columns
        .iter()
        .map(|(_, ns)| format!("{:>11}", nanoseconds(*ns)))
        .collect();
    writeln!(formatter, "{label:<LABEL_WIDTH$}{names}")?;
    match figures.count {
        0 => writeln!(formatter, "{:<LABEL_WIDTH$}{:>11}", "", "no message"),
        _ => writeln!(formatter, "{:<LABEL_WIDTH$}{values}", ""),
    }
}

fn write_cpu_row(
    formatter: &mut Formatter<'_>,
    label: &str,
    ns: Option<f64>,
    share: f64,
    busiest: f64,
    waited: f64,
) -> fmt::Result {
    let each = ns.map_or_else(|| "-".to_owned(), |ns| format!("{ns:.0} ns"));
    writeln!(
        formatter,
        "{label:<LABEL_WIDTH$}{each:>11} per delivery, {:.1} % of a CPU, busiest thread {:.1} %{}",
        share * 100.0,
        busiest * 100.0,
        match waited >= WAIT_SHARE_TOLD {
            true => format!(", none for {:.1} %", waited * 100.0),
            false => String::new(),
        }
    )
}

fn write_switches(formatter: &mut Formatter<'_>, server: &Server) -> fmt::Result {
    let each = |per_second: f64, per_delivery: Option<f64>| match per_delivery {
        Some(per_delivery) => format!("{}/s ({per_delivery:.4} per delivery)", count(per_second)),
        None => format!("{}/s", count(per_second)),
    };
    writeln!(
        formatter,
        "{:<LABEL_WIDTH$}context switches: voluntary {}, involuntary {}",
        "",
        each(
            server.voluntary_switches_per_second,
            server.voluntary_switches_per_delivery
        ),
        each(
            server.involuntary_switches_per_second,
            server.involuntary_switches_per_delivery
        )
    )
}

fn write_memory(formatter: &mut Formatter<'_>, server: &Server) -> fmt::Result {
    writeln!(
        formatter,
        "{:<LABEL_WIDTH$}{:>11} before, {} connected ({:.0} B per connection), {} at the end ({:.0} B)",
        "server memory",
        bytes(server.resident_bytes_before),
        bytes(server.resident_bytes_connected),
        server.resident_bytes_per_connection,
        bytes(server.resident_bytes_end),
        server.resident_bytes_per_connection_end
    )
}

fn many(number: impl Into<u64>, noun: &str) -> String {
    match number.into() {
        1 => format!("1 {noun}"),
        number => format!("{} {noun}s", grouped(number)),
    }
}
