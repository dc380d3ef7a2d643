// What an ELF file of 32 bits puts into flash, and where its symbols are.

const PT_LOAD = 1;
const SHT_SYMTAB = 2;

/** Segments with bytes, by their physical address, and addresses by symbol. */
export function readElf(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 52 || view.getUint32(0) !== 0x7f454c46 || bytes[4] !== 1) {
    throw new Error("the image is not an ELF file of 32 bits");
  }
  return { segments: segments(bytes, view), symbols: symbols(bytes, view) };
}

function segments(bytes, view) {
  const [start, size, count] = [view.getUint32(28, true), view.getUint16(42, true), view.getUint16(44, true)];
  const headers = Array.from({ length: count }, (_, i) => start + i * size);
  return headers
    .map((at) => ({
      type: view.getUint32(at, true),
      address: view.getUint32(at + 12, true),
      bytes: bytes.subarray(view.getUint32(at + 4, true), view.getUint32(at + 4, true) + view.getUint32(at + 16, true)),
    }))
    .filter(({ type, bytes }) => type === PT_LOAD && bytes.length > 0);
}

function symbols(bytes, view) {
  const [start, size, count] = [view.getUint32(32, true), view.getUint16(46, true), view.getUint16(48, true)];
  const word = (section, field) => view.getUint32(start + section * size + field, true);
  const found = new Map();
  for (let section = 0; section < count; section++) {
    if (word(section, 4) !== SHT_SYMTAB) continue;
    const [table, length, strings] = [word(section, 16), word(section, 20), word(word(section, 24), 16)];
    for (let at = table; at < table + length; at += 16) {
      const name = strings + view.getUint32(at, true);
      found.set(Buffer.from(bytes.subarray(name, bytes.indexOf(0, name))).toString(), view.getUint32(at + 4, true));
    }
  }
  return found;
}
