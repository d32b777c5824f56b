//! What `cardume transfers` and `cardume limits` understand.

use clap::Args;

/// What to do with the transfers.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Examples:\n  cardume transfers\n  cardume transfers --pause 3\n  cardume transfers --resume all\n  \
    cardume transfers --top 7\n\nNUMBER is that of the list; several as 3,4; or all.",
    group = clap::ArgGroup::new("change").multiple(false)
)]
pub(crate) struct TransfersArgs {
    /// Let this download wait: a number, several as `3,4`, or `all`.
    #[arg(long, value_name = "NUMBER", group = "change")]
    pub(crate) pause: Option<String>,
    /// Let it go on.
    #[arg(long, value_name = "NUMBER", group = "change")]
    pub(crate) resume: Option<String>,
    /// Begin anew what failed or was cancelled; try at once what waits.
    #[arg(long, value_name = "NUMBER", group = "change")]
    pub(crate) retry: Option<String>,
    /// End it and remove what it left; also of one that failed.
    #[arg(long, value_name = "NUMBER", group = "change")]
    pub(crate) cancel: Option<String>,
    /// Put it before all others.
    #[arg(long, value_name = "NUMBER", group = "change")]
    pub(crate) top: Option<String>,
    /// One place earlier in the order; several keep theirs among themselves.
    #[arg(long, value_name = "NUMBER", group = "change")]
    pub(crate) up: Option<String>,
    /// One place later.
    #[arg(long, value_name = "NUMBER", group = "change")]
    pub(crate) down: Option<String>,
    /// Take all that are over out of the list; finished files stay, what failed ones left goes.
    #[arg(long, group = "change")]
    pub(crate) clear: bool,
    /// Only what others download from here.
    #[arg(long)]
    pub(crate) uploads: bool,
}

/// The limits of transfers.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Examples:\n  cardume limits\n  cardume limits --down 2M --up 500k\n  cardume limits --down none"
)]
pub(crate) struct LimitsArgs {
    /// Bytes per second of all downloads together, as `500k` or `2M`, at least 32768; `none`: no limit.
    #[arg(long, value_name = "RATE", value_parser = rate)]
    pub(crate) down: Option<Rate>,
    /// Bytes per second of all uploads together, in the same way.
    #[arg(long, value_name = "RATE", value_parser = rate)]
    pub(crate) up: Option<Rate>,
    /// Downloads that run at once, 1 to 64.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) simultaneous: Option<u32>,
}

/// Bytes per second; `None`: no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rate(pub(crate) Option<u64>);

fn rate(text: &str) -> Result<Rate, String> {
    if text == "none" {
        return Ok(Rate(None));
    }
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let scale = match unit {
        "" => 1,
        "k" | "kB" => 1_000,
        "M" | "MB" => 1_000_000,
        "G" | "GB" => 1_000_000_000,
        _ => return Err("a rate as 500k, 2M or none".into()),
    };
    let rate = number.parse::<u64>().ok().and_then(|number| number.checked_mul(scale));
    rate.map(|rate| Rate(Some(rate))).ok_or("a rate as 500k, 2M or none".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_have_units() {
        let cases = [
            ("500k", Ok(Rate(Some(500_000)))),
            ("2M", Ok(Rate(Some(2_000_000)))),
            ("123", Ok(Rate(Some(123)))),
            ("none", Ok(Rate(None))),
            ("2m", Err(())),
            ("k", Err(())),
            ("-1", Err(())),
            ("99999999999999999999", Err(())),
        ];
        for (text, expected) in cases {
            assert_eq!(rate(text).map_err(|_| ()), expected, "{text}");
        }
    }
}
