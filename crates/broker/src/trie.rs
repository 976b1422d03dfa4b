//! The index of patterns: which of many patterns does a topic name match?
//!
//! A trie by level, with a branch for `*` at each node and a mark for `**`. A look-up visits a node for each way of reading
//! the name's levels as themselves or as `*`, so its cost depends on the name and on the patterns along its way, never on how many others
//! there are. Edges stand in one table keyed by the process's secret hash, so that chosen level names cannot collide on purpose.

use std::hash::Hasher;

use hashbrown::HashTable;
use siphasher::sip::SipHasher13;

use crate::pattern::Pattern;
use crate::slab::{NONE, Slab};

const ROOT: u32 = 0;

#[derive(Debug)]
struct Node {
    parent: u32,
    /// The level that leads here from the parent; `*` for its star branch.
    level: Box<str>,
    children: u32,
    star: u32,
    /// The pattern that ends here.
    end: u32,
    /// The pattern that goes on from here with `**`.
    rest: u32,
}

impl Node {
    fn new(parent: u32, level: &str) -> Self {
        Self {
            parent,
            level: level.into(),
            children: 0,
            star: NONE,
            end: NONE,
            rest: NONE,
        }
    }
}

#[derive(Debug)]
struct Entry<T> {
    pattern: Pattern,
    node: u32,
    value: T,
}

/// See the module. Values are found by pattern, by number, and by the topics they match.
#[derive(Debug)]
pub(crate) struct Trie<T> {
    hash_key: [u64; 2],
    nodes: Slab<Node>,
    edges: HashTable<u32>,
    entries: Slab<Entry<T>>,
}

