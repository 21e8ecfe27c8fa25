//! The binary as scripts and tired people use it: exit codes, JSON, and errors that say what to do.

mod bad_input;
mod demo;
mod everyday;
mod support;
