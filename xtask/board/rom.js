// A stand-in for the boot ROM, which is not ours to give away: the look-up of functions, and those that images ask for.

/** Halfwords at fixed places point at the table of functions and at what looks it up. */
const TABLE_POINTER = 0x14;
const LOOK_UP_POINTER = 0x18;
const TABLE = 0x100;
const LOOK_UP = 0x200;

/** The functions by their two letters, as Thumb code. */
const FUNCTIONS = [
  // memset(r0 to, r1 byte, r2 length), which returns r0; "MS" and the one for aligned words.
  { codes: ["MS", "S4"], at: 0x240, code: [0x1883, 0x4602, 0x429a, 0xd002, 0x7011, 0x3201, 0xe7fa, 0x4770] },
  // memcpy(r0 to, r1 from, r2 length), which returns r0; "MC" and the one for aligned words.
  {
    codes: ["MC", "C4"],
    at: 0x280,
    code: [0xb510, 0x1883, 0x4602, 0x429a, 0xd004, 0x780c, 0x7014, 0x3101, 0x3201, 0xe7f8, 0xbd10],
  },
];

// r0 = the table, r1 = the code: halfwords of code and address until a code of 0; 0 where there is none.
const LOOK_UP_CODE = [0x8802, 0x2a00, 0xd003, 0x428a, 0xd003, 0x3004, 0xe7f8, 0x2000, 0x4770, 0x8840, 0x4770];

/** Puts the stand-in into a chip. */
export function loadRom(chip) {
  const view = new DataView(new ArrayBuffer(chip.bootrom.byteLength));
  const put = (address, halfwords) => halfwords.forEach((word, i) => view.setUint16(address + 2 * i, word, true));
  put(TABLE_POINTER, [TABLE]);
  put(LOOK_UP_POINTER, [LOOK_UP + 1]);
  put(LOOK_UP, LOOK_UP_CODE);
  const entries = FUNCTIONS.flatMap(({ codes, at, code }) => {
    put(at, code);
    return codes.flatMap((name) => [name.charCodeAt(0) | (name.charCodeAt(1) << 8), at + 1]);
  });
  put(TABLE, [...entries, 0]);
  chip.bootrom.set(new Uint32Array(view.buffer));
}
