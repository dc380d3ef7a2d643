//! A generated module read back: its tables, its kernels and the order in which they run, as the compiler of firmware reads
//! it.
//!
//! Stands on machines and kernels as data.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use nervecord::generated::Channel;
use syn::{Expr, ExprLit, ImplItem, Item, Lit, Stmt};

use super::machine::{Machine, Spot};
use crate::error::{Error, Result};
use crate::graph::Shape;
use crate::program::formula::{Block, Meaning, Step};
use crate::program::kernel::{Data, Operand};
use crate::program::table::{Array, Content, Record, Table, Value};
use crate::program::{Port, PortWidth};

/// The function with the body of a step.
const STEP: &str = "step_raw_into";

/// Quads of the largest memory.
const MOST_QUADS: usize = 1 << 20;

/// Kinds whose constructor takes their fields, in its order.
const CONSTRUCTED: [(&str, &[&str]); 21] = [
    ("Dense4", &["inputs", "outputs", "packed", "relu"]),
    ("Dense8", &["inputs", "outputs", "packed", "relu"]),
    ("Dense16", &["inputs", "outputs", "packed", "relu"]),
    ("Windows4", &["inputs", "dense", "step", "count"]),
    ("Windows8", &["inputs", "dense", "step", "count"]),
    ("Windows16", &["inputs", "dense", "step", "count"]),
    ("Pruned8", &["inputs", "weights", "weights", "finish"]),
    ("Pruned16", &["inputs", "weights", "weights", "finish"]),
    ("Lazy8", &["inputs", "weights", "finish"]),
    ("Lazy16", &["inputs", "weights", "finish"]),
    ("Functions", &["runs"]),
    ("Spline8", &["shape", "grids", "tables"]),
    ("Spline16", &["shape", "grids", "tables"]),
    ("SparseSpline8", &["shape", "grids", "tables"]),
    ("SparseSpline16", &["shape", "grids", "tables"]),
    ("Table", &["pieces"]),
    ("pack_dense4", &["", "", "", ""]),
    ("pack_dense8", &["", "", "", ""]),
    ("pack_dense16", &["", "", "", ""]),
    ("pack_spline8", &["", "", "", "", ""]),
    ("pack_spline16", &["", "", "", "", ""]),
];

/// Kinds whose fields have names.
const PLAIN: [&str; 35] = [
    "FunctionRun",
    "Affine",
    "AffineRows",
    "Line",
    "Place",
    "Add",
    "Mul",
    "GatedMul",
    "Extreme",
    "Select",
    "Strided",
    "Pad",
    "DelayLine",
    "GroupExtreme",
    "GroupLength",
    "Quotient",
    "Ratio",
    "ArgMax",
    "Pick",
    "Normalize",
    "RootMeanSquare",
    "Softmax",
    "LogSoftmax",
    "GruUpdate",
    "LstmUpdate",
    "Finish",
    "Axis",
    "Grid",
    "SplineShape",
    "SparseSplineTables",
    "NormalizeRows",
    "RootMeanSquareRows",
    "SoftmaxRows",
    "LogSoftmaxRows",
    "Clock",
];

/// Fields of these.
const FIELDS: [&str; 47] = [
    "table",
    "from",
    "count",
    "lines",
    "rows",
    "bias",
    "weight",
    "shift",
    "offset",
    "features",
    "factor",
    "factors",
    "half",
    "multiplier",
    "largest",
    "indices",
    "first",
    "step",
    "before",
    "after",
    "kept",
    "row",
    "groups",
    "members",
    "shared",
    "picks",
    "epsilon",
    "frac",
    "least",
    "exp",
    "log",
    "ln2",
    "log_frac",
    "units",
    "relu",
    "intervals",
    "tails",
    "input",
    "inputs",
    "outputs",
    "axis",
    "base",
    "base_shift",
    "fans",
    "coefficients",
    "kernel",
    "periods",
];

/// Numbers of a table, with their type.
enum Numbers {
    U8(Vec<u8>),
    I8(Vec<i8>),
    U16(Vec<u16>),
    I16(Vec<i16>),
    U32(Vec<u32>),
    I32(Vec<i32>),
}

