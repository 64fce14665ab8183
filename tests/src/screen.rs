//! What a person does to a window without its page: closing it, moving it, covering it. There is no window
//! manager, so that windows lie directly on the screen.

use std::time::{Duration, Instant};

use x11rb::connection::Connection;
use x11rb::cookie::VoidCookie;
use x11rb::errors::ConnectionError;
use x11rb::protocol::xproto::{
    AtomEnum, ClientMessageEvent, ConfigureWindowAux, ConnectionExt, CreateWindowAux, EventMask,
    MapState, Window, WindowClass,
};
use x11rb::rust_connection::RustConnection;

use crate::desk::PATIENCE;
use crate::machine::Machine;

/// What the window is called.
const TITLE: &str = "Switchyard";

/// A place and a size, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// From the left edge.
    pub x: i16,
    /// From the upper edge.
    pub y: i16,
    /// How wide.
    pub width: u16,
    /// How high.
    pub height: u16,
}

/// A desk's screen.
pub struct Screen {
    display: RustConnection,
    root: Window,
    title: String,
}

impl Screen {
    pub(crate) fn of(machine: &Machine) -> Self {
        let name = machine.variables().get("DISPLAY").map(String::as_str);
        let (display, number) = x11rb::connect(name).expect("the screen is there");
        let root = display.setup().roots[number].root;
        let title = TITLE.to_owned();
        Self {
            display,
            root,
            title,
        }
    }

    /// Looks at a window of another name instead.
    #[must_use]
    pub fn with_title(mut self, title: &str) -> Self {
        title.clone_into(&mut self.title);
        self
    }

    /// Waits until the window is there, or until it is not.
    ///
    /// # Panics
    /// When that does not come.
    pub async fn wait_for_window(&self, is_there: bool) {
        self.until("the window to come or go", || {
            self.window().is_some() == is_there
        })
        .await;
    }

    /// Asks the window to close, as the cross in its corner does.
    ///
    /// # Panics
    /// When there is no window.
    pub fn close(&self) {
        let window = self.window().expect("a window");
        let (protocols, delete) = (self.atom(b"WM_PROTOCOLS"), self.atom(b"WM_DELETE_WINDOW"));
        let message = ClientMessageEvent::new(32, window, protocols, [delete, 0, 0, 0, 0]);
        let none = EventMask::NO_EVENT;
        let sent = self.display.send_event(false, window, none, message);
        done(sent, "a message to the window");
    }

    /// Puts another window on top of all, for as long as this screen is held.
    ///
    /// # Panics
    /// When the screen is gone.
    pub fn cover(&self) {
        let cover = self.display.generate_id().expect("a number");
        let (look, class) = (CreateWindowAux::new(), WindowClass::INPUT_OUTPUT);
        let (root, display) = (self.root, &self.display);
        let made = display.create_window(0, cover, root, 0, 0, 1600, 1000, 0, class, 0, &look);
        done(made, "a second window");
        done(display.map_window(cover), "a second window that is shown");
    }

    /// Waits until the window is on top of all others, or until it is not.
    ///
    /// # Panics
    /// When that does not come.
    pub async fn wait_for_front(&self, is_in_front: bool) {
        self.until("the window to come to the front or leave it", || {
            self.window()
                .is_some_and(|window| self.visible().last() == Some(&window))
                == is_in_front
        })
        .await;
    }

    /// Moves the window and gives it a size.
    ///
    /// # Panics
    /// When there is no window.
    pub fn move_window(&self, place: Place) {
        let window = self.window().expect("a window");
        let wanted = ConfigureWindowAux::new()
            .x(i32::from(place.x))
            .y(i32::from(place.y))
            .width(u32::from(place.width))
            .height(u32::from(place.height));
        let moved = self.display.configure_window(window, &wanted);
        done(moved, "a window that can be moved");
    }

    /// Waits until the window is at a place and has its size.
    ///
    /// # Panics
    /// When it does not get there.
    pub async fn wait_for_place(&self, place: Place) {
        let is_there = || self.place() == Some(place);
        self.until(&format!("the window at {place:?}"), is_there)
            .await;
    }

    /// Returns where the window is.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        let is = self
            .display
            .get_geometry(self.window()?)
            .ok()?
            .reply()
            .ok()?;
        Some(Place {
            x: is.x,
            y: is.y,
            width: is.width,
            height: is.height,
        })
    }

    async fn until(&self, what: &str, is_so: impl Fn() -> bool) {
        let start = Instant::now();
        while !is_so() {
            assert!(
                start.elapsed() < PATIENCE,
                "waited for {what}; it is at {:?}",
                self.place()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Returns the program's window, once it is shown.
    fn window(&self) -> Option<Window> {
        let is_named = |window: &Window| {
            let (name, text) = (AtomEnum::WM_NAME, AtomEnum::ANY);
            let asked = self.display.get_property(false, *window, name, text, 0, 64);
            let said = asked.ok().and_then(|asked| asked.reply().ok());
            said.is_some_and(|said| said.value == self.title.as_bytes())
        };
        self.visible().into_iter().find(is_named)
    }

    /// Returns the windows that are shown, the uppermost last.
    fn visible(&self) -> Vec<Window> {
        let asked = self
            .display
            .query_tree(self.root)
            .expect("the screen is there");
        let mut windows = asked.reply().expect("a list of windows").children;
        windows.retain(|window| {
            let asked = self.display.get_window_attributes(*window);
            let said = asked.ok().and_then(|asked| asked.reply().ok());
            said.is_some_and(|said| said.map_state == MapState::VIEWABLE)
        });
        windows
    }

    fn atom(&self, name: &[u8]) -> u32 {
        let asked = self
            .display
            .intern_atom(false, name)
            .expect("the screen is there");
        asked.reply().expect("a name's number").atom
    }
}

/// Waits until the screen has done what it was asked for.
fn done(asked: Result<VoidCookie<'_, RustConnection>, ConnectionError>, what: &str) {
    let asked = asked.unwrap_or_else(|error| panic!("{what}: {error}"));
    asked
        .check()
        .unwrap_or_else(|error| panic!("{what}: {error}"));
}
