//! `path#item`: whether the file is there, and whether it defines that item or holds that test.
//!
//! This reads text, not Rust: a definition is a name after the keyword that defines it. What fools it
//! would have to be written in order to fool it.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use super::rows::{Requirements, Row};

/// What stands before the name of an item.
const KEYWORDS: &[&str] = &[
    "fn ",
    "struct ",
    "enum ",
    "const ",
    "static ",
    "trait ",
    "type ",
    "mod ",
    "macro_rules! ",
];

/// Folders with tables of cases, which one runner tries all.
const CASES: &[&str] = &["tests/conformance/src/cases/", "tests/attacks/src/rows/"];

/// One line for each thing that a row claims and that is not there.
pub(super) fn findings(root: &Path, requirements: &Requirements) -> Vec<String> {
    let mut files = Files {
        root,
        texts: HashMap::new(),
    };
    let mut findings = Vec::new();
    for part in &requirements.parts {
        for section in &part.sections {
            for (index, row) in section.rows.iter().enumerate() {
                let what = judge(&mut files, row);
                findings.extend(what.into_iter().map(|what| {
                    format!(
                        "RFC {} section {} row {}: {what}",
                        part.rfc,
                        section.number,
                        index + 1
                    )
                }));
            }
        }
    }
    for registry in &requirements.registries {
        let broken = files
            .broken(&registry.code, defines)
            .into_iter()
            .chain(files.broken(&registry.tests, holds_test));
        findings.extend(broken.map(|what| format!("registry {}: {what}", registry.section)));
        if registry
            .entries
            .iter()
            .any(|entry| entry.len() != registry.columns.len())
        {
            findings.push(format!(
                "registry {}: an entry has not as many cells as there are columns",
                registry.section
            ));
        }
    }
    findings
}

fn judge(files: &mut Files<'_>, row: &Row) -> Vec<String> {
    let mut findings = files.broken(&row.code, defines);
    findings.extend(files.broken(&row.tests, holds_test));
    if row.tests.is_empty() && row.reason.is_none() {
        findings.push("neither a test nor a reason".to_owned());
    }
    if !row.tests.is_empty() && row.code.is_empty() {
        findings.push("a test, and no code that it is of".to_owned());
    }
    findings
}

/// The files that were read.
struct Files<'r> {
    root: &'r Path,
    texts: HashMap<String, Option<String>>,
}

impl Files<'_> {
    /// What is wrong with each anchor of the list.
    fn broken(&mut self, anchors: &[String], has: fn(&str, &str, &str) -> bool) -> Vec<String> {
        anchors
            .iter()
            .filter_map(|anchor| {
                let (path, item) = anchor.split_once('#').unwrap_or((anchor, ""));
                match self.text(path) {
                    None => Some(format!("there is no file `{path}`")),
                    Some(text) if item.is_empty() || has(path, text, item) => None,
                    Some(_) => Some(format!("`{path}` has no `{item}`")),
                }
            })
            .collect()
    }

    fn text(&mut self, path: &str) -> Option<&str> {
        self.texts
            .entry(path.to_owned())
            .or_insert_with(|| fs::read_to_string(self.root.join(path)).ok())
            .as_deref()
    }
}

/// The last name of `Type::method` is defined there, and the first one named.
fn defines(_path: &str, text: &str, item: &str) -> bool {
    let (owner, name) = item.rsplit_once("::").unwrap_or(("", item));
    let defined = text.lines().any(|line| {
        let line = line.trim_start();
        // A variant, or a line of a table that a macro reads.
        let leads = starts_with_name(line, name) && !line.contains("=>");
        leads || KEYWORDS.iter().any(|keyword| follows(line, keyword, name))
    });
    defined && (owner.is_empty() || has_word(text, owner))
}

