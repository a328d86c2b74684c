//! The rows of a file as they can be carried out, in batches.

use std::collections::HashMap;

use scim_core::fold;
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncRead;

use super::{
    LineError, MAX_ROWS,
    import::{Cells, Import},
    rows::{Row, Rows},
};
use crate::batch::BATCH;

/// Bytes of a file after which a batch ends, however few rows it has.
const MOST: u64 = 1024 * 1024;

/// The rows of a file as they can be carried out.
pub(super) struct Reader<R> {
    rows: Rows<R>,
    names: Vec<String>,
    /// The line of each userName, by the digest of its folded form: a file may have a million.
    lines: HashMap<[u8; 16], u64>,
    read: u64,
}

/// The end of a file.
pub(super) enum End {
    /// All of it was read.
    Whole,
    /// It cannot be read on.
    Broken(LineError),
}

/// Rows that are judged and written together.
pub(super) struct Batch {
    /// Each with its line: its cells, or what is wrong with it.
    pub(super) rows: Vec<(u64, Result<Cells, LineError>)>,
    /// Bytes of the file that were read by its end.
    pub(super) bytes: u64,
    /// What comes after it, if nothing does.
    pub(super) end: Option<End>,
}

impl<R: AsyncRead + Unpin> Reader<R> {
    /// Of the rows below a header.
    pub(super) fn new(rows: Rows<R>, names: Vec<String>) -> Self {
        Self { rows, names, lines: HashMap::new(), read: 0 }
    }

    /// The line of the next row.
    pub(super) fn line(&self) -> u64 {
        self.rows.line()
    }

    /// The next rows, as many as are written together.
    pub(super) async fn batch(&mut self, import: &Import) -> Batch {
        let (mut rows, mut end, begin) = (Vec::with_capacity(BATCH), None, self.rows.bytes());
        while rows.len() < BATCH && self.rows.bytes() - begin < MOST {
            match self.next(import).await {
                Ok(Ok((line, cells))) => rows.push((line, Ok(cells))),
                Ok(Err(error)) => rows.push((error.line, Err(error))),
                Err(reached) => {
                    end = Some(reached);
                    break;
                }
            }
        }
        Batch { rows, bytes: self.rows.bytes(), end }
    }

    /// The next row with something in it: its line and cells, or what is wrong with it.
    async fn next(&mut self, import: &Import) -> Result<Result<(u64, Vec<String>), LineError>, End> {
        loop {
            let Row { line, cells } = self.rows.next().await.map_err(End::Broken)?.ok_or(End::Whole)?;
            if cells.as_ref().is_ok_and(|cells| cells.iter().all(String::is_empty)) {
                continue;
            }
            if self.read >= MAX_ROWS {
                let problem = format!("the file has more than {MAX_ROWS} rows; split it");
                return Err(End::Broken(LineError::new(line, problem)));
            }
            self.read += 1;
            return Ok(self.check(import, line, cells));
        }
    }

    fn check(
        &mut self,
        import: &Import,
        line: u64,
        cells: Result<Vec<String>, super::rows::Misfit>,
    ) -> Result<(u64, Vec<String>), LineError> {
        let cells = cells.map_err(|misfit| LineError {
            line,
            path: misfit.cell.and_then(|at| self.names.get(at)).cloned(),
            problem: misfit.problem,
        })?;
        if cells.len() != self.names.len() {
            let problem = format!(
                "has {} cells where the header has {}; put cells with a comma in quotes",
                cells.len(),
                self.names.len()
            );
            return Err(LineError::new(line, problem));
        }
        let name = import.user_name(&cells);
        let mut key = [0; 16];
        key.copy_from_slice(&Sha256::digest(fold(&name))[..16]);
        match self.lines.insert(key, line) {
            Some(first) if !name.is_empty() => {
                self.lines.insert(key, first);
                let problem = format!("is the same as in line {first}; have one row for each user");
                Err(LineError::at(line, "userName", problem))
            }
            _ => Ok((line, cells)),
        }
    }
}
