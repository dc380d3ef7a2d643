//! A private copy of Debian's compiler, for machines where rustup cannot download.
//!
//! Debian's `rustc-web` has every target in its LLVM and its library as sources, but conflicts with
//! Debian's own `rustc`. So its packages are only unpacked, in the user's cache folder: nothing is
//! installed and no root is needed. Cargo then builds the core library together with the firmware.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::board::boards_folder;
use super::process;
use super::rust::sysroot;
use nervecord_codegen::{Error, Result};

/// The script that stands in for the compiler.
const WRAPPER: &str = "rustc";

/// The copy, if it is there.
pub fn find() -> Result<Option<PathBuf>> {
    let folder = folder()?;
    Ok(process::has(&folder, WRAPPER).then_some(folder))
}

/// Lets a cargo call use the copy.
pub fn configure(cargo: &mut Command, folder: &Path) -> Result<()> {
    cargo.args(["-Zbuild-std=core", "-Zbuild-std-features=compiler-builtins-mem"]);
    cargo.env("RUSTC", folder.join(WRAPPER)).env("RUSTC_BOOTSTRAP", "1");
    // Debian leaves the linker out of the copy; the user's own Rust has it.
    let rustlib = sysroot()?.join("lib/rustlib");
    let linkers = fs::read_dir(&rustlib)
        .map_err(|e| Error::io("read", &rustlib, &e))?
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|bin| process::has(bin, "rust-lld"));
    let path = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths(linkers.chain(env::split_paths(&path))).map_err(|error| {
        Error::new("PATH cannot be extended")
            .at("PATH")
            .expected("folders without a colon in their names")
            .found(error)
            .help("install Rust in a folder without a colon in its name")
    })?;
    cargo.env("PATH", path);
    Ok(())
}

/// Fetches and unpacks the copy; what is half done is never left where it would be found.
pub fn install(say: &dyn Fn(&str)) -> Result<()> {
    for program in ["apt-get", "apt-cache", "dpkg-deb", "tar"] {
        if process::find(program).is_none() {
            return Err(Error::new("Debian's compiler cannot be fetched here")
                .expected(format!("the program {program}"))
                .found("none on PATH")
                .help("install the target with rustup instead"));
        }
    }
    let folder = folder()?;
    let parent = folder.parent().unwrap_or(&folder);
    fs::create_dir_all(parent).map_err(|e| Error::io("create", parent, &e))?;
    let (scratch, _scratch) = process::temporary_folder(parent)?;
    let packages = packages()?;
    say(&format!(
        "targets: unpacking a private copy of Debian's {} in {} (125 MB to fetch)",
        packages.join(", "),
        folder.display()
    ));
    let mut apt = Command::new("apt-get");
    apt.arg("download").args(&packages).current_dir(scratch.path());
    process::run("Debian's compiler cannot be fetched", &mut apt)?;
    let root = scratch.path().join("root");
    unpack(scratch.path(), &root)?;
    wrap(&root, &folder)?;
    match fs::rename(&root, &folder) {
        // Someone else was faster, with the same packages.
        Err(_) if process::has(&folder, WRAPPER) => Ok(()),
        moved => moved.map_err(|e| Error::io("create", &folder, &e)),
    }
}

fn folder() -> Result<PathBuf> {
    let set = |name| env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let cache = set("NERVECORD_CACHE")
        .or_else(|| Some(set("XDG_CACHE_HOME")?.join("nervecord")))
        .or_else(|| Some(set("HOME")?.join(".cache/nervecord")));
    let cache = match cache {
        Some(cache) => cache,
        None => boards_folder()?.join("target"),
    };
    Ok(std::path::absolute(&cache).map_err(|e| Error::io("find", &cache, &e))?.join("rustc-web"))
}

