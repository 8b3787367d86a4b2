//! References within a description.

use std::cell::Cell;

use crate::draft::tree::Tree;

/// References behind each other at most.
const HOPS: usize = 20;

/// A description, and what it refers to.
pub(super) struct Document<'a> {
    pub(super) root: &'a Tree,
    has_outside: Cell<bool>,
}

static NOTHING: Tree = Tree::Null;

impl<'a> Document<'a> {
    pub(super) fn new(root: &'a Tree) -> Self {
        Self { root, has_outside: Cell::new(false) }
    }

    /// A value, or what it refers to; null for what another file describes.
    pub(super) fn resolve(&self, tree: &'a Tree) -> &'a Tree {
        let mut here = tree;
        for _ in 0..HOPS {
            let Some(reference) = here.get("$ref").text() else { return here };
            let Some(pointer) = reference.strip_prefix("#/") else {
                self.has_outside.set(true);
                return &NOTHING;
            };
            here = pointer.split('/').fold(self.root, |tree, key| {
                let key = key.replace("~1", "/").replace("~0", "~").replace("%7B", "{").replace("%7D", "}");
                match tree {
                    Tree::List(items) => {
                        key.parse().ok().and_then(|at: usize| items.get(at)).unwrap_or(&NOTHING)
                    }
                    tree => tree.get(&key),
                }
            });
        }
        &NOTHING
    }

    /// Whether something stands in another file.
    pub(super) fn has_outside_references(&self) -> bool {
        self.has_outside.get()
    }
}
