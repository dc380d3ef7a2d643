//! Workers in a row for every target, several targets at once; what kills a worker is found by its
//! absence.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::case::MODULES;
use crate::outcome::Outcome;
use crate::worker::{Line, Order};

/// Longest that a case may take of a processor, and by the clock on a busy machine.
const LIMITS: [Duration; 2] = [Duration::from_secs(10), Duration::from_secs(60)];
/// As long as a batch of modules may take to build.
const BUILD: Duration = Duration::from_secs(600);
/// Memory that a worker may claim, in KiB.
const MEMORY: u64 = 1 << 20;

/// What was found first of its kind.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The case.
    pub index: u64,
    /// A word for tables.
    pub kind: String,
    /// What happened.
    pub text: String,
    /// How often it happened.
    pub count: usize,
}

/// What became of a target's cases.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Cases.
    pub cases: u64,
    /// Those that went through.
    pub accepted: u64,
    /// Those that were refused.
    pub refused: u64,
    /// Those that went through without reaching the tolerance.
    pub missed: u64,
    /// What was found, by what it is about.
    pub findings: BTreeMap<String, Finding>,
    /// How long it took.
    pub seconds: f64,
}

impl Tally {
    fn found(&mut self, index: u64, kind: &str, text: &str) {
        let finding = Finding { index, kind: kind.to_owned(), text: text.to_owned(), count: 0 };
        self.findings.entry(signature(kind, text)).or_insert(finding).count += 1;
    }
}

/// What two findings of one cause have in common: the first line, without what differs from case to case.
pub fn signature(kind: &str, text: &str) -> String {
    let lines = if kind == "panic" { 3 } else { 1 };
    let head: Vec<&str> = text.lines().take(lines).collect();
    let mut quoted = false;
    let mut out = String::new();
    for c in head.join(" ").chars() {
        match c {
            '`' | '"' => quoted = !quoted,
            _ if quoted => {}
            '0'..='9' | '-' | '.' | '+'
                if kind != "panic" || out.ends_with(' ') || out.ends_with('#') =>
            {
                if !out.ends_with('#') {
                    out.push('#');
                }
            }
            c => out.push(c),
        }
    }
    format!("{kind}: {}", out.chars().take(160).collect::<String>())
}

/// Runs a target's cases for a while.
pub fn run(order: &Order) -> Tally {
    let (begin, mut tally) = (Instant::now(), Tally::default());
    let mut order = order.clone();
    let end = order.from.saturating_add(order.count);
    loop {
        let spent = begin.elapsed().as_millis() as u64;
        if order.from >= end || spent >= order.milliseconds {
            break;
        }
        let left = Order {
            count: end - order.from,
            milliseconds: order.milliseconds - spent,
            ..order.clone()
        };
        match watched(&left, &mut tally) {
            // The worker is done, or has died of a case and the next one goes on after it.
            Some(index) => order.from = index + 1,
            None => break,
        }
    }
    tally.seconds = begin.elapsed().as_secs_f64();
    tally
}

/// Runs one worker; the case it died of, if it did.
fn watched(order: &Order, tally: &mut Tally) -> Option<u64> {
    let messages = tempfile::NamedTempFile::new().ok()?;
    let mut child = match start(order, messages.path()) {
        Ok(child) => child,
        Err(error) => {
            tally.found(order.from, "harness", &error.to_string());
            return None;
        }
    };
    let (send, lines) = channel();
    let output = child.stdout.take()?;
    let reader = thread::spawn(move || {
        let lines = BufReader::new(output).lines().map_while(Result::ok);
        lines.filter_map(|line| Line::parse(&line)).for_each(|line| drop(send.send(line)));
    });
    let running = listen(&lines, &mut child, tally, order.target == MODULES);
    let _ = child.kill();
    let status = child.wait();
    let _ = reader.join();
    let (index, hung) = running?;
    let said = fs::read_to_string(messages.path()).unwrap_or_default();
    let end: String = said.lines().rev().take(3).collect::<Vec<_>>().join("; ");
    match (hung, status) {
        (true, _) => tally.found(index, "hang", "it takes longer than allowed"),
        (_, Ok(status)) => tally.found(index, "abort", &format!("{end} ({status})")),
        (_, Err(error)) => tally.found(index, "harness", &error.to_string()),
    }
    tally.cases += 1;
    Some(index)
}

/// Counts what the worker says until it ends; the case that was running then, and whether it hung.
fn listen(
    lines: &Receiver<Line>,
    child: &mut Child,
    tally: &mut Tally,
    builds: bool,
) -> Option<(u64, bool)> {
    let mut running = None;
    loop {
        match lines.recv_timeout(Duration::from_millis(500)) {
            Ok(Line::Begin(index)) => {
                running = Some((index, Instant::now(), processor(child.id())));
                continue;
            }
            Ok(line) => {
                let Some((index, ..)) = running.take() else { continue };
                tally.cases += 1;
                match line {
                    Line::Done(Outcome::Accepted) => tally.accepted += 1,
                    Line::Done(Outcome::Refused) => tally.refused += 1,
                    Line::Done(Outcome::Missed) => tally.missed += 1,
                    Line::Wrong(kind, text) => tally.found(index, &kind, &text),
                    Line::Begin(_) => {}
                }
            }
            Err(RecvTimeoutError::Timeout) => {
                let Some((index, since, before)) = running else { continue };
                let used = processor(child.id())
                    .zip(before)
                    .map(|(now, before)| now.saturating_sub(before));
                let elapsed = since.elapsed();
                let over = match builds {
                    true => elapsed > BUILD,
                    false => used.unwrap_or(elapsed) > LIMITS[0] || elapsed > LIMITS[1],
                };
                if over {
                    return Some((index, true));
                }
            }
            Err(RecvTimeoutError::Disconnected) => {
                return running.map(|(index, ..)| (index, false));
            }
        }
    }
}

/// Processor time that a process has used, where `/proc` says so.
fn processor(id: u32) -> Option<Duration> {
    let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // After the name, which may hold anything, times are fields 14 and 15, in hundredths of a second.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |i: usize| fields.get(i)?.parse::<u64>().ok();
    Some(Duration::from_millis(10 * (ticks(11)? + ticks(12)?)))
}

fn start(order: &Order, messages: &Path) -> std::io::Result<Child> {
    let program = std::env::current_exe()?;
    let mut command = if cfg!(unix) && order.target != MODULES {
        // The shell limits memory, without a dependency or unsafe code here.
        let mut shell = Command::new("sh");
        shell
            .arg("-c")
            .arg(format!("ulimit -v {MEMORY} 2>/dev/null; exec \"$0\" \"$@\""))
            .arg(program);
        shell
    } else {
        Command::new(program)
    };
    command.arg("worker");
    for (name, value) in [
        ("--target", order.target.clone()),
        ("--seed", order.seed.to_string()),
        ("--from", order.from.to_string()),
        ("--count", order.count.to_string()),
        ("--milliseconds", order.milliseconds.to_string()),
    ] {
        command.arg(name).arg(value);
    }
    if !order.without.is_empty() {
        let list: Vec<String> = order.without.iter().map(usize::to_string).collect();
        command.arg("--without").arg(list.join(","));
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(fs::File::create(messages)?).spawn()
}
