//! `--observe`: functions of the ket of one trajectory, by the names of the model's observables and factors.

use super::{InputError, unknown};
use crate::model::{Conditional, Model, Observable, Quantity, check_observable_name};

/// Flag that names them.
const FLAG: &str = "--observe";

/// The texts in their normal form, `var(n)`.
///
/// # Errors
/// `Malformed`, `Unknown`, `Repeated`.
pub(super) fn parse(texts: &[String]) -> Result<Vec<String>, InputError> {
    let mut found: Vec<String> = vec![];
    for text in texts {
        let (_, function, argument) = parts(text)?;
        let text = format!("{function}({argument})");
        if found.contains(&text) {
            return Err(InputError::Repeated { what: format!("{FLAG} {text}") });
        }
        found.push(text);
    }
    Ok(found)
}

/// The observable that a text asks for.
///
/// # Errors
/// Names that the model does not have, with the nearest; quantities that do not exist.
pub fn observe(text: &str, model: &Model) -> Result<Observable, InputError> {
    let refused = |why: String| InputError::Observe { text: text.into(), why };
    let (function, _, argument) = parts(text)?;
    let found = match function {
        Conditional::Entropy => {
            let factors: Vec<&str> = model.space.factors.iter().map(|factor| factor.name.as_str()).collect();
            let m = factors.iter().position(|name| *name == argument);
            let m = m.ok_or_else(|| unknown("factor in --observe", argument, &factors))?;
            Conditional::entropy_of(&model.space, m)
        }
        _ => {
            let means: Vec<&str> = (model.observables.iter())
                .filter(|o| matches!(o.quantity, Quantity::Mean(_)))
                .map(|o| o.name.as_str())
                .collect();
            let of = model.observables.iter().find(|o| o.name == argument && means.contains(&argument));
            function.of_operator(of.ok_or_else(|| unknown("observable in --observe", argument, &means))?)
        }
    };
    let found = found.map_err(refused)?;
    check_observable_name(&found.name).map_err(|why| refused(format!("{} is no name for it: {why}", found.name)))?;
    if model.observables.iter().any(|o| o.name == found.name) {
        return Err(refused(format!("the model already has an observable {}", found.name)));
    }
    Ok(found)
}

/// The function, its name and its argument.
fn parts(text: &str) -> Result<(Conditional, &str, &str), InputError> {
    let inside = text.trim().strip_suffix(')').and_then(|text| text.split_once('('));
    let (function, argument) = inside.ok_or_else(|| InputError::Malformed {
        flag: FLAG,
        text: text.into(),
        form: "var(OBSERVABLE), abs2(OBSERVABLE) or entropy(FACTOR)",
        example: "'var(n)'",
    })?;
    let (name, argument) = (function.trim(), argument.trim());
    let known = Conditional::ALL.map(|(name, _)| name);
    let function = Conditional::named(name).ok_or_else(|| unknown("function in --observe", name, &known))?;
    Ok((function, name, argument))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::library::{self, Choices};

    fn model(name: &str) -> Model {
        library::build(&library::parse(name).expect("known"), &Choices::default()).expect("valid")
    }

    #[test]
    fn texts_have_one_normal_form() {
        let texts = |texts: &[&str]| parse(&texts.iter().map(|t| t.to_string()).collect::<Vec<_>>());
        assert_eq!(texts(&[" var( n )", "entropy(j)"]).expect("fine"), ["var(n)", "entropy(j)"]);
        let said = |text: &str| texts(&[text]).expect_err(text).to_string();
        assert!(said("var n").ends_with("as in --observe 'var(n)'"), "{}", said("var n"));
        assert!(said("vra(n)").contains("unknown function in --observe 'vra'; did you mean var?"));
        assert!(texts(&["var(n)", "var(n )"]).expect_err("twice").to_string().contains("given twice"));
    }

    #[test]
    fn names_are_those_of_the_model_and_nonsense_is_refused() {
        let jaynes_cummings = model("absorptive_bistable");
        let found = observe("var(n)", &jaynes_cummings).expect("a number");
        assert_eq!((found.name.as_str(), found.label.as_str()), ("var_n", "Var(a†a)"));
        assert_eq!(observe("entropy(j)", &jaynes_cummings).expect("two factors").quantity, Quantity::Entropy(1));
        let said = |text: &str, model: &Model| observe(text, model).expect_err(text).to_string();
        assert!(said("var(jzz)", &jaynes_cummings).contains("did you mean jz?"));
        assert!(said("entropy(n)", &jaynes_cummings).contains("unknown factor in --observe 'n'; one of a, j"));
        assert!(said("var(a)", &jaynes_cummings).contains("a is not Hermitian"));
        assert!(said("entropy(a)", &model("kerr_bistable")).contains("a is all of it"));
        let mut taken = jaynes_cummings.clone();
        taken.observables.push(found);
        assert!(said("var(n)", &taken).contains("already has an observable var_n"));
        assert!(said("abs2(var_n)", &taken).contains("unknown observable"));
    }
}
