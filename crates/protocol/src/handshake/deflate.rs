//! permessage-deflate (RFC 7692 section 7): its four parameters, as a client offers them, as a
//! server answers, and what both then agree on.
//!
//! Our server never keeps a context for what it sends, whoever asks for one: messages that refer to
//! nothing before them can be compressed once and sent to everybody. It keeps one for what a client
//! sends only where the [`Policy`] has memory for it.
//!
//! What a server cannot accept it declines, and looks at the next offer; what a client cannot accept
//! fails the connection.

use super::extensions::{Extension, Malformed, PERMESSAGE_DEFLATE, parse};
use std::fmt;

/// The window that an end has which does not say otherwise.
const WINDOW_BITS_MAX: u8 = 15;

/// The parameters of an offer, or of the answer to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parameters {
    /// Each message of the server's stands alone (section 7.1.1.1).
    pub server_no_context_takeover: bool,
    /// Each message of the client's stands alone (section 7.1.1.2).
    pub client_no_context_takeover: bool,
    /// The server's window has at most 2 to the power of this many bytes (section 7.1.2.1).
    pub server_max_window_bits: Option<u8>,
    /// In an offer: the client can be told a window, and has perhaps a bound itself. In an answer: it
    /// is told this one (section 7.1.2.2).
    pub client_max_window_bits: Option<Option<u8>>,
}

/// What the server spends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// What is left for contexts of clients.
    pub context_bytes_max: usize,
    /// The window that a client with a context is told to keep to, if it can be told.
    pub context_window_bits: u8,
}

/// What the handshake agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// How the server compresses.
    pub server: Compressing,
    /// How the client does.
    pub client: Compressing,
}

/// How one end compresses its messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compressing {
    /// Messages may refer to those before: the other end has to remember them.
    pub context_takeover: bool,
    /// The window has 2 to the power of this many bytes: 8 to 15.
    pub window_bits: u8,
}

impl Compressing {
    /// Bytes of earlier messages that the other end has to remember.
    pub fn context_bytes(&self) -> usize {
        if self.context_takeover {
            1 << self.window_bits
        } else {
            0
        }
    }
}

impl Parameters {
    /// What an extension of this name asks for; `None` for another one, and for a parameter that is
    /// unknown, stands twice, or has a value that it may not have: each of them is to be declined
    /// (section 7.1).
    fn read(extension: &Extension<'_>) -> Option<Self> {
        if extension.name != PERMESSAGE_DEFLATE {
            return None;
        }
        let mut read = Self::default();
        for parameter in extension.parameters() {
            let value = parameter.value.as_deref();
            let fresh = match (parameter.name, value) {
                ("server_no_context_takeover", None) => {
                    !std::mem::replace(&mut read.server_no_context_takeover, true)
                }
                ("client_no_context_takeover", None) => {
                    !std::mem::replace(&mut read.client_no_context_takeover, true)
                }
                ("server_max_window_bits", Some(value)) => read
                    .server_max_window_bits
                    .replace(window_bits(value)?)
                    .is_none(),
                ("client_max_window_bits", value) => {
                    let bits = match value {
                        Some(value) => Some(window_bits(value)?),
                        None => None,
                    };
                    read.client_max_window_bits.replace(bits).is_none()
                }
                _ => false,
            };
            if !fresh {
                return None;
            }
        }
        Some(read)
    }

    /// Our answer, if this is an offer.
    fn answer(&self, policy: &Policy) -> Self {
        let client_window_bits = match self.client_max_window_bits {
            None => WINDOW_BITS_MAX,
            Some(bound) => policy
                .context_window_bits
                .min(bound.unwrap_or(WINDOW_BITS_MAX)),
        };
        let context_takeover =
            !self.client_no_context_takeover && 1 << client_window_bits <= policy.context_bytes_max;
        Self {
            server_no_context_takeover: true,
            client_no_context_takeover: !context_takeover,
            server_max_window_bits: self.server_max_window_bits,
            client_max_window_bits: self
                .client_max_window_bits
                .filter(|_| context_takeover)
                .map(|_| Some(client_window_bits)),
        }
    }

