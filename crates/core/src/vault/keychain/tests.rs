use super::super::tests::support::{Fake, Mood, PATIENCE};
use super::*;

fn short_of_owner() -> Patience {
    Patience {
        owner: Duration::from_millis(50),
        ..PATIENCE
    }
}

fn code<T>(outcome: Result<T>) -> Option<Code> {
    outcome.err().map(|error| error.code())
}

#[tokio::test]
async fn what_is_written_is_read_and_what_is_removed_is_gone() {
    let keychain = Keychain::with(Fake::new(), PATIENCE);
    assert!(keychain.read("vault").await.unwrap().is_none());
    keychain.write("vault", &[9; 32]).await.unwrap();
    assert_eq!(
        keychain.read("vault").await.unwrap().unwrap().as_slice(),
        [9; 32]
    );
    keychain.remove("vault").await.unwrap();
    keychain.remove("vault").await.unwrap();
    assert!(keychain.read("vault").await.unwrap().is_none());
}

#[tokio::test]
async fn a_keychain_that_never_answers_is_given_up_and_used_again_when_it_does() {
    let fake = Fake::new();
    let keychain = Keychain::with(fake.clone(), PATIENCE);
    fake.mood(Mood::Silent);
    let waiting = keychain.waiting();
    assert_eq!(
        code(keychain.read("vault").await),
        Some(Code::KeychainUnavailable)
    );
    assert!(!waiting.has_changed().unwrap(), "nobody is being asked");
    fake.release();
    assert!(keychain.read("vault").await.unwrap().is_none());
}

#[tokio::test]
async fn while_the_owner_is_asked_the_wait_is_shown_and_goes_on() {
    let fake = Fake::new();
    let keychain = Keychain::with(fake.clone(), PATIENCE);
    fake.mood(Mood::Asking);
    let mut waiting = keychain.waiting();
    let owner = async {
        waiting.wait_for(|is_shown| *is_shown).await.unwrap();
        // Longer than an answer may take; the owner is allowed more than that.
        tokio::time::sleep(PATIENCE.answer).await;
        fake.release();
    };
    let (answer, ()) = tokio::join!(keychain.read("vault"), owner);
    assert!(answer.unwrap().is_none());
    assert!(
        !*keychain.waiting().borrow(),
        "the notice was left standing"
    );
}

#[tokio::test]
async fn an_owner_who_does_not_come_ends_the_wait() {
    let fake = Fake::new();
    let keychain = Keychain::with(fake.clone(), short_of_owner());
    fake.mood(Mood::Asking);
    let error = keychain.read("vault").await.unwrap_err();
    assert_eq!(error.code(), Code::KeychainUnavailable);
    assert!(error.message().contains("locked"), "{error}");
    fake.release();
}

#[tokio::test]
async fn cancelling_takes_the_notice_down_and_wipes_the_late_answer() {
    let fake = Fake::new();
    let keychain = Keychain::with(fake.clone(), PATIENCE);
    keychain.write("vault", &[9; 32]).await.unwrap();
    fake.mood(Mood::Asking);
    let mut waiting = keychain.waiting();
    {
        let call = keychain.read("vault");
        // The guard that `wait_for` returns must not outlive it: it holds the notice's lock.
        let shown = async { waiting.wait_for(|is_shown| *is_shown).await.map(drop) };
        tokio::select! {
            _ = call => panic!("it was answered"),
            shown = shown => shown.unwrap(),
        }
    }
    assert!(!*keychain.waiting().borrow());
    fake.release();
    // The thread is still the only one: the late answer comes before the next one.
    assert!(keychain.read("vault").await.unwrap().is_some());
}

#[test]
fn a_silent_keychain_does_not_hold_up_the_end_of_the_runtime() {
    let fake = Fake::new();
    let keychain = Keychain::with(fake.clone(), PATIENCE);
    fake.mood(Mood::Silent);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    assert_eq!(
        code(runtime.block_on(keychain.read("vault"))),
        Some(Code::KeychainUnavailable)
    );
    // Would wait for ever if the call ran on one of the runtime's own blocking threads.
    drop(runtime);
    drop(keychain);
}
