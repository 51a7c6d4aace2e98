//! Where the physics of a run comes from: a regime of the library, a model file, or a program.

use super::link::check_method;
use super::model_file::{Described, Overrides, Source, read};
use super::spec::no_more;
use super::{InputError, LinkSpec, Method, initial, within};
use crate::error::Error;
use crate::model::library::{self, Choices, Family, Initial};
use crate::model::{Link, Model, Operator, Quantity, Reduced};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::Path;

/// Basis states of the whole space; far beyond what an ensemble of kets can use.
const MAX_DIMENSION: u64 = 1 << 20;

/// Where the physics of a run comes from. Its keys stand beside the others of the resolved input.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Origin {
    /// A regime of the library.
    BuiltIn(BuiltIn),
    /// A model file.
    File(FileModel),
    /// A program that made the model itself, through `Ensemble::of_model`.
    Program(ProgramModel),
}

/// A regime and what the user may choose about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BuiltIn {
    /// Built-in model, by name.
    pub regime: String,
    /// Fock states kept of the cavity.
    #[serde(rename = "Nfock_a")]
    pub nfock_a: usize,
    /// Levels of the spin; absent in a model without one.
    #[serde(rename = "Nfock_j", default, skip_serializing_if = "Option::is_none")]
    pub nfock_j: Option<usize>,
    /// Fock factors whose truncation is part of the model and is not guarded.
    #[serde(default)]
    pub exact: Vec<String>,
    /// Whether the coherent drive is on.
    pub drive: bool,
    /// Where a trajectory starts.
    #[serde(with = "initial::as_text")]
    pub initial: Initial,
    /// Two linked systems, if they are two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<LinkSpec>,
    /// Parameters of the model that differ from the library's, in their own units.
    #[serde(default)]
    pub set: BTreeMap<String, f64>,
}

/// A model file in its normal form.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FileModel {
    /// The file: parameters and `--set` put in, samples inlined.
    #[serde(rename = "model")]
    text: String,
    #[serde(skip)]
    name: String,
    #[serde(skip)]
    meaning: String,
    #[serde(skip)]
    dim: usize,
    #[serde(skip)]
    link: Option<Link>,
}

/// A model that only the program can make that made it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ProgramModel {
    /// Its name.
    pub program_model: String,
    /// SHA-256 of space, operators and initial ket, in hexadecimal.
    pub sha256: String,
}

impl BuiltIn {
    const KEYS: &[&str] = &["regime", "Nfock_a", "Nfock_j", "exact", "drive", "initial", "link", "set"];

    /// Whether the space is that of two systems; an empty component has none.
    fn is_two_systems(&self) -> bool {
        let empty = library::parse(&self.regime).is_ok_and(|regime| regime.entry.family == Family::EmptyThenKerr);
        self.link.is_some() && !empty
    }

    fn check(&self, method: Method) -> Result<u64, InputError> {
        let nfock_a = within("--Nfock_a", self.nfock_a as u64, 2, MAX_DIMENSION)?;
        let nfock_j = self.nfock_j.map_or(Ok(1), |n| within("--Nfock_j", n as u64, 2, MAX_DIMENSION))?;
        let fewer = "a smaller --Nfock_a or --Nfock_j";
        no_more("basis states", nfock_a, nfock_j, MAX_DIMENSION, fewer)?;
        let one = nfock_a * nfock_j;
        let others = if self.is_two_systems() { one } else { 1 };
        no_more("basis states of two systems", one, others, MAX_DIMENSION, fewer)?;
        self.link.as_ref().map_or(Ok(()), |link| link.check(method))?;
        match self.set.iter().find(|(_, value)| !value.is_finite()) {
            None => Ok(one * others),
            Some((name, value)) => Err(InputError::Malformed {
                flag: "--set",
                text: format!("{name}={value}"),
                form: "a finite number",
                example: "chi=-10",
            }),
        }
    }
}

impl FileModel {
    const KEYS: &[&str] = &["model"];

    /// From a text in its normal form, which needs no files beside it.
    ///
    /// # Errors
    /// Those of a model file.
    pub fn new(text: String) -> Result<FileModel, InputError> {
        let found = read(Source { name: "model", text: &text }, "model", Path::new(""), &Overrides::default())?;
        Ok(FileModel { text, ..FileModel::of(found) })
    }

    /// From a file that was read.
    pub(super) fn of(found: Described) -> FileModel {
        let (dim, link) = (found.model.space.dim(), found.model.dynamics.link);
        FileModel { text: found.text, name: found.model.name, meaning: found.meaning, dim, link }
    }

    /// The file in its normal form.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl ProgramModel {
    const KEYS: &[&str] = &["program_model", "sha256"];

