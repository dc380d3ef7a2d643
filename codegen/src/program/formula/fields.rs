//! Kernels' data by the names of their fields. Stands on kernels as data.

use crate::error::{Error, Result};
use crate::program::kernel::Data;
use crate::program::table::{Content, Record, Table, Value};

/// What there is at most of anything.
const MOST: usize = 1 << 17;

/// A record of a kernel, and the tables that its fields name.
#[derive(Clone, Copy)]
pub struct Fields<'a> {
    data: &'a Data<'a>,
    record: &'a Record,
}

impl<'a> Fields<'a> {
    /// The kernel's own.
    pub fn of(data: &'a Data<'a>) -> Self {
        Self { data, record: &data.record }
    }

    /// Name of its kind.
    pub fn kind(&self) -> &'static str {
        self.record.kind
    }

    fn value(&self, name: &str) -> Result<&'a Value> {
        let field = self.record.fields.iter().find(|(field, _)| *field == name);
        field.map(|(_, value)| value).ok_or_else(|| self.wrong(name, "a field of that name"))
    }

    fn wrong(&self, name: &str, expected: &str) -> Error {
        Error::new("a kernel's data cannot be read")
            .at(format!("`{name}` of {}", self.record.kind))
            .expected(expected)
            .found("something else")
            .help("write the module again with this version")
    }

    /// A whole number.
    pub fn number(&self, name: &str) -> Result<i64> {
        number(self.value(name)?).ok_or_else(|| self.wrong(name, "a whole number"))
    }

    /// The same of a count.
    pub fn count(&self, name: &str) -> Result<usize> {
        let count = usize::try_from(self.number(name)?).ok().filter(|count| *count <= MOST);
        count.ok_or_else(|| self.wrong(name, "a count of what a microcontroller has"))
    }

    /// Yes or no.
    pub fn switch(&self, name: &str) -> Result<bool> {
        match self.value(name)? {
            Value::Switch(switch) => Ok(*switch),
            _ => Err(self.wrong(name, "true or false")),
        }
    }

    /// A few numbers.
    pub fn numbers(&self, name: &str) -> Result<Vec<i64>> {
        match self.value(name)? {
            Value::Numbers(numbers) => Ok(numbers.clone()),
            _ => Err(self.wrong(name, "a few numbers")),
        }
    }

    /// So many counts.
    pub fn counts<const N: usize>(&self, name: &str) -> Result<[usize; N]> {
        let counts: Vec<usize> =
            self.numbers(name)?.into_iter().filter_map(|n| n.try_into().ok()).collect();
        // Of all together as well.
        let all = counts.iter().try_fold(1_usize, |all, n: &usize| all.checked_mul((*n).max(1)));
        if all.is_none_or(|all| all > MOST * MOST) || counts.iter().any(|n| *n > MOST) {
            return Err(self.wrong(name, "counts of what a microcontroller has"));
        }
        counts.try_into().map_err(|_| self.wrong(name, "counts"))
    }

    /// The record in a field, or in the table that it names.
    pub fn record(&self, name: &str) -> Result<Self> {
        let record = match self.value(name)? {
            Value::Record(record) => Some(record),
            Value::Table(table) => match &self.table(table)?.content {
                Content::Record(record) => Some(record),
                _ => None,
            },
            _ => None,
        };
        let record = record.ok_or_else(|| self.wrong(name, "a record"))?;
        Ok(Self { record, ..*self })
    }

    /// The records of a table that a field names.
    pub fn records(&self, name: &str) -> Result<Vec<Self>> {
        let Value::Table(table) = self.value(name)? else {
            return Err(self.wrong(name, "a table of records"));
        };
        match &self.table(table)?.content {
            Content::Records { rows, .. } => {
                Ok(rows.iter().map(|record| Self { record, ..*self }).collect())
            }
            _ => Err(self.wrong(name, "a table of records")),
        }
    }

    fn table(&self, name: &str) -> Result<&'a Table<'a>> {
        let table = self.data.tables.iter().find(|table| table.name == name);
        table.ok_or_else(|| self.wrong(name, "a table of that name"))
    }

    /// The numbers of the table `name`.
    pub fn list(&self, name: &str) -> Result<Vec<i64>> {
        match &self.table(name)?.content {
            Content::List(array) | Content::Matrix(array, _) => Ok(array.numbers()),
            _ => Err(self.wrong(name, "a table of numbers")),
        }
    }

    /// The numbers of a table that a field names; none where it names none.
    pub fn list_of(&self, name: &str) -> Result<Vec<i64>> {
        match self.value(name)? {
            Value::Table(table) => self.list(table),
            Value::NoTable => Ok(vec![]),
            _ => Err(self.wrong(name, "a table of numbers")),
        }
    }

    /// The pieces of the function in a field: `Table::new(&PIECES)`.
    pub fn pieces(&self, name: &str) -> Result<Vec<u32>> {
        let wrong = || self.wrong(name, "the pieces of a function");
        let Value::Record(Record { fields, .. }) = self.value(name)? else { return Err(wrong()) };
        let Some((_, Value::Table(table))) = fields.first() else { return Err(wrong()) };
        match &self.table(table)?.content {
            Content::Pieces(pieces) => Ok(pieces.to_vec()),
            _ => Err(wrong()),
        }
    }

    /// What the packed table `name` is made of: the value at `place`.
    pub fn packed(&self, name: &str, place: usize) -> Result<i64> {
        let wrong = || self.wrong(name, "a packed table");
        match &self.table(name)?.content {
            Content::Packed { of, .. } => of.get(place).and_then(number).ok_or_else(wrong),
            _ => Err(wrong()),
        }
    }
}

fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Integer(number) => i64::try_from(*number).ok(),
        _ => None,
    }
}
