//! One macro for logging: defmt with its feature, otherwise nothing.
//!
//! Stands on nothing.

/// A warning; its arguments are defmt's.
#[cfg(feature = "defmt")]
macro_rules! warning {
    ($($word:tt)*) => { ::defmt::warn!($($word)*) };
}

/// A warning; without the feature `defmt` its arguments are only looked at.
#[cfg(not(feature = "defmt"))]
macro_rules! warning {
    ($text:literal $(, $argument:expr)* $(,)?) => {{ $( let _ = &$argument; )* }};
}
