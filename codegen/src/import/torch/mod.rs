//! State dicts as `torch.save` writes them: a zip archive with a pickle that names the tensors and a file of numbers
//! each storage. Stands on archives of zip and on `pickle`.

mod pickle;

use std::collections::HashMap;
use std::io::{Cursor, Read};
use std::path::Path;

use zip::ZipArchive;

use self::pickle::Place;
use super::file::read;
use super::scalars::Scalar;
use crate::error::{Error, Result};

/// Most numbers of all tensors together.
const MOST_NUMBERS: usize = 1 << 24;

/// Most bytes that the files of an archive take when they are read.
const MOST_BYTES: u64 = 1 << 26;

/// A tensor, row-major.
pub struct Stored {
    /// Length of each axis.
    pub shape: Vec<usize>,
    /// How its numbers are stored.
    pub scalar: Scalar,
    /// Its numbers.
    pub bytes: Vec<u8>,
}

/// Whether a file is one that PyTorch saved, to judge by its first bytes: an archive, or the bare pickle of
/// versions before 1.6.
pub fn is_saved(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(OLD)
}

/// The first instructions of a bare pickle: its protocol, and a long number.
const OLD: &[u8] = b"\x80\x02\x8a\x0al\xfc\x9c";

/// Why the file `path` is no state dict, if it is an archive with something else.
pub fn refused(path: &Path) -> Option<Error> {
    let bytes = read(path).ok().filter(|bytes| is_saved(bytes))?;
    tensors(&bytes).err().map(|e| e.file(path))
}

/// The tensors of an archive by name. Where all names begin with `module.`, as PyTorch's `DataParallel` has them, they
/// go without it.
///
/// # Errors
/// It is damaged, or holds more than tensors.
pub fn tensors(bytes: &[u8]) -> Result<HashMap<String, Stored>> {
    if bytes.starts_with(OLD) {
        return Err(Error::new("the file is in the format of PyTorch before 1.6")
            .expected("an archive, as torch.save has written since")
            .found("a bare pickle")
            .help(
                "load it and save it again: torch.save(torch.load(\"model.pt\"), \"model.pt\")",
            ));
    }
    let mut archive = Archive::open(bytes)?;
    let program = archive.read("data.pkl")?;
    let places = pickle::tensors(&program)?;
    let wrapped = places.iter().all(|(name, _)| name.starts_with("module."));
    let mut storages: HashMap<&str, Vec<u8>> = HashMap::new();
    let (mut tensors, mut numbers) = (HashMap::new(), 0usize);
    for (name, place) in &places {
        let bytes = match storages.get(place.storage.key) {
            Some(bytes) => bytes,
            None => {
                let bytes = archive.read(&format!("data/{}", place.storage.key))?;
                storages.entry(place.storage.key).or_insert(bytes)
            }
        };
        let stored =
            gather(place, bytes, &mut numbers).map_err(|e| e.at(format!("tensor `{name}`")))?;
        let name = if wrapped { name.trim_start_matches("module.") } else { name };
        tensors.insert(name.to_owned(), stored);
    }
    Ok(tensors)
}

/// The numbers of a tensor in the order of its axes, whatever its strides are.
fn gather(place: &Place, bytes: &[u8], numbers: &mut usize) -> Result<Stored> {
    let size = place.storage.scalar.size();
    let count = place.shape.iter().try_fold(1usize, |p, &d| p.checked_mul(d));
    *numbers = count.map_or(usize::MAX, |count| numbers.saturating_add(count));
    if *numbers > MOST_NUMBERS {
        return Err(Error::new("the tensors are too large")
            .expected(format!("at most {MOST_NUMBERS} numbers in all tensors"))
            .found(format!("shape {:?}", place.shape))
            .help("nervecord is for networks that fit a microcontroller"));
    }
    if place.strides.len() != place.shape.len() {
        return Err(damaged("a tensor with other strides than axes"));
    }
    let mut from = vec![place.offset];
    for (&length, &stride) in place.shape.iter().zip(&place.strides) {
        let along =
            |&base: &usize| (0..length).map(move |k| base.saturating_add(k.saturating_mul(stride)));
        from = from.iter().flat_map(along).collect();
    }
    let mut gathered = Vec::with_capacity(from.len().saturating_mul(size));
    for k in from {
        let start = k.saturating_mul(size);
        let number = bytes.get(start..start.saturating_add(size));
        gathered.extend(number.ok_or_else(|| damaged("a tensor that leads out of its storage"))?);
    }
    Ok(Stored { shape: place.shape.clone(), scalar: place.storage.scalar, bytes: gathered })
}

/// The files of an archive.
struct Archive<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
    /// The folder that holds all.
    root: String,
    /// Bytes read so far.
    read: u64,
}

impl<'a> Archive<'a> {
    fn open(bytes: &'a [u8]) -> Result<Self> {
        let zip = ZipArchive::new(Cursor::new(bytes)).map_err(|e| damaged(&e.to_string()))?;
        let names = || zip.file_names();
        if names().any(|name| name.split('/').nth(1) == Some("code")) {
            return Err(Error::new("the file is a TorchScript program, not a state dict")
                .expected("names and tensors, as torch.save(model.state_dict(), \"model.pt\") writes them")
                .found("a program in the folder `code`")
                .help("export it as ONNX where it can be run: model = torch.jit.load(\"model.pt\").eval(); torch.onnx.export(model, torch.zeros(1, INPUTS), \"model.onnx\", dynamo=False)"));
        }
        let root = names().find_map(|name| name.strip_suffix("data.pkl")).map(str::to_owned);
        let root = root.ok_or_else(|| damaged("an archive without `data.pkl`"))?;
        let mut archive = Self { zip, root, read: 0 };
        if archive.read("byteorder").is_ok_and(|order| order != b"little") {
            return Err(Error::new("the tensors are stored with their bytes in another order")
                .expected("little-endian numbers")
                .found("big-endian ones")
                .help("load the file and save it again on a little-endian machine"));
        }
        Ok(archive)
    }

    fn read(&mut self, name: &str) -> Result<Vec<u8>> {
        let path = format!("{}{name}", self.root);
        let file = self.zip.by_name(&path).map_err(|e| damaged(&format!("`{path}`: {e}")))?;
        let mut bytes = vec![];
        let left = MOST_BYTES.saturating_sub(self.read);
        file.take(left).read_to_end(&mut bytes).map_err(|e| damaged(&format!("`{path}`: {e}")))?;
        self.read += bytes.len() as u64;
        if self.read >= MOST_BYTES {
            return Err(Error::new("the tensors are too large")
                .expected(format!("at most {MOST_BYTES} bytes"))
                .found("more")
                .help("save the network alone, without its optimizer"));
        }
        Ok(bytes)
    }
}

fn damaged(found: &str) -> Error {
    Error::new("this is not a state dict that PyTorch saved, or it is damaged")
        .expected("an archive with a pickle of names and tensors")
        .found(found)
        .help("save it again with torch.save(model.state_dict(), \"model.pt\"), and copy it in binary mode")
}
