// Reads of ranges of 1 MiB, some at a time, each into a buffer that was prepared or through a store: what a reader that
// catches up is made of, and nothing else.
import { read } from 'node:fs';
import { Agent } from 'undici';

const rangeBytes = 1 << 20;

/** All ranges of objects { key, size }: { key, start, end }. */
export function rangesOf(objects) {
  return objects.flatMap(({ size, ...object }) =>
    Array.from({ length: Math.ceil(size / rangeBytes) }, (_, i) => ({
      ...object,
      start: i * rangeBytes,
      end: Math.min(size, (i + 1) * rangeBytes),
    })),
  );
}

/** As many buffers as ranges are read at a time, touched beforehand. */
export function makeBuffers(atOnce) {
  return Array.from({ length: atOnce }, () => new Uint8Array(rangeBytes).fill(0));
}

/** Takes every range, as many at a time as there are buffers, each on a buffer of its own. */
export async function inTurns(ranges, buffers, take) {
  let next = 0;
  let amount = 0;
  let checksum = 0;
  const worker = async (buffer) => {
    for (let range = ranges[next++]; range !== undefined; range = ranges[next++]) {
      const bytes = await take(range, buffer);
      amount += bytes.byteLength / 1e6;
      checksum = (checksum + bytes[0] + bytes.byteLength) >>> 0;
    }
  };
  await Promise.all(buffers.map(worker));
  return { amount, checksum };
}

/** A range of an open file. */
export function readFileRange({ file, start, end }, buffer) {
  return new Promise((resolve, reject) => {
    read(file, buffer, 0, end - start, start, (failure, count) =>
      failure === null ? resolve(buffer.subarray(0, count)) : reject(failure),
    );
  });
}

/** The least client of an S3 server: undici's dispatch, and what arrives goes straight into a prepared buffer. */
export class RawS3Reader {
  #agent = new Agent();
  #origin;

  constructor(endpoint) {
    this.#origin = new URL(endpoint).origin;
  }

  /** Sends a GET with headers that are signed already, and puts what comes into the buffer. */
  get({ path, headers }, buffer) {
    return new Promise((resolve, reject) => {
      let length = 0;
      let status;
      this.#agent.dispatch(
        { origin: this.#origin, path, method: 'GET', headers },
        {
          onRequestStart() {},
          onResponseStart(_controller, statusCode) {
            status = statusCode;
          },
          onResponseData(_controller, chunk) {
            buffer.set(chunk, length);
            length += chunk.byteLength;
          },
          onResponseEnd() {
            if (status === 206) resolve(buffer.subarray(0, length));
            else reject(new Error(`a range was answered with ${status}`));
          },
          onResponseError(_controller, cause) {
            reject(cause);
          },
        },
      );
    });
  }

  close() {
    return this.#agent.close();
  }
}
