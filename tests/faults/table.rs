//! The table of all cases: a line a step, a column a fault.

use std::fmt;

use super::Kind;
use super::verdict::Outcome;
use crate::support::Fault;

pub struct Table {
    kind: Kind,
    steps: Vec<String>,
    outcomes: Vec<(String, Fault, Outcome)>,
}

impl Table {
    pub fn new(kind: Kind, steps: &[String]) -> Self {
        Self {
            kind,
            steps: steps.to_vec(),
            outcomes: Vec::new(),
        }
    }

    pub fn add(&mut self, step: &str, fault: Fault, outcome: Outcome) {
        self.outcomes.push((step.to_owned(), fault, outcome));
    }

    /// Whether nothing went wrong, and most of it was tried.
    pub fn is_right(&self) -> bool {
        self.untried() * 10 < self.outcomes.len() && self.wrong().next().is_none()
    }

    /// How often there was no such step.
    fn untried(&self) -> usize {
        let untried = self
            .outcomes
            .iter()
            .filter(|(_, _, outcome)| !outcome.was_taken);
        untried.count()
    }

    fn wrong(&self) -> impl Iterator<Item = &(String, Fault, Outcome)> {
        self.outcomes
            .iter()
            .filter(|(_, _, outcome)| !outcome.wrong.is_empty())
    }

    /// The caller's exit status, or a point where there was no such case.
    fn cell(&self, step: &str, fault: Fault) -> String {
        let found = self
            .outcomes
            .iter()
            .find(|outcome| outcome.0 == step && outcome.1 == fault);
        let Some((_, _, outcome)) = found else {
            return ".".to_owned();
        };
        let code = outcome
            .code
            .map_or("none".to_owned(), |code| code.to_string());
        if outcome.wrong.is_empty() {
            code
        } else {
            format!("{code} WRONG")
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{:?}: the exit status of the caller\n{:36}",
            self.kind, ""
        )?;
        for fault in Fault::ALL {
            write!(out, "{:>17}", fault.name())?;
        }
        for step in &self.steps {
            write!(out, "\n{step:36}")?;
            for fault in Fault::ALL {
                write!(out, "{:>17}", self.cell(step, fault))?;
            }
        }
        let wrong = self.wrong().count();
        write!(
            out,
            "\n{} cases, {} of them not taken, {wrong} wrong",
            self.outcomes.len(),
            self.untried()
        )?;
        for (step, fault, outcome) in self.wrong() {
            write!(out, "\n{step}, {}:", fault.name())?;
            for what in &outcome.wrong {
                write!(out, "\n    {what}")?;
            }
        }
        Ok(())
    }
}
