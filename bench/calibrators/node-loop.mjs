// The idealised Node loop: group commit with the layout of the file WAL and no engine. Appends are framed and copied
// into a slab that was touched before; one group is in flight, written with one fs.write to a file of zeros that was
// opened with O_DSYNC, while the next one collects; one checksum per group; a promise per append. There is no cache,
// no order among streams, no fence, no file that is full: what an engine adds, it adds to this.
import { closeSync, constants, openSync, write, writeFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';

const MiB = 1 << 20;
const headBytes = 72;
const frameBytes = 40;
const alignmentBytes = 512;
const groupMaxBytes = 4 * MiB;
const two32 = 2 ** 32;

/** Makes a file of zeros, written out, so that later writes change nothing but its contents. */
export function makeZeros(path, sizeBytes) {
  writeFileSync(path, new Uint8Array(sizeBytes), { flush: true });
}

export class NodeLoop {
  #file;
  #sizeBytes;
  #position = 0;
  #slab = new Uint8Array(groupMaxBytes).fill(0);
  #otherSlab = new Uint8Array(groupMaxBytes).fill(0);
  #view = new DataView(this.#slab.buffer);
  #otherView = new DataView(this.#otherSlab.buffer);
  #used = headBytes;
  #waiting = [];
  #flying = [];
  #isFlying = false;
  #pumpIsDue = false;
  #nextOffset = 0;
  #nextGroup = 0;
  #reject = () => {};

  /** Settles, with the failure, if a write fails. */
  failed = new Promise((_, reject) => (this.#reject = reject));

  constructor(path, sizeBytes) {
    this.#file = openSync(path, constants.O_RDWR | (constants.O_DSYNC ?? constants.O_SYNC));
    this.#sizeBytes = sizeBytes;
    this.failed.catch(() => {});
  }

  /** Resolves with the offset when the bytes are on the disk. As many may wait as fit a group. */
  append(bytes) {
    const start = this.#used;
    const offset = this.#nextOffset++;
    if (start + frameBytes + bytes.byteLength > groupMaxBytes) throw new RangeError('more waits than fits a group');
    const view = this.#view;
    view.setUint32(start + 16, offset / two32);
    view.setUint32(start + 20, offset);
    view.setUint32(start + 32, 1);
    view.setUint32(start + 36, bytes.byteLength);
    this.#slab.set(bytes, start + frameBytes);
    this.#used = start + frameBytes + bytes.byteLength;
    return new Promise((resolve) => {
      this.#waiting.push(resolve, offset);
      if (this.#isFlying || this.#pumpIsDue) return;
      this.#pumpIsDue = true;
      queueMicrotask(() => {
        this.#pumpIsDue = false;
        if (!this.#isFlying && this.#waiting.length > 0) this.#fly();
      });
    });
  }

  #fly() {
    const slab = this.#slab;
    const view = this.#view;
    const end = Math.ceil(this.#used / alignmentBytes) * alignmentBytes;
    slab.fill(0, this.#used, end);
    view.setUint32(12, this.#used - headBytes);
    view.setUint32(20, this.#waiting.length / 2);
    view.setUint32(52, this.#nextGroup++);
    view.setUint32(16, crc32(slab.subarray(headBytes, this.#used)));
    if (this.#position + end > this.#sizeBytes) this.#position = 0;
    const position = this.#position;
    this.#position += end;
    [this.#slab, this.#otherSlab] = [this.#otherSlab, slab];
    [this.#view, this.#otherView] = [this.#otherView, view];
    [this.#waiting, this.#flying] = [this.#flying, this.#waiting];
    this.#used = headBytes;
    this.#isFlying = true;
    write(this.#file, slab, 0, end, position, (failure, written) => {
      this.#isFlying = false;
      if (failure !== null || written !== end) return this.#reject(failure ?? new Error('a write was short'));
      const flown = this.#flying;
      for (let i = 0; i < flown.length; i += 2) flown[i](flown[i + 1]);
      flown.length = 0;
      if (this.#waiting.length > 0) this.#fly();
    });
  }

  close() {
    closeSync(this.#file);
  }
}
