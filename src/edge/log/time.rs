//! The time in a log's line: `17/May/2015:10:05:03 +0000`.

use crate::hit::Second;

const MONTHS: &[&[u8; 3]; 12] = &[
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

/// Parses times; remembers the last date, since the next line's is the same.
#[derive(Default)]
pub(super) struct Dates {
    text: [u8; 11],
    day: i64,
}

impl Dates {
    /// Seconds since 1970.
    pub(super) fn parse(&mut self, text: &[u8]) -> Option<Second> {
        let text: &[u8; 26] = text.try_into().ok()?;
        let [date @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = text;
        if *date != self.text {
            self.day = day(date)?;
            self.text = *date;
        }
        let two = |at: usize| two(&text[at..at + 2]);
        let separated = text[11] == b':' && text[14] == b':' && text[17] == b':';
        let (hour, minute, second) = (two(12)?, two(15)?, two(18)?);
        let (zone_hours, zone_minutes) = (two(22)?, two(24)?);
        let zone_s = zone_hours * 3600 + zone_minutes * 60;
        let ahead_s = match (text[20], text[21]) {
            (b' ', b'+') => zone_s,
            (b' ', b'-') => -zone_s,
            _ => return None,
        };
        // A leap second is written as the sixtieth.
        let valid = separated && hour < 24 && minute < 60 && second <= 60 && zone_hours < 24;
        let seconds = self.day * 86_400 + hour * 3600 + minute * 60 + second - ahead_s;
        valid.then_some(Second(seconds))
    }
}

fn two(digits: &[u8]) -> Option<i64> {
    let [tens, ones] = digits else { return None };
    let digits = tens.is_ascii_digit() && ones.is_ascii_digit();
    digits.then(|| i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
}

/// The days from 1970 to `17/May/2015`.
fn day(date: &[u8; 11]) -> Option<i64> {
    if date[2] != b'/' || date[6] != b'/' {
        return None;
    }
    let month = MONTHS.iter().position(|name| name[..] == date[3..6])?;
    let year = two(&date[7..9])? * 100 + two(&date[9..11])?;
    let date = jiff::civil::Date::new(
        i16::try_from(year).ok()?,
        i8::try_from(month + 1).ok()?,
        i8::try_from(two(&date[..2])?).ok()?,
    );
    let since = jiff::civil::Date::constant(1970, 1, 1).until(date.ok()?).ok()?;
    Some(i64::from(since.get_days()))
}
