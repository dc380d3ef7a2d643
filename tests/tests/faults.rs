//! Faults in closed loop: scratch holds nothing from step to step, what a flip does goes away, and the guard acts in
//! the period that it says.

use nervecord::control::Fault;
use nervecord_tests::faults::flips::{HORIZON, kept_in_scratch};
use nervecord_tests::faults::{Disturbance, Flips, Model, flips, outcome};

#[test]
fn scratch_is_written_anew_in_every_step() {
    for model in Model::ALL {
        let compiled = model.compile().unwrap();
        assert_eq!(kept_in_scratch(model, &compiled.program), [0; 0], "{}", model.name());
    }
}

#[test]
fn flips_go_away() {
    for model in Model::ALL {
        let compiled = model.compile().unwrap();
        let [state, scratch, within] = flips(model, &compiled.program, 200, 1);
        assert_eq!(state.count + scratch.count + within.count, 200);
        assert_eq!(scratch.unseen(), scratch.count, "{}", model.name());
        // Nothing is kept but states, and those fade; a clock that was set is right in another phase.
        let stays = state.never + within.never;
        assert!(stays < 12 && (model == Model::Circuit || stays < 3), "{state:?} {within:?}");
        assert!(state.lost + within.lost < 3, "{state:?} {within:?}");
        assert!(within.recovered.iter().all(|&steps| (1..HORIZON).contains(&steps)));
    }
}

#[test]
fn the_guard_acts_in_the_period_that_it_says() {
    for model in Model::ALL {
        let compiled = model.compile().unwrap();
        for (kind, fault) in [
            (Disturbance::NoNumber, Fault::Invalid),
            (Disturbance::Mute, Fault::Sensor),
            (Disturbance::Old, Fault::Stale),
            (Disturbance::Ahead, Fault::Overrun),
            (Disturbance::Behind, Fault::Clock),
        ] {
            let found = outcome(model, &compiled.program, kind, 4).unwrap();
            let name = format!("{} {}: {found:?}", model.name(), kind.name());
            assert_eq!(found.acted, [0; 4], "{name}");
            assert!(found.faults.iter().any(|(kind, _)| *kind == fault), "{name}");
            assert_eq!((found.wrong, found.survived[0]), (0, 4), "{name}");
        }
        for kind in [Disturbance::Nothing, Disturbance::Wrap] {
            let found = outcome(model, &compiled.program, kind, 4).unwrap();
            assert_eq!((found.faults.len(), found.acted.len()), (0, 0), "{found:?}");
        }
    }
}

#[test]
fn times_of_recovery_are_read_off_in_order() {
    let flips = Flips { count: 12, recovered: (1..=10).rev().collect(), never: 1, lost: 0 };
    assert_eq!(
        [0.0, 0.5, 0.9, 1.0].map(|part| flips.within(part)),
        [Some(1), Some(6), Some(10), Some(10)]
    );
    assert_eq!((flips.unseen(), Flips::default().within(0.5)), (1, None));
}
