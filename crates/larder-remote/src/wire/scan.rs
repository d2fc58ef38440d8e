//! Ranges and their rows.

use larder_core::driver::{ScanReply, ScanRequest, ScanRow, ScanStart, Shard, StoredKey};
use smol_str::SmolStr;

use super::codec::{Input, Malformed, Output, Wire};

impl Wire for ScanRequest {
    fn put(&self, to: &mut Output) {
        let (is_behind, start) = match &self.start {
            ScanStart::At(text) => (false, SmolStr::new(text)),
            ScanStart::After(key) => (true, SmolStr::new(key.as_str())),
        };
        is_behind.put(to);
        start.put(to);
        self.end.put(to);
        capped(self.limit).put(to);
        capped(self.max_bytes).put(to);
        self.read.put(to);
    }

    fn read(from: &mut Input) -> Result<Self, Malformed> {
        let is_behind = bool::read(from)?;
        let start = SmolStr::read(from)?;
        let start =
            if is_behind { ScanStart::After(StoredKey::from(start)) } else { ScanStart::At(start.into()) };
        Ok(Self {
            // To who asks there is one.
            shard: Shard(0),
            start,
            end: Wire::read(from)?,
            limit: u32::read(from)? as usize,
            max_bytes: u32::read(from)? as usize,
            read: Wire::read(from)?,
        })
    }
}

fn capped(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

impl Wire for ScanRow {
    fn put(&self, to: &mut Output) {
        self.key.put(to);
        self.record.put(to);
    }

    fn read(from: &mut Input) -> Result<Self, Malformed> {
        Ok(Self { key: Wire::read(from)?, record: Wire::read(from)? })
    }
}

impl Wire for ScanReply {
    fn put(&self, to: &mut Output) {
        self.rows.put(to);
        self.more.put(to);
    }

    fn read(from: &mut Input) -> Result<Self, Malformed> {
        Ok(Self { rows: Wire::read(from)?, more: Wire::read(from)? })
    }
}
