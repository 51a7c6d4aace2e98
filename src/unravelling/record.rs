//! What a detector at every output sees: the record of heterodyne detection.
//!
//! ```text
//! dy_k = dxi_k + conj(<L_k>) dt
//! ```
//!
//! with L_k as the model has it, its constant and its factor of time included. The equation is that of a ket
//! conditioned on these records: d|phi> = K |phi> dt + sum_k L_k |phi> dy_k (H. M. Wiseman and G. J. Milburn, Phys. Rev. A 47, 1652 (1993)).
//!
//! Of two linked c_ops the second has the light of both behind it, and the first what the beam splitter reflects:
//!
//! ```text
//! dy_second = dxi_1 + conj( T <L1> + <L2> ) dt ,   dy_first = conj(dxi_2) + R conj(<L1>) dt
//! ```
//!
//! For `noise_amp = 1` the conjugate of the latter is the signal that acts on the second system.

use super::Unravelling;
use num_complex::Complex64;

/// What there is to see of one Lindblad operator of the model.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    /// Number of its noise.
    pub noise: usize,
    /// Whether that noise enters conjugated.
    pub conjugated: bool,
    /// Its operator in terms of the channels, before the factor of time.
    pub parts: Vec<(usize, Complex64)>,
    /// And the constant of it that is in none of them.
    pub constant: Complex64,
    /// Its factor of time.
    pub function: Option<usize>,
}

impl Unravelling {
    /// The outputs, in the order in which the model has its Lindblad operators.
    pub fn outputs(&self) -> Vec<Output> {
        let mut all: Vec<(usize, Output)> =
            self.lindblads.iter().enumerate().map(|(channel, &lindblad)| (lindblad, self.output(channel))).collect();
        all.sort_by_key(|(lindblad, _)| *lindblad);
        all.into_iter().map(|(_, output)| output).collect()
    }

    fn output(&self, channel: usize) -> Output {
        let link = self.link.as_ref().map(|linked| &linked.link);
        let (noise, conjugated, parts) = match link {
            Some(link) if channel == link.first => (link.second, true, vec![(channel, link.reflection.into())]),
            Some(link) if channel == link.second => {
                (link.first, false, vec![(link.first, link.transmission), (channel, Complex64::ONE)])
            }
            _ => (channel, false, vec![(channel, Complex64::ONE)]),
        };
        let constant = parts.iter().map(|(part, weight): &(usize, Complex64)| weight * self.constants[*part]).sum();
        let function = self.modulated.iter().find(|m| m.channel == channel).map(|m| m.function);
        Output { noise, conjugated, parts, constant, function }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::modulated_kerr;
    use super::*;
    use crate::model::Link;

    #[test]
    fn outputs_stand_in_the_order_of_the_model_with_their_constants() {
        let mut model = modulated_kerr();
        let outputs = Unravelling::qsd(&model, false).outputs();
        // The modulated one comes first in the model and last among the channels.
        assert_eq!(outputs.iter().map(|o| (o.noise, o.function)).collect::<Vec<_>>(), [(1, Some(1)), (0, None)]);
        assert_eq!((outputs[0].constant, outputs[1].constant), ((-21.75).into(), Complex64::ZERO));
        assert_eq!(Unravelling::qsd(&model, true).outputs()[0].constant, Complex64::ZERO);

        model.dynamics = Default::default();
        let link = Link::new(0, 1, 0.6, 0.0, Complex64::I).expect("a link");
        model.dynamics.link = Some(link);
        let [first, second] = &Unravelling::qsd(&model, false).outputs()[..] else { panic!("two") };
        assert_eq!((first.noise, first.conjugated, second.noise, second.conjugated), (1, true, 0, false));
        assert!((first.constant + 0.6 * 21.75).norm() < 1e-12);
        assert!((second.constant + link.transmission * 21.75).norm() < 1e-12);
    }
}
