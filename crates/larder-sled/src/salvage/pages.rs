//! Pages, put together from their messages.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};

use super::log::{Kind, Message};
use super::wire::Wire;

const LEAF: u8 = 0;
const SET: u8 = 0;
const DELETE: u8 = 1;

/// The pages of all trees.
#[derive(Debug, Default)]
pub(super) struct Pages(HashMap<u64, Page>);

/// The rows of one page, each with its key as the page has it, and where in the log it is from.
#[derive(Debug, Default)]
struct Page {
    /// What all keys begin with, which is left out in the page.
    prefix: Vec<u8>,
    rows: BTreeMap<Vec<u8>, (u64, Vec<u8>)>,
}

impl Pages {
    /// Takes a message in, which must come behind those that were written before it.
    pub(super) fn apply(&mut self, message: Message<'_>) {
        match message.kind {
            Kind::Free => {
                self.0.remove(&message.page);
            }
            Kind::Node => match leaf(message.body, message.position) {
                Some(page) => {
                    self.0.insert(message.page, page);
                }
                // An inner page: its number may have been a leaf's before.
                None => {
                    self.0.remove(&message.page);
                }
            },
            Kind::Link => {
                // Without the page itself its prefix is unknown, and with it the key.
                if let Some(page) = self.0.get_mut(&message.page) {
                    link(page, message.body, message.position);
                }
            }
            Kind::Other => {}
        }
    }

    /// The rows of all pages; where two have the same key, the one that was written last.
    pub(super) fn into_rows(self) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
        let mut all: BTreeMap<Vec<u8>, (u64, Vec<u8>)> = BTreeMap::new();
        for page in self.0.into_values() {
            for (key, row) in page.rows {
                match all.entry([&page.prefix[..], &key].concat()) {
                    Entry::Vacant(place) => {
                        place.insert(row);
                    }
                    Entry::Occupied(mut place) if place.get().0 < row.0 => {
                        place.insert(row);
                    }
                    Entry::Occupied(_) => {}
                }
            }
        }
        all.into_iter().map(|(key, (_, value))| (key, value))
    }
}

/// A leaf: its neighbours, whether it is being merged, its bounds, its keys, and their values.
fn leaf(body: &[u8], position: u64) -> Option<Page> {
    let mut wire = Wire(body);
    wire.number()?;
    wire.number()?;
    wire.byte()?;
    let prefix = usize::from(wire.byte()?);
    let low = wire.text()?;
    wire.text()?;
    if wire.byte()? != LEAF {
        return None;
    }
    let count = wire.number()?;
    let keys = (0..count).map(|_| wire.text()).collect::<Option<Vec<_>>>()?;
    let mut rows = BTreeMap::new();
    for key in keys {
        rows.insert(key.to_vec(), (position, wire.text()?.to_vec()));
    }
    Some(Page { prefix: low.get(..prefix)?.to_vec(), rows })
}

fn link(page: &mut Page, body: &[u8], position: u64) -> Option<()> {
    let mut wire = Wire(body);
    match wire.byte()? {
        SET => {
            let (key, value) = (wire.text()?, wire.text()?);
            page.rows.insert(key.to_vec(), (position, value.to_vec()));
        }
        DELETE => {
            page.rows.remove(wire.text()?);
        }
        // Of the tree's inner workings.
        _ => {}
    }
    Some(())
}
