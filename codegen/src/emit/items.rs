//! A kernel's tables and values as items of a Rust module. Stands on the program's data.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Display, Write};
use std::ops::Range;

use crate::program::kernel::{Data, Operand};
use crate::program::table::{Array, Content, Record, Table, Value};
use crate::text::first_free;

/// Columns of generated code.
const WIDTH: usize = 100;

/// The tables of a module.
#[derive(Debug, Default)]
pub struct Items {
    pub text: String,
    /// Names of `nervecord::generated`.
    pub imports: BTreeSet<String>,
    /// Tables of integers in flash, as the check of tables takes them, and their bytes.
    pub checked: Vec<(String, usize)>,
    taken: BTreeSet<String>,
    /// The names of tables that kernels share, by what they are.
    known: BTreeMap<String, String>,
}

/// Which of a kernel's tensors are the caller's arrays.
#[derive(Debug, Clone, Copy)]
pub struct Callers {
    /// What it reads.
    pub read: bool,
    /// What it writes.
    pub written: bool,
}

/// One kernel in the module.
struct Kernel<'a> {
    /// In screaming snake case.
    name: String,
    data: &'a Data<'a>,
    /// The module's names of tables that another kernel has as well.
    shared: BTreeMap<&'a str, String>,
}

impl Items {
    /// A module whose own constants are `taken`.
    pub fn new(taken: &[&str]) -> Self {
        Self { taken: taken.iter().map(|name| (*name).to_owned()).collect(), ..Self::default() }
    }

    /// Adds a kernel that is to be called `name` and what it requires of its tensors, the quads `reads` and
    /// `written`; returns the statement that runs it, on tensors `x0`, `x1`, ... and `y`, or the `callers`' arrays.
    pub fn kernel(
        &mut self,
        name: &str,
        data: &Data,
        (reads, written): (&[Range<usize>], &Range<usize>),
        callers: Callers,
    ) -> String {
        let name = self.free_name(name, data);
        let mut kernel = Kernel { name, data, shared: BTreeMap::new() };
        for table in &data.tables {
            self.table(&mut kernel, table);
        }
        self.import(&data.record);
        let held = if data.kept { "static" } else { "const" };
        let mut kind = data.record.kind.to_owned();
        if !data.parameters.is_empty() {
            let parameters: Vec<String> =
                data.parameters.iter().map(|value| kernel.value(value)).collect();
            kind += &format!("<{}>", parameters.join(", "));
        }
        let name = &kernel.name;
        self.constant(&format!("{held} {name}: {kind}"), &kernel.record(&data.record));
        let quads: Vec<usize> = reads.iter().map(Range::len).collect();
        let fits = format!("assert!({name}.fits(&{quads:?}, {}))", written.len());
        self.constant("const _: ()", &fits);
        let operand = |operand: &Operand| match operand {
            Operand::Read(_) if callers.read => "&mut inlet".to_owned(),
            Operand::Written if callers.written => "output".to_owned(),
            Operand::Read(k) => format!("x{k}"),
            Operand::Nothing => "&[]".to_owned(),
            Operand::Written => "y".to_owned(),
        };
        let operands: Vec<String> = data.operands.iter().map(operand).collect();
        let method = match callers {
            Callers { read: true, .. } => "run_from",
            Callers { written: true, .. } => "run_to",
            _ => data.method,
        };
        format!("{name}.{method}({});", operands.join(", "))
    }

