//! What is counted, and where it is written.

use std::collections::BTreeMap;
use std::ffi::{c_uint, c_void};
use std::fs;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::api::OnInstruction;

/// An instruction of the guest.
pub struct Site {
    address: u64,
    /// The address behind it.
    next: u64,
    executed: AtomicU64,
    left: AtomicU64,
}

/// What the arguments asked for, and what was seen so far.
pub struct Counter {
    begin: u64,
    end: u64,
    intervals_file: String,
    addresses_file: String,
    sites: Mutex<BTreeMap<u64, &'static Site>>,
}

static COUNTER: OnceLock<Counter> = OnceLock::new();
static INTERVALS: Mutex<Vec<u64>> = Mutex::new(Vec::new());

// One core runs, so relaxed loads and stores are exact, and faster than locked additions.
static INSIDE: AtomicBool = AtomicBool::new(false);
static CALIBRATED: AtomicBool = AtomicBool::new(false);
static COUNT: AtomicU64 = AtomicU64::new(0);
/// The instruction executed last in the interval, or null.
static LAST: AtomicPtr<Site> = AtomicPtr::new(ptr::null_mut());

/// The counter, once installed.
pub fn get() -> Option<&'static Counter> {
    COUNTER.get()
}

/// An interval opens.
pub fn begin() {
    COUNT.store(0, Relaxed);
    LAST.store(ptr::null_mut(), Relaxed);
    INSIDE.store(true, Relaxed);
}

/// An interval closes.
pub fn end() {
    if INSIDE.swap(false, Relaxed) {
        CALIBRATED.store(true, Relaxed);
        let mut intervals = INTERVALS.lock().unwrap_or_else(PoisonError::into_inner);
        intervals.push(COUNT.load(Relaxed));
    }
}

/// An instruction executes.
pub fn count(site: &'static Site) {
    if INSIDE.load(Relaxed) {
        increment(&COUNT);
        if CALIBRATED.load(Relaxed) {
            increment(&site.executed);
            let last = LAST.swap(ptr::from_ref(site).cast_mut(), Relaxed);
            // SAFETY: null, or a site, which is never freed and only read.
            if let Some(last) = unsafe { last.as_ref() }
                && last.next != site.address
            {
                increment(&last.left);
            }
        }
    }
}

fn increment(number: &AtomicU64) {
    number.store(number.load(Relaxed) + 1, Relaxed);
}

impl Counter {
    /// Makes the one counter from `name=value` arguments.
    pub fn install(arguments: &[String]) -> Result<(), String> {
        let value = |name: &str| {
            arguments
                .iter()
                .find_map(|a| a.strip_prefix(name)?.strip_prefix('='))
                .ok_or_else(|| format!("the argument {name}= is missing"))
        };
        let address = |name: &str| {
            let text = value(name)?;
            u64::from_str_radix(text.trim_start_matches("0x"), 16)
                .map_err(|error| format!("{name}={text}: {error}"))
        };
        let counter = Self {
            begin: address("begin")?,
            end: address("end")?,
            intervals_file: value("intervals")?.into(),
            addresses_file: value("addresses")?.into(),
            sites: Mutex::default(),
        };
        COUNTER.set(counter).map_err(|_| "the plugin is loaded twice".into())
    }

    /// The site at an address; a block translated again finds the same one.
    pub fn site(&self, address: u64, bytes: usize) -> &'static Site {
        let mut sites = self.sites.lock().unwrap_or_else(PoisonError::into_inner);
        sites.entry(address).or_insert_with(|| {
            let (executed, left) = (AtomicU64::new(0), AtomicU64::new(0));
            Box::leak(Box::new(Site { address, next: address + bytes as u64, executed, left }))
        })
    }

    /// What to call before the instruction at a site.
    pub fn callback(&self, site: &Site) -> OnInstruction {
        match site.address {
            a if a == self.begin => on_begin,
            a if a == self.end => on_end,
            _ => on_other,
        }
    }

    /// Writes both files.
    pub fn write(&self) -> Result<(), String> {
        let intervals = INTERVALS.lock().unwrap_or_else(PoisonError::into_inner);
        let sites = self.sites.lock().unwrap_or_else(PoisonError::into_inner);
        let executed = sites
            .values()
            .map(|site| [site.address, site.executed.load(Relaxed), site.left.load(Relaxed)])
            .filter(|[_, count, _]| *count > 0);
        save(&self.intervals_file, intervals.iter().copied())?;
        save(&self.addresses_file, executed.flatten())
    }
}

fn save(path: &str, numbers: impl Iterator<Item = u64>) -> Result<(), String> {
    let bytes: Vec<u8> = numbers.flat_map(u64::to_le_bytes).collect();
    fs::write(path, bytes).map_err(|error| format!("cannot write {path}: {error}"))
}

/// The site a callback was registered with.
fn site(userdata: *mut c_void) -> &'static Site {
    // SAFETY: callbacks are registered with sites only, which [`Counter::site`] gave and which are never freed.
    unsafe { &*userdata.cast_const().cast() }
}

extern "C" fn on_begin(_: c_uint, userdata: *mut c_void) {
    begin();
    count(site(userdata));
}

extern "C" fn on_end(_: c_uint, _: *mut c_void) {
    end();
}

extern "C" fn on_other(_: c_uint, userdata: *mut c_void) {
    count(site(userdata));
}
