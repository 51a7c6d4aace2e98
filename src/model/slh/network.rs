//! Networks: named components, the light between their ports, and the one component they are together.
//!
//! A port is written `component.port`, the port by its number from 0 or by its name. The free ports of the
//! result keep the order in which their components were added, and in a component that of its ports; so do
//! the rows of S with their L (free outputs) and the columns of S (free inputs).

use super::{Side, Slh, SlhError};
use crate::model::Operator;
use num_complex::Complex64;

/// A network while it is built.
#[derive(Debug, Clone, Default)]
pub struct Network {
    parts: Vec<Part>,
    /// Outputs and the inputs they feed, by their numbers among all ports.
    connections: Vec<(usize, usize)>,
    /// Inputs and the coherent amplitudes into them.
    drives: Vec<(usize, Complex64)>,
}

#[derive(Debug, Clone)]
struct Part {
    name: String,
    component: Slh,
    inputs: Vec<String>,
    outputs: Vec<String>,
}

/// A network as one component.
#[derive(Debug, Clone, PartialEq)]
pub struct Reduced {
    /// The component.
    pub slh: Slh,
    /// Names of its inputs: the columns of S.
    pub inputs: Vec<String>,
    /// Names of its outputs: the rows of S, and the L.
    pub outputs: Vec<String>,
}

impl Network {
    /// A network without components.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a component whose ports have numbers only.
    pub fn add(&mut self, name: &str, component: Slh) -> Result<(), SlhError> {
        self.add_named(name, component, &[], &[])
    }