impl Numbers {
    fn of(element: &str, numbers: &[i64]) -> Option<Self> {
        fn all<T: TryFrom<i64>>(numbers: &[i64]) -> Option<Vec<T>> {
            numbers.iter().map(|n| T::try_from(*n).ok()).collect()
        }
        Some(match element {
            "u8" => Self::U8(all(numbers)?),
            "i8" => Self::I8(all(numbers)?),
            "u16" => Self::U16(all(numbers)?),
            "i16" => Self::I16(all(numbers)?),
            "u32" => Self::U32(all(numbers)?),
            "i32" => Self::I32(all(numbers)?),
            _ => return None,
        })
    }

    fn array(&self) -> Array<'_> {
        match self {
            Self::U8(n) => Array::U8(n),
            Self::I8(n) => Array::I8(n),
            Self::U16(n) => Array::U16(n),
            Self::I16(n) => Array::I16(n),
            Self::U32(n) => Array::U32(n),
            Self::I32(n) => Array::I32(n),
        }
    }
}

/// The items of a module, by name.
struct Items<'a> {
    path: &'a Path,
    values: BTreeMap<String, &'a Expr>,
    numbers: BTreeMap<String, Numbers>,
}

/// A module that is not as it is generated.
fn wrong(path: &Path, place: &str, expected: &str) -> Error {
    Error::new("a module cannot be read")
        .file(path)
        .at(place)
        .expected(expected)
        .found("something else")
        .help("compile the model again; a module that was edited by hand is not certified")
}

/// A name as one that is known.
fn known(name: &str) -> Option<&'static str> {
    let constructed = CONSTRUCTED.iter().map(|(kind, _)| *kind);
    constructed.chain(PLAIN).chain(FIELDS).find(|known| *known == name)
}

impl<'a> Items<'a> {
    fn wrong(&self, place: &str, expected: &str) -> Error {
        wrong(self.path, place, expected)
    }

    /// A value of a field.
    fn value(&self, expr: &Expr) -> Option<Value> {
        Some(match expr {
            Expr::Lit(ExprLit { lit: Lit::Bool(switch), .. }) => Value::Switch(switch.value),
            Expr::Lit(_) | Expr::Unary(_) => Value::Integer(number(expr)?.into()),
            Expr::Array(array) => {
                Value::Numbers(array.elems.iter().map(number).collect::<Option<_>>()?)
            }
            Expr::Path(path) => Value::Table(path.path.get_ident()?.to_string()),
            Expr::Reference(reference) => match &*reference.expr {
                Expr::Array(array) if array.elems.is_empty() => Value::NoTable,
                inner => self.value(inner)?,
            },
            Expr::Struct(_) | Expr::Call(_) => Value::Record(self.record(expr)?),
            _ => return None,
        })
    }

    fn record(&self, expr: &Expr) -> Option<Record> {
        match expr {
            Expr::Struct(of) => {
                let kind = known(&of.path.segments.last()?.ident.to_string())?;
                let field = |field: &syn::FieldValue| {
                    let syn::Member::Named(name) = &field.member else { return None };
                    Some((known(&name.to_string())?, self.value(&field.expr)?))
                };
                let fields = of.fields.iter().map(field).collect::<Option<_>>()?;
                Some(Record { kind, fields, constructed: false })
            }
            Expr::Call(call) => {
                let Expr::Path(path) = &*call.func else { return None };
                let mut segments = path.path.segments.iter().rev();
                let last = segments.next()?.ident.to_string();
                let name = if last == "new" { segments.next()?.ident.to_string() } else { last };
                let (kind, names) = CONSTRUCTED.iter().find(|(kind, _)| *kind == name)?;
                let values =
                    call.args.iter().map(|arg| self.value(arg)).collect::<Option<Vec<_>>>()?;
                (values.len() == names.len()).then_some(())?;
                let fields = names.iter().copied().zip(values).collect();
                Some(Record { kind, fields, constructed: true })
            }
            _ => None,
        }
    }

