//! What must not stay behind when a signal ends the program: temporary files and folders, and what it started. A
//! list that any phase may add to; the program that has signals calls [`put_everything_away`]. Stands on nothing.

use std::fs;
use std::io::Result;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Something to put away.
pub enum Litter {
    /// A file.
    File(PathBuf),
    /// A folder with all that is in it.
    Folder(PathBuf),
    /// A folder, if nothing is in it.
    EmptyFolder(PathBuf),
    /// Something that runs, by what ends it.
    Running(Box<dyn Fn() + Send>),
}

static LITTER: Mutex<Vec<(u64, Litter)>> = Mutex::new(Vec::new());
static CALM: Mutex<()> = Mutex::new(());
static NEXT: AtomicU64 = AtomicU64::new(0);

/// A promise to put something away, which ends with this value.
#[derive(Debug)]
pub struct Promise(u64);

/// Makes something that a signal's arrival puts away for as long as the promise lives; no signal is
/// answered in between.
///
/// # Errors
/// Those of `make`.
pub fn promised<T>(
    make: impl FnOnce() -> Result<T>,
    litter: impl FnOnce(&T) -> Litter,
) -> Result<(T, Promise)> {
    let mut all = lock(&LITTER);
    let made = make()?;
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    all.push((number, litter(&made)));
    Ok((made, Promise(number)))
}

impl Drop for Promise {
    fn drop(&mut self) {
        lock(&LITTER).retain(|(number, _)| *number != self.0);
    }
}

/// Has signals wait for what must not be done by half.
pub fn calm() -> MutexGuard<'static, ()> {
    lock(&CALM)
}

fn lock<T>(mutex: &'static Mutex<T>) -> MutexGuard<'static, T> {
    // What a panic left is put away all the same.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Nothing new is begun for as long as this lives.
#[must_use]
pub struct Ending {
    _calm: MutexGuard<'static, ()>,
    _litter: MutexGuard<'static, Vec<(u64, Litter)>>,
}

/// Puts everything away, what was made last first; for a program that is about to end, not for libraries.
pub fn put_everything_away() -> Ending {
    let _calm = lock(&CALM);
    let _litter = lock(&LITTER);
    _litter.iter().rev().for_each(|(_, litter)| litter.put_away());
    Ending { _calm, _litter }
}

impl Litter {
    /// Does what can be done: there is nobody left to tell.
    fn put_away(&self) {
        let _ = match self {
            Self::File(path) => fs::remove_file(path),
            Self::Folder(path) => fs::remove_dir_all(path),
            Self::EmptyFolder(path) => fs::remove_dir(path),
            Self::Running(end) => {
                end();
                Ok(())
            }
        };
    }
}
