//! A batch on its way: its rows as far as they are filled, and where it is in time.
//!
//! It can be put into bytes between any two steps. They are a function of the input, the batch and the step alone,
//! so whoever goes on with them, on whatever rank, ends with the bits of a run that was never interrupted.

use super::setup::Ensemble;
use super::{RowInfo, Rows};
use crate::integrator::{Domain, Engine, IntegrationError, Sample, stream_number};
use crate::kernel::LANES;
use ndarray::{Array2, Array3, Axis, s};
use num_complex::Complex64;
use std::ops::Range;

/// A batch in flight. The engine that carries its kets belongs to the thread.
pub(super) struct Flight {
    batch: u64,
    lanes: Range<usize>,
    rows: Rows,
    /// Kets kept so far, per trajectory.
    kets: usize,
    /// Save intervals behind it.
    interval: u64,
    /// Steps taken in the present one; its beginning has been measured if there are any.
    taken: u64,
}

impl Flight {
    /// At t = 0, with the engine.
    pub fn start(ensemble: &Ensemble, batch: u64, lanes: Range<usize>, engine: &mut dyn Engine) -> Self {
        engine.start(batch);
        let (count, times, dim) = (lanes.len(), ensemble.times.len(), ensemble.model.space.dim());
        let first = batch * LANES as u64 + lanes.start as u64;
        let info = (0..count as u64)
            .map(|row| RowInfo {
                rng_stream: stream_number(Domain::Run, ensemble.spec.seed, first + row),
                steps: ensemble.steps() as i64,
                ..RowInfo::default()
            })
            .collect();
        let rows = Rows {
            first,
            expect: ensemble.observables.iter().map(|_| Array2::zeros((count, times))).collect(),
            leak: ensemble.leaks.iter().map(|_| Array2::zeros((count, times))).collect(),
            states: ensemble.kets_in_flight().map(|times| Array3::zeros((count, times, dim))),
            record: ensemble.record().map(|record| Array3::zeros((count, record.ends.len(), record.channels.len()))),
            info,
        };
        Flight { batch, lanes, rows, kets: 0, interval: 0, taken: 0 }
    }

    /// Where `save` left it; `None` if the bytes are not those of a flight of this ensemble.
    pub fn resume(
        ensemble: &Ensemble,
        batch: u64,
        lanes: Range<usize>,
        engine: &mut dyn Engine,
        saved: &[u8],
    ) -> Option<Self> {
        let mut flight = Flight::start(ensemble, batch, lanes, engine);
        let mut words = Words(saved);
        let [interval, taken, kets, carried] = [(); 4].map(|()| words.next());
        (flight.interval, flight.taken, flight.kets) = (interval?, taken?, kets? as usize);
        let (time, schedule) = (&ensemble.spec.time, &ensemble.problem.schedule);
        let room = flight.rows.states.as_ref().map_or(0, |states| states.dim().1);
        let at_end = flight.interval == time.intervals && flight.taken == 0;
        let on_the_way = flight.interval < time.intervals && flight.taken < schedule.steps_in(flight.interval);
        if !(at_end || on_the_way) || flight.kets > room {
            return None;
        }
        let carried = words.reals(carried? as usize)?;
        if !engine.restore(batch, flight.steps(ensemble), &carried) {
            return None;
        }
        let filled = flight.filled(ensemble);
        for series in &mut flight.rows.expect {
            for z in series.slice_mut(s![.., ..filled]) {
                *z = Complex64::new(words.real()?, words.real()?);
            }
        }
        for series in &mut flight.rows.leak {
            for x in series.slice_mut(s![.., ..filled]) {
                *x = words.real()?;
            }
        }
        if let Some(states) = &mut flight.rows.states {
            for z in states.slice_mut(s![.., ..flight.kets, ..]) {
                *z = Complex64::new(words.real()?, words.real()?);
            }
        }
        if let Some(record) = &mut flight.rows.record {
            for z in record.slice_mut(s![.., ..filled.saturating_sub(1), ..]) {
                *z = Complex64::new(words.real()?, words.real()?);
            }
        }
        for info in &mut flight.rows.info {
            info.h_gamma = words.real()?;
            info.h_gamma_above_half = words.next()? as i64;
            info.h_gamma_above_one = words.next()? as i64;
            info.cpu_time = words.real()?;
        }
        words.0.is_empty().then_some(flight)
    }

