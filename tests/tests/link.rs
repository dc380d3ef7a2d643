//! A loop over a faulty link: nothing is lost silently, no limit is left, and the run is the host's.

use nervecord::control::frame::Counts;
use nervecord::control::{Fault, State};
use nervecord::{InputLimits, OutputLimits, Tolerance};
use nervecord_codegen::program::StatedLimits;
use nervecord_tests::link::{self, BOOT, CartPoleRig, Local, Plan, Rates, SwimmerRig};

#[test]
fn without_faults_the_link_changes_nothing() {
    let compiled = SwimmerRig::controller().unwrap();
    let plan = Plan::clean(300);
    let mut core = Local::<5, 5>::new(&compiled.program, &plan.settings).unwrap();
    let mut plant = SwimmerRig::new(1000);
    let run = link::run(&plan, &compiled.program, &mut plant, &mut core, |_, _| {}).unwrap();
    let alone = link::direct(&compiled.program, &mut SwimmerRig::new(1000), 300);
    assert!(run.trajectory == alone);
    assert_eq!((run.bridged, run.safe_answers, run.counts.fresh), (0, 0, 300));
    assert_eq!(core.remote().faults().total(), 0);
}

#[test]
fn ten_thousand_faults_are_counted_by_kind_and_never_leave_the_limits() {
    const STEPS: usize = 30_000;
    let mut compiled = CartPoleRig::controller().unwrap();
    let limits = OutputLimits { slew: 0.25, ..OutputLimits::symmetric(0.9) };
    // Once the pole has fallen, the inputs stay outside what they were calibrated for.
    let tolerance = Tolerance { saturated: Tolerance::ALWAYS, ..Tolerance::DEFAULT };
    let inputs = vec![InputLimits::ANY; 4];
    compiled.program.guard =
        Some(StatedLimits { inputs, outputs: vec![limits], tolerance, tables: None });
    let resets = vec![7_500, 15_000, 22_500];
    let plan = Plan { rates: Rates::even(0.25), seed: 3, resets, ..Plan::clean(STEPS) };
    let mut core = Local::<4, 1>::new(&compiled.program, &plan.settings).unwrap();
    let mut plant = CartPoleRig::new(1);
    let run = link::run(&plan, &compiled.program, &mut plant, &mut core, |_, _| {}).unwrap();

    let total: u32 = run.injected.iter().map(|way| way.total()).sum();
    assert!(total >= 10_000, "{total} faults");
    let resets = plan.resets.len() as u32;
    // A core that starts hears nothing, and says nothing.
    let sent = STEPS as u32 - resets * BOOT as u32;
    let heard = core.lives().map(|life| *life.counts()).fold(Counts::default(), sum);
    assert_eq!((heard.restarts, run.counts.restarts), (0, resets));
    for (injected, counts) in run.injected.iter().zip([heard, run.counts]) {
        // Two frames are taken for late ones before a sender is known to count anew.
        let doubted = 2 * counts.restarts;
        let late = counts.late - doubted;
        // Every number is accounted for: it came as the newest, or it was skipped.
        assert_eq!(counts.fresh + counts.skipped + doubted, sent);
        assert_eq!(counts.skipped, injected.dropped + injected.corrupted + late);
        assert_eq!(counts.duplicate, injected.duplicated);
        // A late frame whose successors were lost is still the newest.
        assert!(late <= injected.late && late > injected.late / 2);
        assert!(counts.crc + counts.length > injected.corrupted / 2);
        assert!(counts.garbage >= injected.garbage + injected.corrupted);
    }
    let mut last = 0.0;
    for driven in &run.driven {
        let driven = compiled.program.output.to_real(0, driven[0]);
        assert!(driven.abs() <= 0.9);
        let jump = (driven - last).abs();
        assert!(driven == 0.0 || jump <= 0.25, "{last} to {driven}");
        last = driven;
    }
    // All guards had work: the host's without an answer or with an old one, the core's without a
    // sample in time.
    let faults = |kind| core.lives().map(|life| life.faults().of(kind)).sum::<u32>();
    assert!(run.bridged > 0 && run.safe_answers > 0 && run.old_answers > 0, "{run:?}");
    assert!(faults(Fault::Stale) > 0);
    let total: u32 = core.lives().map(|life| life.faults().total()).sum();
    assert_eq!(total, faults(Fault::Stale));
}

/// The counts of two lives.
fn sum(a: Counts, b: Counts) -> Counts {
    Counts {
        fresh: a.fresh + b.fresh,
        skipped: a.skipped + b.skipped,
        duplicate: a.duplicate + b.duplicate,
        late: a.late + b.late,
        restarts: a.restarts + b.restarts,
        length: a.length + b.length,
        crc: a.crc + b.crc,
        garbage: a.garbage + b.garbage,
    }
}

#[test]
fn a_core_that_was_reset_is_back_in_charge() {
    let compiled = SwimmerRig::controller().unwrap();
    let plan = Plan { resets: vec![200], ..Plan::clean(400) };
    let mut core = Local::<5, 5>::new(&compiled.program, &plan.settings).unwrap();
    let mut plant = SwimmerRig::new(1000);
    let run = link::run(&plan, &compiled.program, &mut plant, &mut core, |_, _| {}).unwrap();
    assert_eq!(run.counts.restarts, 1);
    // Ten periods to start, and two answers until the host believes the new numbers.
    assert_eq!(run.bridged, 12);
    assert_eq!(core.remote().state(), State::Running);
    assert_eq!(run.trajectory.len(), 400);
}

/// Over a link that spoils a frame in five each way, and with a reset, at least 85 % stays.
#[test]
fn a_swim_with_faults_keeps_most_of_its_return() {
    let compiled = SwimmerRig::controller().unwrap();
    let clean = Plan::clean(1000);
    let score = |plan: &Plan| {
        let mut core = Local::<5, 5>::new(&compiled.program, &plan.settings).unwrap();
        let mut plant = SwimmerRig::new(1000);
        link::run(plan, &compiled.program, &mut plant, &mut core, |_, _| {}).unwrap().score
    };
    let whole = score(&clean);
    for seed in 0..20 {
        let plan = Plan { rates: Rates::even(0.2), seed, resets: vec![500], ..clean.clone() };
        let part = score(&plan) / whole;
        println!("seed {seed}: {part:.3} of {whole:.1}");
        assert!(part > 0.85, "seed {seed}: {part}");
    }
}