impl<T> Trie<T> {
    pub(crate) fn new(hash_key: [u64; 2]) -> Self {
        let mut nodes = Slab::new();
        nodes.insert(Node::new(NONE, ""));
        Self {
            hash_key,
            nodes,
            edges: HashTable::new(),
            entries: Slab::new(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Numbers in use are below this.
    pub(crate) fn bound(&self) -> u32 {
        self.entries.bound()
    }

    pub(crate) fn get(&self, id: u32) -> Option<&T> {
        self.entries.get(id).map(|entry| &entry.value)
    }

    pub(crate) fn get_mut(&mut self, id: u32) -> Option<&mut T> {
        self.entries.get_mut(id).map(|entry| &mut entry.value)
    }

    pub(crate) fn pattern(&self, id: u32) -> &Pattern {
        &self.entries[id].pattern
    }

    pub(crate) fn find(&self, pattern: &Pattern) -> Option<u32> {
        let mut node = ROOT;
        for level in pattern.as_str().split('/') {
            if level == "**" {
                return some(self.nodes[node].rest);
            }
            node = self.child(node, level)?;
        }
        some(self.nodes[node].end)
    }

    /// Adds a pattern that is not in the index.
    pub(crate) fn insert(&mut self, pattern: Pattern, value: T) -> u32 {
        let mut node = ROOT;
        let mut rest = false;
        for level in pattern.as_str().split('/') {
            rest = level == "**";
            if !rest {
                node = self
                    .child(node, level)
                    .unwrap_or_else(|| self.grow(node, level));
            }
        }
        let id = self.entries.insert(Entry {
            pattern,
            node,
            value,
        });
        let node = &mut self.nodes[node];
        let mark = if rest { &mut node.rest } else { &mut node.end };
        assert_eq!(*mark, NONE, "a pattern is added once");
        *mark = id;
        id
    }

    pub(crate) fn remove(&mut self, id: u32) -> Option<T> {
        let entry = self.entries.remove(id)?;
        let mut node = entry.node;
        let marks = &mut self.nodes[node];
        if marks.rest == id {
            marks.rest = NONE;
        } else {
            marks.end = NONE;
        }
        while node != ROOT {
            let Node {
                parent,
                children: 0,
                end: NONE,
                rest: NONE,
                ..
            } = self.nodes[node]
            else {
                break;
            };
            self.prune(node);
            node = parent;
        }
        Some(entry.value)
    }

    /// Calls `found` with each pattern that matches `topic`, once; returns how many nodes were visited.
    pub(crate) fn matches(&self, topic: &str, mut found: impl FnMut(u32, &T)) -> u64 {
        if self.entries.len() == 0 {
            return 0;
        }
        let mut steps = 0;
        self.walk(
            ROOT,
            Some(topic),
            !topic.starts_with('$'),
            &mut steps,
            &mut |id| found(id, &self.entries[id].value),
        );
        steps
    }

    /// At `node` with the levels still to be read. The depth is that of the patterns, at most 16.
    fn walk(
        &self,
        node: u32,
        rest: Option<&str>,
        wildcards: bool,
        steps: &mut u64,
        found: &mut dyn FnMut(u32),
    ) {
        *steps += 1;
        let here = &self.nodes[node];
        if wildcards && here.rest != NONE {
            found(here.rest);
        }
        let Some(rest) = rest else {
            if here.end != NONE {
                found(here.end);
            }
            return;
        };
        let (level, rest) = match rest.split_once('/') {
            Some((level, rest)) => (level, Some(rest)),
            None => (rest, None),
        };
        if let Some(child) = self.child(node, level) {
            self.walk(child, rest, true, steps, found);
        }
        if wildcards && here.star != NONE {
            self.walk(here.star, rest, true, steps, found);
        }
    }

    /// A topic has no level `*`, so asking for one finds the star branch only on behalf of a pattern.
    fn child(&self, node: u32, level: &str) -> Option<u32> {
        if level == "*" {
            return some(self.nodes[node].star);
        }
        let hash = edge_hash(self.hash_key, node, level);
        self.edges
            .find(hash, |&child| {
                self.nodes[child].parent == node && *self.nodes[child].level == *level
            })
            .copied()
    }

    fn grow(&mut self, parent: u32, level: &str) -> u32 {
        let child = self.nodes.insert(Node::new(parent, level));
        self.nodes[parent].children += 1;
        if level == "*" {
            self.nodes[parent].star = child;
        } else {
            let (key, nodes) = (self.hash_key, &self.nodes);
            let hash = |&id: &u32| edge_hash(key, nodes[id].parent, &nodes[id].level);
            self.edges.insert_unique(hash(&child), child, hash);
        }
        child
    }

    fn prune(&mut self, node: u32) {
        let gone = self.nodes.remove(node).expect("a node is pruned once");
        let parent = &mut self.nodes[gone.parent];
        parent.children -= 1;
        if parent.star == node {
            parent.star = NONE;
            return;
        }
        let hash = edge_hash(self.hash_key, gone.parent, &gone.level);
        let edge = self.edges.find_entry(hash, |&child| child == node);
        edge.expect("each node has its edge").remove();
    }
}

fn some(id: u32) -> Option<u32> {
    (id != NONE).then_some(id)
}

fn edge_hash(key: [u64; 2], parent: u32, level: &str) -> u64 {
    let mut hasher = SipHasher13::new_with_keys(key[0], key[1]);
    hasher.write_u32(parent);
    hasher.write(level.as_bytes());
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pattern() -> impl Strategy<Value = Pattern> {
        let level = prop::sample::select(vec!["a", "b", "*", "$x"]);
        (prop::collection::vec(level, 0..4), any::<bool>()).prop_filter_map(
            "empty",
            |(mut levels, rest)| {
                if rest {
                    levels.push("**");
                }
                Pattern::parse(&levels.join("/")).ok()
            },
        )
    }

    fn topic() -> impl Strategy<Value = String> {
        let level = prop::sample::select(vec!["a", "b", "c", "$x"]);
        prop::collection::vec(level, 1..5).prop_map(|levels| levels.join("/"))
    }

    proptest! {
        #[test]
        fn it_finds_what_each_pattern_alone_would(
            commands in prop::collection::vec((any::<bool>(), pattern()), 0..40),
            topics in prop::collection::vec(topic(), 1..10),
        ) {
            let mut trie = Trie::new([1, 2]);
            let mut plain: Vec<Pattern> = Vec::new();
            for (add, pattern) in commands {
                let known = trie.find(&pattern);
                prop_assert_eq!(known.is_some(), plain.contains(&pattern));
                match (add, known) {
                    (true, None) => {
                        trie.insert(pattern.clone(), ());
                        plain.push(pattern);
                    }
                    (false, Some(id)) => {
                        trie.remove(id);
                        plain.retain(|other| *other != pattern);
                    }
                    _ => {}
                }
            }
            for topic in topics {
                let mut found = Vec::new();
                trie.matches(&topic, |id, ()| found.push(trie.pattern(id).clone()));
                found.sort();
                let mut expected: Vec<_> = plain.iter().filter(|pattern| pattern.matches(&topic)).cloned().collect();
                expected.sort();
                prop_assert_eq!(found, expected);
            }
            for pattern in plain {
                trie.remove(trie.find(&pattern).unwrap());
            }
            prop_assert_eq!((trie.nodes.len(), trie.edges.len(), trie.len()), (1, 0, 0));
        }
    }

    #[test]
    fn other_patterns_do_not_slow_a_look_up() {
        let mut trie = Trie::new([1, 2]);
        let add = |trie: &mut Trie<()>, text: &str| trie.insert(Pattern::parse(text).unwrap(), ());
        add(&mut trie, "a/*/c");
        let few = trie.matches("a/b/c", |_, ()| {});
        for i in 0..1000 {
            add(&mut trie, &format!("x{i}/*/c"));
            add(&mut trie, &format!("a/y{i}/**"));
        }
        assert_eq!(trie.matches("a/b/c", |_, ()| {}), few);
    }
}
