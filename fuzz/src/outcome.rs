//! How a case went, and what may not happen. Stands on nothing.

use nervecord_codegen::Error;

/// How a case went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It went through every phase.
    Accepted,
    /// It was refused with a reason.
    Refused,
    /// It went through, further from float than the tolerance; the report says so.
    Missed,
}

/// What may not happen: its kind, and what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// A word for tables.
    pub kind: &'static str,
    /// What happened.
    pub text: String,
}

/// A finding.
///
/// # Errors
/// Always: the finding.
pub fn wrong<T>(kind: &'static str, text: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong { kind, text: text.into() })
}

/// A refusal has to say what to do.
///
/// # Errors
/// It does not.
pub fn refused(error: &Error) -> Result<Outcome, Wrong> {
    let text = error.to_string();
    match text.contains("\n     help: ") {
        true => Ok(Outcome::Refused),
        false => wrong("no help", text),
    }
}
