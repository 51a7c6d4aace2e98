//! The network of a model file: `[[component]]`, `[[connect]]` and `[[input]]`, reduced to one component.

use super::component::Made;
use super::document::{Entry, Item};
use super::keys::{KEYS, Place};
use super::read::{Reader, quoted};
use crate::input::InputError;
use crate::model::{Network, Reduced, Side, Slh, SlhError};

/// The lists of a file that make a network.
pub struct Parts<'e, 'd> {
    /// `[[component]]`.
    pub components: Option<&'e Item<'d>>,
    /// `[[connect]]`.
    pub connections: Option<&'e Item<'d>>,
    /// `[[input]]`.
    pub inputs: Option<&'e Item<'d>>,
}

impl Reader<'_> {
    /// The network as one component, and its tables in their normal form; `None` without components.
    pub fn read_network(&self, parts: &Parts) -> Result<Option<(Reduced, String)>, InputError> {
        let Some(components) = parts.components else {
            return match parts.connections.or(parts.inputs) {
                Some(item) => Err(self.source.mistake(&item.at, "there is no [[component]] to connect")),
                None => Ok(None),
            };
        };
        let (mut network, mut toml) = (Network::new(), String::new());
        for keys in self.tables(Some(components), Place::Component)? {
            let Made { name, slh, inputs, outputs, toml: written } = self.component(&keys)?;
            let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
            let outputs: Vec<&str> = outputs.iter().map(String::as_str).collect();
            network.add_named(&name, slh, &inputs, &outputs).map_err(|error| self.component_mistake(&keys, &error))?;
            toml.push_str(&written);
        }
        let mut wires = vec![];
        for keys in self.tables(parts.connections, Place::Connect)? {
            let from = self.required(&keys, Place::Connect, "from")?;
            let to = self.required(&keys, Place::Connect, "to")?;
            let (output, input) = (self.port(&network, Side::Output, from)?, self.port(&network, Side::Input, to)?);
            network.connect(output, input).map_err(|error| {
                let wrong = if matches!(error, SlhError::UsedTwice { side: Side::Input, .. }) { to } else { from };
                self.source.mistake(&wrong.at, error.to_string())
            })?;
            toml.push_str(&format!("\n[[connect]]\nfrom = {}\nto = {}\n", quoted(output), quoted(input)));
            wires.push((network.port(Side::Output, output), from.at.clone()));
        }
        for keys in self.tables(parts.inputs, Place::Input)? {
            let port = self.required(&keys, Place::Input, "port")?;
            let name = self.port(&network, Side::Input, port)?;
            let (amplitude, written) = self.written_number(self.required(&keys, Place::Input, "alpha")?)?;
            network.drive(name, amplitude).map_err(|error| self.source.mistake(&port.at, error.to_string()))?;
            toml.push_str(&format!("\n[[input]]\nport = {}\nalpha = {written}\n", quoted(name)));
        }
        let reduced = network.reduce().map_err(|error| {
            let of_loop = match &error {
                SlhError::Singular { output, .. } => {
                    let port = network.port(Side::Output, output);
                    wires.iter().find(|(from, _)| *from == port).map(|(_, at)| at)
                }
                _ => None,
            };
            self.source.mistake(of_loop.unwrap_or(&components.at), error.to_string())
        })?;
        let Slh { s: _, l, h } = &reduced.slh;
        if l.iter().chain([h]).any(|op| op.elements().any(|(_, z)| !z.is_finite())) {
            return Err(self.source.mistake(&components.at, "the network has elements that are not finite"));
        }
        Ok(Some((reduced, toml)))
    }

    /// The keys of every table of a list.
    fn tables<'d>(&self, item: Option<&Item<'d>>, place: Place) -> Result<Vec<Vec<Entry<'d>>>, InputError> {
        let Some(item) = item else { return Ok(vec![]) };
        let form = format!("tables, each below a line {}", place.name());
        let keys = |member: &Item<'d>| {
            let keys = self.source.known_entries(self.source.table(member, &form)?, place)?;
            match keys.is_empty() {
                true => Err(self.source.mistake(&member.at, format!("this {} is empty", place.name()))),
                false => Ok(keys),
            }
        };
        self.source.items(item, &form)?.iter().map(keys).collect()
    }

    /// The value of a key that must be there.
    pub fn required<'e, 'd>(&self, keys: &'e [Entry<'d>], place: Place, key: &str) -> Result<&'e Item<'d>, InputError> {
        keys.iter().find(|entry| entry.key == key).map(|entry| &entry.value).ok_or_else(|| {
            let at = keys.first().map_or(0..0, |entry| entry.key_at.clone());
            let example = KEYS.iter().find(|row| row.place == place && row.name == key);
            let example = example.map_or(String::new(), |row| format!(", as in {}", row.example));
            self.source.mistake(&at, format!("this {} has no key '{key}': give one{example}", place.name()))
        })
    }

    /// The name of a port that exists.
    fn port<'d>(&self, network: &Network, side: Side, item: &Item<'d>) -> Result<&'d str, InputError> {
        let name = self.source.text(item)?;
        let found = network.port(side, name);
        found.map(|_| name).map_err(|error| self.source.mistake(&item.at, error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Described, Overrides, Source, read};
    use crate::input::InputError;
    use crate::model::Operator;
    use std::path::Path;

    const HEAD: &str = r#"
        [space]
        a = { fock = 4 }
        b = { fock = 3 }
        q = "qubit"
        [parameters]
        k = 2
        eta = 0.8
        z = "0.5-1i"
        [e_ops]
        n = "a.n"
        [initial]
        a = "vacuum"
        b = "vacuum"
        q = "down"
    "#;

    const CASCADE: &str = r#"
        [[component]]
        name = "one"
        kind = "cavity"
        factor = "a"
        kappa = "2*k"
        Delta = 0.5
        [[component]]
        name = "fibre"
        kind = "loss"
        eta = "eta"
        [[component]]
        name = "two"
        kind = "cavity"
        factor = "b"
        kappa = ["k", 0.25]
        H = "0.1*b'^2*b^2"
        [[connect]]
        from = "one.0"
        to = "fibre.in"
        [[connect]]
        from = "fibre.0"
        to = "two.0"
        [[input]]
        port = "one.0"
        alpha = "z"
    "#;

    /// Everything that has names, angles, phases and a loop.
    const LOOP: &str = r#"
        [[component]]
        name = "swap"
        S = [["0", "1i"], ["exp(0.3i)", 0]]
        L = ["k*q.minus", "z*a"]
        H = "q.z"
        inputs = ["left", "right"]
        [[component]]
        name = "bs"
        kind = "beamsplitter"
        t = 0.6
        r = "0.8i"
        outputs = ["north", "east"]
        [[component]]
        name = "atom"
        kind = "two_level_atom"
        factor = "q"
        gamma = 0.3
        [[component]]
        name = "shift"
        kind = "phase_shifter"
        phi = "pi/3"
        [[component]]
        name = "laser"
        kind = "displacement"
        alpha = "z"
        [[connect]]
        from = "swap.1"
        to = "bs.1"
        [[connect]]
        from = "bs.north"
        to = "swap.right"
        [[connect]]
        from = "laser.0"
        to = "atom.0"
    "#;

    fn described(top: &str, rest: &str) -> Result<Described, InputError> {
        let text = format!("{top}\n{HEAD}\n{rest}");
        read(Source { name: "m.toml", text: &text }, "m", Path::new("."), &Overrides::default())
    }

    fn apart(a: &Operator, b: &Operator) -> f64 {
        (a - b).elements().map(|(_, z)| z.norm()).fold(0.0, f64::max)
    }

    #[test]
    fn a_cascade_by_components_is_the_one_by_hand() {
        let network = described("", CASCADE).expect("a network").model;
        // Loss sends sqrt(eta) on and sqrt(1 - eta) away; the drive enters with L -> L + alpha.
        let hand = r#"
            H = "0.5*a.n + 0.1*b'^2*b^2 + Im(sqrt(2*k)*a'*z) + Im(sqrt(k*eta)*b'*(sqrt(2*k)*a + z))"
            c_ops = ["sqrt(1 - eta)*(sqrt(2*k)*a + z)", "sqrt(eta)*(sqrt(2*k)*a + z) + sqrt(k)*b", "0.5*b"]
        "#;
        let hand = described(hand, "").expect("a model").model;
        assert!(apart(&network.hamiltonian, &hand.hamiltonian) < 1e-14);
        assert_eq!(network.lindblads.len(), 3);
        for (l, expected) in network.lindblads.iter().zip(&hand.lindblads) {
            assert!(apart(l, expected) < 1e-14);
        }
    }

    #[test]
    fn a_network_is_added_to_what_the_file_says_beside_it() {
        let beside = "H = \"q.sx\"\nc_ops = [\"3*q.minus\"]";
        let model = |top: &str, rest: &str| described(top, rest).expect("a model").model;
        let (alone, both, hand) = (model("", CASCADE), model(beside, CASCADE), model(beside, ""));
        assert_eq!(both.hamiltonian, &hand.hamiltonian + &alone.hamiltonian);
        assert_eq!(both.lindblads, [hand.lindblads, alone.lindblads].concat());
    }

    #[test]
    fn the_normal_form_of_a_network_gives_the_same_bits() {
        for network in [CASCADE, LOOP] {
            let first = described("", network).expect("a network");
            assert!(first.network.is_some());
            let source = Source { name: "normal.toml", text: &first.text };
            let again = read(source, "m", Path::new("."), &Overrides::default()).expect(&first.text);
            assert_eq!(again.text, first.text);
            assert_eq!(again.meaning, first.meaning);
            assert_eq!(again.model.hamiltonian, first.model.hamiltonian);
            assert_eq!(again.model.lindblads, first.model.lindblads);
            assert_eq!(again.network, first.network);
        }
    }

    #[test]
    fn mistakes_stand_above_their_place() {
        for (from, to, what, marked) in [
            (r#"kind = "cavity""#, r#"kind = "cavty""#, "component 'cavty'; did you mean cavity?", r#""cavty""#),
            (r#"eta = "eta""#, "eta = 1.2", "the part of the power that passes lies between 0 and 1", "1.2"),
            (r#"eta = "eta""#, "kapa = 2", "has no key 'kapa'; did you mean kappa?", "kapa"),
            (r#"eta = "eta""#, "kappa = 2", "a loss has no key 'kappa'", "kappa"),
            (r#"kappa = "2*k""#, r#"kappa = "-k""#, "a rate is a finite number and not negative", r#""-k""#),
            (r#"kappa = "2*k""#, r#"kappa = "2*kk""#, "unknown name 'kk'", "kk"),
            (r#"kappa = "2*k""#, r#"kappa = "z""#, "a rate is a real number", r#""z""#),
            (r#"factor = "a""#, r#"factor = "q""#, "a cavity needs a mode", r#""q""#),
            (r#"factor = "a""#, r#"factor = "c""#, "unknown factor 'c'; there is a, b, q", r#""c""#),
            (r#"factor = "a""#, "", "this [[component]] has no key 'factor'", "name"),
            (r#"name = "two""#, r#"name = "one""#, "two components are named 'one'", r#""one""#),
            (r#"name = "two""#, r#"name = "t.o""#, "'t.o' cannot name a component", r#""t.o""#),
            (r#"H = "0.1*b'^2*b^2""#, r#"H = "1i*b""#, "H is not Hermitian", r#""1i*b""#),
            (
                r#"to = "fibre.in""#,
                r#"to = "fibre.inn""#,
                "no input 'inn'; its inputs are in, vacuum",
                r#""fibre.inn""#,
            ),
            (r#"to = "two.0""#, r#"to = "fibre.in""#, "fibre.in is used twice: it is fed by one.0", r#""fibre.in""#),
            (r#"from = "fibre.0""#, r#"from = "one.0""#, "output one.0 is used twice", r#""one.0""#),
            (r#"from = "one.0""#, r#"from = "won.0""#, "component 'won'; there are one, fibre, two", r#""won.0""#),
            (r#"to = "fibre.in""#, r#"too = "fibre.in""#, "has no key 'too'; did you mean to?", "too"),
            (r#"port = "one.0""#, r#"port = "two.0""#, "fed by fibre.out, and a coherent amplitude", r#""two.0""#),
            (r#"alpha = "z""#, r#"alpha = "a""#, "expected a number, and this is an operator", "a"),
            (r#"alpha = "z""#, "", "this [[input]] has no key 'alpha'", "port"),
        ] {
            assert!(CASCADE.contains(from), "{from}");
            let said = described("", &CASCADE.replacen(from, to, 1)).expect_err(to).to_string();
            assert!(said.contains(what), "{to}: {said}");
            let [.., source, carets] = said.lines().collect::<Vec<_>>()[..] else { panic!("{said}") };
            let place = carets.find('^').expect("a caret");
            assert!(source[place..].starts_with(marked), "{to}: {said}");
            assert_eq!(carets.matches('^').count(), marked.len(), "{said}");
        }
    }

    #[test]
    fn a_scattering_matrix_is_checked_where_it_is_written() {
        let refused = |rest: &str| {
            let text = format!("[[component]]\nname = \"own\"\n{rest}");
            described("", &text).expect_err(&text).to_string()
        };
        for (rest, what) in [
            ("S = [[1, 0], [0, 0.9]]", "S is not unitary: S^dag S differs from 1 by 1.90e-1"),
            ("S = [[1, 0], [1]]", "2 rows need 2 numbers each, not 1"),
            ("S = [[1]]\nL = [\"a\", \"b\"]", "S is 1 x 1 and there are 2 L"),
            ("L = [\"a\"]\ninputs = [\"p\", \"q\"]", "own has 1 inputs but names for 2"),
            ("H = \"q.z\"", "a component needs a kind (beamsplitter, "),
            ("kind = \"beamsplitter\"\ntheta = 0\nt = 1", "theta says it all"),
            (
                "L = [\"1e200*a\", \"1e200*a\"]\nS = [[0, 1], [1, 0]]\n[[connect]]\nfrom = \"own.0\"\nto = \"own.0\"",
                "not finite",
            ),
            ("kind = \"beamsplitter\"\nt = 0.5\nr = 0.5", "S is not unitary"),
        ] {
            let said = refused(rest);
            assert!(said.contains(what), "{said}");
        }
    }

    #[test]
    fn a_closed_loop_is_shown_at_its_connection() {
        let wire = "[[connect]]\nfrom = \"m.0\"\nto = \"m.0\"";
        let mirror = format!("[[component]]\nname = \"m\"\nkind = \"phase_shifter\"\nphi = 0\n{wire}");
        let said = described("", &mirror).expect_err("singular").to_string();
        assert!(said.contains("from m.0 into m.0 is singular") && said.contains("| from = \"m.0\"\n"), "{said}");
        let lonely = described("H = \"a.n\"\nc_ops = []", wire).expect_err("nothing to connect").to_string();
        assert!(lonely.contains("there is no [[component]]"), "{lonely}");
    }
}
