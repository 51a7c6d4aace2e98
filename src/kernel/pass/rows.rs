//! The rows of a segment, a few at a time.
//!
//! Most diagonals of a mode lie next to the main one. Within a group of rows their amplitudes stay in registers:
//!
//! ```text
//! out_i = ( s + g K_ii ) v_i + c_j T_i v_{i+1} + g K_{i,i-1} v_{i-1} + far diagonals
//! ```
//!
//! and <out|T_j|out> takes out_{i-1} from the row before. Which of them a segment has is known at compile time. From one
//! group to the next only sums are carried: amplitudes that are carried as well are more than there are registers, and the
//! one that is spilled and read back at once costs a quarter of the pass.

use super::super::dispatch::Kernel;
use super::super::lane::{Complex, Lane, Part};
use super::super::lanes::Complex8;
use super::super::plan::{Above, Segment, Table};
use super::Parts;
use super::far::{add_far, gather};
use std::marker::PhantomData;

/// A sweep over one part of the lanes: slices with guard rows, and what stays in registers throughout. `Sweep::run`
/// has checked that all of it belongs to one plan, whose segments stay inside.
pub struct Rows<'a, V> {
    pub guard: usize,
    pub part: Part<V>,
    pub diagonal: &'a Table,
    /// Tables of K times g.
    pub drift: &'a [f64],
    /// Tables of the T_j and of their overlaps.
    pub tables: &'a [f64],
    pub c: &'a [Complex8],
    pub s: Complex<V>,
    pub v: &'a [Complex8],
    pub u: &'a [Complex8],
    pub b: f64,
    pub w: f64,
    pub out: &'a mut [Complex8],
    pub acc: &'a mut [Complex8],
    /// Squares of real and of imaginary parts: two sums, so that neither waits for the other.
    pub norm: [V; 2],
    /// Likewise its products with the real and the imaginary parts of v.
    pub projection: [Complex<V>; 2],
    /// Overlaps of the window.
    pub reduced: &'a mut [Complex8],
    /// The others, by their two products: `far::gather`.
    pub gathered: &'a mut [[Complex8; 2]],
}

/// The window: starts of tables of the main diagonal and its neighbours. `COMPLEX`: K_ii is complex.
struct Window<V, const COMPLEX: bool, const ABOVE: bool, const BELOW: bool> {
    diagonal: (usize, usize),
    above: Above,
    below: usize,
    /// Coefficient of the diagonal above.
    c: Complex<V>,
    /// <out|T_j|out> so far, j the diagonal above.
    seen: Complex<V>,
}

/// `R` consecutive elements from `at`.
///
/// # Safety
/// `at + R` is at most the length of `x`.
#[inline(always)]
pub unsafe fn several<T, const R: usize>(x: &[T], at: usize) -> &[T; R] {
    debug_assert!(at + R <= x.len());
    // SAFETY: the caller's promise; an array has the layout of its elements.
    unsafe { &*x.as_ptr().add(at).cast() }
}

/// `R` consecutive elements from `at`, to be written.
///
/// # Safety
/// `at + R` is at most the length of `x`.
#[inline(always)]
unsafe fn several_mut<T, const R: usize>(x: &mut [T], at: usize) -> &mut [T; R] {
    debug_assert!(at + R <= x.len());
    // SAFETY: the caller's promise; an array has the layout of its elements.
    unsafe { &mut *x.as_mut_ptr().add(at).cast() }
}

