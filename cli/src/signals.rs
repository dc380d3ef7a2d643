//! SIGINT and SIGTERM: nothing that this program made or started stays behind. Stands on the library's list of what
//! that is, [`cleanup`].

use std::io::Result;
use std::process::{Child, Command};

use nervecord_codegen::cleanup::{self, Litter, Promise};

/// From now on puts everything away before SIGINT or SIGTERM ends the program.
pub fn heed() {
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
                let _ending = cleanup::put_everything_away();
                // It fails for signals that do not end a program only.
                let _ = signal_hook::low_level::emulate_default_handler(signal);
            }
        });
    }
}

/// Starts a program that does not outlive this one, if a signal ends it.
///
/// # Errors
/// It does not start.
pub fn spawn(command: &mut Command) -> Result<(Child, Promise)> {
    cleanup::promised(
        || command.spawn(),
        |child| {
            let id = child.id();
            Litter::Running(Box::new(move || kill(id)))
        },
    )
}

#[cfg(unix)]
fn kill(id: u32) {
    use rustix::process::{Pid, Signal, kill_process};
    if let Some(pid) = i32::try_from(id).ok().and_then(Pid::from_raw) {
        // It fails for a program that has ended.
        let _ = kill_process(pid, Signal::KILL);
    }
}

#[cfg(not(unix))]
fn kill(_: u32) {}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::io::{BufRead, BufReader};
    use std::path::PathBuf;
    use std::process::Stdio;

    use nervecord_codegen::cleanup::{Litter, promised};

    use super::*;

    const NAME: &str = "signals::tests::a_signal_puts_everything_away";
    const PLAYS_THE_PROGRAM: &str = "NERVECORD_TEST_OF_SIGNALS";

    /// Makes litter, says that it is there, and waits for the signal.
    fn make_litter(place: PathBuf) {
        heed();
        let (file, folder) = (place.join("file"), place.join("folder"));
        let _file = promised(|| fs::write(&file, ""), |()| Litter::File(file.clone())).unwrap();
        let _folder =
            promised(|| fs::create_dir(&folder), |()| Litter::Folder(folder.clone())).unwrap();
        fs::write(folder.join("inside"), "").unwrap();
        let kept = place.join("kept");
        drop(promised(|| fs::write(&kept, ""), |()| Litter::File(kept.clone())).unwrap());
        let mut sleep = Command::new("sleep");
        let (mut child, _child) = spawn(sleep.arg("600")).unwrap();
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
