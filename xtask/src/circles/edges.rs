//! Which file needs which, and by what names: every import, and every path in code, types and macros.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Item, ItemUse, Macro};

use super::modules::{Name, Tree, is_for_tests, of as attributes};
use super::names::{self, Path, Words, leaves};

/// Names by the file that has them, by the file that needs them.
pub type Edges = BTreeMap<PathBuf, BTreeMap<PathBuf, BTreeSet<String>>>;

/// How many imports of imports are followed.
const DEPTH: usize = 16;

/// The edges between the files of a crate.
pub fn of(tree: &Tree) -> Edges {
    let words = names::of(tree);
    let mut edges = Edges::new();
    for (name, modules) in &tree.0 {
        for module in modules {
            let mut paths = Paths::default();
            module.items.iter().for_each(|item| paths.visit_item(item));
            for path in &paths.0 {
                for (target, what) in follow(tree, &words, name, path) {
                    let there = tree.0.get(&target).into_iter().flatten();
                    for there in there.filter(|there| there.file != module.file) {
                        let to = edges.entry(module.file.clone()).or_default();
                        to.entry(there.file.clone()).or_default().insert(what.clone());
                    }
                }
            }
        }
    }
    edges
}

/// The modules that a path in a module goes to, with what it wants there: the one that it names, and where that one
/// has it from.
fn follow(
    tree: &Tree,
    words: &BTreeMap<&Name, Words>,
    from: &Name,
    path: &Path,
) -> Vec<(Name, String)> {
    let mut found = Vec::new();
    let mut todo = vec![(from.clone(), path.clone(), 0)];
    while let Some((mut at, path, depth)) = todo.pop() {
        let mut rest = path.as_slice();
        let mut is_rooted = true;
        match path.first().map(String::as_str) {
            Some("crate") => (at, rest) = (Vec::new(), &path[1..]),
            Some("self") => rest = &path[1..],
            Some("super") => {
                while let [word, more @ ..] = rest
                    && word == "super"
                {
                    at.pop();
                    rest = more;
                }
            }
            _ => is_rooted = false,
        }
        loop {
            let Some((word, more)) = rest.split_first() else {
                found.push((at, String::new()));
                break;
            };
            let child: Name = at.iter().cloned().chain([word.clone()]).collect();
            if tree.0.contains_key(&child) {
                (at, rest, is_rooted) = (child, more, true);
                continue;
            }
            let Some(own) = words.get(&at) else { break };
            let next = |path: &Path| path.iter().chain(more).cloned().collect::<Path>();
            match own.imports.get(word) {
                // A name that a path starts with may be imported; the path then goes on from there.
                Some(import) if depth < DEPTH && import != &path => {
                    todo.push((at.clone(), next(import), depth + 1));
                }
                _ if own.items.contains(word) => {}
                _ if depth < DEPTH => {
                    // It may come from any of the globs; one that lacks it ends there.
                    for glob in own.globs.iter().filter(|_| is_rooted) {
                        let all: Path = glob.iter().cloned().chain(rest.iter().cloned()).collect();
                        todo.push((at.clone(), all, depth + 1));
                    }
                }
                _ => {}
            }
            if is_rooted {
                found.push((at, word.clone()));
            }
            break;
        }
    }
    found
}

/// The paths of more than one word that are written in a module.
#[derive(Default)]
struct Paths(Vec<Path>);

impl<'a> Visit<'a> for Paths {
    fn visit_item(&mut self, item: &'a Item) {
        // Modules have their own paths.
        if !matches!(item, Item::Mod(_)) && !is_for_tests(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'a ItemUse) {
        if item.leading_colon.is_none() {
            self.0.extend(leaves(&item.tree).into_iter().map(|(path, _)| path));
        }
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        let words: Path = path.segments.iter().map(|s| s.ident.to_string()).collect();
        if path.leading_colon.is_none() && words.len() > 1 {
            self.0.push(words);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'a Macro) {
        self.visit_path(&call.path);
        self.tokens(call.tokens.clone());
    }

    fn visit_attribute(&mut self, _: &'a syn::Attribute) {}
}

impl Paths {
    /// Whatever looks like a path between the tokens of a macro.
    fn tokens(&mut self, tokens: TokenStream) {
        let (mut path, mut colons) = (Path::new(), 0);
        for token in tokens {
            match token {
                TokenTree::Ident(word) => {
                    if colons != 2 {
                        self.end(&mut path);
                    }
                    path.push(word.to_string());
                    colons = 0;
                }
                TokenTree::Punct(mark) if mark.as_char() == ':' => colons += 1,
                other => {
                    self.end(&mut path);
                    colons = 0;
                    if let TokenTree::Group(group) = other {
                        self.tokens(group.stream());
                    }
                }
            }
        }
        self.end(&mut path);
    }

    fn end(&mut self, path: &mut Path) {
        let path = std::mem::take(path);
        if path.len() > 1 {
            self.0.push(path);
        }
    }
}
