//! Files that are written: whole or not at all, several of them together, and never over what was read.
//!
//! Stands on what must be cleaned up, and errors.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::cleanup::{self, Litter, Promise};
use crate::error::{Error, Result};
use crate::input;

/// A file in the making, which takes its place with [`commit`]; else it goes without a trace.
///
/// What is no regular file, such as a pipe, is written into as the text comes.
pub struct Output {
    path: PathBuf,
    place: Place,
}

enum Place {
    File(Staged),
    Stream(Box<dyn Write>),
}

/// A file beside its place.
struct Staged {
    file: BufWriter<NamedTempFile>,
    to: PathBuf,
    replaces: bool,
    // Until the file has its place or is gone.
    _promise: Promise,
}

/// Writes `text` to `path` whole or not at all.
///
/// # Errors
/// As for [`Output::create`] and [`commit`].
pub fn write_atomic(path: &Path, text: &[u8]) -> Result<()> {
    commit(vec![Output::of(path, text)?])
}

impl Output {
    /// Begins the file at `path`, in the folder where a link at `path` leads.
    ///
    /// # Errors
    /// The folder does not exist or cannot be written, or `path` is a folder.
    pub fn create(path: &Path) -> Result<Self> {
        let place = place(path).map_err(|e| Error::io("write", path, &e))?;
        Ok(Self { path: path.to_owned(), place })
    }

    /// Begins the file at `path` with `text`.
    ///
    /// # Errors
    /// As for [`create`](Self::create) and [`write`](Self::write).
    pub fn of(path: &Path, text: &[u8]) -> Result<Self> {
        let mut output = Self::create(path)?;
        output.write(text)?;
        Ok(output)
    }

    /// Adds text.
    ///
    /// # Errors
    /// The disk is full.
    pub fn write(&mut self, text: &[u8]) -> Result<()> {
        let written = match &mut self.place {
            Place::File(staged) => staged.file.write_all(text),
            Place::Stream(stream) => stream.write_all(text),
        };
        written.map_err(|e| Error::io("write", &self.path, &e))
    }

    fn flush(&mut self) -> Result<()> {
        let flushed = match &mut self.place {
            Place::File(staged) => staged.file.flush(),
            Place::Stream(stream) => stream.flush(),
        };
        flushed.map_err(|e| Error::io("write", &self.path, &e))
    }
}

/// Files that are written to their ends and only have to take their places.
pub struct Ready {
    files: Vec<(PathBuf, Staged)>,
    places: BTreeSet<PathBuf>,
}

/// Puts all files in their places.
///
/// # Errors
/// As for [`ready`] and [`Ready::commit`].
pub fn commit(outputs: Vec<Output>) -> Result<()> {
    ready(outputs)?.commit()
}

/// Ends all files.
///
/// # Errors
/// The disk is full, or two files have one place.
pub fn ready(mut outputs: Vec<Output>) -> Result<Ready> {
    outputs.iter_mut().try_for_each(Output::flush)?;
    let staged = |output| match output {
        Output { path, place: Place::File(staged) } => Some((path, staged)),
        Output { place: Place::Stream(_), .. } => None,
    };
    let files: Vec<(PathBuf, Staged)> = outputs.into_iter().filter_map(staged).collect();
    let mut places = BTreeSet::new();
    for (path, file) in &files {
        if !places.insert(real(&file.to)) {
            return Err(Error::new("two results would be written to one file")
                .file(path)
                .expected("a file of its own for each")
                .found("one path for both")
                .help("choose another name for one of them"));
        }
    }
    Ok(Ready { files, places })
}

impl Ready {
    /// Puts all files in their places; if one cannot take its own, those that are new go again.
    ///
    /// Where another process puts files into the same folders, one waits for the other, so that files of
    /// different runs do not mix.
    ///
    /// # Errors
    /// A place cannot be taken.
    pub fn commit(self) -> Result<()> {
        let _locks = lock_folders(&self.places);
        let _calm = cleanup::calm();
        let mut new = Vec::new();
        for (path, Staged { file, to, replaces, _promise }) in self.files {
            let taken = file.into_inner().map_err(io::IntoInnerError::into_error);
            let taken = taken.and_then(|file| file.persist(&to).map_err(|e| e.error));
            if let Err(e) = taken {
                for path in new {
                    // What cannot be removed either is told by the same error.
                    let _: io::Result<()> = fs::remove_file(path);
                }
                return Err(Error::io("write", path, &e));
            }
            if !replaces {
                new.push(to);
            }
        }
        Ok(())
    }
}

/// Locks all folders of `places` until the files are dropped; where there are no locks, it does without.
fn lock_folders(places: &BTreeSet<PathBuf>) -> Vec<File> {
    // In one order everywhere, so that no two wait for each other.
    let folders: BTreeSet<&Path> = places.iter().map(|place| folder_of(place)).collect();
    let lock = |folder| {
        let file = File::open(folder).ok()?;
        file.lock().ok()?;
        Some(file)
    };
    folders.into_iter().filter_map(lock).collect()
}

