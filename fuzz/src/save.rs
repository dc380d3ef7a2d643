//! What was found, with as few changes as show it, for whoever mends it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::case::{MODULES, NETWORKS, Seeds, targets};
use crate::supervise::{self, Finding, Tally, signature};
use crate::worker::Order;

/// Prints the table, saves every finding, and returns how many there are.
pub fn report(tallies: &[(String, Tally)], seed: u64) -> usize {
    let mut findings = 0;
    for (target, tally) in tallies {
        for (what, finding) in &tally.findings {
            findings += 1;
            let without = fewest(target, seed, what, finding);
            let command = repeat(target, seed, finding.index, &without);
            println!(
                "\n{target}: {} ({} times)\n{}\nrepeat: {command}",
                finding.kind, finding.count, finding.text
            );
            match save(target, seed, finding, &without, &command) {
                Ok(folder) => println!("files:  {}", folder.display()),
                Err(error) => println!("files:  not saved: {error}"),
            }
        }
    }
    let head = ["target", "cases", "accepted", "missed", "refused", "findings", "a second"];
    println!("\n| {} |\n|---|{}", head.join(" | "), "---:|".repeat(head.len() - 1));
    let mut sum = Tally::default();
    for (target, tally) in tallies {
        println!("{}", row(target, tally, tally.findings.len()));
        sum.cases += tally.cases;
        sum.accepted += tally.accepted;
        sum.missed += tally.missed;
        sum.refused += tally.refused;
        sum.seconds += tally.seconds;
    }
    println!("{}", row("all", &sum, findings));
    findings
}

fn row(target: &str, tally: &Tally, findings: usize) -> String {
    let Tally { cases, accepted, missed, refused, seconds, .. } = tally;
    let rate = *cases as f64 / seconds.max(1e-3);
    format!("| {target} | {cases} | {accepted} | {missed} | {refused} | {findings} | {rate:.0} |")
}

/// The changes that can be left out of a case without losing the finding.
fn fewest(target: &str, seed: u64, what: &str, finding: &Finding) -> Vec<usize> {
    if finding.kind == "hang" || [NETWORKS, MODULES].contains(&target) {
        return vec![];
    }
    let Some(name) = targets().into_iter().find(|name| *name == target) else { return vec![] };
    let Some(case) = Seeds::of(name).case(target, seed, finding.index, &[]) else { return vec![] };
    let mut without = Vec::new();
    for change in 0..case.changes {
        let mut tried = without.clone();
        tried.push(change);
        let order = Order {
            target: target.to_owned(),
            seed,
            from: finding.index,
            count: 1,
            milliseconds: 60_000,
            without: tried.clone(),
        };
        let again = supervise::run(&order);
        if again.findings.values().any(|f| signature(&f.kind, &f.text) == what) {
            without = tried;
        }
    }
    without
}

fn repeat(target: &str, seed: u64, index: u64, without: &[usize]) -> String {
    let list: Vec<String> = without.iter().map(usize::to_string).collect();
    let less =
        if list.is_empty() { String::new() } else { format!(" --without {}", list.join(",")) };
    format!("cargo xtask fuzz --target {target} --seed {seed} --case {index}{less}")
}

/// Writes the files of a finding and what it is about.
fn save(
    target: &str,
    seed: u64,
    finding: &Finding,
    without: &[usize],
    command: &str,
) -> io::Result<PathBuf> {
    let name = format!("{}-{seed}-{}", target.replace('/', "_"), finding.index);
    let folder = crate::places::target_folder().join("findings").join(name);
    fs::create_dir_all(&folder)?;
    files(target, seed, finding.index, without, &folder)?;
    let text = format!("{}\n{}\n\nrepeat: {command}\n", finding.kind, finding.text);
    fs::write(folder.join("finding.txt"), text)?;
    folder.canonicalize()
}

fn files(target: &str, seed: u64, index: u64, without: &[usize], folder: &Path) -> io::Result<()> {
    let Some(name) = targets().into_iter().find(|name| *name == target) else { return Ok(()) };
    match Seeds::of(name).case(target, seed, index, without) {
        Some(case) => case.seed.write(folder),
        None => Ok(()),
    }
}
