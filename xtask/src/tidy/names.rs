//! Names say what a thing is: no drawer for odds and ends, no `get_`.
//!
//! A file, a folder or a module called `util` has no one thing to be about, and grows. A getter is
//! called by what it returns; only `get_mut` stays, the standard library's word for access by key.

use super::Finding;
use super::source::line_of;
use super::tree::Tree;

const FORBIDDEN: &[&str] = &[
    "util", "utils", "helper", "helpers", "common", "manager", "managers", "misc", "data2",
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for path in &tree.paths {
        let name = path.rsplit('/').next().unwrap_or(path);
        let stem = name.split('.').next().unwrap_or(name);
        if FORBIDDEN.contains(&stem) {
            findings.push(forbidden(path, 1, stem));
        }
    }
    for (file, source) in tree.rust() {
        for at in source.words("mod") {
            let rest = source.code[at + 3..].trim_start();
            let name = rest
                .split(|c: char| !c.is_alphanumeric() && c != '_')
                .next()
                .unwrap_or(rest);
            if FORBIDDEN.contains(&name) {
                findings.push(forbidden(&file.path, line_of(&file.text, at), name));
            }
        }
        for function in source
            .functions()
            .filter(|function| function.name.starts_with("get_") && function.name != "get_mut")
        {
            findings.push(Finding::new(
                &file.path,
                line_of(&file.text, function.start),
                format!("`{}` begins with `get_`", function.name),
                "name it by what it returns",
            ));
        }
    }
    findings
}

fn forbidden(path: &str, line: usize, name: &str) -> Finding {
    Finding::new(
        path,
        line,
        format!("`{name}` says nothing about what is inside"),
        "name it by the one noun that it is about",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files, folders, modules in a file and getters are all seen.
    #[test]
    fn names_that_say_nothing_are_refused() {
        assert_eq!(check(&Tree::of(&[("src/utils.rs", "")])).len(), 1);
        assert_eq!(check(&Tree::of(&[("src/common/a.rs", "")])).len(), 1);
        assert_eq!(
            check(&Tree::of(&[("src/a.rs", "\nmod helper {\n}\n")]))[0].line,
            2
        );
        assert_eq!(
            check(&Tree::of(&[("src/a.rs", "fn get_x() {}\n")])).len(),
            1
        );
    }

    /// Words that only contain a forbidden one pass, and so does prose.
    #[test]
    fn nouns_pass() {
        let text = "mod commonmark;\nfn get() {}\nfn get_mut() {}\nfn gettext() {}\n// mod util\n";
        assert_eq!(check(&Tree::of(&[("src/utility.rs", text)])), []);
    }
}
