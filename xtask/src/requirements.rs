//! `cargo xtask requirements`: docs/conformance.md, made from rows of data.
//!
//! A row is one sentence of an RFC that binds an endpoint, with the code that does it and the test
//! that proves it, or the reason why there is none. Rows stand in [`FOLDER`], one file for each part
//! of an RFC; the judges' results stand where the judges write them. `--check` writes nothing and
//! fails when the page is stale, or when a row names a file, an item or a test that is not there:
//! then the table would claim what nobody proves any more.

mod anchor;
mod judges;
mod page;
mod rows;

use std::fs;
use std::path::Path;

use rows::Requirements;

/// Where the rows are.
const FOLDER: &str = "tests/conformance/requirements";

/// What is made of them.
const PAGE: &str = "docs/conformance.md";

/// Writes the page, or checks that it is what would be written.
pub(crate) fn run(root: &Path, arguments: &[String]) -> Result<(), String> {
    let checks_only = match arguments {
        [] => false,
        [flag] if flag == "--check" => true,
        _ => return Err("usage: cargo xtask requirements [--check]".to_owned()),
    };
    let requirements = Requirements::read(&root.join(FOLDER))?;
    let judges = judges::read(root)?;
    let findings = anchor::findings(root, &requirements);
    for finding in &findings {
        println!("{finding}");
    }
    if !findings.is_empty() {
        return Err(format!("{} rows claim what is not there", findings.len()));
    }
    let text = page::render(&requirements, &judges);
    let path = root.join(PAGE);
    if checks_only {
        return match fs::read_to_string(&path) {
            Ok(present) if present == text => Ok(()),
            _ => Err(format!("{PAGE} is stale: run `cargo xtask requirements`")),
        };
    }
    fs::write(&path, text).map_err(|error| format!("{PAGE}: {error}"))?;
    println!("{PAGE}: {}", requirements.summary());
    Ok(())
}
