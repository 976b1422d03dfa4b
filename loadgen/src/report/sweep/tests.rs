//! What a sweep says, in the table, in a sentence and on its page.

use clap::Parser;

use super::*;
use crate::evidence::Evidence;
use crate::report::tests::{flawless, plan};

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    options: Options,
}

fn step(rate: f64, finding: Finding, evidence: &Evidence) -> Step {
    let command = vec!["ringwire-load".to_owned(), "sweep".to_owned()];
    let report = Report::new(&plan(""), evidence, command);
    let limit = Condition::parse("p99<40us").expect("a condition");
    let broken = [limit.judge(&Figures::of(&report))];
    Step::new(rate, finding, &broken, report)
}

/// Held at 100, broke at 200 in a run that was followed by an invalid one.
fn swept() -> SweepReport {
    let options = Line::parse_from(["sweep", "--limit", "p99<40us"]).options;
    let setting = Setting::new(&options, &options.limit, 100.0);
    let mut report = SweepReport::new(setting, Environment::default());
    report.add(step(100.0, Finding::Holds, &flawless()));
    report.add(step(200.0, Finding::Breaks, &flawless()));
    report.add(step(200.0, Finding::Invalid, &Evidence::default()));
    report.conclude(Some(Answer::Between {
        holds_at: 100.0,
        breaks_at: 200.0,
    }));
    report
}

#[test]
fn the_sentence_names_both_rates_and_what_broke() {
    let report = swept();
    assert_eq!(
        report.answer.sentence,
        "p99<40us: holds at 100 publishes/s (10.00 k deliveries/s), and not at 200, where p99 is 50.00 us, not <40us."
    );
    assert_eq!(report.exit_code(), 0);
}

#[test]
fn what_was_cut_short_is_no_answer() {
    let mut report = swept();
    report.cut_short("interrupted".to_owned());
    report.conclude(Some(Answer::AtLeast { holds_at: 100.0 }));
    assert!(
        report.conclusion().contains("CUT SHORT: interrupted"),
        "{}",
        report.conclusion()
    );
    assert!(
        report.conclusion().contains("tried so far"),
        "{}",
        report.conclusion()
    );
    assert_eq!(report.exit_code(), Outcome::Invalid as u8);
}

#[test]
fn an_invalid_run_shows_no_latency_and_says_why() {
    let line = swept().steps[2].to_string();
    assert!(
        line.contains("INVALID: it ended before the measured window"),
        "{line}"
    );
    assert!(line.contains("           -           -"), "{line}");
}

#[test]
fn the_page_has_the_answer_the_curves_and_every_run() {
    let page = swept().html();
    for part in [
        "holds at 100 publishes/s",
        "Latency over the offered rate",
        "INVALID",
        "line s0",
        "line expected",
        "script class=\"report\"",
    ] {
        assert!(page.contains(part), "{part}");
    }
    // The invalid run is on no line: two points of the median, moved to and drawn to once.
    let median = page
        .split("line s4\" d=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next());
    assert_eq!(
        median.expect("a line").matches(['M', 'L']).count(),
        2,
        "{median:?}"
    );
}
