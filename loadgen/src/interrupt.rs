//! Ctrl-C and SIGTERM: the first ends what is being measured and reports what there is, the second ends the process.

use std::sync::{Arc, Mutex, PoisonError};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::engine::Brake;
use crate::failure::Failure;

/// What a shell shows for a process that SIGINT ended.
const INTERRUPTED_TWICE: i32 = 130;

/// Whether a signal has come, and the run that it ends.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    has_come: bool,
    brake: Option<Brake>,
}

impl Interrupt {
    /// Watches the signals from now on, in a thread of its own.
    pub fn watch() -> Result<Interrupt, Failure> {
        let unwatched = |error| Failure::Environment(format!("signals cannot be watched: {error}"));
        let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(unwatched)?;
        let interrupt = Interrupt::default();
        let watcher = interrupt.clone();
        let watch = move || {
            let mut signals = signals.forever();
            if signals.next().is_some() {
                watcher.come();
            }
            if signals.next().is_some() {
                // Behind the live view, if it is there.
                eprintln!();
                std::process::exit(INTERRUPTED_TWICE);
            }
        };
        std::thread::Builder::new()
            .name("signals".to_owned())
            .spawn(watch)
            .map_err(unwatched)?;
        Ok(interrupt)
    }

    /// The run that a signal ends from now on, at once if one has come already.
    pub fn ends(&self, brake: Brake) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.has_come {
            brake.pull("interrupted");
        }
        state.brake = Some(brake);
    }

    /// Whether a signal has come.
    pub fn has_come(&self) -> bool {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .has_come
    }

    fn come(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.has_come = true;
        if let Some(brake) = &state.brake {
            brake.pull("interrupted");
        }
    }
}
