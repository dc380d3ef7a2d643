//! What must not stay behind when a signal ends the program: temporary files and folders, and programs it started.

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
    /// A running program.
    Process(u32),
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

/// From now on puts everything away before SIGINT or SIGTERM ends the program; for programs, not libraries.
pub fn on_signals() {
    #[cfg(unix)]
    {
        use signal_hook::consts::{SIGINT, SIGTERM};
        // Without it the signals end the program as they always do.
        let Ok(mut signals) = signal_hook::iterator::Signals::new([SIGINT, SIGTERM]) else {
            return;
        };
        std::thread::spawn(move || {
            if let Some(signal) = signals.forever().next() {
                // Held until the end, so that nothing more is begun.
                let _calm = lock(&CALM);
                let all = lock(&LITTER);
                all.iter().rev().for_each(|(_, litter)| litter.put_away());
                // It fails for signals that do not end a program only.
                let _ = signal_hook::low_level::emulate_default_handler(signal);
            }
        });
    }
}

impl Litter {
    /// Does what can be done: there is nobody left to tell.
    #[cfg(unix)]
    fn put_away(&self) {
        let _ = match self {
            Self::File(path) => fs::remove_file(path),
            Self::Folder(path) => fs::remove_dir_all(path),
            Self::EmptyFolder(path) => fs::remove_dir(path),
            Self::Process(id) => {
                use rustix::process::{Pid, Signal, kill_process};
                let pid = i32::try_from(*id).ok().and_then(Pid::from_raw);
                pid.map_or(Ok(()), |pid| kill_process(pid, Signal::KILL).map_err(Into::into))
            }
        };
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    use super::*;

    const NAME: &str = "cleanup::tests::a_signal_puts_everything_away";
    const PLAYS_THE_PROGRAM: &str = "NERVECORD_TEST_OF_SIGNALS";

    /// Makes litter, says that it is there, and waits for the signal.
    fn make_litter(place: PathBuf) {
        on_signals();
        let (file, folder) = (place.join("file"), place.join("folder"));
        let _file = promised(|| fs::write(&file, ""), |()| Litter::File(file.clone())).unwrap();
        let _folder =
            promised(|| fs::create_dir(&folder), |()| Litter::Folder(folder.clone())).unwrap();
        fs::write(folder.join("inside"), "").unwrap();
        let kept = place.join("kept");
        drop(promised(|| fs::write(&kept, ""), |()| Litter::File(kept.clone())).unwrap());
        let mut sleep = Command::new("sleep");
        let (mut child, _child) =
            promised(|| sleep.arg("600").spawn(), |child| Litter::Process(child.id())).unwrap();
        fs::write(place.join("kept"), child.id().to_string()).unwrap();
        println!("ready");
        child.wait().unwrap();
    }

    /// This test, run once more as a program of its own.
    #[test]
    fn a_signal_puts_everything_away() {
        if let Some(place) = std::env::var_os(PLAYS_THE_PROGRAM) {
            return make_litter(place.into());
        }
        let place = tempfile::tempdir().unwrap();
        let mut program = Command::new(std::env::current_exe().unwrap());
        program.args([NAME, "--exact", "--nocapture"]).env(PLAYS_THE_PROGRAM, place.path());
        let mut program = program.stdout(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(program.stdout.take().unwrap()).lines();
        assert!(said.any(|line| line.unwrap().contains("ready")));
        let kill = |arguments: &[&str]| Command::new("kill").args(arguments).output().unwrap();
        assert!(kill(&["-s", "TERM", &program.id().to_string()]).status.success());
        assert_eq!(program.wait().unwrap().code(), None, "ended by the signal");
        let left: Vec<_> = fs::read_dir(&place).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left, ["kept"]);
        let child = fs::read_to_string(place.path().join("kept")).unwrap();
        // Killed it is gone, or waits for its adoptive parent to notice.
        let gone = || {
            let about = fs::read_to_string(format!("/proc/{child}/stat"));
            about.map_or_else(|_| !kill(&["-0", &child]).status.success(), |s| s.contains(") Z "))
        };
        assert!((0..500).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            gone()
        }));
    }
}
