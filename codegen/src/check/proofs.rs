//! A proof held against its model and its module: what was changed, and whether every claim follows.
//!
//! Stands on proofs, modules read back and bounds over boxes. How the prover cut a box is a hint, by which no claim gets
//! true: each part is bounded once more, or all of its inputs are run through.

use std::collections::BTreeSet;
use std::path::Path;

use super::engine::Alone;
use super::files::{Said, same_model, same_module};
use crate::certify::form::Tape;
use crate::certify::machine::Machine;
use crate::certify::module;
use crate::error::{Error, Result};
use crate::parallel;
use crate::program::Port;
use crate::program::formula::{Formula, Lane};
use crate::prove::pair;
use crate::prove::{
    Bounds, Cell, Claim, Constraint, Found, Inputs, Proof, halve, is_unsafe, possible,
};
use crate::text;

/// Inputs of a box that are run through one by one at most.
const FEW: f64 = 256.0;
/// Boxes that a part of the proof is cut into at most: bounds here may be wider than the prover's.
const MORE: usize = 1024;
/// Parts that are looked at together.
const TOGETHER: usize = 4096;

/// Files that belong together.
#[derive(Debug, Clone, Copy)]
pub struct Files<'a> {
    /// The proof.
    pub proof: &'a Path,
    /// The trained model.
    pub model: &'a Path,
    /// The generated module.
    pub module: &'a Path,
}

/// Checks a proof, given with the module's text.
///
/// # Errors
/// A file is not the one whose properties were decided, or a claim does not follow: its name, and what was found.
pub fn check(proof: &Proof, module_text: &str, files: &Files, outputs: &[String]) -> Result<()> {
    let Proof { module_sha256, calibration_sha256, items, .. } = proof;
    same_module(&Said { module_sha256, calibration_sha256, items }, module_text, files.module)?;
    same_model(&proof.model_sha256, files.model, outputs)?;
    let machine = module::read(module_text, files.module, &[])?;
    follows(proof, &machine, files.proof)
}

/// Whether every claim of a proof, read from `path`, follows from a machine.
///
/// # Errors
/// One does not.
pub fn follows(proof: &Proof, machine: &Machine, path: &Path) -> Result<()> {
    without_memory(machine, path)?;
    let check = |claim| {
        let checker = Checker::of(claim, machine, path)?;
        match checker.check()? {
            None => Ok(()),
            Some(cell) => Err(checker.refused(format!("{cell:?}, which nothing shows to be safe"))),
        }
    };
    proof.claims.iter().try_for_each(check)
}

/// Takes out of a proof, to be written to `path`, what bounds here are too wide to show; the names of these claims.
///
/// # Errors
/// A claim is not true, or about other inputs and outputs.
pub fn keep_shown(proof: &mut Proof, machine: &Machine, path: &Path) -> Result<Vec<String>> {
    without_memory(machine, path)?;
    let (mut shown, mut names) = (Vec::new(), Vec::new());
    for claim in std::mem::take(&mut proof.claims) {
        match Checker::of(&claim, machine, path)?.check()? {
            None => shown.push(claim),
            Some(_) => names.push(claim.name),
        }
    }
    proof.claims = shown;
    Ok(names)
}

/// Refuses a machine with memory: what it gives is not a function of one input.
fn without_memory(machine: &Machine, path: &Path) -> Result<()> {
    match remembers(machine) {
        false => Ok(()),
        true => Err(Error::new("a network with memory has no outputs of a single input")
            .file(path)
            .expected("a module without memory")
            .found("numbers that a step leaves to the next")
            .help("see `compile --certificate` for what holds step after step")),
    }
}

/// Whether outputs depend on what a step before has left in memory: followed from the outputs back.
fn remembers(machine: &Machine) -> bool {
    let lanes = |(port, first): &(Port, usize)| *first..first + port.features();
    let mut needed: BTreeSet<usize> = lanes(&machine.output).collect();
    let mut written = BTreeSet::new();
    for step in machine.steps.iter().rev() {
        let (mut own, mut reads) = (BTreeSet::new(), Vec::new());
        let features = step.meaning.features.iter();
        let alone = features.map(|(feature, formula)| (vec![*feature], read_by(formula)));
        let blocks = step.meaning.blocks.iter();
        let together = blocks.map(|(_, reads, writes)| (writes.clone(), reads.clone()));
        for (writes, read) in alone.chain(together) {
            let writes = writes.iter().map(|feature| step.written(*feature));
            if writes.clone().any(|lane| needed.contains(&lane)) {
                reads.extend(read.iter().map(|lane| step.lane(*lane)));
            }
            own.extend(writes);
        }
        needed.retain(|lane| !own.contains(lane));
        needed.extend(reads);
        written.extend(own);
    }
    let inputs = lanes(&machine.input);
    needed.iter().any(|lane| !inputs.contains(lane) && written.contains(lane))
}

