//! From words to a tree; the grammar is at the top of the room.

use super::lexer::{Lexeme, Word, words};
use super::{Expr, Mistake, Node};
use std::ops::Range;
use winnow::error::EmptyError;
use winnow::prelude::*;
use winnow::stream::TokenSlice;
use winnow::token::{any, one_of};

/// Brackets, signs and daggers within each other; far beyond what people type, far below what the stack holds.
const DEEPEST: usize = 64;
/// Bytes of an expression.
const LONGEST: usize = 100_000;

/// Words and the length of the text, which is where an error at the end points.
struct Reader<'t> {
    words: TokenSlice<'t, Lexeme>,
    end: usize,
}

/// The tree of an expression.
///
/// # Errors
/// What stands where something else was expected, and what would do.
pub fn parse(text: &str) -> Result<Expr, Mistake> {
    if text.len() > LONGEST {
        return Err(Mistake::new(&(0..0), format!("an expression may have {LONGEST} characters, not {}", text.len())));
    }
    let words = words(text)?;
    let mut reader = Reader { words: TokenSlice::new(&words), end: text.trim_end().len() };
    if words.is_empty() {
        return Err(Mistake::new(&(0..0), "expected an expression, and there is nothing"));
    }
    let whole = reader.sum(0)?;
    match reader.peek() {
        None => Ok(whole),
        Some(Lexeme { word: Word::Sign(')'), at }) => Err(Mistake::new(at, "this bracket was never opened")),
        Some(Lexeme { word: Word::Sign(','), at }) => Err(Mistake::new(at, "a comma has no meaning here")),
        Some(_) => Err(reader.expected("an operator such as + or *")),
    }
}

impl<'t> Reader<'t> {
    fn sum(&mut self, depth: usize) -> Result<Expr, Mistake> {
        let first = self.product(depth)?;
        let mut others = vec![];
        while let Some(sign) = self.sign(&['+', '-']) {
            others.push((sign == '+', self.product(depth)?));
        }
        Ok(chain(first, others, Node::Sum))
    }

    fn product(&mut self, depth: usize) -> Result<Expr, Mistake> {
        let first = self.signed(depth)?;
        let mut others = vec![];
        loop {
            if let Some(sign) = self.sign(&['*', '/']) {
                others.push((sign == '*', self.signed(depth)?));
                continue;
            }
            // Two operands side by side.
            match self.peek().map(|next| (&next.word, &next.at)) {
                Some((Word::Number(_) | Word::Name(_) | Word::Sign('('), at)) => {
                    return Err(Mistake::new(at, "expected an operator in front of this; products are written with *"));
                }
                _ => return Ok(chain(first, others, Node::Product)),
            }
        }
    }

    fn signed(&mut self, depth: usize) -> Result<Expr, Mistake> {
        let start = self.place().start;
        if self.sign(&['-']).is_none() {
            return self.postfix(depth);
        }
        let x = self.signed(self.deeper(depth)?)?;
        Ok(Expr { at: start..x.at.end, node: Node::Negate(Box::new(x)) })
    }

    fn postfix(&mut self, depth: usize) -> Result<Expr, Mistake> {
        let mut x = self.atom(depth)?;
        let (start, mut depth) = (x.at.start, depth);
        while let Some(sign) = self.sign(&['\'', '.', '^']) {
            depth = self.deeper(depth)?;
            let node = match sign {
                '\'' => Node::Dagger(Box::new(x)),
                '.' => self.member(x, depth)?,
                _ if matches!(x.node, Node::Power(..)) && !self.closed_by_bracket(&x) => {
                    let what = "a power of a power needs brackets: (x^2)^3 or x^(2^3)";
                    return Err(Mistake::new(&self.before(), what));
                }
                _ => Node::Power(Box::new(x), Box::new(self.exponent(depth)?)),
            };
            x = Expr { at: start..self.before().end, node };
        }
        Ok(x)
    }

    /// A bracket keeps its own bytes, so that a power in brackets ends after its exponent.
    fn closed_by_bracket(&self, x: &Expr) -> bool {
        match &x.node {
            Node::Power(_, exponent) => exponent.at.end < x.at.end,
            _ => false,
        }
    }

    fn exponent(&mut self, depth: usize) -> Result<Expr, Mistake> {
        let start = self.place().start;
        if self.sign(&['-']).is_none() {
            return self.atom(depth);
        }
        let x = self.exponent(self.deeper(depth)?)?;
        Ok(Expr { at: start..x.at.end, node: Node::Negate(Box::new(x)) })
    }

