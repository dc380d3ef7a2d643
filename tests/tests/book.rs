//! The book: its pages are listed, its links lead somewhere, its commands run and its programs compile.

mod program;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use nervecord_tests::models;
use program::{Desk, bundled};

/// Pages whose commands are run as they stand, on a folder with what they name. Those of the others are tasks of the
/// repository, which its own checks run, or take minutes, and have tests of their own.
const RUN: [&str; 5] =
    ["start-here.md", "calibration.md", "c-firmware.md", "report.md", "verify.md"];

fn docs() -> PathBuf {
    models("../docs")
}

/// Where a page's text is: what it takes from another place, or itself.
fn source(name: &str) -> PathBuf {
    let text = fs::read_to_string(docs().join(name)).unwrap();
    let taken =
        text.strip_prefix("{{#include ").and_then(|rest| rest.trim_end().strip_suffix("}}"));
    docs().join(taken.unwrap_or(name))
}

fn page(name: &str) -> String {
    fs::read_to_string(source(name)).unwrap()
}

fn pages() -> BTreeSet<String> {
    let entries = fs::read_dir(docs()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(".md") && name != "SUMMARY.md").collect()
}

/// The code blocks of a page that are marked `kind`.
fn blocks(page: &str, kind: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in page.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(mark)) => open = Some((mark.to_owned(), String::new())),
            (Some(_), Some("")) => {
                let (mark, text) = open.take().unwrap();
                out.extend((mark == kind).then_some(text));
            }
            (Some((_, text)), _) => *text += &format!("{line}\n"),
            (None, None) => {}
        }
    }
    out
}

/// Where a page's links lead, those to other sites left out.
fn links(page: &str) -> Vec<&str> {
    let ends = page.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    let targets = ends.map(|(target, _)| target);
    targets.filter(|target| !target.contains("://") && !target.contains(' ')).collect()
}

#[test]
fn every_page_is_in_the_summary_and_every_link_leads_somewhere() {
    let summary = page("SUMMARY.md");
    let listed: BTreeSet<String> = links(&summary).into_iter().map(str::to_owned).collect();
    assert_eq!(listed, pages());
    for name in pages() {
        for link in links(&page(&name)) {
            let (path, place) = link.split_once('#').unwrap_or((link, ""));
            let from = source(&name);
            let target = if path.is_empty() { from } else { from.parent().unwrap().join(path) };
            assert!(target.exists(), "{name}: {link}");
            if place.is_empty() {
                continue;
            }
            let text = match target.parent() == Some(&docs()) {
                true => page(&target.file_name().unwrap().to_string_lossy()),
                false => fs::read_to_string(&target).unwrap(),
            };
            let heads = text.lines().filter(|line| line.starts_with('#')).map(anchor);
            assert!(heads.into_iter().any(|head| head == place), "{name}: {link}");
        }
    }
}

/// What a heading is called in a link.
fn anchor(heading: &str) -> String {
    let words = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = words.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// A folder with what the pages' commands name.
fn desk() -> Desk {
    let desk = Desk::new();
    let file = |name: &str| fs::read(bundled("policy", name)).unwrap();
    desk.file("policy.onnx", file("model.onnx"));
    desk.file("inputs.csv", file("calibration.csv"));
    desk.file("vectors.csv", file("vectors.csv"));
    let inputs: Vec<f32> = (0..3200).map(|k| (k * k % 17) as f32 / 10.0 - 0.8).collect();
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (400, 8), }";
    desk.file("inputs.npy", program::npy(header, &inputs));
    #[cfg(unix)]
    std::os::unix::fs::symlink(models("").canonicalize().unwrap(), desk.path("models")).unwrap();
    desk
}

fn run(desk: &Desk, page: &str, command: &str) {
    let mut words = command.split_whitespace();
    let program = words.next().unwrap();
    let arguments: Vec<&str> = words.collect();
    if program == "nervecord" {
        desk.nervecord(&arguments).done();
        return;
    }
    let done = Command::new(program).args(arguments).current_dir(desk.path("")).output().unwrap();
    assert!(done.status.success(), "{page}: {command}: {}", String::from_utf8_lossy(&done.stderr));
}

fn commands(page: &str, kind: &str) -> Vec<String> {
    let lines = blocks(page, kind).into_iter().flat_map(|block| {
        let block = block.replace("\\\n", " ");
        block
            .lines()
            .map(|line| line.split(" # ").next().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    });
    lines.filter(|line| !line.trim().is_empty()).collect()
}

#[test]
fn commands_do_what_the_page_says() {
    for name in RUN {
        let desk = desk();
        let commands = commands(&page(name), "sh");
        assert!(!commands.is_empty(), "{name}");
        for command in commands.iter().filter(|command| !command.contains("--c ")) {
            run(&desk, name, command);
        }
    }
}

#[cfg_attr(not(feature = "emulated"), ignore = "needs a compiler for the core")]
#[test]
fn commands_and_programs_for_c_do_what_the_page_says() {
    for name in RUN {
        let desk = desk();
        for command in commands(&page(name), "sh").iter().filter(|line| line.contains("--c ")) {
            run(&desk, name, command);
        }
        for command in commands(&page(name), "sh,arm") {
            run(&desk, name, &command);
        }
        for (i, program) in blocks(&page(name), "c").iter().enumerate() {
            let file = format!("program{i}.c");
            desk.file(&file, program);
            let flags = "-mcpu=cortex-m4 -mthumb -ffreestanding -std=c99 -pedantic -Wall -Wextra -Werror -Inetwork";
            run(&desk, name, &format!("arm-none-eabi-gcc {flags} -c {file} -o program{i}.o"));
        }
    }
}

#[cfg_attr(not(feature = "emulated"), ignore = "needs Python: run `cargo xtask test`")]
#[test]
fn python_on_the_pages_is_python() {
    let desk = Desk::new();
    for name in pages() {
        for (i, program) in blocks(&page(&name), "python").iter().enumerate() {
            let file = format!("{name}.{i}.py");
            desk.file(&file, program);
            run(&desk, &name, &format!("python3 -m py_compile {file}"));
        }
    }
}

#[test]
fn settings_on_the_pages_are_settings() {
    for name in pages() {
        for (i, settings) in blocks(&page(&name), "toml").iter().enumerate() {
            assert!(toml::from_str::<toml::Table>(settings).is_ok(), "{name}: block {i}");
        }
        for (i, text) in blocks(&page(&name), "json").iter().enumerate() {
            assert!(serde_json::from_str::<serde_json::Value>(text).is_ok(), "{name}: block {i}");
        }
    }
}

#[test]
fn no_block_is_of_a_kind_that_nothing_looks_at() {
    let known =
        ["sh", "sh,arm", "c", "python", "toml", "json", "csv", "text", "rust", "rust,no_run"];
    for name in pages() {
        let text = page(&name);
        let marks = text.lines().filter_map(|line| line.strip_prefix("```"));
        for mark in marks.filter(|mark| !mark.is_empty()) {
            assert!(known.contains(&mark), "{name}: {mark}");
        }
    }
    assert!(Path::new(&docs()).join("book.toml").is_file());
}