impl<V: Lane> Rows<'_, V> {
    /// All rows of a segment.
    #[inline(always)]
    pub fn segment<P: Parts>(&mut self, segment: &Segment) {
        match *self.diagonal {
            Table::Complex(re, im) => self.beside::<P, true>(segment, (re, im)),
            Table::Real(re) => self.beside::<P, false>(segment, (re, re)),
            Table::Ones | Table::Imaginary(_) => unreachable!("the main diagonal is real or complex"),
        }
    }

    #[inline(always)]
    fn beside<P: Parts, const COMPLEX: bool>(&mut self, segment: &Segment, diagonal: (usize, usize)) {
        let nothing = Above { reduced: 0, table: 0, overlap: 0 };
        match (segment.above, segment.below) {
            (Some(above), Some(below)) => self.walk::<P, COMPLEX, true, true>(segment, diagonal, above, below),
            (Some(above), None) => self.walk::<P, COMPLEX, true, false>(segment, diagonal, above, 0),
            (None, _) => self.walk::<P, COMPLEX, false, false>(segment, diagonal, nothing, 0),
        }
    }

    /// In a function of its own: what is inlined into one costs the compiler time as its square.
    #[inline(always)]
    fn walk<P: Parts, const COMPLEX: bool, const ABOVE: bool, const BELOW: bool>(
        &mut self,
        segment: &Segment,
        diagonal: (usize, usize),
        above: Above,
        below: usize,
    ) {
        let (mut c, mut seen) = (Complex::zero(), Complex::zero());
        if ABOVE {
            c = Complex::load(&self.c[above.reduced], self.part);
            if P::SEEN {
                seen = Complex::load(&self.reduced[above.reduced], self.part);
            }
        }
        let window = Window::<V, COMPLEX, ABOVE, BELOW> { diagonal, above, below, c, seen };
        V::run(Walk { rows: self, segment, window, parts: PhantomData::<P> });
    }
}

/// A segment as a function of its own.
struct Walk<'a, 'b, V, P, const COMPLEX: bool, const ABOVE: bool, const BELOW: bool> {
    rows: &'a mut Rows<'b, V>,
    segment: &'a Segment,
    window: Window<V, COMPLEX, ABOVE, BELOW>,
    parts: PhantomData<P>,
}

impl<W: Lane, P: Parts, const COMPLEX: bool, const ABOVE: bool, const BELOW: bool> Kernel
    for Walk<'_, '_, W, P, COMPLEX, ABOVE, BELOW>
{
    type Output = ();

    /// `ROWS` rows at a time, the last ones one by one. The registers are those the walk was made with: `V` is `W`.
    #[inline(always)]
    fn run<V: Lane, const ROWS: usize>(self) {
        let Walk { rows, segment, mut window, .. } = self;
        // Sums stay in registers if nobody else could see them.
        let mut own = rows.reborrowed();
        let mut row = segment.rows.start;
        while row + ROWS <= segment.rows.end {
            own.block::<P, ROWS, COMPLEX, ABOVE, BELOW>(segment, &mut window, row);
            row += ROWS;
        }
        while row < segment.rows.end {
            own.block::<P, 1, COMPLEX, ABOVE, BELOW>(segment, &mut window, row);
            row += 1;
        }
        let (norm, projection) = (own.norm, own.projection);
        (rows.norm, rows.projection) = (norm, projection);
        if ABOVE && P::SEEN {
            window.seen.store(&mut rows.reduced[window.above.reduced], rows.part);
        }
    }
}

