//! Numbers as text that a page can hold: base64 (RFC 4648) of their little-endian bytes.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/// The word for a number that is not there, of those that `fractions` makes.
const MISSING: u16 = u16::MAX;

/// Single precision, seven digits: enough for a picture and for reading a value off it.
pub fn singles(values: impl IntoIterator<Item = f64>) -> String {
    base64(values.into_iter().flat_map(|x| (x as f32).to_le_bytes()))
}

/// Where values lie between the ends of a range, in 65535 steps; for dots.
pub fn fractions(values: impl IntoIterator<Item = f64>, [low, high]: [f64; 2]) -> String {
    let word = |x: f64| match ((x - low) / (high - low)).clamp(0.0, 1.0) {
        at if at.is_finite() => (at * f64::from(MISSING - 1)).round() as u16,
        _ => MISSING,
    };
    base64(values.into_iter().flat_map(|x| word(x).to_le_bytes()))
}

/// Counts, in as few bytes each as hold the largest; with the bytes of one.
pub fn counts(values: &[u32]) -> (u8, String) {
    let bytes = match values.iter().max() {
        Some(0..=0xff) | None => 1,
        Some(0x100..=0xffff) => 2,
        _ => 4,
    };
    (bytes, base64(values.iter().flat_map(|n| n.to_le_bytes().into_iter().take(usize::from(bytes)))))
}

/// Base64 with padding.
pub fn base64(bytes: impl IntoIterator<Item = u8>) -> String {
    let mut bytes = bytes.into_iter();
    let mut text = String::new();
    while let Some(first) = bytes.next() {
        let (second, third) = (bytes.next(), bytes.next());
        let [a, b, c] = [first, second.unwrap_or(0), third.unwrap_or(0)].map(u32::from);
        let word = a << 16 | b << 8 | c;
        let letters = 2 + usize::from(second.is_some()) + usize::from(third.is_some());
        for place in 0..4 {
            let letter = ALPHABET[(word >> (18 - 6 * place) & 63) as usize];
            text.push(char::from(if place < letters { letter } else { b'=' }));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test vectors of RFC 4648, section 10.
    #[test]
    fn base64_is_that_of_its_standard() {
        for (plain, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(plain.bytes()), text);
        }
        assert_eq!(base64([0xff, 0xef, 0xfe]), "/+/+");
    }

    #[test]
    fn numbers_are_little_endian() {
        assert_eq!(singles([1.0]), base64([0, 0, 0x80, 0x3f]));
        assert_eq!(fractions([0.0, 2.0, f64::NAN], [0.0, 2.0]), base64([0, 0, 0xfe, 0xff, 0xff, 0xff]));
        assert_eq!(counts(&[1, 255]), (1, base64([1, 255])));
        assert_eq!(counts(&[1, 256]), (2, base64([1, 0, 0, 1])));
        assert_eq!(counts(&[70000]), (4, base64([0x70, 0x11, 1, 0])));
    }
}
