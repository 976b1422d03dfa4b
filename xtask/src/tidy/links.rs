//! Relative links in Markdown lead somewhere: to a file or folder of this tree, and to a heading of it
//! where they name one.
//!
//! Links to other sites are not followed. Code, fenced or inline, holds no links.

use super::Finding;
use super::tree::{File, Tree};

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| file.path.ends_with(".md")) {
        for (line, text) in prose(file) {
            for target in targets(&text) {
                if let Some(what) = broken(tree, file, &target) {
                    findings.push(Finding::new(
                        &file.path,
                        line,
                        what,
                        "correct the link, or take it out",
                    ));
                }
            }
        }
    }
    findings
}

/// The lines of a Markdown file outside of code, with their numbers; inline code is cut out.
fn prose(file: &File) -> Vec<(usize, String)> {
    let mut fenced = false;
    let mut lines = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            lines.push((index + 1, line.split('`').step_by(2).collect()));
        }
    }
    lines
}

/// What the links of one line point to: `[text](target)` and `[name]: target`.
fn targets(line: &str) -> Vec<String> {
    let mut found: Vec<String> = line
        .match_indices("](")
        .filter_map(|(at, _)| line[at + 2..].split([')', ' ']).next())
        .map(str::to_owned)
        .collect();
    if line.starts_with('[')
        && let Some((_, target)) = line.split_once("]: ")
    {
        found.push(target.trim().to_owned());
    }
    found.retain(|target| !target.contains("://") && !target.starts_with("mailto:"));
    found
}

/// What is wrong with a link, if anything is.
fn broken(tree: &Tree, file: &File, target: &str) -> Option<String> {
    let (path, heading) = target.split_once('#').unwrap_or((target, ""));
    let path = if path.is_empty() {
        file.path.clone()
    } else {
        resolve(&file.path, path)
    };
    if !path.is_empty() && !tree.paths.contains(&path) {
        return Some(format!("the link to `{target}` leads nowhere"));
    }
    let is_missing = !heading.is_empty()
        && tree
            .file(&path)
            .is_some_and(|page| !headings(page).iter().any(|known| known == heading));
    is_missing.then(|| format!("`{path}` has no heading `#{heading}`"))
}

/// `target` as seen from the folder of the file at `from`, relative to the root.
fn resolve(from: &str, target: &str) -> String {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The anchors of a page's headings, as forges make them: lower case, blanks to dashes, no
/// punctuation.
fn headings(page: &File) -> Vec<String> {
    let mut fenced = false;
    let mut found = Vec::new();
    for line in page.text.lines() {
        fenced ^= line.trim_start().starts_with("```");
        if line.starts_with('#') && !fenced {
            let text = line
                .trim_start_matches('#')
                .trim()
                .to_lowercase()
                .replace(' ', "-");
            found.push(
                text.chars()
                    .filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_'))
                    .collect(),
            );
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_page(text: &str) -> Vec<Finding> {
        check(&Tree::of(&[
            ("docs/a.md", text),
            (
                "docs/b.md",
                "# The `one` idea, here\n```\n# no heading\n```\n",
            ),
            ("README.md", ""),
        ]))
    }

    /// Missing files, files above the root and missing headings are refused.
    #[test]
    fn broken_links_are_refused() {
        for text in [
            "[a](c.md)",
            "[a](b.md#another)",
            "[a](b.md#no-heading)",
            "[a]: ../nothing.md",
        ] {
            assert_eq!(check_page(text).len(), 1, "{text}");
        }
        assert_eq!(check_page("\n\nsee [a](b.md) and [c](c.md)")[0].line, 3);
    }

    /// Files, folders, headings and other sites pass, and so does everything in code.
    #[test]
    fn links_that_lead_somewhere_pass() {
        for text in [
            "[a](b.md#the-one-idea-here), [b](../README.md), [c](../docs), [d](https://example.org/x)",
            "# Here\n[a](#here)",
            "```\n[a](c.md)\n```\nand `[a](c.md)`",
        ] {
            assert_eq!(check_page(text), [], "{text}");
        }
    }
}