impl<V: Lane> Rows<'_, V> {
    /// The same, for a while.
    #[inline(always)]
    fn reborrowed(&mut self) -> Rows<'_, V> {
        Rows { out: self.out, acc: self.acc, reduced: self.reduced, gathered: self.gathered, ..*self }
    }

    /// Rows `row .. row + R` of a segment.
    #[inline(always)]
    fn block<P: Parts, const R: usize, const COMPLEX: bool, const ABOVE: bool, const BELOW: bool>(
        &mut self,
        segment: &Segment,
        window: &mut Window<V, COMPLEX, ABOVE, BELOW>,
        row: usize,
    ) {
        let (part, at) = (self.part, self.guard + row);
        let mut x = self.near::<R, COMPLEX, ABOVE, BELOW>(window, row);
        if P::U {
            // SAFETY: rows of the segment, as checked by `Sweep::run`.
            let (u, b) = (unsafe { several::<_, R>(self.u, at) }, V::splat(self.b));
            for r in 0..R {
                x[r] = Complex::load(&u[r], part).real_mul_add(b, x[r]);
            }
        }
        for term in &segment.far {
            add_far(self, term, row, &mut x);
        }
        // SAFETY: rows of the segment, as checked by `Sweep::run`.
        let out = unsafe { several_mut::<_, R>(self.out, at) };
        for r in 0..R {
            x[r].store(&mut out[r], part);
        }
        if P::ACC {
            // SAFETY: rows of the segment, as checked by `Sweep::run`.
            let (acc, w) = (unsafe { several_mut::<_, R>(self.acc, at) }, V::splat(self.w));
            for r in 0..R {
                x[r].real_mul_add(w, Complex::load(&acc[r], part)).store(&mut acc[r], part);
            }
        }
        if P::PROJECT {
            // SAFETY: rows of the segment, as checked by `Sweep::run`.
            let v = unsafe { several::<_, R>(self.v, at) };
            for r in 0..R {
                let (v, [of_re, of_im]) = (Complex::load(&v[r], part), self.projection);
                self.projection = [x[r].real_mul_add(v.re, of_re), x[r].real_mul_add(v.im, of_im)];
            }
        }
        if P::SEEN {
            for x in &x {
                self.norm = [x.re.mul_add(x.re, self.norm[0]), x.im.mul_add(x.im, self.norm[1])];
            }
            if ABOVE {
                // SAFETY: tables have an entry for every row of the segment, and there is a guard row before the first.
                let (table, before) = unsafe {
                    (several::<_, R>(self.tables, window.above.overlap + row), several::<_, 1>(self.out, at - 1))
                };
                let mut written = Complex::load(&before[0], part);
                for r in 0..R {
                    window.seen = written.conj_times(x[r]).real_mul_add(V::splat(table[r]), window.seen);
                    written = x[r];
                }
            }
            for overlap in &segment.overlaps {
                gather(self, overlap, row, &x);
            }
        }
    }

    /// The terms of the main diagonal and its neighbours.
    #[inline(always)]
    fn near<const R: usize, const COMPLEX: bool, const ABOVE: bool, const BELOW: bool>(
        &self,
        window: &Window<V, COMPLEX, ABOVE, BELOW>,
        row: usize,
    ) -> [Complex<V>; R] {
        let (part, at) = (self.part, self.guard + row);
        // SAFETY: the segment and, with a neighbour, a guard row on that side; tables have an entry for every row. What
        // a segment has not is not read.
        let (v, next, last, re, im, above, below) = unsafe {
            (
                several::<_, R>(self.v, at),
                several::<_, 1>(self.v, at + if ABOVE { R } else { 0 }),
                several::<_, 1>(self.v, at - usize::from(BELOW)),
                several::<_, R>(self.drift, window.diagonal.0 + row),
                several::<_, R>(self.drift, window.diagonal.1 + row),
                if ABOVE { several::<_, R>(self.tables, window.above.table + row) } else { &[0.0; R] },
                if BELOW { several::<_, R>(self.drift, window.below + row) } else { &[0.0; R] },
            )
        };
        // Term by term and not row by row: what stands next to each other does not wait for each other.
        let mut x = [Complex::zero(); R];
        for r in 0..R {
            let here = Complex::load(&v[r], part);
            let re = self.s.re.plus(V::splat(re[r]));
            let im = if COMPLEX { self.s.im.plus(V::splat(im[r])) } else { self.s.im };
            x[r] = Complex { re, im }.times(here);
        }
        if ABOVE {
            for r in 0..R {
                let after = Complex::load(if r + 1 < R { &v[r + 1] } else { &next[0] }, part);
                x[r] = window.c.times_real(V::splat(above[r])).mul_add(after, x[r]);
            }
        }
        if BELOW {
            for r in 0..R {
                let before = Complex::load(if r > 0 { &v[r - 1] } else { &last[0] }, part);
                x[r] = before.real_mul_add(V::splat(below[r]), x[r]);
            }
        }
        x
    }
}
