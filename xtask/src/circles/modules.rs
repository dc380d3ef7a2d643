//! The modules of a crate: which file each is in, and its items. Parsed as the compiler would for a build, tests left out.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use nervecord_codegen::{Error, Result};
use syn::{Attribute, Expr, ExprLit, Item, ItemMod, Lit, Meta, Token, punctuated::Punctuated};

/// A module's names from the root of its crate, which has none.
pub type Name = Vec<String>;

/// A module.
pub struct Module {
    /// The file it is written in.
    pub file: PathBuf,
    /// What is written in it, modules in other files left out.
    pub items: Vec<Item>,
}

/// All modules of a crate; more than one of a name, where the machine that it is built for decides.
pub struct Tree(pub BTreeMap<Name, Vec<Module>>);

impl Tree {
    /// Reads the modules of the crate that begins in a file.
    ///
    /// # Errors
    /// A file is not there or is not Rust.
    pub fn load(root: &Path) -> Result<Self> {
        let mut tree = Self(BTreeMap::new());
        let folder = root.parent().unwrap_or(root).to_owned();
        tree.add(Vec::new(), root, &folder, read(root)?)?;
        Ok(tree)
    }

    /// Adds a module and those in it, whose files are in `folder`.
    fn add(&mut self, name: Name, file: &Path, folder: &Path, items: Vec<Item>) -> Result<()> {
        let items: Vec<Item> = items.into_iter().filter(|item| !is_for_tests(of(item))).collect();
        for item in &items {
            let Item::Mod(child) = item else { continue };
            let word = child.ident.to_string();
            let inner: Name = name.iter().cloned().chain([word.clone()]).collect();
            match &child.content {
                Some((_, content)) => {
                    self.add(inner, file, &folder.join(&word), content.clone())?;
                }
                None => {
                    for (file, own) in places(child, file, folder, &word)? {
                        self.add(inner.clone(), &file, &own, read(&file)?)?;
                    }
                }
            }
        }
        self.0.entry(name).or_default().push(Module { file: file.to_owned(), items });
        Ok(())
    }
}

/// The files that a module may be in, each with the folder of the files of those in it.
fn places(
    child: &ItemMod,
    parent: &Path,
    folder: &Path,
    word: &str,
) -> Result<Vec<(PathBuf, PathBuf)>> {
    let given: Vec<String> = child.attrs.iter().flat_map(|a| paths(&a.meta)).collect();
    if !given.is_empty() {
        let here = parent.parent().unwrap_or(parent);
        let at = |given: &String| {
            let file = here.join(given);
            let own = file.parent().unwrap_or(&file).to_owned();
            (file, own)
        };
        return Ok(given.iter().map(at).collect());
    }
    let own = folder.join(word);
    let beside = folder.join(format!("{word}.rs"));
    let inside = own.join("mod.rs");
    match [beside, inside].into_iter().find(|file| file.is_file()) {
        Some(file) => Ok(vec![(file, own)]),
        None => Err(Error::new("a module has no file")
            .file(parent)
            .at(format!("mod {word}"))
            .help("run `cargo check`")),
    }
}

/// What `#[path = ".."]` gives, also where `cfg_attr` does on a condition.
fn paths(attribute: &Meta) -> Vec<String> {
    match attribute {
        Meta::NameValue(pair) if pair.path.is_ident("path") => match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => vec![text.value()],
            _ => Vec::new(),
        },
        Meta::List(list) if list.path.is_ident("cfg_attr") => {
            let parsed = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
            parsed.into_iter().flatten().skip(1).flat_map(|meta| paths(&meta)).collect()
        }
        _ => Vec::new(),
    }
}

fn read(file: &Path) -> Result<Vec<Item>> {
    let text = fs::read_to_string(file).map_err(|e| Error::io("read", file, &e))?;
    let parsed = syn::parse_file(&text).map_err(|error| {
        Error::new("a file cannot be parsed").file(file).found(error).help("run `cargo check`")
    })?;
    Ok(parsed.items)
}

/// The attributes of an item.
pub fn of(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(i) => &i.attrs,
        Item::Enum(i) => &i.attrs,
        Item::ExternCrate(i) => &i.attrs,
        Item::Fn(i) => &i.attrs,
        Item::ForeignMod(i) => &i.attrs,
        Item::Impl(i) => &i.attrs,
        Item::Macro(i) => &i.attrs,
        Item::Mod(i) => &i.attrs,
        Item::Static(i) => &i.attrs,
        Item::Struct(i) => &i.attrs,
        Item::Trait(i) => &i.attrs,
        Item::TraitAlias(i) => &i.attrs,
        Item::Type(i) => &i.attrs,
        Item::Union(i) => &i.attrs,
        Item::Use(i) => &i.attrs,
        _ => &[],
    }
}

/// Whether what has these attributes is compiled for tests alone.
pub fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::List(list) if list.path.is_ident("cfg") => {
            list.parse_args::<Meta>().is_ok_and(|condition| needs_test(&condition))
        }
        meta => meta.path().is_ident("test"),
    })
}

/// Whether a condition holds in tests only.
fn needs_test(condition: &Meta) -> bool {
    let inner = |list: &syn::MetaList| {
        let parsed = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
        parsed.into_iter().flatten().map(|meta| needs_test(&meta)).collect::<Vec<_>>()
    };
    match condition {
        Meta::Path(path) => path.is_ident("test") || path.is_ident("doctest"),
        Meta::List(list) if list.path.is_ident("all") => inner(list).contains(&true),
        Meta::List(list) if list.path.is_ident("any") => !inner(list).contains(&false),
        _ => false,
    }
}
