//! A run that is stopped again and again ends with the bits of one that was not, and takes no step twice.
#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod laboratory;

use qsd::ensemble::{Begun, Conduct, Ensemble, Failure, Header, Listener, Rows, Sink, Summary, Unfinished, run};
use qsd::error::{Error, exit};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// States of batches by number.
#[derive(Default)]
struct States(Mutex<BTreeMap<u64, Vec<u8>>>);

impl Unfinished for States {
    fn state(&self, batch: u64) -> Option<Vec<u8>> {
        self.0.lock().unwrap().get(&batch).cloned()
    }
}

/// What outlives a run, in memory.
#[derive(Default)]
struct Memory {
    rows: BTreeMap<u64, Rows>,
    states: Arc<States>,
    refreshed: Vec<u64>,
}

impl Sink for Memory {
    fn begin(&mut self, _header: &Header) -> Result<Begun, Error> {
        Ok(Begun::Resumed)
    }
    fn kept(&mut self, batches: Range<u64>, visit: &mut dyn FnMut(u64, &Rows)) -> Result<Vec<u64>, Error> {
        let found: Vec<_> = self.rows.range(batches).collect();
        found.iter().for_each(|(batch, rows)| visit(**batch, rows));
        Ok(found.into_iter().map(|(batch, _)| *batch).collect())
    }
    fn unfinished(&self) -> Arc<dyn Unfinished> {
        self.states.clone()
    }
    fn accept(&mut self, rows: &Rows) -> Result<(), Error> {
        let mut rows = rows.clone();
        rows.info.iter_mut().for_each(|info| info.cpu_time = 0.0);
        assert!(self.rows.insert(rows.first / 8, rows).is_none(), "a batch was integrated twice");
        Ok(())
    }
    fn checkpoint(&mut self, _worker: usize, batch: u64, state: &[u8]) -> Result<(), Error> {
        self.states.0.lock().unwrap().insert(batch, state.into());
        Ok(())
    }
    fn refresh(&mut self, summary: &Summary) -> Result<(), Error> {
        self.refreshed.push(summary.n_done);
        Ok(())
    }
    fn finish(&mut self, _summary: Option<&Summary>) -> Result<(), Error> {
        Ok(())
    }
    fn fail(&mut self, _failure: &Failure) {}
    fn forget(&mut self) {}
}

/// One start that ends after `wall`.
fn start(ensemble: &Ensemble, memory: &mut Memory, wall: Duration) -> (Summary, u64) {
    let mut nobody = |_: &_| {};
    let mut listener = Listener::default();
    listener.deadline = Some(Instant::now() + wall);
    let checkpoint_every = Duration::from_millis(1);
    let conduct = Conduct { listener, checkpoint_every, ..Conduct::new(2, &mut nobody) };
    let outcome = run(ensemble, qsd::comm::solo().as_ref(), memory, conduct).unwrap().unwrap();
    (outcome.summary, outcome.cost.steps)
}

const FOREVER: Duration = Duration::from_secs(1000);

#[test]
fn a_run_stopped_many_times_gives_the_bits_of_a_straight_one() {
    for line in [
        "kerr_bistable --ntraj 30 --first-trajectory 3 --duration 20 --save-dt 0.2 --store-states all --seed 5",
        "--ntraj 17 --method em --dt 2e-3 --duration 300 --save-dt 2.5 --save-from 15 --store-states final --store-record",
    ] {
        let ensemble = Ensemble::new(laboratory::spec(line)).unwrap();
        let mut straight = Memory::default();
        let began = Instant::now();
        let (expected, all_steps) = start(&ensemble, &mut straight, FOREVER);
        let whole = began.elapsed();
        assert_eq!((expected.end_condition.as_str(), expected.exit_code), ("ntraj reached", exit::DONE));

        let (mut memory, mut steps, mut stops, mut from_the_middle) = (Memory::default(), 0, 0, 0);
        let found = loop {
            let (summary, taken) = start(&ensemble, &mut memory, whole / 15);
            steps += taken;
            if summary.n_done == ensemble.spec.ntraj {
                break summary;
            }
            assert_eq!((summary.end_condition.as_str(), summary.exit_code), ("timeout", exit::RESUMABLE));
            assert_eq!(summary.n_done, memory.rows.values().map(|rows| rows.info.len() as u64).sum::<u64>());
            stops += 1;
            assert!(stops < 1000, "it does not come forward");
            from_the_middle += memory.states.0.lock().unwrap().keys().filter(|b| !memory.rows.contains_key(b)).count();
        };
        assert!(stops >= 3 && from_the_middle >= 3, "{stops} stops, {from_the_middle} batches in flight");
        assert_eq!(steps, all_steps, "steps were lost or taken twice");
        assert!(memory.rows == straight.rows, "{line}");
        assert_eq!((found.observables, found.leaks), (expected.observables, expected.leaks));
        println!("{stops} stops, {from_the_middle} times a batch was gone on with");
    }
}

#[test]
fn a_damaged_state_costs_its_steps_and_nothing_else() {
    let ensemble = Ensemble::new(laboratory::spec("kerr_bistable --ntraj 8 --duration 20 --save-dt 0.2")).unwrap();
    let mut straight = Memory::default();
    start(&ensemble, &mut straight, FOREVER);
    let mut stopped = Memory::default();
    start(&ensemble, &mut stopped, Duration::ZERO);
    let state = stopped.states.state(0).expect("it was stopped on the way");
    let damages: [(&str, Vec<u8>); 5] = [
        ("nothing", vec![]),
        ("cut", state[..state.len() / 2].into()),
        ("longer", [&state[..], &[0; 8]].concat()),
        ("a time beyond the end", [&u64::MAX.to_le_bytes(), &state[8..]].concat()),
        ("a length beyond all", [&state[..24], &u64::MAX.to_le_bytes(), &state[32..]].concat()),
    ];
    for (what, damaged) in damages {
        let mut memory = Memory::default();
        memory.states.0.lock().unwrap().insert(0, damaged);
        start(&ensemble, &mut memory, FOREVER);
        assert!(memory.rows == straight.rows, "{what}");
    }
}

#[test]
fn statistics_are_refreshed_on_the_way() {
    let ensemble = Ensemble::new(laboratory::spec("kerr_bistable --ntraj 30000 --save-dt 0.02")).unwrap();
    let mut memory = Memory::default();
    start(&ensemble, &mut memory, FOREVER);
    let counts = &memory.refreshed;
    assert!(counts.len() >= 2 && counts.is_sorted() && counts[0] > 0 && counts[0] < 30000, "{counts:?}");
}
