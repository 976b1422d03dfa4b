//! What a hostile client can make its connection hold, counted by the allocator, against the formula
//! of docs/memory.md: each row drives connections into the worst that one of the attacks of the
//! catalogue can do, and leaves them there.
//!
//! Connections alone, without socket: what an idle one costs with everything below it is
//! `idle_memory`'s.

#![forbid(unsafe_code)]

mod answers;
#[path = "../certified/mod.rs"]
mod certified;
mod contexts;
mod encrypted;
mod formula;
mod partial;
mod stage;

use std::alloc::System;

use cap::Cap;
use ringwire::config::Config;

use formula::Formula;
use stage::{Row, Stage};

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

/// One test, for what runs beside it would be counted.
#[test]
fn no_attack_makes_a_connection_hold_more_than_the_formula() {
    let formula = Formula(Config::default());
    let rows = [
        partial::requests(&formula),
        partial::frames(&formula),
        answers::rows(&formula),
        contexts::rows(),
        encrypted::rows(&formula),
    ];
    for row in rows.into_iter().flatten() {
        let held = measure(&row);
        println!("{:>9} of {:>9} B  {}", held, row.held_max, row.name);
        assert!(held <= row.held_max, "{}: {held} B", row.name);
        assert!(held >= row.held_least, "{}: only {held} B", row.name);
    }
    contexts::keep_to_what_all_may_hold();
    the_page_shows(&formula);
}

/// What each of the row's connections holds.
fn measure(row: &Row) -> usize {
    let mut stage = Stage::new(row);
    // The first pays for what all of a core share.
    let shared = stage.open(row);
    let before = ALLOCATOR.allocated();
    let attackers: Vec<_> = (0..row.connections).map(|_| stage.open(row)).collect();
    let held = (ALLOCATOR.allocated() - before) / attackers.len();
    drop((shared, attackers));
    held
}

/// What docs/memory.md says of the defaults.
fn the_page_shows(formula: &Formula) {
    let page = include_str!("../../../../docs/memory.md");
    let kib = |bytes: usize| match bytes.div_ceil(1024) {
        kib @ ..10_000 => format!("{kib} KiB"),
        kib => format!("{:.1} MiB", kib as f64 / 1024.0),
    };
    for (name, bytes) in [
        ("HTTP", formula.http()),
        ("WebSocket", formula.websocket()),
        ("held", formula.held()),
        ("answers", formula.answers()),
        ("context", formula::CONTEXT_BYTES_MAX),
        ("TLS, idle", formula.tls_idle()),
        ("TLS", formula.tls()),
    ] {
        let cell = format!("| {name} | {} |", kib(bytes));
        assert!(page.contains(&cell), "{cell}");
    }
}
