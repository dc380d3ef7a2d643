//! Tables and values of a kernel, as data: every reader of a program gives them its own form. Stands on nothing.

use std::ops::Range;

/// Numbers of one type.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs)]
pub enum Array<'a> {
    U8(&'a [u8]),
    I8(&'a [i8]),
    U16(&'a [u16]),
    I16(&'a [i16]),
    U32(&'a [u32]),
    I32(&'a [i32]),
}

impl<'a> Array<'a> {
    /// The type of one.
    pub fn element(&self) -> &'static str {
        match self {
            Self::U8(_) => "u8",
            Self::I8(_) => "i8",
            Self::U16(_) => "u16",
            Self::I16(_) => "i16",
            Self::U32(_) => "u32",
            Self::I32(_) => "i32",
        }
    }

    /// All of them, as one type holds them.
    pub fn numbers(&self) -> Vec<i64> {
        match self {
            Self::U8(numbers) => numbers.iter().map(|&x| x.into()).collect(),
            Self::I8(numbers) => numbers.iter().map(|&x| x.into()).collect(),
            Self::U16(numbers) => numbers.iter().map(|&x| x.into()).collect(),
            Self::I16(numbers) => numbers.iter().map(|&x| x.into()).collect(),
            Self::U32(numbers) => numbers.iter().map(|&x| x.into()).collect(),
            Self::I32(numbers) => numbers.iter().map(|&x| x.into()).collect(),
        }
    }

    /// Some of them.
    ///
    /// # Panics
    /// There are not as many.
    pub fn part(&self, range: Range<usize>) -> Self {
        match self {
            Self::U8(numbers) => Self::U8(&numbers[range]),
            Self::I8(numbers) => Self::I8(&numbers[range]),
            Self::U16(numbers) => Self::U16(&numbers[range]),
            Self::I16(numbers) => Self::I16(&numbers[range]),
            Self::U32(numbers) => Self::U32(&numbers[range]),
            Self::I32(numbers) => Self::I32(&numbers[range]),
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::U8(numbers) => numbers.len(),
            Self::I8(numbers) => numbers.len(),
            Self::U16(numbers) => numbers.len(),
            Self::I16(numbers) => numbers.len(),
            Self::U32(numbers) => numbers.len(),
            Self::I32(numbers) => numbers.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of all of them.
    pub fn bytes(&self) -> usize {
        match self {
            Self::U8(numbers) => size_of_val(*numbers),
            Self::I8(numbers) => size_of_val(*numbers),
            Self::U16(numbers) => size_of_val(*numbers),
            Self::I16(numbers) => size_of_val(*numbers),
            Self::U32(numbers) => size_of_val(*numbers),
            Self::I32(numbers) => size_of_val(*numbers),
        }
    }
}

/// What a field holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A number.
    Integer(i128),
    /// Yes or no.
    Switch(bool),
    /// The kernel's table of this name.
    Table(String),
    /// A few numbers, too few for a table.
    Numbers(Vec<i64>),
    /// No table, where another kernel of the kind has one.
    NoTable,
    /// Fields under names.
    Record(Record),
}

impl Value {
    /// A reference to the table `name`.
    pub fn table(name: &str) -> Self {
        Self::Table(name.to_owned())
    }
}

impl From<Record> for Value {
    fn from(record: Record) -> Self {
        Self::Record(record)
    }
}

impl From<bool> for Value {
    fn from(switch: bool) -> Self {
        Self::Switch(switch)
    }
}

macro_rules! from_integers {
    ($($integer:ty),*) => {
        $(impl From<$integer> for Value {
            fn from(number: $integer) -> Self {
                Self::Integer(number.into())
            }
        })*
    };
}

from_integers!(u8, i8, u16, i16, u32, i32, u64);

impl From<usize> for Value {
    /// Counts of features and tables fit by far.
    fn from(count: usize) -> Self {
        Self::Integer(count as i128)
    }
}

/// A value of one of the runtime's kinds: its fields by name, in the kind's order.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Name of the kind.
    pub kind: &'static str,
    /// Its fields.
    pub fields: Vec<(&'static str, Value)>,
    /// Whether a constructor `new` takes the fields, because it has something to check or to find out.
    pub constructed: bool,
}

impl Record {
    /// A record of plain fields.
    pub fn of<const N: usize>(kind: &'static str, fields: [(&'static str, Value); N]) -> Self {
        Self { kind, fields: fields.into(), constructed: false }
    }

    /// A record whose constructor takes the fields.
    pub fn new<const N: usize>(kind: &'static str, fields: [(&'static str, Value); N]) -> Self {
        Self { constructed: true, ..Self::of(kind, fields) }
    }
}

/// A table of a kernel.
#[derive(Debug, Clone, PartialEq)]
pub struct Table<'a> {
    /// Its name among the kernel's tables.
    pub name: String,
    /// What it holds.
    pub content: Content<'a>,
}

/// What a table holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Content<'a> {
    /// Numbers, one after the other.
    List(Array<'a>),
    /// Numbers, in rows of so many columns.
    Matrix(Array<'a>, usize),
    /// The pieces of a function, which other kernels may have as well.
    Pieces(&'a [u32]),
    /// Records of one kind.
    Records {
        /// The kind.
        kind: &'static str,
        /// The records.
        rows: Vec<Record>,
        /// Bytes of one on a 32-bit core.
        bytes: usize,
    },
    /// One record, which several fields share.
    Record(Record),
    /// Words that are made of other tables for the core they run on.
    Packed {
        /// How many.
        words: usize,
        /// The runtime's function that makes them.
        by: &'static str,
        /// What it is given.
        of: Vec<Value>,
    },
}

impl<'a> Table<'a> {
    /// A table of numbers, one after the other.
    pub fn list(name: &str, array: Array<'a>) -> Self {
        Self { name: name.to_owned(), content: Content::List(array) }
    }

    /// A table of `columns` numbers a row.
    pub fn matrix(name: &str, array: Array<'a>, columns: usize) -> Self {
        Self { name: name.to_owned(), content: Content::Matrix(array, columns) }
    }

    /// A table of a function's pieces.
    pub fn pieces(name: impl Into<String>, pieces: &'a [u32]) -> Self {
        Self { name: name.into(), content: Content::Pieces(pieces) }
    }

    /// A table of records of `kind`, each of so many `bytes` on a 32-bit core.
    pub fn records(
        name: &str,
        kind: &'static str,
        bytes: usize,
        rows: impl IntoIterator<Item = Record>,
    ) -> Self {
        let rows = rows.into_iter().collect();
        Self { name: name.to_owned(), content: Content::Records { kind, rows, bytes } }
    }

    /// A record that several fields share.
    pub fn record(name: &str, record: Record) -> Self {
        Self { name: name.to_owned(), content: Content::Record(record) }
    }

    /// `words` words that the runtime's function `by` makes of the values `of`.
    pub fn packed<const N: usize>(
        name: &str,
        words: usize,
        by: &'static str,
        of: [Value; N],
    ) -> Self {
        Self { name: name.to_owned(), content: Content::Packed { words, by, of: of.into() } }
    }

    /// Bytes of it, were it in flash.
    pub fn bytes(&self) -> usize {
        match &self.content {
            Content::List(array) | Content::Matrix(array, _) => array.bytes(),
            Content::Pieces(pieces) => size_of_val(*pieces),
            Content::Records { rows, bytes, .. } => rows.len() * bytes,
            Content::Record(_) => 0,
            Content::Packed { words, .. } => 4 * words,
        }
    }
}
