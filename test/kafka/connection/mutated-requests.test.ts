// Damaged requests over many connections, while a well-behaved client goes on: nothing breaks, nothing is left over,
// and what the client gets is right. A failure names its seed, which FUZZ_SEED gives again.
import * as fc from 'fast-check';
import { connect } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import type { LogFields } from '../../../src/kafka/broker-log.ts';
import { startBroker } from '../broker-in-test.ts';
import { mutated, mutation } from '../messages/mutate.ts';
import { realRequests } from '../messages/real-requests.ts';
import { batchOf, createTopic, fetchFrom, produceTo, recordsOf } from '../talk.ts';
import type { WireClient } from '../wire-client.ts';
import { withLength } from './raw-socket.ts';

const connections = 6;
const framesOfEach = 300;

/** What makes the broker wait is waited for so long, and then left. */
const patienceMs = 50;

/** Sends frame after frame, over a new connection whenever the broker has closed one or lets the client wait. */
async function sendAll(port: number, frames: readonly Uint8Array[]): Promise<void> {
  const left = [...frames];
  while (left.length > 0) {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await new Promise<void>((resolve) => {
      let timer: NodeJS.Timeout | undefined;
      const sendNext = (): void => {
        clearTimeout(timer);
        const frame = left.shift();
        if (frame === undefined) return void socket.destroy();
        socket.write(withLength(frame));
        timer = setTimeout(() => socket.destroy(), patienceMs);
      };
      socket.on('connect', sendNext);
      socket.on('data', sendNext);
      socket.on('error', () => {});
      socket.on('close', () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}

function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

/** Produces, and reads back, until it is told to stop. Gives how often it did. */
async function behaveWell(client: WireClient, topic: string, isOver: () => boolean): Promise<number> {
  let rounds = 0;
  for (; !isOver(); rounds++) {
    const value = `value ${rounds}`;
    expect(await produceTo(client, topic, batchOf(value))).toMatchObject({ errorCode: 0, baseOffset: rounds });
    const [found] = await fetchFrom(client, [{ topic, offset: rounds }]);
    expect(Buffer.from(recordsOf(found)).includes(value)).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  return rounds;
}

test('damaged requests of every API disturb nobody', async () => {
  const seed = Number(process.env['FUZZ_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  const errors: (LogFields & { readonly message: string })[] = [];
  const unhandled: unknown[] = [];
  const onUnhandled = (cause: unknown): void => void unhandled.push(cause);
  process.on('unhandledRejection', onUnhandled);
  const broker = await startBroker({
    log: { log: (level, message, fields) => void (level === 'error' && errors.push({ message, ...fields })) },
  });
  try {
    const client = await broker.client();
    const topicId = await createTopic(client, 'shared', 2);
    await createTopic(client, 'own');
    const requests = realRequests({ topic: 'shared', topicId, group: 'group', records: batchOf('a', 'b', 'c') });
    const arbitrary = fc.tuple(
      fc.constantFrom(...requests),
      fc.array(mutation, { maxLength: 3 }),
      // Mostly the header stays as it is, so that what comes after it is read.
      fc.constantFrom(0, 8, 18, 18, 18, 24, 40),
    );
    const frames = fc
      .sample(arbitrary, { numRuns: connections * framesOfEach, seed })
      .map(([{ frame }, mutations, from]) => mutated(frame, mutations, Math.min(from, frame.length)));
    const before = heapBytes();
    let isOver = false;
    const behaving = behaveWell(client, 'own', () => isOver);
    const parts = Array.from({ length: connections }, (_, i) => frames.filter((__, at) => at % connections === i));
    await Promise.all(parts.map((part) => sendAll(broker.port, part)));
    isOver = true;
    expect(await behaving, `seed ${seed}`).toBeGreaterThan(20);
    expect(errors, `seed ${seed}`).toEqual([]);
    expect(unhandled, `seed ${seed}`).toEqual([]);
    expect(heapBytes() - before, `seed ${seed}`).toBeLessThan(32 * 1_048_576);
  } finally {
    await broker.close();
    process.off('unhandledRejection', onUnhandled);
  }
});
