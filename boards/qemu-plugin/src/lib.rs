//! Counts the instructions that QEMU executes between two markers.
//!
//! Arguments: `begin=ADDRESS,end=ADDRESS` (hexadecimal, of each marker's first instruction),
//! `intervals=FILE` and `addresses=FILE`. When the emulator leaves, the first file holds one
//! little-endian `u64` a marked interval: the number of instructions from the first of the begin
//! marker up to, and without, the first of the end marker. The second holds three `u64` an address, in
//! rising order: the address, how often it was executed inside all intervals but the first, and how
//! often the next instruction was another than the one behind it, as after a branch that is taken.

#![allow(non_upper_case_globals)]

mod api;
mod counter;

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::slice;

use api::{Block, PluginId};
use counter::Counter;

/// QEMU's entry: 0 accepts the arguments.
///
/// # Safety
/// QEMU passes `argc` C strings in `argv`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qemu_plugin_install(
    id: PluginId,
    _info: *const c_void,
    argc: c_int,
    argv: *const *const c_char,
) -> c_int {
    let count = usize::try_from(argc).unwrap_or(0);
    // SAFETY: the caller's contract; `argv` may be null when there are none.
    let pointers = if count == 0 { &[] } else { unsafe { slice::from_raw_parts(argv, count) } };
    let arguments: Vec<String> = pointers
        .iter()
        // SAFETY: the caller's contract.
        .map(|&text| unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
        .collect();
    match Counter::install(&arguments) {
        Ok(()) => {
            // SAFETY: the id is the one QEMU gave, the callbacks live as long as the library.
            unsafe {
                api::qemu_plugin_register_vcpu_tb_trans_cb(id, on_block);
                api::qemu_plugin_register_atexit_cb(id, on_exit, std::ptr::null_mut());
            }
            0
        }
        Err(message) => {
            report(&message);
            1
        }
    }
}

extern "C" fn on_block(_: PluginId, block: *mut Block) {
    let Some(counter) = counter::get() else { return };
    // SAFETY: QEMU's block is valid during this call, and the indices are below its length.
    unsafe {
        for index in 0..api::qemu_plugin_tb_n_insns(block) {
            let instruction = api::qemu_plugin_tb_get_insn(block, index);
            let address = api::qemu_plugin_insn_vaddr(instruction);
            let site = counter.site(address, api::qemu_plugin_insn_size(instruction));
            let on_instruction = counter.callback(site);
            let userdata = std::ptr::from_ref(site).cast_mut().cast();
            api::qemu_plugin_register_vcpu_insn_exec_cb(
                instruction,
                on_instruction,
                api::NO_REGISTERS,
                userdata,
            );
        }
    }
}

extern "C" fn on_exit(_: PluginId, _: *mut c_void) {
    if let Some(Err(message)) = counter::get().map(Counter::write) {
        report(&message);
    }
}

fn report(message: &str) {
    if let Ok(text) = CString::new(format!("nervecord plugin: {message}\n")) {
        // SAFETY: a C string that outlives the call.
        unsafe { api::qemu_plugin_outs(text.as_ptr()) }
    }
}
