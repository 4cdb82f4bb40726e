// CRC-32C (Castagnoli), which guards every record batch of Kafka from its attributes to its end. Node has no native
// one, so a few bytes are looked up one by one, and more are copied into the memory of a small WebAssembly module and
// taken sixteen at a time there. Where Node was started without WebAssembly, all go one by one: slow, and as right.
import { crc32cModule, stepBytes, tableBytes } from './crc32c-module.ts';

/** The polynomial, bits reversed. */
const polynomial = 0x82f63b78;

/** Below this, copying costs more than it saves. */
const copiedBytesMin = 48;

/** What a byte is worth when nothing follows it. */
const table: Int32Array = new Int32Array(256).map((_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1) === 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
  return crc;
});

/** The module's function, and the part of its memory that takes bytes. */
interface Engine {
  readonly room: Uint8Array;
  readonly run: (at: number, end: number, crc: number) => number;
}

const engine: Engine | undefined = startEngine();

/** The part of WebAssembly's interface that is used here, which the types of Node leave out. */
interface WasmApi {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => {
    readonly exports: { readonly memory: { readonly buffer: ArrayBuffer }; readonly f: Engine['run'] };
  };
}

function startEngine(): Engine | undefined {
  const { WebAssembly: wasm } = globalThis as { readonly WebAssembly?: WasmApi };
  if (wasm === undefined) return undefined;
  const { memory, f: run } = new wasm.Instance(new wasm.Module(crc32cModule())).exports;
  const tables = new Int32Array(memory.buffer, 0, (stepBytes * tableBytes) / 4);
  tables.set(table);
  // With one more byte after it, a byte is worth what was, taken a byte further.
  for (let at = 256; at < tables.length; at += 1) {
    const nearer = tables[at - 256]!;
    tables[at] = (nearer >>> 8) ^ table[nearer & 255]!;
  }
  return { room: new Uint8Array(memory.buffer, tables.byteLength), run };
}

/** CRC-32C of `bytes` from `start` to `end`, continued from `seed` where the bytes come in pieces. */
export function crc32c(bytes: Uint8Array, start = 0, end: number = bytes.length, seed = 0): number {
  let crc = ~seed;
  let at = start;
  if (engine !== undefined && end - start >= copiedBytesMin) {
    const { room, run } = engine;
    while (end - at >= stepBytes) {
      const size = Math.min(end - at, room.length) & -stepBytes;
      room.set(bytes.subarray(at, at + size));
      crc = run(room.byteOffset, room.byteOffset + size, crc);
      at += size;
    }
  }
  for (; at < end; at += 1) crc = (crc >>> 8) ^ table[(crc ^ bytes[at]!) & 255]!;
  return ~crc >>> 0;
}
