//! One process alone.
use std::cell::Cell;

use super::{Comm, Flags, RawComm};

/// A world of one.
#[derive(Default)]
pub struct Solo {
    offered: Cell<Option<Flags>>,
}

impl Comm for Solo {
    fn rank(&self) -> usize {
        0
    }
    fn size(&self) -> usize {
        1
    }
    fn barrier(&self) {}
    fn all(&self, ok: bool) -> bool {
        ok
    }
    fn broadcast(&self, bytes: Vec<u8>) -> Vec<u8> {
        bytes
    }
    fn all_gather(&self, bytes: &[u8]) -> Vec<Vec<u8>> {
        vec![bytes.to_vec()]
    }
    fn send(&self, _to: usize, _bytes: &[u8]) {
        unreachable!("a single process has nobody to send to")
    }
    fn receive(&self, _from: usize) -> Vec<u8> {
        unreachable!("a single process has nobody to receive from")
    }
    fn post(&self, _to: usize, _bytes: &[u8]) {
        unreachable!("a single process has nobody to post to")
    }
    fn posted(&self) -> usize {
        0
    }
    fn poll(&self) -> Option<(usize, Vec<u8>)> {
        None
    }
    fn offer(&self, flags: Flags) {
        self.offered.set(Some(flags));
    }
    fn agreed(&self) -> Option<Flags> {
        self.offered.take()
    }
    fn split(&self, _color: usize) -> Box<dyn Comm> {
        Box::new(Solo::default())
    }
    fn abort(&self, code: i32) -> ! {
        std::process::exit(code)
    }
    fn raw(&self) -> Option<RawComm> {
        None
    }
    fn library(&self) -> String {
        "none".into()
    }
}