    /// Everything that the rest of the flight depends on, and the rows so far.
    pub fn save(&self, ensemble: &Ensemble, engine: &mut dyn Engine) -> Vec<u8> {
        let mut carried = vec![];
        engine.save(&mut carried);
        let filled = self.filled(ensemble);
        let mut out = vec![];
        for count in [self.interval, self.taken, self.kets as u64, carried.len() as u64] {
            out.extend(count.to_le_bytes());
        }
        let mut put = |x: f64| out.extend(x.to_le_bytes());
        carried.into_iter().for_each(&mut put);
        let expect = self.rows.expect.iter().map(|series| series.slice(s![.., ..filled]));
        expect.for_each(|series| series.iter().for_each(|z| [z.re, z.im].into_iter().for_each(&mut put)));
        let leak = self.rows.leak.iter().map(|series| series.slice(s![.., ..filled]));
        leak.for_each(|series| series.iter().copied().for_each(&mut put));
        let states = self.rows.states.iter().map(|states| states.slice(s![.., ..self.kets, ..]));
        states.for_each(|states| states.iter().for_each(|z| [z.re, z.im].into_iter().for_each(&mut put)));
        let record = self.rows.record.iter().map(|record| record.slice(s![.., ..filled.saturating_sub(1), ..]));
        record.for_each(|record| record.iter().for_each(|z| [z.re, z.im].into_iter().for_each(&mut put)));
        for info in &self.rows.info {
            put(info.h_gamma);
            put(f64::from_bits(info.h_gamma_above_half as u64));
            put(f64::from_bits(info.h_gamma_above_one as u64));
            put(info.cpu_time);
        }
        out
    }

    /// Steps behind it.
    pub fn steps(&self, ensemble: &Ensemble) -> u64 {
        ensemble.problem.schedule.first_step(self.interval) + self.taken
    }

    /// Trajectories of the run in it.
    pub fn count(&self) -> u64 {
        self.lanes.len() as u64
    }

    /// Saved times behind it.
    fn filled(&self, ensemble: &Ensemble) -> usize {
        let measured = self.interval + u64::from(self.taken > 0);
        measured.saturating_sub(ensemble.spec.time.first_save) as usize
    }

    /// Go on by at most `most` steps, and to the end of the save interval at most; gives the steps taken, 0 at the end.
    ///
    /// # Errors
    /// `NotFinite` if a measured trajectory broke.
    pub fn advance(
        &mut self,
        ensemble: &Ensemble,
        engine: &mut dyn Engine,
        most: u64,
    ) -> Result<u64, IntegrationError> {
        let time = &ensemble.spec.time;
        if self.taken == 0 {
            self.look(ensemble, engine)?;
        }
        if self.interval == time.intervals {
            return Ok(0);
        }
        let whole = ensemble.problem.schedule.steps_in(self.interval);
        let steps = most.min(whole - self.taken);
        engine.advance(steps);
        self.taken += steps;
        if self.taken == whole {
            (self.interval, self.taken) = (self.interval + 1, 0);
        }
        Ok(steps)
    }

