//! `cargo xtask tidy`: the rules of the house that neither the compiler nor clippy checks.
//!
//! Each rule is one file below and one line of [`RULES`]. It reads a [`Tree`] (paths and texts, from
//! disk or made up by a test) and returns [`Finding`]s: where, what, and what to do about it.

mod doors;
mod heads;
mod imports;
mod leftovers;
mod lengths;
mod links;
mod manifest;
mod names;
mod source;
mod tree;
mod versions;

use std::fmt;
use std::path::Path;

use tree::Tree;

type Rule = fn(&Tree) -> Vec<Finding>;

const RULES: &[(&str, Rule)] = &[
    ("imports", imports::check),
    ("doors", doors::check),
    ("heads", heads::check),
    ("lengths", lengths::check),
    ("names", names::check),
    ("leftovers", leftovers::check),
    ("versions", versions::check),
    ("links", links::check),
];

/// One place that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Finding {
    path: String,
    line: usize,
    what: String,
    remedy: &'static str,
}

impl Finding {
    fn new(path: &str, line: usize, what: String, remedy: &'static str) -> Self {
        Finding {
            path: path.to_owned(),
            line,
            what,
            remedy,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}: {}; {}",
            self.path, self.line, self.what, self.remedy
        )
    }
}

/// Checks the workspace at `root` and prints every finding.
pub(crate) fn run(root: &Path, _arguments: &[String]) -> Result<(), String> {
    let tree = Tree::read(root).map_err(|error| format!("cannot read the workspace: {error}"))?;
    let mut count = 0;
    for (name, check) in RULES {
        for finding in check(&tree) {
            println!("{finding} [{name}]");
            count += 1;
        }
    }
    if count > 0 {
        return Err(format!("{count} findings"));
    }
    println!(
        "tidy: {} files, {} rules, nothing to say",
        tree.files.len(),
        RULES.len()
    );
    Ok(())
}
