//! docs/attacks.md shows every row, as the catalogue has it; and what a row calls proven elsewhere is there.

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
