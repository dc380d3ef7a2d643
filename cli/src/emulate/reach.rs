//! What a function of an image can reach: the functions it calls, what stack they take, and what among them may not
//! be. Stands on images and their code.

use std::collections::{BTreeMap, BTreeSet};

use object::{Object, ObjectSection, ObjectSymbol};

use super::code::{Code, Kind, Taken, Target};
use super::firmware::{FLOAT, Firmware, Function, PANIC};
use nervecord_codegen::{Error, Result};

/// The calls within an image.
pub struct Reach<'a> {
    firmware: &'a Firmware,
    code: Code,
    /// Starts of code and of data between it, as the compiler has marked them.
    marks: BTreeMap<u64, bool>,
    /// Bytes of stack of a function, by its address, where the compiler said so.
    compiled: BTreeMap<u64, u64>,
}

/// What a function does, from its instructions.
#[derive(Debug, Default, PartialEq, Eq)]
struct Body {
    /// Functions it may go to.
    calls: BTreeSet<u64>,
    /// The most bytes of stack it takes, of those that its instructions name.
    taken: u64,
    /// Whether it goes where a register says, or takes as much as one says.
    is_open: bool,
    /// Whether it computes in floats.
    floats: bool,
}

/// What is in an image that may not be.
struct Forbidden {
    function: String,
    why: &'static str,
}

impl<'a> Reach<'a> {
    /// Reads an image.
    ///
    /// # Errors
    /// It is not an ELF file.
    pub fn of(firmware: &'a Firmware) -> Result<Self> {
        let code = Code::of(firmware)?;
        let unreadable = |error: object::Error| {
            Error::new("the firmware is not an ELF file")
                .expected("what the firmware's build has just linked")
                .found(error)
                .help("run the command again; if it stays so, report it as a bug")
        };
        let file = object::File::parse(&*firmware.elf).map_err(unreadable)?;
        let mut marks = BTreeMap::new();
        for symbol in file.symbols() {
            match symbol.name().unwrap_or_default().get(..2) {
                Some("$t" | "$x") => _ = marks.insert(symbol.address(), true),
                Some("$d") => _ = marks.insert(symbol.address(), false),
                _ => {}
            }
        }
        let sizes = file.section_by_name(".stack_sizes");
        let sizes = sizes.map(|section| section.data()).transpose().map_err(unreadable)?;
        let compiled = stack_sizes(sizes.unwrap_or_default());
        Ok(Self { firmware, code, marks, compiled })
    }

    /// All functions that a function can reach, itself included.
    ///
    /// # Errors
    /// There is no such function.
    pub fn from(&self, root: &str) -> Result<Vec<&Function>> {
        let mut found = BTreeSet::new();
        let mut open = vec![self.firmware.address(root)?];
        while let Some(address) = open.pop() {
            if found.insert(address)
                && let Some(function) = self.firmware.function_at(address)
            {
                open.extend(self.body(function).calls);
            }
        }
        Ok(found.into_iter().filter_map(|at| self.firmware.function_at(at)).collect())
    }

    /// Refuses a function that can reach what an inference path must not: panics, messages, the heap, floats.
    ///
    /// # Errors
    /// It can, or there is no such function.
    pub fn require(&self, root: &str) -> Result<()> {
        refuse(self.from(root)?.into_iter().filter_map(|function| self.forbidden(function)))
    }

    /// Refuses an image that has any of it.
    ///
    /// # Errors
    /// It has.
    pub fn require_all(&self) -> Result<()> {
        refuse(self.firmware.functions.iter().filter_map(|function| self.forbidden(function)))
    }

    /// Refuses an image with the heap or floats; panics of others' code are for a reader of the image to judge.
    ///
    /// # Errors
    /// It has them.
    pub fn require_integers(&self) -> Result<()> {
        let found = self.firmware.functions.iter().filter_map(|function| self.forbidden(function));
        refuse(found.filter(|found| found.why != PANIC))
    }

    /// What is wrong with a function, if it may not be in an inference path.
    fn forbidden(&self, function: &Function) -> Option<Forbidden> {
        let floats = || self.body(function).floats.then_some(FLOAT);
        let why = function.forbidden().or_else(floats)?;
        Some(Forbidden { function: function.name(), why })
    }

    /// The most bytes of stack that a function takes with all it calls; none where it goes, or takes, what a
    /// register says, or calls itself.
    ///
    /// Of a function's own bytes the compiler's word counts, where there is one: naked functions, those in assembly
    /// and those of other builds have none, and take what their instructions name.
    ///
    /// # Errors
    /// There is no such function.
    pub fn stack(&self, root: &str) -> Result<Option<u64>> {
        Ok(self.deepest(self.firmware.address(root)?, &mut Vec::new(), &mut BTreeMap::new()))
    }