    /// Whether a server may answer this to `offer`. What the client asked for has to be granted, for
    /// it decides what the client has to remember; and it cannot be told a window unasked.
    fn answers(&self, offer: &Self) -> bool {
        let server_window_fits = offer.server_max_window_bits.is_none_or(|offered| {
            self.server_max_window_bits
                .is_some_and(|bits| bits <= offered)
        });
        // Any window will do: section 7.2.1 lets the client keep to a smaller one that it offered.
        let client_window_fits = match self.client_max_window_bits {
            None => true,
            Some(bits) => bits.is_some() && offer.client_max_window_bits.is_some(),
        };
        (self.server_no_context_takeover || !offer.server_no_context_takeover)
            && server_window_fits
            && client_window_fits
    }

    /// What is agreed on, if this is the answer.
    pub fn agreed(&self) -> Agreed {
        Agreed {
            server: Compressing {
                context_takeover: !self.server_no_context_takeover,
                window_bits: self.server_max_window_bits.unwrap_or(WINDOW_BITS_MAX),
            },
            client: Compressing {
                context_takeover: !self.client_no_context_takeover,
                window_bits: self
                    .client_max_window_bits
                    .flatten()
                    .unwrap_or(WINDOW_BITS_MAX),
            },
        }
    }
}

/// The value of `Sec-WebSocket-Extensions`.
impl fmt::Display for Parameters {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(PERMESSAGE_DEFLATE)?;
        if self.server_no_context_takeover {
            formatter.write_str("; server_no_context_takeover")?;
        }
        if self.client_no_context_takeover {
            formatter.write_str("; client_no_context_takeover")?;
        }
        if let Some(bits) = self.server_max_window_bits {
            write!(formatter, "; server_max_window_bits={bits}")?;
        }
        match self.client_max_window_bits {
            None => Ok(()),
            Some(None) => formatter.write_str("; client_max_window_bits"),
            Some(Some(bits)) => write!(formatter, "; client_max_window_bits={bits}"),
        }
    }
}

/// "A decimal integer value without leading zeroes between 8 to 15 inclusive" (section 7.1.2).
fn window_bits(value: &str) -> Option<u8> {
    let plain = !value.starts_with('0') && value.bytes().all(|byte| byte.is_ascii_digit());
    value
        .parse()
        .ok()
        .filter(|bits| plain && (8..=WINDOW_BITS_MAX).contains(bits))
}

/// The server's answer to the first offer that it can accept.
pub(super) fn accept<'v>(
    values: impl Iterator<Item = &'v str>,
    policy: &Policy,
) -> Option<Parameters> {
    values
        .flat_map(parse)
        .filter_map(Result::ok)
        .find_map(|extension| Parameters::read(&extension))
        .map(|offer| offer.answer(policy))
}

/// What the server's answer means to a client that made this offer, or none: `None` if it declined.
pub(super) fn judge<'v>(
    values: impl Iterator<Item = &'v str>,
    offer: Option<&Parameters>,
) -> Result<Option<Agreed>, Malformed> {
    let mut extensions = values.flat_map(parse);
    let Some(extension) = extensions.next().transpose()? else {
        return Ok(None);
    };
    let answer = Parameters::read(&extension);
    match (answer, offer, extensions.next()) {
        (Some(answer), Some(offer), None) if answer.answers(offer) => Ok(Some(answer.agreed())),
        _ => Err(Malformed),
    }
}

