// The I2C bus: a peripheral of the chip at one end, devices at the other, and bits that take their time.

/** Bits of a byte with its acknowledge. */
const BITS = 9;
/** The pins of data and clock. */
const [SDA, SCL] = [4, 5];
/** Clock pulses after which a device that holds the data line has sent the rest of its byte. */
const PULSES_TO_LET_GO = 9;
/** Of the emulator's pins: driven low. */
const LOW = 0;

export class Bus {
  /** `devices` by address; `tell` hears of every transfer, `now` is the time in microseconds. */
  constructor(devices, now, tell) {
    Object.assign(this, { devices, now, tell, held: false });
  }

  /** Wires a chip up that has just been powered. */
  connect(chip) {
    this.chip = chip;
    this.pending = null;
    this.transfer = null;
    const { i2c } = chip;
    i2c.onStart = () => this.start();
    i2c.onConnect = (address, mode) => this.after(BITS, () => this.address(address, mode === 1));
    i2c.onWriteByte = (byte) => this.after(BITS, () => this.write(byte));
    i2c.onReadByte = () => this.after(BITS, () => this.read());
    i2c.onStop = () => this.after(1, () => this.stop());
    chip.watchResetOfI2c(() => this.abandon());
    chip.core.gpio[SCL].addListener((state) => this.pulse(state));
  }

  /** From now on a device holds the data line low, until it is clocked out of its byte. */
  hold() {
    this.held = true;
    this.pulses = 0;
    this.chip.core.gpio[SDA].setInputValue(false);
  }

  pulse(state) {
    if (!this.held || state !== LOW) return;
    this.pulses += 1;
    if (this.pulses >= PULSES_TO_LET_GO) {
      this.held = false;
      this.chip.core.gpio[SDA].setInputValue(true);
    }
  }

  /** Calls `act` so many bits later. */
  after(bits, act) {
    const { i2c, core, clock } = this.chip;
    const nanos = ((i2c.sclLowPeriod + i2c.sclHighPeriod) * 1e9) / core.clkSys;
    this.pending = clock.createAlarm(act);
    this.pending.schedule(bits * nanos);
  }

  start() {
    const { i2c } = this.chip;
    if (this.held) {
      // The line is busy: the peripheral waits for it.
      this.tell({ at: this.now(), address: i2c.targetAddress, written: [], read: [], outcome: "held" });
      return;
    }
    this.transfer ??= { at: this.now(), address: i2c.targetAddress, written: [], read: [], outcome: "ok" };
    this.after(1, () => i2c.completeStart());
  }

  address(address, reads) {
    this.device = this.devices.get(address);
    const acknowledged = this.device?.select(reads) ?? false;
    if (!acknowledged) this.transfer.outcome = "address";
    this.chip.i2c.completeConnect(acknowledged);
  }

  write(byte) {
    const acknowledged = this.device.write(byte);
    this.transfer.written.push(byte);
    if (!acknowledged) this.transfer.outcome = "data";
    this.chip.i2c.completeWrite(acknowledged);
  }

  read() {
    const byte = this.device.read();
    this.transfer.read.push(byte);
    this.chip.i2c.completeRead(byte);
  }

  stop() {
    const { transfer } = this;
    this.transfer = null;
    if (transfer) {
      this.tell(transfer);
      this.devices.get(transfer.address)?.stop();
    }
    this.chip.i2c.completeStop();
  }

  /** The image gave the transfer up by a reset of its peripheral. */
  abandon() {
    this.pending?.cancel();
    this.transfer = null;
  }
}
