//! What is kept of what clients said, for those who compress with context takeover.

use protocol::ws::Deflater;
use ringwire::config::{Config, Size};

use crate::ALLOCATOR;
use crate::formula::{CONNECTION_BYTES, CONTEXT_BYTES_MAX};
use crate::stage::{Row, Stage, frame, upgrade};

const WINDOW_BYTES: usize = 1 << 12;
/// For all clients together, as `configure` says it.
const TOGETHER_BYTES_MAX: usize = 4 << 20;

fn configure(config: &mut Config) {
    config.compression.enabled = true;
    config.compression.context_window_bits = 12;
    config.compression.contexts_bytes_max = Size::from_kib(TOGETHER_BYTES_MAX as u64 / 1024);
    // What is published is kept by nobody.
    config.topic_default.messages_max = 0;
}

/// Compressed messages, together longer than the largest window.
fn messages() -> Vec<Vec<u8>> {
    let mut deflater = Deflater::new(6, 12);
    let message = |number: usize| {
        let plain: String = (0..500).map(|word| format!("{number}/{word} ")).collect();
        frame(0xc1, deflater.deflate(plain.as_bytes()).expect("smaller"))
    };
    (0..20).map(message).collect()
}

fn row(name: &'static str, extension: &str, window_bytes: usize) -> Row {
    Row {
        config: configure,
        opening: upgrade("/t/a?mode=pub", extension),
        ..Row::new(
            name,
            messages(),
            CONNECTION_BYTES + window_bytes,
            window_bytes,
        )
    }
}

pub(crate) fn rows() -> Vec<Row> {
    let told = "permessage-deflate; client_max_window_bits";
    let untold = "permessage-deflate";
    vec![
        row(
            "a context, of a client that is told its window",
            told,
            WINDOW_BYTES,
        ),
        row(
            "a context, of one that cannot be",
            untold,
            CONTEXT_BYTES_MAX,
        ),
    ]
}

/// Twice as many clients as there is room for come: the later ones have no context.
pub(crate) fn keep_to_what_all_may_hold() {
    let row = &rows()[0];
    let mut stage = Stage::new(row);
    let first = stage.open(row);
    let before = ALLOCATOR.allocated();
    let clients = 2 * TOGETHER_BYTES_MAX / WINDOW_BYTES;
    let attackers: Vec<_> = (0..clients).map(|_| stage.open(row)).collect();
    let held = ALLOCATOR.allocated() - before;
    println!("{held:>9} B  the contexts of {clients} clients");
    assert_eq!(stage.hub.inflater.context_bytes(), TOGETHER_BYTES_MAX);
    assert!(
        held <= clients * CONNECTION_BYTES + TOGETHER_BYTES_MAX,
        "{held}"
    );
    drop((first, attackers));
    assert_eq!(stage.hub.inflater.context_bytes(), 0);
}
