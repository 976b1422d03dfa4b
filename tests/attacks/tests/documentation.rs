//! docs/attacks.md shows every row, as the catalogue has it, and every limit, as the configuration has it; and what is said
//! to be proven elsewhere is there.

use std::fs;
use std::path::Path;

use ringwire_attacks::report;
use ringwire_attacks::row::Attack;
use ringwire_attacks::rows;

fn read(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn the_table_is_that_of_the_catalogue() {
    let page = read("docs/attacks.md");
    for row in rows::all() {
        let line = report::table_line(row);
        assert!(page.contains(&line), "docs/attacks.md lacks:\n{line}");
    }
    let lines = page.lines().filter(|line| line.starts_with("| **"));
    assert_eq!(
        lines.count(),
        rows::all().len(),
        "docs/attacks.md shows other rows"
    );
}

#[test]
fn what_is_proven_elsewhere_is_there() {
    for row in rows::all() {
        if let Attack::Proven(file, test) = row.attack {
            assert!(
                read(file).contains(&format!("fn {test}(")),
                "{}: {file} {test}",
                row.id
            );
        }
    }
}

/// The bounds of the configuration with their defaults: `section.key`, value.
fn configured_limits(defaults: &str) -> Vec<(String, &str)> {
    let mut section = "";
    let mut limits = Vec::new();
    for line in defaults.lines().filter(|line| !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']');
        } else if let Some((key, value)) = line.split_once(" = ")
            && (key.ends_with("_max") || key.ends_with("_timeout"))
        {
            limits.push((format!("{section}.{key}"), value.trim_matches('"')));
        }
    }
    limits
}

#[test]
fn every_limit_is_shown_with_its_default_and_who_tries_it() {
    let (page, defaults) = (read("docs/attacks.md"), read("configs/default.toml"));
    let limits = configured_limits(&defaults);
    assert!(limits.len() > 15);
    for (key, value) in limits {
        let start = format!("| `{key}` | {value}");
        let row = page.lines().find(|line| line.starts_with(&start));
        assert!(row.is_some(), "docs/attacks.md lacks:\n{start}");
    }
    let tests = ["main", "commands", "compressed"];
    let tests = tests.map(|file| read(&format!("tests/attacks/tests/limits/{file}.rs")));
    let (_, table) = page.split_once("## Every limit").expect("the section");
    let rows = table.lines().skip_while(|line| !line.starts_with("| `"));
    for row in rows.take_while(|line| line.starts_with('|')) {
        let tried_by = row
            .trim_end_matches('|')
            .rsplit(" | ")
            .next()
            .expect("a cell");
        for name in tried_by
            .split(", ")
            .map(str::trim)
            .filter(|name| !name.is_empty())
        {
            let (row, function) = (rows::find(name), format!("fn {}(", name.trim_matches('`')));
            let known = row.is_some() || tests.iter().any(|text| text.contains(&function));
            assert!(known, "{tried_by}: {name}");
        }
    }
}
