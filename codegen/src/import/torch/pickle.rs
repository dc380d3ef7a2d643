//! Python's pickles, as far as `torch.save` writes them for a `state_dict`: no code runs, whatever a file says.
//!
//! A pickle is a program for a stack machine. Here it makes only numbers, texts, lists and dictionaries; the few
//! functions it may call are those that say where a tensor lies ([`CALLS`] and [`STORAGES`]), and any other name is
//! refused. What is made lies in one list and refers to others by number, so that no nesting is too deep.

use std::collections::HashMap;

use crate::error::{Error, Result};
use crate::import::scalars::Scalar;
use crate::text;

/// Most objects of a pickle: far more than the tensors of any network.
const MOST: usize = 1 << 20;

/// The functions that a state dict calls.
const CALLS: [&str; 3] = [
    "collections.OrderedDict",
    "torch._utils._rebuild_tensor_v2",
    "torch._utils._rebuild_parameter",
];

/// PyTorch's storages, by what they hold.
const STORAGES: [(&str, Scalar); 10] = [
    ("torch.FloatStorage", Scalar::F32),
    ("torch.DoubleStorage", Scalar::F64),
    ("torch.HalfStorage", Scalar::F16),
    ("torch.BFloat16Storage", Scalar::Bf16),
    ("torch.LongStorage", Scalar::I64),
    ("torch.IntStorage", Scalar::I32),
    ("torch.ShortStorage", Scalar::I16),
    ("torch.CharStorage", Scalar::I8),
    ("torch.ByteStorage", Scalar::U8),
    ("torch.BoolStorage", Scalar::Bool),
];

/// An object, or the number of one in [`Pickle::objects`].
#[derive(Debug, Clone, Copy, PartialEq)]
enum Value<'a> {
    /// Nothing, or what does not matter: a float, bytes.
    None,
    /// A whole number, or a truth value.
    Int(i64),
    Text(&'a str),
    /// A function or a class.
    Global(&'static str),
    /// A tuple or a list.
    List(usize),
    /// Keys and values in turn.
    Dict(usize),
    Storage(Storage<'a>),
    /// The number of one in [`Pickle::tensors`].
    Tensor(usize),
}

/// Numbers in a file of their own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Storage<'a> {
    /// How they are stored.
    pub scalar: Scalar,
    /// The name of the file.
    pub key: &'a str,
}

/// Where a tensor lies.
#[derive(Debug, Clone, PartialEq)]
pub struct Place<'a> {
    /// The numbers it is among.
    pub storage: Storage<'a>,
    /// Which of them is its first.
    pub offset: usize,
    /// Length of each axis.
    pub shape: Vec<usize>,
    /// Numbers from one index of an axis to the next.
    pub strides: Vec<usize>,
}

/// The machine.
struct Pickle<'a> {
    rest: &'a [u8],
    stack: Vec<Value<'a>>,
    /// Lengths of the stack at its marks.
    marks: Vec<usize>,
    memo: HashMap<u32, Value<'a>>,
    objects: Vec<Vec<Value<'a>>>,
    tensors: Vec<Place<'a>>,
    steps: usize,
}

/// The tensors of a pickled dictionary, or of the one that a trainer has wrapped among other things.
pub fn tensors<'a>(bytes: &'a [u8]) -> Result<Vec<(&'a str, Place<'a>)>> {
    let mut pickle = Pickle {
        rest: bytes,
        stack: vec![],
        marks: vec![],
        memo: HashMap::new(),
        objects: vec![],
        tensors: vec![],
        steps: 0,
    };
    let made = pickle.run()?;
    let outer = pickle.items(made);
    let inner = ["state_dict", "model_state_dict", "model"].into_iter().find_map(|wrapper| {
        let wrapped = |(key, value): &(Value, Value)| {
            *key == Value::Text(wrapper) && matches!(value, Value::Dict(_))
        };
        outer.iter().find(|item| wrapped(item)).map(|(_, value)| *value)
    });
    let items = inner.map_or(outer, |value| pickle.items(value));
    let named = items.into_iter().filter_map(|(key, value)| match (key, value) {
        (Value::Text(name), Value::Tensor(k)) => Some((name, pickle.tensors.get(k)?.clone())),
        _ => None,
    });
    Ok(named.collect())
}

