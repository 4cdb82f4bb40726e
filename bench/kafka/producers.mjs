// Clients that produce: so many connections, so many requests under way on each, until the time or the bytes are used
// up. They never wait between, so what is measured is the server and not how clients linger.
import { setTimeout as sleep } from 'node:timers/promises';
import { metadataFrame, produceAnswer, produceFrame, recordBatch } from './frames.mjs';
import { RawConnection } from './raw-connection.mjs';

const startMaxMs = 20_000;

export class Producers {
  #connections;
  #frames;
  #sizeBytes;
  #inFlight;

  /** Connects, and produces one batch to each partition, which makes the topic of a broker that has none. */
  static async open(port, { connections, partitions, sizeBytes, inFlight }) {
    const producers = new Producers();
    producers.#inFlight = inFlight;
    producers.#sizeBytes = sizeBytes;
    producers.#connections = await Promise.all(Array.from({ length: connections }, () => RawConnection.open(port)));
    producers.#frames = Array.from({ length: partitions }, (_, partition) =>
      produceFrame(partition, recordBatch(sizeBytes).bytes),
    );
    return producers;
  }

  async makeTopic() {
    const [connection] = this.#connections;
    await connection.ask(metadataFrame());
    const startMs = performance.now();
    for (const bytes of this.#frames)
      for (;;) {
        const error = (await connection.ask(bytes)).readInt16BE(produceAnswer.errorAt);
        if (error === 0) break;
        if (performance.now() - startMs > startMaxMs) throw new Error(`produce is refused with error ${error}`);
        await sleep(20);
      }
  }

  /** Produces so many batches on each connection. */
  runEach(batches) {
    return this.#run((sentHere) => sentHere < batches);
  }

  /** Produces until the time or the bytes are used up. */
  run(seconds, maxBytes = Infinity) {
    const endMs = performance.now() + seconds * 1000;
    let left = Math.floor(maxBytes / this.#sizeBytes);
    return this.#run(() => performance.now() < endMs && left-- > 0);
  }

  /**
   * Sends while `mayGoOn` says so, given what was sent on the same connection. Gives how many batches were
   * acknowledged, in how many seconds, and how long each took.
   */
  async #run(mayGoOn) {
    const latencies = [];
    const start = performance.now();
    let [amount, checksum] = [0, 0];
    const work = this.#connections.map(
      (connection, i) =>
        new Promise((resolve, reject) => {
          const bytes = this.#frames[i % this.#frames.length];
          const sentAt = [];
          let sent = 0;
          let underWay = 0;
          const send = () => {
            while (underWay < this.#inFlight && mayGoOn(sent)) {
              sent += 1;
              underWay += 1;
              sentAt.push(performance.now());
              connection.send(bytes);
            }
            if (underWay === 0) resolve();
          };
          connection.answers((head) => {
            const error = head.readInt16BE(produceAnswer.errorAt);
            if (error !== 0) return reject(new Error(`produce is refused with error ${error}`));
            latencies.push(performance.now() - sentAt.shift());
            checksum = (checksum + head.readUInt32BE(produceAnswer.offsetAt + 4)) >>> 0;
            underWay -= 1;
            amount += 1;
            send();
          });
          connection.failed.catch(reject);
          send();
        }),
    );
    await Promise.all(work);
    return { amount, seconds: (performance.now() - start) / 1000, checksum, latencies };
  }

  close() {
    for (const connection of this.#connections) connection.close();
  }
}