    /// What identifies a model: everything in it that a number depends on.
    pub fn of(model: &Model) -> ProgramModel {
        let mut digest = Sha256::new();
        for factor in &model.space.factors {
            digest.update(format!("{factor:?}"));
        }
        let mut operator = |op: &Operator| {
            digest.update([0]);
            for ((row, column), z) in op.elements() {
                digest.update((row as u64).to_le_bytes());
                digest.update((column as u64).to_le_bytes());
                digest.update(z.re.to_bits().to_le_bytes());
                digest.update(z.im.to_bits().to_le_bytes());
            }
        };
        operator(&model.hamiltonian);
        model.lindblads.iter().for_each(&mut operator);
        model.observables.iter().filter_map(|o| o.quantity.operator()).for_each(&mut operator);
        for observable in model.observables.iter().filter(|o| !matches!(o.quantity, Quantity::Mean(_))) {
            digest.update(&observable.expression);
        }
        // {:?} shows every bit of a number but the sign of a NaN.
        digest.update(format!("{:?} {:?}", model.dynamics, model.initial));
        let sha256 = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        ProgramModel { program_model: model.name.clone(), sha256 }
    }
}

impl Origin {
    /// Name of the model.
    pub fn name(&self) -> &str {
        match self {
            Origin::BuiltIn(built_in) => &built_in.regime,
            Origin::File(file) => &file.name,
            Origin::Program(program) => &program.program_model,
        }
    }

    /// The keys it has in the resolved input.
    pub(super) fn keys(&self) -> &'static [&'static str] {
        match self {
            Origin::BuiltIn(_) => BuiltIn::KEYS,
            Origin::File(_) => FileModel::KEYS,
            Origin::Program(_) => ProgramModel::KEYS,
        }
    }

    /// The keys of the kind of origin that a resolved input has.
    pub(super) fn keys_in(table: &toml::Table) -> &'static [&'static str] {
        let is = |key| table.contains_key(key);
        match (is("model"), is("program_model")) {
            (true, _) => FileModel::KEYS,
            (_, true) => ProgramModel::KEYS,
            _ => BuiltIn::KEYS,
        }
    }

    /// From the keys of a resolved input.
    pub(super) fn from_table(mut table: toml::Table) -> Result<Origin, InputError> {
        let unreadable = |error: toml::de::Error| InputError::Toml(error.to_string().trim_end().to_owned());
        match table.remove("model") {
            Some(toml::Value::String(text)) => return FileModel::new(text).map(Origin::File),
            Some(_) => return Err(InputError::Toml("model is not a text".into())),
            None => {}
        }
        Ok(if table.contains_key("program_model") {
            Origin::Program(table.try_into().map_err(unreadable)?)
        } else {
            Origin::BuiltIn(table.try_into().map_err(unreadable)?)
        })
    }

    /// What counts for the parameter hash: numbers and not names.
    pub(super) fn meaning(&self) -> toml::Table {
        let mut table = toml::Table::try_from(self).expect("words and finite numbers are always TOML");
        match self {
            Origin::BuiltIn(built_in) => {
                let set: Vec<_> = built_in.set.iter().map(|(name, value)| (name.clone(), *value)).collect();
                let resolved = library::parse(&built_in.regime)
                    .and_then(|regime| Ok((regime.entry.family, library::numbers(&regime, &set)?)));
                if let Ok((family, numbers)) = resolved {
                    table.insert("regime".into(), family.name().into());
                    let numbers: toml::Table = numbers.into_iter().map(|n| (n.name, n.value.into())).collect();
                    table.insert("set".into(), numbers.into());
                }
            }
            Origin::File(file) => drop(table.insert("model".into(), file.meaning.clone().into())),
            Origin::Program(_) => drop(table.remove("program_model")),
        }
        table
    }

    /// Refuses sizes and numbers that no run can have, and a link that the method cannot run; gives the basis
    /// states of the space. Those of a program's model are its own affair.
    pub(super) fn check(&self, method: Method) -> Result<u64, InputError> {
        match self {
            Origin::BuiltIn(built_in) => built_in.check(method),
            Origin::File(file) => {
                let asked = "equation = \"seed\" in [link]";
                file.link.as_ref().map_or(Ok(()), |link| check_method(link, asked, method))?;
                Ok(file.dim as u64)
            }
            Origin::Program(_) => Ok(1),
        }
    }

    /// The network of a model file as one component, if it has one.
    ///
    /// # Errors
    /// What there is against the file.
    pub fn network(&self) -> Result<Option<Reduced>, InputError> {
        match self {
            Origin::File(file) => {
                let source = Source { name: "model", text: &file.text };
                Ok(read(source, "model", Path::new(""), &Overrides::default())?.network)
            }
            Origin::BuiltIn(_) | Origin::Program(_) => Ok(None),
        }
    }

    /// The physics.
    ///
    /// # Errors
    /// What the library or the file has against it; a program's model is not here.
    pub fn model(&self) -> Result<Model, Error> {
        match self {
            Origin::BuiltIn(built_in) => {
                let choices = Choices {
                    nfock_a: Some(built_in.nfock_a),
                    nfock_j: built_in.nfock_j,
                    exact: built_in.exact.clone(),
                    drive: built_in.drive,
                    initial: built_in.initial,
                    set: built_in.set.iter().map(|(name, value)| (name.clone(), *value)).collect(),
                    pair: built_in.link.as_ref().map(LinkSpec::pair),
                };
                Ok(library::build(&library::parse(&built_in.regime)?, &choices)?)
            }
            Origin::File(file) => {
                let source = Source { name: "model", text: &file.text };
                Ok(read(source, "model", Path::new(""), &Overrides::default())?.model)
            }
            Origin::Program(program) => Err(InputError::OfProgram(program.program_model.clone()).into()),
        }
    }
}
