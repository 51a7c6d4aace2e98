//! Words of an expression: numbers, names and signs, each with its place.

use super::Mistake;
use num_complex::Complex64;
use std::ops::Range;
use winnow::ascii::{digit0, digit1, multispace0};
use winnow::combinator::{alt, not, opt, terminated};
use winnow::error::ContextError;
use winnow::prelude::*;
use winnow::stream::LocatingSlice;
use winnow::token::{one_of, take_while};

/// A word.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Word {
    /// Real, or imaginary if `i` or `j` ends it.
    Number(Complex64),
    /// Of a factor, a parameter, a function, a member.
    Name(String),
    /// One of `+ - * / ^ ( ) . ' ,`.
    Sign(char),
}

/// A word and its bytes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Lexeme {
    pub word: Word,
    pub at: Range<usize>,
}

type Input<'a> = LocatingSlice<&'a str>;
type Lexed<T> = Result<T, ContextError>;

/// Cut a text into words.
pub(super) fn words(text: &str) -> Result<Vec<Lexeme>, Mistake> {
    let mut input = LocatingSlice::new(text);
    let mut words = vec![];
    loop {
        let _ = multispace0::<_, ContextError>.parse_next(&mut input);
        let start = text.len() - input.len();
        let Some(next) = text[start..].chars().next() else { return Ok(words) };
        let Ok((word, at)) = word.with_span().parse_next(&mut input) else {
            return Err(Mistake::new(&(start..start + next.len_utf8()), strange(next)));
        };
        match word {
            Word::Number(z) if !z.is_finite() => {
                return Err(Mistake::new(&at, "this number is too large; the largest is about 1.8e308"));
            }
            word => words.push(Lexeme { word, at }),
        }
    }
}

fn word(input: &mut Input) -> Lexed<Word> {
    alt((number, name, sign)).parse_next(input)
}

fn number(input: &mut Input) -> Lexed<Word> {
    let exponent = (one_of(['e', 'E']), opt(one_of(['+', '-'])), digit1);
    let mantissa = alt(((digit1, opt(('.', digit0))).void(), ('.', digit1).void()));
    let value = (mantissa, opt(exponent)).take().parse_next(input)?;
    // Digits are always a number; `inf` comes of too large ones and is refused above.
    let value: f64 = value.parse().unwrap_or(f64::INFINITY);
    let unit = opt(terminated(one_of(['i', 'j']), not(one_of(in_name)))).parse_next(input)?;
    Ok(Word::Number(if unit.is_some() { Complex64::new(0.0, value) } else { value.into() }))
}

fn name(input: &mut Input) -> Lexed<Word> {
    (one_of(|c: char| c.is_ascii_alphabetic() || c == '_'), take_while(0.., in_name))
        .take()
        .map(|name: &str| Word::Name(name.into()))
        .parse_next(input)
}

fn sign(input: &mut Input) -> Lexed<Word> {
    alt(("**".value('^'), '†'.value('\''), one_of(['+', '-', '*', '/', '^', '(', ')', '.', '\'', ','])))
        .map(Word::Sign)
        .parse_next(input)
}

fn in_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn strange(c: char) -> String {
    let advice = match c {
        '[' | ']' | '{' | '}' => "; brackets are round here",
        '·' | '×' | '⊗' => "; products are written with *",
        '=' => "; an expression has no equals sign",
        '−' | '–' => "; minus is the hyphen -",
        _ => "",
    };
    format!("'{}' has no meaning here{advice}", c.escape_debug())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> Vec<String> {
        let show = |lexeme: Lexeme| match lexeme.word {
            Word::Number(z) => crate::model::written(z),
            Word::Name(name) => name,
            Word::Sign(c) => c.to_string(),
        };
        words(text).expect(text).into_iter().map(show).collect()
    }

    #[test]
    fn numbers_end_in_i_or_j_and_names_begin_with_a_letter() {
        assert_eq!(seen("1j*2.5e-3i+.5"), ["1i", "*", "0.0025i", "+", "0.5"]);
        assert_eq!(seen("2jx"), ["2", "jx"], "a spin component, not an imaginary number");
        assert_eq!(seen("a.dag**2 a†"), ["a", ".", "dag", "^", "2", "a", "'"]);
        assert_eq!(seen("2e"), ["2", "e"]);
        assert_eq!(seen("2.dag"), ["2", "dag"]);
        let at = words("kappa * a").expect("words").pop().expect("three").at;
        assert_eq!(at, 8..9);
    }

    #[test]
    fn what_has_no_meaning_is_named() {
        assert_eq!(
            words("a ⊗ b").unwrap_err(),
            Mistake::new(&(2..5), "'⊗' has no meaning here; products are written with *")
        );
        assert!(words("1e999").unwrap_err().what.contains("too large"));
    }
}
