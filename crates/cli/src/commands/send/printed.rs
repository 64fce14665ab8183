//! What a run tells, as a terminal shows it.

use std::time::Duration;

use switchyard_core::Result;
use switchyard_core::dispatch::{Books, Receipt, RunEvent};
use switchyard_core::text::shown;
use switchyard_core::usage::{Basis, shown as money};

use crate::out::Out;

/// What has been printed so far.
#[derive(Default)]
pub(super) struct Printed {
    line_is_open: bool,
    thought_is_open: bool,
}

impl Printed {
    pub(super) fn print(&mut self, event: &RunEvent, show_thinking: bool, out: &Out) -> Result<()> {
        if out.json {
            return out.json_line(event);
        }
        match event {
            RunEvent::Text { text } => {
                self.close_thought(out);
                out.piece(text)?;
                if !text.is_empty() {
                    self.line_is_open = !text.ends_with('\n');
                }
            }
            RunEvent::Thinking { text } if show_thinking => {
                out.note_piece(text);
                self.thought_is_open = true;
            }
            RunEvent::Replaced { text } => {
                self.close_thought(out);
                // What was printed can't be taken back.
                if std::mem::take(&mut self.line_is_open) {
                    out.line("")?;
                }
                out.note("The answer so far is void; it begins anew.");
                out.piece(text)?;
                self.line_is_open = !text.is_empty() && !text.ends_with('\n');
            }
            RunEvent::Fallback {
                from,
                to,
                error,
                receipt,
                ..
            } => {
                out.note(&format!(
                    "{}: {}",
                    shown(from, 60),
                    shown(&error.message, 300)
                ));
                if let Some(receipt) = receipt {
                    out.note(&summary(receipt));
                }
                out.note(&format!(
                    "As you have allowed, {} pays from here on.",
                    shown(to, 60)
                ));
            }
            RunEvent::Waiting { why, attempt, .. } => {
                out.note(&format!("{why} (attempt {attempt})"));
            }
            _ => {}
        }
        Ok(())
    }

    fn close_thought(&mut self, out: &Out) {
        if std::mem::take(&mut self.thought_is_open) {
            out.note("");
        }
    }

    /// Ends a line that the answer left open, so that what follows begins on one of its own.
    pub(super) fn finish(&mut self, out: &Out) {
        self.close_thought(out);
        if std::mem::take(&mut self.line_is_open) {
            // The reader may be gone by now.
            let _ = out.line("");
        }
    }
}

/// Says on one line what remains of a run.
pub(super) fn summary(receipt: &Receipt) -> String {
    let mut parts = Vec::new();
    if let Some(first) = receipt.first_token_ms {
        parts.push(format!(
            "{:.2} s to first token",
            Duration::from_millis(first).as_secs_f64()
        ));
    }
    match &receipt.booked {
        Some(amount) => {
            let tokens = &amount.tokens;
            parts.push(format!("{} in", tokens.prompt()));
            parts.push(format!("{} out", tokens.output));
            let basis = match amount.basis {
                Basis::Estimated => ", estimated",
                Basis::Extra => ", extra usage beyond your plan",
                _ => "",
            };
            let later = if receipt.books == Books::SetAside {
                ", booked later"
            } else {
                ""
            };
            let cost = match amount.basis {
                Basis::Plan => format!("no dollars (list price {})", money(amount.cost)),
                _ => money(amount.cost),
            };
            let payer = shown(&receipt.payer_label, 40);
            parts.push(format!("{cost}{basis}, {payer}{later}"));
        }
        None if receipt.books == Books::Lost => parts.push("not booked yet".to_owned()),
        None => parts.push("nothing was billed".to_owned()),
    }
    if let Some(host) = &receipt.host {
        parts.push(format!("on {}", shown(host, 30)));
    }
    parts.push(format!("run {}", receipt.run));
    if !receipt.is_kept {
        parts.push("text not kept".to_owned());
    }
    let line = parts.join(" · ");
    match &receipt.stop_note {
        Some(note) => format!("note: {note}\n{line}"),
        None => line,
    }
}
