//! Nothing half done is committed: no note to self in a comment, no macro that stands for missing
//! code.
//!
//! What is still to be done belongs into an issue, where somebody sees it.

use super::Finding;
use super::source::{line_of, words};
use super::tree::{File, Tree};

const NOTES: &[&str] = &["TODO", "FIXME", "XXX", "HACK"];
const MACROS: &[&str] = &["todo", "unimplemented", "dbg"];

/// Beside Rust, where comments are told apart, the whole text of these may hold no note.
const SCRIPTS: &[&str] = &[".toml", ".py", ".js", ".mjs", ".sh"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &tree.files {
        match &file.source {
            Some(source) => {
                notes(file, &source.comments, &mut findings);
                for name in MACROS {
                    for at in source.words(name) {
                        if source.code[at + name.len()..].starts_with('!') {
                            findings.push(leftover(file, at, &format!("{name}!")));
                        }
                    }
                }
            }
            None if SCRIPTS.iter().any(|end| file.path.ends_with(end)) => {
                notes(file, &file.text, &mut findings);
            }
            None => {}
        }
    }
    findings
}

fn notes(file: &File, text: &str, findings: &mut Vec<Finding>) {
    for note in NOTES {
        findings.extend(words(text, note).map(|at| leftover(file, at, note)));
    }
}

fn leftover(file: &File, at: usize, what: &str) -> Finding {
    Finding::new(
        &file.path,
        line_of(&file.text, at),
        format!("`{what}` is a leftover"),
        "finish it, or take it out and file an issue",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Notes in comments and scripts and placeholder macros are refused.
    #[test]
    fn leftovers_are_refused() {
        for text in [
            "// TODO: later\n",
            "/* FIXME */\n",
            "todo!()\n",
            "dbg!(a);\n",
            "unimplemented!(\"a\")\n",
        ] {
            assert_eq!(check(&Tree::of(&[("a.rs", text)])).len(), 1, "{text:?}");
        }
        assert_eq!(check(&Tree::of(&[("a.py", "# TODO\n")])).len(), 1);
    }

    /// The same words as data, as parts of others and as ordinary names pass.
    #[test]
    fn words_as_data_pass() {
        let text =
            "const NOTE: &str = \"TODO\";\nfn todo() {}\n// METHODOLOGY\nassert!(!todo());\n";
        assert_eq!(
            check(&Tree::of(&[
                ("a.rs", text),
                ("a.md", "TODO lists are fine in prose\n")
            ])),
            []
        );
    }
}
