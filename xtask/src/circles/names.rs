//! What the names of each module mean: modules, items, and imports of either.

use std::collections::{BTreeMap, BTreeSet};

use syn::visit::{Visit, visit_item_use};
use syn::{Item, ItemUse, UseTree};

use super::modules::{Module, Name, Tree, is_for_tests};

/// A path as it is written: its first word is `crate`, `self`, `super`, or whatever is known where it stands.
pub type Path = Vec<String>;

/// What a module's own words mean.
#[derive(Default)]
pub struct Words {
    /// Items that are written in it.
    pub items: BTreeSet<String>,
    /// Imports and what they are of.
    pub imports: BTreeMap<String, Path>,
    /// Modules and enumerations that all is imported of.
    pub globs: Vec<Path>,
}

/// The words of every module.
pub fn of(tree: &Tree) -> BTreeMap<&Name, Words> {
    let words = |modules: &Vec<Module>| {
        let mut words = Words::default();
        for item in modules.iter().flat_map(|module| &module.items) {
            words.items.extend(name(item));
            if !matches!(item, Item::Mod(_)) {
                words.visit_item(item);
            }
        }
        words
    };
    tree.0.iter().map(|(name, modules)| (name, words(modules))).collect()
}

fn name(item: &Item) -> Option<String> {
    let ident = match item {
        Item::Const(i) => &i.ident,
        Item::Enum(i) => &i.ident,
        Item::Fn(i) => &i.sig.ident,
        Item::Static(i) => &i.ident,
        Item::Struct(i) => &i.ident,
        Item::Trait(i) => &i.ident,
        Item::TraitAlias(i) => &i.ident,
        Item::Type(i) => &i.ident,
        Item::Union(i) => &i.ident,
        Item::Macro(i) => i.ident.as_ref()?,
        _ => return None,
    };
    Some(ident.to_string())
}

impl<'a> Visit<'a> for Words {
    /// Imports in a function count as the module's.
    fn visit_item_use(&mut self, item: &'a ItemUse) {
        if item.leading_colon.is_none() && !is_for_tests(&item.attrs) {
            for (path, name) in leaves(&item.tree) {
                match name.as_deref() {
                    None => self.globs.push(path),
                    Some("_") => {}
                    Some(name) => drop(self.imports.insert(name.to_owned(), path)),
                }
            }
        }
        visit_item_use(self, item);
    }
}

/// Every path of an import with the name it is given; none for all of a module.
pub fn leaves(tree: &UseTree) -> Vec<(Path, Option<String>)> {
    fn walk(tree: &UseTree, before: &Path, found: &mut Vec<(Path, Option<String>)>) {
        let with = |word: String| -> Path { before.iter().cloned().chain([word]).collect() };
        match tree {
            UseTree::Path(path) => walk(&path.tree, &with(path.ident.to_string()), found),
            UseTree::Group(group) => group.items.iter().for_each(|t| walk(t, before, found)),
            UseTree::Glob(_) => found.push((before.clone(), None)),
            UseTree::Name(name) if name.ident == "self" => {
                found.push((before.clone(), before.last().cloned()));
            }
            UseTree::Name(name) => {
                let word = name.ident.to_string();
                found.push((with(word.clone()), Some(word)));
            }
            UseTree::Rename(rename) => {
                let path = match rename.ident == "self" {
                    true => before.clone(),
                    false => with(rename.ident.to_string()),
                };
                found.push((path, Some(rename.rename.to_string())));
            }
        }
    }
    let mut found = Vec::new();
    walk(tree, &Vec::new(), &mut found);
    found
}