/// A function under `#[test]`, a test in Python, a case of that name in a table, or a function that
/// makes cases of a table.
fn holds_test(path: &str, text: &str, name: &str) -> bool {
    if !path.ends_with(".rs") {
        return text.lines().any(|line| follows(line, "def ", name))
            || text.contains(&format!("'{name}'"));
    }
    if CASES.iter().any(|folder| path.contains(folder)) && defines(path, text, name) {
        return true;
    }
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let is_test = |at: usize| {
        lines[..at]
            .iter()
            .rev()
            .take_while(|line| line.starts_with("#[") || line.starts_with("//"))
            .any(|line| line.contains("test"))
    };
    let function = (0..lines.len()).any(|at| follows(lines[at], "fn ", name) && is_test(at));
    function || text.contains(&format!("\"{name}\""))
}

/// Whether `name` stands after `keyword` in the line, as a whole word.
fn follows(line: &str, keyword: &str, name: &str) -> bool {
    line.match_indices(keyword)
        .any(|(at, _)| starts_with_name(&line[at + keyword.len()..], name))
}

fn starts_with_name(text: &str, name: &str) -> bool {
    text.strip_prefix(name)
        .is_some_and(|rest| !rest.starts_with(is_name_character))
}

fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        !text[..at].ends_with(is_name_character) && starts_with_name(&text[at..], word)
    })
}

fn is_name_character(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "
        impl Reader {
            pub(super) fn begin(&mut self) {}
        }
        enum Error { }
            Unmasked,
            Big { bytes: usize },
        const GUID: &[u8] = b\"\";
        /// A sentence.
        #[test]
        #[should_panic]
        fn it_is_so() {}
        fn no_test() {}
        case(\"a case of a table\");
    ";

    #[test]
    fn items_and_tests_that_are_there_are_found_and_no_others() {
        for item in [
            "Reader::begin",
            "begin",
            "Error",
            "Error::Unmasked",
            "Big",
            "GUID",
        ] {
            assert!(defines("a.rs", TEXT, item), "{item}");
        }
        for item in ["Writer::begin", "beg", "begins", "UID", "self", "sentence"] {
            assert!(!defines("a.rs", TEXT, item), "{item}");
        }
        assert!(holds_test("a.rs", TEXT, "it_is_so"));
        assert!(holds_test("a.rs", TEXT, "a case of a table"));
        for name in ["no_test", "it_is", "a case"] {
            assert!(!holds_test("a.rs", TEXT, name), "{name}");
        }
        assert!(holds_test(
            "tests/conformance/src/cases/a.rs",
            TEXT,
            "no_test"
        ));
        assert!(holds_test("a.py", "def test_it(broker):", "test_it"));
        assert!(holds_test("a.mjs", "test('it is so', async", "it is so"));
        assert!(!holds_test("a.py", "def test_it(broker):", "test"));
    }

    fn findings_of(rows: &str) -> Vec<String> {
        let mut requirements = Requirements::default();
        let head = "rfc = 1\n[[section]]\nnumber = \"2\"\ntitle = \"t\"\n";
        requirements.add(&format!("{head}{rows}")).unwrap();
        findings(Path::new(env!("CARGO_MANIFEST_DIR")), &requirements)
    }

    #[test]
    fn a_row_needs_a_proof_that_is_there_or_a_reason() {
        let row = |rest: &str| {
            format!("[[section.row]]\ntext = \"x\"\nlevel = \"MUST\"\nbinds = \"both\"\n{rest}\n")
        };
        let here = "code = [\"src/requirements/anchor.rs#judge\"]\n";
        let test = "tests = [\"src/requirements/anchor.rs#a_row_needs_a_proof_that_is_there_or_a_reason\"]";
        assert_eq!(findings_of(&row(&format!("{here}{test}"))), [""; 0]);
        assert_eq!(findings_of(&row("reason = \"y\"")), [""; 0]);
        for bad in [
            "",
            here,
            test,
            "reason = \"y\"\ncode = [\"src/nowhere.rs\"]",
            "reason = \"y\"\ncode = [\"src/main.rs#nothing\"]",
        ] {
            let found = findings_of(&row(bad));
            assert_eq!(found.len(), 1, "{bad}: {found:?}");
            assert!(found[0].starts_with("RFC 1 section 2 row 1: "), "{found:?}");
        }
    }
}
