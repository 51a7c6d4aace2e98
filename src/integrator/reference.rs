//! The methods written out for one trajectory, as in a textbook: the oracle of the property test and
//! the other side of the benchmark. Sparse operators, one ket, normalised after every step.

use super::schedule::Schedule;
use crate::input::Method;
use crate::model::Operator;
use crate::unravelling::{Calculus, Unravelling};
use num_complex::Complex64;

/// A sparse operator by rows, as any straightforward program would store it.
#[derive(Debug, Clone)]
struct Rows {
    rows: Vec<Vec<(usize, Complex64)>>,
}

impl Rows {
    fn new(op: &Operator) -> Self {
        let mut rows = vec![vec![]; op.dim()];
        for ((row, col), value) in op.elements() {
            rows[row].push((col, value));
        }
        Rows { rows }
    }

    fn apply(&self, psi: &[Complex64]) -> Vec<Complex64> {
        self.rows.iter().map(|row| row.iter().map(|(col, value)| value * psi[*col]).sum()).collect()
    }
}

/// One trajectory, step by step.
#[derive(Debug, Clone)]
pub struct Reference {
    unravelling: Unravelling,
    k: Rows,
    channels: Vec<Rows>,
    terms: Vec<Rows>,
    adjoint: Option<Rows>,
    schedule: Schedule,
    step: u64,
    method: Method,
    /// `<K>` at the start of the step before: the c-number shift of the linear form.
    centre: Complex64,
    /// What `saba` does not integrate exactly.
    rest: Operator,
    /// alpha_f of a filtered link.
    signal: Complex64,
    /// The normalised ket.
    pub psi: Vec<Complex64>,
}

/// A number times an operator acting on a ket, with the mean of the operator at the start of the step.
struct Action {
    image: Vec<Complex64>,
    start_mean: Complex64,
    noise: Complex64,
    /// Without the factor h.
    drift: Complex64,
}

impl Reference {
    /// A trajectory at its start; `schedule` may be the length of all steps.
    pub fn new(
        unravelling: &Unravelling,
        method: Method,
        schedule: impl Into<Schedule>,
        initial: &[Complex64],
    ) -> Self {
        let mut reference = Reference {
            k: Rows::new(&unravelling.drift),
            channels: unravelling.channels.iter().map(Rows::new).collect(),
            terms: unravelling.terms.iter().map(|term| Rows::new(&term.operator)).collect(),
            adjoint: unravelling.link.as_ref().map(|linked| Rows::new(&linked.adjoint)),
            unravelling: unravelling.clone(),
            schedule: schedule.into(),
            step: 0,
            method,
            centre: Complex64::ZERO,
            rest: Operator::zero(initial.len()),
            signal: Complex64::ZERO,
            psi: initial.to_vec(),
        };
        reference.centre = overlap(initial, &reference.drift(&unravelling.values(0.0), initial));
        reference
    }

    /// The same trajectory with a part of K that `saba` has in its kicks.
    pub fn with_rest(self, rest: Operator) -> Self {
        Reference { rest, ..self }
    }

    /// Take the next step with the increments `dxi` and the tilts `tilt`, one per channel, and normalise.
    pub fn step(&mut self, dxi: &[Complex64], tilt: &[Complex64]) {
        let span = self.schedule.span(self.step);
        let (from, to) = (span.time(self.step), span.time(self.step + 1));
        let at = |t| self.unravelling.functions.iter().map(|f| f.value_on(t, 0.5 * (from + to))).collect();
        let [start, middle, end]: [Vec<Complex64>; 3] = [from, 0.5 * (from + to), to].map(at);
        let next = match self.method {
            Method::Em => self.em(&start, dxi, span.h),
            Method::Heun => self.heun([&start, &end], dxi, span.h),
            Method::Saba => self.saba(dxi, tilt, span.h),
            Method::Rk4p1 => self.rk4p1([&start, &middle, &end], dxi, tilt, span.h),
        };
        if let Some(linked) = self.unravelling.link.as_ref().filter(|linked| linked.link.filter_time > 0.0) {
            let link = &linked.link;
            let l1 = overlap(&self.psi, &self.channels[link.first].apply(&self.psi)) + linked.field;
            let measured = link.reflection * l1 + link.noise * dxi[link.second] / span.h;
            let keep = libm::exp(-span.h / link.filter_time);
            self.signal = keep * self.signal + (1.0 - keep) * measured;
        }
        let norm = next.iter().map(|x| x.norm_sqr()).sum::<f64>().sqrt();
        self.psi = next.iter().map(|x| x / norm).collect();
        self.step += 1;
    }

    /// K(t) psi.
    fn drift(&self, values: &[Complex64], psi: &[Complex64]) -> Vec<Complex64> {
        let mut out = self.k.apply(psi);
        for (term, rows) in self.unravelling.terms.iter().zip(&self.terms) {
            add(&mut out, term.coefficient(values), &rows.apply(psi));
        }
        out
    }

