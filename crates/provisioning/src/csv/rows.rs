//! Rows of a CSV file as it comes in, each within its limits; memory stays the same for any file.

use csv_core::ReadRecordResult;
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::{LineError, MAX_CELL, MAX_COLUMNS, MAX_FILE, MAX_ROW, columns::too_many_columns};

/// Bytes read at a time.
const CHUNK: usize = 16 * 1024;

/// What a file may begin with that says "UTF-8".
const BYTE_ORDER_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

/// A row.
pub(super) struct Row {
    /// Line on which it begins, from 1.
    pub(super) line: u64,
    /// Its cells; or what is wrong with it, of which only the cell's number is known. What follows it can be read.
    pub(super) cells: Result<Vec<String>, Misfit>,
}

/// What is wrong with a row.
pub(super) struct Misfit {
    /// The cell, from 0, where it is one.
    pub(super) cell: Option<usize>,
    pub(super) problem: String,
}

/// A file, row by row.
pub(super) struct Rows<R> {
    source: R,
    parser: csv_core::Reader,
    chunk: Box<[u8]>,
    /// Within the chunk: what is not parsed yet.
    unread: std::ops::Range<usize>,
    /// Bytes taken from the source, and how many may be.
    taken: u64,
    most: u64,
    /// Bytes parsed.
    parsed: u64,
    /// Line of the next byte.
    line: u64,
    after_return: bool,
    record: Record,
}

/// The row that is being read.
struct Record {
    /// As it stands in the file, up to [`MAX_ROW`].
    raw: Vec<u8>,
    /// Its length in the file.
    length: usize,
    /// The cells without quotes, one after another.
    text: Box<[u8]>,
    text_end: usize,
    /// Where in `text` each cell ends.
    ends: Box<[usize]>,
    cells: usize,
    too_many: bool,
}

impl<R: AsyncRead + Unpin> Rows<R> {
    pub(super) fn new(source: R) -> Self {
        let record = Record {
            raw: Vec::with_capacity(CHUNK),
            length: 0,
            text: vec![0; MAX_ROW + 1].into(),
            text_end: 0,
            ends: vec![0; MAX_COLUMNS + 1].into(),
            cells: 0,
            too_many: false,
        };
        Self {
            source,
            parser: csv_core::Reader::new(),
            chunk: vec![0; CHUNK].into(),
            unread: 0..0,
            taken: 0,
            most: MAX_FILE,
            parsed: 0,
            line: 1,
            after_return: false,
            record,
        }
    }

    /// Bytes of the file that were read.
    pub(super) fn bytes(&self) -> u64 {
        self.parsed
    }

    /// The line of the next byte.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// The next row; empty lines are passed over. An error is the end of the file.
    pub(super) async fn next(&mut self) -> Result<Option<Row>, LineError> {
        if self.taken == 0 {
            self.begin().await?;
        }
        loop {
            if !self.fill().await? {
                return Ok(None);
            }
            match self.chunk[self.unread.start] {
                b'\r' | b'\n' => self.advance(1),
                _ => break,
            }
        }
        let (line, start) = (self.line, self.parsed);
        self.record.clear();
        loop {
            self.fill().await?;
            let input = &self.chunk[self.unread.clone()];
            let record = &mut self.record;
            let (result, read, text, cells) = self.parser.read_record(
                input,
                &mut record.text[record.text_end..],
                &mut record.ends[record.cells..],
            );
            record.add(&input[..read], text, cells);
            self.advance(read);
            match result {
                ReadRecordResult::InputEmpty => {}
                // Too long anyhow: read on to its end, and forget it.
                ReadRecordResult::OutputFull => self.record.text_end = 0,
                ReadRecordResult::OutputEndsFull => {
                    self.record.cells = 0;
                    self.record.too_many = true;
                }
                ReadRecordResult::Record | ReadRecordResult::End => break,
            }
        }
        Ok(Some(Row { line, cells: self.record.cells(start) }))
    }

