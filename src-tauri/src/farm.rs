//! The farm's hosts, as the window asks for them.

use serde::{Deserialize, Serialize};
use switchyard_core::hosts::{self, Brought, Found, NewHost, Row, TagFilter};
use switchyard_core::text::shown;
use switchyard_core::{Error, Result};
use tauri_plugin_dialog::{DialogExt, FilePath};
use tokio::io::AsyncReadExt;
use ts_rs::TS;

use crate::desktop::Desktop;

/// The most bytes of a list that goes through the page; a thousand instances are some 5 MB.
const LIST_MAX: u64 = 16 << 20;

/// A list of hosts that is kept elsewhere, with what holds for each host of it.
#[derive(Deserialize, TS)]
#[serde(tag = "from", rename_all = "snake_case")]
pub(crate) enum HostList {
    /// The user's own ssh configuration.
    SshConfig {
        /// Slots, labels and the like.
        each: NewHost,
    },
    /// What `aws ec2 describe-instances` printed as JSON.
    Ec2 {
        /// The JSON.
        json: String,
        /// Of the instances, only those with this tag: `KEY` or `KEY=VALUE`.
        tag: Option<String>,
        /// As above; its destination is the user's name on the instances.
        each: NewHost,
    },
}

/// A file that the user chose, to be looked at before anything of it is taken over.
#[derive(Serialize, TS)]
pub(crate) struct ListFile {
    /// Its name, without its folder.
    pub(crate) name: String,
    /// What it holds.
    pub(crate) text: String,
}

impl Desktop {
    /// Looking makes no store where there is none.
    pub(crate) fn hosts(&self) -> Result<Vec<Row>> {
        match self.app.db_if_any()? {
            Some(_) => self.app.hosts(),
            None => Ok(Vec::new()),
        }
    }

    pub(crate) async fn preview_hosts(&self, list: HostList) -> Result<Brought> {
        self.app.preview_hosts(self.read_list(list).await?).await
    }

    pub(crate) async fn import_hosts(&self, list: HostList) -> Result<Brought> {
        self.app.import_hosts(self.read_list(list).await?).await
    }

    async fn read_list(&self, list: HostList) -> Result<Found> {
        match list {
            HostList::SshConfig { each } => self.app.read_ssh_config(None, &each).await,
            HostList::Ec2 { json, tag, each } => {
                let tag = tag.as_deref().map(TagFilter::parse).transpose()?;
                hosts::from_ec2(json.as_bytes(), tag.as_ref(), &each)
            }
        }
    }

    /// Returns `None` where the user changed their mind.
    pub(crate) async fn choose_host_list(&self) -> Result<Option<ListFile>> {
        let (chosen, path) = tokio::sync::oneshot::channel();
        let dialog = self.handle.dialog().file().add_filter("JSON", &["json"]);
        let dialog = dialog.add_filter("All files", &["*"]);
        dialog.pick_file(move |path| {
            // The page may be gone by the time that the user has chosen.
            let _ = chosen.send(path);
        });
        let path = path.await.ok().flatten().map(FilePath::into_path);
        let Some(Ok(path)) = path else {
            return Ok(None);
        };
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = shown(&name, 100);
        let unreadable = |e: std::io::Error| {
            Error::bad_input(format!("{name} could not be read."))
                .hint("Choose a text file that you may read.")
                .because(e)
        };
        let mut text = String::new();
        let file = tokio::fs::File::open(&path).await.map_err(unreadable)?;
        let mut file = file.take(LIST_MAX + 1);
        file.read_to_string(&mut text).await.map_err(unreadable)?;
        if text.len() as u64 > LIST_MAX {
            return Err(Error::bad_input(format!("{name} is larger than 16 MiB."))
                .hint("Ask AWS for fewer instances."));
        }
        Ok(Some(ListFile { name, text }))
    }
}
