//! Messages that are on their way while their sender does something else.
//!
//! Sent synchronously in MPI's sense: one is done when its receiver has begun to take it, so that a rank
//! whose outbox is empty knows that nothing of it can be lost.

use mpi::ffi;
use mpi::traits::*;

/// Tells them apart from what is received by name.
pub const TAG: i32 = 77;

/// Messages under way, oldest first.
#[derive(Default)]
pub struct Outbox {
    messages: Vec<Message>,
}

/// Boxed so that the words stay in place while MPI reads them. The first says how many bytes follow: MPI counts in
/// `int`, and words reach eight times as far as bytes.
struct Message {
    words: Box<[u64]>,
    request: ffi::MPI_Request,
}

impl Outbox {
    /// Start one.
    pub fn send(&mut self, to: usize, bytes: &[u8], world: ffi::MPI_Comm) {
        let mut message = Message {
            words: words(bytes).into_boxed_slice(),
            // SAFETY: reads a constant.
            request: unsafe { ffi::RSMPI_REQUEST_NULL },
        };
        // SAFETY: the box holds as many u64 and lives, unmoved and untouched, in `self.messages` until
        // MPI_Test reports the request complete; a process that leaves before leaves with it.
        unsafe {
            ffi::MPI_Issend(
                message.words.as_ptr().cast(),
                message.words.len() as i32,
                u64::equivalent_datatype().as_raw(),
                to as i32,
                TAG,
                world,
                &mut message.request,
            );
        }
        self.messages.push(message);
    }

    /// Let go of those that were taken; how many were not.
    pub fn left(&mut self) -> usize {
        self.messages.retain_mut(|message| {
            let mut done = 0;
            // SAFETY: the request is the live one of `send`.
            unsafe { ffi::MPI_Test(&mut message.request, &mut done, ffi::RSMPI_STATUS_IGNORE) };
            done == 0
        });
        self.messages.len()
    }
}

fn words(bytes: &[u8]) -> Vec<u64> {
    let word = |chunk: &[u8]| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        u64::from_ne_bytes(word)
    };
    [bytes.len() as u64].into_iter().chain(bytes.chunks(8).map(word)).collect()
}

/// The bytes of a message.
pub fn bytes(words: &[u64]) -> Vec<u8> {
    let mut bytes: Vec<u8> = words.iter().skip(1).flat_map(|word| word.to_ne_bytes()).collect();
    bytes.truncate(words.first().map_or(0, |&length| length as usize));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_any_length_come_back() {
        for length in [0, 1, 7, 8, 9, 64, 100] {
            let sent: Vec<u8> = (1..=length).collect();
            assert_eq!(bytes(&words(&sent)), sent);
        }
    }
}
