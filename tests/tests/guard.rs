//! Limits in the model's units from `nervecord.toml` to a loop: the same under another calibration, held in
//! every period, and refused where they cannot be.

use nervecord::RawStep;
use nervecord::control::{
    Fault, Guard, Ports, Recovery, Sample, Settings, State, Step, Supervisor,
};
use nervecord::input::Reading;
use nervecord::integrity::{TableCheck, Words};
use nervecord_codegen::graph::{Dense, Graph, Layer};
use nervecord_codegen::options::Weights;
use nervecord_tests::network;

mod made {
    include!(concat!(env!("OUT_DIR"), "/guarded.rs"));
    include!(concat!(env!("OUT_DIR"), "/mixed.rs"));
    include!(concat!(env!("OUT_DIR"), "/actor.rs"));
}

use made::{actor, mixed, narrow::Narrow, wide::Wide};

/// What the sensor says in a period: an angle, a rate, and how old they are.
#[derive(Clone, Copy)]
struct Says(f32, f32, u32);

/// What a loop around the model `M` drives, in its units, period by period.
fn run<M>(says: &[Says]) -> Vec<(Option<Fault>, State, f64)>
where
    M: RawStep<2, 1> + Ports<2, 1> + Default,
{
    let recovery = Recovery { healthy: 1, ..Recovery::DEFAULT };
    let mut supervisor =
        Supervisor::new(M::default(), Settings { recovery, ..Settings::of::<M>(10) });
    let one = f64::from(1_u32 << M::OUTPUT_FRAC[0]);
    let step = |(now, Says(angle, rate, age)): (u32, &Says)| {
        let reading = Reading::<M, 2, 1>::of(&[*angle, *rate]);
        let due = supervisor.begin(now)?;
        let sample = Sample::of(&reading, now.wrapping_sub(*age));
        let decision = supervisor.decide(due, Some(sample), now);
        let step = supervisor.conclude(decision, now);
        let step: Step<2, 1> = supervisor.finish(step, true);
        Some((step.fault, step.state, f64::from(step.output[0]) / one))
    };
    (0..).step_by(10).zip(says).filter_map(step).collect()
}

/// The faults, then what was driven.
fn faults<M>(says: &[Says]) -> (Vec<Option<Fault>>, Vec<f64>)
where
    M: RawStep<2, 1> + Ports<2, 1> + Default,
{
    run::<M>(says).into_iter().map(|(fault, _, driven)| (fault, driven)).unzip()
}

/// A thing that both calibrations have to do alike.
macro_rules! under_both {
    ($name:ident, $model:ident, $body:block) => {
        #[test]
        fn $name() {
            fn check<$model: RawStep<2, 1> + Ports<2, 1> + Default>() $body
            check::<Narrow>();
            check::<Wide>();
        }
    };
}

/// Whether numbers are those, as far as either format tells.
fn are(driven: &[f64], wanted: &[f64]) -> bool {
    driven.len() == wanted.len() && driven.iter().zip(wanted).all(|(y, z)| (y - z).abs() < 4e-3)
}

under_both!(outputs_are_held_in_real_units, M, {
    // -2 * 0.79 = -1.58, and then 1.6, from the safe output of 0.1: slew 0.7, to -1.3 and 1.1.
    let says: Vec<Says> = (0..8)
        .map(|i| Says(if i < 4 { 0.79 } else { -0.8 } + 0.001 * (i % 2) as f32, 0.0, 0))
        .collect();
    let (faults, driven) = faults::<M>(&says);
    assert!(faults.iter().all(Option::is_none), "{faults:?}");
    assert!(are(&driven, &[-0.6, -1.3, -1.3, -1.3, -0.6, 0.1, 0.8, 1.1]), "{driven:?}");
    assert!(driven.iter().all(|y| (-1.3..=1.1).contains(y)), "{driven:?}");
    assert!(driven.windows(2).all(|pair| (pair[1] - pair[0]).abs() <= 0.7), "{driven:?}");
});

under_both!(inputs_are_judged_in_real_units, M, {
    let angles = [0.5, 0.799, 0.801, 0.5, -0.899, -0.901, 0.5];
    let says: Vec<Says> = angles.iter().map(|&x| Says(x, 0.0, 0)).collect();
    let range = Some(Fault::Range);
    assert_eq!(faults::<M>(&says).0, [None, None, range, None, None, range, None]);
    // Five samples that are alike are one too many; nothing is said of the other input.
    let (stuck, _) = faults::<M>(&[Says(0.25, 0.0, 0); 6]);
    assert_eq!(stuck, [None, None, None, None, Some(Fault::Stuck), Some(Fault::Stuck)]);
});

