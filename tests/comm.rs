//! The communicator among real ranks: each test starts itself again under the launcher.
#![cfg(feature = "mpi")]

mod common;

use qsd::comm::{self, Comm, Flags};
use std::time::{Duration, Instant};

/// Set in the ranks that `on_ranks` starts.
const AS_RANK: &str = "QSD_TEST_AS_RANK";

/// Runs `body` on every rank of a world of `ranks`; `test` is the name of the calling test.
fn on_ranks(ranks: usize, test: &str, body: impl FnOnce(Box<dyn Comm>)) -> Option<common::Outcome> {
    if std::env::var_os(AS_RANK).is_some() {
        let comm = comm::world().expect("a launcher and a library that met");
        assert_eq!(comm.size(), ranks);
        body(comm);
        return None;
    }
    let this = std::env::current_exe().expect("the path of this test");
    let mut command = common::launcher(ranks, this);
    command.args(["--exact", test, "--include-ignored", "--nocapture", "--test-threads=1"]).env(AS_RANK, "1");
    Some(common::run_within(command, Duration::from_secs(60)))
}

/// The launcher's side of a test in which all ranks should end well.
fn all_well(outcome: Option<common::Outcome>) {
    if let Some(outcome) = outcome {
        outcome.expect_code(0);
    }
}

#[test]
fn ranks_exchange_bytes() {
    all_well(on_ranks(3, "ranks_exchange_bytes", |comm| {
        let rank = comm.rank();
        let word = |rank: usize| vec![rank as u8; 100_000 * rank];
        assert_eq!(comm.all_gather(&word(rank)), [word(0), word(1), word(2)]);
        assert_eq!(comm.broadcast(if rank == 0 { word(7) } else { vec![] }), word(7));
        assert!(comm.all(true));
        assert!(!comm.all(rank != 1), "one rank says no");
        match rank {
            0 => {
                comm.send(1, &word(5));
                comm.send(1, &[]);
                assert_eq!(comm.receive(2), b"from the last");
            }
            1 => assert_eq!([comm.receive(0), comm.receive(0)], [word(5), vec![]]),
            _ => comm.send(0, b"from the last"),
        }
        comm.barrier();
    }));
}

#[test]
fn posts_are_found_in_the_order_of_their_rank_and_nobody_waits() {
    all_well(on_ranks(3, "posts_are_found_in_the_order_of_their_rank_and_nobody_waits", |comm| {
        let word = |rank: usize, number: usize| vec![(16 * rank + number) as u8; 100_000 * number + rank];
        comm.barrier();
        if !comm.is_root() {
            let asked = Instant::now();
            (0..5).for_each(|number| comm.post(0, &word(comm.rank(), number)));
            assert!(asked.elapsed() < Duration::from_millis(300), "posting took {:?}", asked.elapsed());
            assert_eq!(comm.posted(), 5, "nobody has taken one yet");
            comm.send(0, b"by name");
            while comm.posted() > 0 {
                std::thread::sleep(Duration::from_millis(1));
            }
            return;
        }
        std::thread::sleep(Duration::from_millis(500));
        let mut next = [0; 3];
        while next != [0, 5, 5] {
            let Some((from, bytes)) = comm.poll() else { continue };
            assert!(bytes == word(from, next[from]), "post {} of rank {from}", next[from]);
            next[from] += 1;
        }
        assert_eq!(comm.poll(), None, "what is sent by name is no post");
        assert_eq!([comm.receive(1), comm.receive(2)], [b"by name", b"by name"]);
    }));
}

#[test]
fn an_agreement_joins_all_flags_and_nobody_waits_for_it() {
    let test = "an_agreement_joins_all_flags_and_nobody_waits_for_it";
    all_well(on_ranks(3, test, |comm| {
        let late = comm.rank() == 2;
        assert_eq!(comm.agreed(), None, "nothing was offered");
        for round in 1..=3 {
            comm.barrier();
            if late {
                std::thread::sleep(Duration::from_millis(300));
            }
            let asked = Instant::now();
            let (stop, checkpoint) = (comm.rank() == 1 && round == 2, comm.is_root() && round == 1);
            let (moved, steps, earlier) = (comm.rank() == 1 && round == 3, 10 * round, comm.rank() as u64);
            comm.offer(Flags { busy: late, stop, failed: false, checkpoint, moved, steps, earlier });
            let first_look = comm.agreed();
            if !late {
                assert_eq!(first_look, None, "one rank has not offered yet");
                assert!(
                    asked.elapsed() < Duration::from_millis(100),
                    "offering and looking took {:?}",
                    asked.elapsed()
                );
            }
            let mut joined = first_look;
            while joined.is_none() {
                std::thread::sleep(Duration::from_millis(1));
                joined = comm.agreed();
            }
            let (stop, checkpoint, moved, steps) = (round == 2, round == 1, round == 3, 30 * round);
            let all = Flags { busy: true, stop, failed: false, checkpoint, moved, steps, earlier: 3 };
            assert_eq!(joined, Some(all));
        }
        // One more under way at the end: dropping the communicator waits for it.
        comm.offer(Flags::default());
    }));
}

