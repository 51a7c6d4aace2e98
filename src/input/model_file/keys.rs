//! Every key of a model file: the parser refuses all others, and `qsd explain` prints the same rows.

/// A key and what there is to know about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// Where it stands.
    pub place: Place,
    /// As typed.
    pub name: &'static str,
    /// What its value is.
    pub form: &'static str,
    /// Unit, `-` if it has none.
    pub unit: &'static str,
    /// What holds without it.
    pub default: &'static str,
    /// A line that works.
    pub example: &'static str,
    /// What it does.
    pub text: &'static str,
}

/// Parts of a model file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The file itself.
    File,
    /// A factor in `[space]`.
    Space,
    /// A term of `H` or an entry of `c_ops`, if it is a table.
    Term,
    /// Samples in the file.
    Samples,
    /// An entry of `[e_ops]`, if it is a table.
    Observable,
    /// `initial`, if it is a table without factors.
    Initial,
    /// `[[component]]`.
    Component,
    /// `[[connect]]`.
    Connect,
    /// `[[input]]`.
    Input,
    /// `[link]`.
    Link,
    /// `[run]`.
    Run,
    /// `[sweep]`, beside the names of parameters.
    Sweep,
}

impl Place {
    /// All of them, in the order of a file.
    pub const ALL: [Place; 12] = [
        Place::File,
        Place::Space,
        Place::Term,
        Place::Samples,
        Place::Observable,
        Place::Initial,
        Place::Component,
        Place::Connect,
        Place::Input,
        Place::Link,
        Place::Run,
        Place::Sweep,
    ];

    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Place::File => "the file",
            Place::Space => "a factor of [space]",
            Place::Term => "a term of H or c_ops",
            Place::Samples => "a table of samples",
            Place::Observable => "an entry of [e_ops]",
            Place::Initial => "initial",
            Place::Component => "[[component]]",
            Place::Connect => "[[connect]]",
            Place::Input => "[[input]]",
            Place::Link => "[link]",
            Place::Run => "[run]",
            Place::Sweep => "[sweep]",
        }
    }

    /// Names of its keys.
    pub fn keys(self) -> impl Iterator<Item = &'static str> {
        KEYS.iter().filter(move |key| key.place == self).map(|key| key.name)
    }
}

const fn row(place: Place, name: &'static str, words: [&'static str; 5]) -> Key {
    let [form, unit, default, example, text] = words;
    Key { place, name, form, unit, default, example, text }
}

use Place::{Component, Connect, File, Initial, Input, Link, Observable, Run, Samples, Space, Sweep, Term};

