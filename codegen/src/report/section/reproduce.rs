//! Where it comes from, and how to make it again. Stands on the facts and the page.

use super::super::facts::{Facts, Origin};
use super::super::page::{Section, facts as list, paragraph, words};

/// Hashes and commands.
pub fn section(facts: &Facts) -> Option<Section> {
    let hash = |name: &str, hash: &str| format!("{} <br><code>{}</code>", words(name), words(hash));
    let calibration = match &facts.calibration_file {
        Some(file) => format!("{file}, {}", facts.calibration),
        None => facts.calibration.clone(),
    };
    let module = format!("{}.rs", facts.model);
    let rows = [
        ("model", hash(&facts.model_file, facts.model_sha256)),
        ("calibration", hash(&calibration, facts.calibration_sha256)),
        ("module", hash(&module, &facts.module_sha256)),
        ("written by", words(&format!("nervecord {}", facts.version))),
    ];
    let given = match facts.judged_on {
        Origin::Vectors => {
            "The rows that it was judged on were given to `nervecord verify`; the module does not depend on them. "
        }
        _ => "",
    };
    let compile = format!("nervecord compile {} -o {module} --report report", arguments(facts));
    let html = list(rows)
        + &paragraph(&format!(
            "{given}The same files give the same module, byte for byte, on any machine. Hashes are SHA-256."
        ))
        + &command(&compile);
    Some(Section { id: "reproduce", title: "Where it comes from", html })
}

/// The arguments of a command on this model.
pub fn arguments(facts: &Facts) -> String {
    let calibration = facts.calibration_file.as_ref();
    let calibration = calibration.map(|file| format!("--calibration {} ", quoted(file)));
    format!(
        "{} {}{} --name {}",
        quoted(&facts.model_file),
        calibration.unwrap_or_default(),
        facts.options,
        facts.model
    )
}

/// A command to copy.
pub fn command(line: &str) -> String {
    format!("<pre><code>{}</code></pre>\n", words(line))
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}
