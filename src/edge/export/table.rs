//! A table of an export: a header, and lines of cells.

use csv::{ReaderBuilder, StringRecord};
use jiff::civil::Date;

use super::{ExportError, ExportFile};

/// What a line of sums says of itself.
const TOTAL: &str = "Grand total";

/// A table, read whole.
pub(super) struct Table<'a> {
    file: &'a str,
    /// Names of columns: letters and digits alone, in lower case.
    header: Vec<String>,
    lines: Vec<(u64, StringRecord)>,
}

/// One of its lines.
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    table: &'a Table<'a>,
    number: u64,
    cells: &'a StringRecord,
}

impl<'a> Table<'a> {
    /// Reads `text`, a part of a file that begins after `lines_before` of its lines.
    pub(super) fn read(
        file: ExportFile<'a>,
        text: &str,
        lines_before: u64,
    ) -> Result<Self, ExportError> {
        let text = text.trim_start_matches('\u{feff}');
        let mut reader =
            ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
        let wrong = |line, why: &str| {
            let (file, why) = (file.name.to_owned(), why.to_owned());
            ExportError::Line { file, line, why }
        };
        let mut lines = Vec::new();
        let mut header: Option<Vec<String>> = None;
        for record in reader.records() {
            let record = record.map_err(|_| wrong(lines_before + 1, "the table is no CSV"))?;
            let line = lines_before + record.position().map_or(0, csv::Position::line);
            let Some(header) = &header else {
                header = Some(record.iter().map(name).collect());
                continue;
            };
            // Explorations have a line of all days, and say so in a cell behind it.
            let is_total =
                record.len() == header.len() + 1 && record.get(header.len()) == Some(TOTAL);
            if record.len() == header.len() {
                lines.push((line, record));
            } else if !is_total {
                return Err(wrong(line, "it has more or fewer cells than the header"));
            }
        }
        Ok(Self { file: file.name, header: header.unwrap_or_default(), lines })
    }

    /// The first column that has one of these names.
    pub(super) fn column(&self, names: &[&str]) -> Option<usize> {
        names.iter().find_map(|wanted| self.header.iter().position(|name| name == wanted))
    }

    pub(super) fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        self.lines.iter().map(|(number, cells)| Line { table: self, number: *number, cells })
    }
}

/// A column's name as it is looked for.
fn name(text: &str) -> String {
    text.chars().filter(|it| it.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

impl<'a> Line<'a> {
    pub(super) fn number(self) -> u64 {
        self.number
    }

    pub(super) fn text(self, column: usize) -> &'a str {
        self.cells.get(column).unwrap_or("").trim()
    }

    /// The text of a column that may not be there.
    pub(super) fn maybe(self, column: Option<usize>) -> &'a str {
        column.map_or("", |column| self.text(column))
    }

    /// Something is wrong with this line.
    pub(super) fn error(self, why: impl Into<String>) -> ExportError {
        ExportError::Line { file: self.table.file.to_owned(), line: self.number, why: why.into() }
    }

    /// The day in a column: `2026-11-01`, or `20261101`.
    pub(super) fn day(self, column: usize) -> Result<Date, ExportError> {
        let text = self.text(column);
        day(text).ok_or_else(|| self.error("its day is not written as 2026-11-01 or 20261101"))
    }

    /// A whole number from nought on; an empty cell is nought.
    pub(super) fn count(self, column: Option<usize>) -> Result<i64, ExportError> {
        let text = self.maybe(column);
        if matches!(text, "" | "\\N") {
            return Ok(0);
        }
        let count = text.parse::<u32>().map(i64::from).or_else(|_| whole(text).ok_or(()));
        count.map_err(|()| {
            let name = column.and_then(|at| self.table.header.get(at)).map_or("", String::as_str);
            self.error(format!("{name} is not a whole number from 0 on"))
        })
    }

    /// A number from nought on.
    pub(super) fn number_in(self, column: usize) -> Result<f64, ExportError> {
        let text = self.text(column);
        let (text, scale) = text.strip_suffix('%').map_or((text, 1.0), |text| (text, 0.01));
        let number = text.trim().parse::<f64>().ok().map(|number| number * scale);
        number.filter(|it| it.is_finite() && *it >= 0.0).ok_or_else(|| {
            let name = self.table.header.get(column).map_or("", String::as_str);
            self.error(format!("{name} is not a number from 0 on"))
        })
    }
}

/// `12.0`, as some reports have it.
fn whole(text: &str) -> Option<i64> {
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    let is_whole = rest.bytes().all(|byte| byte == b'0');
    whole.parse().ok().filter(|it: &i64| is_whole && (0..1 << 53).contains(it))
}

/// `2026-11-01`, or `20261101`.
pub(super) fn day(text: &str) -> Option<Date> {
    let digits: String = text.chars().filter(|it| *it != '-').collect();
    let plain = digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_digit());
    let shaped = plain && matches!(text.len(), 8 | 10);
    let part = |from: usize, to: usize| digits[from..to].parse::<i16>().ok();
    let (year, month, day) =
        if shaped { (part(0, 4)?, part(4, 6)?, part(6, 8)?) } else { return None };
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}
