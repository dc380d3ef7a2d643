//! A loop over a faulty link: nothing is lost silently, no limit is left, and the run is the host's.

use nervecord::control::remote::Settings;
use nervecord::control::{Fault, State};
use nervecord_tests::link::{self, CartPoleRig, Local, Plan, Rates, SwimmerRig};

#[test]
fn without_faults_the_link_changes_nothing() {
    let compiled = SwimmerRig::controller().unwrap();
    let plan = Plan::clean(&compiled.program, 300);
    let mut core = Local::<5, 5>::new(&compiled.program, &plan.settings);
    let mut plant = SwimmerRig::new(1000);
    let run = link::run(&plan, &compiled.program, &mut plant, &mut core, |_, _| {}).unwrap();
    let alone = link::direct(&compiled.program, &mut SwimmerRig::new(1000), 300);
    assert!(run.trajectory == alone);
    assert_eq!((run.bridged, run.safe_answers, run.counts.fresh), (0, 0, 300));
    assert_eq!(core.remote().faults().total(), 0);
}

#[test]
fn ten_thousand_faults_are_counted_by_kind_and_never_leave_the_limits() {
    let compiled = CartPoleRig::controller().unwrap();
    let clean = Plan::clean(&compiled.program, 30_000);
    let one = clean.settings.one;
    let slew = one as u32 / 4;
    let settings = Settings { slew, ..clean.settings };
    let plan = Plan { settings, rates: Rates::even(0.25), seed: 3, ..clean };
    let mut core = Local::<4, 1>::new(&compiled.program, &plan.settings);
    let mut plant = CartPoleRig::new(1);
    let run = link::run(&plan, &compiled.program, &mut plant, &mut core, |_, _| {}).unwrap();

    let total: u32 = run.injected.iter().map(|way| way.total()).sum();
    assert!(total >= 10_000, "{total} faults");
    for (injected, counts) in run.injected.iter().zip([core.remote().counts(), &run.counts]) {
        // Every number is accounted for: it came as the newest, or it was skipped.
        assert_eq!(counts.fresh + counts.skipped, 30_000);
        assert_eq!(counts.skipped, injected.dropped + injected.corrupted + counts.late);
        assert_eq!(counts.duplicate, injected.duplicated);
        // A late frame whose successor was lost is still the newest.
        assert!(counts.late <= injected.late && counts.late > injected.late / 2);
        assert!(counts.crc + counts.length > injected.corrupted / 2);
        assert!(counts.garbage >= injected.garbage + injected.corrupted);
        assert_eq!(counts.restarts, 0);
    }
    let mut last = 0;
    for driven in &run.driven {
        assert!(driven[0].abs() <= one);
        let jump = driven[0].abs_diff(last);
        assert!(driven[0] == 0 || jump <= slew, "{last} to {}", driven[0]);
        last = driven[0];
    }
    // Both guards had work: the host's without an answer, the core's without a sample in time.
    let stale = core.remote().faults().of(Fault::Stale);
    assert!(run.bridged > 0 && run.safe_answers > 0 && stale > 0, "{stale} stale samples");
    assert_eq!(core.remote().faults().total(), stale);
}

#[test]
fn a_core_that_was_reset_is_back_in_charge() {
    let compiled = SwimmerRig::controller().unwrap();
    let plan = Plan { resets: vec![200], ..Plan::clean(&compiled.program, 400) };
    let mut core = Local::<5, 5>::new(&compiled.program, &plan.settings);
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
    let clean = Plan::clean(&compiled.program, 1000);
    let faulty = Plan { rates: Rates::even(0.2), seed: 9, resets: vec![500], ..clean.clone() };
    let score = |plan: &Plan| {
        let mut core = Local::<5, 5>::new(&compiled.program, &plan.settings);
        let mut plant = SwimmerRig::new(1000);
        link::run(plan, &compiled.program, &mut plant, &mut core, |_, _| {}).unwrap().score
    };
    let (clean, faulty) = (score(&clean), score(&faulty));
    assert!(faulty > 0.85 * clean, "{faulty} of {clean}");
}
