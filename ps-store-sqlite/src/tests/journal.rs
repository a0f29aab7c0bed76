//! The journal.

use ps_core::names::AppName;
use ps_core::store::{JournalEntry, JournalState, Store, StoreChange};

use super::{moment, new_store, parse, shop};
use crate::journal::KEPT;

fn entry(app: &AppName, step: usize, state: JournalState) -> JournalEntry {
    JournalEntry {
        app: app.clone(),
        verb: "ps:restart".into(),
        step,
        text: format!("start shop.web.{step}"),
        state,
        at: moment(1),
    }
}

#[tokio::test]
async fn the_newest_lines_come_oldest_first() {
    let (_folder, store) = new_store();
    let lines = [
        entry(&shop(), 1, JournalState::Started),
        entry(&shop(), 1, JournalState::Done),
        entry(&shop(), 2, JournalState::Failed("no such image".into())),
    ];
    for line in &lines {
        store.journal(line.clone()).await.unwrap();
    }
    store
        .journal(entry(&parse("other"), 9, JournalState::Done))
        .await
        .unwrap();
    assert_eq!(store.read_journal(&shop(), 9).await.unwrap(), lines);
    assert_eq!(store.read_journal(&shop(), 2).await.unwrap(), lines[1..]);
    assert_eq!(store.read_journal(&parse("nobody"), 9).await.unwrap(), []);
}

#[tokio::test]
async fn only_the_newest_lines_of_an_app_are_kept() {
    let (_folder, store) = new_store();
    let other: AppName = parse("other");
    store.journal(entry(&other, 0, JournalState::Done)).await.unwrap();
    let count = KEPT as usize + 10;
    for step in 0..count {
        store.journal(entry(&shop(), step, JournalState::Done)).await.unwrap();
    }
    let kept = store.read_journal(&shop(), usize::MAX).await.unwrap();
    assert_eq!(kept.len(), KEPT as usize);
    assert_eq!((kept[0].step, kept.last().unwrap().step), (10, count - 1));
    assert_eq!(store.read_journal(&other, 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn lines_follow_a_rename_and_go_with_the_app() {
    let (_folder, store) = new_store();
    store.journal(entry(&shop(), 1, JournalState::Done)).await.unwrap();
    let to: AppName = parse("boutique");
    let rename = StoreChange::RenameApp {
        app: shop(),
        to: to.clone(),
    };
    store.apply(&[StoreChange::CreateApp(shop()), rename]).await.unwrap();
    assert_eq!(store.read_journal(&shop(), 9).await.unwrap(), []);
    assert_eq!(
        store.read_journal(&to, 9).await.unwrap(),
        [entry(&to, 1, JournalState::Done)]
    );
    store.apply(&[StoreChange::DestroyApp(to.clone())]).await.unwrap();
    assert_eq!(store.read_journal(&to, 9).await.unwrap(), []);
}
