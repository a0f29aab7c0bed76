//! The names of a file and the lines they are on. Invariant: whatever the names are, each costs a bounded number of
//! comparisons and at most one search of a sorted tree, so no file can be made that is slow to check.

use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;

/// So many names are simply compared one after another.
const FEW: usize = 16;
/// The table's first size; a power of two, as all its sizes.
const FIRST_SLOTS: usize = 64;
/// So many slots are looked at for one name; only names made to collide need more.
const MOST_PROBES: usize = 24;

/// A name by its place in the file. Line 0 is an empty slot.
#[derive(Debug, Clone, Copy, Default)]
struct Slot<'a> {
    name: &'a [u8],
    hash: u32,
    line: u32,
}

/// The names seen so far.
#[derive(Debug)]
pub(crate) struct SeenNames<'a> {
    few: [Slot<'a>; FEW],
    count: usize,
    /// Open addressing, at most half full; empty while `few` is enough.
    slots: Vec<Slot<'a>>,
    /// Names for which the table had no slot within reach.
    crowded_out: BTreeMap<&'a [u8], u32>,
}

impl<'a> SeenNames<'a> {
    pub(crate) fn new() -> Self {
        Self {
            few: [Slot::default(); FEW],
            count: 0,
            slots: Vec::new(),
            crowded_out: BTreeMap::new(),
        }
    }

    /// Remembers a name and its line, from 1; the line it was first seen on, when it was.
    pub(crate) fn insert(&mut self, name: &'a [u8], line: u32) -> Option<u32> {
        let known = self.few.iter().take(self.count).find(|slot| slot.name == name);
        if let Some(slot) = known {
            return Some(slot.line);
        }
        if let Some(slot) = self.few.get_mut(self.count) {
            *slot = Slot { name, hash: 0, line };
            self.count += 1;
            return None;
        }
        self.make_room();
        let slot = Slot {
            name,
            hash: hash_of(name),
            line,
        };
        self.place(slot).inspect(|_| self.count -= 1)
    }

    /// Counts one more name, and doubles the table when it would be more than half full.
    fn make_room(&mut self) {
        self.count += 1;
        if self.count * 2 <= self.slots.len() {
            return;
        }
        let size = (self.slots.len() * 2).max(FIRST_SLOTS);
        let before = core::mem::replace(&mut self.slots, vec![Slot::default(); size]);
        for slot in before.into_iter().filter(|slot| slot.line > 0) {
            self.place(slot);
        }
    }

    /// Puts a name into the table, or beside it when it is crowded there.
    fn place(&mut self, new: Slot<'a>) -> Option<u32> {
        if let Some(line) = self.crowded_out.get(new.name) {
            return Some(*line);
        }
        let mask = self.slots.len().wrapping_sub(1);
        let first = new.hash as usize;
        for probe in 0..MOST_PROBES {
            let Some(slot) = self.slots.get_mut(first.wrapping_add(probe) & mask) else {
                break;
            };
            if slot.line == 0 {
                *slot = new;
                return None;
            }
            if slot.hash == new.hash && slot.name == new.name {
                return Some(slot.line);
            }
        }
        self.crowded_out.insert(new.name, new.line);
        None
    }
}

/// Mixes eight bytes at a time. It need not be hard to collide: the table bounds what collisions cost.
fn hash_of(name: &[u8]) -> u32 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let (words, rest) = name.as_chunks::<8>();
    let mut tail = [0; 8];
    for (to, from) in tail.iter_mut().zip(rest) {
        *to = *from;
    }
    let mix = |hash: u64, word: &[u8; 8]| {
        let mixed = (hash ^ u64::from_le_bytes(*word)).wrapping_mul(ODD);
        mixed ^ (mixed >> 32)
    };
    let hash = mix(words.iter().fold(name.len() as u64, mix), &tail);
    #[expect(clippy::cast_possible_truncation, reason = "the low half is the mixed one")]
    let low = hash as u32;
    low
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::String;

    #[test]
    fn every_name_is_found_again_with_its_first_line() {
        let names: Vec<String> = (1..5_000).map(|number| format!("n{number}")).collect();
        let mut seen = SeenNames::new();
        for (line, name) in (1..).zip(&names) {
            assert_eq!(seen.insert(name.as_bytes(), line), None, "{name}");
            assert_eq!(seen.insert(name.as_bytes(), line + 1), Some(line), "{name}");
        }
        for (line, name) in (1..).zip(&names) {
            assert_eq!(seen.insert(name.as_bytes(), 9_999), Some(line), "{name}");
        }
        assert!(seen.crowded_out.len() < names.len() / 100, "{}", seen.crowded_out.len());
    }

    #[test]
    fn names_that_collide_are_found_again_too() {
        // Many names of one slot of the first table, found by trying.
        let all = (0..2_000_000_u32).map(|number| format!("c{number}"));
        let collide = |name: &String| hash_of(name.as_bytes()).is_multiple_of(2048);
        let names: Vec<String> = all.filter(collide).take(600).collect();
        assert_eq!(names.len(), 600);
        let mut seen = SeenNames::new();
        for (line, name) in (1..).zip(&names) {
            assert_eq!(seen.insert(name.as_bytes(), line), None, "{name}");
        }
        assert!(seen.crowded_out.len() > 300, "{}", seen.crowded_out.len());
        for (line, name) in (1..).zip(&names) {
            assert_eq!(seen.insert(name.as_bytes(), 9_999), Some(line), "{name}");
        }
    }
}
