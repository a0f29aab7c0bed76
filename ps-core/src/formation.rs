//! How many replicas each process type has, and the words of `ps:scale` that change it.

use std::collections::{BTreeMap, BTreeSet};

use crate::names::{MAX_QUANTITY, NameError, ProcessType, Replica};

/// Process type -> quantity, sorted by type.
///
/// ```
/// use ps_core::formation::{Formation, parse_scale};
/// let formation = Formation::initial();
/// let scaled = formation.apply(&parse_scale(&["web=2", "worker=1"])?, None)?;
/// assert_eq!(scaled.to_string(), "web=2 worker=1");
/// # Ok::<(), ps_core::formation::ScaleError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Formation(BTreeMap<ProcessType, u16>);

/// One word of `ps:scale`: `web=2`, `web+=1`, `web-=1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScaleChange {
    /// The type to scale.
    pub process_type: ProcessType,
    /// What to do with its quantity.
    pub quantity: QuantityChange,
}

/// What a scale word does with a quantity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuantityChange {
    /// `=n`
    To(u16),
    /// `+=n`
    Up(u16),
    /// `-=n`
    Down(u16),
}

/// Why a scale is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScaleError {
    /// No `=` in the word.
    #[error("`{word}` has no quantity: write <type>=<quantity>, for example web=2")]
    MissingQuantity {
        /// The word as given.
        word: String,
    },
    /// The quantity is no number from 0 to [`MAX_QUANTITY`].
    #[error("`{word}` has no valid quantity: it must be a whole number from 0 to {MAX_QUANTITY}")]
    InvalidQuantity {
        /// The word as given.
        word: String,
    },
    /// The type is no process type.
    #[error("`{word}` names no process type")]
    InvalidType {
        /// The word as given.
        word: String,
        /// Why.
        #[source]
        source: NameError,
    },
    /// The type stands twice.
    #[error("`{word}` scales {process_type} a second time")]
    Repeated {
        /// The second word.
        word: String,
        /// The type.
        process_type: ProcessType,
    },
    /// The app's Procfile does not have the type.
    #[error("`{process_type}` is not a process type of this app: it has {known}")]
    UnknownType {
        /// The type.
        process_type: ProcessType,
        /// The types of the Procfile, separated by commas.
        known: String,
    },
    /// `release` runs once in a deploy.
    #[error("`release` runs once in every deploy and cannot be scaled")]
    ReleaseIsNotScaled,
    /// A relative change leaves the allowed range.
    #[error("{process_type} would have {quantity} replicas: it must be from 0 to {MAX_QUANTITY}")]
    OutOfRange {
        /// The type.
        process_type: ProcessType,
        /// The quantity it would have.
        quantity: i32,
    },
}

/// Reads the words of `ps:scale`. The first bad word is the error, and names itself.
pub fn parse_scale<S: AsRef<str>>(words: &[S]) -> Result<Vec<ScaleChange>, ScaleError> {
    let mut changes: Vec<ScaleChange> = Vec::new();
    for word in words.iter().map(AsRef::as_ref) {
        let change = parse_change(word)?;
        if changes.iter().any(|other| other.process_type == change.process_type) {
            return Err(ScaleError::Repeated {
                word: word.to_owned(),
                process_type: change.process_type,
            });
        }
        changes.push(change);
    }
    Ok(changes)
}

fn parse_change(word: &str) -> Result<ScaleChange, ScaleError> {
    let missing = || ScaleError::MissingQuantity { word: word.to_owned() };
    let (left, count) = word.split_once('=').ok_or_else(missing)?;
    let is_number = !count.is_empty() && count.bytes().all(|b| b.is_ascii_digit());
    let count = Some(count).filter(|_| is_number).and_then(|count| count.parse().ok());
    let count: u16 = count
        .filter(|count| *count <= MAX_QUANTITY)
        .ok_or_else(|| ScaleError::InvalidQuantity { word: word.to_owned() })?;
    let (name, quantity) = match (left.strip_suffix('+'), left.strip_suffix('-')) {
        (Some(name), _) => (name, QuantityChange::Up(count)),
        (None, Some(name)) => (name, QuantityChange::Down(count)),
        (None, None) => (left, QuantityChange::To(count)),
    };
    let process_type: ProcessType = name.parse().map_err(|source| ScaleError::InvalidType {
        word: word.to_owned(),
        source,
    })?;
    Ok(ScaleChange { process_type, quantity })
}

impl Formation {
    /// What a new app has: `web=1`.
    pub fn initial() -> Self {
        Self(BTreeMap::from([(ProcessType::web(), 1)]))
    }

    /// The quantity of a type; 0 when it is not named.
    pub fn quantity(&self, process_type: &ProcessType) -> u16 {
        self.0.get(process_type).copied().unwrap_or(0)
    }

