//! A list in pieces that a picture of it shares: what changes later is copied first.

use std::sync::Arc;

/// Items of a piece: what one change copies while somebody else holds the piece.
const PIECE: usize = 64;

/// Pieces whose items make one part of a checkpoint: about a megabyte.
const PART: usize = 256;

/// A list that only grows. Cloning it costs a count of references a piece.
pub(super) struct Pieces<T> {
    /// The last one is filled up with clones of its first item.
    pieces: Vec<Arc<[T; PIECE]>>,
    length: usize,
}

impl<T> Default for Pieces<T> {
    fn default() -> Self {
        Self { pieces: Vec::new(), length: 0 }
    }
}

impl<T> Clone for Pieces<T> {
    fn clone(&self) -> Self {
        Self { pieces: self.pieces.clone(), length: self.length }
    }
}

impl<T: Clone> Pieces<T> {
    pub(super) fn len(&self) -> usize {
        self.length
    }

    pub(super) fn get(&self, index: u32) -> &T {
        let index = index as usize;
        &self.pieces[index / PIECE][index % PIECE]
    }

    pub(super) fn get_mut(&mut self, index: u32) -> &mut T {
        let index = index as usize;
        &mut Arc::make_mut(&mut self.pieces[index / PIECE])[index % PIECE]
    }

    /// Appends an item, and says its index.
    pub(super) fn push(&mut self, item: T) -> u32 {
        let index = u32::try_from(self.length).expect("visitors and what they see are bounded");
        self.length += 1;
        if index as usize / PIECE == self.pieces.len() {
            self.pieces.push(Arc::new(std::array::from_fn(|_| item.clone())));
        } else {
            *self.get_mut(index) = item;
        }
        index
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.pieces.iter().flat_map(|piece| piece.iter()).take(self.length)
    }

    /// The list in lists of a part each. What has been taken is let go of.
    pub(super) fn into_parts(self) -> impl Iterator<Item = Self> {
        let Self { pieces, mut length } = self;
        let mut pieces = pieces.into_iter();
        std::iter::from_fn(move || {
            let part: Vec<_> = pieces.by_ref().take(PART).collect();
            let of_part = length.min(part.len() * PIECE);
            length -= of_part;
            (of_part > 0).then_some(Self { pieces: part, length: of_part })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_stays_as_it_was_while_the_list_goes_on() {
        let mut list = Pieces::default();
        for number in 0..100_u32 {
            assert_eq!(list.push(number), number);
        }
        let picture = list.clone();
        *list.get_mut(3) = 1000;
        list.push(100);
        assert!(picture.iter().copied().eq(0..100));
        assert_eq!((*list.get(3), *list.get(100), list.len()), (1000, 100, 101));
    }

    #[test]
    fn parts_have_every_item_once_and_in_order() {
        for length in [0, 1, 63, 64, 65, 16_384, 16_385, 40_000] {
            let mut list = Pieces::default();
            assert!((0..length).all(|number: u32| list.push(number) == number));
            let parts: Vec<Vec<u32>> =
                list.into_parts().map(|part| part.iter().copied().collect()).collect();
            assert_eq!(parts.len(), length.div_ceil(16_384) as usize);
            assert!(parts.concat().into_iter().eq(0..length));
        }
    }
}