    /// Passes over a byte order mark.
    async fn begin(&mut self) -> Result<(), LineError> {
        while self.unread.len() < BYTE_ORDER_MARK.len() {
            let before = self.taken;
            self.read(self.unread.end).await?;
            if self.taken == before {
                break;
            }
        }
        let begin = &self.chunk[self.unread.clone()];
        if begin.starts_with(&BYTE_ORDER_MARK) {
            self.advance(BYTE_ORDER_MARK.len());
        } else if begin.starts_with(&[0xff, 0xfe]) || begin.starts_with(&[0xfe, 0xff]) {
            return Err(LineError::new(1, "the file is UTF-16; save it as CSV in UTF-8"));
        }
        Ok(())
    }

    /// Sees to it that there is something unread; `false` at the end of the file.
    async fn fill(&mut self) -> Result<bool, LineError> {
        if self.unread.is_empty() {
            self.unread = 0..0;
            self.read(0).await?;
        }
        Ok(!self.unread.is_empty())
    }

    async fn read(&mut self, at: usize) -> Result<(), LineError> {
        let count = self
            .source
            .read(&mut self.chunk[at..])
            .await
            .map_err(|error| LineError::new(self.line, format!("the file cannot be read on: {error}")))?;
        self.taken += count as u64;
        self.unread.end = at + count;
        if self.taken > self.most {
            let problem = format!("the file is larger than {} MiB; split it", self.most / 1024 / 1024);
            return Err(LineError::new(self.line, problem));
        }
        Ok(())
    }

    /// Passes over parsed bytes, and counts lines: those that end with LF, CR LF or CR.
    fn advance(&mut self, count: usize) {
        let parsed = &self.chunk[self.unread.start..self.unread.start + count];
        for byte in parsed {
            if *byte == b'\r' || (*byte == b'\n' && !self.after_return) {
                self.line += 1;
            }
            self.after_return = *byte == b'\r';
        }
        self.unread.start += count;
        self.parsed += count as u64;
    }
}

impl Record {
    fn clear(&mut self) {
        self.raw.clear();
        (self.length, self.text_end, self.cells, self.too_many) = (0, 0, 0, false);
    }

    fn add(&mut self, raw: &[u8], text: usize, cells: usize) {
        self.length += raw.len();
        let room = MAX_ROW.saturating_sub(self.raw.len());
        self.raw.extend_from_slice(&raw[..raw.len().min(room)]);
        self.text_end += text;
        self.cells += cells;
    }

    /// The cells of a row that began at this byte of the file.
    fn cells(&self, start: u64) -> Result<Vec<String>, Misfit> {
        let row = |problem: String| Misfit { cell: None, problem };
        if self.length > MAX_ROW {
            let hint = if self.raw.contains(&b'"') { ", or close the quote that was left open" } else { "" };
            return Err(row(format!("is longer than {} KiB; shorten it{hint}", MAX_ROW / 1024)));
        }
        if self.too_many || self.cells > MAX_COLUMNS {
            return Err(row(too_many_columns(0).problem));
        }
        if !self.raw.iter().filter(|byte| **byte == b'"').count().is_multiple_of(2) {
            let problem =
                "has a quote that is not closed; put the cell in quotes and write a quote within as two";
            return Err(row(problem.to_owned()));
        }
        if let Err(error) = std::str::from_utf8(&self.raw) {
            let (at, within) = (start + error.valid_up_to() as u64, error.valid_up_to());
            let problem = format!(
                "byte {at} of the file (byte {within} of the row) is no UTF-8; save the file in UTF-8"
            );
            return Err(Misfit { cell: self.texts().position(|text| text.is_err()), problem });
        }
        let cells: Vec<String> = self.texts().filter_map(Result::ok).map(str::to_owned).collect();
        match cells.iter().position(|cell| cell.len() > MAX_CELL) {
            Some(cell) => {
                let problem = format!("the cell is longer than {} KiB; shorten it", MAX_CELL / 1024);
                Err(Misfit { cell: Some(cell), problem })
            }
            None => Ok(cells),
        }
    }

