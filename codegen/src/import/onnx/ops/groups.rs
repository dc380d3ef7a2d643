//! Features of a tensor that an operator takes together: those that differ on some axes only.

use super::super::array;
use super::super::builder::Builder;
use crate::error::{Error, Result};
use crate::graph::{Layer, TensorId};

/// Groups of features, all of one size.
pub struct Groups {
    /// How many groups there are.
    pub count: usize,
    /// Features of each.
    pub members: usize,
    /// The features, group by group.
    order: Vec<usize>,
}

impl Groups {
    /// The features of a tensor of shape `dims` that differ on `axes` only; each by itself if there are none.
    pub fn of(dims: &[usize], axes: &[usize]) -> Result<Self> {
        let (inner, outer): (Vec<usize>, Vec<usize>) =
            (0..dims.len()).partition(|k| axes.contains(k));
        let view = array::transpose(dims, &[outer, inner.clone()].concat())?;
        let members = inner.iter().filter_map(|&k| dims.get(k)).product();
        if view.from.is_empty() {
            return Err(Error::new("a tensor without elements is reduced")
                .expected("at least one feature")
                .found(format!("shape {dims:?}"))
                .help("leave the empty part out of the model"));
        }
        Ok(Self { count: view.from.len() / members, members, order: view.from })
    }

    /// The same groups, each from its last feature to its first.
    pub fn backwards(mut self) -> Self {
        self.order.chunks_mut(self.members).for_each(<[usize]>::reverse);
        self
    }

    /// Whether the groups follow one another as they are.
    pub fn are_rows(&self) -> bool {
        self.order.iter().copied().eq(0..self.order.len())
    }

    /// The features of each group.
    pub fn each(&self) -> impl Iterator<Item = &[usize]> {
        self.order.chunks(self.members)
    }

    /// A tensor with the features of a group as neighbours.
    pub fn gathered(&self, builder: &mut Builder, name: &str, x: TensorId) -> Result<TensorId> {
        builder.pick(name, x, self.order.clone())
    }

    /// A layer of as many features out as in, applied to each group by itself.
    pub fn map(
        &self,
        builder: &mut Builder,
        name: &str,
        layer: &Layer,
        x: TensorId,
    ) -> Result<TensorId> {
        let joined = self.map_in_order(builder, name, layer, x)?;
        let mut back = vec![0; self.order.len()];
        for (from, &to) in self.order.iter().enumerate() {
            if let Some(place) = back.get_mut(to) {
                *place = from;
            }
        }
        builder.pick(name, joined, back)
    }

    /// A layer applied to each group by itself, the results one after the other.
    pub fn map_in_order(
        &self,
        builder: &mut Builder,
        name: &str,
        layer: &Layer,
        x: TensorId,
    ) -> Result<TensorId> {
        let rows = self.gathered(builder, name, x)?;
        builder.push(name, layer.clone().on_rows(self.count), &[rows])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_differ_on_the_axes_reduced() {
        let columns = Groups::of(&[1, 2, 3], &[1]).unwrap();
        assert_eq!((columns.count, columns.members), (3, 2));
        assert!(!columns.are_rows() && columns.each().eq([&[0, 3][..], &[1, 4], &[2, 5]]));
        let alone = Groups::of(&[1, 2], &[]).unwrap();
        assert_eq!((alone.count, alone.members, alone.are_rows()), (2, 1, true));
        assert!(Groups::of(&[1, 4], &[1]).unwrap().are_rows());
        assert!(Groups::of(&[1, 0], &[1]).is_err());
    }
}
