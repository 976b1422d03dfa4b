//! The record: a count for each case, and the tools that decide counts beside the code.

use std::fmt;
use std::fs;
use std::path::Path;
use std::process::Command;

const HEAD: &str = "\
# Instructions of one unit of each case; `cargo xtask instructions` compares, `--record` writes.
# Counts of other compilers, C libraries and CPUs differ; [tools] says which these are of.
";

/// What decides a count beside our code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tools {
    rustc: String,
    host: String,
    /// The SIMD that is chosen at run time.
    simd: String,
    /// It builds the allocator, and tells the system's release, which brings `memcpy`.
    cc: String,
}

/// Counts, and what they were made with.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Record {
    pub(super) tools: Tools,
    pub(super) counts: Vec<(String, f64)>,
}

impl Tools {
    /// Those of this machine; what runs under valgrind has told which `simd` it finds there.
    pub(super) fn find(simd: String) -> Result<Self, String> {
        let rustc = output_of("rustc", "-vV")?;
        let line = |key: &str| {
            let found = rustc.lines().find_map(|line| line.strip_prefix(key));
            found.unwrap_or_default().to_owned()
        };
        let cc = output_of("cc", "--version")?;
        Ok(Self {
            rustc: line("release: "),
            host: line("host: "),
            simd,
            cc: cc.lines().next().unwrap_or_default().to_owned(),
        })
    }
}

#[cfg(test)]
impl Tools {
    pub(super) fn of(rustc: &str) -> Self {
        Self {
            rustc: rustc.to_owned(),
            ..Self::default()
        }
    }
}

fn output_of(program: &str, argument: &str) -> Result<String, String> {
    let output = Command::new(program)
        .arg(argument)
        .output()
        .map_err(|error| format!("cannot run {program}: {error}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

impl fmt::Display for Tools {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            rustc,
            host,
            simd,
            cc,
        } = self;
        write!(out, "rustc {rustc}, {host}, {simd}, {cc}")
    }
}

impl Record {
    /// The count of a case.
    pub(super) fn count(&self, name: &str) -> Option<f64> {
        let (_, count) = self.counts.iter().find(|(case, _)| case == name)?;
        Some(*count)
    }

    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(path)
            .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        Self::parse(&text).map_err(|line| format!("{}: what is `{line}`?", path.display()))
    }

    pub(super) fn write(&self, path: &Path) -> Result<(), String> {
        fs::write(path, self.to_string())
            .map_err(|error| format!("cannot write {}: {error}", path.display()))
    }

    /// As little of TOML as this program writes; the line that is more, otherwise.
    fn parse(text: &str) -> Result<Self, &str> {
        let mut record = Self::default();
        let entries = text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with(['#', '[']));
        for line in entries {
            let (key, value) = line.split_once(" = ").ok_or(line)?;
            let text = value.trim_matches('"').to_owned();
            match key {
                "rustc" => record.tools.rustc = text,
                "host" => record.tools.host = text,
                "simd" => record.tools.simd = text,
                "cc" => record.tools.cc = text,
                case => {
                    let count = value.parse().map_err(|_| line)?;
                    record
                        .counts
                        .push((case.trim_matches('"').to_owned(), count));
                }
            }
        }
        Ok(record)
    }
}

impl fmt::Display for Record {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tools {
            rustc,
            host,
            simd,
            cc,
        } = &self.tools;
        writeln!(out, "{HEAD}\n[tools]")?;
        for (key, value) in [("rustc", rustc), ("host", host), ("simd", simd), ("cc", cc)] {
            writeln!(out, "{key} = \"{value}\"")?;
        }
        writeln!(out, "\n[instructions]")?;
        for (name, count) in &self.counts {
            writeln!(out, "\"{name}\" = {count:.1}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let record = Record {
            tools: Tools {
                rustc: "1.95.0".into(),
                host: "x86_64-unknown-linux-gnu".into(),
                simd: "avx2".into(),
                cc: "cc (Debian 12.2.0-14) 12.2.0".into(),
            },
            counts: vec![
                ("turn/1 -> 1, W=64".into(), 1359.2),
                ("mask/64 B".into(), 38.0),
            ],
        };
        assert_eq!(Record::parse(&record.to_string()), Ok(record));
    }

    #[test]
    fn a_line_that_is_no_count_is_named() {
        assert_eq!(
            Record::parse("[instructions]\n\"a\" = many\n"),
            Err("\"a\" = many")
        );
    }
}
