//! The two judges, and what they have in common: how input is cut, and how an answer is read.

pub mod machine;
pub mod server;

use crate::cases::Answer;

/// How the bytes of a case are cut into reads or writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Not at all.
    Whole,
    /// Into single bytes.
    Single,
    /// At places that a seed chooses.
    Random(u64),
}

impl Cut {
    fn pieces(self, bytes: &[u8]) -> Vec<&[u8]> {
        let mut state = match self {
            Self::Whole => return vec![bytes],
            Self::Single => return bytes.chunks(1).collect(),
            Self::Random(seed) => seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
        };
        let mut rest = bytes;
        let mut pieces = Vec::new();
        while !rest.is_empty() {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            // Mostly short pieces, and sometimes long ones: 1 to 2^4, 2^8 or 2^16 bytes.
            let most = 1 << (4 << (state >> 61).min(2));
            let length = (1 + (state >> 20) as usize % most).min(rest.len());
            let (piece, after) = rest.split_at(length);
            pieces.push(piece);
            rest = after;
        }
        pieces
    }
}

/// The head of a server's answer.
struct Head {
    status: u16,
    fields: Vec<(String, String)>,
}

impl Head {
    /// Reads a head up to and without its empty line.
    fn parse(bytes: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes).map_err(|_| "the answer's head is no text")?;
        let mut lines = text.split("\r\n");
        let line = lines.next().unwrap_or_default();
        let status = line
            .strip_prefix("HTTP/1.1 ")
            .and_then(|rest| rest.get(..3));
        let status = status
            .and_then(|status| status.parse().ok())
            .ok_or_else(|| format!("the status line is {line:?}"))?;
        let fields = lines.map(|line| {
            let (name, value) = line
                .split_once(": ")
                .ok_or(format!("a header line is {line:?}"))?;
            Ok((name.to_ascii_lowercase(), value.to_owned()))
        });
        let fields = fields.collect::<Result<_, String>>()?;
        Ok(Self { status, fields })
    }

    /// The values of that name.
    fn all(&self, name: &str) -> Vec<&str> {
        let fields = self.fields.iter().filter(|(field, _)| field == name);
        fields.map(|(_, value)| value.as_str()).collect()
    }

    /// What this head has to be; what follows it is judged elsewhere.
    fn check(&self, expected: &Answer) -> Result<(), String> {
        match expected {
            Answer::Switched {
                accept,
                subprotocol,
                extension,
                ..
            } => {
                let mut due = vec![
                    ("upgrade", "websocket"),
                    ("connection", "Upgrade"),
                    ("sec-websocket-accept", accept),
                ];
                due.extend(subprotocol.map(|chosen| ("sec-websocket-protocol", chosen)));
                let extension = extension.as_deref();
                due.extend(extension.map(|agreed| ("sec-websocket-extensions", agreed)));
                let fields = self.fields.iter();
                let mut fields: Vec<_> = fields
                    .map(|(name, value)| (name.as_str(), value.as_str()))
                    .collect();
                fields.sort_unstable();
                due.sort_unstable();
                if (self.status, &fields) != (101, &due) {
                    return Err(format!(
                        "answered {} {fields:?} instead of 101 {due:?}",
                        self.status
                    ));
                }
            }
            Answer::Refused { status, field } => {
                if self.status != *status {
                    return Err(format!("answered {} instead of {status}", self.status));
                }
                if let Some((name, value)) = field
                    && self.all(name) != [*value]
                {
                    return Err(format!("answered with {name}: {:?}", self.all(name)));
                }
            }
        }
        Ok(())
    }
}

/// Compares what was heard with what is due.
fn compare<T: PartialEq + std::fmt::Debug>(heard: &[T], due: &[T]) -> Result<(), String> {
    if heard == due {
        return Ok(());
    }
    let at = heard
        .iter()
        .zip(due)
        .take_while(|(heard, due)| heard == due)
        .count();
    Err(format!(
        "answer {at} is {:?} instead of {:?} ({} answers instead of {})",
        heard.get(at),
        due.get(at),
        heard.len(),
        due.len()
    ))
}