    /// All named types with their quantities, sorted by type.
    pub fn iter(&self) -> impl Iterator<Item = (&ProcessType, u16)> {
        self.0.iter().map(|(process_type, quantity)| (process_type, *quantity))
    }

    /// Whether a replica should exist.
    pub fn contains(&self, replica: &Replica) -> bool {
        self.quantity(replica.process_type()) >= replica.index()
    }

    /// Every replica that should exist, sorted by type and number.
    pub fn replicas(&self) -> impl Iterator<Item = Replica> + '_ {
        self.iter().flat_map(|(process_type, quantity)| {
            (1..=quantity).filter_map(|index| Replica::new(process_type.clone(), index))
        })
    }

    /// The formation after the changes. `known` are the types of the Procfile, when one is known: others can only be set
    /// to 0.
    pub fn apply(&self, changes: &[ScaleChange], known: Option<&BTreeSet<ProcessType>>) -> Result<Self, ScaleError> {
        let mut result = self.clone();
        for change in changes {
            let quantity = self.changed_quantity(change)?;
            let process_type = &change.process_type;
            if quantity > 0 && process_type.is_release() {
                return Err(ScaleError::ReleaseIsNotScaled);
            }
            if let Some(known) = known.filter(|known| quantity > 0 && !known.contains(process_type)) {
                let known: Vec<&str> = known.iter().map(ProcessType::as_str).collect();
                return Err(ScaleError::UnknownType {
                    process_type: process_type.clone(),
                    known: known.join(", "),
                });
            }
            result.0.insert(process_type.clone(), quantity);
        }
        Ok(result)
    }

    fn changed_quantity(&self, change: &ScaleChange) -> Result<u16, ScaleError> {
        let before = i32::from(self.quantity(&change.process_type));
        let quantity = match change.quantity {
            QuantityChange::To(count) => i32::from(count),
            QuantityChange::Up(count) => before + i32::from(count),
            QuantityChange::Down(count) => before - i32::from(count),
        };
        u16::try_from(quantity)
            .ok()
            .filter(|quantity| *quantity <= MAX_QUANTITY)
            .ok_or_else(|| ScaleError::OutOfRange {
                process_type: change.process_type.clone(),
                quantity,
            })
    }

    /// The formation after a deploy of a Procfile: its types appear with 0, types that vanished with 0 disappear.
    #[must_use]
    pub fn with_types(&self, types: &BTreeSet<ProcessType>) -> Self {
        let mut result = self.clone();
        result
            .0
            .retain(|process_type, quantity| *quantity > 0 || types.contains(process_type));
        for process_type in types {
            result.0.entry(process_type.clone()).or_insert(0);
        }
        result
    }
}

impl FromIterator<(ProcessType, u16)> for Formation {
    fn from_iter<I: IntoIterator<Item = (ProcessType, u16)>>(iter: I) -> Self {
        Self(iter.into_iter().collect())
    }
}

impl std::fmt::Display for Formation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (position, (process_type, quantity)) in self.iter().enumerate() {
            let gap = if position == 0 { "" } else { " " };
            write!(f, "{gap}{process_type}={quantity}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_words_name_themselves() {
        let cases: [&[&str]; 12] = [
            &["web=-1"],
            &["web=x"],
            &["web=1", "web=2"],
            &["web"],
            &["web="],
            &["=1"],
            &["Web=1"],
            &["web=+1"],
            &["web=1001"],
            &["web=1.5"],
            &["web=99999999999"],
            &["web==1"],
        ];
        for words in cases {
            let error = parse_scale(words).unwrap_err().to_string();
            assert!(error.contains(words[words.len() - 1]), "{error}");
        }
    }

    #[test]
    fn unknown_types_can_only_be_set_to_zero() {
        let known = BTreeSet::from([ProcessType::web()]);
        let scale = |word| Formation::initial().apply(&parse_scale(&[word]).unwrap(), Some(&known));
        assert!(scale("nosuch=2").unwrap_err().to_string().contains("nosuch"));
        assert_eq!(scale("nosuch=0").unwrap().to_string(), "nosuch=0 web=1");
    }

    #[test]
    fn release_is_never_scaled() {
        let scale = |word| Formation::initial().apply(&parse_scale(&[word]).unwrap(), None);
        assert_eq!(scale("release=1"), Err(ScaleError::ReleaseIsNotScaled));
        assert!(scale("release=0").is_ok());
    }

    #[test]
    fn relative_changes_stay_in_range() {
        let scale = |word| Formation::initial().apply(&parse_scale(&[word]).unwrap(), None);
        assert_eq!(scale("web+=2").unwrap().to_string(), "web=3");
        assert_eq!(scale("web-=1").unwrap().to_string(), "web=0");
        assert!(scale("web-=2").is_err());
        assert!(scale("web+=1000").is_err());
    }
}
