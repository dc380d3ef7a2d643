//! An input or output of a file as it declares it. Stands on the file's own types.

use super::proto::ValueInfoProto;
use super::tensor;
use crate::error::{Error, Result};

/// What a file says of one of its inputs or outputs.
#[derive(Debug, Clone, PartialEq)]
pub struct Door<'a> {
    /// Its name.
    pub name: &'a str,
    /// Length of each axis, where it is fixed; none if the file gives no shape.
    pub dims: Option<Vec<Option<usize>>>,
    /// The number ONNX has for the type of its elements.
    pub element: i32,
}

impl<'a> Door<'a> {
    /// As the file declares it.
    pub fn of(info: &'a ValueInfoProto) -> Self {
        let tensor = info.r#type.as_ref().and_then(|t| t.tensor_type.as_ref());
        let shape = tensor.and_then(|t| t.shape.as_ref());
        let dim = |length: Option<i64>| usize::try_from(length?).ok();
        Self {
            name: info.name.as_deref().unwrap_or_default(),
            dims: shape.map(|shape| shape.dim.iter().map(|d| dim(d.dim_value)).collect()),
            element: tensor.and_then(|t| t.elem_type).unwrap_or(1),
        }
    }

    /// Whether it holds whole numbers.
    pub fn is_integer(&self) -> bool {
        tensor::scalar_of(self.element).is_some_and(|scalar| scalar.is_integer())
    }

    /// Whether its first axis, of several, is of no fixed length.
    pub fn is_batched(&self) -> bool {
        let open = |length: &Option<usize>| length.is_none_or(|length| length == 0);
        self.dims.as_ref().is_some_and(|dims| dims.len() > 1 && dims.first().is_some_and(open))
    }

    /// The shape of an input's features with a batch of 1.
    ///
    /// # Errors
    /// It has none, a fixed batch, no number of features, or elements that are no numbers.
    pub fn features(&self) -> Result<Vec<usize>> {
        let help =
            "export with a fixed number of features and a batch of 1 or a dynamic batch axis";
        let dims = self.numeric()?;
        let rank = dims.len();
        let mut known = Vec::with_capacity(rank);
        for (k, dim) in dims.iter().enumerate() {
            known.push(match dim {
                Some(d) if *d > 0 || k > 0 => *d,
                _ if k == 0 && rank > 1 => 1,
                _ => {
                    return Err(Error::new("the input has a feature axis of unknown length")
                        .expected("a fixed number of features")
                        .found(format!("no length on axis {k} of {rank}"))
                        .help(help));
                }
            });
        }
        match known.as_slice() {
            [batch, _, ..] if *batch != 1 => Err(Error::new("the input has a fixed batch")
                .expected("a batch of 1, or a dynamic batch axis")
                .found(format!("shape {known:?}"))
                .help(help)),
            _ => Ok(known),
        }
    }

    /// The shape of a state, whose batch may be any axis: one without a length counts as 1.
    ///
    /// # Errors
    /// It has none, or elements that are no numbers.
    pub fn state(&self) -> Result<Vec<usize>> {
        let dims = self.numeric()?;
        Ok(dims.iter().map(|dim| dim.filter(|&d| d > 0).unwrap_or(1)).collect())
    }

    fn numeric(&self) -> Result<&[Option<usize>]> {
        if tensor::scalar_of(self.element).is_none() {
            return Err(Error::new("the input is not numeric")
                .expected("floating-point features")
                .found(format!("ONNX data type {}", self.element))
                .help("export with a float32 input"));
        }
        self.dims.as_deref().ok_or_else(|| {
            Error::new("the input has no shape").expected("a shape").found("none").help(
                "export with a fixed number of features and a batch of 1 or a dynamic batch axis",
            )
        })
    }

    /// Whether a tensor can have both shapes; a file may leave out an output's.
    pub fn fits(&self, other: &Door) -> bool {
        let (Some(a), Some(b)) = (&self.dims, &other.dims) else { return true };
        let same = |(a, b): (&Option<usize>, &Option<usize>)| match (a, b) {
            (Some(a), Some(b)) => a == b,
            _ => true,
        };
        a.len() == b.len() && a.iter().zip(b).all(same)
    }

    /// Name and shape, as messages show them.
    pub fn describe(&self) -> String {
        let length = |dim: &Option<usize>| dim.map_or_else(|| "?".to_owned(), |d| d.to_string());
        match &self.dims {
            Some(dims) => {
                let dims: Vec<String> = dims.iter().map(length).collect();
                format!("{} [{}]", self.name, dims.join(", "))
            }
            None => self.name.to_owned(),
        }
    }
}
