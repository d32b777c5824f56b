//! Sizes as people write them: `>10M`, `<=1.5GB`, `1M..5M`, `0`.

use std::ops::Range;

/// The most digits before and behind the point: no file is larger.
const MAX_DIGITS: usize = 16;

/// The sizes that are meant, from the first up to but not including the second; `None` if the text is
/// malformed or no size can be meant.
pub(super) fn parse_range(text: &str) -> Option<Range<u64>> {
    let range = if let Some((from, to)) = text.split_once("..") {
        if from.trim().is_empty() && to.trim().is_empty() {
            return None;
        }
        let from = if from.trim().is_empty() { 0 } else { parse_size(from)? };
        from..if to.trim().is_empty() { u64::MAX } else { parse_size(to)? }
    } else if let Some(size) = text.strip_prefix(">=") {
        parse_size(size)?..u64::MAX
    } else if let Some(size) = text.strip_prefix('>') {
        parse_size(size)?.saturating_add(1)..u64::MAX
    } else if let Some(size) = text.strip_prefix("<=") {
        0..parse_size(size)?.saturating_add(1)
    } else if let Some(size) = text.strip_prefix('<') {
        0..parse_size(size)?
    } else {
        let size = parse_size(text.strip_prefix('=').unwrap_or(text))?;
        size..size.saturating_add(1)
    };
    Some(range).filter(|range| !range.is_empty())
}

/// A number with a unit: decimal as file managers show sizes (`k`, `M`, `G`, `T`, with or without `B`), or
/// binary (`KiB`, …). Folded: in lower case.
fn parse_size(text: &str) -> Option<u64> {
    let text = text.trim();
    let unit = text.find(|c: char| !c.is_ascii_digit() && c != '.' && c != ',').unwrap_or(text.len());
    let (number, unit) = (&text[..unit], text[unit..].trim());
    let scale: u128 = match unit {
        "" | "b" => 1,
        "k" | "kb" => 1_000,
        "m" | "mb" => 1_000_000,
        "g" | "gb" => 1_000_000_000,
        "t" | "tb" => 1_000_000_000_000,
        "ki" | "kib" => 1 << 10,
        "mi" | "mib" => 1 << 20,
        "gi" | "gib" => 1 << 30,
        "ti" | "tib" => 1 << 40,
        _ => return None,
    };
    let (whole, part) = number.split_once(['.', ',']).unwrap_or((number, ""));
    if whole.is_empty() || whole.len() > MAX_DIGITS || part.len() > MAX_DIGITS {
        return None;
    }
    let digits: u128 = format!("{whole}{part}").parse().ok()?;
    let tenths = 10_u128.checked_pow(u32::try_from(part.len()).ok()?)?;
    u64::try_from(digits * scale / tenths).ok().filter(|size| *size < u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        let cases = [
            ("0", Some(0..1)),
            ("=812b", Some(812..813)),
            (">10m", Some(10_000_001..u64::MAX)),
            (">=10mb", Some(10_000_000..u64::MAX)),
            ("<1g", Some(0..1_000_000_000)),
            ("<=1.5gb", Some(0..1_500_000_001)),
            ("1m..5m", Some(1_000_000..5_000_000)),
            ("..5k", Some(0..5_000)),
            ("1,5k..", Some(1_500..u64::MAX)),
            ("4kib..1mib", Some(4_096..1_048_576)),
            (">2tb", Some(2_000_000_000_001..u64::MAX)),
            (">", None),
            ("..", None),
            ("", None),
            ("abc", None),
            ("10x", None),
            ("-1", None),
            (".5m", None),
            ("1.2.3m", None),
            ("5m..1m", None),
            ("5m..5m", None),
            ("<0", None),
            ("99999999999999999", None),
            ("9999999999999999t", None),
            ("1.00000000000000000m", None),
            ("٣m", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_range(text), expected, "{text:?}");
        }
    }
}
