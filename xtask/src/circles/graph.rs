//! Circles in a graph of files: its strongly connected parts of more than one file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::edges::Edges;
use crate::checkout::root;

/// Files each of which needs every other, by way of the others or by itself.
pub struct Circle {
    files: BTreeSet<PathBuf>,
    /// What is needed of whom by whom, within the circle.
    edges: Vec<(PathBuf, PathBuf, BTreeSet<String>)>,
}

impl Circle {
    /// A line an edge.
    pub fn render(&self) -> String {
        let short = |path: &Path| {
            let checkout = root().canonicalize().unwrap_or_default();
            let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
            whole.strip_prefix(&checkout).unwrap_or(&whole).display().to_string()
        };
        let mut text = format!("a circle of {} files\n", self.files.len());
        for (from, to, names) in &self.edges {
            let names: Vec<&str> = names
                .iter()
                .map(|name| if name.is_empty() { "the module" } else { name })
                .collect();
            text += &format!("    {} -> {}: {}\n", short(from), short(to), names.join(", "));
        }
        text
    }
}

/// All circles.
pub fn circles(edges: &Edges) -> Vec<Circle> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    let reach: BTreeMap<&Path, BTreeSet<&Path>> =
        edges.keys().map(|file| (file.as_path(), reached(edges, file))).collect();
    for (file, reached) in &reach {
        if seen.contains(file) {
            continue;
        }
        let back = |other: &&&Path| reach.get(**other).is_some_and(|there| there.contains(file));
        let files: BTreeSet<PathBuf> =
            reached.iter().filter(back).map(|other| other.to_path_buf()).collect();
        if files.len() > 1 {
            seen.extend(reached.iter().copied().filter(|other| files.contains(*other)));
            found.push(Circle { edges: within(edges, &files), files });
        }
    }
    found
}

/// What a file needs, directly or not; itself only if it is in a circle.
fn reached<'a>(edges: &'a Edges, from: &Path) -> BTreeSet<&'a Path> {
    let mut found = BTreeSet::new();
    let mut todo = vec![from];
    while let Some(file) = todo.pop() {
        for next in edges.get(file).into_iter().flat_map(|to| to.keys()) {
            if found.insert(next.as_path()) {
                todo.push(next);
            }
        }
    }
    found
}

fn within(edges: &Edges, files: &BTreeSet<PathBuf>) -> Vec<(PathBuf, PathBuf, BTreeSet<String>)> {
    let mut inside = Vec::new();
    for (from, to) in edges.iter().filter(|(from, _)| files.contains(*from)) {
        for (to, names) in to.iter().filter(|(to, _)| files.contains(*to)) {
            inside.push((from.clone(), to.clone(), names.clone()));
        }
    }
    inside
}