under_both!(no_number_is_safe_in_the_same_period, M, {
    let says = [Says(0.3, 0.0, 0), Says(f32::NAN, 0.0, 0), Says(0.2, 0.0, 0)];
    let steps = run::<M>(&says);
    assert_eq!((steps[1].0, steps[1].1), (Some(Fault::Invalid), State::Safe(Fault::Invalid)));
    let driven: Vec<f64> = steps.iter().map(|step| step.2).collect();
    assert!(are(&driven, &[-0.6, 0.1, -0.4]), "{driven:?}");
});

under_both!(an_old_sample_is_borne_as_long_as_stated, M, {
    let says = [10, 11, 10, 11, 11, 10].map(|age| Says(0.01 * age as f32, 0.0, age));
    let stale = Some(Fault::Stale);
    // `stale = 1`: one on end.
    assert_eq!(faults::<M>(&says).0, [None, None, None, None, stale, None]);
});

under_both!(saturation_is_borne_three_times, M, {
    // A rate of ten is outside either calibration.
    let says: Vec<Says> = (0..6).map(|i| Says(0.4 + 0.01 * i as f32, 10.0, 0)).collect();
    let (faults, driven) = faults::<M>(&says);
    let late = Some(Fault::Saturated);
    assert_eq!(faults, [None, None, None, late, late, late]);
    // On the way to safe by 0.9 a period at most.
    assert!(driven[2] < -1.2 && (driven[3] - driven[2] - 0.9).abs() < 4e-3, "{driven:?}");
    assert!(are(&driven[4..], &[0.1, 0.1]), "{driven:?}");
});

/// What a loop around a model drives for one reading.
fn driven<M, const I: usize, const O: usize>(
    model: M,
    reading: &Reading<M, I, O>,
) -> (Step<I, O>, M::Output)
where
    M: RawStep<I, O> + Ports<I, O>,
{
    let recovery = Recovery { healthy: 1, ..Recovery::DEFAULT };
    let mut supervisor = Supervisor::new(model, Settings { recovery, ..Settings::of::<M>(10) });
    let due = supervisor.begin(7).unwrap();
    let decision = supervisor.decide(due, Some(Sample::of(reading, 7)), 7);
    let step = supervisor.conclude(decision, 7);
    (supervisor.finish(step, true), M::output_from_raw(&step.output))
}

/// Models whose formats differ from number to number take tuples or give them.
#[test]
fn a_loop_steps_models_of_mixed_formats_as_they_are() {
    let (mut model, reading) = (mixed::Mixed::new(), mixed::input(&[0.001_f32, 50.0, 5e3, 300.5]));
    let (step, output) = driven(mixed::Mixed::new(), &reading);
    assert_eq!((step.fault, step.input), (None, Some(*reading.raw())));
    assert_eq!(step.output, model.step_raw(reading.raw()).map(i32::from));
    assert_eq!(output, model.step_reading(&reading));
    let input: mixed::Input = mixed::Mixed::input_from_raw(reading.raw());
    assert_eq!(mixed::Mixed::input_to_raw(&input), *reading.raw());

    let (mut model, reading) = (actor::Actor::new(), actor::input(&[0.5_f32, -0.5, 0.25]));
    let (step, output) = driven(actor::Actor::new(), &reading);
    assert_eq!((step.fault, output), (None, model.step_reading(&reading)));
    assert_eq!(actor::Actor::output_to_raw(&output), step.output);

    let (step, _) = driven(mixed::Mixed::new(), &mixed::input(&[0.001_f32, 50.0, f32::NAN, 300.5]));
    assert_eq!((step.fault, step.output), (Some(Fault::Invalid), [0, 0]));
}

/// Every bit of every table, turned over in a copy: found by the end of a pass, and at the start.
#[test]
fn every_bit_of_the_tables_is_looked_at() {
    let bytes: usize = made::narrow::TABLES.parts().iter().map(|part| copy(part, None).len()).sum();
    assert_eq!(bytes, made::narrow::TABLE_BYTES);
    let parts = made::narrow::TABLES.parts();
    // The same bytes one by one have the same sum.
    let damaged = |k: usize, bit: Option<usize>| -> &'static [Words] {
        let part = |(i, part)| Words::U8(copy(part, bit.filter(|_| i == k)).leak());
        parts.iter().enumerate().map(part).collect::<Vec<_>>().leak()
    };
    let sound = made::narrow::TABLES.damaged(damaged(0, None));
    let mut check = TableCheck::new(&sound);
    assert!((0..100).all(|_| check.period()));
    for (k, part) in parts.iter().enumerate() {
        for bit in 0..8 * copy(part, None).len() {
            let tables = made::narrow::TABLES.damaged(damaged(k, Some(bit)));
            assert!(!TableCheck::new(&tables).period(), "part {k}, bit {bit}");
        }
    }
}

