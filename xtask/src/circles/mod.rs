//! `cargo xtask circles`: no file of a crate may need one that needs it in turn, so that whoever reads a file knows that
//! what it stands on can be read, changed and tested without it. Stands on the checkout and on `syn`.

mod edges;
mod graph;
mod modules;
mod names;

use std::fs;
use std::path::{Path, PathBuf};

use nervecord_codegen::{Error, Result};

use self::graph::Circle;
use self::modules::Tree;
use crate::checkout::root;

/// Where a package's targets begin, beside its `Cargo.toml`.
const ROOTS: [&str; 2] = ["src/lib.rs", "src/main.rs"];

/// Refuses circles between the files of the crates in `folders`, or of every crate if there is none.
///
/// # Errors
/// There is one, which the message shows, or a file cannot be read.
pub fn circles(folders: &[PathBuf]) -> Result<()> {
    let packages = match folders {
        [] => all()?,
        _ => folders.to_vec(),
    };
    let mut found = Vec::new();
    for package in packages {
        for root in ROOTS.map(|root| package.join(root)) {
            if root.is_file() {
                found.extend(of_crate(&root)?);
            }
        }
    }
    if found.is_empty() {
        return Ok(());
    }
    Err(Error::new("files need each other in a circle")
        .expected("files that need only what stands below them")
        .found(found.iter().map(Circle::render).collect::<String>().trim_end())
        .help(
            "move what both need into a file below both; a child that needs its parent's types is given \
             a sibling that has them",
        ))
}

/// The circles of the crate that begins in a file.
fn of_crate(root: &Path) -> Result<Vec<Circle>> {
    let tree = Tree::load(root)?;
    Ok(graph::circles(&edges::of(&tree)))
}

/// The folders of all packages in the checkout.
fn all() -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    collect(root(), &mut found)?;
    found.sort();
    Ok(found)
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    if ROOTS.iter().any(|root| folder.join(root).is_file()) {
        found.push(folder.to_owned());
    }
    for entry in fs::read_dir(folder).map_err(|e| Error::io("read", folder, &e))? {
        let path = entry.map_err(|e| Error::io("read", folder, &e))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() && !name.starts_with('.') && name != "target" && name != "src" {
            collect(&path, found)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The circles of a crate with these files, each as it is printed.
    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let circles = of_crate(&folder.path().join("lib.rs")).unwrap();
        circles.iter().map(Circle::render).collect()
    }

    #[test]
    fn a_circle_is_shown_with_its_files_and_the_names_that_close_it() {
        let found = found(&[
            ("lib.rs", "mod a; mod b; mod c; pub use c::top;"),
            ("a.rs", "pub struct A; pub fn f() -> u8 { crate::b::g() }"),
            ("b.rs", "use super::a::{A, f as other}; pub fn g() -> u8 { let _ = A; 1 }"),
            ("c.rs", "pub fn top() { crate::a::f(); }"),
        ]);
        assert_eq!(found.len(), 1);
        for part in ["2 files", "a.rs -> ", "b.rs: g", "b.rs -> ", "a.rs: A, f"] {
            assert!(found[0].contains(part), "`{part}` is not in\n{}", found[0]);
        }
        assert!(!found[0].contains("c.rs"), "{}", found[0]);
    }

    #[test]
    fn a_child_that_needs_its_parent_is_a_circle_where_the_parent_needs_it() {
        let parent = ("lib.rs", "mod a; pub struct P; pub use a::A;");
        assert_eq!(found(&[parent, ("a.rs", "use super::P; pub struct A(P);")]).len(), 1);
        assert_eq!(found(&[parent, ("a.rs", "pub struct A(crate::P);")]).len(), 1);
        let idle = ("lib.rs", "pub mod a; pub struct P;");
        assert!(found(&[idle, ("a.rs", "use super::P; pub struct A(P);")]).is_empty());
    }

    #[test]
    fn paths_in_macros_local_imports_renamed_modules_and_globs_are_seen() {
        let root = ("lib.rs", "mod a; mod b;");
        let a = ("a.rs", "pub fn f() {} pub fn g() { crate::b::h(); }");
        for b in [
            "pub fn h() { println!(\"{}\", [crate::a::f()].len()); }",
            "pub fn h() { use crate::a::f; f(); }",
            "use crate::a as other; pub fn h() { other::f(); }",
            "use super::a::*; pub fn h() { f(); }",
            "macro_rules! m { () => { $crate::a::f() } } pub fn h() { m!(); }",
            "mod inner { use super::super::a::f; pub fn h() { f(); } } pub use inner::h;",
            "pub fn h<T: Into<crate::a::F>>(_: T) {}",
        ] {
            assert_eq!(found(&[root, a, ("b.rs", b)]).len(), 1, "{b}");
        }
    }

    #[test]
    fn tests_other_crates_and_words_that_name_no_file_are_no_edges() {
        let root = ("lib.rs", "mod a; mod b;");
        let a = ("a.rs", "pub fn f() {} pub fn g() { crate::b::h(); }");
        for b in [
            "#[cfg(test)] use crate::a::f; pub fn h() {} #[cfg(test)] mod tests { use crate::a::f; }",
            "#[cfg(all(test, unix))] mod tests; pub fn h() {}",
            "pub fn h() { ::a::f(); let a = 1; let _ = a; std::fs::read(\"crate::a\"); }",
            "//! See [`crate::a::f`].\npub fn h() {}",
            "mod inner { pub mod a { pub fn f() {} } } use inner::a; pub fn h() { a::f(); }",
        ] {
            assert!(found(&[root, a, ("b.rs", b)]).is_empty(), "{b}");
        }
        // What is compiled outside tests as well counts.
        let b = "#[cfg(not(test))] use crate::a::f; pub fn h() {}";
        assert_eq!(found(&[root, a, ("b.rs", b)]).len(), 1);
    }

    #[test]
    fn every_file_that_a_module_may_be_in_is_read() {
        let root = ("lib.rs", "mod a; mod b;");
        let b = "#[cfg_attr(unix, path = \"one.rs\")] #[cfg_attr(windows, path = \"two.rs\")] mod c; pub use c::f;";
        let twice = "#[cfg(unix)] #[path = \"one.rs\"] mod c; #[cfg(windows)] #[path = \"two.rs\"] mod c; pub use c::f;";
        for b in [b, twice] {
            let files = [root, ("a.rs", "pub fn g() { crate::b::f(); }"), ("b.rs", b)];
            let good = ("one.rs", "pub fn f() {}");
            let (bad, fine) = (("two.rs", "pub fn f() { crate::a::g(); }"), ("two.rs", good.1));
            assert_eq!(found(&[&files[..], &[good, bad]].concat()).len(), 1, "{b}");
            assert!(found(&[&files[..], &[good, fine]].concat()).is_empty(), "{b}");
        }
    }

    #[test]
    fn no_crate_has_a_circle() {
        circles(&[]).unwrap();
    }
}
