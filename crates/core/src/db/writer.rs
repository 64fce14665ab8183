//! The one thread that writes: queued jobs share a transaction, and each still succeeds or fails
//! on its own. Only where the disk is full do those that share it fail together.

use std::sync::mpsc;
use std::thread::JoinHandle;

use rusqlite::{Connection, Savepoint, TransactionBehavior};
use tokio::sync::oneshot;

use super::erase;
use super::error::SqlContext;
use super::watch::Signal;
use crate::error::{Code, Error, Result};

/// The most jobs that share one commit; bounds how long the first of them waits.
const BATCH: usize = 256;

/// Tells a job's caller how it ended, once the commit that holds it has, or has not, happened.
type Finish = Box<dyn FnOnce(Result<()>) + Send>;

/// A queued write, whatever it returns.
trait Job: Send {
    /// Runs in a savepoint of its own; `Err` takes it back. Either way the caller hears at the end.
    fn run(self: Box<Self>, savepoint: Savepoint<'_>) -> Finish;
    /// Tells the caller that it never began.
    fn refuse(self: Box<Self>, error: Error);
}

struct Typed<T, F> {
    job: F,
    reply: oneshot::Sender<Result<T>>,
}

impl<T, F> Job for Typed<T, F>
where
    T: Send + 'static,
    F: FnOnce(&Connection) -> Result<T> + Send,
{
    fn run(self: Box<Self>, savepoint: Savepoint<'_>) -> Finish {
        let Self { job, reply } = *self;
        // Dropping a savepoint that was not committed rolls it back.
        let outcome = job(&savepoint).and_then(|value| {
            savepoint.commit().doing("save")?;
            Ok(value)
        });
        // Nobody may be waiting for the reply any more; the write stands all the same.
        Box::new(move |committed| {
            drop(reply.send(outcome.and_then(|value| committed.map(|()| value))));
        })
    }

    fn refuse(self: Box<Self>, error: Error) {
        drop(self.reply.send(Err(error)));
    }
}

enum Task {
    Write(Box<dyn Job>),
    Checkpoint(oneshot::Sender<Result<()>>),
}

/// Owns the writing connection, on its own thread, until it is dropped.
pub(super) struct Writer {
    tasks: Option<mpsc::Sender<Task>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(connection: Connection, signal: Signal) -> Result<Self> {
        let (tasks, queue) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || work(connection, signal, &queue))
            .map_err(|e| Error::failed("The store's writer could not be started.").because(e))?;
        Ok(Self {
            tasks: Some(tasks),
            thread: Some(thread),
        })
    }

    pub(super) fn queue<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
        reply: oneshot::Sender<Result<T>>,
    ) -> Result<()> {
        self.send(Task::Write(Box::new(Typed { job, reply })))
    }

    pub(super) fn queue_checkpoint(&self, reply: oneshot::Sender<Result<()>>) -> Result<()> {
        self.send(Task::Checkpoint(reply))
    }

    fn send(&self, task: Task) -> Result<()> {
        let sent = self.tasks.as_ref().map(|tasks| tasks.send(task));
        match sent {
            Some(Ok(())) => Ok(()),
            _ => Err(super::writer_gone()),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.tasks.take());
        // What was queued is still written: a process that ends in order loses nothing.
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn work(mut connection: Connection, mut signal: Signal, queue: &mpsc::Receiver<Task>) {
    // A process before this one may have left it undone.
    let mut is_due = erase::is_due(&connection) && erase::try_again(&connection);
    while let Ok(first) = queue.recv() {
        let mut next = Some(first);
        while let Some(task) = next.take() {
            match task {
                Task::Checkpoint(reply) => {
                    let outcome = erase::empty_log(&connection);
                    is_due = outcome.is_err();
                    let _ = reply.send(outcome);
                }
                Task::Write(job) => {
                    next = commit_together(&mut connection, job, queue);
                    signal.raise();
                    is_due = is_due && erase::try_again(&connection);
                }
            }
        }
    }
}

/// Commits `first` with all the writes that are waiting; returns the task that ended the row.
fn commit_together(
    connection: &mut Connection,
    first: Box<dyn Job>,
    queue: &mpsc::Receiver<Task>,
) -> Option<Task> {
    let begun = connection.transaction_with_behavior(TransactionBehavior::Immediate);
    let mut transaction = match begun.doing("begin a write") {
        Ok(transaction) => transaction,
        Err(error) => {
            first.refuse(error);
            return None;
        }
    };
    let mut finishes = Vec::new();
    let mut leftover = None;
    let mut job = first;
    loop {
        match transaction.savepoint().doing("begin a write") {
            Ok(savepoint) => finishes.push(job.run(savepoint)),
            Err(error) => job.refuse(error),
        }
        // A full disk makes SQLite give up the whole transaction and not only the savepoint. Going
        // on would begin another one, savepoint by savepoint, and commit what is then denied.
        if finishes.len() >= BATCH || transaction.is_autocommit() {
            break;
        }
        match queue.try_recv() {
            Ok(Task::Write(another)) => job = another,
            Ok(other) => {
                leftover = Some(other);
                break;
            }
            Err(_) => break,
        }
    }
    let committed = if transaction.is_autocommit() {
        Err(given_up())
    } else {
        transaction.commit().doing("save")
    };
    for finish in finishes {
        finish(committed.as_ref().map(|&()| ()).map_err(Error::again));
    }
    leftover
}

/// The error of the jobs that shared a transaction with the one that ended it.
fn given_up() -> Error {
    Error::new(
        Code::StoreUnwritable,
        "The store could not save this: there was no room for what was to be saved with it.",
    )
    .hint(
        "Nothing of this was saved, and what was there is unharmed. Free some space and try again.",
    )
}
