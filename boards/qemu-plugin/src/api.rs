//! The few functions of QEMU's plugin interface that counting needs, declared by hand because
//! distributions package no header. They are the same in every version of the interface so far.

use std::ffi::{c_char, c_int, c_uint, c_void};

/// Which plugin QEMU is talking to.
pub type PluginId = u64;

/// Called with the plugin, and again with a translated block.
pub type OnBlock = extern "C" fn(PluginId, *mut Block);
/// Called before an instruction with the core's index and the pointer given at registration.
pub type OnInstruction = extern "C" fn(c_uint, *mut c_void);
/// Called when the emulator leaves.
pub type OnExit = extern "C" fn(PluginId, *mut c_void);

/// A translated block, QEMU's own.
#[repr(C)]
pub struct Block([u8; 0]);

/// An instruction in a block, QEMU's own.
#[repr(C)]
pub struct Instruction([u8; 0]);

/// `QEMU_PLUGIN_CB_NO_REGS`: the callback looks at no register.
pub const NO_REGISTERS: c_int = 0;

/// The interface this plugin asks for: the oldest by default, newer ones when the host found that
/// its QEMU no longer takes the oldest.
#[unsafe(no_mangle)]
pub static qemu_plugin_version: c_int = match option_env!("NERVECORD_PLUGIN_API") {
    Some(number) => match c_int::from_str_radix(number, 10) {
        Ok(number) => number,
        Err(_) => panic!("NERVECORD_PLUGIN_API must be a number"),
    },
    None => 1,
};

unsafe extern "C" {
    /// Asks to be called with every block that is translated.
    pub fn qemu_plugin_register_vcpu_tb_trans_cb(id: PluginId, on_block: OnBlock);
    /// Number of instructions in a block.
    pub fn qemu_plugin_tb_n_insns(block: *const Block) -> usize;
    /// An instruction of a block.
    pub fn qemu_plugin_tb_get_insn(block: *const Block, index: usize) -> *mut Instruction;
    /// The guest address of an instruction.
    pub fn qemu_plugin_insn_vaddr(instruction: *const Instruction) -> u64;
    /// Bytes of an instruction.
    pub fn qemu_plugin_insn_size(instruction: *const Instruction) -> usize;
    /// Asks to be called before an instruction executes.
    pub fn qemu_plugin_register_vcpu_insn_exec_cb(
        instruction: *mut Instruction,
        on_instruction: OnInstruction,
        flags: c_int,
        userdata: *mut c_void,
    );
    /// Asks to be called when the emulator leaves.
    pub fn qemu_plugin_register_atexit_cb(id: PluginId, on_exit: OnExit, userdata: *mut c_void);
    /// Writes to the emulator's log.
    pub fn qemu_plugin_outs(text: *const c_char);
}