    /// An item as a table.
    fn table(&'a self, name: &str, own: &str) -> Option<Table<'a>> {
        let local =
            |name: &str| name.strip_prefix(own).map_or_else(|| name.to_owned(), str::to_owned);
        let content = match (self.numbers.get(name), self.values.get(name)?) {
            (Some(Numbers::U32(pieces)), _) => Content::Pieces(pieces),
            (Some(numbers), _) => Content::List(numbers.array()),
            (None, Expr::Array(array)) => {
                let rows: Vec<Record> =
                    array.elems.iter().map(|row| self.record(row)).collect::<Option<_>>()?;
                let kind = rows.first().map_or("Line", |row| row.kind);
                Content::Records {
                    kind,
                    rows: rows.into_iter().map(|row| renamed(row, &local)).collect(),
                    bytes: 0,
                }
            }
            (None, expr) => {
                let record = renamed(self.record(expr)?, &local);
                match record.kind.starts_with("pack_") {
                    true => Content::Packed {
                        words: 0,
                        by: record.kind,
                        of: record.fields.into_iter().map(|(_, value)| value).collect(),
                    },
                    false => Content::Record(record),
                }
            }
        };
        Some(Table { name: local(name), content })
    }

    /// A kernel with all that it can name.
    fn kernel(
        &'a self,
        name: &str,
        method: &'static str,
        operands: Vec<Operand>,
        quads: usize,
    ) -> Result<Data<'a>> {
        let wrong = |what: &str| self.wrong(&format!("`{name}`"), what);
        let expr = self.values.get(name).ok_or_else(|| wrong("a kernel of that name"))?;
        let own = format!("{name}_");
        let local =
            |name: &str| name.strip_prefix(&own).map_or_else(|| name.to_owned(), str::to_owned);
        let record = self.record(expr).ok_or_else(|| wrong("a kernel of a kind that is known"))?;
        // Its own, and what kernels share: the pieces of functions, and records.
        let is_record = |expr: &Expr| matches!(expr, Expr::Struct(_) | Expr::Call(_));
        let may_be = |item: &&String| {
            item.starts_with(&own)
                || matches!(self.numbers.get(*item), Some(Numbers::U32(_)))
                || matches!(self.values.get(*item), Some(Expr::Array(a)) if a.elems.iter().all(is_record))
        };
        let tables = self.values.keys().filter(may_be).filter_map(|item| self.table(item, &own));
        Ok(Data {
            record: renamed(record, &local),
            parameters: vec![],
            tables: tables.collect(),
            method,
            operands,
            quads: Some(quads),
            kept: false,
            direct: false,
        })
    }

    fn list(&self, name: &str) -> Option<Vec<i64>> {
        self.numbers.get(name).map(|numbers| numbers.array().numbers())
    }
}

/// A record whose tables have a kernel's own names for them.
fn renamed(record: Record, local: &dyn Fn(&str) -> String) -> Record {
    let value = |value: Value| match value {
        Value::Table(name) => Value::Table(local(&name)),
        Value::Record(record) => Value::Record(renamed(record, local)),
        other => other,
    };
    let fields = record.fields.into_iter().map(|(name, of)| (name, value(of))).collect();
    Record { fields, ..record }
}

fn number(expr: &Expr) -> Option<i64> {
    match expr {
        Expr::Lit(ExprLit { lit: Lit::Int(int), .. }) => int.base10_parse().ok(),
        Expr::Unary(unary) => match unary.op {
            syn::UnOp::Neg(_) => number(&unary.expr)?.checked_neg(),
            _ => None,
        },
        _ => None,
    }
}

/// All numbers of an array, row after row.
fn numbers(expr: &Expr) -> Option<Vec<i64>> {
    match expr {
        Expr::Array(array) => {
            let mut all = Vec::new();
            for element in &array.elems {
                match element {
                    Expr::Array(_) => all.extend(numbers(element)?),
                    other => all.push(number(other)?),
                }
            }
            Some(all)
        }
        _ => None,
    }
}

/// The type of an array's numbers, of as many dimensions as it has.
fn element(ty: &syn::Type) -> Option<String> {
    match ty {
        syn::Type::Array(array) => element(&array.elem),
        syn::Type::Path(path) => path.path.get_ident().map(ToString::to_string),
        _ => None,
    }
}

