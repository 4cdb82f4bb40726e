// Clients that fetch: a connection for each partition, one request under way on each, from one offset to another again
// and again. Of what comes only the size is looked at, so what is measured is the server and the way.
import { fetchAnswer, fetchFrame } from './frames.mjs';
import { RawConnection } from './raw-connection.mjs';

export class Consumers {
  #connections;
  #maxBytes;

  static async open(port, { connections, maxBytes }) {
    const consumers = new Consumers();
    consumers.#maxBytes = maxBytes;
    consumers.#connections = await Promise.all(Array.from({ length: connections }, () => RawConnection.open(port)));
    return consumers;
  }

  /**
   * Fetches for so many seconds. `recordsPerByte` says how far an answer goes; connection i reads partition i from
   * `start` to `end`, then again. Gives the bytes of records that came.
   */
  async run(seconds, { start, end, recordsPerByte }) {
    const endMs = performance.now() + seconds * 1000;
    const startMs = performance.now();
    let [amount, checksum, answers] = [0, 0, 0];
    const work = this.#connections.map(
      (connection, partition) =>
        new Promise((resolve, reject) => {
          const { bytes, offsetAt } = fetchFrame(partition, { maxBytes: this.#maxBytes });
          let offset = start;
          const send = () => {
            if (performance.now() >= endMs) return resolve();
            if (offset >= end) offset = start;
            bytes.writeBigInt64BE(BigInt(offset), offsetAt);
            connection.send(Buffer.from(bytes)); // The last one may not have been sent yet.
          };
          connection.answers((head, sizeBytes) => {
            const error = head.readInt16BE(fetchAnswer.errorAt);
            const got = head.readInt32BE(fetchAnswer.sizeAt);
            if (error !== 0) return reject(new Error(`fetch is refused with error ${error}`));
            if (got <= 0 || sizeBytes !== 4 + fetchAnswer.headBytes + got)
              return reject(new Error(`an answer of ${sizeBytes} bytes has ${got} bytes of records at ${offset}`));
            amount += got;
            answers += 1;
            offset += Math.round(got * recordsPerByte);
            checksum = (checksum + sizeBytes + offset) >>> 0;
            send();
          });
          connection.failed.catch(reject);
          send();
        }),
    );
    await Promise.all(work);
    return { amount, answers, seconds: (performance.now() - startMs) / 1000, checksum };
  }

  close() {
    for (const connection of this.#connections) connection.close();
  }
}
