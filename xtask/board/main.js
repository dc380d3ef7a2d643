// A Raspberry Pi Pico with an MPU-6050 and a PCA9685 on its bus: node main.js IMAGE
//
// The first line that is heard is the plan, as JSON: `until` and, by microseconds from the first transfer on, `faults` of
// devices and `brownouts`, of the chip alone or of the devices as well; `quiet` is for images that use no bus, and
// counts from the power-up. Then this program says what happens, and asks for what the sensor measures:
//
//   bus AT ADDRESS WRITTEN READ ok|address|data|held    a transfer and how it ended
//   servos AT PRESCALE CHANNELS                         what the servo driver puts out from now on
//   log AT BYTES                                        what the image said over RTT
//   measure AT                                          answered by the 14 bytes of a reading
//   reset AT watchdog|brown-out                         the chip starts again
//   end AT                                              the plan is through

import { readFileSync } from "node:fs";

import { Bus } from "./bus.js";
import { Chip } from "./chip.js";
import { readElf } from "./elf.js";
import { Mpu6050 } from "./mpu6050.js";
import { Pca9685 } from "./pca9685.js";
import { Rtt } from "./rtt.js";
import { Wire, word } from "./wire.js";

/** Microseconds that the supply is gone. */
const BROWN_OUT = 20_000;
/** Microseconds without a transfer after which there will be none. */
const SILENCE = 1_000_000;
/** Instructions between two looks at the plan: fewer than a bit of the bus takes. */
const STRIDE = 64;

class Board {
  constructor(image, plan, wire) {
    const { segments, symbols } = readElf(image);
    const block = symbols.get("_SEGGER_RTT");
    if (block === undefined) throw new Error("the image has no _SEGGER_RTT, so nothing that it says can be read");
    Object.assign(this, { segments, plan, wire, rtt: new Rtt(block), epoch: 0, origin: null, due: [] });
    this.sensor = new Mpu6050(() => this.measure());
    this.servos = new Pca9685((prescale, channels) => wire.say("servos", this.now(), prescale, word(channels)));
    const devices = new Map([[0x68, this.sensor], [0x40, this.servos]]);
    this.bus = new Bus(devices, () => this.now(), (transfer) => this.transferred(transfer));
    this.powerUp();
    if (plan.quiet) this.begin(0);
  }

  /** Microseconds since the beginning. */
  now() {
    return Math.floor(this.epoch + this.chip.clock.nanos / 1000);
  }

  powerUp(ram) {
    if (this.chip) this.epoch += this.chip.clock.nanos / 1000;
    this.chip = new Chip(this.segments, ram);
    this.bus.connect(this.chip);
  }

  measure() {
    this.wire.say("measure", this.now());
    return Buffer.from(this.wire.hear(), "hex");
  }

  transferred({ at, address, written, read, outcome }) {
    if (this.origin === null) this.begin(at);
    this.sayLog();
    this.wire.say("bus", at, address.toString(16), word(written), word(read), outcome);
  }

  /** The first transfer: the plan counts from here on. */
  begin(at) {
    this.origin = at;
    const { faults, brownouts, until } = this.plan;
    const changes = faults.flatMap(({ device, kind, from, to }) => [
      { at: from, act: () => this.fail(device, kind) },
      ...(to === undefined ? [] : [{ at: to, act: () => this.fail(device, null) }]),
    ]);
    const dips = brownouts.map(({ at, devices }) => ({ at, act: () => this.brownOut(devices) }));
    this.due = [...changes, ...dips, { at: until, act: () => (this.ended = true) }];
    this.due.sort((a, b) => a.at - b.at);
  }

  fail(device, kind) {
    if (device === "bus") this.bus.hold();
    else this[device].become(kind);
  }

  sayLog() {
    const bytes = this.rtt.take(this.chip);
    if (bytes.length > 0) this.wire.say("log", this.now(), word(bytes));
  }

  /** The supply is too low for the chip, and for the devices or not: those may be left in the middle of a byte. */
  brownOut(devices) {
    this.sayLog();
    this.epoch += BROWN_OUT;
    const within = this.bus.transfer !== null;
    this.powerUp();
    if (devices) {
      this.sensor.powerUp();
      this.servos.powerUp();
      this.servos.stop();
    } else if (within) {
      this.bus.hold();
    }
    this.wire.say("reset", this.now(), "brown-out");
  }

  /** The watchdog resets the chip; RAM keeps what it held, the devices on the bus theirs. */
  reset() {
    this.sayLog();
    this.powerUp(this.chip.core.sram);
    this.wire.say("reset", this.now(), "watchdog");
  }

  run() {
    while (!this.ended) {
      this.chip.run(STRIDE);
      if (this.chip.starved) this.reset();
      const now = this.now();
      if (this.origin === null && now > SILENCE) throw new Error(`the image made no transfer within ${SILENCE} us`);
      while (!this.ended && this.due.length > 0 && now >= this.origin + this.due[0].at) this.due.shift().act();
    }
    this.sayLog();
    this.wire.say("end", this.now());
  }
}

const wire = new Wire();
try {
  new Board(readFileSync(process.argv[2]), JSON.parse(wire.hear()), wire).run();
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