    fn member(&mut self, of: Expr, depth: usize) -> Result<Node, Mistake> {
        let Some(Lexeme { word: Word::Name(name), at }) = self.peek() else {
            return Err(self.expected("the name of a member, as in a.dag"));
        };
        let place = of.at.start..at.end;
        self.next();
        let member = Node::Member(Box::new(of), super::tree::Word { name: name.clone(), at: at.clone() });
        match self.argument(depth)? {
            Some(x) => Ok(Node::Call(Box::new(Expr { at: place, node: member }), Box::new(x))),
            None => Ok(member),
        }
    }

    fn atom(&mut self, depth: usize) -> Result<Expr, Mistake> {
        let Some(Lexeme { word, at }) = self.peek() else {
            return Err(self.expected("a number, a name or a bracket"));
        };
        match word {
            Word::Number(z) => {
                self.next();
                Ok(Expr { at: at.clone(), node: Node::Number(*z) })
            }
            Word::Name(name) => {
                self.next();
                let name = Expr { at: at.clone(), node: Node::Name(name.clone()) };
                Ok(match self.argument(depth)? {
                    Some(x) => Expr { at: at.start..self.before().end, node: Node::Call(Box::new(name), Box::new(x)) },
                    None => name,
                })
            }
            Word::Sign('(') => {
                let inner = self.bracket(depth)?;
                Ok(Expr { at: at.start..self.before().end, node: inner.node })
            }
            Word::Sign(_) => Err(self.expected("a number, a name or a bracket")),
        }
    }

    /// `(x)` behind the name of a function.
    fn argument(&mut self, depth: usize) -> Result<Option<Expr>, Mistake> {
        match self.peek() {
            Some(Lexeme { word: Word::Sign('('), .. }) => self.bracket(depth).map(Some),
            _ => Ok(None),
        }
    }

    /// What stands between `(`, which is next, and its `)`.
    fn bracket(&mut self, depth: usize) -> Result<Expr, Mistake> {
        let open = self.place();
        self.next();
        let depth = self.deeper(depth)?;
        let inner = self.sum(depth)?;
        match self.sign(&[')']) {
            Some(_) => Ok(inner),
            None if self.peek().is_none() => Err(Mistake::new(&open, "this bracket is never closed; expected a )")),
            None => Err(self.expected("an operator or a )")),
        }
    }

    fn deeper(&self, depth: usize) -> Result<usize, Mistake> {
        if depth < DEEPEST {
            return Ok(depth + 1);
        }
        let what =
            format!("more than {DEEPEST} brackets, signs and daggers within each other; name a part in [parameters]");
        Err(Mistake::new(&self.before(), what))
    }

    fn peek(&self) -> Option<&'t Lexeme> {
        let mut ahead = TokenSlice::clone(&self.words);
        any::<_, EmptyError>.parse_next(&mut ahead).ok()
    }

    fn next(&mut self) {
        // There is a word: the caller has seen it.
        let _ = any::<_, EmptyError>.parse_next(&mut self.words);
    }

    /// The next word if it is one of these signs.
    fn sign(&mut self, signs: &[char]) -> Option<char> {
        let is_one = |lexeme: &Lexeme| matches!(lexeme.word, Word::Sign(c) if signs.contains(&c));
        match one_of::<_, _, EmptyError>(is_one).parse_next(&mut self.words) {
            Ok(Lexeme { word: Word::Sign(c), .. }) => Some(*c),
            _ => None,
        }
    }

    /// Bytes of the next word, or the end of the text.
    fn place(&self) -> Range<usize> {
        self.peek().map_or(self.end..self.end, |next| next.at.clone())
    }

    /// Bytes of the word before the next one.
    fn before(&self) -> Range<usize> {
        self.words.previous_tokens().next().map_or(0..0, |last| last.at.clone())
    }

    fn expected(&self, what: &str) -> Mistake {
        let found = match self.peek().map(|next| &next.word) {
            None => "the end".to_owned(),
            Some(Word::Sign(c)) => format!("'{c}'"),
            Some(Word::Name(name)) => format!("'{name}'"),
            Some(Word::Number(_)) => "a number".to_owned(),
        };
        Mistake::new(&self.place(), format!("expected {what}, found {found}"))
    }
}

