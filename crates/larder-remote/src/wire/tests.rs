//! What is written is read back, and nothing else is.

use std::time::Duration;

use bytes::Bytes;
use larder_core::driver::{
    BatchItem, Consistency, DriverError, Guard, Health, Increment, IncrementReply, Mutation, Observed,
    Projection, Read, ScanReply, ScanRequest, ScanRow, ScanStart, Shard, Write, WriteReply,
};
use larder_core::record::{Applied, Record, Register, Revision, WriteId, WriteStamp};
use larder_core::{CanonicalKey, ErrorKind, Expiry, Timestamp};
use proptest::prelude::{any, prop_assert_eq, proptest};

use super::{Attempt, Call, Method, Outcome, Reply, decode_outcome, encode_outcome};

const SENT: Timestamp = Timestamp::from_millis(1_767_225_600_000);
const READ: Read = Read { projection: Projection::Meta, consistency: Consistency::Eventual };

fn key() -> CanonicalKey {
    CanonicalKey::from_canonical("user:1~2F2").expect("canonical")
}

fn stamp() -> WriteStamp {
    WriteStamp { id: WriteId::from_bytes(*b"0123456789abcdef"), at: SENT }
}

fn later() -> Expiry {
    Expiry::at(SENT.plus(Duration::from_secs(60)))
}

fn register() -> Option<Box<Register>> {
    Some(Box::new(Register::from_history(vec![Applied { stamp: stamp(), result: -7 }])))
}

fn record() -> Record {
    Record {
        value: Bytes::from_static(b"\0value\xff"),
        expires_at: later(),
        stamp: stamp(),
        revision: Revision::Platform("W/\"1\"".into()),
        register: register(),
    }
}

fn write(mutation: Mutation, guard: Guard) -> Write {
    Write { mutation, guard, stamp: stamp() }
}

fn calls() -> Vec<Call> {
    let put = Mutation::Put { value: Bytes::from_static(b"v"), expires_at: later(), register: register() };
    let whose = Guard::Revision(Revision::WriteId(stamp().id));
    let scan = |start| ScanRequest {
        shard: Shard(0),
        start,
        end: "user:\u{7f}".into(),
        limit: 100,
        max_bytes: 4 << 20,
        read: READ,
    };
    vec![
        Call::Get { key: key(), read: READ },
        Call::Write { key: key(), write: write(put.clone(), Guard::Always) },
        Call::Write { key: key(), write: write(put.clone(), Guard::Absent) },
        Call::Write { key: key(), write: write(Mutation::Touch { expires_at: Expiry::NEVER }, Guard::Live) },
        Call::Write { key: key(), write: write(Mutation::Delete, whose) },
        Call::Increment {
            key: key(),
            increment: Increment { delta: i64::MIN, expires_at: later(), stamp: stamp() },
        },
        Call::Scan(scan(ScanStart::At("user:".into()))),
        Call::Scan(scan(ScanStart::After("user:1".into()))),
        Call::GetBatch { keys: vec![key(), key()], read: READ },
        Call::WriteBatch(vec![
            (key(), write(put, Guard::Always)),
            (key(), write(Mutation::Delete, Guard::Always)),
        ]),
        Call::Check,
    ]
}

fn outcomes() -> Vec<Outcome> {
    let mut throttled = DriverError::refused(ErrorKind::Throttled, "slower").permanent();
    throttled.retry_after = Some(Duration::from_millis(1_500));
    vec![
        Ok(Reply::Record(None)),
        Ok(Reply::Record(Some(record()))),
        Ok(Reply::Written(WriteReply::Applied(None))),
        Ok(Reply::Written(WriteReply::Applied(Some(Revision::WriteId(stamp().id))))),
        Ok(Reply::Written(WriteReply::Refused(Observed::Record(Box::new(record()))))),
        Ok(Reply::Written(WriteReply::Refused(Observed::Absent))),
        Ok(Reply::Written(WriteReply::Refused(Observed::Corrupt("why".into())))),
        Ok(Reply::Written(WriteReply::Refused(Observed::NotReturned))),
        Ok(Reply::Added(IncrementReply::Applied { result: 7, revision: None })),
        Ok(Reply::Added(IncrementReply::Refused(Observed::Absent))),
        Ok(Reply::Rows(ScanReply {
            rows: vec![
                ScanRow { key: "a".into(), record: Ok(record()) },
                ScanRow { key: "no key: ü".into(), record: Err("why".into()) },
            ],
            more: true,
        })),
        Ok(Reply::Records(vec![
            BatchItem::Done(Ok(Some(record()))),
            BatchItem::Done(Err(throttled.clone())),
            BatchItem::Unprocessed,
        ])),
        Ok(Reply::AllWritten(vec![BatchItem::Done(Ok(WriteReply::Applied(None))), BatchItem::Unprocessed])),
        Ok(Reply::Health(Health { server_time: Some(SENT) })),
        Err(throttled),
        Err(DriverError::unknown(ErrorKind::Timeout, "too long")),
    ]
}

fn attempt(call: Call) -> Attempt {
    Attempt { sent_at: SENT, time_left: Duration::from_millis(1_900), call }
}

