//! The binary as scripts and tired people use it: exit codes, JSON, and errors that say what to do.

#![expect(clippy::disallowed_methods, reason = "the binary is tested as a process")]

mod access;
mod bad_input;
mod configuration;
mod demo;
mod everyday;
mod frozen;
mod keeping;
mod knowledge_use;
mod knowledge_words;
mod learning;
mod notify;
mod packs;
mod patient;
mod pipes;
mod support;
mod trouble;
