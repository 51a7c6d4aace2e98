//! Joining components: side by side, in series, in a loop, and their ports in another order.
//!
//! ```text
//! series     S = S2 S1 ,  L = S2 L1 + L2 ,  H = H1 + H2 + Im( L2^dag S2 L1 )
//! feedback   S' = S_bar + S_:y g S_x: ,  L' = L_bar + S_:y g L_x ,  H' = H + Im( sum_j L_j^dag S_jy g L_x )
//! ```
//!
//! with output x fed into input y, g = 1/(1 - S_xy), a bar for "without row x and column y", and
//! Im(X) = (X - X^dag)/(2i). Gough and James, IEEE Trans. Autom. Control 54, 2530 (2009), and
//! Commun. Math. Phys. 287, 1109 (2009). Delays are neglected: light crosses the network in no time.

use super::{Side, Slh, SlhError};
use crate::model::Operator;
use ndarray::{Array2, s};
use num_complex::Complex64;

/// Smallest |1 - S_xy| of a loop: below it, more than half of the digits of the result would be lost.
const LOOP: f64 = 1e-9;

/// A sum this much smaller than its terms is what rounding leaves when they cancel. Kept, it would be a
/// coupling that draws noise.
const CANCELLED: f64 = 16.0 * f64::EPSILON;

impl Slh {
    /// The series product `self` <| `first`: output j of `first` is input j of this component.
    pub fn fed_by(&self, first: &Slh) -> Result<Slh, SlhError> {
        self.same_space(first)?;
        if first.ports() != self.ports() {
            return Err(SlhError::PortCount { first: first.ports(), second: self.ports() });
        }
        let ports = self.ports();
        let mut h = sum(&self.h, &first.h);
        let mut l = vec![];
        for row in 0..ports {
            let arriving = (0..ports).fold(Operator::zero(h.dim()), |light, column| {
                sum(&light, &first.l[column].scale(self.s[[row, column]]))
            });
            h = sum(&h, &(&self.l[row].dag() * &arriving).im());
            l.push(sum(&arriving, &self.l[row]));
        }
        let s = Array2::from_shape_fn((ports, ports), |(row, column)| {
            (0..ports).fold(Complex64::ZERO, |s, j| add(s, self.s[[row, j]] * first.s[[j, column]]))
        });
        Ok(Slh { s, l, h })
    }

    /// Concatenation: the ports of `other` follow those of this component, and nothing is connected.
    pub fn beside(&self, other: &Slh) -> Result<Slh, SlhError> {
        self.same_space(other)?;
        let (here, all) = (self.ports(), self.ports() + other.ports());
        let mut s = Array2::zeros((all, all));
        s.slice_mut(s![..here, ..here]).assign(&self.s);
        s.slice_mut(s![here.., here..]).assign(&other.s);
        let l = self.l.iter().chain(&other.l).cloned().collect();
        Ok(Slh { s, l, h: sum(&self.h, &other.h) })
    }

    /// The component with `output` fed back into `input`. Both disappear; the ports behind them move up by one.
    pub fn with_feedback(&self, output: usize, input: usize) -> Result<Slh, SlhError> {
        self.has_port(Side::Output, output)?;
        self.has_port(Side::Input, input)?;
        let open = Complex64::ONE - self.s[[output, input]];
        if open.re.abs() + open.im.abs() < LOOP {
            let (output, input) = (format!("output {output}"), format!("input {input}"));
            return Err(SlhError::Singular { output, input });
        }
        // By hand: the quotient of num-complex is not the same to the last bit in every version.
        let gain = open.conj() / open.norm_sqr();
        let into = |row: usize| self.s[[row, input]] * gain;
        let rows: Vec<usize> = (0..self.ports()).filter(|row| *row != output).collect();
        let columns: Vec<usize> = (0..self.ports()).filter(|column| *column != input).collect();
        let s = Array2::from_shape_fn((rows.len(), columns.len()), |(row, column)| {
            let (row, column) = (rows[row], columns[column]);
            add(self.s[[row, column]], into(row) * self.s[[output, column]])
        });
        let returning = &self.l[output];
        let l = rows.iter().map(|&row| sum(&self.l[row], &returning.scale(into(row)))).collect();
        let h = (0..self.ports())
            .fold(self.h.clone(), |h, row| sum(&h, &(&self.l[row].dag() * returning).scale(into(row)).im()));
        Ok(Slh { s, l, h })
    }

