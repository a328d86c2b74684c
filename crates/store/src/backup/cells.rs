//! A row between two databases: one line of JSON, the same text for the same row on either.

use std::fmt::Write as _;

use sea_orm::{QueryResult, Value};
use serde_json::{Map, Number, Value as Json};
use uuid::Uuid;

use super::columns::{Column, Kind};
use crate::{StoreError, error::unreadable, store::Backend};

/// Whole numbers up to here are the same whether they were read as such or as a fraction.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// What stands in one column of a row.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    Null,
    Bool(bool),
    Int(i64),
    Text(String),
    /// Ids, too.
    Bytes(Vec<u8>),
    Json(Json),
}

/// How a column is asked for.
pub(super) fn expression(column: &Column, backend: Backend) -> String {
    let name = &column.name;
    match (backend, column.kind) {
        (Backend::Postgres, Kind::Int) => format!("CAST(\"{name}\" AS bigint)"),
        (Backend::Postgres, Kind::Json) => format!("CAST(\"{name}\" AS text)"),
        _ => format!("\"{name}\""),
    }
}

/// Reads a row of these columns.
pub(super) fn read(row: &QueryResult, columns: &[Column]) -> Result<Vec<Cell>, StoreError> {
    columns.iter().enumerate().map(|(place, column)| cell(row, place, column)).collect()
}

fn cell(row: &QueryResult, place: usize, column: &Column) -> Result<Cell, StoreError> {
    let cell = match column.kind {
        Kind::Uuid => {
            row.try_get_by_index::<Option<Uuid>>(place)?.map(|id| Cell::Bytes(id.as_bytes().to_vec()))
        }
        Kind::Bytes => row.try_get_by_index::<Option<Vec<u8>>>(place)?.map(Cell::Bytes),
        Kind::Text => row.try_get_by_index::<Option<String>>(place)?.map(Cell::Text),
        Kind::Int => row.try_get_by_index::<Option<i64>>(place)?.map(Cell::Int),
        Kind::Bool => row.try_get_by_index::<Option<bool>>(place)?.map(Cell::Bool),
        Kind::Json => {
            let text: Option<String> = row.try_get_by_index(place)?;
            let tree = text.map(|text| serde_json::from_str(&text)).transpose();
            tree.map_err(|error| unreadable(&column.name, error))?.map(|tree| Cell::Json(canonical(tree)))
        }
    };
    Ok(cell.unwrap_or(Cell::Null))
}

/// JSON in one form, whichever way a database kept it: names in order, whole numbers without a fraction.
fn canonical(tree: Json) -> Json {
    match tree {
        Json::Object(members) => {
            let mut members: Vec<_> = members.into_iter().collect();
            members.sort_by(|one, other| one.0.cmp(&other.0));
            Json::Object(
                members.into_iter().map(|(name, value)| (name, canonical(value))).collect::<Map<_, _>>(),
            )
        }
        Json::Array(items) => Json::Array(items.into_iter().map(canonical).collect()),
        Json::Number(number) => Json::Number(plain(number)),
        other => other,
    }
}

fn plain(number: Number) -> Number {
    match number.as_f64() {
        Some(value) if value.fract() == 0.0 && value.abs() <= EXACT => Number::from(value as i64),
        Some(value) => Number::from_f64(value).unwrap_or(number),
        None => number,
    }
}

/// Writes a row as a line, without its end.
pub(super) fn write(cells: &[Cell], line: &mut String) {
    line.push('[');
    for (place, cell) in cells.iter().enumerate() {
        if place > 0 {
            line.push(',');
        }
        // Writing to a String cannot fail.
        let _ = match cell {
            Cell::Null => line.write_str("null"),
            Cell::Bool(value) => write!(line, "{value}"),
            Cell::Int(value) => write!(line, "{value}"),
            Cell::Text(text) => write!(line, "{}", Json::from(text.as_str())),
            Cell::Bytes(bytes) => write!(line, "\"{}\"", hex(bytes)),
            Cell::Json(tree) => write!(line, "{tree}"),
        };
    }
    line.push(']');
}

