//! Users on their way to a directory that is really there: made, changed, moved, ended, and nothing of others' touched.

mod again;
mod bed;
mod ends;
mod existing;
mod life;
mod refusals;
