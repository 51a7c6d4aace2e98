//! FNV-1a, 64 bits: eight bytes that say whether a row is what was written.
//!
//! `h = (h xor byte) * 0x100000001b3`, starting from `0xcbf29ce484222325` (Fowler, Noll and Vo,
//! draft-eastlake-fnv). It guards against rows that were cut or lost, not against malice; any
//! reader can compute it in three lines. 0 is reserved for "no row yet": a hash of 0 is kept as 1.

/// A checksum in the making.
#[derive(Debug, Clone, Copy)]
pub struct Fnv(u64);

impl Fnv {
    /// Of nothing yet.
    pub fn new() -> Self {
        Fnv(0xcbf2_9ce4_8422_2325)
    }

    /// Take in some bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    /// The checksum; never 0.
    pub fn finish(self) -> u64 {
        self.0.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bytes: &[u8]) -> u64 {
        let mut sum = Fnv::new();
        sum.update(bytes);
        sum.finish()
    }

    /// Published test values of the reference implementation.
    #[test]
    fn known_strings_have_their_known_checksums() {
        assert_eq!(of(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(of(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(of(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn zero_is_never_a_checksum() {
        assert_eq!(Fnv(0).finish(), 1);
    }
}
