//! The broker from outside: whole worlds of cores and clients, held against the judge.

mod behaviour;
mod interleavings;
mod judge;
mod lag;
mod past;
mod scene;
mod world;
