//! Groups of features reduced to one each: extremes and lengths.

use nervecord::generated::{GroupExtreme, GroupLength, Quad};

use super::format::{Format, multiplier};
use super::lowering::Lowering;
use crate::error::Result;
use crate::graph::{Node, Reduction};
use crate::program::Kernel;
use crate::program::kernel::Data;
use crate::program::table::Record;

impl Kernel for GroupExtreme {
    fn data(&self) -> Data<'_> {
        let &Self { groups, members, largest } = self;
        let fields =
            [("groups", groups.into()), ("members", members.into()), ("largest", largest.into())];
        Data::new(Record::of("GroupExtreme", fields), vec![], 1)
    }

    fn run(&self, reads: &[&[Quad]], y: &mut [Quad]) {
        Self::run(self, reads[0], y);
    }
}

impl Kernel for GroupLength {
    fn data(&self) -> Data<'_> {
        let &Self { groups, members, multiplier, shift } = self;
        let fields = [
            ("groups", groups.into()),
            ("members", members.into()),
            ("multiplier", multiplier.into()),
            ("shift", shift.into()),
        ];
        Data::new(Record::of("GroupLength", fields), vec![], 1)
    }

    fn run(&self, reads: &[&[Quad]], y: &mut [Quad]) {
        Self::run(self, reads[0], y);
    }
}

pub fn lower(lowering: &mut Lowering, node: &Node, by: Reduction, groups: usize) -> Result<()> {
    let (value, scale) = lowering.take_uniform(node.inputs[0]);
    let members = value.features / groups;
    let (kernel, format): (Box<dyn Kernel>, Format) = match by {
        Reduction::Max | Reduction::Min => {
            let largest = by == Reduction::Max;
            (Box::new(GroupExtreme { groups, members, largest }), value.format.clone())
        }
        Reduction::Length => {
            let mut out = lowering.scale_for(node.output, lowering.magnitude(node.output));
            // A quarter of the factor is below 1/2, as a multiplier has to be.
            while scale / out >= 1.999 {
                out *= 2.0;
            }
            let (multiplier, shift) = multiplier(scale / out / 4.0);
            let kernel = GroupLength { groups, members, multiplier, shift };
            (Box::new(kernel), Format { low: 0, ..Format::uniform(out) })
        }
    };
    let storage = lowering.new_storage(groups);
    lowering.push(&node.name, kernel, vec![value.storage], storage);
    lowering.define(node.output, storage, format);
    lowering.report(node, node.layer.kind().into(), String::new());
    Ok(())
}
