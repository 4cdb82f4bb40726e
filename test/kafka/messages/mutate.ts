// Frames that are almost right: what remains of a real one after some changes of the kinds that find mistakes in readers.
import * as fc from 'fast-check';

/** One change to a frame. Places are fractions of it, so that a change shrinks independently of the frame. */
export type Mutation =
  | { readonly kind: 'flip'; readonly at: number; readonly bit: number }
  | { readonly kind: 'cut'; readonly at: number }
  | { readonly kind: 'extend'; readonly bytes: Uint8Array }
  | { readonly kind: 'put'; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: 'insert'; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: 'remove'; readonly at: number; readonly count: number }
  | { readonly kind: 'repeat'; readonly at: number; readonly count: number };

/** What length fields are replaced with: nothing, null, too much, the largest and the smallest, in both encodings. */
const lengths: readonly (readonly number[])[] = [
  [0x00],
  [0x01],
  [0x7f],
  [0xff],
  [0xff, 0xff],
  [0x7f, 0xff],
  [0x80, 0x00],
  [0x80, 0x80, 0x80, 0x80, 0x80, 0x80],
  [0xff, 0xff, 0xff, 0xff],
  [0x7f, 0xff, 0xff, 0xff],
  [0x80, 0x00, 0x00, 0x00],
  [0x00, 0x01, 0x86, 0xa0],
  [0xff, 0xff, 0xff, 0xff, 0x07],
  [0xff, 0xff, 0xff, 0xff, 0x0f],
  [0xff, 0xff, 0xff, 0xff, 0xff],
  [0x80, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00],
  [0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
];

const place = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
const someBytes = fc.uint8Array({ minLength: 1, maxLength: 20 });
const lengthBytes = fc.constantFrom(...lengths).map((bytes) => Uint8Array.from(bytes));

export const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.record({ kind: fc.constant('flip' as const), at: place, bit: fc.nat(7) }),
  fc.record({ kind: fc.constant('cut' as const), at: place }),
  fc.record({ kind: fc.constant('extend' as const), bytes: someBytes }),
  fc.record({ kind: fc.constant('put' as const), at: place, bytes: lengthBytes }),
  fc.record({ kind: fc.constant('put' as const), at: place, bytes: someBytes }),
  fc.record({ kind: fc.constant('insert' as const), at: place, bytes: someBytes }),
  fc.record({ kind: fc.constant('remove' as const), at: place, count: fc.integer({ min: 1, max: 20 }) }),
  fc.record({ kind: fc.constant('repeat' as const), at: place, count: fc.integer({ min: 1, max: 40 }) }),
);

/** A copy of the frame with the changes made from `from` on. */
export function mutated(frame: Uint8Array, mutations: readonly Mutation[], from = 0): Uint8Array {
  const head = frame.subarray(0, from);
  let rest: Uint8Array = Uint8Array.from(frame.subarray(from));
  for (const one of mutations) rest = mutatedOnce(rest, one);
  return Buffer.concat([head, rest]);
}

function mutatedOnce(bytes: Uint8Array, one: Mutation): Uint8Array {
  if (one.kind === 'extend') return Buffer.concat([bytes, one.bytes]);
  const at = Math.floor(one.at * bytes.length);
  switch (one.kind) {
    case 'cut':
      return bytes.subarray(0, at);
    case 'insert':
      return Buffer.concat([bytes.subarray(0, at), one.bytes, bytes.subarray(at)]);
    case 'remove':
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + one.count)]);
    case 'repeat':
      return Buffer.concat([bytes.subarray(0, at + one.count), bytes.subarray(at)]);
    case 'flip': {
      const copy = Uint8Array.from(bytes);
      if (at < copy.length) copy[at] = (copy[at] ?? 0) ^ (1 << one.bit);
      return copy;
    }
    case 'put': {
      const copy = Uint8Array.from(bytes);
      copy.set(one.bytes.subarray(0, copy.length - at), at);
      return copy;
    }
  }
}
