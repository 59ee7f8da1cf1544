//! Where in an object to begin to look for a name.

/// For each of 64 slots, the first member whose name belongs there. Of most names that are absent it is known at once.
#[derive(Clone, Copy)]
pub(super) struct NameIndex([u16; 64]);

impl NameIndex {
    /// In a slot to which no name belongs.
    const ABSENT: u16 = u16::MAX;
    /// Of an object without members.
    pub(super) const EMPTY: Self = Self([Self::ABSENT; 64]);
    /// Of an object whose names were not looked at: any of them may stand anywhere.
    pub(super) const UNKNOWN: Self = Self([0; 64]);

    /// A place before which there is no member of that name; none if there is none at all.
    pub(super) fn first(&self, name: &str) -> Option<usize> {
        self.0.get(slot(name)).filter(|place| **place != Self::ABSENT).map(|place| usize::from(*place))
    }

    /// Says that a member of that name begins at that place, which comes after the places of those before. Answers what
    /// [`Self::first`] said until then.
    pub(super) fn insert(&mut self, name: &str, place: usize) -> Option<usize> {
        let first = self.0.get_mut(slot(name))?;
        if *first != Self::ABSENT {
            return Some(usize::from(*first));
        }
        // A place that is too far to be written down is found from the beginning.
        *first = u16::try_from(place).ok().filter(|place| *place != Self::ABSENT).unwrap_or(0);
        None
    }
}

/// One of 64, by the name's length and its first and last byte. The factors are those that part Keycloak's claims best.
fn slot(name: &str) -> usize {
    let bytes = name.as_bytes();
    let (first, last) = (bytes.first().copied().unwrap_or_default(), bytes.last().copied().unwrap_or_default());
    (name.len().wrapping_mul(7) ^ usize::from(first).wrapping_mul(13) ^ usize::from(last).wrapping_mul(25)) % 64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_says_where_its_first_name_is() {
        let mut places = NameIndex::EMPTY;
        assert_eq!(places.first("iss"), None);
        assert_eq!(places.insert("iss", 3), None);
        assert_eq!(places.insert("iss", 7), Some(3));
        assert_eq!(places.insert("exp", usize::from(u16::MAX) - 1), None);
        assert_eq!([places.first("iss"), places.first("exp"), places.first("aud")], [Some(3), Some(65_534), None]);
        assert_eq!(NameIndex::UNKNOWN.first("iss"), Some(0));
    }

    #[test]
    fn what_is_too_far_is_found_from_the_beginning() {
        for place in [usize::from(u16::MAX), usize::from(u16::MAX) + 1, usize::MAX] {
            let mut places = NameIndex::EMPTY;
            assert_eq!(places.insert("iss", place), None);
            assert_eq!(places.insert("iss", 5), Some(0));
            assert_eq!(places.first("iss"), Some(0));
        }
    }

    #[test]
    fn every_name_that_keycloak_writes_for_a_person_has_a_slot_of_its_own() {
        let names = [
            "acr",
            "allowed-origins",
            "aud",
            "auth_time",
            "azp",
            "email",
            "email_verified",
            "exp",
            "family_name",
            "given_name",
            "iat",
            "iss",
            "jti",
            "name",
            "preferred_username",
            "realm_access",
            "resource_access",
            "scope",
            "sid",
            "sub",
            "typ",
        ];
        let slots: std::collections::BTreeSet<usize> = names.into_iter().map(slot).collect();
        assert_eq!(slots.len(), names.len());
        assert_eq!([slot(""), slot("a"), slot("ab")], [0, 19, 49]);
    }
}
