//! `switchyard consent`: the risk texts, and what was accepted of them.

use std::process::ExitCode;

use switchyard_core::clock::Millis;
use switchyard_core::consent::{self, Acceptance, Block, Consent, SUBJECTS, Standing, Subject};
use switchyard_core::text::shown;
use switchyard_core::{App, Error, Result};

use crate::args::consent::{Accept, Consent as Wanted, ConsentTo};
use crate::ask;
use crate::out::{Out, Table, wrapped};

/// How wide a text is written, in columns.
const WIDTH: usize = 78;

pub(crate) async fn run(wanted: &Wanted, app: &App, out: &Out) -> Result<ExitCode> {
    match &wanted.what {
        None | Some(ConsentTo::List) => list(app, out)?,
        Some(ConsentTo::Show(one)) => show(&one_of(app, one.subject)?, out)?,
        Some(ConsentTo::Accept(wanted)) => accept(wanted, app, out).await?,
        Some(ConsentTo::Withdraw(one)) => withdraw(one.subject, app, out).await?,
    }
    Ok(ExitCode::SUCCESS)
}

fn one_of(app: &App, subject: Subject) -> Result<Consent> {
    match app.db_if_any()? {
        Some(db) => db.read(|store| consent::of(store, subject)),
        None => Ok(Consent::unasked(subject)),
    }
}

fn list(app: &App, out: &Out) -> Result<()> {
    let all = match app.db_if_any()? {
        Some(db) => db.read(consent::list)?,
        None => SUBJECTS.map(Consent::unasked).into(),
    };
    let mut table = Table::new(&["SUBJECT", "STANDING", "WHAT IT IS ABOUT"]);
    for one in all {
        if out.json {
            out.json_line(&one)?;
        } else {
            let Consent { subject, text, .. } = &one;
            table.row(vec![
                subject.to_string(),
                stands(&one.standing),
                text.title.clone(),
            ]);
        }
    }
    if out.json {
        return Ok(());
    }
    table.lines().iter().try_for_each(|line| out.line(line))
}

fn show(one: &Consent, out: &Out) -> Result<()> {
    if out.json {
        return out.json_line(one);
    }
    let Consent { text, standing, .. } = one;
    out.line(&text.title)?;
    for block in &text.blocks {
        out.line("")?;
        match block {
            Block::Paragraph { text } => tell(text, "", out)?,
            Block::Quote(quote) => {
                tell(&format!("\"{}\"", quote.sentence), "  │ ", out)?;
                out.line(&format!("  │ {}, as of {}", quote.url, quote.date))?;
            }
        }
    }
    out.line("")?;
    out.line(&format!("Version {} · {}", text.version, stands(standing)))?;
    one.history
        .iter()
        .try_for_each(|acceptance| out.line(&format!("  {}", recorded(acceptance))))
}

fn tell(text: &str, before: &str, out: &Out) -> Result<()> {
    wrapped(text, WIDTH)
        .iter()
        .try_for_each(|line| out.line(&format!("{before}{line}")))
}

/// Says how things stand, in words for a list.
fn stands(standing: &Standing) -> String {
    match standing {
        Standing::Accepted { at } => format!("accepted {}", day(*at)),
        Standing::Never => "not accepted".to_owned(),
        Standing::Withdrawn { at } => format!("withdrawn {}", day(*at)),
        Standing::TextChanged { at, .. } => {
            format!("accepted {}, but the text has changed since", day(*at))
        }
    }
}

fn recorded(acceptance: &Acceptance) -> String {
    let accepted = format!(
        "{} accepted {} ({})",
        shown(&acceptance.version, 40),
        day(acceptance.accepted_at),
        shown(&acceptance.face, 20)
    );
    match acceptance.withdrawn_at {
        Some(at) => format!("{accepted}, withdrawn {}", day(at)),
        None => accepted,
    }
}

async fn accept(wanted: &Accept, app: &App, out: &Out) -> Result<()> {
    let subject = wanted.subject;
    let before = one_of(app, subject)?;
    if before.standing.is_accepted() && wanted.version.is_none() {
        return done(&before, "is accepted already", out);
    }
    let version = match &wanted.version {
        Some(version) => version.clone(),
        None if out.json || !ask::hears() => return Err(unread(subject)),
        None => {
            show(&before, out)?;
            out.line("")?;
            if !ask::is_typed(
                out,
                "Type yes to accept this, anything else to leave it:",
                "yes",
            )? {
                return Err(Error::bad_input("Nothing was accepted."));
            }
            before.text.version
        }
    };
    let face = app.face();
    let after = app
        .write(move |store, now| consent::accept(store, subject, &version, face, now))
        .await?;
    done(&after, "is accepted", out)
}

fn unread(subject: Subject) -> Error {
    Error::bad_input("Nothing was accepted, because nobody can be shown the text here.").hint(
        format!(
            "Read it with: switchyard consent show {subject}, then name the version that you have read: --version V"
        ),
    )
}

async fn withdraw(subject: Subject, app: &App, out: &Out) -> Result<()> {
    let before = one_of(app, subject)?;
    if !before.history.iter().any(|one| one.withdrawn_at.is_none()) {
        return done(&before, "was not accepted", out);
    }
    let face = app.face();
    let after = app
        .write(move |store, now| consent::withdraw(store, subject, face, now))
        .await?;
    done(&after, "is withdrawn", out)
}

fn done(one: &Consent, what: &str, out: &Out) -> Result<()> {
    if out.json {
        return out.json_line(one);
    }
    out.line(&format!(
        "{} {what} (version {}).",
        one.subject, one.text.version
    ))
}

fn day(at: Millis) -> String {
    at.timestamp().strftime("%Y-%m-%d %H:%M UTC").to_string()
}
