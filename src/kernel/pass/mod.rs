//! The pass: what every method is made of.
//!
//! ```text
//! out = b u + ( s + g K + sum_j c_j T_j ) v ;   acc += w out
//! and in the same sweep, per lane:  |out|^2 ,  <out|T_j|out> ,  <v|out>
//! ```
//!
//! s and c_j complex per lane, g, b and w real and the same in all lanes. One read of v, one write of
//! out, no intermediate vectors. `rows` walks over a segment with what lies next to the main diagonal in registers,
//! `far` has the other diagonals.

mod far;
mod rows;
#[cfg(test)]
mod tests;

use super::batch::Batch;
use super::dispatch::Kernel;
use super::lane::{Complex, Lane};
use super::lanes::{Complex8, Lanes};
use super::plan::Plan;
use rows::Rows;
use std::cell::RefCell;
use std::marker::PhantomData;

/// Lane coefficients of a pass.
#[derive(Debug, Clone)]
pub struct Coefficients {
    /// Coefficient of the identity.
    pub s: Complex8,
    /// Coefficient of K.
    pub g: f64,
    /// Coefficient of each T_j.
    pub c: Vec<Complex8>,
    /// The tables of K times g, made by the pass that first needs them.
    drift: RefCell<(f64, Vec<f64>)>,
}

impl Coefficients {
    /// Zero coefficients for a plan.
    pub fn new(plan: &Plan) -> Self {
        let drift = RefCell::new((0.0, vec![0.0; plan.drift.len()]));
        Coefficients { s: Complex8::ZERO, g: 0.0, c: vec![Complex8::ZERO; plan.reduced()], drift }
    }
}

/// What a pass measures while it writes, per lane and not divided by the norm.
#[derive(Debug, Clone)]
pub struct Overlaps {
    /// |out|^2.
    pub norm: Lanes,
    /// <out|T_j|out> of the T_j that are measured.
    pub reduced: Vec<Complex8>,
    /// <v|out>; only passes asked for it write it.
    pub projection: Complex8,
    /// Sums of overlaps beyond the window: `far::gather`.
    gathered: Vec<[Complex8; 2]>,
}

impl Overlaps {
    /// Room for the overlaps of a plan.
    pub fn new(plan: &Plan) -> Self {
        Overlaps {
            norm: Lanes::ZERO,
            reduced: vec![Complex8::ZERO; plan.measured()],
            projection: Complex8::ZERO,
            gathered: vec![[Complex8::ZERO; 2]; plan.measured()],
        }
    }
}

/// One sweep. `U`, `ACC`, `PROJECT` and `SEEN` say at compile time which parts it has; a stage whose norm and overlaps
/// nobody needs goes without `SEEN`.
pub struct Pass<'a> {
    /// The compiled terms.
    pub plan: &'a Plan,
    /// The lane coefficients.
    pub coefficients: &'a Coefficients,
    /// The kets the terms act on.
    pub v: &'a Batch,
    /// b and u, read if `U`.
    pub u: Option<(f64, &'a Batch)>,
    /// w and acc, updated if `ACC`.
    pub acc: Option<(f64, &'a mut Batch)>,
}

/// Which parts a sweep has.
pub(super) trait Parts {
    /// b u is added.
    const U: bool;
    /// w out is added to acc.
    const ACC: bool;
    /// <v|out> is measured.
    const PROJECT: bool;
    /// Norm and overlaps are measured.
    const SEEN: bool;
}

struct Has<const U: bool, const ACC: bool, const PROJECT: bool, const SEEN: bool>;

impl<const U: bool, const ACC: bool, const PROJECT: bool, const SEEN: bool> Parts for Has<U, ACC, PROJECT, SEEN> {
    const U: bool = U;
    const ACC: bool = ACC;
    const PROJECT: bool = PROJECT;
    const SEEN: bool = SEEN;
}

impl Pass<'_> {
    /// Sweep over all rows, a few at a time (the grouping does not change a bit). The registers are those of `V`.
    #[inline(always)]
    pub fn sweep<V: Lane, const U: bool, const ACC: bool, const PROJECT: bool, const SEEN: bool>(
        self,
        out: &mut Batch,
        seen: &mut Overlaps,
    ) {
        V::run(Sweep { pass: self, out, seen, parts: PhantomData::<Has<U, ACC, PROJECT, SEEN>> });
    }
}

/// A sweep as a function of its own: methods share it, and its many forms are compiled once.
struct Sweep<'a, P> {
    pass: Pass<'a>,
    out: &'a mut Batch,
    seen: &'a mut Overlaps,
    parts: PhantomData<P>,
}

impl<P: Parts> Kernel for Sweep<'_, P> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lane, const ROWS: usize>(self) {
        let Sweep { pass: Pass { plan, coefficients, v, u, acc }, out, seen, .. } = self;
        let guard = plan.guard();
        let (b, u) = u.map_or((0.0, v), |(b, u)| (b, u));
        let mut nothing = [];
        let (w, acc) = acc.map_or((0.0, &mut nothing[..]), |(w, acc)| (w, acc.guarded_mut()));
        let (v, u, out) = (v.guarded(), u.guarded(), out.guarded_mut());
        let mut drift = coefficients.drift.borrow_mut();
        let (g, drift) = &mut *drift;
        if *g != coefficients.g {
            *g = coefficients.g;
            drift.iter_mut().zip(&plan.drift).for_each(|(scaled, x)| *scaled = x * *g);
        }
        // What `Rows` relies on: everything belongs to this plan.
        let rows = plan.dim() + 2 * guard;
        assert!(v.len() == rows && u.len() == rows && out.len() == rows && (!P::ACC || acc.len() == rows));
        assert!(coefficients.c.len() == plan.reduced() && seen.reduced.len() == plan.measured());
        assert!(seen.gathered.len() == plan.measured());
        assert!(drift.len() == plan.drift.len());
        if P::SEEN {
            seen.reduced.fill(Complex8::ZERO);
            seen.gathered.fill([Complex8::ZERO; 2]);
        }
        for part in V::parts() {
            let mut rows = Rows {
                guard,
                part,
                diagonal: &plan.diagonal,
                drift,
                tables: &plan.tables,
                c: &coefficients.c,
                s: Complex::<V>::load(&coefficients.s, part),
                v,
                u,
                b,
                w,
                out: &mut *out,
                acc: &mut *acc,
                norm: [V::splat(0.0); 2],
                projection: [Complex::zero(); 2],
                reduced: &mut seen.reduced,
                gathered: &mut seen.gathered,
            };
            for segment in &plan.segments {
                rows.segment::<P>(segment);
            }
            if P::SEEN {
                rows.norm[0].plus(rows.norm[1]).store(&mut seen.norm, part);
            }
            if P::PROJECT {
                let [of_re, of_im] = rows.projection;
                of_re.minus_i_times(of_im).store(&mut seen.projection, part);
            }
        }
        if P::SEEN {
            for (sum, [of_re, of_im]) in seen.reduced.iter_mut().zip(&seen.gathered) {
                *sum = sum.plus(Complex8 { re: of_re.re.plus(of_im.im), im: of_re.im.minus(of_im.re) });
            }
            // Gathered with the earlier row as the bra; where it is the ket, the conjugate was meant.
            for (sum, conjugated) in seen.reduced.iter_mut().zip(&plan.conjugated) {
                if *conjugated {
                    *sum = sum.conj();
                }
            }
        }
    }
}
