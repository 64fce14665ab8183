//! What `switchyard exec` adds to a command, and `switchyard key-helper` as a whole process.

use std::path::Path;

use crate::place::{Place, Server, program};
use crate::report::{Report, Samples, Target};
use crate::send::timed;
use crate::{Measured, Size};

/// A command that does nothing.
const NOTHING: &str = "/bin/true";

pub(crate) async fn measure(place: &Place, size: Size, report: &mut Report) -> Measured<()> {
    report.title("Scoped use: whole processes, vault open in an agent");
    let server = Server::start(["--events", "1"]).await?;
    let name = "scoped";
    place.add_key(name, &server.url).await?;
    let bare = || program(Path::new(NOTHING));
    let exec = || place.switchyard(["exec", "--key", name, "--", NOTHING]);
    let helper = || place.switchyard(["key-helper", name]);
    // The first of each reads its program from the disk.
    timed(bare()).await?;
    timed(exec()?).await?;
    let (mut added, mut whole) = (Samples::default(), Samples::default());
    for _ in 0..size.times(20, 60) {
        let alone = timed(bare()).await?;
        let scoped = timed(exec()?).await?;
        added.add((scoped.as_secs_f64() - alone.as_secs_f64()) * 1_000.0);
        whole.add_time(timed(helper()?).await?);
    }
    report.judged(
        "exec: what it adds to the command",
        "ms",
        &added,
        Target::AtMost(30.0),
    );
    report.judged(
        "key-helper: from start to end",
        "ms",
        &whole,
        Target::AtMost(50.0),
    );
    Ok(())
}
