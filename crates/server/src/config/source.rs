//! Where the configuration comes from: a file, under the environment, under the flags.
//!
//! All three become TOML tables that are laid over one another and read once, so that a key means
//! the same wherever it is set. A key that does not exist is an error that names its source and
//! the nearest key that does.

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::{CertificateFiles, Config};
use crate::error::Error;

const ENV_PREFIX: &str = "RINGWIRE_";
/// Where `ringwire pub` and `sub` find the server: theirs alone.
const ENV_OF_CLIENTS: &str = "RINGWIRE_URL";

/// Values from the command line: dotted key and value.
pub type Overrides = Vec<(&'static str, Value)>;

/// Everything that a configuration is made of, kept to make it again.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The file, if one was named.
    pub file: Option<PathBuf>,
    /// The environment's variables.
    pub environment: Vec<(String, String)>,
    /// What the command line says.
    pub flags: Overrides,
}

impl Sources {
    /// Reads the file and makes the configuration.
    ///
    /// # Errors
    /// Says which source holds what is wrong, and what to write instead.
    pub fn load(&self) -> Result<Config, Error> {
        let text = match &self.file {
            Some(path) => {
                Some(std::fs::read_to_string(path).map_err(|error| unreadable(path, &error))?)
            }
            None => None,
        };
        self.assemble(text.as_deref())
    }

    /// Makes the configuration from the file's text: environment over file, flags over both.
    ///
    /// # Errors
    /// As `load`.
    pub fn assemble(&self, text: Option<&str>) -> Result<Config, Error> {
        let known = known_keys();
        let mut table = match (&self.file, text) {
            (Some(path), Some(text)) => parse_file(path, text)?,
            _ => Table::new(),
        };
        let ours = |name: &str| name.starts_with(ENV_PREFIX) && name != ENV_OF_CLIENTS;
        for (name, text) in self.environment.iter().filter(|(name, _)| ours(name)) {
            let (section, key) = environment_key(name, &known)?;
            set(&mut table, &section, &key, literal(text));
        }
        for (dotted, value) in &self.flags {
            let (section, key) = dotted.split_once('.').unwrap_or(("", dotted));
            set(&mut table, section, key, value.clone());
        }
        let config: Config = table
            .try_into()
            .map_err(|error: toml::de::Error| Error(error.message().to_owned()))?;
        config.check().map_err(Error)?;
        Ok(config)
    }
}

/// A file that cannot be read.
pub(crate) fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    Error(format!("cannot read {}: {error}", path.display()))
}

/// Reads the file by itself first: an error of type then carries its line.
fn parse_file(path: &Path, text: &str) -> Result<Table, Error> {
    let located = |error: toml::de::Error| {
        let line = error
            .span()
            .map_or(1, |span| 1 + text[..span.start].matches('\n').count());
        Error(format!("{}:{line}: {}", path.display(), error.message()))
    };
    let table: Table = text.parse().map_err(located)?;
    check_keys(&table, &known_keys(), "", &format!("{}", path.display()))?;
    toml::from_str::<Config>(text).map_err(located)?;
    Ok(table)
}

/// The default configuration as a table: every key that exists.
fn known_keys() -> Table {
    let mut known = Table::try_from(Config::default()).expect("the defaults are TOML");
    // One rule shows which keys the entries of `[[topics]]` may have.
    let mut rule = known["topic_default"].clone();
    if let Value::Table(rule) = &mut rule {
        rule.insert("match".into(), Value::String(String::new()));
    }
    known.insert("topics".into(), Value::Array(vec![rule]));
    let files = Value::try_from(CertificateFiles::default()).expect("two paths are TOML");
    set(&mut known, "tls", "certificates", Value::Array(vec![files]));
    known
}

