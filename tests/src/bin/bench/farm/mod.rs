//! The farm: four loopback boxes behind a real `sshd`, beside `ssh` and GNU parallel over the same boxes.

mod boxes;
mod first_byte;
mod lines;

use crate::place::Place;
use crate::report::Report;
use crate::send::MODEL;
use crate::{Measured, Size};
use boxes::Boxes;

pub(crate) async fn measure(place: &Place, size: Size, report: &mut Report) -> Measured<()> {
    let boxes = Boxes::of(place).await?;
    first_byte::measure(place, &boxes, size, report).await?;
    lines::measure(place, &boxes, size, report).await
}
