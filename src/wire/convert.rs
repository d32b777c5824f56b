//! From JSON shapes to engine types and back: every limit is checked here, once.
