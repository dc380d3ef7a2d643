// What an image says over RTT, taken out of its memory as a debug probe would.

// Of the control block: its mark, then the first channel's buffer, size and both cursors.
const MARK = "SEGGER RTT";
const [BUFFER, SIZE, WRITTEN, READ] = [28, 32, 36, 40];

export class Rtt {
  constructor(address) {
    this.address = address;
  }

  /** The bytes since the last call, or none before the image has set its memory up. */
  take(chip) {
    const block = chip.ram(this.address, READ + 4);
    if ([...MARK].some((letter, i) => block.getUint8(i) !== letter.charCodeAt(0))) return [];
    const [buffer, size, written, read] = [BUFFER, SIZE, WRITTEN, READ].map((at) => block.getUint32(at, true));
    const bytes = [];
    for (let at = read; at !== written; at = (at + 1) % size) bytes.push(chip.ram(buffer + at, 1).getUint8(0));
    block.setUint32(READ, written, true);
    return bytes;
  }
}