/// `A..B` of whole numbers.
fn range(expr: &Expr) -> Option<(usize, usize)> {
    let Expr::Range(range) = expr else { return None };
    let end = |of: &Option<Box<Expr>>| usize::try_from(number(of.as_deref()?)?).ok();
    Some((end(&range.start)?, end(&range.end)?))
}

/// A call of a method: on what, its name, its arguments.
fn call(expr: &Expr) -> Option<(&Expr, String, Vec<&Expr>)> {
    let Expr::MethodCall(call) = expr else { return None };
    Some((&call.receiver, call.method.to_string(), call.args.iter().collect()))
}

/// The tensors in the scratch that a statement names: those of a kernel, or the one that is read into or written out.
fn ranges(statement: &Stmt) -> Option<Vec<(usize, usize)>> {
    let (_, method, args) = match statement {
        Stmt::Local(local) => call(&local.init.as_ref()?.expr)?,
        // self.status = read16(input, &LIMITS, self.scratch.tensor(A..B))
        Stmt::Expr(Expr::Assign(assign), _) => match &*assign.right {
            Expr::Call(read) => call(read.args.last()?)?,
            _ => return None,
        },
        Stmt::Expr(Expr::Call(write), _) => call(write.args.first()?)?,
        _ => return None,
    };
    match (method.as_str(), args.as_slice()) {
        ("tensor", [one]) => range(one).map(|own| vec![own]),
        ("tensors", [Expr::Array(all)]) => all.elems.iter().map(range).collect(),
        _ => None,
    }
}

/// The one of a list.
fn only(tensors: Vec<(usize, usize)>) -> Option<(usize, usize)> {
    tensors.first().copied()
}

fn ident(expr: &Expr) -> Option<String> {
    let Expr::Path(path) = expr else { return None };
    path.path.get_ident().map(ToString::to_string)
}

/// The functions of a module's types, by name.
fn functions(items: &[Item]) -> HashMap<String, &syn::Block> {
    let blocks = items.iter().filter_map(|item| match item {
        Item::Impl(block) if block.trait_.is_none() => Some(&block.items),
        _ => None,
    });
    let functions = blocks.flatten().filter_map(|item| match item {
        ImplItem::Fn(function) => Some((function.sig.ident.to_string(), &function.block)),
        _ => None,
    });
    functions.collect()
}

/// The constants of a module's types, by name.
fn constants(items: &[Item]) -> HashMap<String, &Expr> {
    let blocks = items.iter().filter_map(|item| match item {
        Item::Impl(block) => Some(&block.items),
        _ => None,
    });
    let constants = blocks.flatten().filter_map(|item| match item {
        ImplItem::Const(constant) => Some((constant.ident.to_string(), &constant.expr)),
        _ => None,
    });
    constants.collect()
}

/// The machine that a generated module is.
///
/// # Errors
/// It is no such module, or has kernels without formulas.
pub fn read(text: &str, path: &Path, spots: &[Spot]) -> Result<Machine> {
    let wrong = |place: &str, expected: &str| wrong(path, place, expected);
    let file = syn::parse_file(text).map_err(|e| wrong("the file", "a Rust module").found(e))?;
    let module = file.items.iter().find_map(|item| match item {
        Item::Mod(module) => module.content.as_ref().map(|(_, items)| items),
        _ => None,
    });
    let module = module.ok_or_else(|| wrong("the file", "`pub mod NAME { .. }`"))?;
    let mut items = Items { path, values: BTreeMap::new(), numbers: BTreeMap::new() };
    for item in module {
        let (name, ty, expr) = match item {
            Item::Static(own) => (own.ident.to_string(), &own.ty, &own.expr),
            Item::Const(own) => (own.ident.to_string(), &own.ty, &own.expr),
            _ => continue,
        };
        let list =
            element(ty).zip(numbers(expr)).and_then(|(element, all)| Numbers::of(&element, &all));
        if let Some(list) = list {
            items.numbers.insert(name.clone(), list);
        }
        items.values.insert(name, expr);
    }
    let functions = functions(module);
    let body = functions
        .get(STEP)
        .ok_or_else(|| wrong(&format!("`{STEP}`"), "a function of that name"))?;
    Reader { items: &items, constants: constants(module) }.machine(&body.stmts, spots)
}