/// The numbers that a formula reads.
fn read_by(formula: &Formula) -> Vec<Lane> {
    match formula {
        Formula::Copy(lane) | Formula::Table(lane, _) => vec![*lane],
        Formula::Constant(_) => vec![],
        Formula::Extreme { of, .. } => of.clone(),
        Formula::Sum(sum) => {
            let terms = sum.terms.iter().map(|(lane, _)| *lane);
            let products = sum.products.iter().flat_map(|(both, _)| *both);
            terms.chain(products).chain(sum.edges.iter().map(|(lane, _)| *lane)).collect()
        }
    }
}

struct Checker<'a> {
    claim: &'a Claim,
    machine: &'a Machine,
    alone: Option<Alone>,
    bounds: Bounds<'a>,
    path: &'a Path,
}

/// Why a claim does not follow.
enum Gap {
    /// These integers are unsafe.
    Unsafe(Vec<i32>),
    /// Nothing shows that these are not.
    Open(Cell),
}

impl<'a> Checker<'a> {
    /// One for a claim whose numbers are about the machine's inputs and outputs.
    fn of(claim: &'a Claim, machine: &'a Machine, path: &'a Path) -> Result<Self> {
        let (inputs, outputs) = (machine.input.0.features(), machine.output.0.features());
        let most = if machine.input.0.bits() == 32 { i32::MAX } else { i16::MAX.into() };
        let ends = |(low, high): &(i32, i32)| -most - 1 <= *low && low <= high && *high <= most;
        let terms = claim.never.iter().flatten().flat_map(|constraint| &constraint.terms);
        let sound = claim.inputs.len() == inputs
            && claim.inputs.iter().all(ends)
            && claim.moved.is_none_or(|i| i < inputs)
            && terms.clone().all(|(output, factor)| *output < outputs && factor.is_finite());
        let alone = if claim.moved.is_none() { Alone::of(machine) } else { None };
        let checker =
            Self { claim, machine, alone, bounds: Bounds::of(machine, claim.moved), path };
        match sound {
            true => Ok(checker),
            false => Err(checker
                .refused("inputs and outputs that the module does not have")
                .expected(format!(
                    "{inputs} ranges of inputs, and outputs 0 to {}",
                    outputs.saturating_sub(1)
                ))),
        }
    }

    /// A claim that does not follow.
    fn refused(&self, found: impl std::fmt::Display) -> Error {
        Error::new("a claim does not follow from the module")
            .file(self.path)
            .at(format!("claims, `{}`", text::label(&self.claim.name)))
            .expected("what the proof says")
            .found(found)
            .help("decide the properties again with --proof")
    }

    /// Whether the claim follows; a box that nothing shows to be safe, if there is one.
    fn check(&self) -> Result<Option<Cell>> {
        match &self.claim.found {
            Found::Violated(integers) => {
                let cell = self.claim.cell();
                let inside = integers.len() == cell.len()
                    && integers.iter().zip(&cell).all(|(x, (low, high))| low <= x && x <= high);
                match inside && self.is_unsafe(integers) {
                    true => Ok(None),
                    false => {
                        Err(self.refused(format!("integers {integers:?} that do not violate it")))
                    }
                }
            }
            Found::Holds(tree) => self.holds(tree),
        }
    }

    /// Walks a tree of cuts, and shows that each of its leaves is safe.
    fn holds(&self, tree: &[u32]) -> Result<Option<Cell>> {
        let (mut open, mut leaves) = (vec![self.claim.cell()], Vec::new());
        for cut in tree {
            let Some(cell) = open.pop() else {
                return Err(self.refused("more boxes than there are"));
            };
            let Some(i) = cut.checked_sub(1) else {
                leaves.push(cell);
                if leaves.len() == TOGETHER {
                    if let Some(cell) = self.all(&leaves)? {
                        return Ok(Some(cell));
                    }
                    leaves.clear();
                }
                continue;
            };
            let halves = cell
                .get(i as usize)
                .filter(|(low, high)| low < high)
                .and_then(|_| self.halves(&cell, i));
            let Some([lower, upper]) = halves else {
                return Err(self.refused(format!(
                    "a cut across coordinate {i}, where there is nothing to cut"
                )));
            };
            open.extend([upper, lower]);
        }
        match open.is_empty() {
            true => self.all(&leaves),
            false => Err(self.refused("boxes that are left out")),
        }
    }

