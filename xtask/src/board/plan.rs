//! What happens to an image in a run, and when.

use serde::Serialize;

use super::host::PERIOD;

/// Microseconds before a period in which its faults begin and end.
const AHEAD: u64 = 2_000;
/// Microseconds into a period at which the sensor is in the middle of its answer.
const WITHIN: u64 = 600;

/// What a run does, as the emulated board is told.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    /// When it ends, in microseconds after the first transfer; of a quiet run, after the power-up.
    until: u64,
    /// Whether the image uses no bus.
    quiet: bool,
    /// What is wrong on the bus.
    pub faults: Vec<Fault>,
    /// When the supply is too low.
    brownouts: Vec<BrownOut>,
    /// The causes of its resets, in order.
    #[serde(skip)]
    pub resets: Vec<&'static str>,
}

/// Something that is wrong on the bus for a while.
#[derive(Debug, Clone, Serialize)]
pub struct Fault {
    /// The device: `sensor`, `servos` or `bus`.
    device: &'static str,
    /// What it does.
    kind: &'static str,
    /// From when on, and until when, in microseconds.
    from: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<u64>,
    /// What a person calls it.
    #[serde(skip)]
    pub name: &'static str,
    /// The periods that have it: the first, and the first without.
    #[serde(skip)]
    pub periods: [u32; 2],
}

#[derive(Debug, Clone, Serialize)]
struct BrownOut {
    at: u64,
    devices: bool,
}

/// The moment before a period.
fn before(period: u32) -> u64 {
    (u64::from(period) * u64::from(PERIOD)).saturating_sub(AHEAD)
}

impl Fault {
    fn new(
        name: &'static str,
        [device, kind]: [&'static str; 2],
        period: u32,
        periods: u32,
    ) -> Self {
        // A held line is let go by pulses, not by time.
        let to = (device != "bus").then(|| before(period + periods));
        Self { device, kind, from: before(period), to, name, periods: [period, period + periods] }
    }
}

impl Plan {
    /// So many whole periods, in which nothing goes wrong.
    pub fn clean(periods: u32) -> Self {
        let (faults, brownouts, resets) = (Vec::new(), Vec::new(), Vec::new());
        Self { until: before(periods), quiet: false, faults, brownouts, resets }
    }

    /// So many milliseconds of an image that uses no bus.
    pub fn quiet(milliseconds: u64) -> Self {
        Self { until: milliseconds * 1_000, quiet: true, ..Self::clean(0) }
    }

    /// So many periods: a clean stretch, then every fault on the wire, each with time to recover from.
    pub fn faults(periods: u32) -> Self {
        let faults = vec![
            Fault::new("not acknowledged", ["sensor", "unanswered"], 200, 1),
            Fault::new("unplugged", ["sensor", "unplugged"], 300, 12),
            Fault::new("stale", ["sensor", "stopped"], 400, 2),
            Fault::new("stuck", ["sensor", "frozen"], 500, 30),
            Fault::new("another device", ["sensor", "impostor"], 600, 6),
            Fault::new("bus held low", ["bus", "held"], 700, 1),
            Fault::new("servos silent", ["servos", "unanswered"], 800, 3),
        ];
        Self { faults, ..Self::clean(periods) }
    }

    /// Brown-outs, of all that is on the board and of the chip alone in the middle of a transfer, and a servo driver that is
    /// gone for longer than the watchdog waits.
    pub fn resets() -> Self {
        let within = |period: u64| period * u64::from(PERIOD) + WITHIN;
        let brownouts = vec![
            BrownOut { at: within(60), devices: true },
            BrownOut { at: within(120), devices: false },
        ];
        let faults = vec![Fault::new("servos gone", ["servos", "unanswered"], 180, 12)];
        let resets = vec!["brown-out", "brown-out", "watchdog"];
        Self { faults, brownouts, resets, ..Self::clean(250) }
    }
}
