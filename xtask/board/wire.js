// Lines between this program and the one that started it: words apart, numbers in microseconds, bytes in hexadecimal.

import { readSync, writeSync } from "node:fs";

const [IN, OUT] = [0, 1];

export class Wire {
  constructor() {
    this.rest = "";
  }

  say(...words) {
    writeSync(OUT, `${words.join(" ")}\n`);
  }

  /** The next line, which is waited for: time stands still meanwhile. */
  hear() {
    const chunk = Buffer.alloc(4096);
    while (!this.rest.includes("\n")) {
      const length = readSync(IN, chunk, 0, chunk.length, null);
      if (length === 0) throw new Error("nobody answers");
      this.rest += chunk.toString("latin1", 0, length);
    }
    const end = this.rest.indexOf("\n");
    const line = this.rest.slice(0, end);
    this.rest = this.rest.slice(end + 1);
    return line;
  }
}

/** Bytes as a word. */
export function word(bytes) {
  return bytes.length > 0 ? Buffer.from(bytes).toString("hex") : "-";
}