    /// Every operator that acts on `phi` in a step beside K, with its coefficient; `start` is the ket
    /// whose means the operators are shifted by.
    fn actions(&self, values: &[Complex64], phi: &[Complex64], start: &[Complex64], dxi: &[Complex64]) -> Vec<Action> {
        let norm: f64 = phi.iter().map(|x| x.norm_sqr()).sum();
        let images: Vec<_> = self.channels.iter().map(|l| l.apply(phi)).collect();
        let means: Vec<_> = images.iter().map(|image| overlap(phi, image) / norm).collect();
        let start_means: Vec<_> = self.channels.iter().map(|l| overlap(start, &l.apply(start))).collect();
        let action =
            |k: usize, noise, drift| Action { image: images[k].clone(), start_mean: start_means[k], noise, drift };
        let mut out: Vec<Action> = (0..self.unravelling.plain).map(|k| action(k, dxi[k], means[k].conj())).collect();
        for modulated in &self.unravelling.modulated {
            let (k, f) = (modulated.channel, values[modulated.function]);
            out.push(action(k, f * dxi[k], f * (f * means[k]).conj()));
        }
        let (Some(linked), Some(adjoint)) = (&self.unravelling.link, &self.adjoint) else { return out };
        let link = &linked.link;
        let (first, second, t, e) = (link.first, link.second, link.transmission, link.feedback);
        let (l1, l2, dxi1, dxi2) = (means[first], means[second], dxi[first], dxi[second]);
        // The signal that drives L2, and the noise that comes with it in the same step.
        let (signal, n) = if link.filter_time > 0.0 { (self.signal, 0.0) } else { (link.reflection * l1, link.noise) };
        let mut drift1 = l1.conj() + t * l2.conj();
        let mut drift2 = l2.conj() + (t * l1).conj() + (e * signal).conj();
        let mut drift3 = -e * signal;
        if self.unravelling.calculus == Calculus::Ito {
            // -(a B + b A) with a, b the constants by which A and B differ from centred ones; with the
            // correction it becomes that of (A B + B A)/2, whose operators are in K.
            let reflected = if link.filter_time > 0.0 { 0.0 } else { link.reflection };
            let (a, b) = (-n * e * l2.conj(), n * e.conj() * l2);
            drift1 -= a * reflected;
            drift2 -= a * n * e.conj();
            drift3 += b * n * e;
            if link.correction {
                drift3 += n * e * reflected * l1;
            }
        }
        out.push(action(first, t * dxi1 + link.reflection * dxi2.conj(), drift1));
        out.push(action(second, dxi1 + n * (e * dxi2).conj(), drift2));
        out.push(Action {
            image: adjoint.apply(phi),
            start_mean: start_means[second].conj(),
            noise: -n * e * dxi2,
            drift: drift3,
        });
        out
    }

    fn em(&self, values: &[Complex64], dxi: &[Complex64], h: f64) -> Vec<Complex64> {
        let psi = &self.psi;
        let mut next = psi.clone();
        add(&mut next, h.into(), &self.drift(values, psi));
        for Action { image, start_mean: mean, noise, drift } in self.actions(values, psi, psi, dxi) {
            add(&mut next, noise + h * drift, &image);
            add(&mut next, -mean * (noise + 0.5 * h * drift), psi);
        }
        next
    }

    /// The linear form F at `phi`, with the noise z over a step of length h.
    fn slope(&self, values: &[Complex64], phi: &[Complex64], z: &[Complex64], h: f64) -> Vec<Complex64> {
        let mut f = self.drift(values, phi);
        add(&mut f, -self.centre, phi);
        for Action { image, start_mean: mean, noise, drift } in self.actions(values, phi, &self.psi, z) {
            add(&mut f, noise / h + drift, &image);
            add(&mut f, -mean * (noise / h + drift), phi);
        }
        f
    }

    fn heun(&mut self, [start, end]: [&[Complex64]; 2], dxi: &[Complex64], h: f64) -> Vec<Complex64> {
        let psi = &self.psi;
        let k1 = self.slope(start, psi, dxi, h);
        let k2 = self.slope(end, &sum(psi, h, &k1), dxi, h);
        let next = sum(&sum(psi, 0.5 * h, &k1), 0.5 * h, &k2);
        self.centre = overlap(psi, &self.drift(start, psi));
        next
    }

    fn rk4p1(&mut self, at: [&[Complex64]; 3], dxi: &[Complex64], tilt: &[Complex64], h: f64) -> Vec<Complex64> {
        let psi = &self.psi;
        // dz/ds times h at s = x h.
        let z = |x: f64| -> Vec<Complex64> {
            dxi.iter().zip(tilt).map(|(dxi, tilt)| dxi + 3.0 * (2.0 * x - 1.0) * tilt).collect()
        };
        let k1 = self.slope(at[0], psi, &z(0.0), h);
        let k2 = self.slope(at[1], &sum(psi, 0.5 * h, &k1), &z(0.5), h);
        let k3 = self.slope(at[1], &sum(psi, 0.5 * h, &k2), &z(0.5), h);
        let k4 = self.slope(at[2], &sum(psi, h, &k3), &z(1.0), h);
        let mut next = psi.clone();
        for (weight, k) in [(1.0, &k1), (2.0, &k2), (2.0, &k3), (1.0, &k4)] {
            add(&mut next, (weight * h / 6.0).into(), k);
        }
        self.centre = overlap(psi, &self.drift(at[0], psi));
        next
    }

