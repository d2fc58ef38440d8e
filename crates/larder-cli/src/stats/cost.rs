//! What a load costs in the units that clouds count: docs/layouts.md says how many an operation takes.

use serde::Serialize;

const SECONDS_A_MONTH: f64 = 30.0 * 24.0 * 3600.0;
/// What DynamoDB stores of an item beside its key and its value.
const DYNAMODB_OVERHEAD: u64 = 60;
const DYNAMODB_READ_UNIT: u64 = 4 * 1024;
const DYNAMODB_WRITE_UNIT: u64 = 1024;

/// Reads and writes in a second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) reads: f64,
    pub(crate) writes: f64,
}

/// The sizes of the entries that are read and written: those of the store.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sizes {
    entries: u64,
    read_units: u64,
    write_units: u64,
    bytes: u64,
}

/// How many units of one kind a month takes.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(crate) struct Cost {
    pub(crate) cloud: &'static str,
    pub(crate) unit: &'static str,
    #[serde(rename = "aMonth")]
    pub(crate) a_month: f64,
}

impl Sizes {
    pub(crate) fn add(&mut self, key: usize, value: usize) {
        let item = (key + value) as u64 + DYNAMODB_OVERHEAD;
        self.entries += 1;
        self.read_units += item.div_ceil(DYNAMODB_READ_UNIT);
        self.write_units += item.div_ceil(DYNAMODB_WRITE_UNIT);
        self.bytes += item;
    }

    /// What a month of the load costs, if it reads and writes entries such as these, each alike.
    pub(crate) fn month(&self, load: Load) -> Vec<Cost> {
        // A store that is empty is reckoned with entries of the smallest size.
        let of_each = |units: u64| if self.entries == 0 { 1.0 } else { units as f64 / self.entries as f64 };
        let (reads, writes) = (load.reads * SECONDS_A_MONTH, load.writes * SECONDS_A_MONTH);
        let gigabytes = self.bytes as f64 / 1024.0_f64.powi(3);
        vec![
            cost("DynamoDB", "read units", reads * of_each(self.read_units)),
            cost("DynamoDB", "write units", writes * of_each(self.write_units)),
            cost("DynamoDB", "GB stored", gigabytes),
            cost("Firestore", "document reads", reads),
            cost("Firestore", "document writes", writes),
            cost("Firestore", "GB stored", gigabytes),
            cost("Azure Tables", "transactions", reads + writes),
            cost("Azure Tables", "GB stored", gigabytes),
        ]
    }
}

fn cost(cloud: &'static str, unit: &'static str, a_month: f64) -> Cost {
    Cost { cloud, unit, a_month }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_those_of_the_layouts() {
        let mut sizes = Sizes::default();
        // A full value: 25 write units and 7 read units. A small one: one of each.
        sizes.add(10, 24_576);
        sizes.add(10, 1);
        let month = sizes.month(Load { reads: 1.0, writes: 2.0 });
        let of = |cloud, unit| {
            let cost = month.iter().find(|cost| cost.cloud == cloud && cost.unit == unit);
            cost.map(|cost| cost.a_month)
        };
        assert_eq!(of("DynamoDB", "read units"), Some(SECONDS_A_MONTH * 4.0));
        assert_eq!(of("DynamoDB", "write units"), Some(SECONDS_A_MONTH * 26.0));
        assert_eq!(of("Firestore", "document writes"), Some(SECONDS_A_MONTH * 2.0));
        assert_eq!(of("Azure Tables", "transactions"), Some(SECONDS_A_MONTH * 3.0));
    }
}
