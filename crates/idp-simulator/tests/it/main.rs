//! The simulator against servers in this process: a right one, and ones with a flaw each.

#[cfg(test)]
mod entra;
#[cfg(test)]
mod entra_flaws;
#[cfg(test)]
mod flaws;
#[cfg(test)]
mod load;
#[cfg(test)]
mod mini;
#[cfg(test)]
mod scenarios;