    fn saba(&self, dxi: &[Complex64], tilt: &[Complex64], h: f64) -> Vec<Complex64> {
        let exact = &self.unravelling.drift - &self.rest;
        let root = 3f64.sqrt();
        let noise = |sign: f64| -> Vec<Complex64> {
            dxi.iter().zip(tilt).map(|(dxi, tilt)| 0.5 * dxi + sign * 0.5 * root * tilt).collect()
        };
        let outer = |psi: &[Complex64]| exponential(&exact.scale((3.0 - root) / 6.0 * h), psi);
        let (c1, c2) = ((3.0 - root) / 6.0, 1.0 / root);
        let psi = self.kick(&outer(&self.psi), &noise(-1.0), 0.5 * h, [2.0 * c1, c2], false);
        let psi = exponential(&exact.scale(h / root), &psi);
        outer(&self.kick(&psi, &noise(1.0), 0.5 * h, [c2, 2.0 * c1], true))
    }

    fn kick(&self, psi: &[Complex64], w: &[Complex64], tau: f64, u: [f64; 2], descending: bool) -> Vec<Complex64> {
        let rest = Rows::new(&self.rest);
        let means = |psi: &[Complex64]| -> Vec<Complex64> {
            let norm: f64 = psi.iter().map(|x| x.norm_sqr()).sum();
            self.channels.iter().map(|l| overlap(psi, &l.apply(psi)) / norm).collect()
        };
        let before = means(psi);
        // g B + sum_k y_k (L_k - l_k).
        let exponent = |g: f64, y: &dyn Fn(usize) -> Complex64, x: &[Complex64]| -> Vec<Complex64> {
            let mut out: Vec<Complex64> = rest.apply(x).iter().map(|z| g * z).collect();
            for (k, l) in self.channels.iter().enumerate() {
                add(&mut out, y(k), &l.apply(x));
                add(&mut out, -y(k) * before[k], x);
            }
            out
        };
        let predicted = sum(psi, 1.0, &exponent(tau, &|k| w[k] + tau * before[k].conj(), psi));
        let after = means(&predicted);
        let operators = &self.unravelling.channels;
        let commute = |a: &Operator, b: &Operator| (&(a * b) - &(b * a)).elements().all(|(_, z)| z.norm() < 1e-10);
        if operators.iter().all(|a| operators.iter().all(|b| commute(a, b))) {
            let y = |k: usize| w[k] + tau * (u[0] * before[k] + u[1] * after[k]).conj();
            return taylor(|x| exponent(tau, &y, x), psi, 3);
        }
        let mut psi = taylor(|x| exponent(0.5 * tau, &|k| u[0] * tau * before[k].conj(), x), psi, 3);
        let mut order: Vec<usize> = (0..w.len()).collect();
        if descending {
            order.reverse();
        }
        for now in order {
            psi = taylor(|x| exponent(0.0, &|k| if k == now { w[k] } else { Complex64::ZERO }, x), &psi, 3);
        }
        taylor(|x| exponent(0.5 * tau, &|k| u[1] * tau * after[k].conj(), x), &psi, 3)
    }
}

/// e^{X} x by the Taylor series, in so many parts that each converges fast.
fn exponential(x: &Operator, psi: &[Complex64]) -> Vec<Complex64> {
    let largest = x.elements().map(|(_, z)| z.norm()).fold(0.0, f64::max);
    let parts = (8.0 * largest).ceil().max(1.0);
    let rows = Rows::new(&x.scale(1.0 / parts));
    (0..parts as usize).fold(psi.to_vec(), |psi, _| taylor(|x| rows.apply(x), &psi, 24))
}

/// sum_{q <= degree} M^q/q! psi.
fn taylor(m: impl Fn(&[Complex64]) -> Vec<Complex64>, psi: &[Complex64], degree: usize) -> Vec<Complex64> {
    let (mut power, mut total) = (psi.to_vec(), psi.to_vec());
    for q in 1..=degree {
        power = m(&power).iter().map(|z| z / q as f64).collect();
        add(&mut total, Complex64::ONE, &power);
    }
    total
}

/// x + z y.
fn sum(x: &[Complex64], z: f64, y: &[Complex64]) -> Vec<Complex64> {
    x.iter().zip(y).map(|(x, y)| x + z * y).collect()
}

/// x += z y.
fn add(x: &mut [Complex64], z: Complex64, y: &[Complex64]) {
    x.iter_mut().zip(y).for_each(|(x, y)| *x += z * y);
}

fn overlap(bra: &[Complex64], ket: &[Complex64]) -> Complex64 {
    bra.iter().zip(ket).map(|(b, k)| b.conj() * k).sum()
}
