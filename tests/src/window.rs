//! The real window as a person uses it: found, clicked and typed into by way of its page.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;
use thirtyfour::prelude::*;
use thirtyfour::{Key, WebDriver};

use crate::desk::PATIENCE;

/// More than there is to reach on any screen.
const TABS_MAX: usize = 60;

/// More than any list of choices has at once.
const OPTIONS_MAX: usize = 60;

/// The real window, by way of its page.
pub struct Window {
    /// The session with the web view.
    pub page: WebDriver,
    /// How often something was clicked.
    pub(crate) clicks: AtomicUsize,
}

impl Window {
    /// Waits for an element by its role and accessible name, as a screen reader finds it.
    ///
    /// # Panics
    /// When it does not appear.
    pub async fn find(&self, role: &str, name: &str) -> WebElement {
        let start = std::time::Instant::now();
        loop {
            if let Some(found) = self.look_for(role, name, None).await {
                return found;
            }
            if start.elapsed() > PATIENCE {
                let text = self.text().await;
                panic!("there is no {role} called {name:?} on the page:\n{text}");
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    async fn look_for(
        &self,
        role: &str,
        name: &str,
        around: Option<&WebElement>,
    ) -> Option<WebElement> {
        const SCRIPT: &str = include_str!("find.js");
        let around = around.map_or(Ok(json!(null)), WebElement::to_json).ok()?;
        let found = self
            .page
            .execute(SCRIPT, vec![json!(role), json!(name), around]);
        found.await.ok()?.element().ok()
    }

    /// Clicks what has this role and name.
    ///
    /// # Panics
    /// When it does not appear or can't be clicked.
    pub async fn click(&self, role: &str, name: &str) {
        let element = self.find(role, name).await;
        self.click_on(&element, role, name).await;
    }

    /// Returns how many clicks there were so far.
    pub fn clicks(&self) -> usize {
        self.clicks.load(Ordering::Relaxed)
    }

    /// Clicks an element as soon as a click would meet it: a list that opens is put in its place a frame later.
    async fn click_on(&self, element: &WebElement, role: &str, name: &str) {
        const IS_MET: &str = "arguments[0].scrollIntoView({ block: 'nearest' });
             const { x, y, width, height } = arguments[0].getBoundingClientRect();
             return arguments[0].contains(document.elementFromPoint(x + width / 2, y + height / 2));";
        let start = std::time::Instant::now();
        while start.elapsed() < PATIENCE {
            let element = vec![element.to_json().expect("an element")];
            let met = self.page.execute(IS_MET, element).await;
            if met.is_ok_and(|met| met.convert().unwrap_or(false)) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        if let Err(cause) = element.click().await {
            panic!("the {role} called {name:?} can't be clicked: {cause}");
        }
        self.clicks.fetch_add(1, Ordering::Relaxed);
    }

    /// Clicks what has this role and name within another element.
    ///
    /// # Panics
    /// When it does not appear or can't be clicked.
    pub async fn click_in(&self, around: &WebElement, role: &str, name: &str) {
        let start = std::time::Instant::now();
        loop {
            if let Some(found) = self.look_for(role, name, Some(around)).await {
                return self.click_on(&found, role, name).await;
            }
            assert!(
                start.elapsed() < PATIENCE,
                "there is no {role} called {name:?} in it"
            );
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    /// Types into what has this role and name.
    ///
    /// # Panics
    /// When it does not appear or takes no text.
    pub async fn type_into(&self, role: &str, name: &str, text: &str) {
        let element = self.find(role, name).await;
        element.send_keys(text).await.expect("it takes text");
    }

    /// Presses a key, or several at once, wherever the focus is.
    ///
    /// # Panics
    /// When nothing has the focus.
    pub async fn press(&self, keys: &[Key]) {
        self.press_these(&keys.iter().map(Key::value).collect::<String>())
            .await;
    }

    /// Presses a letter or a digit while Control is held.
    ///
    /// # Panics
    /// When nothing has the focus.
    pub async fn press_control(&self, letter: char) {
        self.press_these(&format!("{}{letter}", Key::Control.value()))
            .await;
    }

    /// Types where the focus is, as soon as something of this name has it.
    ///
    /// # Panics
    /// When the focus stays elsewhere.
    pub async fn type_at(&self, name: &str, text: &str) {
        let start = std::time::Instant::now();
        loop {
            let focused = self.focused().await;
            if focused.contains(name) {
                return self.press_these(text).await;
            }
            assert!(
                start.elapsed() < PATIENCE,
                "{focused:?} has the focus, not {name:?}"
            );
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    async fn press_these(&self, keys: &str) {
        let start = std::time::Instant::now();
        loop {
            let focused = self.page.active_element().await.expect("a focus");
            match focused.send_keys(keys).await {
                Ok(()) => return,
                // The page may have put another element in its place meanwhile, which has the focus now.
                Err(error) => assert!(start.elapsed() < PATIENCE, "it takes no keys: {error}"),
            }
        }
    }

    /// Presses Tab until something of this name has the focus, as whoever has no pointer does.
    ///
    /// # Panics
    /// When nothing of this name comes up.
    pub async fn tab_to(&self, name: &str) {
        let mut met = Vec::new();
        while met.len() < TABS_MAX {
            self.press(&[Key::Tab]).await;
            let focused = self.focused().await;
            if focused.contains(name) {
                return;
            }
            met.push(focused);
        }
        panic!("nothing called {name:?} can be reached: {met:?}");
    }

    /// Opens the list that has the focus, and takes the option of this name with the arrows.
    ///
    /// # Panics
    /// When no option of this name comes up.
    pub async fn arrow_to(&self, option: &str) {
        self.press(&[Key::Down]).await;
        self.find("option", option).await;
        self.press(&[Key::Home]).await;
        let mut met = Vec::new();
        while met.len() < OPTIONS_MAX {
            let marked = self.marked().await;
            if marked.starts_with(option) {
                return self.press(&[Key::Enter]).await;
            }
            met.push(marked);
            self.press(&[Key::Down]).await;
        }
        panic!("no arrow leads to {option:?}: {met:?}");
    }

    /// Returns the option that Enter would take.
    async fn marked(&self) -> String {
        const NAME: &str = "return document.querySelector('[role=option][data-highlighted]')
            ?.innerText.trim() ?? ''";
        let marked = self.page.execute(NAME, vec![]).await;
        let marked = marked.expect("a script runs");
        marked.json().as_str().unwrap_or_default().to_owned()
    }

    /// Tells whether something of this name has the focus.
    ///
    /// # Panics
    /// When the page can't be asked.
    pub async fn has_focus(&self, name: &str) -> bool {
        self.focused().await.contains(name)
    }

    /// Returns the name of what has the focus.
    async fn focused(&self) -> String {
        const NAME: &str = "const e = document.activeElement;
            return (e.ariaLabel || e.labels?.[0]?.innerText || e.innerText || '').trim();";
        let focused = self.page.execute(NAME, vec![]).await;
        let focused = focused.expect("a script runs");
        focused.json().as_str().unwrap_or_default().to_owned()
    }

    /// Waits until the page says this.
    ///
    /// # Panics
    /// When it does not.
    pub async fn read(&self, wanted: &str) {
        let start = std::time::Instant::now();
        loop {
            let text = self.text().await;
            if text.contains(wanted) {
                return;
            }
            assert!(
                start.elapsed() < PATIENCE,
                "the page does not say {wanted:?}:\n{text}"
            );
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    /// Goes to a screen, and waits until it has something to show.
    ///
    /// # Panics
    /// When it has not.
    pub async fn go_to(&self, screen: &str) {
        let go = format!("location.hash = '#/{screen}'");
        self.page.execute(&go, vec![]).await.expect("a script runs");
        let start = std::time::Instant::now();
        let is_there = "return !document.querySelector('main [aria-busy=true]') && \
                        !!document.querySelector('main h1')";
        while !self.says_yes(is_there).await {
            assert!(start.elapsed() < PATIENCE, "{screen} does not come");
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    /// Waits until the program's own page has taken the place of the empty one that each window begins with: a
    /// script that runs on goes down with that.
    ///
    /// # Panics
    /// When no page comes.
    pub async fn arrive(&self) {
        let is_there =
            "return location.protocol !== 'about:' && document.readyState === 'complete'";
        let start = std::time::Instant::now();
        while !self.says_yes(is_there).await {
            assert!(start.elapsed() < PATIENCE, "no page comes");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits until the page shows nothing that is being worked out anew.
    ///
    /// # Panics
    /// When that has no end.
    pub async fn settle(&self) {
        let start = std::time::Instant::now();
        while !self
            .says_yes("return !document.querySelector('.stale, [aria-busy=true]')")
            .await
        {
            assert!(start.elapsed() < PATIENCE, "the page does not come to rest");
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    async fn says_yes(&self, script: &str) -> bool {
        let said = self.page.execute(script, vec![]).await;
        said.is_ok_and(|said| said.json().as_bool() == Some(true))
    }

    /// Puts the page into `light` or `dark`, at once: a picture must not catch it half-way.
    ///
    /// # Panics
    /// When the driver is gone.
    pub async fn theme(&self, theme: &str) {
        let set = format!(
            "const root = document.documentElement;
             root.style.setProperty('--motion', '0ms');
             root.dataset.theme = '{theme}';"
        );
        let set = self.page.execute(&set, vec![]);
        set.await.expect("a script runs");
    }

    /// Makes the window this large.
    ///
    /// # Panics
    /// When the driver does not take it.
    pub async fn resize(&self, width: u32, height: u32) {
        let resized = self.page.set_window_rect(0, 0, width, height);
        resized.await.expect("a window's size can be set");
    }

    /// Writes a picture of the page.
    ///
    /// # Panics
    /// When it can't be taken or written.
    pub async fn picture(&self, path: &Path) {
        // The driver takes the next frame that is drawn, and a page at rest draws none.
        let draw = "document.body.animate([{ opacity: 0.999 }, { opacity: 1 }], { duration: 800 })";
        let drawn = self.page.execute(format!("void {draw}"), vec![]);
        drawn.await.expect("a script runs");
        let picture = self.page.screenshot_as_png().await.expect("a picture");
        std::fs::write(path, picture).expect("a writable folder");
    }

    /// Returns all that the page says.
    pub async fn text(&self) -> String {
        let body = self.page.execute("return document.body.innerText", vec![]);
        let said = body.await.ok().and_then(|said| said.convert().ok());
        said.unwrap_or_default()
    }

    /// Lets go of a window whose program has ended by itself.
    ///
    /// # Panics
    /// When it was closed before.
    pub fn leave(self) {
        self.page.leak().expect("a window that was not closed");
    }

    /// Closes the window.
    ///
    /// # Panics
    /// When the driver is gone.
    pub async fn close(self) {
        self.page.quit().await.expect("the window closes");
    }
}