/// The table: form, unit, default, example, meaning.
#[rustfmt::skip]
pub const KEYS: &[Key] = &[
    row(File, "name", ["text", "-", "the name of the file", r#"name = "opo""#,
        "name of the model in results and in names of files"]),
    row(File, "description", ["text", "-", "none", r#"description = "a parametric oscillator below threshold""#,
        "one line about it"]),
    row(File, "source", ["text", "-", "none", r#"source = "Gisin and Percival, J. Phys. A 25, 5677 (1992)""#,
        "where it comes from"]),
    row(File, "time_unit", ["text", "-", "1/rate", r#"time_unit = "1/kappa""#,
        "unit of times in results; it converts nothing"]),
    row(File, "space", ["table of factors", "-", "required", "[space]\na = { fock = 50 }\nq = \"qubit\"",
        "factors of the Hilbert space by name; the first is the slowest index"]),
    row(File, "parameters", ["table of numbers", "yours", "none", "[parameters]\nkn = 0.12\nkappa = \"2*kn\"",
        "numbers, also complex (\"1+2i\"), and expressions of those above them; --set NAME=VALUE on the command line wins"]),
    row(File, "H", ["expression, term, or list", "rate", "required", r#"H = "Delta*a.dag*a + E*(a + a.dag)""#,
        "Hamiltonian, hbar = 1; a list is a sum; \"0\" for none"]),
    row(File, "c_ops", ["list or table", "sqrt(rate)", "required", r#"c_ops = ["sqrt(kappa)*a"]"#,
        "Lindblad operators with the rate inside; [] for a closed system; a table gives them names"]),
    row(File, "component", ["list of tables", "-", "none", "[[component]]\nname = \"cavity\"\nkind = \"cavity\"\nfactor = \"a\"\nkappa = 1",
        "components of a network; its Hamiltonian is added to H, the L of its free outputs to c_ops"]),
    row(File, "connect", ["list of tables", "-", "none", "[[connect]]\nfrom = \"cavity.0\"\nto = \"fibre.in\"",
        "light from an output to an input, loops too"]),
    row(File, "input", ["list of tables", "-", "vacuum", "[[input]]\nport = \"cavity.0\"\nalpha = 2", "coherent light into free inputs"]),
    row(File, "link", ["table", "-", "none", "[link]\nfrom = 1\nto = 2\nR = 0.3\neps = 0.5",
        "the partially coherent link between two c_ops"]),
    row(File, "e_ops", ["table", "-", "required", "[e_ops]\nn = \"a.dag*a\"",
        "what is measured, by name; the name is that of the dataset"]),
    row(File, "initial", ["state, table, or amplitudes", "-", "required", r#"initial = "a.coherent(2)*q.up""#,
        "initial state: products and sums of fock(n), coherent(z), vacuum, up, down, basis(n) of every factor; normalised"]),
    row(File, "run", ["table", "-", "none", "[run]\nduration = 10\nntraj = 1000",
        "flags of `qsd run`; the command line wins"]),
    row(File, "sweep", ["table", "yours", "none", "[sweep]\nkappa = \"linspace(0.5, 1.5, 11)\"\nE = [1, 2]",
        "values of parameters: a run for every combination, as with --sweep, which wins"]),
    row(Space, "fock", ["whole number", "1", "-", "a = { fock = 50 }", "Fock states kept of a mode"]),
    row(Space, "exact", ["true or false", "-", "false", "a = { fock = 10, exact = true }",
        "the truncation is part of the model: its top levels are not guarded"]),
    row(Space, "spin", ["half-integer", "1", "-", "j = { spin = 1.5 }",
        "spin of that size, states m = j, ..., -j; \"qubit\" is spin 0.5"]),
    row(Space, "levels", ["whole number", "1", "-", "s = { levels = 3 }", "states without structure, s.proj(n)"]),
    row(Term, "op", ["expression", "-", "required, or elements", r#"H = [{ op = "a + a.dag", coeff = "sin(t)" }]"#,
        "the operator"]),
    row(Term, "elements", ["list of [row, column, Re, Im]", "-", "-", "c_ops = [{ elements = [[0, 1, 1.0, 0.0]] }]",
        "the operator by its elements, instead of op; rows and columns count from 0"]),
    row(Term, "coeff", ["expression of t", "-", "1", r#"coeff = "A*cos(w*t)""#, "the term is multiplied by it"]),
    row(Term, "pulse", ["list of [start, end, value]", "time, time, -", "none", "pulse = [[0, 1.5, 2.0]]",
        "square pulses as the coefficient, 0 outside; edges fall on steps"]),
    row(Term, "table", ["file name or samples", "-", "none", r#"table = "drive.csv""#,
        "samples as the coefficient: a CSV file with the columns t, Re and perhaps Im, or { t = [...], value = [...] }"]),
    row(Term, "interpolation", ["linear or step", "-", "linear", r#"interpolation = "step""#,
        "what holds between two samples of a table"]),
    row(Samples, "t", ["list of numbers", "time", "required", "table = { t = [0, 1], value = [0, 2] }", "times of the samples, ascending"]),
    row(Samples, "value", ["list of numbers", "-", "required", "table = { t = [0, 1], value = [0, \"1+2i\"] }", "the samples"]),
    row(Observable, "op", ["expression", "-", "required, or elements", r#"n = { op = "a.dag*a", label = "photons" }"#,
        "the operator, or a function of the ket: var(n), abs2(a) of an entry or an operator, entropy(q) of a factor"]),
    row(Observable, "elements", ["list of [row, column, Re, Im]", "-", "-", "n = { elements = [[1, 1, 1.0, 0.0]] }",
        "the operator by its elements, instead of op"]),
    row(Observable, "label", ["text", "-", "the expression in brackets", r#"n = { op = "a.n", label = "photons" }"#, "label in plots, Unicode"]),
    row(Observable, "latex", ["text", "-", "the name", r#"n = { op = "a.n", latex = 'a^\dagger a' }"#, "label in plots, LaTeX"]),
    row(Observable, "unit", ["text", "-", "1", r#"x = { op = "a.x", unit = "sqrt(hbar/m w)" }"#, "its unit"]),
    row(Observable, "description", ["text", "-", "the expression", r#"n = { op = "a.n", description = "photon number" }"#, "what it is"]),
    row(Initial, "amplitudes", ["list of numbers", "1", "-", "initial = { amplitudes = [1, \"1i\"] }",
        "all amplitudes, the first factor the slowest index; normalised"]),
    row(Component, "name", ["name", "-", "required", r#"name = "cavity""#, "what ports are called by: cavity.0"]),
    row(Component, "kind", ["name of a kind", "-", "none: S, L and H", r#"kind = "beamsplitter""#,
        "beamsplitter, phase_shifter, loss, cavity, two_level_atom or displacement; ports are counted from 0"]),
    row(Component, "theta", ["number", "rad", "-", r#"theta = "pi/4""#, "beamsplitter: t = cos(theta), r = sin(theta)"]),
    row(Component, "t", ["number", "1", "-", "t = 0.6", "beamsplitter: input 0 to output 0; input 1 to output 1 has conj(t)"]),
    row(Component, "r", ["number", "1", "-", r#"r = "0.8i""#, "beamsplitter: input 0 to output 1; input 1 to output 0 has -conj(r)"]),
    row(Component, "phi", ["number", "rad", "-", r#"phi = "pi/2""#, "phase shifter: S = exp(i phi)"]),
    row(Component, "eta", ["number from 0 to 1", "1", "-", "eta = 0.9",
        "loss: the part of the power that passes from in to out; the rest leaves at lost, and vacuum enters at vacuum"]),
    row(Component, "factor", ["factor of the space", "-", "-", r#"factor = "a""#, "mode of a cavity, qubit of a two-level atom"]),
    row(Component, "kappa", ["number or list", "rate", "-", r#"kappa = ["k1", 0.5]"#,
        "cavity: decay rate of every port, L = sqrt(kappa)*a"]),
    row(Component, "gamma", ["number or list", "rate", "-", "gamma = 1",
        "two-level atom: decay rate of every port, L = sqrt(gamma)*q.minus"]),
    row(Component, "Delta", ["number", "rate", "0", "Delta = -0.5",
        "cavity and atom: detuning, H = Delta*a'*a or Delta*q.plus*q.minus"]),
    row(Component, "alpha", ["number", "sqrt(rate)", "-", r#"alpha = "2+1i""#, "displacement: the amplitude added to the light that passes"]),
    row(Component, "S", ["list of rows", "1", "every port into itself", "S = [[0, 1], [1, 0]]",
        "scattering matrix of a component without a kind, outputs x inputs, unitary"]),
    row(Component, "L", ["list of expressions", "sqrt(rate)", "0", r#"L = ["sqrt(k)*a", "0"]"#,
        "coupling operators of a component without a kind, one an output"]),
    row(Component, "H", ["expression", "rate", "0", r#"H = "chi/2*a'^2*a^2""#,
        "Hamiltonian of a component without a kind; of a cavity or an atom what it has beside Delta"]),
    row(Component, "inputs", ["list of names", "-", "numbers from 0", r#"inputs = ["left", "right"]"#, "names of the inputs"]),
    row(Component, "outputs", ["list of names", "-", "numbers from 0", r#"outputs = ["left", "right"]"#, "names of the outputs"]),
    row(Connect, "from", ["component.output", "-", "required", r#"from = "cavity.0""#, "the output whose light is sent on"]),
    row(Connect, "to", ["component.input", "-", "required", r#"to = "fibre.in""#, "the input it enters; delays are neglected"]),
    row(Input, "port", ["component.input", "-", "required", r#"port = "cavity.0""#, "a free input"]),
    row(Input, "alpha", ["number", "sqrt(rate)", "required", r#"alpha = "2+1i""#,
        "coherent amplitude into it, |alpha|^2 photons per time: L -> L + S alpha, H -> H + Im(L^dag S alpha)"]),
    row(Link, "from", ["c_op", "-", "required", "from = 1", "the port whose light is sent on: its number in c_ops, from 1, or its name"]),
    row(Link, "to", ["c_op", "-", "required", "to = 2", "the port it reaches"]),
    row(Link, "R", ["number from 0 to 1", "1", "0", "R = 0.3", "amplitude reflectivity of the beam splitter between them; what it reflects is measured"]),
    row(Link, "eps", ["number", "1", "0", "eps = 0.5", "amplification of the measured signal"]),
    row(Link, "noise_amp", ["number", "1", "1", "noise_amp = 0", "scale of its noise; 1 for a real detector"]),
    row(Link, "filter_time", ["number", "time", "0", "filter_time = 0.1", "time constant of its low-pass filter, 0 for none"]),
    row(Link, "trans_phase", ["number", "1", "1", r#"trans_phase = "0.6+0.8i""#, "phase factor on the way, of modulus 1"]),
    row(Link, "equation", ["physical or seed", "-", "physical", r#"equation = "seed""#,
        "seed leaves the Ito correction out, as the original programs did; for comparison, with method em"]),
    row(Run, "duration", ["number", "time", "required, here or as --duration", "duration = 10",
        "length of every trajectory; a whole number of save intervals"]),
    row(Run, "dt", ["number or auto", "time", "auto", "dt = 1e-3", "largest step; made smaller until it divides the save interval; auto: by stability, rates and a pilot"]),
    row(Run, "save_dt", ["number", "time", "duration/200", "save_dt = 0.1", "time between saved values"]),
    row(Run, "downsample", ["whole number", "steps", "-", "downsample = 10", "save every N-th step of dt, instead of save_dt"]),
    row(Run, "save_from", ["number", "time", "0", "save_from = 5", "nothing is saved before"]),
    row(Run, "method", ["saba, heun, rk4p1 or em", "-", "saba, or heun if something depends on time or is linked", r#"method = "em""#,
        "how a step is taken"]),
    row(Run, "gauge", ["removed or slh", "-", "removed", r#"gauge = "slh""#, "where the constants of the Lindblad operators go"]),
    row(Run, "ntraj", ["whole number", "1", "64", "ntraj = 1000", "number of trajectories"]),
    row(Run, "seed", ["whole number", "1", "1", "seed = 7", "seed of the noise"]),
    row(Run, "target_tol", ["atol or atol,rtol", "that of the means", "none", r#"target_tol = "0.01,0.02""#,
        "stop before ntraj when all means are known to this half-width"]),
    row(Run, "check_dt", ["multiple of 8", "trajectories", "none", "check_dt = 32",
        "measure what the step does to the means, with so many trajectories at the step and at half of it"]),
    row(Run, "first_trajectory", ["whole number", "1", "0", "first_trajectory = 1000", "number of the first trajectory"]),
    row(Run, "threads", ["whole number or auto", "1", "auto", "threads = 4", "threads of each rank"]),
    row(Run, "store_states", ["final, all or average", "-", "none", r#"store_states = "final""#, "keep kets as well, or the density matrix"]),
    row(Run, "store_record", ["true or false", "-", "false", "store_record = true", "keep the heterodyne record of every c_op as well"]),
    row(Run, "output", ["file name", "-", "none", r#"output = "run.h5""#, "results file"]),
    row(Run, "output_dir", ["directory", "-", "none", r#"output_dir = "results""#, "directory for a results file named after the run"]),
    row(Run, "checkpoint_every", ["wall time", "s, min, h", "10min", r#"checkpoint_every = "30min""#, "time between checkpoints"]),
    row(Run, "max_wall", ["wall time, none or auto", "s, min, h", "auto", r#"max_wall = "2h""#, "stop after this wall time, so that the same command goes on later"]),
    row(Run, "stop_file", ["file name", "-", "beside the results", r#"stop_file = "stop""#, "stop when this file exists"]),
    row(Run, "io", ["parallel or gather", "-", "parallel", r#"io = "gather""#, "how ranks write the results file"]),
    row(Run, "allow_unsafe", ["true or false", "-", "false", "allow_unsafe = true", "failed guards are warnings"]),
    row(Sweep, "zip", ["true or false", "-", "false", "zip = true", "sweep the parameters together, point by point"]),
    row(Sweep, "streams", ["common or independent", "-", "common", r#"streams = "independent""#,
        "the same noise at all points, or another seed for each"]),
];

/// Flags of `qsd run` that a file cannot have, and why.
pub const NOT_IN_A_FILE: &[(&str, &str)] = &[
    ("regime", "the file is the model"),
    ("Nfock_a", "it belongs in [space]"),
    ("Nfock_j", "it belongs in [space]"),
    ("fock", "it belongs in [space]"),
    ("initial", "it stands outside [run]"),
    ("no_drive", "leave the drive out of H and c_ops"),
    ("set", "it belongs in [parameters]"),
    ("sweep", "it is a table of its own, [sweep]"),
    ("sweep_zip", "it is zip in [sweep]"),
    ("sweep_streams", "it is streams in [sweep]"),
    ("observe", "it belongs in [e_ops], as in vn = \"var(n)\""),
    ("force", "replacing a file is decided where the run is started"),
    ("no_resume", "it is decided where the run is started"),
    ("watchdog", "it is decided where the run is started"),
    ("ntasks", "it is decided where the run is started"),
    ("dry_run", "it is decided where the run is started"),
    ("json", "it is decided where the run is started"),
    ("log_file", "messages begin before the file is read"),
    ("verbose", "messages begin before the file is read"),
    ("quiet", "messages begin before the file is read"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli;

    #[test]
    fn every_key_of_run_is_a_flag_and_every_other_flag_has_a_reason() {
        let command = cli::command();
        let run = command.find_subcommand("run").expect("qsd run");
        let flags: Vec<String> =
            run.get_arguments().filter_map(|arg| arg.get_long()).map(|long| long.replace('-', "_")).collect();
        for key in Run.keys() {
            assert!(flags.iter().any(|flag| flag == key), "[run] {key} is no flag");
        }
        let of_two_systems = "Two systems";
        for arg in run.get_arguments().filter(|arg| arg.get_long().is_some()) {
            let long = arg.get_long().unwrap_or_default().replace('-', "_");
            let linked = arg.get_help_heading().is_some_and(|heading| heading.starts_with(of_two_systems));
            let known = Run.keys().any(|key| key == long) || NOT_IN_A_FILE.iter().any(|(flag, _)| *flag == long);
            assert!(known || linked || long.starts_with("save2") || long == "help", "--{long}: in [run], or why not?");
        }
    }

    #[test]
    fn no_key_stands_twice_in_a_place() {
        for (i, key) in KEYS.iter().enumerate() {
            assert!(KEYS[..i].iter().all(|other| (other.place, other.name) != (key.place, key.name)), "{}", key.name);
        }
    }
}
