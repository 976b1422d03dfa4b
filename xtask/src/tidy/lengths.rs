//! No file and no function outgrows its reader.
//!
//! A file counts up to its own test module, a function from the line of its `fn` to its brace.
//! The bounds are where the build stops; the aim is two thirds of them.

use super::Finding;
use super::source::line_of;
use super::tree::Tree;

const FILE_LINES_MAX: usize = 600;
const FUNCTION_LINES_MAX: usize = 70;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, source) in tree.rust() {
        let lines = file.text[..source.tests_start()].lines().count();
        if lines > FILE_LINES_MAX {
            findings.push(Finding::new(
                &file.path,
                FILE_LINES_MAX + 1,
                format!("{lines} lines before the tests, more than {FILE_LINES_MAX}"),
                "find the second noun in it and give that a file",
            ));
        }
        for function in source.functions() {
            let start = line_of(&file.text, function.start);
            let lines = line_of(&file.text, function.end.min(file.text.len())) - start + 1;
            if lines > FUNCTION_LINES_MAX {
                findings.push(Finding::new(
                    &file.path,
                    start,
                    format!(
                        "`{}` has {lines} lines, more than {FUNCTION_LINES_MAX}",
                        function.name
                    ),
                    "name its parts and make them functions",
                ));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function_of(lines: usize) -> String {
        format!("fn long() {{\n{}}}\n", "    a();\n".repeat(lines - 2))
    }

    /// One line over the bound is refused, where the function begins.
    #[test]
    fn a_long_function_is_refused() {
        let text = format!("//! A.\n{}", function_of(FUNCTION_LINES_MAX + 1));
        let findings = check(&Tree::of(&[("a.rs", &text)]));
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].line, 2);
        assert!(findings[0].what.contains("`long` has 71 lines"));
    }

    /// A function at the bound passes, also when braces stand in its strings.
    #[test]
    fn a_function_at_the_bound_passes() {
        let text = function_of(FUNCTION_LINES_MAX).replacen("a();", "a(\"{{{\", '{');", 1);
        assert_eq!(check(&Tree::of(&[("a.rs", &text)])), []);
    }

    /// Lines before the tests count, lines of the tests do not.
    #[test]
    fn a_long_file_is_refused_and_its_tests_do_not_count() {
        let long = "const A: u8 = 1;\n".repeat(FILE_LINES_MAX);
        let tests = format!("#[cfg(test)]\nmod tests {{\n{long}}}\n");
        assert_eq!(check(&Tree::of(&[("a.rs", &format!("{long}{tests}"))])), []);
        assert_eq!(
            check(&Tree::of(&[("a.rs", &format!("{long}\n{tests}"))])).len(),
            1
        );
    }
}
