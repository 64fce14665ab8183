//! The command line, which is too small for a parser of its own.

use std::time::Duration;

use switchyard_simulator::Reply;

pub(crate) const HELP: &str = "\
usage: switchyard-simulator [--port N] [--events N | --bytes N | --line N] [--pace-ms N]

A SIMULATED stand-in for Anthropic's servers on a loopback port. Any key is accepted.

  --port N      listen on this port; without it, a free one
  --events N    answer with N text deltas
  --bytes N     answer with N bytes of text in many deltas
  --line N      answer with N bytes of text in one line
  --pace-ms N   wait N milliseconds before each text delta

Prints one line of JSON with its URL, and ends when standard input ends. A line
{\"key\": \"…\", \"state\": \"valid\"} on standard input puts a key in a state:
valid, refused, no_credit, organization_disabled, own_spend_limit, forbidden,
region_blocked, billing, rate_limited or tier_cap.";

/// What the command line asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags {
    pub(crate) help: bool,
    pub(crate) port: u16,
    events: Option<usize>,
    bytes: Option<u64>,
    line: Option<u64>,
    pace_ms: u64,
}

impl Flags {
    /// Parses the arguments after the program's name.
    pub(crate) fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut flags = Self::default();
        let mut arguments = arguments.into_iter();
        while let Some(name) = arguments.next() {
            let mut next = || {
                arguments
                    .next()
                    .ok_or_else(|| format!("{name} needs a number"))
            };
            match name.as_str() {
                "--help" | "-h" => flags.help = true,
                "--port" => flags.port = number(&name, &next()?)?,
                "--events" => flags.events = Some(number(&name, &next()?)?),
                "--bytes" => flags.bytes = Some(number(&name, &next()?)?),
                "--line" => flags.line = Some(number(&name, &next()?)?),
                "--pace-ms" => flags.pace_ms = number(&name, &next()?)?,
                _ => return Err(format!("unknown argument: {name}")),
            }
        }
        Ok(flags)
    }

    /// Returns the answer to every Messages request.
    pub(crate) fn answer(&self) -> Reply {
        let reply = match (self.events, self.bytes, self.line) {
            (Some(count), _, _) => Reply::events(count),
            (_, Some(bytes), _) => Reply::flood(bytes),
            (_, _, Some(bytes)) => Reply::line(bytes),
            (None, None, None) => Reply::echo(),
        };
        reply.paced(Duration::from_millis(self.pace_ms))
    }
}

fn number<N: std::str::FromStr>(name: &str, value: &str) -> Result<N, String> {
    value
        .parse()
        .map_err(|_| format!("{name} needs a number in range"))
}

#[cfg(test)]
mod tests {
    use super::Flags;

    fn parse(line: &str) -> Result<Flags, String> {
        Flags::parse(line.split_whitespace().map(Into::into))
    }

    #[test]
    fn numbers_follow_their_flags() {
        let flags = parse("--port 8123 --events 200 --pace-ms 5").unwrap();
        let expected = Flags {
            port: 8123,
            events: Some(200),
            pace_ms: 5,
            ..Flags::default()
        };
        assert_eq!(flags, expected);
    }

    #[test]
    fn a_missing_or_foolish_number_is_refused_by_name() {
        assert_eq!(parse("--port").unwrap_err(), "--port needs a number");
        assert_eq!(
            parse("--port 70000").unwrap_err(),
            "--port needs a number in range"
        );
        assert_eq!(parse("--colour").unwrap_err(), "unknown argument: --colour");
    }
}
