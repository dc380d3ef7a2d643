//! An integer operation: its tables, its kind and its operands, as data, and how the host runs it. Stands on
//! tables, the runtime's tensors and lanes.

use std::fmt::Debug;

use nervecord::generated::Quad;

use super::cost::Work;
use super::table::{Content, Record, Table, Value};
use crate::lanes::{Lanes, Unit};

/// What a kernel is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operand {
    /// The tensor of one of the op's reads.
    Read(usize),
    /// No tensor, where another kernel of the kind has one.
    Nothing,
    /// The tensor written, which a kernel that works in place reads as well.
    Written,
}

/// A kernel as data.
#[derive(Debug, Clone, PartialEq)]
pub struct Data<'a> {
    /// The runtime's kind and its fields.
    pub record: Record,
    /// Numbers that are part of the kind, such as `15` of `Ncap<15>`.
    pub parameters: Vec<Value>,
    /// The tables its fields name, each behind those it is made of.
    pub tables: Vec<Table<'a>>,
    /// The method that runs it.
    pub method: &'static str,
    /// What that is given, in its order.
    pub operands: Vec<Operand>,
    /// Quads of each of its tensors, where the kind computes all that it is given: what lies behind is a layer's
    /// work memory.
    pub quads: Option<usize>,
    /// Whether the record is itself kept in flash: one whose making takes long.
    pub kept: bool,
    /// Whether it can read the caller's inputs and write the caller's outputs where they are.
    pub direct: bool,
}

impl<'a> Data<'a> {
    /// A kernel of so many reads and one written tensor.
    pub fn new(record: Record, tables: Vec<Table<'a>>, reads: usize) -> Self {
        let operands = (0..reads).map(Operand::Read).chain([Operand::Written]).collect();
        Self {
            record,
            parameters: vec![],
            tables,
            method: "run",
            operands,
            quads: None,
            kept: false,
            direct: false,
        }
    }

    /// What `table` is, if another kernel may have the same and name it: the pieces of a function, and records of numbers
    /// and of such pieces.
    pub fn identity(&self, table: &Table) -> Option<String> {
        let named = |name: &str| self.tables.iter().find(|other| other.name == name);
        match &table.content {
            Content::Pieces(pieces) => Some(format!("{pieces:?}")),
            Content::Records { kind, rows, .. } => {
                let mut text = String::from(*kind);
                rows.iter().try_for_each(|row| identify(row, &named, &mut text))?;
                Some(text)
            }
            _ => None,
        }
    }

    /// Bytes of its tables in flash: those that another is made of are not there.
    pub fn bytes(&self) -> usize {
        let made_of = self.tables.iter().filter_map(|table| match &table.content {
            Content::Packed { of, .. } => Some(of),
            _ => None,
        });
        let sources: Vec<&Value> = made_of.flatten().collect();
        let kept = |table: &&Table| {
            !sources.iter().any(|value| matches!(value, Value::Table(name) if *name == table.name))
        };
        self.tables.iter().filter(kept).map(Table::bytes).sum()
    }
}

/// Appends all that distinguishes a record from others of its kind; none if it has tables that are not shared.
fn identify<'t>(
    record: &Record,
    named: &dyn Fn(&str) -> Option<&'t Table<'t>>,
    text: &mut String,
) -> Option<()> {
    for (_, value) in &record.fields {
        match value {
            Value::Table(name) => match named(name)?.content {
                Content::Pieces(pieces) => *text += &format!(" {pieces:?}"),
                _ => return None,
            },
            Value::Record(record) => identify(record, named, text)?,
            other => *text += &format!(" {other:?}"),
        }
    }
    Some(())
}

/// One integer operation with its tables.
pub trait Kernel: Debug + Send + Sync {
    /// What it is.
    fn data(&self) -> Data<'_>;

    /// Computes on the host, through the runtime. A kernel that works in place finds its first
    /// operand in `y`; `reads` are the others.
    fn run(&self, reads: &[&[Quad]], y: &mut [Quad]);

    /// Whether [`run_lanes`](Self::run_lanes) computes it.
    fn has_lanes(&self) -> bool {
        false
    }

    /// Computes many rows at once, feature by feature, with the same integers; a kernel that works in place finds its
    /// first operand in `y`.
    fn run_lanes(&self, _unit: Unit, _reads: &[&[Lanes]], _y: &mut [Lanes]) {}

    /// What its time grows with.
    fn work(&self) -> Work {
        Work::Other
    }

    /// Whether it takes the same time for every input.
    fn constant_time(&self) -> bool {
        true
    }

    /// Worst error of one of its functions over all input integers, in units of the output, where it
    /// takes time to find.
    fn worst_error(&self) -> Option<f64> {
        None
    }
}

/// A kernel applied to places in memory.
#[derive(Debug)]
pub struct Op {
    /// The layer's name, for reports and for the names of its tables.
    pub name: String,
    /// What it does.
    pub kernel: Box<dyn Kernel>,
    /// Storages read, beside the one written.
    pub reads: Vec<usize>,
    /// Storage written.
    pub write: usize,
    /// The widths of the network that need it, as bits.
    pub widths: u32,
}
