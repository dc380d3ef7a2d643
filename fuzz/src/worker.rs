//! The process that runs cases one after another, and says on stdout how each went.
//!
//! It is expected to die: whoever started it knows from its lines what it died of.

use std::backtrace::Backtrace;
use std::io::{self, Write};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::case::{MODULES, Seeds};
use crate::outcome::{Outcome, Wrong, wrong};
use crate::{exercise, modules};

/// What a worker is to do.
#[derive(Debug, Clone, clap::Args)]
pub struct Order {
    /// The target.
    #[arg(long)]
    pub target: String,
    /// The seed of all cases.
    #[arg(long)]
    pub seed: u64,
    /// The number of the first case.
    #[arg(long)]
    pub from: u64,
    /// How many cases, at most.
    #[arg(long, default_value_t = u64::MAX)]
    pub count: u64,
    /// How long, at most.
    #[arg(long)]
    pub milliseconds: u64,
    /// Changes that are left out.
    #[arg(long, value_delimiter = ',')]
    pub without: Vec<usize>,
}

/// A line that a worker writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// A case begins.
    Begin(u64),
    /// It is done.
    Done(Outcome),
    /// It did what may not happen.
    Wrong(String, String),
}

impl Line {
    /// The line's text, without its end.
    fn text(&self) -> String {
        match self {
            Self::Begin(index) => format!("begin {index}"),
            Self::Done(Outcome::Accepted) => "accepted".into(),
            Self::Done(Outcome::Refused) => "refused".into(),
            Self::Done(Outcome::Missed) => "missed".into(),
            Self::Wrong(kind, text) => format!("wrong\t{kind}\t{}", text.escape_debug()),
        }
    }

    /// Reads a line; none if it is something else that was printed.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(index) = text.strip_prefix("begin ") {
            return index.parse().ok().map(Self::Begin);
        }
        if let Some((kind, text)) =
            text.strip_prefix("wrong\t").and_then(|rest| rest.split_once('\t'))
        {
            return Some(Self::Wrong(kind.to_owned(), text.replace("\\n", "\n")));
        }
        match text {
            "accepted" => Some(Self::Done(Outcome::Accepted)),
            "refused" => Some(Self::Done(Outcome::Refused)),
            "missed" => Some(Self::Done(Outcome::Missed)),
            _ => None,
        }
    }
}

/// What the last panic said and where.
static PANIC: Mutex<String> = Mutex::new(String::new());

/// Where our functions are, in the paths of a backtrace.
const OURS: [&str; 3] = ["codegen/src/", "runtime/src/", "cli/src/"];

/// The innermost of our functions that a panic came through, where the standard library raised it.
fn place() -> String {
    let trace = Backtrace::force_capture().to_string();
    let ours = |line: &&str| {
        let at = line.trim().strip_prefix("at ");
        at.is_some_and(|at| OURS.iter().any(|room| at.contains(room)))
    };
    let line = trace.lines().find(ours).unwrap_or_default().trim();
    let from = OURS.iter().find_map(|room| line.find(room)).unwrap_or(0);
    format!("\nin {}", &line[from..])
}

/// Runs the cases of an order.
///
/// # Errors
/// There is no folder to work in, or nobody listens.
pub fn run(order: &Order) -> io::Result<()> {
    panic::set_hook(Box::new(|info| {
        if let Ok(mut text) = PANIC.lock() {
            *text = format!("{info}{}", place());
        }
    }));
    let begin = Instant::now();
    let work = tempfile::tempdir()?;
    let folder = work.path().join("case");
    std::fs::create_dir(&folder)?;
    let targets = crate::case::targets();
    let target = targets.into_iter().find(|target| *target == order.target).unwrap_or_default();
    let seeds = Seeds::of(target);
    let mut out = io::stdout().lock();
    for index in (order.from..).take(usize::try_from(order.count).unwrap_or(usize::MAX)) {
        if begin.elapsed() >= Duration::from_millis(order.milliseconds) {
            break;
        }
        writeln!(out, "{}", Line::Begin(index).text())?;
        out.flush()?;
        let line = match caught(|| match target {
            MODULES => modules::run(order.seed, index),
            _ => exercise::run(target, &seeds, order.seed, index, &order.without, &folder),
        }) {
            Ok(outcome) => Line::Done(outcome),
            Err(Wrong { kind, text }) => Line::Wrong(kind.to_owned(), text),
        };
        writeln!(out, "{}", line.text())?;
        exercise::clear(&folder);
    }
    out.flush()
}

/// A panic as a finding.
fn caught(run: impl FnOnce() -> Result<Outcome, Wrong>) -> Result<Outcome, Wrong> {
    panic::catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| {
        let text = PANIC.lock().map(|text| text.clone()).unwrap_or_default();
        wrong("panic", text)
    })
}