/// `Debug` hides values, so that it cannot be compared by; the bytes have everything.
#[test]
fn what_is_written_is_read_back() {
    for call in calls() {
        let method = call.method();
        let body = attempt(call).encode();
        let read = Attempt::decode(method, body.clone()).expect("it is one");
        assert_eq!((read.sent_at, read.time_left.as_millis()), (SENT, 1_900));
        assert_eq!(read.call.method(), method);
        assert_eq!(read.encode(), body, "{read:?}");
    }
    for outcome in outcomes() {
        let body = encode_outcome(&outcome);
        let read = decode_outcome(body.clone()).expect("it is one");
        assert_eq!(encode_outcome(&read), body, "{read:?}");
        assert_eq!(format!("{read:?}"), format!("{outcome:?}"));
    }
}

#[test]
fn a_record_keeps_every_part() {
    let Ok(Ok(Reply::Record(Some(read)))) =
        decode_outcome(encode_outcome(&Ok(Reply::Record(Some(record())))))
    else {
        panic!("a record")
    };
    assert_eq!(read, record());
}

#[test]
fn a_ttl_travels_as_a_duration() {
    let put = Mutation::Put { value: Bytes::new(), expires_at: later(), register: None };
    let mut sent = attempt(Call::Write { key: key(), write: write(put, Guard::Always) });
    let at_first = sent.encode();
    // The same 60 s, by a clock that is a day ahead.
    let day = Duration::from_secs(86_400);
    sent.sent_at = SENT.plus(day);
    let Call::Write { write, .. } = &mut sent.call else { panic!("a write") };
    write.mutation = Mutation::Put {
        value: Bytes::new(),
        expires_at: Expiry::at(SENT.plus(day + Duration::from_secs(60))),
        register: None,
    };
    assert_eq!(sent.encode()[9..], at_first[9..], "all but when it was sent");
}

#[test]
fn an_error_keeps_its_kind_and_its_effect() {
    for kind in super::reply::KINDS {
        for error in [DriverError::refused(kind, "why"), DriverError::unknown(kind, "why").permanent()] {
            let Ok(Err(read)) = decode_outcome(encode_outcome(&Err(error.clone()))) else {
                panic!("{error:?}")
            };
            assert_eq!((read.kind, read.effect, read.retryable), (error.kind, error.effect, error.retryable));
        }
    }
}

/// The first attempt of a put, byte by byte: whoever changes the form has to change its version.
#[test]
fn the_form_is_fixed() {
    let put = Mutation::Put { value: Bytes::from_static(b"v"), expires_at: later(), register: None };
    let key = CanonicalKey::from_canonical("k").expect("canonical");
    let body = attempt(Call::Write { key, write: write(put, Guard::Absent) }).encode();
    let hex: String = body.iter().map(|byte| format!("{byte:02x}")).collect();
    let stamp = "30313233343536373839616263646566\
                 0000019b76daa800";
    assert_eq!(
        hex,
        format!("01 0000019b76daa800 0000076c 00000001 6b 00 00000001 76 01 000000000000ea60 00 01 {stamp}")
            .replace(' ', "")
    );
    assert_eq!(encode_outcome(&Ok(Reply::Written(WriteReply::Applied(None))))[..], [1, 0, 1, 0, 0]);
}

#[test]
fn what_is_cut_short_or_goes_on_is_refused() {
    for call in calls() {
        let method = call.method();
        let body = attempt(call).encode();
        for end in 0..body.len() {
            Attempt::decode(method, body.slice(..end)).expect_err("cut short");
        }
        let longer = Bytes::from([&body[..], b"\0"].concat());
        Attempt::decode(method, longer).expect_err("longer");
    }
    for outcome in outcomes() {
        let body = encode_outcome(&outcome);
        for end in 0..body.len() {
            decode_outcome(body.slice(..end)).expect_err("cut short");
        }
    }
    let mut other = attempt(Call::Check).encode().to_vec();
    other[0] = 2;
    let error = Attempt::decode(Method::Check, other.into()).expect_err("another version");
    assert!(error.to_string().contains("version"), "{error}");
}

#[test]
fn a_list_is_not_believed_to_be_longer_than_the_body() {
    let mut body = attempt(Call::GetBatch { keys: Vec::new(), read: READ }).encode().to_vec();
    body[13..17].copy_from_slice(&u32::MAX.to_be_bytes());
    Attempt::decode(Method::GetBatch, body.into()).expect_err("4 billion keys");
    let many = attempt(Call::GetBatch { keys: vec![key(); super::MAX_BATCH + 1], read: READ }).encode();
    Attempt::decode(Method::GetBatch, many).expect_err("one more than a batch has");
}

proptest! {
    #[test]
    fn no_bytes_do_harm(bytes in any::<Vec<u8>>(), first in 0_u8..3) {
        let bytes = Bytes::from([&[first][..], &bytes].concat());
        for method in Method::ALL {
            if let Ok(attempt) = Attempt::decode(method, bytes.clone()) {
                prop_assert_eq!(attempt.encode(), bytes.clone());
            }
        }
        drop(decode_outcome(bytes));
    }
}