    /// The same component with its ports in another order: entry i of each list is the port that becomes i.
    pub fn with_ports(&self, outputs: &[usize], inputs: &[usize]) -> Result<Slh, SlhError> {
        for (side, order) in [(Side::Output, outputs), (Side::Input, inputs)] {
            let mut sorted = order.to_vec();
            sorted.sort_unstable();
            if !sorted.into_iter().eq(0..self.ports()) {
                return Err(SlhError::NotAnOrder { side, order: order.to_vec(), ports: self.ports() });
            }
        }
        let s = Array2::from_shape_fn(self.s.dim(), |(row, column)| self.s[[outputs[row], inputs[column]]]);
        Ok(Slh { s, l: outputs.iter().map(|&port| self.l[port].clone()).collect(), h: self.h.clone() })
    }

    fn same_space(&self, other: &Slh) -> Result<(), SlhError> {
        let (first, second) = (self.h.dim(), other.h.dim());
        if first == second { Ok(()) } else { Err(SlhError::Spaces { first, second }) }
    }

    fn has_port(&self, side: Side, port: usize) -> Result<(), SlhError> {
        if port < self.ports() {
            return Ok(());
        }
        let known = (0..self.ports()).map(|port| port.to_string()).collect();
        Err(SlhError::NoPort { component: "the component".into(), side, port: port.to_string(), known })
    }
}

/// a + b without what rounding leaves of terms that cancel.
fn add(a: Complex64, b: Complex64) -> Complex64 {
    let size = |z: Complex64| z.re.abs() + z.im.abs();
    let rest = CANCELLED * (size(a) + size(b));
    let part = |x: f64, y: f64| if x != 0.0 && y != 0.0 && (x + y).abs() <= rest { 0.0 } else { x + y };
    Complex64::new(part(a.re, b.re), part(a.im, b.im))
}

