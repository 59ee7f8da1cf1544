//! End-to-end, golden and layering tests of the whole system.