/// The compiler, its sources and libraries, and the LLVM that those need.
fn packages() -> Result<Vec<String>> {
    let library = dependency("libstd-rust-web-dev", "libstd-rust-web-")?;
    let llvm = dependency(&library, "libllvm")?;
    let fixed = ["rustc-web", "rust-web-src", "libstd-rust-web-dev"].map(str::to_owned);
    Ok(fixed.into_iter().chain([library, llvm]).collect())
}

/// The package with a name like `prefix` that another depends on.
fn dependency(package: &str, prefix: &str) -> Result<String> {
    let mut apt = Command::new("apt-cache");
    let list = process::run(
        "Debian's package lists do not have the compiler",
        apt.args(["depends", "--no-recommends", package]),
    )
    .map_err(|error| error.help("run `sudo apt-get update`"))?;
    let list = String::from_utf8_lossy(&list);
    let mut names = list.lines().filter_map(|line| line.trim().strip_prefix("Depends: "));
    names.find(|name| name.starts_with(prefix)).map(str::to_owned).ok_or_else(|| {
        Error::new("Debian's compiler has changed its packages")
            .at(package)
            .expected(format!("a dependency on {prefix}*"))
            .found("none")
            .help("install the target with rustup instead")
    })
}

fn unpack(archives: &Path, root: &Path) -> Result<()> {
    fs::create_dir(root).map_err(|e| Error::io("create", root, &e))?;
    for entry in fs::read_dir(archives).map_err(|e| Error::io("read", archives, &e))? {
        let archive = entry.map_err(|e| Error::io("read", archives, &e))?.path();
        if archive.extension().is_some_and(|e| e == "deb") {
            unpack_one(&archive, root)?;
        }
    }
    Ok(())
}

fn unpack_one(archive: &Path, root: &Path) -> Result<()> {
    let failed = |found: String| {
        Error::new("a package cannot be unpacked")
            .file(archive)
            .expected("a Debian package, and room for what is in it")
            .found(found)
            .help("make room on the disk, and run it again")
    };
    let mut deb = Command::new("dpkg-deb")
        .arg("--fsys-tarfile")
        .arg(archive)
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| failed(e.to_string()))?;
    let tar = Command::new("tar")
        .args(["-x", "--wildcards", "--no-wildcards-match-slash", "--exclude=./usr/share"])
        // Of the sources only the library is needed, a tenth of them.
        .args(["src", "vendor", "compiler", "tests"].map(|f| format!("--exclude=./usr/src/*/{f}")))
        .arg("-C")
        .arg(root)
        .stdin(deb.stdout.take().map_or_else(Stdio::null, Stdio::from))
        .output()
        .map_err(|e| failed(e.to_string()))?;
    let deb = deb.wait().map_err(|e| failed(e.to_string()))?;
    match deb.success() && tar.status.success() {
        true => Ok(()),
        false => Err(failed(process::tail(&tar.stderr))),
    }
}

/// Writes the script; it names the folder the copy is moved to.
fn wrap(root: &Path, folder: &Path) -> Result<()> {
    let usr = folder.join("usr");
    let (usr, lib) = (usr.display(), root.join("usr/lib"));
    let library = fs::read_dir(&lib)
        .map_err(|e| Error::io("read", &lib, &e))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.to_string_lossy().ends_with("-linux-gnu"))
        .ok_or_else(|| {
            Error::new("Debian's compiler has no library folder")
                .file(&lib)
                .expected("a folder *-linux-gnu")
                .found("none")
                .help("install the target with rustup instead")
        })?;
    let library = library.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let script = format!(
        "#!/bin/sh\nexport LD_LIBRARY_PATH='{usr}/lib/{library}'\n\
         exec '{usr}/bin/rustc' --sysroot '{usr}' \"$@\"\n"
    );
    let path = root.join(WRAPPER);
    fs::write(&path, script).map_err(|e| Error::io("write", &path, &e))?;
    process::run("a script cannot be made executable", Command::new("chmod").arg("+x").arg(&path))?;
    Ok(())
}
