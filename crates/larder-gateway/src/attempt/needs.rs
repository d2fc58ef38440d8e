//! What an attempt takes.

use larder_core::driver::{Guard, Mutation, Write};
use larder_remote::wire::Call;

use crate::permission::{Permission, Permissions};

/// The permissions that a call takes, all of them.
///
/// Whatever may show what is stored takes `read`: a write with a condition is answered with the record that it met, and an
/// increment with the number. Whether a store is there, whoever may use it may know.
pub(super) fn needs(call: &Call) -> Permissions {
    match call {
        Call::Get { .. } | Call::GetBatch { .. } => Permissions::from_iter([Permission::Read]),
        Call::Scan(_) => Permissions::from_iter([Permission::Scan]),
        Call::Increment { .. } => Permissions::from_iter([Permission::Read, Permission::Write]),
        Call::Write { write, .. } => of_write(write).collect(),
        Call::WriteBatch(writes) => writes.iter().flat_map(|(_, write)| of_write(write)).collect(),
        Call::Check => Permissions::NONE,
    }
}

fn of_write(write: &Write) -> impl Iterator<Item = Permission> + use<> {
    let changes = match write.mutation {
        Mutation::Put { .. } | Mutation::Touch { .. } => Permission::Write,
        Mutation::Delete => Permission::Delete,
    };
    let shows = (write.guard != Guard::Always).then_some(Permission::Read);
    [changes].into_iter().chain(shows)
}

#[cfg(test)]
mod tests {
    use larder_core::driver::{Consistency, Increment, Projection, Read, ScanRequest, ScanStart, Shard};
    use larder_core::record::WriteStamp;
    use larder_core::{CanonicalKey, Expiry, Timestamp};

    use super::*;

    #[test]
    fn whatever_may_show_what_is_stored_takes_read() {
        let key = || CanonicalKey::from_canonical("k").expect("canonical");
        let read = Read { projection: Projection::Full, consistency: Consistency::Strong };
        let stamp = WriteStamp::new(Timestamp::from_millis(0));
        let write = |mutation, guard| Write { mutation, guard, stamp };
        let put = || Mutation::Put { value: "v".into(), expires_at: Expiry::NEVER, register: None };
        let touch = Mutation::Touch { expires_at: Expiry::NEVER };
        let scan = ScanRequest {
            shard: Shard(0),
            start: ScanStart::At(String::new()),
            end: String::new(),
            limit: 1,
            max_bytes: 1,
            read,
        };
        let batch =
            vec![(key(), write(put(), Guard::Always)), (key(), write(Mutation::Delete, Guard::Always))];
        let one = |write| Call::Write { key: key(), write };
        for (call, needed) in [
            (Call::Get { key: key(), read }, "read"),
            (Call::GetBatch { keys: vec![], read }, "read"),
            (Call::Scan(scan), "scan"),
            (one(write(put(), Guard::Always)), "write"),
            (one(write(put(), Guard::Absent)), "read write"),
            (one(write(touch, Guard::Live)), "read write"),
            (one(write(Mutation::Delete, Guard::Always)), "delete"),
            (one(write(Mutation::Delete, Guard::Live)), "read delete"),
            (
                Call::Increment {
                    key: key(),
                    increment: Increment { delta: 1, expires_at: Expiry::NEVER, stamp },
                },
                "read write",
            ),
            (Call::WriteBatch(batch), "write delete"),
            (Call::Check, ""),
        ] {
            let names: Vec<_> = needs(&call).iter().map(Permission::as_str).collect();
            assert_eq!(names.join(" "), needed, "{call:?}");
        }
    }
}
