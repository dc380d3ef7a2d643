//! The command line with changed arguments and files, in a process of its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nervecord_tests::seeds::Seed;

use crate::outcome::{Outcome, Wrong, wrong};

/// The variable that has this program be `nervecord`.
pub const ROLE: &str = "NERVECORD_FUZZ_ROLE";
/// Options before the name of a file that is written.
const RESULTS: [&str; 6] = ["-o", "--out", "--svg", "--report", "--certificate", "--proof"];
/// Longest that a command may take.
const LIMIT: Duration = Duration::from_secs(10);

/// Calls `nervecord` with the arguments in the file of that name.
///
/// # Errors
/// It panics, hangs, is silent about a failure, or leaves something behind or changed.
pub fn run(seed: &Seed, folder: &Path) -> Result<Outcome, Wrong> {
    let text = fs::read(folder.join("arguments")).unwrap_or_default();
    let text = String::from_utf8_lossy(&text).replace('\0', "");
    // No path leads out of the folder, and nothing that takes minutes is called.
    let harmless = |word: &str| match word {
        "demo" | "emulate" => "inspect".to_owned(),
        word if word.starts_with('/') || word.contains("..") => word.replace(['/', '.'], "_"),
        word => word.replace("=/", "=_"),
    };
    let words: Vec<String> = text.lines().map(harmless).collect();
    let before = listing(folder);
    let called = call(folder, &words)?;
    let after = listing(folder);
    let line = || format!("{}nervecord {}", called.stderr, words.join(" "));
    let Some(code) = called.code.filter(|code| (0..=2).contains(code)) else {
        return wrong("crash", line());
    };
    if called.stderr.contains("panicked") {
        return wrong("panic", line());
    }
    if code == 2 && called.stderr.contains("error: ") {
        let advised =
            ["     help: ", "--help", "Usage:"].iter().any(|word| called.stderr.contains(word));
        if !advised {
            return wrong("no help", line());
        }
    }
    if code == 2 && called.stderr.is_empty() && !words.is_empty() {
        return wrong("silent", line());
    }
    for name in seed.files.iter().map(|(name, _)| name.as_str()).filter(|name| read(&words, name)) {
        if before.get(name) != after.get(name) {
            return wrong("overwritten", format!("an input was changed: `{name}`\n{}", line()));
        }
    }
    let left: Vec<&String> = after.keys().filter(|name| !before.contains_key(*name)).collect();
    if code == 2 && !left.is_empty() {
        return wrong("half-written", format!("something was left behind: {left:?}\n{}", line()));
    }
    if let Some(name) = left.iter().find(|name| name.contains("tmp")) {
        return wrong("half-written", format!("something was left behind: `{name}`\n{}", line()));
    }
    Ok(if code == 0 { Outcome::Accepted } else { Outcome::Refused })
}

/// Whether a file is read: it is named, and not as a result.
fn read(words: &[String], name: &str) -> bool {
    let before = [""].into_iter().chain(words.iter().map(String::as_str));
    words.iter().zip(before).any(|(word, before)| word == name && !RESULTS.contains(&before))
}

struct Called {
    code: Option<i32>,
    stderr: String,
}

fn call(folder: &Path, words: &[String]) -> Result<Called, Wrong> {
    // Beside the folder, whose files are compared.
    let messages = folder.with_file_name("messages");
    let start = || {
        let program = std::env::current_exe()?;
        let stderr = fs::File::create(&messages)?;
        Command::new(program)
            .args(words)
            .env(ROLE, "nervecord")
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(stderr)
            .spawn()
    };
    let mut child = match start() {
        Ok(child) => child,
        // An argument that no system takes.
        Err(_) => return Ok(Called { code: Some(2), stderr: "cannot start: --help".into() }),
    };
    let begin = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break Some(status),
            Ok(None) if begin.elapsed() < LIMIT => std::thread::sleep(Duration::from_millis(1)),
            _ => break None,
        }
    };
    let Some(status) = status else {
        let _ = (child.kill(), child.wait());
        return wrong("hang", format!("nervecord {}", words.join(" ")));
    };
    let bytes = fs::read(&messages).unwrap_or_default();
    Ok(Called { code: status.code(), stderr: String::from_utf8_lossy(&bytes).into_owned() })
}

/// The files in a folder and what is in them; folders by name alone.
fn listing(folder: &Path) -> BTreeMap<String, Option<Vec<u8>>> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| {
            (entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path()).ok())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_named_as_a_result_alone_is_not_read() {
        let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let line = words("compile net.onnx --calibration data.csv -o data.csv --certificate c.csv");
        for (name, is_read) in
            [("net.onnx", true), ("data.csv", true), ("c.csv", false), ("other.csv", false)]
        {
            assert_eq!(read(&line, name), is_read, "{name}");
        }
        assert!(read(&words("net.onnx"), "net.onnx"));
    }
}
