// An MPU-6050 as a register machine: RM-MPU-6000A-00.

const WHO_AM_I = 0x75;
const POWER = 0x6b;
const SLEEP = 0x40;
const INTERRUPTS = 0x38;
const SIGNALLED = 0x3a;
const NEW_READING = 1;
const FIRST_READING = 0x3b;
const READING = 14;
const REGISTERS = 128;

export class Mpu6050 {
  /** `measure` gives the 14 bytes of a reading, as of now. */
  constructor(measure) {
    this.measure = measure;
    this.fault = null;
    this.powerUp();
  }

  powerUp() {
    this.registers = new Uint8Array(REGISTERS);
    this.registers[POWER] = SLEEP;
    this.registers[WHO_AM_I] = 0x68;
    this.pointer = 0;
  }

  /** From now on: "unplugged", "unanswered", "impostor", "frozen", "stopped", or nothing wrong. */
  become(fault) {
    // Whatever comes back into the socket has been without supply.
    if ([fault, this.fault].some((kind) => ["unplugged", "impostor"].includes(kind))) this.powerUp();
    if (fault === "impostor") this.registers[WHO_AM_I] = 0x12;
    this.fault = fault;
  }

  select(reads) {
    this.addressed = !reads;
    const answers = !["unplugged", "unanswered"].includes(this.fault);
    if (answers && reads) this.latch();
    return answers;
  }

  /** Readings go into the registers between transfers. */
  latch() {
    const asleep = (this.registers[POWER] & SLEEP) !== 0;
    if (asleep || this.fault === "stopped") return;
    if (this.fault !== "frozen") this.registers.set(this.measure(), FIRST_READING);
    this.registers[SIGNALLED] = this.registers[INTERRUPTS] & NEW_READING;
  }

  write(byte) {
    if (this.addressed) {
      this.pointer = byte % REGISTERS;
      this.addressed = false;
    } else {
      const fixed = this.pointer === WHO_AM_I || (this.pointer >= SIGNALLED && this.pointer < FIRST_READING + READING);
      if (!fixed) this.registers[this.pointer] = byte;
      this.advance();
    }
    return true;
  }

  read() {
    const byte = this.registers[this.pointer];
    if (this.pointer === SIGNALLED) this.registers[SIGNALLED] = 0;
    this.advance();
    return byte;
  }

  advance() {
    this.pointer = (this.pointer + 1) % REGISTERS;
  }

  stop() {}
}
