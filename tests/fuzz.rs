//! A hundred thousand model files that people did not mean: none of them makes the reader panic.
//!
//! Each is one of the examples with a few mutations; what comes out may be a model or a mistake. The
//! number of a case is its seed, so a failure names what to repeat.

use qsd::input::json::as_model_file;
use qsd::input::model_file::{Overrides, Source, read};
use std::path::Path;

const CASES: u64 = 100_000;

/// Pieces that the grammar knows and people slip in.
const PIECES: &[&str] = &[
    "a",
    "a.dag",
    "q.up",
    "t",
    "1i",
    "j",
    "(",
    ")",
    "^",
    "'",
    "*",
    "/",
    "-",
    "+",
    "\"",
    "'''",
    "=",
    "{",
    "}",
    "[",
    "]",
    ",",
    ".",
    "\n",
    "#",
    "sqrt",
    "Im(",
    "0",
    "1e308",
    "-1",
    "inf",
    "nan",
    "fock",
    "spin",
    "op",
    "coeff",
    "pulse",
    "table",
    "initial",
    "H",
    "[space]",
    "[run]",
    "true",
    "ψ",
    "\\",
    "\u{0}",
    "1979-05-27",
    "0x1F",
    "_",
    " ",
    "exact = true",
    "^100",
    "coherent(",
    "amplitudes",
];

/// A small generator (splitmix64): the same on every machine.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n.max(1) as u64) as usize
    }
}

/// The examples with small spaces, so that a case costs microseconds, and a system in JSON.
fn originals() -> Vec<String> {
    let files = std::fs::read_dir("examples").expect("the examples").map(|entry| entry.expect("a file").path());
    let mut texts: Vec<String> = files
        .filter(|path| path.extension().is_some_and(|ending| ending == "toml"))
        .map(|path| std::fs::read_to_string(path).expect("readable"))
        .map(|text| {
            let small = |line: &str| match line.split_once("fock = ") {
                Some((before, size)) => {
                    format!("{before}fock = 3{}\n", size.trim_start_matches(|c: char| c.is_ascii_digit()))
                }
                None => format!("{line}\n"),
            };
            text.lines().filter(|line| !line.starts_with('#')).map(small).collect()
        })
        .collect();
    texts.sort();
    texts.push(
        r#"{"H_eff": {"offsets": [1, -1, 0], "data": [{"real": [9.0, 0.0], "imag": [9.0, -2.0]},
        {"real": [0.0, 9.0], "imag": [-2.0, 9.0]}, {"real": [0.0, -0.5], "imag": [0.0, 0.0]}]},
        "Ls": [{"offsets": [1], "data": [{"real": [0.0, 1.0], "imag": [0.0, 0.0]}]}],
        "psi0": {"real": [0.0, 1.0], "imag": [0.0, 0.0]}, "obsq": [], "duration": 1.0, "delta_t": 0.01,
        "downsample": 10, "ntraj": 3, "seeds": [5, 6], "sdeint_method": "itoEuler", "num_systems": 1}"#
            .into(),
    );
    texts
}

fn mutated(originals: &[String], case: u64) -> String {
    let mut dice = Dice(case);
    let pick = |dice: &mut Dice| originals[dice.below(originals.len())].clone();
    let mut text: Vec<char> = pick(&mut dice).chars().collect();
    for _ in 0..=dice.below(3) {
        let at = dice.below(text.len());
        let end = (at + dice.below(12)).min(text.len());
        match dice.below(6) {
            0 => drop(text.drain(at..end)),
            1 => drop(text.splice(at..at, PIECES[dice.below(PIECES.len())].chars())),
            2 => drop(text.splice(at..end, PIECES[dice.below(PIECES.len())].chars())),
            3 => {
                let copy: Vec<char> = text[at..end].to_vec();
                let to = dice.below(text.len());
                drop(text.splice(to..to, copy));
            }
            4 => {
                let other: Vec<char> = pick(&mut dice).chars().collect();
                let from = dice.below(other.len());
                let length = dice.below(40);
                drop(text.splice(at..end, other[from..].iter().take(length).copied()));
            }
            _ => {
                if let Some(c) = text.get_mut(at) {
                    *c = char::from(32 + dice.below(95) as u8);
                }
            }
        }
    }
    text.into_iter().collect()
}

/// Large spaces are legal and only slow: a case with a number of three digits beside a size is left out.
fn is_quick(text: &str) -> bool {
    let sizes = text.lines().filter(|line| ["fock", "spin", "levels"].iter().any(|word| line.contains(word)));
    let digits = |line: &str| line.chars().filter(char::is_ascii_digit).count();
    sizes.map(digits).all(|count| count < 3) && !text.contains("0x")
}

#[test]
fn no_text_makes_the_reader_panic() {
    let originals = originals();
    for text in &originals {
        assert!(is_quick(text) || text.starts_with('{'), "{text}");
    }
    let threads = 2;
    let counts: Vec<(u64, u64)> = std::thread::scope(|scope| {
        let work = |thread: u64| {
            let originals = &originals;
            move || {
                let (mut read_well, mut tried) = (0, 0);
                for case in (thread..CASES).step_by(threads) {
                    let text = mutated(originals, case);
                    if !is_quick(&text) {
                        continue;
                    }
                    tried += 1;
                    let one = || match text.starts_with('{') {
                        true => as_model_file("m.json", &text).is_ok(),
                        false => {
                            let source = Source { name: "m.toml", text: &text };
                            read(source, "m", Path::new("examples"), &Overrides::default()).is_ok()
                        }
                    };
                    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(one)) {
                        Ok(well) => read_well += u64::from(well),
                        Err(_) => panic!("case {case} makes the reader panic:\n{text}"),
                    }
                }
                (read_well, tried)
            }
        };
        let running: Vec<_> = (0..threads as u64).map(|thread| scope.spawn(work(thread))).collect();
        running.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    let (read_well, tried) = counts.iter().fold((0, 0), |sum, count| (sum.0 + count.0, sum.1 + count.1));
    println!("cases 0 to {}: {tried} tried, {read_well} read as models", CASES - 1);
    assert!(tried > CASES * 3 / 4, "{tried}");
    // Both sides are visited: mistakes, and models that still are some.
    assert!(read_well > CASES / 50 && read_well < tried, "{read_well}");
}
