//! Flags that a model file brings along: they stand in front of what was typed, which wins.

use super::{Cli, RunArgs, Task, command};
use clap::ArgMatches;
use clap::parser::ValueSource;
use std::ffi::OsString;

/// The same run with the flags of a file, each a name and a value (empty for a flag that has none).
///
/// # Errors
/// What the parser of the command line has against the two together.
pub fn with_flags_of_file(typed: &RunArgs, flags: &[(String, String)]) -> Result<RunArgs, String> {
    let mut command = command();
    let matches = command.try_get_matches_from_mut(&typed.words).map_err(first_line)?;
    let (task, matches) = matches.subcommand().expect("`qsd` alone is not parsed");
    let run = command.find_subcommand(task).expect("it was just parsed");
    let wanted = flags.iter().filter(|(name, _)| {
        let Some(arg) = run.get_arguments().find(|arg| arg.get_long() == Some(name)) else { return true };
        let rivals = run.get_arguments().filter(|other| {
            let against =
                |a, b: &clap::Arg| run.get_arg_conflicts_with(a).iter().any(|rival| rival.get_id() == b.get_id());
            against(arg, other) || against(other, arg)
        });
        !is_typed(matches, arg) && !rivals.into_iter().any(|rival| is_typed(matches, rival))
    });
    let (program, typed_words) = typed.words.split_at(2);
    let of_file = wanted.map(|(name, value)| word(name, value));
    let words = program.iter().cloned().chain(of_file).chain(typed_words.iter().cloned());
    match Cli::from_words(words).map_err(first_line)?.task {
        // Typed is what was typed.
        Task::Run(args) | Task::Verify(args) => Ok(RunArgs { words: typed.words.clone(), ..*args }),
        _ => Err("this is not a run".into()),
    }
}

/// Whether the value of a flag in a file is one.
///
/// # Errors
/// What the parser of the command line would say.
pub fn check_flag(name: &str, value: &str) -> Result<(), String> {
    let words = ["qsd".into(), "run".into(), word(name, value)];
    Cli::from_words(words).map(|_| ()).map_err(first_line)
}

fn is_typed(matches: &ArgMatches, arg: &clap::Arg) -> bool {
    matches.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine)
}

fn word(name: &str, value: &str) -> OsString {
    if value.is_empty() { format!("--{name}") } else { format!("--{name}={value}") }.into()
}

fn first_line(error: clap::Error) -> String {
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default();
    first.strip_prefix("error: ").unwrap_or(first).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(typed: &str, flags: &[(&str, &str)]) -> RunArgs {
        let Task::Run(args) = Cli::from_words(typed.split_whitespace().map(Into::into)).expect(typed).task else {
            panic!("{typed} is no run")
        };
        let flags: Vec<_> = flags.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        with_flags_of_file(&args, &flags).unwrap_or_else(|error| panic!("{typed}: {error}"))
    }

    #[test]
    fn what_is_typed_wins_and_the_rest_comes_from_the_file() {
        let file = [("ntraj", "8"), ("seed", "3"), ("save-dt", "0.1"), ("allow-unsafe", ""), ("output", "a.h5")];
        let args = merged("qsd run m.toml --ntraj 5", &file);
        assert_eq!((args.ntraj, args.seed, args.time.save_dt), (5, 3, Some(0.1)));
        assert!(args.conduct.allow_unsafe);
        assert_eq!(args.output.output, Some("a.h5".into()));
        assert_eq!(args.model.model.as_deref(), Some("m.toml"));
        let args = merged("qsd --regime m.toml --downsample 3 --output_dir d", &file);
        assert_eq!(
            (args.time.save_dt, args.time.downsample, args.output.output),
            (None, Some(3), None),
            "rivals yield"
        );
        assert_eq!(args.output.output_dir, Some("d".into()));
        let Task::Verify(args) = Cli::from_words(["qsd", "verify", "m.toml"].map(Into::into)).expect("a file").task
        else {
            panic!("something else than verify")
        };
        let ntraj = |flags: &[(String, String)]| with_flags_of_file(&args, flags).expect("flags").ntraj;
        assert_eq!((ntraj(&[]), ntraj(&[("ntraj".into(), "8".into())])), (1024, 8));
    }

    #[test]
    fn a_value_that_is_none_is_refused_in_one_line() {
        assert_eq!(check_flag("ntraj", "8"), Ok(()));
        let error = check_flag("ntraj", "many").expect_err("a word");
        assert!(error.contains("'many'") && !error.contains('\n'), "{error}");
        assert!(check_flag("gauge", "slhh").is_err());
    }
}
