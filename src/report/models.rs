//! `qsd models`: the built-in models with their numbers and defaults, and the methods.

use crate::input::{Method, default_step, defaults};
use crate::integrator::MethodInfo;
use crate::model::library::{ENTRIES, Entry};
use std::io::{self, Write};

/// Writes the list.
pub fn write(out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "Models (qsd run MODEL; times and rates in inverse units of each other, hbar = 1)")?;
    for entry in ENTRIES {
        model(out, entry)?;
    }
    writeln!(out)?;
    write_methods(out)
}

/// Writes the list of methods alone.
pub fn write_methods(out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "Methods (--method NAME)")?;
    for method in Method::ALL {
        let info = MethodInfo::of(*method);
        writeln!(out, "\n  {}{}", info.name, if *method == Method::DEFAULT { "  (default)" } else { "" })?;
        writeln!(
            out,
            "      weak order {}, strong order {}, {} per step",
            info.weak_order,
            info.strong_order,
            if info.passes == 1 { "1 pass".into() } else { format!("{} passes", info.passes) }
        )?;
        let tilt = if info.tilt { " and its tilt over the step" } else { "" };
        writeln!(out, "      noise     a complex increment per Lindblad operator{tilt}")?;
        if info.constant {
            writeln!(out, "      systems   that do not depend on time and are not linked")?;
        }
        if let Some(largest) = info.largest_h_gamma {
            writeln!(out, "      step      h Gamma <= {largest}, Gamma = <sum L^dag L>")?;
        }
        writeln!(out, "      source    {}", info.source)?;
        let names: Vec<&str> = method.same_as().collect();
        if !names.is_empty() {
            writeln!(out, "      also called {}", names.join(", "))?;
        }
    }
    Ok(())
}

fn model(out: &mut dyn Write, entry: &Entry) -> io::Result<()> {
    let numbers: Vec<String> = entry.numbers.iter().map(|(name, value, ..)| format!("{name}={value}")).collect();
    let steps: Vec<String> = Method::ALL
        .iter()
        .map(|method| format!("{:e} ({})", default_step(entry, *method, entry.nfock_a), method.name()))
        .collect();
    let run = defaults(entry);
    writeln!(out, "\n  {}", entry.name)?;
    writeln!(out, "      {}", entry.summary)?;
    writeln!(out, "      numbers   {}  (--set NAME=VALUE)", numbers.join(", "))?;
    writeln!(
        out,
        "      defaults  Nfock_a {}, duration {}, save-dt {}, dt {}",
        entry.nfock_a,
        run.duration,
        run.save_dt,
        steps.join(" or ")
    )?;
    writeln!(out, "      source    {}", entry.source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_model_and_method_is_listed_with_its_numbers() {
        let mut out = vec![];
        write(&mut out).expect("memory takes everything");
        let text = String::from_utf8(out).expect("text");
        for entry in ENTRIES {
            assert!(text.contains(&format!("\n  {}\n", entry.name)), "{text}");
            assert!(text.contains(entry.source) && text.contains(entry.summary));
        }
        assert!(text.contains("chi=-10, Delta=100, kappa1=25, kappa2=25, alpha0=21.75"), "{text}");
        assert!(
            text.contains(
                "Nfock_a 50, duration 10, save-dt 0.2, dt 8e-2 (saba) or 1e-2 (heun) or 4e-2 (rk4p1) or 2e-3 (em)"
            ),
            "{text}"
        );
        assert!(text.contains("  saba  (default)\n") && text.contains("also called itoEuler"), "{text}");
    }
}
