//! Trained files in, [`Graph`](crate::graph::Graph)s out.
