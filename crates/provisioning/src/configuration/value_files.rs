//! Lists of values as files that people open in a spreadsheet program.

use scim_core::value_set::AllowedValue;

use super::{ConfigurationError, values_of_csv};
use crate::csv::{guarded, unguard};

/// Values as a CSV file with a header, in which no cell is a formula; [`values_of_file`] gives the same.
#[must_use]
pub fn file_of_values(values: &[AllowedValue]) -> String {
    let mut text = "value,label\n".to_owned();
    for allowed in values {
        text.push_str(&guarded(&allowed.value));
        if let Some(label) = &allowed.label {
            text.push(',');
            text.push_str(&guarded(label));
        }
        text.push('\n');
    }
    text
}

/// Values of such a file, or of any that [`values_of_csv`] reads.
pub fn values_of_file(file: impl std::io::Read) -> Result<Vec<AllowedValue>, ConfigurationError> {
    let plain = |cell: String| unguard(&cell).to_owned();
    let values = values_of_csv(file)?.into_iter();
    let values = values
        .map(|AllowedValue { value, label }| AllowedValue { value: plain(value), label: label.map(plain) });
    Ok(values.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula_and_each_reads_back() {
        let labelled =
            |value: &str, label: &str| AllowedValue { value: value.into(), label: Some(label.into()) };
        let values = vec![
            AllowedValue::from("=HYPERLINK(\"https://evil.example\",\"x\")"),
            AllowedValue::from("-7"),
            AllowedValue::from("'=1"),
            AllowedValue::from("a, b"),
            labelled("12", "@SUM(A1), more"),
            labelled("+1", "plain"),
        ];
        let file = file_of_values(&values);
        for line in file.lines() {
            for cell in [line, line.split_once(',').map_or("", |(_, label)| label)] {
                assert!(!cell.trim_start_matches('"').starts_with(['=', '+', '-', '@']), "{line}");
            }
        }
        assert_eq!(values_of_file(file.as_bytes()).expect("values"), values);
        assert_eq!(
            values_of_file("-7\nb,B\n".as_bytes()).expect("values"),
            [AllowedValue::from("-7"), labelled("b", "B")]
        );
    }
}