/// The same for operators, element by element.
fn sum(a: &Operator, b: &Operator) -> Operator {
    let both = a + b;
    let elements = both.elements().map(|((row, col), _)| ((row, col), add(a.get(row, col), b.get(row, col))));
    Operator::from_elements(a.dim(), elements)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Draw, apart, assert_same};
    use super::*;

    /// Dense and without any of the code above: rows of operators times matrices of numbers.
    fn mixed(s: &Array2<Complex64>, l: &[Operator]) -> Vec<Operator> {
        let zero = Operator::zero(l[0].dim());
        (0..s.nrows())
            .map(|row| l.iter().enumerate().fold(zero.clone(), |sum, (k, l)| &sum + &l.scale(s[[row, k]])))
            .collect()
    }

    #[test]
    fn the_series_product_is_the_formula_on_random_operators() {
        for seed in 0..20 {
            let mut draw = Draw::new(seed);
            let ports = 1 + seed as usize % 4;
            let (g1, g2) = (draw.component(ports, 5), draw.component(ports, 5));
            let arriving = mixed(&g2.s, &g1.l);
            let mut h = &g1.h + &g2.h;
            for (l2, l1) in g2.l.iter().zip(&arriving) {
                let x = &l2.dag() * l1;
                h = &h + &(&x - &x.dag()).scale(Complex64::new(0.0, -0.5));
            }
            let l = g2.l.iter().zip(&arriving).map(|(a, b)| a + b).collect();
            assert_same(&g2.fed_by(&g1).expect("equal ports"), &Slh { s: g2.s.dot(&g1.s), l, h });
        }
    }

    #[test]
    fn the_series_product_is_associative() {
        for seed in 0..20 {
            let mut draw = Draw::new(seed);
            let ports = 1 + seed as usize % 4;
            let [g1, g2, g3] = [(); 3].map(|()| draw.component(ports, 4));
            let left = g3.fed_by(&g2).and_then(|g| g.fed_by(&g1)).expect("equal ports");
            let right = g3.fed_by(&g2.fed_by(&g1).expect("equal ports")).expect("equal ports");
            assert_same(&left, &right);
        }
    }

    #[test]
    fn every_way_of_joining_keeps_s_unitary() {
        for seed in 0..20 {
            let mut draw = Draw::new(seed);
            let (g1, g2) = (draw.component(3, 3), draw.component(3, 3));
            let side = g1.beside(&g2).expect("one space");
            let (output, input) = (seed as usize % 6, (seed as usize * 5 + 1) % 6);
            for joined in [
                g2.fed_by(&g1),
                side.with_feedback(output, input),
                side.with_ports(&[5, 0, 3, 1, 2, 4], &[2, 1, 0, 4, 3, 5]),
                Ok(side),
            ] {
                let joined = joined.expect("components that fit");
                assert!(joined.unitary_deviation() < 1e-12, "seed {seed}: {:.2e}", joined.unitary_deviation());
            }
        }
    }

    /// Two formulas of the source that must agree: connecting outputs to inputs one by one is the series product.
    #[test]
    fn a_series_is_a_concatenation_with_its_ports_connected() {
        for seed in 0..20 {
            let mut draw = Draw::new(seed);
            let (g1, g2) = (draw.component(2, 4), draw.component(2, 4));
            // Outputs and inputs 0, 1 are of g1, 2, 3 of g2. Output 0 -> input 2; then output 1 and input 3 have moved up.
            let side = g1.beside(&g2).expect("one space");
            let joined = side.with_feedback(0, 2).and_then(|g| g.with_feedback(0, 2)).expect("no loop");
            assert_same(&joined, &g2.fed_by(&g1).expect("equal ports"));
        }
    }

    #[test]
    fn the_order_of_two_feedbacks_does_not_matter() {
        for seed in 0..20 {
            let g = Draw::new(seed).component(4, 3);
            let one = g.with_feedback(1, 2).and_then(|g| g.with_feedback(2, 0)).expect("open loops");
            let two = g.with_feedback(3, 0).and_then(|g| g.with_feedback(1, 1)).expect("open loops");
            assert_same(&one, &two);
        }
    }

    /// With b_y = S_y: b + L_x solved by hand: the formula of the source, all sums written out.
    #[test]
    fn feedback_is_the_formula_on_random_operators() {
        for seed in 0..20 {
            let g = Draw::new(seed).component(3, 4);
            let (x, y) = (seed as usize % 3, (seed as usize / 3) % 3);
            let gain = Complex64::ONE / (Complex64::ONE - g.s[[x, y]]);
            let joined = g.with_feedback(x, y).expect("an open loop");
            let keep = |skip: usize| (0..3).filter(move |port| *port != skip);
            for (row, j) in keep(x).enumerate() {
                for (column, k) in keep(y).enumerate() {
                    let expected = g.s[[j, k]] + g.s[[j, y]] * gain * g.s[[x, k]];
                    assert!((joined.s[[row, column]] - expected).norm() < 1e-12);
                }
                let expected = &g.l[j] + &g.l[x].scale(g.s[[j, y]] * gain);
                assert!(apart(&joined.l[row], &expected) < 1e-11);
            }
            let inside =
                (0..3).fold(Operator::zero(4), |sum, j| &sum + &(&g.l[j].dag().scale(g.s[[j, y]] * gain) * &g.l[x]));
            let expected = &g.h + &(&inside - &inside.dag()).scale(Complex64::new(0.0, -0.5));
            assert!(apart(&joined.h, &expected) < 1e-11);
            assert!(joined.h.is_hermitian());
        }
    }

    #[test]
    fn a_cascade_of_two_cavities_has_the_hamiltonian_of_the_light_between_them() {
        let (a, b) =
            (Operator::destroy(4).kron(&Operator::identity(3)), Operator::identity(4).kron(&Operator::destroy(3)));
        let cavity = |mode: &Operator, kappa: f64, detuning: f64| {
            Slh::diagonal(1.0, vec![mode.scale(f64::sqrt(kappa))], (&mode.dag() * mode).scale(detuning))
        };
        let cascade = cavity(&b, 3.0, 0.5).fed_by(&cavity(&a, 2.0, -0.25)).expect("one port each");
        let (l1, l2) = (a.scale(2f64.sqrt()), b.scale(3f64.sqrt()));
        assert!(apart(&cascade.l[0], &(&l1 + &l2)) < 1e-15);
        // H1 + H2 + (L2^dag L1 - L1^dag L2)/(2i)
        let bare = &(&a.dag() * &a).scale(-0.25) + &(&b.dag() * &b).scale(0.5);
        let exchange = (&(&l2.dag() * &l1) - &(&l1.dag() * &l2)).scale(Complex64::new(0.0, -0.5));
        assert!(apart(&cascade.h, &(&bare + &exchange)) < 1e-14);
        assert_eq!(cascade.s[[0, 0]], Complex64::ONE);
    }

    /// The input is a component W with L = alpha in front of the port.
    #[test]
    fn a_coherent_input_is_a_displacement_in_series() {
        for seed in 0..20 {
            let mut draw = Draw::new(seed);
            let g = draw.component(2, 4);
            let (alpha, beta) = (draw.complex(), draw.complex());
            let one = |c: Complex64| Operator::identity(4).scale(c);
            let w = Slh::diagonal(1.0, vec![one(alpha), one(beta)], Operator::zero(4));
            let driven = g.clone().coherent_input(0, alpha).coherent_input(1, beta);
            assert_same(&g.fed_by(&w).expect("two ports"), &driven);
        }
    }

    #[test]
    fn ports_move_with_their_rows_and_columns() {
        let g = Draw::new(3).component(3, 2);
        let moved = g.with_ports(&[2, 0, 1], &[1, 2, 0]).expect("two orders");
        assert_eq!(moved.s[[0, 0]], g.s[[2, 1]]);
        assert_eq!(moved.s[[1, 2]], g.s[[0, 0]]);
        assert_eq!(moved.l, [g.l[2].clone(), g.l[0].clone(), g.l[1].clone()]);
        let twice = g.with_ports(&[0, 1, 2], &[1, 1, 0]);
        assert_eq!(twice, Err(SlhError::NotAnOrder { side: Side::Input, order: vec![1, 1, 0], ports: 3 }));
    }

    #[test]
    fn what_cancels_is_gone() {
        // A dark port: (0.1 + 0.2) - 0.3 is 5.6e-17 in floating point.
        let a = Operator::destroy(3);
        assert!(sum(&a.scale(0.1 + 0.2), &a.scale(-0.3)).is_zero());
        assert_eq!(add(Complex64::new(1.0, 1e-17), Complex64::ZERO), Complex64::new(1.0, 1e-17));
        assert_eq!(sum(&a, &a.scale(1e-30)), a);
    }

    #[test]
    fn a_loop_that_returns_everything_is_refused_by_the_names_of_its_ports() {
        let closed = Slh::diagonal(1.0, vec![Operator::destroy(2), Operator::zero(2)], Operator::zero(2));
        let refused = closed.with_feedback(1, 1).expect_err("singular").to_string();
        assert!(refused.contains("from output 1 into input 1 is singular"), "{refused}");
        let beyond = closed.with_feedback(2, 0).expect_err("no such port").to_string();
        assert!(beyond.contains("no output '2'; its outputs are 0, 1"), "{beyond}");
        let unequal = closed.fed_by(&Draw::new(1).component(3, 2));
        assert_eq!(unequal, Err(SlhError::PortCount { first: 3, second: 2 }));
        let elsewhere = closed.beside(&Draw::new(1).component(1, 3));
        assert_eq!(elsewhere, Err(SlhError::Spaces { first: 2, second: 3 }));
    }
}
