//! Amounts of money, exactly: decimal text to minor units.

use crate::hit::{Currency, Revenue};
use crate::limits;

/// An amount such as `9.99`, `-1` or `1e3`, with its currency's code. What is finer than the minor
/// unit is rounded, halves away from zero.
pub(super) fn revenue(amount: &str, currency: &str) -> Result<Revenue, &'static str> {
    let currency = Currency::parse(currency.trim())
        .ok_or("must have a currency of three letters, such as EUR")?;
    let minor = minor_units(amount.trim(), currency.decimals())
        .filter(|minor| minor.abs() <= limits::REVENUE_MINOR_MAX)
        .ok_or("must have a decimal amount, such as 9.99, of at most ten billion")?;
    Ok(Revenue { minor, currency })
}

/// The decimal text times `10^exponent`.
fn minor_units(text: &str, exponent: u32) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, power) = match digits.split_once(['e', 'E']) {
        Some((mantissa, power)) => (mantissa, power.parse::<i32>().ok()?),
        None => (digits, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = whole.len() + fraction.len();
    if all == 0 || all > 30 || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number: i128 = format!("{whole}{fraction}").parse().ok()?;
    let shift =
        i32::try_from(exponent).ok()?.checked_add(power)? - i32::try_from(fraction.len()).ok()?;
    let minor = if number == 0 {
        0
    } else if shift >= 0 {
        number.checked_mul(10_i128.checked_pow(shift.unsigned_abs())?)?
    } else {
        // Smaller than any unit by far, if the divisor does not fit.
        10_i128
            .checked_pow(shift.unsigned_abs())
            .map_or(0, |divisor| number / divisor + i128::from(number % divisor * 2 >= divisor))
    };
    let minor = i64::try_from(minor).ok()?;
    Some(if negative { -minor } else { minor })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(amount: &str, currency: &str, expected: Option<i64>) {
        assert_eq!(revenue(amount, currency).ok().map(|it| it.minor), expected, "{amount}");
    }

    #[test]
    fn an_amount_becomes_minor_units_of_its_currency() {
        check("9.99", "EUR", Some(999));
        check(" 9.99 ", "eur", Some(999));
        check("-1", "USD", Some(-100));
        check("+0.5", "USD", Some(50));
        check(".5", "USD", Some(50));
        check("5.", "USD", Some(500));
        check("1e3", "USD", Some(100_000));
        check("12.5e-1", "USD", Some(125));
        check("0", "USD", Some(0));
        check("0e99", "USD", Some(0));
        check("1e-99", "USD", Some(0));
        check("9.995", "EUR", Some(1000));
        check("9.994", "EUR", Some(999));
        check("-9.995", "EUR", Some(-1000));
        check("1234", "JPY", Some(1234));
        check("1.234", "KWD", Some(1234));
        check("0.0001", "CLF", Some(1));
        check("10000000000", "EUR", Some(1_000_000_000_000));
    }

    #[test]
    fn what_is_no_amount_or_currency_is_refused() {
        for amount in
            ["", "-", ".", "1,5", "NaN", "inf", "0x10", "1 000", "1e", "10000000001", "1e30"]
        {
            check(amount, "EUR", None);
        }
        for currency in ["", "E", "EURO", "12A", "€€€"] {
            check("1", currency, None);
        }
    }
}