    fn deepest(
        &self,
        address: u64,
        path: &mut Vec<u64>,
        known: &mut BTreeMap<u64, Option<u64>>,
    ) -> Option<u64> {
        if let Some(found) = known.get(&address) {
            return *found;
        }
        if path.contains(&address) {
            return None;
        }
        let body = self.body(self.firmware.function_at(address)?);
        path.push(address);
        let below: Option<Vec<u64>> =
            body.calls.iter().map(|&call| self.deepest(call, path, known)).collect();
        path.pop();
        let own = self.compiled.get(&address).copied();
        let own = own.map_or(body.taken, |own| own.max(body.taken));
        let found =
            below.filter(|_| !body.is_open).map(|below| own + below.into_iter().max().unwrap_or(0));
        known.insert(address, found);
        found
    }

    /// The compiler's word on a function's own stack and what its instructions name, where there are both.
    pub fn sizes(&self) -> Vec<(&Function, u64, u64)> {
        let both = |(address, &compiled): (&u64, &u64)| {
            let function = self.firmware.function_at(*address)?;
            Some((function, compiled, self.body(function).taken))
        };
        self.compiled.iter().filter_map(both).collect()
    }

    fn body(&self, function: &Function) -> Body {
        let Function { address, bytes, .. } = *function;
        let mut body = Body::default();
        // Kernels in assembly jump to a place of their own that they have put in a register; none leaves so.
        let keeps = function.name().starts_with("nervecord::arch::");
        let (mut at, mut before) = (address, None);
        while at < address + bytes {
            let marked = self.marks.range(..=at).next_back();
            if marked.is_some_and(|(_, is_code)| !is_code) {
                // The end of the data, which may be the function's.
                at = self.marks.range(at + 1..).next().map_or(address + bytes, |(&next, _)| next);
                before = None;
                continue;
            }
            let instruction = self.code.at(at);
            let is = |kind| instruction.is_some_and(|found| found.kind == kind);
            match self.code.target(at, before) {
                Target::At(to) if (address..address + bytes).contains(&to) => {}
                Target::At(to) => match self.firmware.function_at(to) {
                    Some(function) => _ = body.calls.insert(function.address),
                    None => body.is_open = true,
                },
                Target::Register => body.is_open |= !keeps || is(Kind::Call),
                Target::None => {}
            }
            match self.code.taken(at) {
                Taken::Bytes(bytes) => body.taken += bytes,
                Taken::Register => body.is_open = true,
            }
            body.floats |= self.code.floats(at);
            before = Some(at);
            at += instruction.map_or(2, |found| found.bytes);
        }
        body
    }
}

fn refuse(found: impl Iterator<Item = Forbidden>) -> Result<()> {
    let mut kinds = BTreeMap::<&str, BTreeSet<String>>::new();
    for Forbidden { function, why } in found {
        kinds.entry(why).or_default().insert(function);
    }
    let told = |(why, functions): (&&str, &BTreeSet<String>)| {
        let first = functions.first().cloned().unwrap_or_default();
        match functions.len() {
            1 => format!("{why} in {first}"),
            n => format!("{why} in {first} and {} more", n - 1),
        }
    };
    let found: Vec<String> = kinds.iter().map(told).collect();
    match found.is_empty() {
        true => Ok(()),
        false => Err(Error::new("the firmware can panic, allocate or compute in floats")
            .expected("integers, and memory that is known when it is built")
            .found(found.join("; "))
            .help("look where it is called from in the image's disassembly")),
    }
}

/// The section `.stack_sizes`: an address of 32 bits and a number in LEB128 a function.
fn stack_sizes(mut bytes: &[u8]) -> BTreeMap<u64, u64> {
    let mut sizes = BTreeMap::new();
    while let Some((address, mut rest)) = bytes.split_first_chunk::<4>() {
        let (mut size, mut shift) = (0_u64, 0);
        while let Some((&byte, behind)) = rest.split_first() {
            rest = behind;
            size |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
        }
        // The lowest bit says Thumb.
        sizes.insert(u64::from(u32::from_le_bytes(*address)) & !1, size);
        bytes = rest;
    }
    sizes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stack_sizes_are_read() {
        let bytes = [0x01, 0x10, 0, 0, 0x28, 0x40, 0x20, 0, 0, 0x80, 0x02];
        assert_eq!(stack_sizes(&bytes), BTreeMap::from([(0x1000, 40), (0x2040, 256)]));
        assert_eq!(stack_sizes(&[1, 2, 3]), BTreeMap::new());
    }
}