/// Reads a line that [`write`] wrote; `None`: it is none of these columns.
pub(super) fn parse(line: &str, columns: &[Column]) -> Option<Vec<Cell>> {
    let values: Vec<Json> = serde_json::from_str(line).ok()?;
    if values.len() != columns.len() {
        return None;
    }
    let cell = |(value, column): (Json, &Column)| {
        Some(match (column.kind, value) {
            (Kind::Json, Json::Null) => Cell::Null,
            (Kind::Json, tree) => Cell::Json(canonical(tree)),
            (_, Json::Null) => Cell::Null,
            (Kind::Bool, Json::Bool(value)) => Cell::Bool(value),
            (Kind::Int, Json::Number(number)) => Cell::Int(number.as_i64()?),
            (Kind::Text, Json::String(text)) => Cell::Text(text),
            (Kind::Uuid | Kind::Bytes, Json::String(text)) => Cell::Bytes(unhex(&text)?),
            _ => return None,
        })
    };
    values.into_iter().zip(columns).map(cell).collect()
}

/// As it is bound in a statement; `None`: it is no value of the column.
pub(super) fn bound(cell: Cell, kind: Kind) -> Option<Value> {
    Some(match (kind, cell) {
        (Kind::Uuid, Cell::Null) => None::<Uuid>.into(),
        (Kind::Uuid, Cell::Bytes(bytes)) => Uuid::from_slice(&bytes).ok()?.into(),
        (Kind::Bytes, Cell::Null) => None::<Vec<u8>>.into(),
        (Kind::Bytes, Cell::Bytes(bytes)) => bytes.into(),
        (Kind::Text | Kind::Json, Cell::Null) => None::<String>.into(),
        (Kind::Text, Cell::Text(text)) => text.into(),
        (Kind::Json, Cell::Json(tree)) => tree.to_string().into(),
        (Kind::Int, Cell::Null) => None::<i64>.into(),
        (Kind::Int, Cell::Int(value)) => value.into(),
        (Kind::Bool, Cell::Null) => None::<bool>.into(),
        (Kind::Bool, Cell::Bool(value)) => value.into(),
        _ => return None,
    })
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

pub(super) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    digits.chunks_exact(2).map(|pair| Some(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(kind: Kind) -> Column {
        Column { name: "c".into(), kind, key: 0 }
    }

    #[test]
    fn a_row_is_one_line_and_comes_back() {
        let columns: Vec<Column> =
            [Kind::Uuid, Kind::Bytes, Kind::Text, Kind::Json, Kind::Int, Kind::Bool, Kind::Text]
                .map(column)
                .into();
        let cells = vec![
            Cell::Bytes(vec![0xab; 16]),
            Cell::Bytes(Vec::new()),
            Cell::Text("a\n\"b\" ü\u{2028}".into()),
            Cell::Json(serde_json::json!({"a": [1, 2.5], "b": null})),
            Cell::Int(i64::MIN),
            Cell::Bool(true),
            Cell::Null,
        ];
        let mut line = String::new();
        write(&cells, &mut line);
        assert!(!line.contains('\n') && line.starts_with("[\"abab"), "{line}");
        assert_eq!(parse(&line, &columns), Some(cells));
        for wrong in [
            "[]",
            "{}",
            "x",
            &line.replace("true", "1"),
            &line.replacen("ab", "xy", 1),
            &line.replacen("ab", "a", 1),
        ] {
            assert_eq!(parse(wrong, &columns), None, "{wrong}");
        }
    }

    /// Whatever PostgreSQL makes of it, the line is the same.
    #[test]
    fn json_has_one_form() {
        let forms = [
            r#"{"b": 1e3, "a": [10.0, 0.5, 1e20, {"d": 1, "c": null}]}"#,
            r#"{"a":[10,0.50,100000000000000000000,{"c":null,"d":1.0}],"b":1000}"#,
        ];
        let lines = forms.map(|text| canonical(serde_json::from_str(text).unwrap()).to_string());
        assert_eq!(lines[0], lines[1]);
        let again = canonical(serde_json::from_str(&lines[0]).unwrap()).to_string();
        assert_eq!(lines[0], again);
    }
}
