//! A second start, and what is kept from one start to the next.

use switchyard_tests::{Desk, Outcome, Place, Planted, binary, finish};

use super::expect_clean;

/// Starts the program once more and waits for its end.
async fn start_again(desk: &Desk) -> Outcome {
    let none: [&str; 0] = [];
    let second = desk.machine.spawn(&binary("switchyard-desktop"), none);
    let ended = tokio::task::spawn_blocking(move || finish(second, ""));
    let patience = std::time::Duration::from_secs(30);
    let ended = tokio::time::timeout(patience, ended).await;
    ended.expect("the second start ends").unwrap()
}

async fn expect_one_window(mut desk: Desk) {
    let program = desk.start().await;
    let screen = desk.screen();
    screen.cover();
    screen.wait_for_front(false).await;
    let second = start_again(&desk).await;
    assert_eq!(second.code, Some(0), "{second:?}");
    screen.wait_for_front(true).await;
    assert!(program.is_running());
    program.signal(rustix::process::Signal::TERM);
    program.ended().await;
    // And when the first has gone, the next is a first one again.
    let next = desk.start().await;
    next.signal(rustix::process::Signal::TERM);
    next.ended().await;
    expect_clean(&desk, &Planted::default());
}

#[tokio::test]
async fn a_second_start_brings_the_first_window_to_the_front() {
    expect_one_window(Desk::new()).await;
}

#[tokio::test]
async fn a_second_start_brings_the_first_window_to_the_front_also_without_a_session_bus() {
    let mut desk = Desk::new();
    desk.machine
        .set("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent");
    expect_one_window(desk).await;
}

#[tokio::test]
async fn the_windows_size_and_place_are_kept() {
    let mut desk = Desk::new();
    let place = Place {
        x: 310,
        y: 140,
        width: 1111,
        height: 777,
    };
    let program = desk.start().await;
    desk.screen().move_window(place);
    desk.screen().wait_for_place(place).await;
    program.signal(rustix::process::Signal::TERM);
    program.ended().await;

    let program = desk.start().await;
    desk.screen().wait_for_place(place).await;
    // Without a tray, closing it is another way to end.
    desk.screen().close();
    program.ended().await;
    let program = desk.start().await;
    desk.screen().wait_for_place(place).await;
    program.signal(rustix::process::Signal::TERM);
    program.ended().await;
    expect_clean(&desk, &Planted::default());
}
