//! What a comparison says, and what it warns of.

use std::fs;

use super::*;
use crate::evidence::Evidence;
use crate::report::Environment;
use crate::report::tests::{flawless, plan, with_server};
use crate::tally::Distribution;

fn run(label: &str, line: &str, evidence: &Evidence) -> Run {
    let command = vec!["ringwire-load".to_owned(), line.to_owned()];
    Run {
        label: label.to_owned(),
        report: Report::new(&plan(line), evidence, command),
    }
}

/// The second twice as slow, for half of the CPU time.
fn two() -> Comparison {
    let mut slow = with_server(flawless(), 1_000_000_000);
    slow.latency = Distribution::default();
    slow.latency.record(100_000, 1);
    Comparison {
        runs: vec![
            run(
                "quick",
                "--rate 100",
                &with_server(flawless(), 2_000_000_000),
            ),
            run("slow", "--rate 100", &slow),
        ],
    }
}

fn made_on(run: &mut Run, cpu: &str) {
    let mut environment = Environment::look();
    environment.rename_cpu(cpu);
    run.report = run.report.clone().made_on(environment);
}

#[test]
fn each_figure_stands_beside_the_first_run_s() {
    let text = two().to_string();
    let line = |label: &str| {
        let line = text.lines().find(|line| line.starts_with(label));
        let words = line.unwrap_or_default().split_whitespace();
        words.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(line("latency p99 "), "latency p99 50.00 us 100.0 us 2.00x");
    assert_eq!(
        line("server CPU per delivery"),
        "server CPU per delivery 20.00 us 10.00 us 0.50x"
    );
    assert_eq!(
        line("lost"),
        "lost 0 0",
        "nothing can be divided by nothing"
    );
    assert_eq!(line("outcome"), "outcome fine fine");
    assert!(!text.contains("CAUTION"), "{text}");
    assert!(text.lines().all(|line| line.len() <= 100), "{text}");
}

#[test]
fn what_cannot_be_compared_is_said_first() {
    let mut late = flawless();
    late.lateness.record(9_000_000, 1);
    let mut comparison = two();
    let runs = &mut comparison.runs;
    runs.push(run("other", "--rate 500 -s 7", &flawless()));
    runs.push(run("late", "--rate 100", &late));
    made_on(&mut runs[0], "A");
    made_on(&mut runs[1], "B");
    let (text, page) = (comparison.to_string(), comparison.html());
    for caution in [
        "late is INVALID",
        "other had another load than quick: rate per second 500.0 instead of 100.0, subscribers 7 instead of 100",
        "slow was made on another machine than quick: cpu B instead of A",
    ] {
        assert!(text.contains(caution), "{caution}: {text}");
        assert!(page.contains(caution), "{caution}");
    }
    assert!(text.starts_with("CAUTION"), "{text}");
    assert_eq!(text.matches("CAUTION").count(), 3, "{text}");
}

#[test]
fn the_page_has_every_run() {
    let mut comparison = two();
    comparison.runs[1].label = "<b>slow".to_owned();
    let page = comparison.html();
    assert!(!page.contains("<b>slow") && page.contains("&lt;b&gt;slow"));
    for word in [
        "line s0",
        "line s1",
        "×2.00",
        "×0.50",
        "class=\"ratio worse\"",
        "class=\"ratio better\"",
        "'--rate 100'",
    ] {
        assert!(page.contains(word), "{word}");
    }
    assert_eq!(page.matches("type=\"application/json\"").count(), 2);
    for word in ["http://", "https://", "src=", "href="] {
        assert!(!page.contains(word), "{word}");
    }
}

#[test]
fn files_are_read_and_named() {
    let folder = std::env::temp_dir().join(format!("ringwire-load-compare-{}", std::process::id()));
    fs::create_dir_all(folder.join("b")).expect("a folder");
    let report = two().runs[0].report.to_json();
    let files = ["a.json", "b/a.json", "c.json"].map(|name| folder.join(name));
    for file in &files {
        fs::write(file, &report).expect("a file");
    }
    let [a, b, c] = files;
    let broken = folder.join("broken.json");
    fs::write(&broken, "{}").expect("a file");

    let labels = |files: &[&PathBuf], names: &[&str]| {
        let files: Vec<PathBuf> = files.iter().map(|&file| file.clone()).collect();
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let read = Comparison::read(&files, &names).map_err(|failure| failure.to_string())?;
        Ok::<Vec<String>, String>(read.runs.into_iter().map(|run| run.label).collect())
    };
    let path = |file: &PathBuf| file.display().to_string();
    assert_eq!(
        labels(&[&a, &b, &c], &[]),
        Ok(vec![path(&a), path(&b), "c".to_owned()])
    );
    assert_eq!(
        labels(&[&a, &c], &["x", "y"]),
        Ok(vec!["x".to_owned(), "y".to_owned()])
    );
    let none = folder.join("none.json");
    for (files, names, reason) in [
        (&[&a][..], &[][..], "give 2 to"),
        (&[&a; 9], &[], "give 2 to"),
        (&[&a, &b, &c], &["x", "y"], "one for each"),
        (&[&a, &broken], &[], "no report of ringwire-load"),
        (&[&a, &none], &[], "none.json"),
    ] {
        let refusal = labels(files, names).expect_err(reason);
        assert!(refusal.contains(reason), "{refusal}");
    }
    fs::remove_dir_all(folder).expect("its own folder");
}
