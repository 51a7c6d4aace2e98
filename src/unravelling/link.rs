//! The partially coherent link as terms of the equation: operators whose coefficients are linear in
//! noises, their conjugates and expectation values.
//!
//! With L1, L2 the linked channels, T, R, e, n as in `model::Link` and alpha = R l1 + n dxi_2/dt the
//! measured signal, beside the terms that every channel has on its own (Ito):
//!
//! ```text
//! drift:  R ( -e l1 L2^dag + conj(e l1) L2 )  -  T L2^dag L1 + conj(T l1) L2 + T conj(l2) L1
//!         - n e R L2^dag (L1 - l1)  -  n^2 |e|^2/2 ( L2 L2^dag + L2^dag L2 )
//! noise:  [ T (L1 - l1) + (L2 - l2) ] dxi_1  -  n e L2^dag dxi_2  +  [ n conj(e) L2 + R (L1 - l1) ] conj(dxi_2)
//! ```
//!
//! With A dxi_2 + B conj(dxi_2) the terms of the second noise, the second line of the drift is
//! (A B + B A)/2: what frozen noise brings by itself, so in Stratonovich's sense it is absent. L2 and
//! L2^dag act as L2 - l2 and its conjugate here, which turns the global phase only.
//!
//! A filtered signal alpha_f replaces alpha wherever e stands. It is a number that the step is given, the
//! second noise then has no e, and there is no correction.
//!
//! A constant c of L1 is a coherent field through both arms: it adds -(T + e R) c L2^dag + h.c. to K, or
//! -T c L2^dag + h.c. if the signal is filtered, which then carries R c.

use super::{Calculus, Unravelling};
use crate::model::{Link, Operator};
use num_complex::Complex64;

/// An operator of the link and its mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Member {
    /// The channel of that number.
    Channel(usize),
    /// The adjoint of the second linked channel.
    Adjoint,
}

/// What a coefficient of the link is made of; channels and noises by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// dxi_k.
    Noise(usize),
    /// conj(dxi_k).
    NoiseConj(usize),
    /// l_k dt.
    Mean(usize),
    /// conj(l_k) dt.
    MeanConj(usize),
    /// alpha_f dt, the filtered signal.
    Signal,
    /// conj(alpha_f) dt.
    SignalConj,
}

/// The coefficient of `member` contains `weight` times `source`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Feed {
    /// Which operator.
    pub member: Member,
    /// Which number.
    pub source: Source,
    /// How much of it.
    pub weight: Complex64,
}

/// The link of an unravelling.
#[derive(Debug, Clone)]
pub struct Linked {
    /// As the model has it, with channels and noises numbered as in the unravelling.
    pub link: Link,
    /// The constant taken out of L1, which the filtered signal carries.
    pub field: Complex64,
    /// L2^dag, applied and not measured.
    pub adjoint: Operator,
    /// The linear map to the coefficients.
    pub feeds: Vec<Feed>,
}

/// Add the link between the last two channels, whose own terms are there already.
pub(super) fn add(to: &mut Unravelling, link: &Link) {
    let (first, second) = (to.channels.len() - 2, to.channels.len() - 1);
    let (c1, c2) = (to.constants[first], to.constants[second]);
    let (l1, l2) = (&to.channels[first], &to.channels[second]);
    let adjoint = l2.dag();
    let (t, e) = (link.transmission, link.feedback);
    let filtered = link.filter_time > 0.0;
    // Reflected signal and its noise, as far as they drive L2 at once.
    let (r, n) = if filtered { (0.0, 0.0) } else { (link.reflection, link.noise) };
    let (square, cross) = (n * n * e.norm_sqr(), n * r * e);

    let through = (&adjoint * l1).scale(-t);
    let beam = adjoint.scale(-(t + e * r) * c1);
    let mut k = &(&to.drift + &through) + &(&beam - &beam.dag());
    let mut rate = &to.rate - &(&through + &through.dag());
    if to.calculus == Calculus::Ito && link.correction {
        let correction = &(&adjoint * l1).scale(-cross) - &(&(l2 * &adjoint) + &(&adjoint * l2)).scale(0.5 * square);
        k = &k + &correction;
        rate = &rate - &(&correction + &correction.dag());
    } else if to.calculus == Calculus::Ito {
        // The noise terms were meant with L2 and not with L2 - l2: what that makes of a constant in L2.
        k = &k + &(&(&l2.scale(c2.conj()) + &adjoint.scale(c2)).scale(square) + &l1.scale(cross * c2.conj()));
    }

    use Member::{Adjoint, Channel};
    use Source::{Mean, MeanConj, Noise, NoiseConj, Signal, SignalConj};
    let (one, two) = (Channel(first), Channel(second));
    let reflection = Complex64::from(link.reflection);
    let mut feeds = vec![
        (one, MeanConj(first), Complex64::ONE),
        (one, MeanConj(second), t),
        (one, Noise(first), t),
        (one, NoiseConj(second), reflection),
        (two, MeanConj(second), Complex64::ONE),
        (two, MeanConj(first), (t + e * r).conj()),
        (two, Noise(first), Complex64::ONE),
        (two, NoiseConj(second), n * e.conj()),
        (Adjoint, Mean(first), -e * r),
        (Adjoint, Noise(second), -n * e),
    ];
    if filtered {
        feeds.extend([(two, SignalConj, e.conj()), (Adjoint, Signal, -e)]);
    }
    if to.calculus == Calculus::Ito {
        let squares = [
            (one, MeanConj(second), cross),
            (two, MeanConj(second), square.into()),
            (Adjoint, Mean(second), square.into()),
        ];
        feeds.extend(squares);
        if link.correction {
            feeds.push((Adjoint, Mean(first), cross));
        }
    }
    let feeds = feeds.into_iter().filter(|(_, _, weight)| *weight != Complex64::ZERO);
    let feeds = feeds.map(|(member, source, weight)| Feed { member, source, weight }).collect();
    to.link = Some(Linked { link: Link { first, second, ..*link }, field: c1, adjoint, feeds });
    to.drift = k;
    to.rate = rate;
}