    /// Both halves of a box.
    fn halves(&self, cell: &Cell, i: u32) -> Option<[Cell; 2]> {
        let (mut lower, mut upper) = (cell.clone(), cell.clone());
        let cut = i.checked_mul(2)?;
        (halve(&mut lower, cut) && halve(&mut upper, cut + 1)).then_some([lower, upper])
    }

    /// Shows that boxes are safe, on all cores; one that nothing shows to be.
    fn all(&self, leaves: &[Cell]) -> Result<Option<Cell>> {
        let gap = parallel::map(leaves, |cell| self.shown(cell.clone()))
            .into_iter()
            .find_map(std::result::Result::err);
        match gap {
            None => Ok(None),
            Some(Gap::Open(cell)) => Ok(Some(cell)),
            Some(Gap::Unsafe(integers)) => {
                Err(self.refused(format!("unsafe outputs of the integers {integers:?}")))
            }
        }
    }

    /// Shows that a box is safe: by its bounds, by running through it, or by those of its parts.
    fn shown(&self, cell: Cell) -> std::result::Result<(), Gap> {
        let (mut open, mut seen) = (vec![cell], 0);
        while let Some(cell) = open.pop() {
            seen += 1;
            if self.is_bounded(&cell) {
                continue;
            }
            let mut each = Inputs::of(&cell, &self.machine.input.0, self.claim.moved);
            if each.how_many() <= FEW {
                match each.find(|point| self.is_unsafe(point)) {
                    Some(point) => return Err(Gap::Unsafe(point)),
                    None => continue,
                }
            }
            let halves = self.widest(&cell).and_then(|i| self.halves(&cell, i));
            match halves.filter(|_| seen + open.len() < MORE) {
                Some(halves) => open.extend(halves),
                None => return Err(Gap::Open(cell)),
            }
        }
        Ok(())
    }

    /// Whether bounds over a box show that each set of constraints has one that none of its inputs meets.
    fn is_bounded(&self, cell: &Cell) -> bool {
        if self.claim.moved.is_some() {
            let tape = Tape::new();
            let Some(outputs) = self.bounds.over(cell, &tape) else { return true };
            return self.claim.never.iter().all(|set| possible(set, &outputs, &tape).is_none());
        }
        let Some(mut outputs) = self.alone.as_ref().and_then(|alone| alone.run(cell)) else {
            return false;
        };
        let port = &self.machine.output.0;
        let mut is_beyond = |constraint: &Constraint| {
            // From outputs to the caller's integers; a quotient is off by less than a double's last bit.
            let terms = constraint.terms.iter().map(|(i, factor)| (*i, factor / port.one(*i)));
            let terms: Vec<(usize, f64)> = terms.collect();
            let reach = f64::powi(2.0, port.bits() as i32 - 1);
            let size: f64 = terms.iter().map(|(_, factor)| factor.abs() * reach).sum();
            outputs.least(&terms) > constraint.most + 4.0 * f64::EPSILON * size
        };
        self.claim.never.iter().all(|set| set.iter().any(&mut is_beyond))
    }

    /// The coordinate that has most of the whole box's width, of those that can be cut.
    fn widest(&self, cell: &Cell) -> Option<u32> {
        let sides = |cell: &Cell| Inputs::of(cell, &self.machine.input.0, self.claim.moved).sides();
        let shares = sides(cell).into_iter().zip(sides(&self.claim.cell()));
        let shares = shares.enumerate().filter(|(_, (own, _))| *own > 1.0);
        let widest = shares.max_by(|(_, a), (_, b)| (a.0 / a.1).total_cmp(&(b.0 / b.1)));
        widest.map(|(i, _)| i as u32)
    }

    /// Whether the outputs of an input are not wanted; those of a pair that is not in order are of no account.
    fn is_unsafe(&self, point: &[i32]) -> bool {
        let outputs = match self.claim.moved {
            None => Some(self.machine.run(point)),
            Some(i) => pair::inputs(point, i).map(|both| {
                let [first, second] = both.map(|input| self.machine.run(&input));
                first.iter().zip(second).map(|(first, second)| second - first).collect()
            }),
        };
        outputs.is_some_and(|outputs| is_unsafe(&self.claim.never, &outputs))
    }
}
