//! [`Pages`]: a table under dense numbers that grows by pages and never moves what it holds.
//!
//! A vector that doubles wastes up to half of its memory, and copies all of it whenever it grows: at a hundred
//! thousand connections a pause for everybody. Here growing is one allocation of a page, and what is wasted is less
//! than that. An access costs one load more, from a list of pages that is short enough to stay in the cache.
//!
//! It does not shrink, and knows nothing of free places: whoever gives the numbers does.

#![forbid(unsafe_code)]

use std::ops::{Index, IndexMut};

/// Entries of one page.
pub const PAGE_ENTRIES: usize = 128;

/// A table of entries under the numbers from 0.
#[derive(Clone, Debug)]
pub struct Pages<T> {
    pages: Vec<Box<[T; PAGE_ENTRIES]>>,
}

impl<T> Pages<T> {
    /// An empty table.
    #[must_use]
    pub const fn new() -> Self {
        Self { pages: Vec::new() }
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pages.len() * PAGE_ENTRIES
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pages.is_empty()
    }

    /// Makes sure that there is an entry `index`, with all before it and the rest of its page, which `new` makes.
    pub fn reach(&mut self, index: usize, mut new: impl FnMut() -> T) {
        while self.len() <= index {
            let page: Vec<T> = (0..PAGE_ENTRIES).map(|_| new()).collect();
            match page.into_boxed_slice().try_into() {
                Ok(page) => self.pages.push(page),
                Err(_) => unreachable!("made with as many entries as a page has"),
            }
        }
    }

    /// The entry `index`, if there is one.
    #[inline]
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&T> {
        let page = self.pages.get(index / PAGE_ENTRIES)?;
        Some(&page[index % PAGE_ENTRIES])
    }

    /// The entry `index`, to be changed.
    #[inline]
    #[must_use]
    pub fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        let page = self.pages.get_mut(index / PAGE_ENTRIES)?;
        Some(&mut page[index % PAGE_ENTRIES])
    }

    /// All entries by their numbers.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.pages.iter().flat_map(|page| page.iter())
    }
}

impl<T> Default for Pages<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Index<usize> for Pages<T> {
    type Output = T;

    #[inline]
    fn index(&self, index: usize) -> &T {
        &self.pages[index / PAGE_ENTRIES][index % PAGE_ENTRIES]
    }
}

impl<T> IndexMut<usize> for Pages<T> {
    #[inline]
    fn index_mut(&mut self, index: usize) -> &mut T {
        &mut self.pages[index / PAGE_ENTRIES][index % PAGE_ENTRIES]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growing_moves_nothing_and_ends_with_the_page() {
        let mut numbers = 0..;
        let mut pages = Pages::new();
        assert!(pages.is_empty() && pages.get(0).is_none());
        pages.reach(0, || numbers.next().unwrap());
        assert_eq!(pages.len(), PAGE_ENTRIES);
        let first = &raw const pages[0];
        pages.reach(3 * PAGE_ENTRIES, || numbers.next().unwrap());
        assert_eq!(pages.len(), 4 * PAGE_ENTRIES);
        assert_eq!(&raw const pages[0], first);
        assert!(pages.get(pages.len()).is_none());
        assert!(pages.iter().copied().eq(0..4 * PAGE_ENTRIES as i32));
    }

    #[test]
    fn an_entry_that_is_there_is_not_made_anew() {
        let mut pages = Pages::new();
        pages.reach(5, || 0);
        pages[5] = 7;
        *pages.get_mut(6).unwrap() += 1;
        pages.reach(5, || unreachable!());
        assert_eq!((pages[5], pages[6]), (7, 1));
    }
}
