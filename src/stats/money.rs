//! Sums of money, in the shape of Plausible's.

use serde_json::{Value, json};

use crate::hit::Currency;

/// `minor` units, over `events` where it is an average. Nothing without a currency, and nothing in
/// several: they are not added.
pub(super) fn value(minor: i64, events: Option<i64>, currencies: &[String]) -> Value {
    let [code] = currencies else { return Value::Null };
    let Some(currency) = Currency::parse(code) else { return Value::Null };
    let minor = match events {
        None => minor,
        Some(events) if events <= 0 => return Value::Null,
        Some(events) => halves_up(minor, events),
    };
    let units = 10_i64.pow(currency.decimals());
    json!({
        "value": decimal(minor, units),
        "currency": code,
        "long": format!("{code} {}", long(minor, currency)),
        "short": format!("{code} {}", short(minor, units)),
    })
}

fn halves_up(sum: i64, count: i64) -> i64 {
    let (sum, count) = (i128::from(sum), i128::from(count));
    i64::try_from((2 * sum + count).div_euclid(2 * count)).unwrap_or(i64::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "JSON has no other numbers")]
fn decimal(minor: i64, units: i64) -> f64 {
    minor as f64 / units as f64
}

/// `1,234.50`.
fn long(minor: i64, currency: Currency) -> String {
    let decimals = currency.decimals();
    let units = 10_u64.pow(decimals);
    let (whole, rest) = (minor.unsigned_abs() / units, minor.unsigned_abs() % units);
    let digits = whole.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let sign = if minor < 0 { "-" } else { "" };
    match decimals as usize {
        0 => format!("{sign}{grouped}"),
        width => format!("{sign}{grouped}.{rest:0width$}"),
    }
}

/// `1.2K`, with one decimal.
fn short(minor: i64, units: i64) -> String {
    let amount = decimal(minor, units);
    let (scale, letter) = match amount.abs() {
        size if size >= 1e9 => (1e9, "B"),
        size if size >= 1e6 => (1e6, "M"),
        size if size >= 1e3 => (1e3, "K"),
        _ => (1.0, ""),
    };
    format!("{:.1}{letter}", amount / scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(minor: i64, events: Option<i64>, code: &str, expected: &Value) {
        assert_eq!(value(minor, events, &[code.to_owned()]), *expected, "{minor} {code}");
    }

    #[test]
    fn money_is_shown_in_its_currencys_units() {
        let eur = |value: f64, long: &str, short: &str| json!({"value": value, "currency": "EUR", "long": long, "short": short});
        check(123_450, None, "EUR", &eur(1234.5, "EUR 1,234.50", "EUR 1.2K"));
        check(-5, None, "EUR", &eur(-0.05, "EUR -0.05", "EUR -0.1"));
        check(100, Some(3), "EUR", &eur(0.33, "EUR 0.33", "EUR 0.3"));
        let yen = json!({
            "value": 1_234_567.0, "currency": "JPY", "long": "JPY 1,234,567", "short": "JPY 1.2M",
        });
        check(1_234_567, None, "JPY", &yen);
        let dinar = json!({
            "value": 1.005, "currency": "KWD", "long": "KWD 1.005", "short": "KWD 1.0",
        });
        check(1005, None, "KWD", &dinar);
    }

    #[test]
    fn money_without_a_currency_or_in_several_is_nothing() {
        assert_eq!(value(5, None, &[]), Value::Null);
        assert_eq!(value(5, None, &["EUR".to_owned(), "USD".to_owned()]), Value::Null);
        check(0, Some(0), "EUR", &Value::Null);
    }
}
