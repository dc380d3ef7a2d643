//! What one lowering found and the next need not find again: results by what they are made from. Stands on nothing.

use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use crate::error::Result;

/// The type of a result, its layer's name, and the bits of all numbers that it depends on beside the network itself.
type Key = (TypeId, String, Vec<u64>);

/// Results of every kind.
#[derive(Default)]
pub struct Known(RefCell<HashMap<Key, Rc<dyn Any>>>);

impl Known {
    /// What is known for `layer` and `numbers`, or else is made now.
    pub fn get<T: Any>(
        &self,
        layer: &str,
        numbers: impl IntoIterator<Item = f64>,
        make: impl FnOnce() -> Result<T>,
    ) -> Result<Rc<T>> {
        let numbers = numbers.into_iter().map(f64::to_bits).collect();
        let key = (TypeId::of::<T>(), layer.to_owned(), numbers);
        let known = self.0.borrow().get(&key).map(Rc::clone);
        if let Some(Ok(known)) = known.map(Rc::downcast) {
            return Ok(known);
        }
        let made = Rc::new(make()?);
        self.0.borrow_mut().insert(key, Rc::clone(&made) as Rc<dyn Any>);
        Ok(made)
    }

    /// Forgets all results but those of one kind.
    pub fn keep<T: Any>(&self) {
        self.0.borrow_mut().retain(|(kind, ..), _| *kind == TypeId::of::<T>());
    }
}
