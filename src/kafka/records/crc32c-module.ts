// A WebAssembly module of one function, put together here byte by byte, because the same loop takes half again as long
// in JavaScript. The function goes over sixteen bytes at a step: each is looked up in a table of its own, which says
// what that byte is worth at its distance from the end of the step. The tables lie at the start of the memory.
//
//   f(at, end, crc) -> crc        `end - at` is a multiple of sixteen and not zero; both are places in the memory

/** How many bytes are taken at a step. */
export const stepBytes = 16;

/** One table of 256 numbers of 32 bits for each byte of a step. */
export const tableBytes = 1024;

const wordsPerStep = 4;

// Local variables: the three parameters, and then the words of a step.
const at = 0;
const end = 1;
const crc = 2;
const firstWord = 3;

// Instructions, and the types that stand among them.
const i32 = 0x7f;
const noResult = 0x40;
const block = 0x02;
const loop = 0x03;
const endOfBlock = 0x0b;
const branchIf = 0x0d;
const xor = 0x73;
const and = 0x71;
const add = 0x6a;
const lessUnsigned = 0x49;
const shiftLeft = 0x74;
const shiftRight = 0x76;

/** The module. It exports its memory of 64 KiB as `memory` and the function as `f`. */
export function crc32cModule(): Uint8Array<ArrayBuffer> {
  const code = [1, wordsPerStep, i32, ...blockOf(loopOverSteps()), ...get(crc), endOfBlock];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0], // '\0asm', version 1
    ...section(1, [1, 0x60, 3, i32, i32, i32, 1, i32]), // one type of function
    ...section(3, [1, 0]), // one function, of that type
    ...section(5, [1, 0, 1]), // a memory of one page
    ...section(7, [2, ...name('memory'), 2, 0, ...name('f'), 0, 0]),
    ...section(10, [1, ...unsigned(code.length), ...code]),
  ]);
}

function blockOf(body: readonly number[]): number[] {
  return [block, noResult, ...body, endOfBlock];
}

function loopOverSteps(): number[] {
  const next = [...get(at), ...constant(stepBytes), add, ...set(at)];
  const again = [...get(at), ...get(end), lessUnsigned, branchIf, 0];
  return [loop, noResult, ...readWords(), ...lookUpBytes(), ...set(crc), ...next, ...again, endOfBlock];
}

/** Reads the words of a step. The CRC so far goes into the first. */
function readWords(): number[] {
  const code: number[] = [];
  for (let word = 0; word < wordsPerStep; word += 1) {
    code.push(...get(at), ...load(word * 4));
    if (word === 0) code.push(...get(crc), xor);
    code.push(...set(firstWord + word));
  }
  return code;
}

/**
 * Looks up all bytes of a step, the last one first: the first word depends on the step before, so what does not is done
 * while that is still going on.
 */
function lookUpBytes(): number[] {
  const code: number[] = [];
  for (let byte = stepBytes - 1; byte >= 0; byte -= 1) {
    // The byte times four, which is its place in the table.
    const shift = (byte % 4) * 8 - 2;
    code.push(...get(firstWord + Math.floor(byte / 4)));
    code.push(...constant(Math.abs(shift)), shift < 0 ? shiftLeft : shiftRight, ...constant(255 * 4), and);
    code.push(...load((stepBytes - 1 - byte) * tableBytes));
    if (byte < stepBytes - 1) code.push(xor);
  }
  return code;
}

function get(local: number): number[] {
  return [0x20, local];
}

function set(local: number): number[] {
  return [0x21, local];
}

/** A word from a place in memory that is `offset` beyond the one on the stack. */
function load(offset: number): number[] {
  return [0x28, 2, ...unsigned(offset)];
}

/** A number whose highest seven bits are below 64, as all here are: beyond that it would be taken for negative. */
function constant(value: number): number[] {
  return [0x41, ...unsigned(value)];
}

function name(text: string): number[] {
  return [text.length, ...Array.from(text, (letter) => letter.charCodeAt(0))];
}

function section(id: number, body: readonly number[]): number[] {
  return [id, ...unsigned(body.length), ...body];
}

/** Seven bits to a byte, the lowest first. */
function unsigned(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...unsigned(value >>> 7)];
}