/// The bytes of a table in flash, one bit of them turned over.
fn copy(part: &Words, bit: Option<usize>) -> Vec<u8> {
    let mut bytes: Vec<u8> = match part {
        Words::U8(words) => words.to_vec(),
        Words::I8(words) => words.iter().flat_map(|w| w.to_le_bytes()).collect(),
        Words::U16(words) => words.iter().flat_map(|w| w.to_le_bytes()).collect(),
        Words::I16(words) => words.iter().flat_map(|w| w.to_le_bytes()).collect(),
        Words::U32(words) => words.iter().flat_map(|w| w.to_le_bytes()).collect(),
        Words::I32(words) => words.iter().flat_map(|w| w.to_le_bytes()).collect(),
        Words::Quads(quads) => quads.iter().flat_map(|q| q.0).flat_map(i16::to_le_bytes).collect(),
    };
    if let Some(bit) = bit {
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
    bytes
}

#[test]
fn without_a_section_an_output_has_its_format_and_is_safe_at_zero() {
    let compiled = network::compile(graph(), Weights::I16, &rows()).unwrap();
    assert!(!compiled.module().contains("GUARD"));
    let mut guard = Guard::new(&compiled.program.limits::<2, 1>().unwrap(), 0);
    assert_eq!(guard.driven(), &[0]);
    assert_eq!(guard.output(&[32767]), [32767]);
    assert_eq!(guard.output(&[-32768]), [-32768]);
    assert_eq!(guard.safe(), [0]);
}

fn graph() -> Graph {
    let mut graph = Graph::new("plain", "x", 2);
    graph.input_names = ["angle", "rate"].map(str::to_owned).into();
    let dense = Dense::new(vec![vec![-2.0, -0.5]], vec![0.0]);
    graph.push("dense", Layer::Dense(dense), &[0]).unwrap();
    graph
}

fn rows() -> Vec<Vec<f64>> {
    (0..=200).map(|i| [17, 11].map(|k| f64::from(i * k % 41) / 20.0 - 1.0).to_vec()).collect()
}

#[test]
fn what_cannot_be_held_to_is_refused_in_words() {
    for (settings, parts) in [
        ("[guard.inputs]\nspeed = { max = 1.0 }", ["none of the model's inputs", "angle, rate"]),
        ("[guard.outputs]\nforce = { max = 1.0 }", ["none of the model's outputs", "y0"]),
        ("[guard.inputs]\nangle = { min = nan }", ["no number", "[guard.inputs] angle"]),
        ("[guard.inputs]\nangle = { min = 0.5, max = 0.1 }", ["above the largest", "min: 0.5"]),
        ("[guard.inputs]\nangle = { max = 50.0 }", ["cannot hold", "saturated"]),
        ("[guard.outputs]\ny0 = { min = 1.0, safe = 0.0 }", ["safe output", "from min to max"]),
        ("[guard.outputs]\ny0 = { slew = 0.0 }", ["not above 0", "leave it out"]),
        ("[guard.outputs]\ny0 = { slew = -inf }", ["not above 0", "leave it out"]),
        ("[guard.outputs]\ny0 = { safe_slew = 1e-9 }", ["finer than the format", "in steps of"]),
        ("[guard.outputs]\ny0 = { min = 100.0 }", ["no number of the format", "values from"]),
        ("[guard.outputs]\ny0 = { safe = inf }", ["no number", "[guard.outputs] y0"]),
        ("[guard.outputs]\ny0 = { sleww = 1.0 }", ["unknown field", "slew"]),
        ("[guard]\ntables = 0", ["no tables are checked", "such as 64"]),
        ("[guard]\nsaturated = -1", ["nervecord.toml", "saturated"]),
        ("[guard]\nsaturated = 70000", ["nervecord.toml", "saturated"]),
    ] {
        let message = network::compile_as(graph(), Weights::I16, &rows(), settings);
        let message = message.map(|_| ()).unwrap_err().to_string();
        for part in parts {
            assert!(message.contains(part), "{settings}: no {part:?} in\n{message}");
        }
        assert!(message.contains("nervecord.toml"), "{message}");
    }
}

#[test]
fn names_and_numbers_both_find_their_place() {
    let settings = "[guard.inputs]\nx1 = { max = 0.5 }\n[guard.outputs]\ny0 = { min = 0.25 }";
    let compiled = network::compile_as(graph(), Weights::I16, &rows(), settings).unwrap();
    let guard = compiled.program.guard.unwrap();
    assert_eq!((guard.inputs[0].max, guard.inputs[1].max), (f64::INFINITY, 0.5));
    // A safe output of 0 would not be within the limits.
    assert_eq!((guard.outputs[0].min, guard.outputs[0].safe), (0.25, 0.25));
}
