//! The Hilbert space as a product of factors.

use super::{ModelError, Operator};

/// What a factor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A truncated bosonic mode; basis |0>, |1>, ...
    Fock,
    /// A spin; basis m = +j, ..., -j (QuTiP's order).
    Spin,
    /// States of which nothing is known but their number.
    Levels,
}

/// One factor of the space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Factor {
    /// Name, as in `a`.
    pub name: String,
    /// Mode or spin.
    pub kind: Kind,
    /// Number of basis states kept.
    pub dim: usize,
    /// The truncation is part of the model, not an approximation: its top levels are not guarded.
    pub exact: bool,
}

impl Factor {
    /// A bosonic mode with `dim` Fock states.
    pub fn fock(name: &str, dim: usize) -> Self {
        Factor { name: name.into(), kind: Kind::Fock, dim, exact: false }
    }

    /// A spin (dim - 1)/2.
    pub fn spin(name: &str, dim: usize) -> Self {
        Factor { name: name.into(), kind: Kind::Spin, dim, exact: true }
    }

    /// `dim` states without structure.
    pub fn levels(name: &str, dim: usize) -> Self {
        Factor { name: name.into(), kind: Kind::Levels, dim, exact: true }
    }
}

/// A product of factors; the first is the slowest index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HilbertSpace {
    /// The factors, slowest index first.
    pub factors: Vec<Factor>,
}

impl HilbertSpace {
    /// A space of the given factors, each with at least two states.
    pub fn new(factors: Vec<Factor>) -> Result<Self, ModelError> {
        match factors.iter().find(|f| f.dim < 2) {
            Some(f) => Err(ModelError::TooSmall { name: f.name.clone(), dim: f.dim }),
            None => Ok(HilbertSpace { factors }),
        }
    }

    /// Number of basis states.
    pub fn dim(&self) -> usize {
        self.factors.iter().map(|f| f.dim).product()
    }

    /// Basis state of factor `m` inside basis state `index` of the product.
    pub fn digit(&self, index: usize, m: usize) -> usize {
        let faster: usize = self.factors[m + 1..].iter().map(|f| f.dim).product();
        index / faster % self.factors[m].dim
    }

    /// 1 x ... x op x ... x 1 with `op` at factor `m`.
    pub fn embed(&self, m: usize, op: &Operator) -> Operator {
        let slower: usize = self.factors[..m].iter().map(|f| f.dim).product();
        let faster: usize = self.factors[m + 1..].iter().map(|f| f.dim).product();
        Operator::identity(slower).kron(op).kron(&Operator::identity(faster))
    }

    /// Annihilation operator of factor `m`.
    pub fn destroy(&self, m: usize) -> Operator {
        self.embed(m, &Operator::destroy(self.factors[m].dim))
    }

    /// The basis with the factors in another order: entry i is the index here of state i there.
    pub fn reordered(&self, order: &[usize]) -> Vec<usize> {
        let stride = |m: usize| -> usize { self.factors[m + 1..].iter().map(|f| f.dim).product() };
        order.iter().fold(vec![0], |places, &m| {
            let step = |place: &usize| {
                (0..self.factors[m].dim).map(move |n| n * stride(m)).map(|s| place + s).collect::<Vec<_>>()
            };
            places.iter().flat_map(step).collect()
        })
    }

    /// Projector on the top `levels` basis states of factor `m`.
    pub fn top_levels(&self, m: usize, levels: usize) -> Operator {
        let dim = self.factors[m].dim;
        let top = (dim.saturating_sub(levels)..dim).map(|n| ((n, n), 1.0.into()));
        self.embed(m, &Operator::from_elements(dim, top))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_factor_is_the_slowest_index() {
        let space = HilbertSpace::new(vec![Factor::fock("a", 3), Factor::spin("j", 2)]).expect("two factors");
        assert_eq!((space.digit(5, 0), space.digit(5, 1)), (2, 1));
        let a = space.destroy(0);
        assert_eq!(a.get(0, 2).re, 1.0);
        assert_eq!(a.get(3, 5).re, 2f64.sqrt());
        let leak = space.top_levels(0, 1);
        assert_eq!((leak.get(4, 4).re, leak.get(5, 5).re, leak.get(3, 3).re), (1.0, 1.0, 0.0));
    }

    #[test]
    fn reordering_moves_every_state_to_its_place() {
        let factors = vec![Factor::fock("a", 3), Factor::spin("j", 2), Factor::fock("b", 4)];
        let space = HilbertSpace::new(factors).expect("three factors");
        let order = [2, 0, 1];
        let swapped = HilbertSpace::new(order.iter().map(|&m| space.factors[m].clone()).collect()).expect("the same");
        for (there, here) in space.reordered(&order).into_iter().enumerate() {
            for (place, &m) in order.iter().enumerate() {
                assert_eq!(swapped.digit(there, place), space.digit(here, m));
            }
        }
        assert_eq!(space.reordered(&[0, 1, 2]), (0..24).collect::<Vec<_>>());
    }

    #[test]
    fn a_factor_of_one_state_is_refused() {
        let made = HilbertSpace::new(vec![Factor::fock("a", 1)]);
        assert_eq!(made, Err(ModelError::TooSmall { name: "a".into(), dim: 1 }));
    }
}
