//! Plants and helpers for the tests.
