//! Interest: which cores want which wire formats, as a home core counts it, and how a core remembers what it asked for.

use smallvec::SmallVec;

use crate::publication::{Format, Formats};

/// On a home core, for a topic or a pattern: a set of formats for each core.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interest {
    by_core: SmallVec<[Formats; 16]>,
}

impl Interest {
    pub(crate) fn of(&self, core: usize) -> Formats {
        self.by_core.get(core).copied().unwrap_or_default()
    }

    /// Whether that was news.
    pub(crate) fn add(&mut self, core: usize, formats: Formats) -> bool {
        if self.by_core.len() <= core {
            self.by_core.resize(core + 1, Formats::NONE);
        }
        let before = self.by_core[core];
        self.by_core[core] = before.union(formats);
        self.by_core[core] != before
    }

    pub(crate) fn remove(&mut self, core: usize, formats: Formats) {
        if let Some(own) = self.by_core.get_mut(core) {
            *own = own.without(formats);
        }
    }

    pub(crate) fn add_all(&mut self, other: &Self) {
        for (core, &formats) in other.by_core.iter().enumerate() {
            self.add(core, formats);
        }
    }

    pub(crate) fn clear(&mut self) {
        self.by_core.clear();
    }

    pub(crate) fn union(&self) -> Formats {
        self.by_core
            .iter()
            .fold(Formats::NONE, |all, &formats| all.union(formats))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.union().is_empty()
    }
}

/// On a subscriber's core, for a topic or a pattern in one format: what the home cores were asked for.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    pub(crate) format: Format,
    /// Subscriptions that stand on it.
    pub(crate) members: u32,
    /// Answers that are still to come. As long as there are any, the interest must not be ended: the end would overtake.
    pub(crate) awaited: u32,
    /// Whether the home cores count this core's interest, so that the next subscriber need not ask.
    pub(crate) stands: bool,
    /// Sweeps since it was last needed.
    pub(crate) idle: u8,
}

/// The watches of one topic or pattern; almost always one format.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watches(SmallVec<[Watch; 1]>);

impl Watches {
    /// The watch in this format, which begins if there was none.
    pub(crate) fn of(&mut self, format: Format) -> &mut Watch {
        let found = self.0.iter().position(|watch| watch.format == format);
        let index = found.unwrap_or_else(|| {
            self.0.push(Watch {
                format,
                members: 0,
                awaited: 0,
                stands: false,
                idle: 0,
            });
            self.0.len() - 1
        });
        let watch = &mut self.0[index];
        watch.idle = 0;
        watch
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes out the watches that nobody has needed for `idle_max` calls; returns their formats.
    pub(crate) fn end_idle(&mut self, idle_max: u8) -> Formats {
        let mut ended = Formats::NONE;
        self.0.retain(|watch| {
            if watch.members > 0 || watch.awaited > 0 {
                return true;
            }
            watch.idle += 1;
            let ends = watch.idle >= idle_max;
            if ends {
                ended = ended.with(watch.format);
            }
            !ends
        });
        ended
    }
}