impl<'a> Pickle<'a> {
    fn run(&mut self) -> Result<Value<'a>> {
        loop {
            let [op] = self.take()?;
            if op == b'.' {
                return self.pop();
            }
            self.steps += 1;
            if self.steps > MOST * 16 || self.stack.len() > MOST || self.objects.len() > MOST {
                return Err(Error::new("the file holds too many objects")
                    .expected(format!("at most {MOST}"))
                    .found("more")
                    .help("save the state_dict alone, without the optimizer"));
            }
            self.step(op)?;
        }
    }

    fn step(&mut self, op: u8) -> Result<()> {
        let value = match op {
            // PROTO and FRAME say nothing of the objects.
            0x80 => return self.take::<1>().map(drop),
            0x95 => return self.take::<8>().map(drop),
            b'(' => {
                self.marks.push(self.stack.len());
                return Ok(());
            }
            b'N' => Value::None,
            0x88 => Value::Int(1),
            0x89 => Value::Int(0),
            b'K' => Value::Int(u8::from_le_bytes(self.take()?).into()),
            b'M' => Value::Int(u16::from_le_bytes(self.take()?).into()),
            b'J' => Value::Int(i32::from_le_bytes(self.take()?).into()),
            0x8a => self.long()?,
            b'G' => {
                self.take::<8>()?;
                Value::None
            }
            b'X' => {
                let length = u32::from_le_bytes(self.take()?) as usize;
                Value::Text(self.text(length)?)
            }
            0x8c => {
                let [length] = self.take()?;
                Value::Text(self.text(length.into())?)
            }
            b'U' => {
                let [length] = self.take()?;
                Value::Text(self.text(length.into())?)
            }
            b')' | b']' => self.list(vec![])?,
            b'}' => self.dict(vec![])?,
            b't' | b'l' => {
                let items = self.above_mark()?;
                self.list(items)?
            }
            0x85..=0x87 => {
                let items = self.last(usize::from(op - 0x84))?;
                self.list(items)?
            }
            b'q' => {
                let [key] = self.take()?;
                return self.remember(key.into());
            }
            b'r' => {
                let key = u32::from_le_bytes(self.take()?);
                return self.remember(key);
            }
            0x94 => return self.remember(self.memo.len() as u32),
            b'h' => {
                let [key] = self.take()?;
                self.recall(key.into())?
            }
            b'j' => {
                let key = u32::from_le_bytes(self.take()?);
                self.recall(key)?
            }
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                global(module, name)?
            }
            0x93 => match (self.pop()?, self.pop()?) {
                (Value::Text(name), Value::Text(module)) => global(module, name)?,
                _ => return Err(damaged("a name that is no text")),
            },
            b'Q' => {
                let id = self.pop()?;
                self.storage(id)?
            }
            b'R' => {
                let (arguments, function) = (self.pop()?, self.pop()?);
                self.call(function, arguments)?
            }
            // The state of an ordered dictionary: its metadata.
            b'b' => return self.pop().map(drop),
            b's' | b'u' | b'a' | b'e' => return self.extend(op),
            b'0' => return self.pop().map(drop),
            _ => return Err(damaged(&format!("the instruction {op:#04x}"))),
        };
        self.stack.push(value);
        Ok(())
    }

    /// Puts what lies on the stack into the dictionary or list below: one item, or all to the mark.
    fn extend(&mut self, op: u8) -> Result<()> {
        let items = match op {
            b's' => self.last(2)?,
            b'a' => self.last(1)?,
            _ => self.above_mark()?,
        };
        let ((Some(Value::Dict(k)), b's' | b'u') | (Some(Value::List(k)), b'a' | b'e')) =
            (self.stack.last().copied(), op)
        else {
            return Err(damaged("items for what is no dictionary and no list"));
        };
        let object = self.objects.get_mut(k).ok_or_else(|| damaged("an object that is none"))?;
        object.extend(items);
        Ok(())
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (taken, rest) =
            self.rest.split_first_chunk().ok_or_else(|| damaged("the end of the file"))?;
        self.rest = rest;
        Ok(*taken)
    }

    fn text(&mut self, length: usize) -> Result<&'a str> {
        let (taken, rest) =
            self.rest.split_at_checked(length).ok_or_else(|| damaged("the end of the file"))?;
        self.rest = rest;
        std::str::from_utf8(taken).map_err(|_| damaged("a text that is no UTF-8"))
    }

    fn line(&mut self) -> Result<&'a str> {
        let length = self.rest.iter().position(|&b| b == b'\n');
        let line = self.text(length.ok_or_else(|| damaged("a line without an end"))?)?;
        self.take::<1>()?;
        Ok(line)
    }

    /// A whole number of up to eight bytes, two's complement.
    fn long(&mut self) -> Result<Value<'a>> {
        let [length] = self.take()?;
        let mut bytes = vec![];
        for _ in 0..length {
            let [byte] = self.take()?;
            bytes.push(byte);
        }
        let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
        bytes.resize(bytes.len().max(8), if negative { 0xff } else { 0 });
        let (first, rest) = bytes.split_first_chunk().ok_or_else(|| damaged("no number"))?;
        // Longer ones seed random numbers; they are no size.
        Ok(if rest.is_empty() { Value::Int(i64::from_le_bytes(*first)) } else { Value::None })
    }

    fn pop(&mut self) -> Result<Value<'a>> {
        self.stack.pop().ok_or_else(|| damaged("an empty stack"))
    }

    fn last(&mut self, count: usize) -> Result<Vec<Value<'a>>> {
        let at = self.stack.len().checked_sub(count);
        Ok(self.stack.split_off(at.ok_or_else(|| damaged("an empty stack"))?))
    }

    fn above_mark(&mut self) -> Result<Vec<Value<'a>>> {
        let at = self.marks.pop().filter(|&at| at <= self.stack.len());
        Ok(self.stack.split_off(at.ok_or_else(|| damaged("no mark"))?))
    }

    fn list(&mut self, items: Vec<Value<'a>>) -> Result<Value<'a>> {
        self.objects.push(items);
        Ok(Value::List(self.objects.len() - 1))
    }

    fn dict(&mut self, items: Vec<Value<'a>>) -> Result<Value<'a>> {
        self.objects.push(items);
        Ok(Value::Dict(self.objects.len() - 1))
    }

    fn remember(&mut self, key: u32) -> Result<()> {
        let value = self.stack.last().copied().ok_or_else(|| damaged("an empty stack"))?;
        self.memo.insert(key, value);
        Ok(())
    }

    fn recall(&self, key: u32) -> Result<Value<'a>> {
        self.memo.get(&key).copied().ok_or_else(|| damaged("what was never remembered"))
    }

    /// The items of a tuple or list.
    fn list_of(&self, value: Value) -> Option<&[Value<'a>]> {
        match value {
            Value::List(k) => self.objects.get(k).map(Vec::as_slice),
            _ => None,
        }
    }

    /// The keys of a dictionary with their values.
    fn items(&self, value: Value) -> Vec<(Value<'a>, Value<'a>)> {
        let Value::Dict(k) = value else { return vec![] };
        let (pairs, _) = self.objects.get(k).map_or(&[][..], Vec::as_slice).as_chunks();
        pairs.iter().map(|&[key, value]| (key, value)).collect()
    }

    /// `("storage", class, key, device, count)`.
    fn storage(&self, id: Value) -> Result<Value<'a>> {
        match self.list_of(id) {
            Some(&[Value::Text("storage"), Value::Global(class), Value::Text(key), ..]) => {
                let scalar = STORAGES.iter().find(|(name, _)| *name == class).map(|(_, s)| *s);
                let scalar = scalar.ok_or_else(|| damaged("a storage that is none"))?;
                Ok(Value::Storage(Storage { scalar, key }))
            }
            _ => Err(damaged("a reference that is no storage")),
        }
    }

    fn call(&mut self, function: Value, arguments: Value) -> Result<Value<'a>> {
        let arguments = self.list_of(arguments).unwrap_or_default();
        match (function, arguments) {
            (Value::Global("collections.OrderedDict"), []) => self.dict(vec![]),
            (Value::Global("torch._utils._rebuild_parameter"), &[tensor, ..]) => Ok(tensor),
            (
                Value::Global("torch._utils._rebuild_tensor_v2"),
                &[Value::Storage(storage), Value::Int(offset), shape, strides, ..],
            ) => {
                let (Some(shape), Some(strides)) = (self.sizes(shape), self.sizes(strides)) else {
                    return Err(damaged("a tensor without sizes"));
                };
                let offset = usize::try_from(offset).map_err(|_| damaged("a negative offset"))?;
                self.tensors.push(Place { storage, offset, shape, strides });
                Ok(Value::Tensor(self.tensors.len() - 1))
            }
            _ => Err(damaged("a call that a state dict does not make")),
        }
    }

    fn sizes(&self, value: Value) -> Option<Vec<usize>> {
        const MOST_AXES: usize = 16;
        let size = |value: &Value| match value {
            Value::Int(size) => usize::try_from(*size).ok(),
            _ => None,
        };
        let list = self.list_of(value).filter(|list| list.len() <= MOST_AXES)?;
        list.iter().map(size).collect()
    }
}

