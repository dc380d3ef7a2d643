//! Files that are read: regular ones, and for data also what a shell pipes in. Stands on errors.

use std::fs::{self, File, Metadata};
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Opens a regular file.
///
/// # Errors
/// It cannot be opened, or it is a folder, a pipe or a device.
pub fn regular(path: &Path) -> Result<File> {
    let io = |e: std::io::Error| Error::io("read", path, &e);
    // Asked before it is opened: that alone would wait for somebody to write into a pipe.
    let about = fs::metadata(path).map_err(io)?;
    if !about.is_file() {
        return Err(Error::new("this is not a regular file")
            .file(path)
            .expected("a regular file")
            .found(kind(&about))
            .help("give the path of a file that lies on a disk"));
    }
    File::open(path).map_err(io)
}

/// The text of a regular file.
///
/// # Errors
/// As of [`regular`], or it cannot be read as text.
pub fn text(path: &Path) -> Result<String> {
    let mut text = String::new();
    let read = regular(path)?.read_to_string(&mut text);
    read.map_err(|e| Error::io("read", path, &e))?;
    Ok(text)
}

/// Opens data: a regular file, or a pipe this process was started with, as `<(..)` and `/dev/stdin` are.
///
/// # Errors
/// It cannot be opened, or it is a folder, a device, or a pipe with a name, whose writer may never come.
pub fn data(path: &Path) -> Result<File> {
    let io = |e: std::io::Error| Error::io("read", path, &e);
    let about = fs::metadata(path).map_err(io)?;
    if about.is_file() {
        return File::open(path).map_err(io);
    }
    match descriptor(path).filter(|_| is_pipe(&about)) {
        #[cfg(unix)]
        Some(0) => {
            use std::os::fd::AsFd;
            // To open it again would wait where its writer has already left.
            std::io::stdin().as_fd().try_clone_to_owned().map(File::from).map_err(io)
        }
        Some(_) => File::open(path).map_err(io),
        None => Err(Error::new("this is not a file that data can be read from")
            .file(path)
            .expected("a regular file, or a pipe from the shell: <(..) or /dev/stdin")
            .found(kind(&about))
            .help("write the data into a file; `/dev/stdin < PIPE` reads a pipe that has a name")),
    }
}

/// The descriptor of this process that a path stands for, as `/dev/stdout` and `/dev/fd/1` do.
pub fn descriptor(path: &Path) -> Option<u32> {
    let own = PathBuf::from(format!("/proc/{}/fd", std::process::id()));
    let mut path = path.to_owned();
    // As many links as Linux follows.
    for _ in 0..40 {
        let folder = path.parent()?.canonicalize().ok()?;
        if folder == own || folder == Path::new("/dev/fd") {
            return path.file_name()?.to_str()?.parse().ok();
        }
        path = folder.join(fs::read_link(&path).ok()?);
    }
    None
}

#[cfg(unix)]
fn is_pipe(about: &Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt;
    about.file_type().is_fifo() || about.file_type().is_socket()
}

#[cfg(not(unix))]
fn is_pipe(_: &Metadata) -> bool {
    false
}

fn kind(about: &Metadata) -> &'static str {
    match () {
        () if about.is_dir() => "a folder",
        () if is_pipe(about) => "a pipe",
        () => "a device",
    }
}
