//! `qsd info`, `qsd report`, `qsd plot`, `qsd view`: what results look like.

use crate::say::{complain, shown};
use qsd::cli::{InfoArgs, PlotArgs, ReportArgs, ViewArgs};
use qsd::error::{Error, exit};
use qsd::report::view::View;
use qsd::report::{info, page, plot, put};
use qsd::store::{Results, Swept};
use rustix::termios::tcgetwinsize;
use std::io::{self, IsTerminal, Write};

/// One file in words, or several as a table, or the points of a sweep; gives the exit code.
pub fn info(args: &InfoArgs) -> i32 {
    let out = &mut io::stdout();
    let mut said = || -> Result<i32, Error> {
        match args.files.as_slice() {
            [file] if !file.is_dir() => {
                let all = args.point.is_none() && args.from.is_none();
                let swept = if all { Swept::find(file)? } else { None };
                let results = || Results::at(file, args.point.as_deref());
                Ok(shown(match (swept, args.json) {
                    (Some(swept), true) => writeln!(out, "{:#}", info::sweep_json(&swept)?),
                    (Some(swept), false) => info::sweep_text(&swept, out)?,
                    (None, true) => writeln!(out, "{:#}", info::json(&results()?, args.from)?),
                    (None, false) => info::text(&results()?, args.from, out)?,
                }))
            }
            files => {
                if args.from.is_some() || args.point.is_some() {
                    return Err(info::InfoError::Several.into());
                }
                let table = info::Table::of(files)?;
                let written = if args.json { writeln!(out, "{:#}", table.json()) } else { table.write(out) };
                Ok(shown(written).max(if table.missed { exit::FAILED } else { exit::DONE }))
            }
        }
    };
    said().unwrap_or_else(|error| complain(&error))
}

/// One page; gives the exit code.
pub fn report(args: &ReportArgs) -> i32 {
    let path = args.output.clone().unwrap_or_else(|| args.file.with_extension("html"));
    let made = || -> Result<(), Error> {
        let results = Results::at(&args.file, args.point.as_deref())?;
        put::may_write(&path, std::slice::from_ref(&args.file), args.force)?;
        Ok(put::put(&path, page::of(&results, page::Home::File)?.as_bytes())?)
    };
    made().map_or_else(|error| complain(&error), |()| shown(writeln!(io::stdout(), "{}", path.display())))
}

/// Curves of several files; gives the exit code.
pub fn plot(args: &PlotArgs) -> i32 {
    let singles = args.singles.unwrap_or(if args.files.len() * args.points.len().max(1) == 1 { 5 } else { 0 });
    let (files, points, observables) = (args.files.clone(), args.points.clone(), args.observable.clone());
    let ask = plot::Ask { files, points, observables, singles };
    let out = &mut io::stdout();
    let mut drawn = || -> Result<io::Result<()>, Error> {
        if let Some(path) = &args.output {
            plot::to_file(&ask, path, args.force)?;
        }
        let curves = match args.term || args.output.is_none() {
            true => plot::to_terminal(&ask, terminal(), out)?,
            false => Ok(()),
        };
        Ok(curves.and_then(|()| args.output.iter().try_for_each(|path| writeln!(out, "{}", path.display()))))
    };
    drawn().map_or_else(|error| complain(&error), shown)
}

/// What standard output can show: as wide as COLUMNS or the terminal says, in colours unless NO_COLOR is set.
fn terminal() -> plot::Terminal {
    let said = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let measured = || tcgetwinsize(io::stdout()).ok().map(|size| usize::from(size.ws_col)).filter(|width| *width > 0);
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    plot::Terminal { width: said.or_else(measured).unwrap_or(80), colour: !plain && io::stdout().is_terminal() }
}

/// A folder in a browser, until the process is ended; gives the exit code.
pub fn view(args: &ViewArgs) -> i32 {
    match View::of(&args.directory, args.host, args.port) {
        Err(error) => complain(&error.into()),
        Ok(view) => match view.announce(&mut io::stdout()) {
            Err(error) => shown(Err(error)),
            Ok(()) => {
                view.serve();
                exit::FAILED
            }
        },
    }
}
