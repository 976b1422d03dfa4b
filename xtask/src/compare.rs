//! What the broker costs beside others that do the same job, in one run: `cargo xtask floor [rounds]
//! [row]` beside programs that do nothing but send, `cargo xtask peers [rounds] [row]` beside other
//! servers too.
//!
//! Each row is one load. In each round every arm takes it one after another, so that whatever else
//! the machine does hits all of them; a row's figure is the median of its rounds, and the ratio to
//! the cheaper floor is what can be compared between machines. The server runs on CPU 0, the load
//! generator on CPU 1, where the system has them to give.

use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A load: name, subscribers, publishers, topics, messages outstanding, payload bytes.
type Row = (&'static str, u32, u32, u32, u32, u32);

const ROWS: [Row; 12] = [
    ("1 -> 1, 64 B, W=1", 1, 1, 1, 1, 64),
    ("1 -> 100, 64 B, W=1", 100, 1, 1, 1, 64),
    ("1 -> 1000, 64 B, W=1", 1000, 1, 1, 1, 64),
    ("1 -> 1, 64 B, W=64", 1, 1, 1, 64, 64),
    ("1 -> 100, 64 B, W=64", 100, 1, 1, 64, 64),
    ("1 -> 1000, 64 B, W=64", 1000, 1, 1, 64, 64),
    ("1 -> 100, 512 B, W=64", 100, 1, 1, 64, 512),
    ("1 -> 1, 16 KiB, W=1", 1, 1, 1, 1, 16_384),
    ("1 -> 100, 16 KiB, W=1", 100, 1, 1, 1, 16_384),
    ("1 -> 100, 16 KiB, W=8", 100, 1, 1, 8, 16_384),
    ("1000 topics x 1, W=1", 1000, 10, 1000, 1, 64),
    ("1000 topics x 1, W=16", 1000, 10, 1000, 16, 64),
];

/// A server that takes the load: its name, and how it is started.
struct Arm {
    name: &'static str,
    start: fn(&Places, SocketAddr) -> Command,
}

const RINGWIRE: Arm = Arm {
    name: "ringwire",
    start: |places, address| {
        let mut command = pinned(&places.programs.join("ringwire"));
        command.args(["--cores", "1", "--listen", &address.to_string()]);
        command
    },
};

/// The floors stand last: a row's ratios are to the cheaper of them.
const FLOORS: [Arm; 2] = [
    Arm {
        name: "floor: send()",
        start: |places, address| {
            let mut command = pinned(&places.programs.join("ringwire-floor"));
            command.args(["send", &address.to_string()]);
            command
        },
    },
    Arm {
        name: "floor: io_uring",
        start: |places, address| {
            let mut command = pinned(&places.programs.join("ringwire-floor"));
            command.args(["uring", &address.to_string()]);
            command
        },
    },
];

/// Bun's own WebSocket server, which has uWebSockets inside.
const BUN: Arm = Arm {
    name: "Bun",
    start: |places, address| {
        let mut command = pinned(&places.bun.join("node_modules/.bin/bun"));
        command.current_dir(&places.bun);
        command.args([
            "server.js",
            &address.ip().to_string(),
            &address.port().to_string(),
        ]);
        command
    },
};

/// Where programs lie.
struct Places {
    programs: PathBuf,
    bun: PathBuf,
}

/// One arm's figures in one round.
#[derive(Clone, Copy, Default)]
struct Figures {
    cpu_ns_per_delivery: f64,
    deliveries_per_second: f64,
    server_cpu_share: f64,
}

/// `cargo xtask floor`
pub(crate) fn floor(root: &Path, arguments: &[String]) -> Result<(), String> {
    let [send, uring] = FLOORS;
    compare(&build(root)?, &[RINGWIRE, send, uring], arguments)
}

/// `cargo xtask peers`
pub(crate) fn peers(root: &Path, arguments: &[String]) -> Result<(), String> {
    let places = build(root)?;
    let installed = Command::new("npm")
        .args(["ci", "--no-audit", "--no-fund", "--silent"])
        .current_dir(&places.bun)
        .status()
        .map_err(|error| format!("cannot run npm: {error}"))?;
    if !installed.success() {
        return Err("npm cannot install Bun".into());
    }
    let [send, uring] = FLOORS;
    compare(&places, &[RINGWIRE, BUN, send, uring], arguments)
}

fn compare(places: &Places, arms: &[Arm], arguments: &[String]) -> Result<(), String> {
    let rounds = match arguments.first() {
        Some(text) => text
            .parse()
            .map_err(|_| format!("`{text}` is no number of rounds"))?,
        None => 3,
    };
    let wanted = arguments.get(1).map_or("", String::as_str);
    println!(
        "CPU time of the server per delivery, in ns (ratio to the cheaper floor); deliveries per \
         second, in thousands (server's share of its CPU)\n"
    );
    let names: Vec<&str> = arms.iter().map(|arm| arm.name).collect();
    println!("| load | {} |", names.join(" | "));
    println!("|{}", " --- |".repeat(arms.len() + 1));
    for row in ROWS.iter().filter(|row| row.0.contains(wanted)) {
        let mut taken = vec![Vec::new(); arms.len()];
        for _ in 0..rounds {
            for (index, (arm, figures)) in arms.iter().zip(&mut taken).enumerate() {
                let address = SocketAddr::from(([127, 0, 0, 1], 7470 + index as u16));
                figures.push(measure(places, arm, address, row)?);
            }
        }
        let medians: Vec<Figures> = taken.iter().map(|figures| median(figures)).collect();
        print_row(row.0, &medians);
    }
    Ok(())
}

fn print_row(name: &str, arms: &[Figures]) {
    let floors = &arms[arms.len() - FLOORS.len()..];
    let cheaper = floors
        .iter()
        .map(|floor| floor.cpu_ns_per_delivery)
        .fold(f64::INFINITY, f64::min);
    print!("| {name}");
    for figures in arms {
        print!(
            " | {:.0} ({:.2}); {:.0}k ({:.0} %)",
            figures.cpu_ns_per_delivery,
            figures.cpu_ns_per_delivery / cheaper,
            figures.deliveries_per_second / 1000.0,
            figures.server_cpu_share * 100.0
        );
    }
    println!(" |");
}

fn build(root: &Path) -> Result<Places, String> {
    let packages = [
        "-p",
        "ringwire",
        "-p",
        "ringwire-load",
        "-p",
        "ringwire-floor",
    ];
    let built = Command::new("cargo")
        .args(["build", "--release", "--quiet"])
        .args(packages)
        .current_dir(root)
        .status()
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    if !built.success() {
        return Err("the build failed".into());
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), PathBuf::from);
    Ok(Places {
        programs: target.join("release"),
        bun: root.join("benches/peers/bun"),
    })
}

