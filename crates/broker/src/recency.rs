//! Who was used least recently: one doubly linked list for each of two groups, over the numbers of a slab.
//!
//! Every operation is O(1). A number is in at most one group.

use crate::slab::NONE;

/// Topics that some core listens to by name are given up last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    Unwanted = 0,
    Wanted = 1,
}

#[derive(Clone, Copy, Debug)]
struct Link {
    older: u32,
    newer: u32,
}

#[derive(Clone, Copy, Debug)]
struct Ends {
    oldest: u32,
    newest: u32,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Recency {
    links: Vec<Link>,
    ends: [Ends; 2],
}

impl Recency {
    pub(crate) const fn new() -> Self {
        Self {
            links: Vec::new(),
            ends: [Ends {
                oldest: NONE,
                newest: NONE,
            }; 2],
        }
    }

    pub(crate) fn oldest(&self, group: Group) -> Option<u32> {
        let id = self.ends[group as usize].oldest;
        (id != NONE).then_some(id)
    }

    pub(crate) fn newest(&self, group: Group) -> Option<u32> {
        let id = self.ends[group as usize].newest;
        (id != NONE).then_some(id)
    }

    /// The next older one of the same group.
    pub(crate) fn older(&self, id: u32) -> Option<u32> {
        let older = self.links[id as usize].older;
        (older != NONE).then_some(older)
    }

    /// Adds one that is in no group.
    pub(crate) fn insert(&mut self, group: Group, id: u32) {
        let ends = &mut self.ends[group as usize];
        let link = Link {
            older: ends.newest,
            newer: NONE,
        };
        if self.links.len() <= id as usize {
            self.links.resize(id as usize + 1, link);
        }
        self.links[id as usize] = link;
        match ends.newest {
            NONE => ends.oldest = id,
            older => self.links[older as usize].newer = id,
        }
        ends.newest = id;
    }

    pub(crate) fn remove(&mut self, group: Group, id: u32) {
        let Link { older, newer } = self.links[id as usize];
        let ends = &mut self.ends[group as usize];
        match older {
            NONE => ends.oldest = newer,
            older => self.links[older as usize].newer = newer,
        }
        match newer {
            NONE => ends.newest = older,
            newer => self.links[newer as usize].older = older,
        }
    }

    pub(crate) fn touch(&mut self, group: Group, id: u32) {
        if self.ends[group as usize].newest != id {
            self.remove(group, id);
            self.insert(group, id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_the_order_of_a_plain_list(commands in prop::collection::vec((0..3u8, 0..2u8, 0..6u32), 0..60)) {
            let mut recency = Recency::new();
            let mut plain: [Vec<u32>; 2] = Default::default();
            for (verb, group, id) in commands {
                let groups = [Group::Unwanted, Group::Wanted];
                let home = plain.iter().position(|list| list.contains(&id));
                match (verb, home) {
                    (0, None) => {
                        recency.insert(groups[group as usize], id);
                        plain[group as usize].push(id);
                    }
                    (1, Some(home)) => {
                        recency.remove(groups[home], id);
                        plain[home].retain(|&other| other != id);
                    }
                    (2, Some(home)) => {
                        recency.touch(groups[home], id);
                        plain[home].retain(|&other| other != id);
                        plain[home].push(id);
                    }
                    _ => {}
                }
                for group in groups {
                    let newest = std::iter::successors(recency.newest(group), |&id| recency.older(id));
                    let expected: Vec<_> = plain[group as usize].iter().rev().copied().collect();
                    prop_assert_eq!(newest.collect::<Vec<_>>(), expected);
                    prop_assert_eq!(recency.oldest(group), plain[group as usize].first().copied());
                }
            }
        }
    }
}
