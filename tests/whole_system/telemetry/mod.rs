//! What operators see: traces, log lines and metrics, and what is made of their names.

mod collector;
mod logs;
mod names;
mod traces;
