//! What a reader may see.
//!
//! *Owns* thresholds and folding. *In*: the cells of a breakdown. *Out*: the cells that a reader
//! may see, the others as one.
//! *Never* lets a number below a reader's threshold past it.
//!
//! What it keeps: from one breakdown and its total, no reader with a threshold of 3 or more learns
//! the count of a folded cell (a threshold of 2 folds only ones, which is a number by itself). What
//! it cannot keep by itself: two breakdowns that overlap subtract too. So `stats` gives a reader
//! with a threshold one dimension at a time and no filters. Ranges of days that overlap are not
//! guarded yet: shared links, which bring such readers, need fixed ranges for that.

#[cfg(test)]
mod tests;

/// Who reads: what they may see depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reader {
    k: i64,
}

impl Reader {
    /// The owner of the figures sees every cell.
    pub const OWNER: Self = Self { k: 1 };

    /// A reader who may not see a cell of fewer than `visitors`; below 1 is 1.
    #[must_use]
    pub fn with_threshold(visitors: u32) -> Self {
        Self { k: i64::from(visitors.max(1)) }
    }

    /// Whether every cell may be seen.
    #[must_use]
    pub fn sees_all(self) -> bool {
        self.k <= 1
    }

    /// The fewest visitors of a cell that is shown.
    #[must_use]
    pub fn threshold(self) -> i64 {
        self.k
    }
}

/// One cell of a breakdown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The value it stands for.
    pub name: String,
    /// Its visitors: what decides whether it is shown.
    pub visitors: i64,
    /// Its counters, which add up.
    pub counters: Vec<i64>,
}

/// What is left of a breakdown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folded {
    /// The cells that are shown as they are, in their order.
    pub shown: Vec<Cell>,
    /// The sum of the others: at least two, with at least the threshold's visitors.
    pub other: Option<Cell>,
}

/// The name of the folded cells' sum.
pub const OTHER: &str = "Other";

/// Folds the cells that `reader` may not see into one. Where they are too few to hide each other,
/// the smallest of the rest join them, so that the total minus what is shown is never one cell.
/// Where all cells together cannot hide each other, nothing is shown.
#[must_use]
pub fn fold(reader: Reader, cells: Vec<Cell>) -> Folded {
    let small = cells.iter().filter(|cell| cell.visitors < reader.k).count();
    if reader.sees_all() || small == 0 {
        return Folded { shown: cells, other: None };
    }
    let mut sizes: Vec<i64> = cells.iter().map(|cell| cell.visitors).collect();
    sizes.sort_unstable();
    let hides = hidden_up_to(reader.k, &sizes);
    let enough = hides.is_some();
    let hides = hides.unwrap_or(i64::MAX);
    let (folded, shown): (Vec<_>, Vec<_>) =
        cells.into_iter().partition(|cell| cell.visitors <= hides);
    Folded { shown, other: enough.then(|| sum(folded)) }
}

/// The size up to which cells are folded; none: all of them together are too few. It looks at
/// sizes only, and takes all cells of a size or none: so a folded cell could trade its count with
/// any other folded one, and nothing that is shown would change.
fn hidden_up_to(k: i64, sizes: &[i64]) -> Option<i64> {
    let (mut members, mut visitors) = (0_i64, 0_i64);
    for (place, size) in sizes.iter().enumerate() {
        members += 1;
        visitors += size;
        let last_small_or_of_its_size =
            sizes.get(place + 1).is_none_or(|next| *next >= k && next > size);
        // As large as small cells can be, all of them: their sum would tell each.
        let full = visitors == members * (k - 1);
        if last_small_or_of_its_size && members >= 2 && visitors >= k && !full {
            return Some(*size);
        }
    }
    None
}

fn sum(cells: Vec<Cell>) -> Cell {
    let mut sum = Cell { name: OTHER.to_owned(), visitors: 0, counters: Vec::new() };
    for cell in cells {
        sum.visitors += cell.visitors;
        sum.counters.resize(sum.counters.len().max(cell.counters.len()), 0);
        for (total, counter) in sum.counters.iter_mut().zip(cell.counters) {
            *total += counter;
        }
    }
    sum
}
