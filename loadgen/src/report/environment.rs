//! The machine that a run was made on, as far as figures depend on it. No name of host or user: reports are shown to others.

use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// When, and on what machine. What the kernel does not tell is absent.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema, Serialize)]
#[serde(default)]
pub struct Environment {
    started_unix_ms: u64,
    kernel: Option<String>,
    architecture: String,
    cpu: Option<String>,
    /// CPUs of the machine, whether the generator may use them or not.
    cpus: Option<u64>,
    memory_bytes: Option<u64>,
    /// The hard limit of file descriptors.
    open_files_max: Option<u64>,
    /// Processes that wanted a CPU in the minute before: more than 0.5 says that the machine was not idle.
    load_average_1m: Option<f64>,
}

impl Environment {
    /// Looks now: call it before the load begins.
    pub fn look() -> Environment {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
        let cpus = read("/proc/cpuinfo");
        Environment {
            started_unix_ms: since_epoch.map_or(0, |since| since.as_millis() as u64),
            kernel: first_word::<String>(&read("/proc/sys/kernel/osrelease"))
                .map(|release| format!("Linux {release}")),
            architecture: std::env::consts::ARCH.to_owned(),
            cpu: field(&cpus, "model name").map(str::to_owned),
            cpus: Some(
                cpus.lines()
                    .filter(|line| line.starts_with("processor"))
                    .count() as u64,
            )
            .filter(|&count| count > 0),
            memory_bytes: field(&read("/proc/meminfo"), "MemTotal")
                .and_then(first_word::<u64>)
                .map(|kibibytes| kibibytes * 1024),
            open_files_max: open_files_max(&read("/proc/self/limits")),
            load_average_1m: first_word(&read("/proc/loadavg")),
        }
    }

    /// When the run began, in words.
    pub(super) fn started(&self) -> String {
        date(self.started_unix_ms)
    }
}

/// A time as `2026-11-22 21:10:00 UTC`.
pub(super) fn date(unix_ms: u64) -> String {
    let rfc3339 = humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_millis(unix_ms));
    rfc3339.to_string().replace('T', " ").replace('Z', " UTC")
}

/// What stands behind `name` and a colon, in the first line that begins with it.
fn field<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(label, _)| label.trim() == name)
        .map(|(_, value)| value.trim())
}

fn first_word<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.split_whitespace().next()?.parse().ok()
}

/// The columns are soft limit, hard limit, unit.
fn open_files_max(limits: &str) -> Option<u64> {
    let columns = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    columns.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
impl Environment {
    pub(super) fn rename_cpu(&mut self, name: &str) {
        self.cpu = Some(name.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_writes_is_understood() {
        let cpus = "processor\t: 0\nmodel name\t: A CPU @ 2.0GHz\nprocessor\t: 1\n";
        assert_eq!(field(cpus, "model name"), Some("A CPU @ 2.0GHz"));
        assert_eq!(
            field("MemTotal:  16 kB\n", "MemTotal").and_then(first_word),
            Some(16_u64)
        );
        assert_eq!(field(cpus, "model"), None);
        let limits =
            "Limit   Soft Limit  Hard Limit  Units\nMax open files   1024   524288   files\n";
        assert_eq!(open_files_max(limits), Some(524_288));
    }

    #[test]
    fn this_machine_is_described_and_not_named() {
        let here = Environment::look();
        assert!(here.cpus.is_some_and(|cpus| cpus > 0), "{here:?}");
        assert!(
            here.memory_bytes.is_some_and(|bytes| bytes > 1 << 20),
            "{here:?}"
        );
        assert!(
            here.kernel
                .as_deref()
                .is_some_and(|kernel| kernel.starts_with("Linux ")),
            "{here:?}"
        );
        let host = fs::read_to_string("/proc/sys/kernel/hostname").expect("Linux");
        assert!(!format!("{here:?}").contains(&format!("\"{}\"", host.trim())));
    }
}
