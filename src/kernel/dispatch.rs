//! Which instructions: chosen once at start, the same bits from each.
//!
//! A `Kernel` body is `#[inline(always)]` all the way down, so the wrapper's `#[target_feature]`
//! decides what the compiler makes of it. Measured: as fast as building for the machine itself.

use super::lane::{Array, Lane};
#[cfg(target_arch = "x86_64")]
use super::x86::{Avx2, Avx512};
use std::sync::OnceLock;

/// An instruction set that this machine has; made by `detect` or `available` only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Isa(Path);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Path {
    /// 512-bit vectors: one register per eight lanes.
    Avx512,
    /// 256-bit vectors and fused multiply-add.
    Avx2,
    /// Whatever the build targets; without fused multiply-add in hardware the right bits, slowly.
    Portable,
}

/// Work that is compiled once per instruction set. `V` is its registers, `ROWS` the number of rows worked together.
pub trait Kernel {
    /// What the work yields.
    type Output;
    /// The work; must be `#[inline(always)]`, and so must everything hot that it calls.
    fn run<V: Lane, const ROWS: usize>(self) -> Self::Output;
}

/// Environment variable that overrides the choice, for tests and comparisons.
pub const OVERRIDE: &str = "QSD_KERNEL";

impl Isa {
    /// The best path of this machine, or the one named in `QSD_KERNEL` (avx512, avx2, portable) if it can run here.
    pub fn detect() -> Isa {
        static CHOICE: OnceLock<Isa> = OnceLock::new();
        *CHOICE.get_or_init(|| {
            let available = Isa::available();
            let wanted = std::env::var(OVERRIDE).ok();
            match wanted.as_deref() {
                None | Some("") => available[0],
                Some(name) => available.iter().copied().find(|isa| isa.name() == name).unwrap_or_else(|| {
                    let known: Vec<_> = available.iter().map(|isa| isa.name()).collect();
                    log::warn!("{OVERRIDE}={name} cannot run here; using {} of {}", known[0], known.join(", "));
                    available[0]
                }),
            }
        })
    }

    /// The paths that can run on this machine, best first.
    #[cfg(target_arch = "x86_64")]
    pub fn available() -> Vec<Isa> {
        let mut paths = vec![];
        if Avx512::is_available() {
            paths.push(Path::Avx512);
        }
        if Avx2::is_available() {
            paths.push(Path::Avx2);
        }
        paths.push(Path::Portable);
        paths.into_iter().map(Isa).collect()
    }

    /// The paths that can run on this machine, best first.
    #[cfg(not(target_arch = "x86_64"))]
    pub fn available() -> Vec<Isa> {
        vec![Isa(Path::Portable)]
    }

    /// Name, as in `QSD_KERNEL`.
    pub fn name(self) -> &'static str {
        match self.0 {
            Path::Avx512 => "avx512",
            Path::Avx2 => "avx2",
            Path::Portable => "portable",
        }
    }

    /// Whether this path has fused multiply-add in hardware; without it a step costs tens of times more.
    pub fn has_fma(self) -> bool {
        self.0 != Path::Portable || cfg!(target_feature = "fma") || cfg!(target_arch = "aarch64")
    }

    /// Run `kernel` on this path.
    #[inline]
    pub fn run<K: Kernel>(self, kernel: K) -> K::Output {
        // An `Isa` is made by `available` only, which asked the CPU for these instructions.
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Path::Avx512 => Avx512::run(kernel),
            #[cfg(target_arch = "x86_64")]
            Path::Avx2 => Avx2::run(kernel),
            _ => Array::run(kernel),
        }
    }
}