/// A server that ends with this value.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself, which the measurement has said already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn measure(places: &Places, arm: &Arm, address: SocketAddr, row: &Row) -> Result<Figures, String> {
    let name = arm.name;
    let server = (arm.start)(places, address)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("cannot start {name}: {error}"))?;
    let server = Server(server);
    wait_for(address, name)?;
    let (_, subscribers, publishers, topics, outstanding, payload) = row;
    let output = Command::new(places.programs.join("ringwire-load"))
        .arg(format!("ws://{address}"))
        .args([
            "--subscribers",
            &subscribers.to_string(),
            "--publishers",
            &publishers.to_string(),
        ])
        .args([
            "--topics",
            &topics.to_string(),
            "--outstanding",
            &outstanding.to_string(),
        ])
        .args([
            "--payload",
            &payload.to_string(),
            "--pin",
            "1",
            "--warm-up",
            "500ms",
            "--duration",
            "2s",
        ])
        .args(["--server-pid", &server.0.id().to_string(), "--json"])
        .stderr(Stdio::null())
        .output()
        .map_err(|error| format!("cannot start ringwire-load: {error}"))?;
    let report = String::from_utf8_lossy(&output.stdout);
    let number = |section, key| {
        number_in(&report, section, key)
            .ok_or_else(|| format!("{name}, {}: no {key} in the report", row.0))
    };
    // 1: the server lost or mixed up messages, and its speed is worth nothing.
    if output.status.code() == Some(1) {
        return Err(format!(
            "{name}, {}: messages did not arrive once and in order",
            row.0
        ));
    }
    Ok(Figures {
        cpu_ns_per_delivery: number("\"server\"", "\"cpu_ns_per_delivery\"")?,
        deliveries_per_second: number("\"throughput\"", "\"deliveries_per_second\"")?,
        server_cpu_share: number("\"server\"", "\"cpu_share\"")?,
    })
}

/// The program on the servers' CPU and, where the system allows, before everything else that
/// wants it.
fn pinned(program: &Path) -> Command {
    let real_time = Command::new("chrt")
        .args(["-f", "10", "true"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    let mut command = Command::new("taskset");
    command.args(["-c", "0"]);
    if real_time {
        command.args(["chrt", "-f", "10"]);
    }
    command.arg(program);
    command
}

fn wait_for(address: SocketAddr, name: &str) -> Result<(), String> {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(5) {
        if TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_ok() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Err(format!("{name} does not listen on {address}"))
}

/// The number behind `key` in the section of that name of the load generator's report.
fn number_in(report: &str, section: &str, key: &str) -> Option<f64> {
    let section = &report[report.find(section)?..];
    let value = section[section.find(key)? + key.len()..].trim_start_matches([':', ' ']);
    let end = value.find([',', '\n', '}'])?;
    value[..end].trim().parse().ok()
}

fn median(figures: &[Figures]) -> Figures {
    let of = |field: fn(&Figures) -> f64| {
        let mut values: Vec<f64> = figures.iter().map(field).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
    };
    Figures {
        cpu_ns_per_delivery: of(|figures| figures.cpu_ns_per_delivery),
        deliveries_per_second: of(|figures| figures.deliveries_per_second),
        server_cpu_share: of(|figures| figures.server_cpu_share),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_read_from_its_own_section() {
        let report = "{\n \"generator\": {\"cpu_share\": 0.5},\n \"server\": {\n \"cpu_ns_per_delivery\": 51.5,\n \"cpu_share\": 0.9\n }\n}";
        assert_eq!(number_in(report, "\"server\"", "\"cpu_share\""), Some(0.9));
        assert_eq!(
            number_in(report, "\"server\"", "\"cpu_ns_per_delivery\""),
            Some(51.5)
        );
        assert_eq!(number_in(report, "\"peer\"", "\"cpu_share\""), None);
    }

    #[test]
    fn the_median_is_the_middle_of_each_figure_by_itself() {
        let figure = |cpu_ns_per_delivery, deliveries_per_second| Figures {
            cpu_ns_per_delivery,
            deliveries_per_second,
            server_cpu_share: 1.0,
        };
        let middle = median(&[figure(3.0, 10.0), figure(1.0, 30.0), figure(2.0, 20.0)]);
        assert_eq!(
            (middle.cpu_ns_per_delivery, middle.deliveries_per_second),
            (2.0, 20.0)
        );
    }
}