fn chain(first: Expr, others: Vec<(bool, Expr)>, node: fn(Box<Expr>, Vec<(bool, Expr)>) -> Node) -> Expr {
    match others.last() {
        None => first,
        Some((_, last)) => Expr { at: first.at.start..last.at.end, node: node(Box::new(first), others) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tree with every operation in brackets.
    fn bracketed(x: &Expr) -> String {
        let chain = |first: &Expr, others: &[(bool, Expr)], signs: [char; 2]| {
            let start = bracketed(first);
            others.iter().fold(start, |left, (is_first, x)| {
                format!("({left}{}{})", if *is_first { signs[0] } else { signs[1] }, bracketed(x))
            })
        };
        match &x.node {
            Node::Negate(x) => format!("(-{})", bracketed(x)),
            Node::Dagger(x) => format!("({})'", bracketed(x)),
            Node::Power(x, y) => format!("({}^{})", bracketed(x), bracketed(y)),
            Node::Product(first, others) => chain(first, others, ['*', '/']),
            Node::Sum(first, others) => chain(first, others, ['+', '-']),
            _ => x.to_string(),
        }
    }

    #[test]
    fn operators_bind_as_physicists_expect() {
        for (text, tree) in [
            ("-a^2", "(-(a^2))"),
            ("-2*a", "((-2)*a)"),
            ("2*-a", "(2*(-a))"),
            ("a'*b^2'", "((a)'*((b^2))')"),
            ("a*b/c*d", "(((a*b)/c)*d)"),
            ("a - b - c", "((a-b)-c)"),
            ("a - (b - c)", "(a-(b-c))"),
            ("(a.dag*a)^2", "((a.dag*a)^2)"),
            ("a.dag.dag", "a.dag.dag"),
            ("x^-2", "(x^(-2))"),
            ("sqrt(kappa)*a", "(sqrt(kappa)*a)"),
            ("a.fock(2)*q.up", "(a.fock(2)*q.up)"),
            ("(x^2)^3", "((x^2)^3)"),
            ("a**2*b†", "((a^2)*(b)')"),
        ] {
            assert_eq!(bracketed(&parse(text).expect(text)), tree, "{text}");
        }
    }

    #[test]
    fn the_normal_form_reads_back_as_the_same_tree() {
        for text in [
            "-1i*g0*(a*j.plus - a.dag*j.minus) + Delta*j.z",
            "((a' * a))^2 / (2 - x) - (-3)^2",
            "-(-a) - -b*(c/(d*e))",
            "(a+b).dag + (2*x)' + 2' + (2).dag",
            "a.fock(2)*q.up + exp(-0.5e-3j)",
            "(x^2)^3 + x^(2^3) + x^-2 + (x')^2 + (x^2)'",
        ] {
            let tree = parse(text).expect(text);
            let normal = tree.to_string();
            let again = parse(&normal).unwrap_or_else(|e| panic!("{normal}: {e:?}"));
            assert_eq!(again, tree, "{normal}");
            assert_eq!(again.to_string(), normal);
        }
    }

    #[test]
    fn mistakes_say_what_was_expected_and_where() {
        for (text, at, what) in [
            ("a *", 3..3, "expected a number, a name or a bracket, found the end"),
            ("k a", 2..3, "products are written with *"),
            ("2a", 1..2, "products are written with *"),
            ("(a + b", 0..1, "never closed"),
            ("a + b)", 5..6, "never opened"),
            ("a + * b", 4..5, "expected a number, a name or a bracket, found '*'"),
            ("a.", 2..2, "the name of a member"),
            ("x^2^3", 3..4, "needs brackets"),
            ("f(a, b)", 3..4, "expected an operator or a ), found ','"),
            ("", 0..0, "there is nothing"),
            ("2(a)", 1..2, "products are written with *"),
        ] {
            let mistake = parse(text).expect_err(text);
            assert!(mistake.what.contains(what), "{text}: {}", mistake.what);
            assert_eq!(mistake.at, at, "{text}");
        }
    }

    #[test]
    fn depth_is_limited_and_length_is_not_depth() {
        for open in ["(", "-", "f("] {
            let deep = open.repeat(100_000 / open.len());
            assert!(parse(&deep).unwrap_err().what.contains("within each other"), "{open}");
        }
        assert!(parse(&format!("a{}", "'".repeat(90_000))).unwrap_err().what.contains("within each other"));
        let long = vec!["a*b"; 16_000].join(" + ");
        assert_eq!(parse(&long).expect("a long sum").to_string(), long);
        assert!(parse(&"a+".repeat(60_000)).unwrap_err().what.contains("100000 characters"));
    }
}
