//! What the command line of `cargo xtask fuzz` may say.

const SECONDS_DEFAULT: u32 = 60;

/// What is wanted.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Options {
    /// For each target.
    pub(super) seconds: u32,
    pub(super) targets: Vec<String>,
    /// Targets that run at the same time.
    pub(super) jobs: usize,
    /// With address checks.
    pub(super) asan: bool,
    /// Add the runs to the table of docs/fuzzing.md.
    pub(super) record: bool,
    /// Take the cases of our own suite, as `ringwire-conformance export` writes them, from this folder.
    pub(super) cases: Option<String>,
    /// Make the committed corpora anew from what was learned, instead of running.
    pub(super) minimise: bool,
}

impl Options {
    pub(super) fn parse(arguments: &[String], known: Vec<String>) -> Result<Self, String> {
        let mut options = Self {
            seconds: SECONDS_DEFAULT,
            targets: Vec::new(),
            jobs: 1,
            asan: false,
            record: false,
            cases: None,
            minimise: false,
        };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--asan" => options.asan = true,
                "--record" => options.record = true,
                "--minimise" => options.minimise = true,
                "--cases" => {
                    options.cases = Some(arguments.next().ok_or("--cases wants a folder")?.clone());
                }
                "--jobs" => {
                    let jobs = arguments.next().and_then(|text| text.parse().ok());
                    options.jobs = jobs
                        .filter(|jobs| *jobs > 0)
                        .ok_or("--jobs wants a number above 0")?;
                }
                text if known.iter().any(|target| target == text) => {
                    options.targets.push(text.to_owned());
                }
                text => {
                    options.seconds = text.parse().map_err(|_| unknown(text, &known))?;
                }
            }
        }
        if options.targets.is_empty() {
            options.targets = known;
        }
        Ok(options)
    }
}

fn unknown(text: &str, known: &[String]) -> String {
    format!(
        "`{text}` is no option, no number of seconds and no target: {}",
        known.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        let arguments: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Options::parse(&arguments, vec!["frame".into(), "mask".into()])
    }

    #[test]
    fn a_line_without_targets_means_all() {
        let options = parse("--jobs 2").unwrap();
        assert_eq!(options.targets, ["frame", "mask"]);
        assert_eq!((options.seconds, options.jobs), (SECONDS_DEFAULT, 2));
    }

    #[test]
    fn seconds_targets_and_switches_stand_in_any_order() {
        let options = parse("mask --record 900 --asan").unwrap();
        assert_eq!(
            (options.seconds, options.targets),
            (900, vec!["mask".into()])
        );
        assert!(options.record && options.asan && !options.minimise);
    }

    #[test]
    fn what_is_neither_is_named() {
        assert!(parse("masc").unwrap_err().contains("`masc`"));
        assert!(parse("--jobs 0").is_err());
    }
}