    /// Adds a component with names for its ports; either list may be empty.
    pub fn add_named(&mut self, name: &str, component: Slh, inputs: &[&str], outputs: &[&str]) -> Result<(), SlhError> {
        let plain = |word: &str| {
            let mut letters = word.chars();
            letters.next().is_some_and(|c| c.is_alphabetic() || c == '_')
                && letters.all(|c| c.is_alphanumeric() || c == '_')
        };
        if let Some(bad) = [name].iter().chain(inputs).chain(outputs).find(|word| !plain(word)) {
            return Err(SlhError::BadName(bad.to_string()));
        }
        if self.parts.iter().any(|part| part.name == name) {
            return Err(SlhError::SameName(name.into()));
        }
        if let Some(first) = self.parts.first().map(|part| part.component.h.dim())
            && first != component.h.dim()
        {
            return Err(SlhError::Spaces { first, second: component.h.dim() });
        }
        for (side, names) in [(Side::Input, inputs), (Side::Output, outputs)] {
            if !names.is_empty() && names.len() != component.ports() {
                let (names, ports) = (names.len(), component.ports());
                return Err(SlhError::PortNames { component: name.into(), side, names, ports });
            }
            let repeated = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name));
            if let Some((_, port)) = repeated {
                return Err(SlhError::SamePort { component: name.into(), side, port: port.to_string() });
            }
        }
        let numbers: Vec<String> = (0..component.ports()).map(|port| port.to_string()).collect();
        let named = |names: &[&str]| match names {
            [] => numbers.clone(),
            names => names.iter().map(|name| name.to_string()).collect(),
        };
        self.parts.push(Part { name: name.into(), inputs: named(inputs), outputs: named(outputs), component });
        Ok(())
    }

    /// Sends the light of output `from` into input `to`.
    pub fn connect(&mut self, from: &str, to: &str) -> Result<(), SlhError> {
        let (output, input) = (self.port(Side::Output, from)?, self.port(Side::Input, to)?);
        self.unused(Side::Output, output, || format!("it feeds {}", self.name(Side::Input, input)))?;
        self.unused(Side::Input, input, || format!("it is fed by {}", self.name(Side::Output, output)))?;
        self.connections.push((output, input));
        Ok(())
    }

    /// Shines a coherent amplitude (in photons per time, square root) into a free input.
    pub fn drive(&mut self, port: &str, alpha: Complex64) -> Result<(), SlhError> {
        let input = self.port(Side::Input, port)?;
        if !(alpha.re.is_finite() && alpha.im.is_finite()) {
            return Err(SlhError::NotFinite { port: port.into(), amplitude: alpha.to_string() });
        }
        self.unused(Side::Input, input, || "a coherent amplitude is fed into it".into())?;
        self.drives.push((input, alpha));
        Ok(())
    }

    /// The one component that the network is: everything side by side, then one feedback a connection, then
    /// the coherent amplitudes.
    ///
    /// Any order of connections will do: |S_xy| = 1 in a unitary S leaves zeros in the rest of its row and
    /// column, so a loop that is singular on the way is singular in every order.
    pub fn reduce(&self) -> Result<Reduced, SlhError> {
        let mut parts = self.parts.iter().map(|part| &part.component);
        let first = parts.next().ok_or(SlhError::Empty)?.clone();
        let mut slh = parts.try_fold(first, |all, next| all.beside(next))?;
        let mut outputs: Vec<usize> = (0..slh.ports()).collect();
        let mut inputs = outputs.clone();
        let at = |ports: &[usize], port: usize| {
            ports.iter().position(|p| *p == port).expect("a port stays until its connection is made")
        };
        for &(output, input) in &self.connections {
            let (x, y) = (at(&outputs, output), at(&inputs, input));
            slh = slh.with_feedback(x, y).map_err(|error| match error {
                SlhError::Singular { .. } => {
                    SlhError::Singular { output: self.name(Side::Output, output), input: self.name(Side::Input, input) }
                }
                error => error,
            })?;
            outputs.remove(x);
            inputs.remove(y);
        }
        if !self.drives.is_empty() {
            // The component W with L = alpha in front of every port.
            let dim = slh.h.dim();
            let amplitude = |input: &usize| self.drives.iter().find(|(port, _)| port == input).map(|(_, alpha)| *alpha);
            let light = |input| Operator::identity(dim).scale(amplitude(input).unwrap_or_default());
            slh = slh.fed_by(&Slh::diagonal(1.0, inputs.iter().map(light).collect(), Operator::zero(dim)))?;
        }
        let names = |side, ports: &[usize]| ports.iter().map(|port| self.name(side, *port)).collect();
        Ok(Reduced { inputs: names(Side::Input, &inputs), outputs: names(Side::Output, &outputs), slh })
    }

    /// Number of a port among all of its side, in the order of the components and their ports.
    ///
    /// # Errors
    /// A text that names no port, with those there are.
    pub fn port(&self, side: Side, text: &str) -> Result<usize, SlhError> {
        let (component, port) = text.split_once('.').ok_or_else(|| SlhError::BadPort(text.into()))?;
        let (component, port) = (component.trim(), port.trim());
        let mut before = 0;
        for part in &self.parts {
            if part.name == component {
                let names = part.ports(side);
                let named = names.iter().position(|name| name == port);
                let numbered = || port.parse().ok().filter(|number| *number < names.len());
                return named.or_else(numbered).map(|number| before + number).ok_or_else(|| SlhError::NoPort {
                    component: component.into(),
                    side,
                    port: port.into(),
                    known: names.to_vec(),
                });
            }
            before += part.component.ports();
        }
        let known: Vec<String> = self.parts.iter().map(|part| part.name.clone()).collect();
        Err(SlhError::UnknownComponent { name: component.into(), hint: hint(component, &known), known })
    }

    /// `component.port` of a number among all ports of a side.
    fn name(&self, side: Side, mut port: usize) -> String {
        for part in &self.parts {
            match part.ports(side).get(port) {
                Some(name) => return format!("{}.{name}", part.name),
                None => port -= part.component.ports(),
            }
        }
        unreachable!("a number comes from `port`")
    }

    /// Refuses a port that a connection or a drive has already taken; `again` says what else was wanted of it.
    fn unused(&self, side: Side, port: usize, again: impl Fn() -> String) -> Result<(), SlhError> {
        let connected = self.connections.iter().find_map(|&(output, input)| match side {
            Side::Output => (output == port).then(|| format!("it feeds {}", self.name(Side::Input, input))),
            Side::Input => (input == port).then(|| format!("it is fed by {}", self.name(Side::Output, output))),
        });
        let driven = side == Side::Input && self.drives.iter().any(|(input, _)| *input == port);
        match connected.or_else(|| driven.then(|| "a coherent amplitude is fed into it".into())) {
            Some(first) => Err(SlhError::UsedTwice { side, port: self.name(side, port), first, second: again() }),
            None => Ok(()),
        }
    }
}

impl Part {
    fn ports(&self, side: Side) -> &[String] {
        match side {
            Side::Input => &self.inputs,
            Side::Output => &self.outputs,
        }
    }
}

