//! Scenarios: files of options, written in TOML, for questions that are asked again and again.
//!
//! A key is the long name of an option, its value is what would stand behind it on the command line. Knows nothing of what the
//! options mean: a file becomes the words of a command line, and the command line's own parser judges them. The built-in ones are
//! the files of `configs/loadgen`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgGroup, ArgMatches, Command};
use toml::{Spanned, Value};

use crate::quantity::nearest;

/// The option that names a scenario.
pub const OPTION: &str = "scenario";

/// The server's URL: the only key that is no option, because it has no name on the command line.
const URL: &str = "url";

/// What a file may not say about the run.
const NOT_IN_FILES: [&str; 3] = [OPTION, "help", "version"];

/// What only a sweep knows.
const KEYS_OF_SWEEPS: [&str; 5] = ["limit", "from", "to", "precision", "runs"];

macro_rules! built_in {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../configs/loadgen/", $name, ".toml")))),*]
    };
}

/// The scenarios that the program carries, in the order in which a newcomer would read them: name and text.
pub const BUILT_IN: &[(&str, &str)] = built_in![
    "fan-out",
    "echo",
    "rooms",
    "many-topics",
    "ramp",
    "burst",
    "sweep",
    "idle",
    "connect-ramp",
    "connect-storm",
    "churn",
    "reconnect-storm",
    "slow-readers",
    "publish-http",
];

/// A scenario's file.
#[derive(Debug)]
pub struct Scenario {
    origin: String,
    text: String,
    options: BTreeMap<Spanned<String>, Value>,
}

impl Scenario {
    /// The built-in scenario of that name, or the file.
    pub fn find(name: &str) -> Result<Scenario, String> {
        if let Some((_, text)) = BUILT_IN.iter().find(|(known, _)| *known == name) {
            return Scenario::parse(format!("scenario {name}"), (*text).to_owned());
        }
        let is_file = name.ends_with(".toml") || name.contains('/') || Path::new(name).exists();
        if !is_file {
            let names = || BUILT_IN.iter().map(|(known, _)| *known);
            let list = names().collect::<Vec<_>>().join(", ");
            let hint = nearest(name, names()).map_or(String::new(), |nearest| {
                format!("did you mean `{nearest}`? ")
            });
            return Err(format!(
                "--scenario {name}: no built-in scenario has that name, and there is no such file; {hint}\
                                Built-in are {list}"
            ));
        }
        let text =
            std::fs::read_to_string(name).map_err(|error| format!("--scenario {name}: {error}"))?;
        Scenario::parse(name.to_owned(), text)
    }

    fn parse(origin: String, text: String) -> Result<Scenario, String> {
        let options = toml::from_str(&text)
            .map_err(|error| format!("{origin} is no TOML: {}", error.to_string().trim_end()))?;
        Ok(Scenario {
            origin,
            text,
            options,
        })
    }

    /// Where it comes from, for messages.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The file as it is written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The words of a command line that say the same. What `given` says itself is left out, and what excludes that.
    pub fn words(
        &self,
        command: &Command,
        given: Option<&ArgMatches>,
    ) -> Result<Vec<OsString>, String> {
        let mut words = Vec::new();
        for (key, value) in &self.options {
            let refuse = |reason: String| {
                let line = self.text[..key.span().start].matches('\n').count() + 1;
                format!("{}, line {line}: {reason}", self.origin)
            };
            let option = option_named(command, key.get_ref()).map_err(refuse)?;
            let of_option = option_words(option, value)
                .map_err(|reason| refuse(format!("`{}` {reason}", key.get_ref())))?;
            if given.is_none_or(|given| !is_settled(command, option, given)) {
                words.extend(of_option.into_iter().map(OsString::from));
            }
        }
        Ok(words)
    }
}

/// The first comment line of a scenario: what it is for.
pub fn title(text: &str) -> &str {
    let line = text.lines().next().unwrap_or_default();
    line.trim_start_matches(['#', ' '])
}

fn option_named<'c>(command: &'c Command, key: &str) -> Result<&'c Arg, String> {
    let known = |command: &'c Command| {
        command.get_arguments().filter_map(|option| {
            let name = option
                .get_long()
                .or((option.get_id() == URL).then_some(URL))?;
            (!NOT_IN_FILES.contains(&name)).then_some((name, option))
        })
    };
    if let Some((_, option)) = known(command).find(|(name, _)| *name == key) {
        return Ok(option);
    }
    if KEYS_OF_SWEEPS.contains(&key) {
        return Err(format!(
            "`{key}` is for a sweep: ringwire-load sweep --scenario ..."
        ));
    }
    let hint = nearest(key, known(command).map(|(name, _)| name))
        .map_or(String::new(), |nearest| {
            format!("; did you mean `{nearest}`?")
        });
    Err(format!("there is no option `{key}`{hint}"))
}

/// An option and its value as on the command line, nothing for `false`; several for an option that may be repeated.
fn option_words(option: &Arg, value: &Value) -> Result<Vec<String>, String> {
    let name = option.get_long();
    let with = |value: String| match name {
        Some(name) => format!("--{name}={value}"),
        None => value,
    };
    let takes_value = option.get_action().takes_values();
    let may_stand_alone = option
        .get_num_args()
        .is_some_and(|count| count.min_values() == 0);
    let takes_several = matches!(option.get_action(), ArgAction::Append);
    match (value, name) {
        (Value::Boolean(is_set), Some(name)) if !takes_value || may_stand_alone => {
            Ok(is_set.then(|| format!("--{name}")).into_iter().collect())
        }
        _ if !takes_value => Err(format!("is true or false, not {}", kind(value))),
        (Value::String(text), _) => Ok(vec![with(text.clone())]),
        (Value::Integer(number), _) => Ok(vec![with(number.to_string())]),
        (Value::Float(number), _) => Ok(vec![with(number.to_string())]),
        (Value::Array(values), _) if takes_several => {
            let each = values.iter().map(|value| option_words(option, value));
            Ok(each.collect::<Result<Vec<_>, _>>()?.concat())
        }
        _ => Err(format!(
            "takes a string or a number as on the command line, not {}",
            kind(value)
        )),
    }
}

/// Whether the command line has said it itself, or something that excludes it.
fn is_settled(command: &Command, option: &Arg, given: &ArgMatches) -> bool {
    let is_given = |id: &str| given.value_source(id) == Some(ValueSource::CommandLine);
    let excludes = |one: &Arg, other: &Arg| {
        command.get_arg_conflicts_with(one).contains(&other)
            || command
                .get_groups()
                .filter(|group| !ArgGroup::clone(group).is_multiple())
                .map(|group| group.get_args().collect::<Vec<_>>())
                .any(|group| group.contains(&one.get_id()) && group.contains(&other.get_id()))
    };
    command
        .get_arguments()
        .filter(|other| is_given(other.get_id().as_str()))
        .any(|other| other == option || excludes(option, other) || excludes(other, option))
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Boolean(_) => "true or false",
        Value::Array(_) => "a list",
        Value::Table(_) => "a section: options stand at the top",
        Value::Datetime(_) => "a date",
        Value::String(_) => "a string",
        Value::Integer(_) | Value::Float(_) => "a number",
    }
}

#[cfg(test)]
mod tests;