/// The statements of a step.
struct Reader<'a> {
    items: &'a Items<'a>,
    constants: HashMap<String, &'a Expr>,
}

impl Reader<'_> {
    fn wrong(&self, place: &str, expected: &str) -> Error {
        self.items.wrong(place, expected)
    }

    fn machine(&self, statements: &[Stmt], spots: &[Spot]) -> Result<Machine> {
        let mut tensors: Vec<(usize, usize)> = Vec::new();
        let (mut input, mut output, mut steps) = (None, None, Vec::new());
        let step = format!("`{STEP}`");
        let odd = || self.wrong(&step, "one kernel after the other, as it is generated");
        let ports = [
            self.port("INPUT_FRAC", "CHANNELS", true)?,
            self.port("OUTPUT_FRAC", "LEVELS", false)?,
        ];
        // The caller's arrays lie behind the scratch.
        let mut quads =
            statements.iter().filter_map(ranges).flatten().map(|t| t.1).fold(0, usize::max);
        let mut callers = |port: &Port| {
            let start = quads;
            quads += nervecord::host::quads(port.features());
            (start, quads)
        };
        for statement in statements {
            match statement {
                Stmt::Local(local) => {
                    let inlet =
                        local.init.as_ref().is_some_and(|i| matches!(*i.expr, Expr::Call(_)));
                    if inlet {
                        // let mut inlet = Inlet::<QUADS>::new(input)
                        input = Some(callers(&ports[0]));
                        continue;
                    }
                    tensors = ranges(statement).ok_or_else(odd)?;
                }
                Stmt::Expr(Expr::Assign(_), _) => {
                    input = input.or(ranges(statement).and_then(only))
                }
                Stmt::Expr(Expr::Call(_), _) => {
                    output = output.or(ranges(statement).and_then(only))
                }
                Stmt::Expr(run @ Expr::MethodCall(_), _) => {
                    let (kernel, method, args) = call(run).ok_or_else(odd)?;
                    // What is noted of a state changes nothing.
                    let Some(name) = ident(kernel) else { continue };
                    let own = match method.as_str() {
                        "run_from" => input.into_iter().chain(tensors.iter().copied()).collect(),
                        "run_to" => {
                            let outlet = callers(&ports[1]);
                            output = Some(outlet);
                            tensors.iter().copied().chain([outlet]).collect()
                        }
                        _ => tensors.clone(),
                    };
                    steps.push(self.step(&name, &method, &args, &own)?);
                }
                _ => return Err(odd()),
            }
        }
        let (Some(input), Some(output)) = (input, output) else { return Err(odd()) };
        if quads > MOST_QUADS {
            return Err(self.wrong(&step, "a memory that a microcontroller has"));
        }
        let mut start = vec![0; 4 * quads];
        self.fill(&mut start)?;
        let [input_port, output_port] = ports;
        let machine = Machine {
            wide: wide(&steps),
            input: (input_port, 4 * input.0),
            output: (output_port, 4 * output.0),
            steps,
            start,
            spots: spots.to_vec(),
        };
        match machine.is_sound() {
            true => Ok(machine),
            false => Err(self.wrong(&step, "kernels within their memory")),
        }
    }

    /// One kernel on its tensors.
    fn step(
        &self,
        name: &str,
        method: &str,
        args: &[&Expr],
        tensors: &[(usize, usize)],
    ) -> Result<Step> {
        let wrong = |what: &str| self.wrong(&format!("`{name}.{method}`"), what);
        let operand = |arg: &&Expr| match arg {
            Expr::Path(_) => match ident(arg)?.as_str() {
                "y" => Some(Operand::Written),
                // Behind `run_to`.
                "output" => Some(Operand::Written),
                x => x.strip_prefix('x')?.parse().ok().map(Operand::Read),
            },
            // The inlet of `run_from`.
            Expr::Reference(reference) if reference.mutability.is_some() => Some(Operand::Read(0)),
            _ => Some(Operand::Nothing),
        };
        let operands: Option<Vec<Operand>> = args.iter().map(operand).collect();
        let method = match method {
            "run" | "run_from" | "run_to" => "run",
            "run_in_place" => "run_in_place",
            _ => return Err(wrong("a kernel that runs")),
        };
        let written = tensors.last().ok_or_else(|| wrong("a tensor to write"))?;
        let operands = operands.ok_or_else(|| wrong("tensors"))?;
        let data =
            self.items.kernel(name, method, operands, written.1.saturating_sub(written.0))?;
        Ok(Step {
            name: name.to_owned(),
            meaning: Meaning::of(&data)
                .map_err(|e| e.file(self.items.path).at(format!("`{name}`")))?,
            operands: tensors.iter().map(|tensor| 4 * tensor.0).collect(),
            widths: u32::MAX,
        })
    }

    /// Memory after a reset.
    fn fill(&self, start: &mut [i16]) -> Result<()> {
        let Some(Expr::Array(quads)) = self.items.values.get("START").copied() else {
            return Ok(());
        };
        let quad = |quad: &Expr| match quad {
            Expr::Call(quad) => quad.args.first().and_then(numbers),
            _ => None,
        };
        let all: Option<Vec<Vec<i64>>> = quads.elems.iter().map(quad).collect();
        let all = all.ok_or_else(|| self.wrong("`START`", "quads of numbers"))?.concat();
        start.iter_mut().zip(all).for_each(|(lane, value)| *lane = value as i16);
        Ok(())
    }

    fn port(&self, fracs: &str, channels: &str, is_input: bool) -> Result<Port> {
        let wrong = |what: &str| self.wrong(&format!("`{fracs}`"), what);
        let list = self.constants.get(fracs).and_then(|expr| numbers(expr));
        let fracs: Vec<u32> =
            list.ok_or_else(|| wrong("numbers"))?.into_iter().map(|frac| frac as u32).collect();
        if fracs.iter().any(|frac| *frac > 31) {
            return Err(wrong("at most 31 fractional bits"));
        }
        let channel = |expr: &Expr| {
            let Expr::Struct(of) = expr else { return None };
            let field = |name: &str| {
                let own = of.fields.iter().find(
                    |field| matches!(&field.member, syn::Member::Named(own) if *own == name),
                )?;
                number(&own.expr)
            };
            Some(Channel { offset: field("offset")? as i32, shift: field("shift")? as u8 })
        };
        let width = match self.items.values.get(channels).copied() {
            Some(Expr::Array(all)) => {
                let all: Option<Vec<Channel>> = all.elems.iter().map(channel).collect();
                let all = all.filter(|all| all.len() == fracs.len());
                let all =
                    all.ok_or_else(|| self.wrong(&format!("`{channels}`"), "a channel a number"))?;
                if is_input { PortWidth::WideIn(all) } else { PortWidth::WideOut(all) }
            }
            _ => PortWidth::Narrow,
        };
        let ranges = match is_input {
            true => self.items.list("RANGES").unwrap_or_default(),
            false => vec![],
        };
        let ranges: Vec<[i32; 2]> =
            ranges.chunks_exact(2).map(|ends| [ends[0] as i32, ends[1] as i32]).collect();
        if is_input && ranges.len() != fracs.len() {
            return Err(self.wrong("`RANGES`", "a range an input"));
        }
        let full_scale = self.constants.contains_key("FULL_SCALE");
        Ok(Port { shape: Shape::vector(fracs.len()), fracs, width, ranges, storage: 0, full_scale })
    }
}

/// The states that are kept in two halves: those that a kernel for such states writes, at the place that is read first.
fn wide(steps: &[Step]) -> Vec<(usize, usize)> {
    let own = |step: &Step| {
        let (block, _, writes) = step.meaning.blocks.first()?;
        let [high, low] = writes.as_slice() else { return None };
        let is_wide = matches!(block, Block::Gru { .. } | Block::Lstm { .. });
        is_wide.then(|| (step.written(*high), step.written(*low)))
    };
    steps.iter().filter_map(own).collect()
}
