//! How many connections there are, and what becomes of dead ones.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use h2::Reason;
use larder_core::ErrorKind;
use larder_core::driver::{Driver, Effect};
use larder_firestore::{Credentials, FirestoreDriver};
use tokio::sync::{Barrier, Semaphore};
use tokio::time::timeout;

use support::{FULL, Server, answering, at, leaving, open, reset, row, silent, status};

/// A server that answers once so many requests are there at a time, and then so many again.
async fn gathering(requests: usize) -> Server {
    let all = Arc::new(Barrier::new(requests));
    Server::start(move |_| {
        let all = Arc::clone(&all);
        async move {
            all.wait().await;
            status(5)
        }
    })
    .await
}

/// So many reads at once, all of which are answered.
async fn read_at_once(driver: &FirestoreDriver, requests: usize) {
    let key = row("key");
    let reads = join_all((0..requests).map(|_| driver.get(&key, FULL)));
    for answer in timeout(Duration::from_secs(20), reads).await.expect("nothing waits in line") {
        assert_eq!(answer.expect_err("no database").kind, ErrorKind::NotProvisioned);
    }
}

#[tokio::test]
async fn up_to_a_hundred_requests_share_a_connection() {
    let server = gathering(100).await;
    let driver = open(&at(&server.url)).await;
    assert_eq!(server.connections(), 0, "nothing is opened before it is needed");
    for _ in 0..3 {
        read_at_once(&driver, 100).await;
    }
    read_at_once(&driver.clone(), 100).await;
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn more_get_connections_of_their_own() {
    let server = gathering(250).await;
    let driver = open(&at(&server.url)).await;
    read_at_once(&driver, 250).await;
    assert_eq!(server.connections(), 3);
    read_at_once(&driver, 250).await;
    assert_eq!(server.connections(), 3, "they are used again");
}

#[tokio::test]
async fn there_is_a_most() {
    let server = gathering(350).await;
    let driver = open(&at(&server.url).max_channels(2)).await;
    read_at_once(&driver, 350).await;
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn a_request_that_is_given_up_makes_room() {
    let server = gathering(100).await;
    let driver = open(&at(&server.url)).await;
    let key = row("key");
    // The hundredth, which all wait for, never comes.
    let given_up = join_all((0..99).map(|_| driver.get(&key, FULL)));
    timeout(Duration::from_millis(300), given_up).await.expect_err("nobody is answered");
    read_at_once(&driver, 1).await;
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_connection_that_has_gone_silent_is_left() {
    let first = Arc::new(AtomicUsize::new(0));
    let server = Server::start(move |_| {
        let number = first.fetch_add(1, Ordering::SeqCst);
        async move {
            if number == 0 {
                std::future::pending::<()>().await;
            }
            status(5)
        }
    })
    .await;
    let driver = open(&at(&server.url).connect_timeout(Duration::from_millis(100))).await;
    let key = row("key");
    timeout(Duration::from_millis(300), driver.get(&key, FULL)).await.expect_err("it is silent");
    read_at_once(&driver, 1).await;
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn a_connection_that_answers_others_is_not_left_for_a_slow_one() {
    let server = Server::start(|asked| async move {
        if asked.body.windows(4).any(|part| part == b"slow") {
            std::future::pending::<()>().await;
        }
        status(5)
    })
    .await;
    let patience = Duration::from_millis(50);
    let driver = open(&at(&server.url).connect_timeout(patience)).await;
    let slow_key = row("slow");
    let mut slow = driver.get(&slow_key, FULL);
    timeout(patience, &mut slow).await.expect_err("it is silent");
    read_at_once(&driver, 1).await;
    timeout(patience, &mut slow).await.expect_err("it is silent");
    drop(slow);
    read_at_once(&driver, 1).await;
    assert_eq!(server.connections(), 1);
}

/// A server that resets every request for a key that is named so, and answers the others once 99 are there.
async fn resetting() -> Server {
    let all = Arc::new(Barrier::new(99));
    Server::start(move |asked| {
        let all = Arc::clone(&all);
        async move {
            if asked.body.windows(5).any(|part| part == b"reset") {
                return reset(Reason::INTERNAL_ERROR);
            }
            all.wait().await;
            status(5)
        }
    })
    .await
}

#[tokio::test]
async fn a_request_that_is_reset_leaves_the_others_their_connection() {
    let server = resetting().await;
    let driver = open(&at(&server.url)).await;
    let key = row("key");
    let others = join_all((0..98).map(|_| driver.get(&key, FULL)));
    let resets = async {
        for _ in 0..7 {
            let error = driver.get(&row("reset"), FULL).await.expect_err("it is reset");
            assert_eq!((error.kind, error.effect), (ErrorKind::Unavailable, Effect::Unknown), "{error:?}");
        }
        // The one that the others wait for.
        driver.get(&key, FULL).await
    };
    let both = async { tokio::join!(others, resets) };
    let (others, last) = timeout(Duration::from_secs(20), both).await.expect("nobody waits in line");
    for answer in others.into_iter().chain([last]) {
        assert_eq!(answer.expect_err("no database").kind, ErrorKind::NotProvisioned);
    }
    assert_eq!(server.connections(), 1);
    // They were answered: from here on resets are counted anew.
    for connections in [1, 1, 1, 1, 1, 1, 1, 1, 2, 2] {
        driver.get(&row("reset"), FULL).await.expect_err("it is reset");
        assert_eq!(server.connections(), connections);
    }
}

#[tokio::test]
async fn a_connection_on_which_every_request_is_reset_is_left() {
    let server = answering(|| reset(Reason::INTERNAL_ERROR)).await;
    let driver = open(&at(&server.url)).await;
    for number in 0..24 {
        driver.get(&row("key"), FULL).await.expect_err("it is reset");
        assert_eq!(server.connections(), number / 8 + 1, "at request {number}");
    }
}

#[tokio::test]
async fn a_request_that_is_reset_late_leaves_no_connection() {
    let release = Arc::new(Semaphore::new(0));
    let gate = Arc::clone(&release);
    let server = Server::start(move |_| {
        let gate = Arc::clone(&gate);
        async move {
            gate.acquire().await.expect("it stays open").forget();
            reset(Reason::INTERNAL_ERROR)
        }
    })
    .await;
    let patience = Duration::from_millis(50);
    let driver = open(&at(&server.url).connect_timeout(patience)).await;
    let key = row("key");
    for _ in 0..3 {
        let mut read = driver.get(&key, FULL);
        timeout(2 * patience, &mut read).await.expect_err("it is silent so long");
        release.add_permits(1);
        read.await.expect_err("it is reset");
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn connections_that_are_left_count_as_long_as_they_are_in_use() {
    let server = Server::start(|_| std::future::pending()).await;
    let driver = open(&at(&server.url).max_channels(2).connect_timeout(Duration::from_millis(50))).await;
    let key = row("key");
    let mut patient = FuturesUnordered::new();
    for _ in 0..8 {
        patient.push(driver.get(&key, FULL));
        // One stays on the connection, and one gives it up: it is left, and open for the other all the same.
        let given_up = timeout(Duration::from_millis(100), driver.get(&key, FULL));
        tokio::select! {
            answer = given_up => drop(answer.expect_err("it is silent")),
            answer = patient.next() => panic!("nobody is answered: {answer:?}"),
        }
    }
    assert_eq!(server.connections(), 4, "two in use, and two that were left");
    drop(patient);
    timeout(Duration::from_millis(100), driver.get(&key, FULL)).await.expect_err("it is silent");
    assert_eq!(server.connections(), 5, "those that nobody used any more have made room");
}

#[tokio::test]
async fn a_connection_that_the_server_ends_is_replaced() {
    let driver = open(&at(leaving().await)).await;
    let key = row("key");
    let (mut answered, mut failed) = (0, false);
    for _ in 0..50 {
        let error = timeout(Duration::from_secs(5), driver.get(&key, FULL)).await.expect("no hang");
        let error = error.expect_err("no database");
        // The server's leave and the next request may pass each other; the one after it has a connection.
        assert!(!failed || error.kind == ErrorKind::NotProvisioned, "{error:?}");
        failed = error.kind != ErrorKind::NotProvisioned;
        assert!(!failed || error.kind == ErrorKind::Unavailable, "{error:?}");
        answered += usize::from(!failed);
    }
    assert!(answered >= 25, "{answered} of 50 were answered");
}

#[tokio::test]
async fn all_who_wait_for_a_connection_learn_of_its_failure() {
    // TLS is never begun there.
    let url = silent().await.replace("http://", "https://");
    let options = at(url).credentials(Credentials::Emulator).connect_timeout(Duration::from_millis(300));
    let driver = open(&options).await;
    let (key, started) = (row("key"), Instant::now());
    for answer in join_all((0..50).map(|_| driver.get(&key, FULL))).await {
        let error = answer.expect_err("it is silent");
        assert_eq!((error.kind, error.effect), (ErrorKind::Unavailable, Effect::NotApplied), "{error:?}");
    }
    assert!(started.elapsed() < Duration::from_secs(2), "not one after the other");
}