fn check_keys(table: &Table, known: &Table, path: &str, source: &str) -> Result<(), Error> {
    for (key, value) in table {
        let here = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        let Some(expected) = known.get(key) else {
            return Err(unknown(&here, key, known, source));
        };
        match (value, expected) {
            (Value::Table(inner), Value::Table(known)) => check_keys(inner, known, &here, source)?,
            (Value::Array(entries), Value::Array(known)) => {
                for (entry, known) in entries.iter().zip(known.iter().cycle()) {
                    if let (Value::Table(entry), Value::Table(known)) = (entry, known) {
                        check_keys(entry, known, &here, source)?;
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn unknown(path: &str, key: &str, known: &Table, source: &str) -> Error {
    let nearest = known
        .keys()
        .min_by_key(|candidate| strsim::damerau_levenshtein(candidate, key));
    let hint = nearest.map_or(String::new(), |nearest| {
        format!("; did you mean `{nearest}`?")
    });
    Error(format!(
        "{source}: there is no key `{path}`{hint} (`ringwire --print-config` shows all)"
    ))
}

/// `RINGWIRE_WEBSOCKET_PING_INTERVAL` is `websocket.ping_interval`: the section's name may hold an
/// underscore itself, so each section is tried.
fn environment_key(name: &str, known: &Table) -> Result<(String, String), Error> {
    let lower = name[ENV_PREFIX.len()..].to_ascii_lowercase();
    for (section, keys) in known {
        let Some(key) = lower
            .strip_prefix(section.as_str())
            .and_then(|rest| rest.strip_prefix('_'))
        else {
            continue;
        };
        let Value::Table(keys) = keys else { continue };
        if keys.contains_key(key) {
            return Ok((section.clone(), key.to_owned()));
        }
        return Err(unknown(&format!("{section}.{key}"), key, keys, name));
    }
    let sections: Vec<_> = known
        .keys()
        .map(|section| section.to_ascii_uppercase())
        .collect();
    Err(Error(format!(
        "{name}: no section of the configuration fits; names are {ENV_PREFIX}<SECTION>_<KEY> with \
         a section out of {}",
        sections.join(", ")
    )))
}

/// A value of the environment: TOML where it is TOML (`4`, `true`, `["a"]`), else a string.
fn literal(text: &str) -> Value {
    format!("value = {text}")
        .parse::<Table>()
        .ok()
        .filter(|table| table.len() == 1)
        .and_then(|mut table| table.remove("value"))
        .unwrap_or_else(|| Value::String(text.to_owned()))
}

fn set(table: &mut Table, section: &str, key: &str, value: Value) {
    if section.is_empty() {
        table.insert(key.to_owned(), value);
        return;
    }
    let section = table
        .entry(section.to_owned())
        .or_insert_with(|| Value::Table(Table::new()));
    if let Value::Table(section) = section {
        section.insert(key.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(environment: &[(&str, &str)], flags: Overrides) -> Result<Config, Error> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let environment = environment.iter().map(owned).collect();
        Sources {
            file: None,
            environment,
            flags,
        }
        .load()
    }

    fn parse(text: &str) -> Result<Table, Error> {
        parse_file(Path::new("x.toml"), text)
    }

    #[test]
    fn flags_go_before_the_environment() {
        let env = [
            ("RINGWIRE_SERVER_CORES", "3"),
            ("RINGWIRE_WEBSOCKET_PING_INTERVAL", "7s"),
        ];
        let config = from(&env, vec![("server.cores", Value::Integer(2))]).unwrap();
        assert_eq!(config.server.cores, 2);
        assert_eq!(config.websocket.ping_interval.ms(), 7000);
    }

    #[test]
    fn an_unknown_key_names_the_nearest_and_its_source() {
        let error = parse("[server]\nlisten = \"127.0.0.1:1\"\ncore = 2\n")
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("x.toml") && error.contains("did you mean `cores`?"),
            "{error}"
        );
        let error = parse("[[topics]]\nmatch = \"a\"\nmessage_max = 1\n")
            .unwrap_err()
            .to_string();
        assert!(error.contains("did you mean `messages_max`?"), "{error}");
        let error = from(&[("RINGWIRE_SERVER_LISTN", "x")], vec![])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("RINGWIRE_SERVER_LISTN") && error.contains("`listen`"),
            "{error}"
        );
    }

    #[test]
    fn a_wrong_value_carries_its_line() {
        let error = parse("[websocket]\n\nping_interval = \"10\"\n")
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("x.toml:3: ") && error.contains("10s"),
            "{error}"
        );
        let error = parse("[server\n").unwrap_err().to_string();
        assert!(error.starts_with("x.toml:1: "), "{error}");
    }

    #[test]
    fn a_rule_for_topics_keeps_the_defaults_it_does_not_name() {
        let table = parse("[[topics]]\nmatch = \"chat/**\"\non_lag = \"skip\"\n").unwrap();
        let config: Config = table.try_into().unwrap();
        assert_eq!(config.topics[0].pattern, "chat/**");
        assert_eq!(config.topics[0].limits.on_lag, super::super::Lag::Skip);
        assert_eq!(config.topics[0].limits.messages_max, 100);
    }
}
