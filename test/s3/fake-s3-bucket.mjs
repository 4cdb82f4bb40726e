// What the fake S3 server keeps, in memory: buckets with objects and with uploads that were begun in parts.
import { createHash } from 'node:crypto';
import * as zlib from 'node:zlib';

/** From here on the etag is not the hash of all bytes, which would cost more than everything else about a large put. */
const hashedMaxBytes = 256 * 1024;

/** One value. Its pieces are kept as they came until somebody reads them. */
export class FakeObject {
  #chunks;

  constructor(chunks, { size, modified, crc32, etag }) {
    this.#chunks = chunks;
    this.size = size;
    this.modified = modified;
    this.crc32 = crc32;
    this.etag = etag ?? etagOf(chunks, size, crc32);
  }

  /** All bytes, in one piece. */
  get bytes() {
    if (this.#chunks.length !== 1) this.#chunks = [Buffer.concat(this.#chunks, this.size)];
    return this.#chunks[0];
  }

  get chunks() {
    return this.#chunks;
  }
}

/** The same for the same bytes, as with MD5; for large values it is made of their size and their CRC-32. */
function etagOf(chunks, size, crc32) {
  const hash = createHash('md5');
  if (size <= hashedMaxBytes) for (const chunk of chunks) hash.update(chunk);
  else hash.update(`${size} ${crc32 ?? crc32Of(chunks)}`);
  return hash.digest('hex');
}

/** As the header of a request has it. */
export function crc32Of(chunks) {
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(chunks.reduce((before, chunk) => zlib.crc32(chunk, before), 0));
  return sum.toString('base64');
}

export class FakeBucket {
  objects = new Map();
  uploads = new Map();
  #sorted;

  put(key, object) {
    if (!this.objects.has(key)) this.#sorted = undefined;
    this.objects.set(key, object);
  }

  delete(key) {
    if (this.objects.delete(key)) this.#sorted = undefined;
  }

  clear() {
    this.objects.clear();
    this.uploads.clear();
    this.#sorted = undefined;
  }

  /** Keys with a prefix that come after another, in the order of their UTF-8 bytes. */
  keysAfter(prefix, after) {
    this.#sorted ??= [...this.objects.keys()].map((key) => ({ key, bytes: Buffer.from(key) })).sort(byBytes);
    const bound = Buffer.from(after);
    let [low, high] = [0, this.#sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (Buffer.compare(this.#sorted[middle].bytes, bound) <= 0) low = middle + 1;
      else high = middle;
    }
    return this.#sorted.slice(low).flatMap(({ key }) => (key.startsWith(prefix) ? [key] : []));
  }
}

function byBytes(a, b) {
  return Buffer.compare(a.bytes, b.bytes);
}
