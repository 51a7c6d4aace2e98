//! What is read off a ket at a save time: expectation values, and functions of the ket made from some of them.

use super::entropy::Cut;
use crate::kernel::{Complex8, Lanes};
use crate::model::{Model, Operator, Quantity};
use num_complex::Complex64;

/// How one quantity comes from measured operators, which it names by their numbers.
#[derive(Debug, Clone, Copy)]
enum Readout {
    /// `<A>`.
    Mean(usize),
    /// `<A^2> - <A>^2`.
    Variance { square: usize, mean: usize },
    /// `|<A>|^2`.
    Abs2(usize),
    /// Not from operators.
    Entropy(Cut),
}

/// The quantities of a model.
#[derive(Debug, Clone)]
pub(super) struct Readouts {
    all: Vec<Readout>,
    /// How many operators they need.
    pub operators: usize,
}

impl Readouts {
    /// Those of a model and the operators to be measured for them.
    pub fn new(model: &Model) -> (Self, Vec<Operator>) {
        let mut operators: Vec<Operator> = vec![];
        let mut measured = |operator: Operator| {
            operators.push(operator);
            operators.len() - 1
        };
        let readout = |quantity: &Quantity| match quantity {
            Quantity::Mean(a) => Readout::Mean(measured(a.clone())),
            Quantity::Variance(a) => Readout::Variance { square: measured(a * a), mean: measured(a.clone()) },
            Quantity::Abs2(a) => Readout::Abs2(measured(a.clone())),
            Quantity::Entropy(m) => Readout::Entropy(Cut::new(&model.space, *m)),
        };
        let all = model.observables.iter().map(|o| &o.quantity).map(readout).collect();
        (Readouts { all, operators: operators.len() }, operators)
    }

    /// How many quantities.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// All quantities, from the means of the operators and, for those that need it, the normalised ket of a lane.
    pub fn read(&self, means: &[Complex8], ket: impl Fn(usize) -> Vec<Complex64>, out: &mut [Complex8]) {
        let real = |re: Lanes| Complex8 { re, im: Lanes::ZERO };
        for (readout, out) in self.all.iter().zip(&mut *out) {
            *out = match *readout {
                Readout::Mean(a) => means[a],
                Readout::Variance { square, mean } => {
                    let variance = means[square].re.minus(means[mean].re.times(means[mean].re));
                    // An eigenstate has none, up to rounding.
                    real(Lanes(variance.0.map(|v| if v < 0.0 { 0.0 } else { v })))
                }
                Readout::Abs2(a) => real(means[a].norm_add(Lanes::ZERO)),
                Readout::Entropy(_) => Complex8::ZERO,
            };
        }
        let cuts = || {
            self.all
                .iter()
                .enumerate()
                .filter_map(|(k, r)| if let Readout::Entropy(cut) = r { Some((k, cut)) } else { None })
        };
        if cuts().next().is_none() {
            return;
        }
        for lane in 0..crate::kernel::LANES {
            let ket = ket(lane);
            cuts().for_each(|(k, cut)| out[k].re.0[lane] = cut.entropy(&ket));
        }
    }
}