/// A function or class that a state dict has; any other is refused by name.
fn global<'a>(module: &str, name: &str) -> Result<Value<'a>> {
    let full = format!("{module}.{name}");
    let known = CALLS.into_iter().chain(STORAGES.into_iter().map(|(name, _)| name));
    known.into_iter().find(|known| *known == full).map(Value::Global).ok_or_else(|| {
        Error::new("the file holds more than tensors")
            .expected("a state_dict: names and tensors")
            .found(format!("`{}`, which nervecord does not run", text::label(&full)))
            .help("save the weights alone: torch.save(model.state_dict(), \"model.pt\"); with a trainer's checkpoint, torch.save(torch.load(\"checkpoint.pt\", weights_only=False)[\"state_dict\"], \"model.pt\")")
    })
}

fn damaged(found: &str) -> Error {
    Error::new("this is not a state dict that PyTorch saved, or it is damaged")
        .expected("a pickle of names and tensors")
        .found(found)
        .help("save it again with torch.save(model.state_dict(), \"model.pt\"), and copy it in binary mode")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_tensor_is_refused_by_name_and_never_run() {
        for (bytes, name) in [
            (&b"cposix\nsystem\n(X\x02\x00\x00\x00lstR."[..], "posix.system"),
            (b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93.", "builtins.eval"),
            (b"\x80\x02c__main__\nNet\n)\x81.", "__main__.Net"),
        ] {
            let message = tensors(bytes).unwrap_err().to_string();
            assert!(message.contains(name) && message.contains("torch.save("), "{message}");
        }
    }

    #[test]
    fn a_damaged_pickle_is_an_error_and_a_deep_one_no_crash() {
        for bytes in [&b""[..], b".", b"(", b"t.", b"}s.", b"h\x05.", b"X\xff\xff\xff\xff", b"NR."]
        {
            assert!(tensors(bytes).unwrap_err().to_string().contains("help: "));
        }
        let deep = [&b"N"[..], &b"\x85".repeat(3 << 20)].concat();
        assert!(tensors(&deep).unwrap_err().to_string().contains("too many"));
        let nested = [&b"N"[..], &b"\x85".repeat(1 << 19), b"."].concat();
        assert_eq!(tensors(&nested).unwrap(), []);
    }
}