    /// Requires that the tensors of a statement lie apart from one another in a scratch of so many quads.
    pub fn disjoint<'a>(
        &mut self,
        quads: usize,
        tensors: impl IntoIterator<Item = &'a Range<usize>>,
    ) {
        let ranges: Vec<[usize; 2]> = tensors.into_iter().map(|t| [t.start, t.end]).collect();
        self.constant("const _: ()", &format!("require_disjoint({quads}, &{ranges:?})"));
    }

    /// An identifier in screaming snake case, with which the names of the kernel's tables are free as well.
    fn free_name(&mut self, name: &str, data: &Data) -> String {
        let ident = screaming(name, "LAYER");
        let all = |name: &str| {
            let tables = data.tables.iter().map(|table| format!("{name}_{}", table.name));
            tables.chain([name.to_owned()]).collect::<Vec<_>>()
        };
        let free = |name: &str| all(name).iter().all(|name| !self.taken.contains(name));
        let name = first_free(&ident, free);
        self.taken.extend(all(&name));
        name
    }

    fn table<'a>(&mut self, kernel: &mut Kernel<'a>, table: &'a Table<'a>) {
        let name = format!("{}_{}", kernel.name, table.name);
        if let Some(identity) = kernel.data.identity(table) {
            if let Some(known) = self.known.get(&identity) {
                kernel.shared.insert(&table.name, known.clone());
                return;
            }
            self.known.insert(identity, name.clone());
        }
        self.check(kernel, table, &name);
        match &table.content {
            Content::List(array) => {
                self.array(&format!("static {name}"), array.element(), &array.numbers());
            }
            Content::Matrix(array, columns) => {
                self.matrix(&format!("static {name}"), array, *columns);
            }
            Content::Pieces(pieces) => {
                let words: Vec<String> = pieces.iter().map(|w| format!("0x{w:08x}")).collect();
                self.array(&format!("static {name}"), "u32", &words);
            }
            Content::Records { kind, rows, .. } => {
                self.imports.insert((*kind).to_owned());
                rows.iter().for_each(|row| self.import(row));
                let rows: Vec<String> = rows.iter().map(|row| kernel.record(row)).collect();
                self.array(&format!("static {name}"), kind, &rows);
            }
            Content::Record(record) => {
                self.import(record);
                let value = kernel.record(record);
                self.constant(&format!("const {name}: {}", record.kind), &value);
            }
            Content::Packed { words, by, of } => {
                self.imports.insert((*by).to_owned());
                let of: Vec<String> = of.iter().map(|value| kernel.reference(value)).collect();
                let value = format!("{by}({})", of.join(", "));
                self.constant(&format!("static {name}: [u32; {words}]"), &value);
            }
        }
    }

    /// Takes note of a table of integers, unless another is made of it.
    fn check(&mut self, kernel: &Kernel, table: &Table, name: &str) {
        let (kind, reference) = match &table.content {
            Content::List(array) => (array.element(), format!("&{name}")),
            Content::Matrix(array, _) => (array.element(), format!("{name}.as_flattened()")),
            Content::Packed { .. } => ("u32", format!("&{name}")),
            Content::Pieces(_) => ("u32", format!("&{name}")),
            _ => return,
        };
        let is_made_of = |other: &Table| match &other.content {
            Content::Packed { of, .. } => {
                of.iter().any(|v| matches!(v, Value::Table(own) if *own == table.name))
            }
            _ => false,
        };
        if !kernel.data.tables.iter().any(is_made_of) {
            let words = format!("Words::{}({reference})", kind.to_ascii_uppercase());
            self.checked.push((words, table.bytes()));
        }
    }

    /// Brings the kinds of a record into scope.
    fn import(&mut self, record: &Record) {
        self.imports.insert(record.kind.to_owned());
        for (_, value) in &record.fields {
            if let Value::Record(record) = value {
                self.import(record);
            }
        }
    }

    /// `declaration: [element; N] = [values];`
    pub fn array<T: Display>(&mut self, declaration: &str, element: &str, values: &[T]) {
        let head = format!("{declaration}: [{element}; {}] = [", values.len());
        self.item(&head, &wrapped(values, 8), "];");
    }

    /// `declaration: [[element; columns]; rows] = [[row], [row], ...];`
    fn matrix(&mut self, declaration: &str, values: &Array, columns: usize) {
        let count = values.len() / columns.max(1);
        let head = format!("{declaration}: [[{}; {columns}]; {count}] = [", values.element());
        let _ = write!(self.text, "    #[rustfmt::skip]\n    {head}\n");
        // A row at a time: all the numbers of a large layer take many times its bytes.
        for row in 0..count {
            let body = wrapped(&values.part(row * columns..(row + 1) * columns).numbers(), 12);
            let _ = match body.lines().count() {
                1 => writeln!(self.text, "        [{}],", body.trim()),
                _ => write!(self.text, "        [\n{body}        ],\n"),
            };
        }
        self.text.push_str("    ];\n");
    }

    /// `declaration = value;`
    fn constant(&mut self, declaration: &str, value: &str) {
        let line = format!("    {declaration} = {value};");
        if line.len() <= WIDTH {
            let _ = writeln!(self.text, "{line}");
            return;
        }
        let broken = format!("        {value};");
        if broken.len() > WIDTH {
            self.text.push_str("    #[rustfmt::skip]\n");
        }
        let _ = writeln!(self.text, "    {declaration} =\n{broken}");
    }

    fn item(&mut self, head: &str, body: &str, tail: &str) {
        let _ = write!(self.text, "    #[rustfmt::skip]\n    {head}\n{body}    {tail}\n");
    }
}