fn place(path: &Path) -> io::Result<Place> {
    match input::descriptor(path) {
        Some(1) => return Ok(stream(io::stdout())),
        Some(2) => return Ok(stream(io::stderr())),
        // Behind what the shell wrote there before.
        Some(_) => return Ok(stream(OpenOptions::new().append(true).open(path)?)),
        None => {}
    }
    let to = followed(path)?;
    let permissions = match fs::metadata(&to) {
        Ok(about) if about.is_dir() => return Err(ErrorKind::IsADirectory.into()),
        Ok(about) if !about.is_file() => {
            return Ok(stream(OpenOptions::new().write(true).open(&to)?));
        }
        Ok(about) => Some(about.permissions()),
        Err(e) if e.kind() == ErrorKind::NotFound => None,
        Err(e) => return Err(e),
    };
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    if permissions.is_none() {
        use std::os::unix::fs::PermissionsExt;
        // As public as the user's mask makes a new file.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let (file, promise) = cleanup::promised(
        || builder.tempfile_in(folder_of(&to)),
        |file| Litter::File(file.path().to_owned()),
    )?;
    let replaces = permissions.is_some();
    if let Some(permissions) = permissions {
        file.as_file().set_permissions(permissions)?;
    }
    Ok(Place::File(Staged { file: BufWriter::new(file), to, replaces, _promise: promise }))
}

fn stream(to: impl Write + 'static) -> Place {
    Place::Stream(Box::new(BufWriter::new(Quiet(to))))
}

/// Where the links at `path` lead; there need not be a file yet.
fn followed(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    // As many as Linux follows.
    for _ in 0..40 {
        match fs::read_link(&path) {
            Ok(to) => path = folder_of(&path).join(to),
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::other("too many symbolic links"))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The one path of a file that may not be there yet.
fn real(path: &Path) -> PathBuf {
    let folder = folder_of(path);
    folder.canonicalize().unwrap_or(folder.to_owned()).join(path.file_name().unwrap_or_default())
}

/// Refuses to write to `path` if that is one of the files that are read.
///
/// # Errors
/// It is.
pub fn spare(path: &Path, inputs: &[PathBuf]) -> Result<()> {
    match inputs.iter().find(|input| is_same_file(path, input)) {
        None => Ok(()),
        Some(input) => Err(Error::new("the result would be written over a file that is read")
            .file(path)
            .expected("another file than those that are read")
            .found(format!("the same file as {}", input.display()))
            .help("choose another name for the result")),
    }
}

fn is_same_file(a: &Path, b: &Path) -> bool {
    let (Ok(about_a), Ok(about_b)) = (fs::metadata(a), fs::metadata(b)) else { return false };
    if !about_a.is_file() || !about_b.is_file() {
        return false;
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        if (about_a.dev(), about_a.ino()) == (about_b.dev(), about_b.ino()) {
            return true;
        }
    }
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

/// A folder that goes again if nothing comes into it, with those above it that were made for it.
#[derive(Debug)]
pub struct Folder {
    /// The deepest first.
    made: Vec<(PathBuf, Promise)>,
}

impl Folder {
    /// Makes `path` and the folders above it where they are missing.
    ///
    /// # Errors
    /// A folder cannot be made.
    pub fn make(path: &Path) -> Result<Self> {
        let missing = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.exists();
        let missing: Vec<&Path> = path.ancestors().take_while(missing).collect();
        let mut folder = Self { made: Vec::new() };
        for part in missing.into_iter().rev() {
            let made = cleanup::promised(
                || fs::create_dir(part),
                |()| Litter::EmptyFolder(part.to_owned()),
            );
            match made {
                Ok(((), promise)) => folder.made.insert(0, (part.to_owned(), promise)),
                // Another process was faster.
                Err(e) if e.kind() == ErrorKind::AlreadyExists && part.is_dir() => {}
                Err(e) => return Err(Error::io("create", path, &e)),
            }
        }
        Ok(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        for (path, _promise) in self.made.drain(..) {
            // It stays where something is in it.
            let _: io::Result<()> = fs::remove_dir(path);
        }
    }
}

/// A writer for which a reader that has seen enough is no fault.
pub struct Quiet<W>(pub W);

impl<W: Write> Write for Quiet<W> {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        match self.0.write(text) {
            Err(e) if e.kind() == ErrorKind::BrokenPipe => Ok(text.len()),
            written => written,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.0.flush() {
            Err(e) if e.kind() == ErrorKind::BrokenPipe => Ok(()),
            flushed => flushed,
        }
    }
}
