//! What a user reads when an input is wrong: file, place, expected, found, and what to do. Stands on texts.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::text;

/// Most characters of a line of a message.
const WIDEST: usize = 1000;

/// The result of every phase.
pub type Result<T> = std::result::Result<T, Error>;

/// An input that cannot be used, told so that its owner can mend it.
///
/// Its `Debug` is its message, so that a build script's `unwrap` shows what to do.
#[derive(Clone, PartialEq, Eq)]
pub struct Error(Box<Details>);

/// What kind of input cannot be used, for programs that go on from there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Kind {
    /// A file or folder could not be read or written.
    File,
    /// The trained file is damaged, or holds what is not supported.
    Model,
    /// The calibration data or the vectors do not fit the model.
    Data,
    /// `nervecord.toml` does not fit the model.
    Settings,
    /// An option is out of range.
    Options,
    /// The network cannot be represented by integers.
    Numbers,
    /// Anything else: a tool that is missing, a bug.
    #[default]
    Other,
}

/// The parts of an error, for programs that show them in their own way.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Details {
    kind: Option<Kind>,
    /// What went wrong, in a line.
    pub summary: String,
    /// The file that holds the fault.
    pub file: Option<PathBuf>,
    /// The node, tensor, row or key at fault.
    pub place: Option<String>,
    /// What should have been there.
    pub expected: Option<String>,
    /// What was there instead.
    pub found: Option<String>,
    /// What the user can do about it.
    pub help: Option<String>,
}

impl Error {
    /// What went wrong, in one line without a full stop.
    pub fn new(summary: impl Into<String>) -> Self {
        Self(Box::new(Details { summary: summary.into(), ..Details::default() }))
    }

    /// What kind of input is at fault; the innermost caller's word stands.
    #[must_use]
    pub fn of_kind(mut self, kind: Kind) -> Self {
        self.0.kind.get_or_insert(kind);
        self
    }

    /// What kind of input is at fault.
    pub fn kind(&self) -> Kind {
        self.0.kind.unwrap_or_default()
    }

    /// The file that holds the fault; the innermost caller's word stands.
    #[must_use]
    pub fn file(mut self, path: impl AsRef<Path>) -> Self {
        self.0.file.get_or_insert_with(|| path.as_ref().to_owned());
        self
    }

    /// The node, tensor, row or key at fault.
    #[must_use]
    pub fn at(mut self, place: impl fmt::Display) -> Self {
        self.0.place.get_or_insert_with(|| place.to_string());
        self
    }

    /// What should have been there.
    #[must_use]
    pub fn expected(mut self, what: impl fmt::Display) -> Self {
        self.0.expected = Some(what.to_string());
        self
    }

    /// What was there instead.
    #[must_use]
    pub fn found(mut self, what: impl fmt::Display) -> Self {
        self.0.found = Some(what.to_string());
        self
    }

    /// What the user can do about it.
    #[must_use]
    pub fn help(mut self, what: impl fmt::Display) -> Self {
        self.0.help = Some(what.to_string());
        self
    }

    /// Its parts.
    pub fn details(&self) -> &Details {
        &self.0
    }

    /// Where it went wrong and what, in one line, for notes.
    pub fn brief(&self) -> String {
        match &self.0.place {
            Some(place) => format!("{place}: {}", self.0.summary),
            None => self.0.summary.clone(),
        }
    }

    /// What went wrong and what to do about it, in one line, for tables.
    pub fn reason(&self) -> String {
        match &self.0.help {
            Some(help) => format!("{}: {help}", self.0.summary),
            None => self.0.summary.clone(),
        }
    }

    /// A file that could not be read or written.
    pub fn io(action: &str, path: impl AsRef<Path>, source: &std::io::Error) -> Self {
        Self::new(format!("cannot {action} the file"))
            .of_kind(Kind::File)
            .file(path)
            .expected(format!("a path this program can {action}"))
            .found(source)
            .help("check the path and its permissions")
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let d = &self.0;
        write!(f, "{}", shown(&d.summary))?;
        if let Some(file) = &d.file {
            write!(f, "\n     file: {}", text::path(file))?;
        }
        for (label, text) in [
            ("       at", &d.place),
            (" expected", &d.expected),
            ("    found", &d.found),
            ("     help", &d.help),
        ] {
            if let Some(text) = text {
                write!(f, "\n{label}: {}", shown(text))?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a message holds, be it out of a file: lines after the first are indented below it.
fn shown(text: &str) -> String {
    let lines: Vec<String> =
        text.lines().map(|line| text::shortened(&text::plain(line), WIDEST)).collect();
    lines.join("\n            ")
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unwrapping_shows_the_message() {
        let error = Error::new("the tensor is missing").at("tensor `w`").help("export it again");
        assert_eq!(format!("{error:?}"), error.to_string());
    }

    #[test]
    fn the_innermost_kind_stands() {
        let error = Error::io("read", "a", &std::io::ErrorKind::NotFound.into());
        assert_eq!(error.of_kind(Kind::Model).kind(), Kind::File);
        assert_eq!(Error::new("odd").kind(), Kind::Other);
    }

    #[test]
    fn a_name_out_of_a_file_forges_no_line_and_steers_no_terminal() {
        let name = format!("w\n     help: run this\u{1b}[2J{}", "x".repeat(100_000));
        let error =
            Error::new("a tensor is missing").file("a\nb").found(name).help("export it again");
        let message = error.to_string();
        assert_eq!(message.lines().filter(|line| line.starts_with("     help: ")).count(), 1);
        assert!(message.contains("a\\nb") && message.contains("\\u{1b}[2J"), "{message}");
        assert!(!message.contains('\u{1b}') && message.len() < 2000, "{message}");
    }
}
