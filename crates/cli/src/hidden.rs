//! Reading a line from the terminal without showing it.

use std::io;

/// Writes `prompt` to the terminal and reads a line that is not shown.
///
/// # Errors
/// When there is no terminal, or its user pressed Ctrl+C.
#[cfg(unix)]
pub(crate) fn line(prompt: &str) -> io::Result<String> {
    use std::io::Write as _;

    let quiet = unix::QuietTerminal::new()?;
    let mut terminal = quiet.terminal();
    terminal.write_all(prompt.as_bytes())?;
    let keys = rpassword::ConfigBuilder::new()
        .input_reader(unix::Keys(terminal.try_clone()?))
        .output_discard()
        .build();
    let typed = rpassword::read_password_with_config(keys);
    terminal.write_all(b"\n")?;
    typed
}

#[cfg(not(unix))]
pub(crate) fn line(prompt: &str) -> io::Result<String> {
    rpassword::prompt_password(prompt)
}

#[cfg(unix)]
mod unix {
    use std::fs::{File, OpenOptions};
    use std::io::{self, Read};

    use rustix::termios::{self, LocalModes, OptionalActions, Termios};

    /// What Ctrl+C is while the terminal makes no signals of keys.
    const CTRL_C: u8 = 3;

    /// The terminal, made to show nothing that is typed until this is dropped.
    ///
    /// `rpassword` can do that too, but only after the prompt is out, which a paste outruns; and a
    /// Ctrl+C ends the process before it has put the terminal right again.
    pub(super) struct QuietTerminal {
        terminal: File,
        before: Termios,
    }

    impl QuietTerminal {
        pub(super) fn new() -> io::Result<Self> {
            let terminal = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
            let before = termios::tcgetattr(&terminal)?;
            let mut quiet = before.clone();
            quiet
                .local_modes
                .remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
            termios::tcsetattr(&terminal, OptionalActions::Now, &quiet)?;
            Ok(Self { terminal, before })
        }

        pub(super) fn terminal(&self) -> &File {
            &self.terminal
        }
    }

    impl Drop for QuietTerminal {
        fn drop(&mut self) {
            // A terminal that is gone needs nothing any more.
            let _ = termios::tcsetattr(&self.terminal, OptionalActions::Now, &self.before);
        }
    }

    /// What is typed, with Ctrl+C as an error in place of a signal.
    pub(super) struct Keys(pub(super) File);

    impl Read for Keys {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.0.read(buffer)?;
            if buffer.iter().take(count).any(|key| *key == CTRL_C) {
                return Err(io::Error::other("Ctrl+C was pressed"));
            }
            Ok(count)
        }
    }
}
