// A PCA9685 as a register machine: NXP's data sheet, revision 4.

const MODE1 = 0x00;
const AUTO_INCREMENT = 0x20;
const SLEEP = 0x10;
const PRESCALE = 0xfe;
const FIRST_CHANNEL = 0x06;
const CHANNELS = 16;

export class Pca9685 {
  /** `drive` hears of the prescaler and of the bytes of all channels, after every transfer that may have changed them. */
  constructor(drive) {
    this.drive = drive;
    this.fault = null;
    this.powerUp();
  }

  powerUp() {
    this.registers = new Uint8Array(256);
    this.registers[MODE1] = SLEEP | 1;
    this.registers[PRESCALE] = 0x1e;
    // All channels fully off.
    for (let i = 0; i < CHANNELS; i++) this.registers[FIRST_CHANNEL + 4 * i + 3] = 0x10;
    this.pointer = 0;
  }

  /** From now on: "unanswered", or nothing wrong. */
  become(fault) {
    this.fault = fault;
  }

  select(reads) {
    this.addressed = !reads;
    return this.fault !== "unanswered";
  }

  write(byte) {
    if (this.addressed) {
      this.pointer = byte;
      this.addressed = false;
    } else {
      const locked = this.pointer === PRESCALE && !(this.registers[MODE1] & SLEEP);
      if (!locked) this.registers[this.pointer] = byte;
      this.advance();
    }
    return true;
  }

  read() {
    const byte = this.registers[this.pointer];
    this.advance();
    return byte;
  }

  advance() {
    if (this.registers[MODE1] & AUTO_INCREMENT) this.pointer = (this.pointer + 1) % 256;
  }

  /** Outputs change with the stop. */
  stop() {
    if (this.fault === "unanswered") return;
    const channels = this.registers.subarray(FIRST_CHANNEL, FIRST_CHANNEL + 4 * CHANNELS);
    const awake = (this.registers[MODE1] & SLEEP) === 0;
    this.drive(awake ? this.registers[PRESCALE] : 0, channels);
  }
}
