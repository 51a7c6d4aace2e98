//! What makes a model more than H and L_k that stay as they are: terms that depend on time, and a link.

use super::{Link, ModelError, Operator, TimeFunction};
use num_complex::Complex64;

/// What rounding may leave of H(t) - H(t)^dag, relative to its terms.
const HERMITIAN: f64 = 1e-12;

/// Time dependence and link of a model; the default is nothing of either.
#[derive(Debug, Clone, Default)]
pub struct Dynamics {
    /// H(t) = hamiltonian + sum f(t) A. H(t) must be Hermitian: a term with a complex coefficient or an
    /// operator that is not Hermitian comes with its conjugate.
    pub drives: Vec<Drive>,
    /// L_k(t) = f(t) L_k for some of the Lindblads, each at most once.
    pub modulations: Vec<Modulation>,
    /// Two of the Lindblads are linked; they are not modulated.
    pub link: Option<Link>,
}

/// A term f(t) A of the Hamiltonian.
#[derive(Debug, Clone)]
pub struct Drive {
    /// A.
    pub operator: Operator,
    /// f.
    pub coefficient: TimeFunction,
}

/// A factor f(t) of a Lindblad operator.
#[derive(Debug, Clone)]
pub struct Modulation {
    /// Its number in `Model::lindblads`.
    pub lindblad: usize,
    /// f.
    pub coefficient: TimeFunction,
}

impl Dynamics {
    /// Whether nothing depends on time and nothing is linked.
    pub fn is_constant(&self) -> bool {
        self.drives.is_empty() && self.modulations.is_empty() && self.link.is_none()
    }

    /// Every coefficient: those of the drives, then those of the modulations.
    pub fn functions(&self) -> impl Iterator<Item = &TimeFunction> {
        self.drives.iter().map(|d| &d.coefficient).chain(self.modulations.iter().map(|m| &m.coefficient))
    }

    /// Refuse coefficients without a value, a modulation of nothing or of a linked port, H(t) that is
    /// not Hermitian at one of `times`.
    pub(super) fn check(&self, lindblads: usize, times: &[f64]) -> Result<(), ModelError> {
        let bad = |what: String, rule: &str| Err(ModelError::BadTimeFunction { what, rule: rule.into() });
        let duration = times.last().copied().unwrap_or(0.0);
        for function in self.functions() {
            function.check(duration)?;
            if let Some(t) = times.iter().find(|t| !function.value(**t).is_finite()) {
                return bad(format!("a coefficient at t = {t}"), "it is not finite");
            }
        }
        self.link.map_or(Ok(()), |link| link.check(lindblads))?;
        for (i, modulation) in self.modulations.iter().enumerate() {
            let (k, earlier) = (modulation.lindblad, &self.modulations[..i]);
            let what = format!("the coefficient of c_op {k}");
            if k >= lindblads {
                return bad(what, "there is no such c_op");
            }
            if earlier.iter().any(|m| m.lindblad == k) {
                return bad(what, "it is given twice");
            }
            if self.link.is_some_and(|link| link.first == k || link.second == k) {
                return bad(what, "a linked port cannot depend on time");
            }
        }
        self.check_hermitian(times)
    }

    /// Whether sum f A equals its conjugate: cheap where every f is real and every A Hermitian.
    fn check_hermitian(&self, times: &[f64]) -> Result<(), ModelError> {
        if self.drives.iter().all(|d| d.coefficient.is_real() && d.operator.is_hermitian()) {
            return Ok(());
        }
        // f A - conj(f) A^dag, element by element over all drives.
        let adjoints: Vec<Operator> = self.drives.iter().map(|d| d.operator.dag()).collect();
        let mut places: Vec<(usize, usize)> = self
            .drives
            .iter()
            .map(|d| &d.operator)
            .chain(&adjoints)
            .flat_map(|op| op.elements().map(|e| e.0))
            .collect();
        places.sort_unstable();
        places.dedup();
        let rows: Vec<Vec<[Complex64; 2]>> = places
            .iter()
            .map(|&(r, c)| {
                self.drives.iter().zip(&adjoints).map(|(d, a)| [d.operator.get(r, c), a.get(r, c)]).collect()
            })
            .collect();
        for t in times {
            let f: Vec<Complex64> = self.drives.iter().map(|d| d.coefficient.value(*t)).collect();
            for (row, (r, c)) in rows.iter().zip(&places) {
                let off: Complex64 = row.iter().zip(&f).map(|([a, adjoint], f)| f * a - f.conj() * adjoint).sum();
                let size: f64 =
                    row.iter().zip(&f).map(|([a, adjoint], f)| f.norm() * (a.norm() + adjoint.norm())).sum();
                if off.norm() > HERMITIAN * size {
                    return Err(ModelError::BadTimeFunction {
                        what: format!("H(t) at t = {t}"),
                        rule: format!(
                            "element ({r}, {c}) is not the conjugate of ({c}, {r}): a term with a complex \
                             coefficient comes with its Hermitian conjugate"
                        ),
                    });
                }
            }
        }
        Ok(())
    }

    /// All breakpoints, ascending, each once.
    pub fn breakpoints(&self) -> Vec<f64> {
        let mut times: Vec<f64> = self.functions().flat_map(TimeFunction::breakpoints).collect();
        times.sort_by(f64::total_cmp);
        times.dedup();
        times
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Function, Scalar};

    #[test]
    fn a_complex_coefficient_comes_with_its_conjugate() {
        let a = Operator::destroy(3);
        let turn = |sign: f64| {
            let angle = Scalar::Multiply(Box::new(Scalar::Number(Complex64::new(0.0, sign))), Box::new(Scalar::Time));
            TimeFunction::Expression(Scalar::Call(Function::Exp, Box::new(angle)))
        };
        let drive = |operator: &Operator, sign| Drive { operator: operator.clone(), coefficient: turn(sign) };
        let with = |drives| Dynamics { drives, ..Dynamics::default() }.check(0, &[0.0, 0.7, 1.4]);
        assert_eq!(with(vec![drive(&a, 1.0), drive(&a.dag(), -1.0)]), Ok(()));
        let same = with(vec![drive(&a, 1.0), drive(&a.dag(), 1.0)]).expect_err("not Hermitian").to_string();
        assert!(same.starts_with("H(t) at t = 0.7: element (0, 1)"), "{same}");
        let alone = with(vec![drive(&(&a + &a.dag()), 1.0)]).expect_err("not Hermitian").to_string();
        assert!(alone.contains("t = 0.7"), "real at 0: {alone}");
    }

    #[test]
    fn a_modulation_needs_a_lindblad_of_its_own() {
        let modulation = |lindblad| Modulation { lindblad, coefficient: TimeFunction::Expression(Scalar::Time) };
        let text = |modulations, link| {
            Dynamics { modulations, link, ..Dynamics::default() }.check(3, &[0.0, 1.0]).expect_err("wrong").to_string()
        };
        assert!(text(vec![modulation(3)], None).contains("c_op 3: there is no such"));
        assert!(text(vec![modulation(1), modulation(1)], None).contains("given twice"));
        let link = Link::new(0, 1, 0.5, 0.0, Complex64::ONE).expect("a link");
        assert!(text(vec![modulation(1)], Some(link)).contains("linked port"));
        let fine = Dynamics { modulations: vec![modulation(2)], link: Some(link), ..Dynamics::default() };
        assert_eq!(fine.check(3, &[0.0, 1.0]), Ok(()));
    }
}