/// Whether the browser that calls itself this fails on messages whose compressor starts anew, which
/// is what we ask for: Safari 15.0 to 15.3. To it every offer is declined.
pub(super) fn is_broken(user_agent: &str) -> bool {
    let Some((_, version)) = user_agent.split_once(" Version/15.") else {
        return false;
    };
    let (minor, rest) = version.split_at(version.find(['.', ' ']).unwrap_or(version.len()));
    minor.parse().is_ok_and(|minor: u8| minor <= 3) && rest.contains(" Safari/")
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: Policy = Policy {
        context_bytes_max: 0,
        context_window_bits: 12,
    };

    fn answer_with(offers: &[&str], policy: &Policy) -> Option<String> {
        let answer = accept(offers.iter().copied(), policy)?;
        Some(answer.to_string())
    }

    fn answer(offer: &str) -> Option<String> {
        answer_with(&[offer], &POLICY)
    }

    const ALONE: &str =
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

    #[test]
    fn what_browsers_and_libraries_offer_is_accepted_without_any_context() {
        for offer in [
            "permessage-deflate",
            "permessage-deflate; client_max_window_bits",
            "permessage-deflate; client_max_window_bits=10",
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
        ] {
            assert_eq!(answer(offer).as_deref(), Some(ALONE), "{offer}");
        }
        for bits in 8..=15 {
            let offer = format!(
                "permessage-deflate; server_max_window_bits={bits}; client_max_window_bits=12"
            );
            let expected = format!("{ALONE}; server_max_window_bits={bits}");
            assert_eq!(answer(&offer), Some(expected));
        }
        let quoted = answer("permessage-deflate; server_max_window_bits=\"12\"");
        assert_eq!(quoted, Some(format!("{ALONE}; server_max_window_bits=12")));
    }

    #[test]
    fn an_offer_with_anything_illegal_is_declined_and_the_next_one_taken() {
        for illegal in [
            "x-webkit-deflate-frame",
            "Permessage-deflate",
            "permessage-deflate; unknown",
            "permessage-deflate; __proto__",
            "permessage-deflate; server_no_context_takeover=1",
            "permessage-deflate; server_no_context_takeover=true",
            "permessage-deflate; client_no_context_takeover=1",
            "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
            "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
            "permessage-deflate; server_max_window_bits",
            "permessage-deflate; server_max_window_bits=10; server_max_window_bits=10",
            "permessage-deflate; client_max_window_bits; client_max_window_bits",
            "permessage-deflate; client_max_window_bits; client_max_window_bits=10",
        ] {
            assert_eq!(answer(illegal), None, "{illegal}");
            let next = format!("{illegal}, permessage-deflate");
            assert_eq!(answer(&next).as_deref(), Some(ALONE), "{next}");
            assert_eq!(
                answer_with(&[illegal, "permessage-deflate"], &POLICY).as_deref(),
                Some(ALONE)
            );
        }
        for value in [
            "0", "7", "16", "99", "08", "010", "256", "264", "+9", "-9", "9.0", "a", "1_0", "0x9",
        ] {
            for name in ["server_max_window_bits", "client_max_window_bits"] {
                assert_eq!(
                    answer(&format!("permessage-deflate; {name}={value}")),
                    None,
                    "{name} {value}"
                );
            }
        }
    }

    #[test]
    fn the_first_offer_that_can_be_accepted_is_answered() {
        let offers = "permessage-deflate; server_max_window_bits=9, permessage-deflate";
        assert_eq!(
            answer(offers),
            Some(format!("{ALONE}; server_max_window_bits=9"))
        );
    }

    #[test]
    fn a_context_is_kept_while_there_is_memory_for_its_window() {
        let policy = |context_bytes_max| Policy {
            context_bytes_max,
            ..POLICY
        };
        let with = |offer, bytes| answer_with(&[offer], &policy(bytes)).unwrap();
        let told = "permessage-deflate; client_max_window_bits";
        assert_eq!(with(told, 4095), ALONE);
        assert_eq!(
            with(told, 4096),
            "permessage-deflate; server_no_context_takeover; client_max_window_bits=12"
        );
        assert_eq!(
            with("permessage-deflate; client_max_window_bits=10", 1024),
            "permessage-deflate; server_no_context_takeover; client_max_window_bits=10"
        );
        // A client that cannot be told a window has the largest one.
        assert_eq!(with("permessage-deflate", 32_767), ALONE);
        assert_eq!(
            with("permessage-deflate", 32_768),
            "permessage-deflate; server_no_context_takeover"
        );
        assert_eq!(
            with("permessage-deflate; client_no_context_takeover", 1 << 20),
            ALONE
        );
    }

    /// What a client of this offer makes of that answer.
    fn judged(offer: &Parameters, answer: &str) -> Result<Option<Agreed>, Malformed> {
        judge([answer].into_iter(), Some(offer))
    }

    #[test]
    fn a_client_knows_what_was_agreed() {
        let offer = Parameters {
            client_max_window_bits: Some(None),
            ..Parameters::default()
        };
        let compressing = |context_takeover, window_bits| Compressing {
            context_takeover,
            window_bits,
        };
        let agreed = |server, client| Ok(Some(Agreed { server, client }));
        for (answer, server, client) in [
            (
                "permessage-deflate",
                compressing(true, 15),
                compressing(true, 15),
            ),
            (ALONE, compressing(false, 15), compressing(false, 15)),
            (
                "permessage-deflate; server_max_window_bits=9; client_max_window_bits=8",
                compressing(true, 9),
                compressing(true, 8),
            ),
        ] {
            assert_eq!(judged(&offer, answer), agreed(server, client), "{answer}");
        }
        assert_eq!(judge(std::iter::empty(), Some(&offer)), Ok(None));
        assert_eq!(judge(std::iter::empty(), None), Ok(None));
    }

    #[test]
    fn a_client_refuses_an_answer_that_does_not_fit_its_offer() {
        let any = Parameters::default();
        let careful = Parameters {
            server_no_context_takeover: true,
            client_no_context_takeover: true,
            server_max_window_bits: Some(10),
            client_max_window_bits: Some(Some(10)),
        };
        for (offer, answer) in [
            (&any, "permessage-deflate; client_max_window_bits=10"),
            (&any, "permessage-deflate; client_max_window_bits"),
            (&any, "permessage-deflate; server_max_window_bits"),
            (&any, "permessage-deflate; server_max_window_bits=7"),
            (&any, "permessage-deflate; server_no_context_takeover=1"),
            (
                &any,
                "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
            ),
            (&any, "permessage-deflate; unknown"),
            (&any, "permessage-deflate, permessage-deflate"),
            (&any, "x-other"),
            (&any, ","),
            (&any, ""),
            (&careful, "permessage-deflate; server_max_window_bits=10"),
            (&careful, "permessage-deflate; server_no_context_takeover"),
            (
                &careful,
                "permessage-deflate; server_no_context_takeover; server_max_window_bits=11",
            ),
        ] {
            assert_eq!(judged(offer, answer), Err(Malformed), "{answer}");
        }
        let fits = "permessage-deflate; server_no_context_takeover; server_max_window_bits=8; client_max_window_bits=11";
        assert!(judged(&careful, fits).is_ok());
        assert_eq!(
            judge(["permessage-deflate"].into_iter(), None),
            Err(Malformed)
        );
    }

    /// Every offer that a client can make is accepted, and the client accepts the answer.
    #[test]
    fn our_own_ends_agree_about_every_offer() {
        let bits = || (8..=15).map(Some).chain([None]);
        for (server_max_window_bits, client_bits, flags) in bits().flat_map(|server| {
            bits().flat_map(move |client| (0..8_u8).map(move |flags| (server, client, flags)))
        }) {
            let offer = Parameters {
                server_no_context_takeover: flags & 1 != 0,
                client_no_context_takeover: flags & 2 != 0,
                server_max_window_bits,
                client_max_window_bits: (flags & 4 != 0).then_some(client_bits),
            };
            let written = offer.to_string();
            for context_bytes_max in [0, 4096, 1 << 20] {
                let policy = Policy {
                    context_bytes_max,
                    ..POLICY
                };
                let answer = accept([written.as_str()].into_iter(), &policy).expect("accepted");
                let judged = judged(&offer, &answer.to_string());
                assert_eq!(judged, Ok(Some(answer.agreed())), "{written}");
                let agreed = answer.agreed();
                assert!(!agreed.server.context_takeover);
                assert!(agreed.client.context_bytes() <= context_bytes_max);
            }
        }
    }

    #[test]
    fn a_context_is_as_large_as_its_window() {
        for (context_takeover, window_bits, bytes) in
            [(true, 8, 256), (true, 15, 32_768), (false, 15, 0)]
        {
            let compressing = Compressing {
                context_takeover,
                window_bits,
            };
            assert_eq!(compressing.context_bytes(), bytes, "{compressing:?}");
        }
    }

    #[test]
    fn the_broken_safari_is_told_by_its_name() {
        let safari = |version: &str| {
            format!(
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{version} Safari/605.1.15"
            )
        };
        for version in ["15.0", "15.1", "15.3", "15.2.1"] {
            assert!(is_broken(&safari(version)), "{version}");
        }
        for version in ["14.1", "15.4", "15.6.1", "16.0", "15.30", "15", "15.x"] {
            assert!(!is_broken(&safari(version)), "{version}");
        }
        assert!(!is_broken("Mozilla/5.0 Chrome/15.0 Safari/537.36"));
        assert!(!is_broken("curl/8.0"));
    }
}