    /// At the beginning of an interval, and at the end: measure, and keep what is to be kept.
    fn look(&mut self, ensemble: &Ensemble, engine: &mut dyn Engine) -> Result<(), IntegrationError> {
        let time = &ensemble.spec.time;
        if self.interval < time.first_save {
            return Ok(());
        }
        let at = (self.interval - time.first_save) as usize;
        self.take(ensemble, at, engine.measure())?;
        self.take_record(at, engine);
        // At all of them, or at the last.
        if ensemble.kets_in_flight().is_some_and(|times| ensemble.times.len() - at <= times) {
            self.keep(engine);
        }
        Ok(())
    }

    /// Put a sample into column `at`.
    fn take(&mut self, ensemble: &Ensemble, at: usize, sample: &Sample) -> Result<(), IntegrationError> {
        let h = ensemble.problem.h;
        for (row, lane) in self.lanes.clone().enumerate() {
            let trajectory = self.batch * LANES as u64 + lane as u64;
            let finite = sample.norm.0[lane].is_normal() && sample.observables.iter().all(|z| z.lane(lane).is_finite());
            if !finite {
                return Err(IntegrationError::NotFinite { trajectory, time: ensemble.times[at], h });
            }
            for (series, value) in self.rows.expect.iter_mut().zip(&sample.observables) {
                series[[row, at]] = value.lane(lane);
            }
            for (series, value) in self.rows.leak.iter_mut().zip(&sample.watched) {
                series[[row, at]] = value.0[lane];
            }
            let info = &mut self.rows.info[row];
            let h_gamma = h * sample.rate.0[lane];
            info.h_gamma = info.h_gamma.max(h_gamma);
            info.h_gamma_above_half += i64::from(h_gamma > 0.5);
            info.h_gamma_above_one += i64::from(h_gamma > 1.0);
        }
        Ok(())
    }

    /// Keep the record of the interval that ends with saved time `at`; what came before the first saved time is dropped.
    fn take_record(&mut self, at: usize, engine: &mut dyn Engine) {
        let Some(record) = &mut self.rows.record else { return };
        let taken = engine.take_record();
        let Some(interval) = at.checked_sub(1) else { return };
        for (row, lane) in self.lanes.clone().enumerate() {
            for (channel, sum) in taken.iter().enumerate() {
                record[[row, interval, channel]] = sum.lane(lane);
            }
        }
    }

    /// Keep the kets of this time.
    fn keep(&mut self, engine: &dyn Engine) {
        let Some(states) = &mut self.rows.states else { return };
        let mut kets = states.index_axis_mut(Axis(1), self.kets);
        let mut places: Vec<&mut [Complex64]> = kets.outer_iter_mut().filter_map(|ket| ket.into_slice()).collect();
        engine.kets(self.lanes.clone(), &mut places);
        self.kets += 1;
    }

    /// Core seconds spent on all its trajectories together, spread evenly.
    pub fn spend(&mut self, seconds: f64) {
        let each = seconds / self.rows.info.len() as f64;
        self.rows.info.iter_mut().for_each(|info| info.cpu_time += each);
    }

    /// The rows, at the end.
    pub fn finish(mut self, ensemble: &Ensemble, engine: &dyn Engine) -> Rows {
        let drift = engine.norm_drift();
        for (info, lane) in self.rows.info.iter_mut().zip(self.lanes) {
            info.norm_drift = drift.0[lane];
        }
        debug_assert!(ensemble.kets_in_flight().is_none_or(|times| times == self.kets));
        self.rows
    }
}

/// Little-endian words of eight bytes.
struct Words<'a>(&'a [u8]);

impl Words<'_> {
    fn next(&mut self) -> Option<u64> {
        let (word, rest) = self.0.split_first_chunk::<8>()?;
        self.0 = rest;
        Some(u64::from_le_bytes(*word))
    }

    fn real(&mut self) -> Option<f64> {
        self.next().map(f64::from_bits)
    }

    /// Not more than there are, whatever `count` says.
    fn reals(&mut self, count: usize) -> Option<Vec<f64>> {
        if count > self.0.len() / 8 {
            return None;
        }
        (0..count).map(|_| self.real()).collect()
    }
}
