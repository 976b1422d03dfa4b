//! What became of one run: figures, or what the server did instead of its job.

use serde_json::Value;

/// The figures of a run in which everything arrived.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Figures {
    pub(super) cpu_ns_per_delivery: f64,
    pub(super) deliveries_per_second: f64,
    pub(super) wire_bytes_per_delivery: f64,
    pub(super) publishes_per_second: f64,
    /// Part of one CPU that the server was on.
    pub(super) server_cpu_share: f64,
    /// p50, p99, p99.9 and the maximum.
    pub(super) latency_ns: [f64; 4],
    pub(super) resident_bytes_per_connection: f64,
    pub(super) connections_per_second: f64,
    /// What the server took until a connection stood.
    pub(super) cpu_ns_per_connection: f64,
    /// TLS handshakes that took up an earlier session.
    pub(super) resumed_handshakes: f64,
    /// Connections that the server ended because nobody read there.
    pub(super) cut_off: f64,
    /// In an open loop, why the latency is partly the load generator's own.
    pub(super) doubt: Option<String>,
}

/// The load generator's exit codes: docs/loadgen.md.
const FINE: i64 = 0;
const INVALID: i64 = 4;

/// Reads the load generator's report.
pub(super) fn judge(report: &Value) -> Result<Figures, String> {
    let verdict = &report["verdict"];
    let exit_code = verdict["exit_code"].as_i64();
    let faults = texts(&verdict["faults"]);
    if !faults.is_empty() {
        let expected = report["integrity"]["expected"].as_u64().unwrap_or(0);
        return Err(format!("{} (of {expected})", faults.join(", ")));
    }
    let doubts = texts(&verdict["invalid_because"]);
    if !matches!(exit_code, Some(FINE | INVALID)) || report["throughput"]["deliveries"] == 0 {
        return Err(match doubts.as_slice() {
            [] => "the run has no figures".to_owned(),
            doubts => doubts.join(", "),
        });
    }
    let number = |section: &str, field: &str| {
        report[section][field]
            .as_f64()
            .ok_or_else(|| format!("the report has no {section}.{field}"))
    };
    // A closed loop whose generator was at its end still tells what a delivery cost the server.
    let is_open = report["load"]["loop"] == "open";
    Ok(Figures {
        cpu_ns_per_delivery: number("server", "cpu_ns_per_delivery")?,
        deliveries_per_second: number("throughput", "deliveries_per_second")?,
        wire_bytes_per_delivery: number("throughput", "wire_bytes_per_delivery")?,
        publishes_per_second: number("throughput", "publishes_per_second")?,
        server_cpu_share: number("server", "cpu_share")?,
        latency_ns: [
            number("latency", "p50_ns")?,
            number("latency", "p99_ns")?,
            number("latency", "p99_9_ns")?,
            number("latency", "max_ns")?,
        ],
        resident_bytes_per_connection: number("server", "resident_bytes_per_connection")?,
        connections_per_second: number("connect", "per_second")?,
        cpu_ns_per_connection: number("connect", "server_cpu_ns_per_connection")?,
        resumed_handshakes: report["tls"]["resumed_handshakes"].as_f64().unwrap_or(0.0),
        cut_off: report["slow_readers"]["cut_off"].as_f64().unwrap_or(0.0),
        // Before the colon stands what was wrong, behind it how much, and what to do about it.
        doubt: doubts
            .first()
            .filter(|_| is_open)
            .map(|doubt| doubt.split(':').next().unwrap_or(doubt).to_owned()),
    })
}

fn texts(list: &Value) -> Vec<String> {
    let texts = list.as_array().into_iter().flatten();
    texts
        .filter_map(|text| text.as_str().map(str::to_owned))
        .collect()
}

/// The middle of some values; of an even number the mean of the two in the middle.
pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = values[(values.len() - 1) / 2];
    Some((lower + upper) / 2.0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn report() -> Value {
        json!({
            "load": {"loop": "closed"},
            "verdict": {"exit_code": 0, "faults": [], "invalid_because": []},
            "throughput": {"deliveries": 10, "deliveries_per_second": 5.0, "wire_bytes_per_delivery": 70.0, "publishes_per_second": 2.5},
            "latency": {"p50_ns": 1, "p99_ns": 2, "p99_9_ns": 3, "max_ns": 4},
            "integrity": {"expected": 10},
            "connect": {"per_second": 7.0, "server_cpu_ns_per_connection": 20_000.0},
            "generator": {"cpu_share": 0.25},
            "server": {"cpu_ns_per_delivery": 51.5, "cpu_share": 0.9, "resident_bytes_per_connection": 400.0},
        })
    }

    /// Figures come from their own sections.
    #[test]
    fn a_fine_run_has_figures() {
        let figures = judge(&report()).expect("a fine run");
        assert_eq!(
            (figures.cpu_ns_per_delivery, figures.server_cpu_share),
            (51.5, 0.9)
        );
        assert_eq!(figures.latency_ns, [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(figures.doubt, None);
    }

    /// Lost messages are what the run tells, whatever else it says.
    #[test]
    fn a_run_with_faults_has_none() {
        let mut lossy = report();
        lossy["verdict"] =
            json!({"exit_code": 4, "faults": ["3 lost"], "invalid_because": ["late"]});
        assert_eq!(judge(&lossy), Err("3 lost (of 10)".to_owned()));
    }

    /// A saturated generator leaves the server's cost per delivery standing, but not an open loop's latency.
    #[test]
    fn a_doubted_run_says_so_where_it_matters() {
        let mut doubted = report();
        doubted["verdict"] =
            json!({"exit_code": 4, "faults": [], "invalid_because": ["late: by 2 ms"]});
        assert_eq!(judge(&doubted).map(|figures| figures.doubt), Ok(None));
        doubted["load"]["loop"] = json!("open");
        assert_eq!(
            judge(&doubted).map(|figures| figures.doubt),
            Ok(Some("late".to_owned()))
        );
        doubted["throughput"]["deliveries"] = json!(0);
        assert_eq!(judge(&doubted), Err("late: by 2 ms".to_owned()));
    }

    /// Odd and even numbers of rounds, and none.
    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0]), Some(2.5));
        assert_eq!(median(vec![]), None);
    }
}