impl Kernel<'_> {
    /// The module's name of the kernel's table `name`.
    fn table_name(&self, name: &str) -> String {
        let own = || format!("{}_{name}", self.name);
        self.shared.get(name).cloned().unwrap_or_else(own)
    }

    /// As a function takes it: tables and shared records by reference.
    fn reference(&self, value: &Value) -> String {
        match value {
            Value::Table(name) => format!("&{}", self.table_name(name)),
            other => self.value(other),
        }
    }

    /// As a field holds it: tables by reference, shared records as they are.
    fn value(&self, value: &Value) -> String {
        let is_record = |name: &String| {
            let own = self.data.tables.iter().find(|table| table.name == *name);
            own.is_some_and(|table| matches!(table.content, Content::Record(_)))
        };
        match value {
            Value::Integer(number) => number.to_string(),
            Value::Switch(switch) => switch.to_string(),
            Value::Numbers(numbers) => format!("{numbers:?}"),
            Value::NoTable => "&[]".to_owned(),
            Value::Table(name) if is_record(name) => self.table_name(name),
            Value::Table(_) => self.reference(value),
            Value::Record(record) => self.record(record),
        }
    }

    fn record(&self, record: &Record) -> String {
        let Record { kind, fields, constructed } = record;
        let field = |(name, value): &(&str, Value)| match constructed {
            true => self.value(value),
            false => format!("{name}: {}", self.value(value)),
        };
        let fields = fields.iter().map(field).collect::<Vec<_>>().join(", ");
        match constructed {
            true => format!("{kind}::new({fields})"),
            false => format!("{kind} {{ {fields} }}"),
        }
    }
}

/// An identifier in screaming snake case; `prefix` begins it where the name cannot.
pub fn screaming(name: &str, prefix: &str) -> String {
    let mut ident: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' })
        .collect();
    while ident.contains("__") {
        ident = ident.replace("__", "_");
    }
    let ident = ident.trim_matches('_');
    match ident.chars().next() {
        Some(c) if c.is_ascii_alphabetic() => ident.to_owned(),
        _ => format!("{prefix}_{ident}").trim_end_matches('_').to_owned(),
    }
}

/// `snake_case` as `CamelCase`.
pub fn type_name(name: &str) -> String {
    let word = |w: &str| {
        let mut letters = w.chars();
        letters.next().map(|c| c.to_ascii_uppercase().to_string() + letters.as_str())
    };
    name.split('_').filter_map(word).collect()
}

/// Values separated by commas, in lines that fit.
pub fn wrapped<T: Display>(values: &[T], indent: usize) -> String {
    lines(values, indent, WIDTH)
}

/// Names in a list of imports, where rustfmt leaves a column free.
pub fn wrapped_imports(names: &[String]) -> String {
    lines(names, 8, WIDTH - 1)
}

fn lines<T: Display>(values: &[T], indent: usize, width: usize) -> String {
    let mut text = String::new();
    let mut line = String::new();
    for value in values {
        let cell = format!("{value}, ");
        if !line.is_empty() && indent + line.len() + cell.len() > width + 1 {
            let _ = writeln!(text, "{:indent$}{}", "", line.trim_end());
            line.clear();
        }
        line += &cell;
    }
    let _ = writeln!(text, "{:indent$}{}", "", line.trim_end());
    text
}
