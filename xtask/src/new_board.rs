//! `cargo xtask new-board`: the folder of a development board, begun as a copy of another's.

use std::fs;
use std::path::Path;

use nervecord_codegen::output::write_atomic;
use nervecord_codegen::{Error, Result};

use crate::checkout::say;

/// What is left to a person.
const NEXT: &str = "\
next, in this folder:
  part.toml            the board, its part, cores, targets and sizes
  memory.x             the same flash and RAM for the linker
  .cargo/config.toml   the target, and the chip as `probe-rs chip list` spells it
  Cargo.toml           the HAL
  src/board.rs         pins, clocks, watchdog: all the code there is
  README.md            the wiring
then `cargo xtask boards` builds it with the others and prints what it takes of the part";

/// Copies the board `like` to `name`, under its new name, and takes it out of the boards' workspace.
///
/// # Errors
/// The name cannot be a crate's or is taken, there is no board `like`, or a file cannot be written;
/// nothing is left then.
pub fn new_board(boards: &Path, name: &str, like: &str) -> Result<()> {
    if !is_name(name) {
        return Err(Error::new("a board cannot have this name")
            .expected("a small letter, then small letters, digits and single hyphens")
            .found(name));
    }
    let (from, to) = (boards.join(like), boards.join(name));
    if !is_name(like) || !from.join("part.toml").is_file() {
        return Err(Error::new("there is no such development board")
            .expected(format!("one of {}", existing(boards)?.join(", ")))
            .found(like));
    }
    if to.exists() {
        return Err(Error::new("there is a folder of this name").file(&to).help("choose another"));
    }
    let workspace = boards.join("Cargo.toml");
    let text = fs::read_to_string(&workspace).map_err(|e| Error::io("read", &workspace, &e))?;
    let excluded = exclude(&text, name).ok_or_else(|| {
        Error::new("the boards' workspace has no list to add to")
            .file(&workspace)
            .expected("`exclude = [..]`")
    })?;
    // Under another name until it is whole.
    let scratch = tempfile::tempdir_in(boards).map_err(|e| Error::io("create", boards, &e))?;
    let copy_of = scratch.path().join(name);
    copy(&from, &copy_of)?;
    for file in ["Cargo.toml", "Cargo.lock"] {
        let path = copy_of.join(file);
        let text = fs::read_to_string(&path).map_err(|e| Error::io("read", &path, &e))?;
        let text = text.replace(&format!("name = \"{like}\""), &format!("name = \"{name}\""));
        write_atomic(&path, text.as_bytes())?;
    }
    fs::rename(&copy_of, &to).map_err(|e| Error::io("create", &to, &e))?;
    if let Err(error) = write_atomic(&workspace, excluded.as_bytes()) {
        // The first error says what is wrong; this one would say it again.
        let _ = fs::remove_dir_all(&to);
        return Err(error);
    }
    say(&format!("boards/{name} is a copy of {like}; {NEXT}"));
    Ok(())
}

fn is_name(name: &str) -> bool {
    let letter = |c: char| c.is_ascii_lowercase();
    name.starts_with(letter)
        && name.split('-').all(|word| !word.is_empty())
        && name.chars().all(|c| letter(c) || c.is_ascii_digit() || c == '-')
}

/// The names of the development boards.
fn existing(boards: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(boards).map_err(|e| Error::io("read", boards, &e))?;
    let folders = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let folders = folders.filter(|folder| folder.join("part.toml").is_file());
    let mut names: Vec<String> =
        folders.filter_map(|f| Some(f.file_name()?.to_str()?.to_owned())).collect();
    names.sort();
    Ok(names)
}

/// The manifest with one more excluded folder.
fn exclude(manifest: &str, name: &str) -> Option<String> {
    let list = manifest.find("exclude = [")?;
    let end = list + manifest[list..].find(']')?;
    Some(format!("{}, \"{name}\"{}", &manifest[..end], &manifest[end..]))
}

/// Copies a folder without what was built in it.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir(to).map_err(|e| Error::io("create", to, &e))?;
    for entry in fs::read_dir(from).map_err(|e| Error::io("read", from, &e))? {
        let path = entry.map_err(|e| Error::io("read", from, &e))?.path();
        let Some(name) = path.file_name().filter(|name| *name != "target") else { continue };
        if path.is_dir() {
            copy(&path, &to.join(name))?;
        } else {
            fs::copy(&path, to.join(name)).map_err(|e| Error::io("copy", &path, &e))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkout::root;

    /// A folder of boards with one.
    fn boards() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let boards = root().join("boards");
        fs::copy(boards.join("Cargo.toml"), folder.path().join("Cargo.toml")).unwrap();
        copy(&boards.join("pico"), &folder.path().join("pico")).unwrap();
        folder
    }

    #[test]
    fn a_new_board_is_a_copy_under_its_own_name() {
        let folder = boards();
        let path = |name: &str| folder.path().join(name);
        new_board(folder.path(), "my-board", "pico").unwrap();
        for file in ["Cargo.toml", "Cargo.lock"] {
            let text = fs::read_to_string(path("my-board").join(file)).unwrap();
            assert!(text.contains("name = \"my-board\"") && !text.contains("name = \"pico\""));
        }
        for file in ["src/board.rs", ".cargo/config.toml", "memory.x", "part.toml"] {
            assert!(path("my-board").join(file).is_file(), "{file}");
        }
        let manifest = fs::read_to_string(path("Cargo.toml")).unwrap();
        let manifest: toml::Table = manifest.parse().unwrap();
        let excluded = manifest["workspace"]["exclude"].as_array().unwrap();
        assert!(excluded.iter().any(|name| name.as_str() == Some("my-board")));
    }

    #[test]
    fn what_cannot_be_leaves_nothing() {
        let folder = boards();
        let before = fs::read_to_string(folder.path().join("Cargo.toml")).unwrap();
        for (name, like) in [
            ("Pico", "pico"),
            ("../pico3", "pico"),
            ("a--b", "pico"),
            ("", "pico"),
            ("pico", "pico"),
            ("new", "abacus"),
            ("new", "../pico"),
        ] {
            assert!(new_board(folder.path(), name, like).is_err(), "{name} like {like}");
        }
        let message = new_board(folder.path(), "new", "abacus").unwrap_err().to_string();
        assert!(message.contains("abacus") && message.contains("pico"), "{message}");
        fs::remove_file(folder.path().join("pico/Cargo.lock")).unwrap();
        assert!(new_board(folder.path(), "new", "pico").is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
        assert_eq!(fs::read_to_string(folder.path().join("Cargo.toml")).unwrap(), before);
    }
}
