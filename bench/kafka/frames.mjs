// Frames of the Kafka protocol that benches send, encoded once, and what they look at in answers. The versions are the
// last ones of the old encoding: Produce 7, Fetch 11, Metadata 4.
import { randomFillSync } from 'node:crypto';
import { crc32c } from '../../dist/kafka/records/crc32c.js';

export const topic = 'bench';

/** Bytes of a batch before its records, and of its CRC's place in it. */
const batchHeadBytes = 61;
const crcAt = 17;

class Writer {
  #bytes = Buffer.alloc(4096);
  #at = 0;

  int8(value) {
    return this.#put(1, (at) => this.#bytes.writeInt8(value, at));
  }
  int16(value) {
    return this.#put(2, (at) => this.#bytes.writeInt16BE(value, at));
  }
  int32(value) {
    return this.#put(4, (at) => this.#bytes.writeInt32BE(value, at));
  }
  int64(value) {
    return this.#put(8, (at) => this.#bytes.writeBigInt64BE(BigInt(value), at));
  }
  text(value) {
    return this.int16(value.length).#put(value.length, (at) => this.#bytes.write(value, at, 'latin1'));
  }
  /** A number in zigzag and groups of seven bits. */
  varint(value) {
    let rest = (value << 1) ^ (value >> 31);
    while (rest >= 0x80) {
      this.int8((((rest & 0x7f) | 0x80) << 24) >> 24);
      rest >>>= 7;
    }
    return this.int8(rest);
  }
  raw(bytes) {
    return this.#put(bytes.length, (at) => this.#bytes.set(bytes, at));
  }
  #put(length, write) {
    if (this.#at + length > this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes], 2 * (this.#at + length));
    write(this.#at);
    this.#at += length;
    return this;
  }
  get length() {
    return this.#at;
  }
  done() {
    return Buffer.from(this.#bytes.subarray(0, this.#at));
  }
}

/** A batch of about so many bytes, in records of at most 1 KiB, of values that no compressor would shrink. */
export function recordBatch(sizeBytes, baseTimestamp = Date.now()) {
  const recordBytes = Math.min(1024, Math.max(16, sizeBytes - batchHeadBytes));
  const records = new Writer();
  let count = 0;
  while (count === 0 || batchHeadBytes + records.length + recordBytes <= sizeBytes) {
    const value = randomFillSync(Buffer.alloc(recordBytes - 10));
    const body = new Writer()
      .int8(0)
      .varint(0)
      .varint(count)
      .varint(-1)
      .varint(value.length)
      .raw(value)
      .varint(0)
      .done();
    records.varint(body.length).raw(body);
    count += 1;
  }
  const batch = new Writer()
    .int64(0)
    .int32(records.length + batchHeadBytes - 12)
    .int32(-1)
    .int8(2)
    .int32(0) // The CRC, when all that it is about is there.
    .int16(0)
    .int32(count - 1)
    .int64(baseTimestamp)
    .int64(baseTimestamp)
    .int64(-1)
    .int16(-1)
    .int32(-1)
    .int32(count)
    .raw(records.done())
    .done();
  batch.writeUInt32BE(crc32c(batch, crcAt + 4) >>> 0, crcAt);
  return { bytes: batch, count };
}

function frame(api, version, write) {
  const body = write(new Writer().int16(api).int16(version).int32(1).text('bench'));
  return Buffer.concat([new Writer().int32(body.length).done(), body.done()]);
}

/** A produce of one batch to one partition that waits for all replicas. */
export function produceFrame(partition, batch) {
  return frame(0, 7, (body) =>
    body
      .int16(-1)
      .int16(-1)
      .int32(30_000)
      .int32(1)
      .text(topic)
      .int32(1)
      .int32(partition)
      .int32(batch.length)
      .raw(batch),
  );
}

/** Where things stand in the answer to it, from the correlation id on. */
export const produceAnswer = { errorAt: 4 + 4 + 2 + topic.length + 4 + 4, offsetAt: 4 + 4 + 2 + topic.length + 4 + 6 };

/** A fetch from one partition; the offset may be changed in place. */
export function fetchFrame(partition, { maxWaitMs = 500, minBytes = 1, maxBytes }) {
  const bytes = frame(1, 11, (body) =>
    body
      .int32(-1)
      .int32(maxWaitMs)
      .int32(minBytes)
      .int32(50 << 20)
      .int8(0)
      .int32(0)
      .int32(-1)
      .int32(1)
      .text(topic)
      .int32(1)
      .int32(partition)
      .int32(-1)
      .int64(0)
      .int64(-1)
      .int32(maxBytes)
      .int32(0)
      .text(''),
  );
  return { bytes, offsetAt: bytes.length - 2 - 4 - 4 - 8 - 8 };
}

/** Where things stand in the answer to it, from the correlation id on, if no transaction was aborted. */
export const fetchAnswer = {
  errorAt: 4 + 4 + 2 + 4 + 4 + 2 + topic.length + 4 + 4,
  highWatermarkAt: 4 + 4 + 2 + 4 + 4 + 2 + topic.length + 4 + 6,
  sizeAt: 4 + 4 + 2 + 4 + 4 + 2 + topic.length + 4 + 6 + 24 + 4 + 4,
  get headBytes() {
    return this.sizeAt + 4;
  },
};

/** The head of such an answer, its size included, for records of so many bytes. */
export function fetchAnswerHead(partition, recordsBytes) {
  const body = new Writer().int32(1).int32(0).int16(0).int32(0).int32(1).text(topic).int32(1).int32(partition).int16(0);
  body.int64(0).int64(0).int64(0).int32(-1).int32(-1).int32(recordsBytes);
  return Buffer.concat([new Writer().int32(body.length + recordsBytes).done(), body.done()]);
}

/** The whole of an answer to a produce. */
export function produceAnswerFrame(partition, baseOffset) {
  const body = new Writer().int32(1).int32(1).text(topic).int32(1).int32(partition).int16(0).int64(baseOffset);
  body.int64(-1).int64(0).int32(0);
  return Buffer.concat([new Writer().int32(body.length).done(), body.done()]);
}

/** Asks about the topic, and makes it. */
export function metadataFrame() {
  return frame(3, 4, (body) => body.int32(1).text(topic).int8(1));
}