#[test]
fn a_panic_on_one_rank_ends_all() {
    let outcome = on_ranks(3, "a_panic_on_one_rank_ends_all", |comm| {
        assert_ne!(comm.rank(), 1, "the panic of this test");
        comm.barrier();
    });
    if let Some(outcome) = outcome {
        assert_ne!(outcome.code, Some(0));
        assert!(outcome.stderr.contains("the panic of this test"), "{}", outcome.stderr);
    }
}

#[test]
fn an_abort_carries_its_exit_code() {
    let outcome = on_ranks(2, "an_abort_carries_its_exit_code", |comm| {
        if comm.rank() == 1 {
            comm.abort(3)
        }
        comm.barrier();
    });
    if let Some(outcome) = outcome {
        outcome.expect_code(3);
    }
}

/// Ranks 0 and 2 of four, and 1 and 3: each pair is a world, and neither hears the other.
#[test]
fn parts_of_a_world_are_worlds_of_their_own() {
    all_well(on_ranks(4, "parts_of_a_world_are_worlds_of_their_own", |comm| {
        let color = comm.rank() % 2;
        let part = comm.split(color);
        assert_eq!((part.rank(), part.size(), part.is_root()), (comm.rank() / 2, 2, comm.rank() < 2));
        let name = format!("rank {} of the world", comm.rank()).into_bytes();
        let names = [color, color + 2].map(|rank| format!("rank {rank} of the world").into_bytes());
        assert_eq!(part.all_gather(&name), names);
        assert_eq!(part.broadcast(if part.is_root() { name.clone() } else { vec![] }), names[0]);
        assert_eq!(part.all(color == 0), color == 0, "the others said something else");
        // An agreement of one part only, while the other has one in the world under way.
        comm.offer(Flags { steps: 1, ..Flags::default() });
        let agreed = |comm: &dyn Comm| {
            loop {
                std::thread::sleep(Duration::from_millis(1));
                if let Some(flags) = comm.agreed() {
                    return flags;
                }
            }
        };
        if color == 0 {
            part.offer(Flags { steps: 10, ..Flags::default() });
            assert_eq!(agreed(part.as_ref()).steps, 20);
            match part.rank() {
                0 => part.post(1, b"to the other"),
                _ => part.send(0, b"by name"),
            }
        }
        assert_eq!(agreed(comm.as_ref()).steps, 4);
        assert_eq!(comm.poll(), None, "a post in a part is none in the world");
        if color == 0 && part.is_root() {
            assert_eq!(part.receive(1), b"by name");
            while part.posted() > 0 {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        while color == 0 && part.rank() == 1 {
            if let Some(post) = part.poll() {
                assert_eq!(post, (0, b"to the other".to_vec()));
                break;
            }
        }
        drop(part);
        let alone = comm.split(comm.rank());
        assert_eq!((alone.rank(), alone.size(), alone.raw().is_none()), (0, 1, true), "no MPI-IO for one");
        assert_eq!(comm.all_gather(&name).len(), 4, "the world is still there");
    }));
}

#[test]
fn an_abort_in_a_part_ends_the_world() {
    let outcome = on_ranks(3, "an_abort_in_a_part_ends_the_world", |comm| {
        let part = comm.split(usize::from(comm.rank() == 1));
        if comm.rank() == 1 {
            assert_eq!(part.size(), 1);
            part.abort(3)
        }
        comm.barrier();
    });
    if let Some(outcome) = outcome {
        outcome.expect_code(3);
    }
}

#[test]
fn ranks_share_the_cores_of_their_mask() {
    all_well(on_ranks(3, "ranks_share_the_cores_of_their_mask", |comm| {
        assert_eq!(comm::ranks_sharing_my_cpus(&*comm), 3, "test ranks are not bound");
        assert_eq!(comm::fair_threads(&*comm), (comm::allowed_cpus() / 3).max(1));
    }));
}

#[test]
#[ignore = "needs 10 GB of memory: cargo test --release --test comm -- --ignored"]
fn messages_may_be_longer_than_an_int_counts() {
    all_well(on_ranks(2, "messages_may_be_longer_than_an_int_counts", |comm| {
        let long: Vec<u8> = (0..(1usize << 31) + 7).map(|i| (i >> 20) as u8).collect();
        match comm.rank() {
            0 => comm.send(1, &long),
            _ => assert!(comm.receive(0) == long, "two gigabytes arrived changed"),
        }
        assert!(comm.broadcast(if comm.is_root() { long.clone() } else { vec![] }) == long);
    }));
}

#[test]
fn ranks_that_hang_are_killed_at_the_deadline() {
    let started = Instant::now();
    let outcome = std::panic::catch_unwind(|| {
        let mut command = common::launcher(2, "sleep");
        command.arg("100");
        common::run_within(command, Duration::from_secs(1))
    });
    assert!(outcome.is_err(), "a hang must fail its test");
    assert!(started.elapsed() < Duration::from_secs(30), "it took {:?}", started.elapsed());
}
