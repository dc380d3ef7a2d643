// The chip: an image in its flash, started as the boot ROM would start it, and what the emulator leaves out of a reset.

import { RP2040 } from "rp2040js";

import { loadRom } from "./rom.js";

const FLASH = 0x10000000;
const RAM = 0x20000000;
/** The image's vector table, behind the second-stage boot loader, which is left out. */
const VECTORS = 0x10000100;
/** Registers of the chip: resets of peripherals, and the watchdog. */
const RESETS = 0x4000c;
const WATCHDOG = 0x40058;
/** The I2C peripheral's bit in the former; its register of bytes to send, and the flag of a transfer that was given up. */
const RESET_OF_I2C0 = 1 << 3;
const [DATA_CMD, TX_ABRT] = [0x10, 1 << 6];
/** What RAM may hold after a power-up: anything but zeros. */
const GARBAGE = 0xa5;

/** A chip whose flash holds `segments`; what RAM holds survives a watchdog, and nothing else does. */
export class Chip {
  constructor(segments, ram) {
    this.core = new RP2040();
    /** Whether the watchdog has bitten. */
    this.starved = false;
    this.core.logger = SILENT;
    for (const { address, bytes } of segments) {
      this.core.flash.set(bytes, address - FLASH);
    }
    if (ram) {
      this.core.sram.set(ram);
    } else {
      this.core.sram.fill(GARBAGE);
    }
    const watchdog = this.core.peripherals[WATCHDOG];
    watchdog.onWatchdogTrigger = () => {
      this.starved = true;
      // Else it bites again at once, and time stands still.
      watchdog.timer.enable = false;
    };
    keepFlushed(this.i2c);
    loadRom(this.core);
    this.core.core.VTOR = VECTORS;
    this.core.core.SP = this.core.readUint32(VECTORS);
    this.core.core.PC = this.core.readUint32(VECTORS + 4) & ~1;
  }

  get i2c() {
    return this.core.i2c[0];
  }

  get clock() {
    return this.core.clock;
  }

  /** Executes so many instructions; a cycle takes the time that the chip's own clocks were set to. */
  run(instructions) {
    const { core, clock } = this.core;
    for (let i = 0; i < instructions && !this.starved; i++) {
      clock.tick((core.executeInstruction() * 1e9) / this.core.clkSys);
    }
  }

  /** Calls `onReset` whenever the image resets its I2C peripheral, of which the emulator does nothing. */
  watchResetOfI2c(onReset) {
    const resets = this.core.peripherals[RESETS];
    const write = resets.writeUint32.bind(resets);
    resets.writeUint32 = (offset, value) => {
      write(offset, value);
      if (offset === 0 && value & RESET_OF_I2C0) {
        resetI2c(this.i2c);
        onReset();
      }
    };
  }

  /** A view of RAM from an address on. */
  ram(address, length) {
    return new DataView(this.core.sram.buffer, address - RAM, length);
  }
}

/** Until an image has cleared the reason why a transfer was given up, no byte gets into the FIFO. */
function keepFlushed(i2c) {
  const write = i2c.writeUint32.bind(i2c);
  i2c.writeUint32 = (offset, value) => {
    if (offset !== DATA_CMD || !(i2c.intRaw & TX_ABRT)) write(offset, value);
  };
}

function resetI2c(i2c) {
  Object.assign(i2c, { state: 0, busy: false, stop: false, pendingRestart: false, enable: 0, abortSource: 0, intRaw: 0 });
  i2c.rxFIFO.reset();
  i2c.txFIFO.reset();
}

// What the emulator says of registers that it does not model.
const SILENT = { debug() {}, info() {}, warn() {}, error() {} };
