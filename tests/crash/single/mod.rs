//! One engine, the home that it watches, and the services that it heals.

pub mod child;
pub mod home;
pub mod points;
pub mod ports;
pub mod service;
pub mod witness;
