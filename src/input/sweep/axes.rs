//! The points of a sweep: its parameters and their values, and which point has which of them.

use super::InputError;
use serde::{Deserialize, Serialize};

/// A swept parameter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Axis {
    /// Its name.
    pub name: String,
    /// Its values, in their order.
    pub values: Vec<f64>,
}

/// All swept parameters. The points are all combinations, the last parameter the fastest, or with `zip` the values
/// point by point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Axes {
    /// Together instead of in all combinations.
    pub zip: bool,
    /// The parameters, slowest first.
    #[serde(rename = "axis")]
    pub all: Vec<Axis>,
}

/// Name of the one axis of a sweep with `zip`.
pub const POINT: &str = "point";

impl Axes {
    /// Lengths of the leading axes of a stacked dataset.
    pub fn shape(&self) -> Vec<usize> {
        match self.zip {
            true => self.all.iter().take(1).map(|axis| axis.values.len()).collect(),
            false => self.all.iter().map(|axis| axis.values.len()).collect(),
        }
    }

    /// Names of the leading axes.
    pub fn dimensions(&self) -> Vec<&str> {
        if self.zip { vec![POINT] } else { self.all.iter().map(|axis| axis.name.as_str()).collect() }
    }

    /// Number of points.
    pub fn count(&self) -> usize {
        self.shape().iter().fold(1, |product, &n| product.saturating_mul(n))
    }

    /// Place of a point on the leading axes.
    pub fn index(&self, point: usize) -> Vec<usize> {
        let mut rest = point;
        let mut index: Vec<usize> = vec![];
        for n in self.shape().into_iter().rev() {
            index.push(rest % n);
            rest /= n;
        }
        index.reverse();
        index
    }

    /// The same with the names of the axes.
    pub fn place(&self, point: usize) -> Vec<(String, usize)> {
        self.dimensions().iter().map(|name| name.to_string()).zip(self.index(point)).collect()
    }

    /// Parameters of a point.
    pub fn values(&self, point: usize) -> Vec<(&str, f64)> {
        let index = self.index(point);
        let at = |k: usize| if self.zip { index[0] } else { index[k] };
        self.all.iter().enumerate().map(|(k, axis)| (axis.name.as_str(), axis.values[at(k)])).collect()
    }

    /// `alpha0=15,chi=-10`, as `--point` takes it.
    pub fn label(&self, point: usize) -> String {
        let words: Vec<String> =
            self.values(point).into_iter().map(|(name, value)| format!("{name}={}", plain(value))).collect();
        words.join(",")
    }

    /// The sweep as it could have been typed.
    pub fn typed(&self) -> String {
        let words = self.all.iter().map(|axis| {
            let values: Vec<String> = axis.values.iter().map(|x| plain(*x)).collect();
            format!("--sweep {}={}", axis.name, values.join(","))
        });
        words.chain(self.zip.then(|| "--sweep-zip".to_string())).collect::<Vec<_>>().join(" ")
    }

    /// The point that `--point` names: by its number, or by the values of as many parameters as it takes.
    ///
    /// # Errors
    /// One sentence with what there is, if no point or several are meant.
    pub fn find(&self, text: &str) -> Result<usize, InputError> {
        let refuse = |why: String| Err(InputError::Point { text: text.into(), why });
        if let Ok(number) = text.trim().parse::<usize>() {
            let last = self.count() - 1;
            return if number <= last { Ok(number) } else { refuse(format!("points have the numbers 0 to {last}")) };
        }
        let mut left: Vec<usize> = (0..self.count()).collect();
        for part in text.split(',') {
            let value =
                part.split_once('=').and_then(|(name, value)| Some((name.trim(), value.trim().parse::<f64>().ok()?)));
            let Some((name, value)) = value else {
                return refuse(format!("expected a number, or parameters and their values, as in {}", self.label(0)));
            };
            let Some(place) = self.all.iter().position(|axis| axis.name == name) else {
                let names: Vec<&str> = self.all.iter().map(|axis| axis.name.as_str()).collect();
                return refuse(format!("{name} is not swept; swept is {}", names.join(", ")));
            };
            let is_meant = |point: &usize| is_near(self.values(*point)[place].1, value);
            left.retain(is_meant);
            if left.is_empty() {
                let values: Vec<String> = self.all[place].values.iter().map(|x| plain(*x)).collect();
                return refuse(format!("no such point; {name} has the values {}", values.join(", ")));
            }
        }
        match left[..] {
            [point] => Ok(point),
            _ => refuse(format!("{} points have these values; say more, as in {}", left.len(), self.label(left[0]))),
        }
    }
}

/// As near as a number is that somebody has copied from a table.
fn is_near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(b.abs())
}

/// The shortest text that reads back as the same bits, without an exponent where people would write none.
pub fn plain(x: f64) -> String {
    let size = x.abs();
    if x == 0.0 || (1e-4..1e15).contains(&size) { format!("{x}") } else { format!("{x:?}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axes(zip: bool, all: &[(&str, &[f64])]) -> Axes {
        let axis = |(name, values): &(&str, &[f64])| Axis { name: name.to_string(), values: values.to_vec() };
        Axes { zip, all: all.iter().map(axis).collect() }
    }

    #[test]
    fn points_are_counted_with_the_last_parameter_the_fastest() {
        let grid = axes(false, &[("alpha0", &[15.0, 20.0]), ("chi", &[-10.0, -5.0, 0.1])]);
        assert_eq!((grid.count(), grid.shape(), grid.dimensions()), (6, vec![2, 3], vec!["alpha0", "chi"]));
        assert_eq!(grid.index(4), [1, 1]);
        assert_eq!((0..6).map(|p| grid.label(p)).collect::<Vec<_>>()[2..4], ["alpha0=15,chi=0.1", "alpha0=20,chi=-10"]);
        assert_eq!(grid.typed(), "--sweep alpha0=15,20 --sweep chi=-10,-5,0.1");
        let zipped = axes(true, &[("alpha0", &[15.0, 20.0]), ("chi", &[-10.0, 1e-7])]);
        assert_eq!((zipped.count(), zipped.shape(), zipped.dimensions()), (2, vec![2], vec![POINT]));
        assert_eq!(zipped.label(1), "alpha0=20,chi=1e-7");
    }

    #[test]
    fn a_point_is_found_by_number_or_by_as_many_values_as_it_takes() {
        let grid = axes(false, &[("alpha0", &[15.0, 20.0]), ("chi", &[-10.0, -5.0, 1.0 / 3.0])]);
        for (text, point) in
            [("3", 3), ("alpha0=20,chi=-10", 3), ("chi=-5, alpha0=15.0", 1), ("chi=0.3333333333,alpha0=20", 5)]
        {
            assert_eq!(grid.find(text), Ok(point), "{text}");
        }
        for (text, why) in [
            ("6", "0 to 5"),
            ("alpha0=15", "3 points have these values"),
            ("alpha0=16,chi=-10", "alpha0 has the values 15, 20"),
            ("beta=1", "swept is alpha0, chi"),
            ("", "as in alpha0=15,chi=-10"),
        ] {
            let error = grid.find(text).expect_err(text).to_string();
            assert!(error.starts_with(&format!("--point {text}: ")) && error.contains(why), "{error}");
        }
        let zipped = axes(true, &[("alpha0", &[15.0, 20.0]), ("chi", &[-10.0, -10.0])]);
        assert_eq!(zipped.find("alpha0=20"), Ok(1), "one value is enough");
    }
}
