//! Values under small stable numbers: how topics, feeds and patterns refer to each other without names.
//!
//! A number is used again after its value is gone, so whoever keeps one across other calls must be told of the removal.

use std::ops::{Index, IndexMut};

/// No value has this number.
pub(crate) const NONE: u32 = u32::MAX;

#[derive(Debug)]
enum Slot<T> {
    Used(T),
    Free { next: u32 },
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    slots: Vec<Slot<T>>,
    free: u32,
    len: usize,
}

impl<T> Slab<T> {
    pub(crate) const fn new() -> Self {
        Self {
            slots: Vec::new(),
            free: NONE,
            len: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Numbers in use are below this.
    pub(crate) fn bound(&self) -> u32 {
        self.slots.len() as u32
    }

    pub(crate) fn insert(&mut self, value: T) -> u32 {
        self.len += 1;
        let id = self.free;
        match self.slots.get_mut(id as usize) {
            Some(slot) => {
                let Slot::Free { next } = *slot else {
                    unreachable!("the free list holds free slots")
                };
                self.free = next;
                *slot = Slot::Used(value);
                id
            }
            None => {
                let id = self.slots.len();
                assert!(id < NONE as usize);
                self.slots.push(Slot::Used(value));
                id as u32
            }
        }
    }

    pub(crate) fn remove(&mut self, id: u32) -> Option<T> {
        let slot = self.slots.get_mut(id as usize)?;
        if matches!(slot, Slot::Free { .. }) {
            return None;
        }
        let Slot::Used(value) = std::mem::replace(slot, Slot::Free { next: self.free }) else {
            unreachable!("looked at above")
        };
        self.free = id;
        self.len -= 1;
        Some(value)
    }

    pub(crate) fn get(&self, id: u32) -> Option<&T> {
        match self.slots.get(id as usize)? {
            Slot::Used(value) => Some(value),
            Slot::Free { .. } => None,
        }
    }

    pub(crate) fn get_mut(&mut self, id: u32) -> Option<&mut T> {
        match self.slots.get_mut(id as usize)? {
            Slot::Used(value) => Some(value),
            Slot::Free { .. } => None,
        }
    }
}

impl<T> Index<u32> for Slab<T> {
    type Output = T;

    fn index(&self, id: u32) -> &T {
        self.get(id)
            .expect("numbers of removed values are not kept")
    }
}

impl<T> IndexMut<u32> for Slab<T> {
    fn index_mut(&mut self, id: u32) -> &mut T {
        self.get_mut(id)
            .expect("numbers of removed values are not kept")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_used_again() {
        let mut slab = Slab::new();
        let ids: Vec<_> = (0..4).map(|value| slab.insert(value)).collect();
        assert_eq!(slab.remove(ids[1]), Some(1));
        assert_eq!(slab.remove(ids[1]), None);
        assert_eq!(slab.remove(ids[3]), Some(3));
        assert_eq!((slab.insert(9), slab.insert(8)), (ids[3], ids[1]));
        assert_eq!(
            (slab.len(), slab.bound(), slab[ids[0]], slab.get(7)),
            (4, 4, 0, None)
        );
    }
}