    fn texts(&self) -> impl Iterator<Item = Result<&str, std::str::Utf8Error>> {
        let ends = &self.ends[..self.cells];
        let starts = std::iter::once(&0).chain(ends);
        starts.zip(ends).map(|(start, end)| std::str::from_utf8(&self.text[*start..*end]))
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        pin::Pin,
        task::{Context, Poll},
    };

    use tokio::io::ReadBuf;

    use super::*;

    /// A source that gives so many bytes at a time, and then fails if it is told to.
    struct Slow<'f> {
        file: &'f [u8],
        at_a_time: usize,
        fails: bool,
    }

    impl AsyncRead for Slow<'_> {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            into: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            if self.file.is_empty() && self.fails {
                return Poll::Ready(Err(io::Error::other("the cable is out")));
            }
            let count = self.at_a_time.min(into.remaining()).min(self.file.len());
            let (now, later) = self.file.split_at(count);
            into.put_slice(now);
            self.file = later;
            Poll::Ready(Ok(()))
        }
    }

    type Found = Vec<(u64, Result<Vec<String>, String>)>;

    async fn read_from(source: Slow<'_>) -> Result<Found, LineError> {
        let mut rows = Rows::new(source);
        let mut found = Vec::new();
        while let Some(row) = rows.next().await? {
            let cells = row.cells.map_err(|misfit| match misfit.cell {
                Some(cell) => format!("cell {cell}: {}", misfit.problem),
                None => misfit.problem,
            });
            found.push((row.line, cells));
        }
        Ok(found)
    }

    async fn read(file: impl AsRef<[u8]>) -> Found {
        let file = file.as_ref();
        let whole = read_from(Slow { file, at_a_time: usize::MAX, fails: false }).await.expect("a file");
        for at_a_time in [1, 2, 3, 7] {
            let again = read_from(Slow { file, at_a_time, fails: false }).await.expect("a file");
            assert_eq!(again, whole, "{at_a_time} at a time");
        }
        whole
    }

    fn cells(line: u64, cells: &[&str]) -> (u64, Result<Vec<String>, String>) {
        (line, Ok(cells.iter().map(|cell| (*cell).to_owned()).collect()))
    }

    #[tokio::test]
    async fn rows_and_their_lines() {
        for (file, expected) in [
            ("", vec![]),
            ("\n\r\n\r", vec![]),
            ("a,b\nc,d\n", vec![cells(1, &["a", "b"]), cells(2, &["c", "d"])]),
            ("a,b\r\nc,d", vec![cells(1, &["a", "b"]), cells(2, &["c", "d"])]),
            ("a,b\rc,d\r", vec![cells(1, &["a", "b"]), cells(2, &["c", "d"])]),
            ("\u{feff}a,b\n", vec![cells(1, &["a", "b"])]),
            ("\u{feff}", vec![]),
            (
                "\n\n a ,\n\r\n\n\"b\n\nc\",d\ne,f",
                vec![cells(3, &[" a ", ""]), cells(6, &["b\n\nc", "d"]), cells(9, &["e", "f"])],
            ),
            (
                "\"a,\"\"b\"\"\",\"c\r\nd\"\r\ne,f\r\n",
                vec![cells(1, &["a,\"b\"", "c\r\nd"]), cells(3, &["e", "f"])],
            ),
            ("é,日本\n", vec![cells(1, &["é", "日本"])]),
            (",\n", vec![cells(1, &["", ""])]),
            ("a\n,,\nb", vec![cells(1, &["a"]), cells(2, &["", "", ""]), cells(3, &["b"])]),
        ] {
            assert_eq!(read(file).await, expected, "{file:?}");
        }
    }

    #[tokio::test]
    async fn what_is_no_utf_8_is_told_with_its_place_and_the_next_row_is_read() {
        let found = read(b"a,b\nAnn,L\xe9e\nc,d\n\"x\ny\",\xff").await;
        let said = |at: usize| found[at].1.as_ref().expect_err("no UTF-8").as_str();
        assert_eq!((found[1].0, found[3].0), (2, 4));
        assert!(said(1).starts_with("cell 1: byte 9 of the file (byte 5 of the row)"), "{}", said(1));
        assert!(said(3).starts_with("cell 1: byte 22 of the file (byte 6 of the row)"), "{}", said(3));
        assert_eq!(found[2], cells(3, &["c", "d"]));
        let utf_16: Vec<u8> = "\u{feff}a,b".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let error = read_from(Slow { file: &utf_16, at_a_time: 1, fails: false }).await.expect_err("UTF-16");
        assert!(error.problem.contains("UTF-16"), "{error}");
    }

    #[tokio::test]
    async fn limits_of_a_row_and_a_cell() {
        let (x, y) = ("x".repeat(MAX_CELL), "y".repeat(MAX_ROW - 4 * MAX_CELL));
        let full = format!("{x},{x},{x},{}{y}\n", &x[4..]);
        assert_eq!(full.len(), MAX_ROW);
        let wide = format!("{}\n", vec!["a"; MAX_COLUMNS].join(","));
        let file =
            format!("{full}{}{x}y\n{wide}{}z", full.replacen('x', "xx", 1), wide.replacen('a', "a,a", 1));
        let found = read(&file).await;
        let said = |at: usize| found[at].1.as_ref().expect_err("too much").as_str();
        assert_eq!(found[0].1.as_ref().map(Vec::len), Ok(4));
        assert!(said(1).starts_with("is longer than 64 KiB"), "{}", said(1));
        assert!(said(2).starts_with("cell 0: the cell is longer than 16 KiB"), "{}", said(2));
        assert_eq!(found[3].1.as_ref().map(Vec::len), Ok(MAX_COLUMNS));
        assert!(said(4).starts_with("has more than 200 columns"), "{}", said(4));
        assert_eq!(found[5], cells(6, &["z"]));
    }

    #[tokio::test]
    async fn a_quote_that_is_never_closed_costs_no_memory() {
        let file = format!("a,b\n\"c,d\n{}", "e,f\n".repeat(100_000));
        let mut rows = Rows::new(file.as_bytes());
        assert!(rows.next().await.expect("a row").is_some());
        let row = rows.next().await.expect("a row").expect("the rest");
        assert_eq!(row.line, 2);
        assert!(row.cells.is_err_and(|misfit| misfit.problem.contains("close the quote")));
        assert!(rows.record.raw.capacity() <= 2 * MAX_ROW && rows.next().await.expect("the end").is_none());
        let found = read("a,5\" pipe\nb,c\n\"d").await;
        for (at, line) in [(0, 1), (2, 3)] {
            assert_eq!(found[at].0, line);
            assert!(found[at].1.as_ref().is_err_and(|said| said.contains("quote that is not closed")));
        }
        assert_eq!(found[1], cells(2, &["b", "c"]));
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_read_on_is_told_with_its_line() {
        let slow = Slow { file: b"a,b\nc,d\n", at_a_time: 4, fails: true };
        let error = read_from(slow).await.expect_err("it ends");
        assert_eq!(error.line, 3);
        assert!(error.problem.contains("the cable is out"), "{error}");
    }

    #[tokio::test]
    async fn a_file_has_an_end() {
        let mut rows = Rows::new(tokio::io::repeat(b'\n'));
        assert_eq!(rows.most, MAX_FILE);
        rows.most = 1024 * 1024;
        let error = rows.next().await.err().expect("too large");
        assert!(error.problem.starts_with("the file is larger than 1 MiB"), "{error}");
        assert!(error.line > rows.most - CHUNK as u64, "where it was, not where it began");
    }
}
