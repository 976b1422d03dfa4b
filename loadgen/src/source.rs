//! The local addresses that connections are opened from.
//!
//! One address has about 28,000 ports towards one server (`net.ipv4.ip_local_port_range`), so many connections need several
//! addresses. All of 127.0.0.0/8 is loopback on Linux: `127.0.0.1-127.0.0.8` works without any set-up.

use std::net::{IpAddr, Ipv4Addr};

/// More than anybody needs: 256 addresses are seven million connections.
const ADDRESSES_MAX: u32 = 4096;

/// Reads `127.0.0.1`, `127.0.0.1-127.0.0.8` or a comma-separated list of such.
pub fn parse(text: &str) -> Result<Vec<IpAddr>, String> {
    let mut addresses = Vec::new();
    for part in text.split(',').map(str::trim) {
        match part.split_once('-') {
            None => addresses.push(
                part.parse()
                    .map_err(|_| format!("`{part}` is no IP address"))?,
            ),
            Some((first, last)) => addresses.extend(range(first, last)?),
        }
    }
    Ok(addresses)
}

fn range(first: &str, last: &str) -> Result<impl Iterator<Item = IpAddr> + use<>, String> {
    let number = |text: &str| {
        let address: Ipv4Addr = text
            .trim()
            .parse()
            .map_err(|_| format!("`{text}` is no IPv4 address; ranges are of IPv4"))?;
        Ok::<u32, String>(address.into())
    };
    let (first, last) = (number(first)?, number(last)?);
    if last < first || last - first >= ADDRESSES_MAX {
        return Err(format!(
            "a range goes upwards and has at most {ADDRESSES_MAX} addresses"
        ));
    }
    Ok((first..=last).map(|number| IpAddr::V4(number.into())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_and_lists_are_spelt_out() {
        let text = |addresses: Vec<IpAddr>| {
            addresses
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(
            parse("127.0.0.254-127.0.1.1").map(text),
            Ok("127.0.0.254 127.0.0.255 127.0.1.0 127.0.1.1".into())
        );
        assert_eq!(parse("::1, 10.0.0.7").map(text), Ok("::1 10.0.0.7".into()));
    }

    #[test]
    fn nonsense_is_refused() {
        for wrong in [
            "",
            "localhost",
            "127.0.0.8-127.0.0.1",
            "10.0.0.0-10.255.255.255",
            "::1-::8",
            "127.0.0.1-",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
