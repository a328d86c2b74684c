//! How many rows there are, and a digest of them: what is compared between a database, a backup and another database.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use super::cells::hex;

/// The rows of a section so far: SHA-256 over their lines, each with its end.
#[derive(Clone, Default)]
pub(super) struct Sum {
    pub(super) rows: u64,
    hash: Sha256,
}

impl Sum {
    pub(super) fn add(&mut self, line: &str) {
        self.rows += 1;
        self.hash.update(line);
        self.hash.update(b"\n");
    }

    pub(super) fn sha256(&self) -> [u8; 32] {
        self.hash.clone().finalize().into()
    }
}

/// What a whole table came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableSum {
    /// Its name.
    pub table: String,
    /// Rows.
    pub rows: u64,
    /// SHA-256 over the digests of its sections, in their order; hexadecimal. The same rows have the same on either database.
    pub sha256: String,
}

/// The sums of all tables.
#[derive(Default)]
pub(super) struct Sums {
    tables: BTreeMap<String, (u64, Sha256)>,
    pub(super) sections: u64,
    pub(super) rows: u64,
}

impl Sums {
    pub(super) fn add(&mut self, table: &str, sum: &Sum) {
        self.sections += 1;
        self.rows += sum.rows;
        let (rows, hash) = self.tables.entry(table.to_owned()).or_default();
        *rows += sum.rows;
        hash.update(sum.sha256());
    }

    pub(super) fn tables(self) -> Vec<TableSum> {
        let told = |(table, (rows, hash)): (String, (u64, Sha256))| TableSum {
            table,
            rows,
            sha256: hex(&hash.finalize()),
        };
        self.tables.into_iter().map(told).collect()
    }
}