/// The nearest name as a half sentence.
fn hint(word: &str, known: &[String]) -> String {
    known
        .iter()
        .map(|name| (strsim::jaro_winkler(name, word), name))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(score, _)| *score > 0.8)
        .map_or_else(String::new, |(_, name)| format!("did you mean {name}? "))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Draw, apart, assert_same};
    use super::*;

    /// Splitter, phase and cavity in a loop: light enters and leaves at port 0 of the splitter.
    fn feedback(t: f64, phi: f64) -> Network {
        let a = Operator::destroy(4);
        let mut network = Network::new();
        let splitter = Slh::beamsplitter_of(4, t.into(), (1.0 - t * t).sqrt().into()).expect("unitary");
        network.add_named("bs", splitter, &["outside", "inside"], &["outside", "inside"]).expect("a name");
        network.add("phase", Slh::phase_shifter(4, phi).expect("a phase")).expect("a name");
        network.add("cavity", Slh::cavity(&a, 0.0, &[2.0, 0.5]).expect("a cavity")).expect("a name");
        for (from, to) in [("bs.inside", "phase.0"), ("phase.0", "cavity.0"), ("cavity.0", "bs.1")] {
            network.connect(from, to).expect("free ports");
        }
        network
    }

    #[test]
    fn a_loop_becomes_one_component_with_the_ports_that_stay_free() {
        let reduced = feedback(-0.6, 0.0).reduce().expect("an open loop");
        assert_eq!(reduced.inputs, ["bs.outside", "cavity.1"]);
        assert_eq!(reduced.outputs, ["bs.outside", "cavity.1"]);
        // (1 + t)/(1 - t) = 1/4 of the linewidth
        let (a, l) = (Operator::destroy(4), &reduced.slh.l);
        assert!(apart(&(&l[0].dag() * &l[0]), &(&a.dag() * &a).scale(0.5)) < 1e-14);
        assert!(apart(&l[1], &a.scale(0.5f64.sqrt())) < 1e-15);
        assert!(reduced.slh.unitary_deviation() < 1e-14);
    }

    #[test]
    fn the_order_of_connections_does_not_matter() {
        let mut draw = Draw::new(7);
        let parts = [draw.component(2, 3), draw.component(3, 3), draw.component(1, 3)];
        let wires = [("g0.1", "g1.0"), ("g1.2", "g0.0"), ("g2.0", "g1.1"), ("g1.1", "g1.2"), ("g0.0", "g2.0")];
        let reduced = |order: [usize; 5]| {
            let mut network = Network::new();
            for (name, part) in ["g0", "g1", "g2"].iter().zip(&parts) {
                network.add(name, part.clone()).expect("a name");
            }
            order.iter().for_each(|&i| network.connect(wires[i].0, wires[i].1).expect("free ports"));
            network.reduce().expect("open loops")
        };
        let one = reduced([0, 1, 2, 3, 4]);
        assert_eq!((one.inputs.as_slice(), one.outputs.as_slice()), (&["g0.1".into()][..], &["g1.0".into()][..]));
        for order in [[4, 3, 2, 1, 0], [2, 0, 4, 1, 3]] {
            assert_same(&reduced(order).slh, &one.slh);
        }
    }

    #[test]
    fn a_drive_passes_everything_before_the_cavity() {
        let alpha = Complex64::new(1.5, -0.5);
        let mut network = feedback(0.6, 0.3);
        network.drive("bs.0", alpha).expect("a free port");
        let driven = network.reduce().expect("an open loop").slh;
        let plain = feedback(0.6, 0.3).reduce().expect("an open loop").slh;
        assert_same(&driven, &plain.coherent_input(0, alpha));
        // The same as a displacement in front of the port.
        let mut network = feedback(0.6, 0.3);
        network.add("laser", Slh::displacement(4, alpha)).expect("a name");
        network.connect("laser.0", "bs.outside").expect("free ports");
        let reduced = network.reduce().expect("an open loop");
        assert_eq!(reduced.inputs, ["cavity.1", "laser.0"]);
        assert_same(&reduced.slh.with_ports(&[0, 1], &[1, 0]).expect("two orders"), &driven);
    }

    #[test]
    fn a_dark_port_is_dark() {
        // Three beamsplitters in a row that together turn by nothing; rounding alone would leave 1e-16.
        let mut network = Network::new();
        for (name, angle) in [("bs1", 1.2), ("bs2", 0.7), ("bs3", -1.9)] {
            network.add(name, Slh::beamsplitter(3, angle).expect("an angle")).expect("a name");
        }
        network.add("cavity", Slh::cavity(&Operator::destroy(3), 0.0, &[1.7]).expect("a cavity")).expect("a name");
        let wires = [("bs1.0", "bs2.0"), ("bs1.1", "bs2.1"), ("bs2.0", "bs3.0"), ("bs2.1", "bs3.1")];
        for (from, to) in [("cavity.0", "bs1.0")].into_iter().chain(wires) {
            network.connect(from, to).expect("free ports");
        }
        let reduced = network.reduce().expect("no loop");
        assert_eq!(reduced.outputs, ["bs3.0", "bs3.1"]);
        assert!(reduced.slh.l[1].is_zero(), "{:?}", reduced.slh.l[1]);
        assert!(apart(&reduced.slh.l[0], &Operator::destroy(3).scale(1.7f64.sqrt())) < 1e-15);
    }

    #[test]
    fn wrong_connections_are_explained_by_the_names_of_their_ports() {
        let mut network = feedback(0.6, 0.0);
        let mut refused = |from: &str, to: &str| network.connect(from, to).expect_err("refused").to_string();
        for (from, to, said) in [
            ("bs.inside", "cavity.1", "output bs.inside is used twice: it feeds phase.0, and it feeds cavity.1"),
            ("cavity.1", "bs.1", "input bs.inside is used twice: it is fed by cavity.0, and it is fed by cavity.1"),
            ("cavty.1", "bs.0", "unknown component 'cavty'; did you mean cavity? there are bs, phase, cavity"),
            ("cavity.2", "bs.0", "cavity has no output '2'; its outputs are 0, 1"),
            ("cavity.1", "bs.out", "bs has no input 'out'; its inputs are outside, inside"),
            ("phase.1", "bs.0", "phase has no output '1'; its only output is 0"),
            ("cavity", "bs.0", "'cavity' is not a port"),
        ] {
            let text = refused(from, to);
            assert!(text.contains(said), "{text}");
        }
        let mut drive = |port: &str, alpha: f64| network.drive(port, alpha.into()).expect_err("refused").to_string();
        assert!(drive("phase.0", 1.0).contains("it is fed by bs.inside, and a coherent amplitude is fed into it"));
        assert!(drive("bs.0", f64::NAN).contains("must be a finite number"));
        network.drive("bs.0", Complex64::ONE).expect("a free port");
        let again = network.drive("bs.outside", Complex64::ONE).expect_err("refused").to_string();
        assert!(again.contains("input bs.outside is used twice"), "{again}");
    }

    #[test]
    fn wrong_components_are_explained() {
        let mut network = Network::new();
        assert_eq!(network.reduce(), Err(SlhError::Empty));
        network.add("a", Slh::pass(2, 2)).expect("a name");
        let text = |added: Result<(), SlhError>| added.expect_err("refused").to_string();
        assert!(text(network.add("a", Slh::pass(2, 1))).contains("two components are named 'a'"));
        assert!(text(network.add("b.1", Slh::pass(2, 1))).contains("'b.1' cannot name"));
        assert!(text(network.add_named("b", Slh::pass(2, 1), &["1"], &[])).contains("'1' cannot name"));
        assert!(text(network.add("b", Slh::pass(3, 1))).contains("dimensions 2 and 3"));
        let few = network.add_named("b", Slh::pass(2, 2), &["left"], &[]);
        assert!(text(few).contains("b has 2 inputs but names for 1"));
        let same = network.add_named("b", Slh::pass(2, 2), &[], &["out", "out"]);
        assert!(text(same).contains("b has two outputs named 'out'"));
        assert!(text(network.connect("a.0", "b.0")).contains("there is only a"));
    }

    #[test]
    fn a_closed_loop_is_refused_by_the_names_of_its_ports() {
        let mut network = Network::new();
        network.add("delay", Slh::pass(2, 2)).expect("a name");
        network.add_named("mirror", Slh::pass(2, 1), &["in"], &["out"]).expect("a name");
        network.connect("delay.1", "mirror.in").expect("free ports");
        network.connect("mirror.out", "delay.1").expect("free ports");
        let refused = network.reduce().expect_err("singular").to_string();
        assert!(refused.contains("from mirror.out into delay.1 is singular"), "{refused}");
    }
}
