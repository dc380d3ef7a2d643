//! Small networks whose verdicts are known.
