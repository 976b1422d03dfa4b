//! What the command line of a comparison says.

use std::path::PathBuf;

/// How often, which loads, which servers, and where to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Options {
    pub(super) rounds: usize,
    /// Only loads whose name contains this.
    pub(super) row: String,
    /// Only these arms; empty: all of the task.
    pub(super) arms: Vec<String>,
    /// Every run goes here.
    pub(super) json: Option<PathBuf>,
    /// The receivers' half of TCP is moved to the clients' CPU.
    pub(super) steered: bool,
}

const USAGE: &str = "[--rounds N] [--row TEXT] [--arm NAME,...] [--json FILE] [--steered]";

impl Options {
    /// Reads the words behind the task's name.
    pub(super) fn parse(words: &[String]) -> Result<Options, String> {
        let mut options = Options {
            rounds: 3,
            row: String::new(),
            arms: Vec::new(),
            json: None,
            steered: false,
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || {
                words
                    .next()
                    .ok_or_else(|| format!("{word} wants a value; usage: {USAGE}"))
            };
            match word.as_str() {
                "--rounds" => {
                    options.rounds = value()?
                        .parse()
                        .ok()
                        .filter(|rounds| *rounds > 0)
                        .ok_or_else(|| format!("--rounds wants a number from 1; usage: {USAGE}"))?;
                }
                "--row" => value()?.clone_into(&mut options.row),
                "--arm" => options.arms.extend(value()?.split(',').map(str::to_owned)),
                "--json" => options.json = Some(value()?.into()),
                "--steered" => options.steered = true,
                _ => return Err(format!("`{word}` means nothing; usage: {USAGE}")),
            }
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Options::parse(&words)
    }

    /// Every option is read; without any there are three rounds of everything.
    #[test]
    fn options_are_read() {
        let options =
            parse("--rounds 2 --row W=64 --arm nats,bun --arm send --json a.json --steered");
        let options = options.expect("a sensible line");
        assert_eq!(
            (options.rounds, options.row.as_str(), options.steered),
            (2, "W=64", true)
        );
        assert_eq!(options.arms, ["nats", "bun", "send"]);
        assert_eq!(options.json, Some("a.json".into()));
        assert_eq!(parse("").map(|options| options.rounds), Ok(3));
    }

    /// What is not understood is said, not ignored.
    #[test]
    fn nonsense_is_refused() {
        for line in ["3", "--rounds", "--rounds 0", "--rounds x", "--fast"] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
