// Fetch: record batches from offsets on, as they are stored. It answers when there is enough, when something is to be
// told, or when the client's time is over; what arrives meanwhile wakes it at once.
//
// Fetch sessions are not kept: whoever asks for one gets the id 0, which means that every fetch names all it wants.
import type { BrokerParts } from '../broker-parts.ts';
import type { Call, Handler } from '../handler.ts';
import { kafkaErrors, KafkaRefusal, refusalOf } from '../kafka-error.ts';
import {
  fetchApi,
  type FetchableTopicResponse,
  type FetchPartition,
  type FetchPartitionData,
  type FetchRequest,
  type FetchResponse,
  type FetchTopic,
} from '../messages/fetch.ts';
import { isZstd } from '../records/batch-header.ts';
import type { Topic } from '../topics/topic.ts';
import { FetchedPartition } from './fetched-partition.ts';
import { ofPartitions } from './in-slices.ts';
import { partitionNamed } from './partition-named.ts';

type Parts = Pick<BrokerParts, 'topics' | 'partitions' | 'settings' | 'meter' | 'runtime' | 'deadlines'>;

/** Partitions that are read at a time. */
const readingMax = 8;

/** And so many before others have their turn: what is in memory is read without waiting. */
const turnEvery = 256;

/** How much longer than a client wants to wait a read may take that has to ask the store. */
const readMaxMs = 10_000;

/** How long to wait for room for answers, before looking again. */
const roomWaitMs = 10;

/** The first version that knows zstd. */
const zstdFrom = 10;

export function fetch(parts: Parts): Handler<FetchRequest, FetchResponse> {
  return {
    api: fetchApi,
    handle: async (request, call) => {
      const { sessionId, sessionEpoch } = request;
      // A session that goes on, or one that begins in the middle: neither is known.
      if (sessionEpoch > 0) {
        const isKnown = sessionId === 0;
        const errorCode = isKnown ? kafkaErrors.INVALID_FETCH_SESSION_EPOCH : kafkaErrors.FETCH_SESSION_ID_NOT_FOUND;
        return { throttleTimeMs: 0, errorCode, sessionId: 0, responses: [] };
      }
      const responses = await collect(parts, request, call);
      return { throttleTimeMs: 0, errorCode: kafkaErrors.NONE, sessionId: 0, responses };
    },
  };
}

/** One partition of a request: what was found of it, or why nothing. */
interface Asked {
  readonly partitionIndex: number;
  found: FetchedPartition | undefined;
  refusal: KafkaRefusal | undefined;
}

async function collect(parts: Parts, request: FetchRequest, call: Call): Promise<FetchableTopicResponse[]> {
  const { clock } = parts.runtime;
  const maxWaitMs = Math.max(0, request.maxWaitMs);
  const until = clock.monotonic() + maxWaitMs;
  const groups = await ofPartitions(request.topics, parts.runtime, (topic, partition) =>
    begin(parts, topic, partition, call.version),
  );
  const all = groups.flat();
  const maxBytes = Math.min(request.maxBytes, parts.settings['fetch.max.bytes']);
  const minBytes = Math.min(request.minBytes, maxBytes);
  for (;;) {
    const { sizeBytes, isFull } = await read(parts, all, maxBytes, maxWaitMs, call);
    const leftMs = until - clock.monotonic();
    const isRefused = all.some(({ refusal }) => refusal !== undefined);
    if (sizeBytes >= minBytes || isFull || isRefused || all.length === 0 || leftMs <= 0 || call.signal.aborted) break;
    await untilMore(parts, all, leftMs, call.signal);
  }
  const responses: FetchableTopicResponse[] = [];
  for (const [i, { topic, topicId }] of request.topics.entries()) {
    const partitions = (groups[i] ?? []).map((one) => answer(parts, one, request));
    responses.push({ topic, topicId, partitions });
  }
  return responses;
}

async function begin(
  parts: Parts,
  { topic: name, topicId }: FetchTopic,
  wanted: FetchPartition,
  version: number,
): Promise<Asked> {
  const { partition: partitionIndex } = wanted;
  try {
    const partition = await (version >= 13
      ? parts.partitions.of(topicOfId(parts.topics.byId(topicId), topicId), partitionIndex)
      : partitionNamed(parts, name, partitionIndex));
    partition.checkLeaderEpoch(wanted.currentLeaderEpoch);
    const found = new FetchedPartition(partition, wanted.fetchOffset, wanted.partitionMaxBytes);
    return { partitionIndex, found, refusal: undefined };
  } catch (cause) {
    return { partitionIndex, found: undefined, refusal: refusalOf(cause) };
  }
}

function topicOfId(topic: Topic | undefined, topicId: string): Topic {
  if (topic === undefined) throw new KafkaRefusal('UNKNOWN_TOPIC_ID', `there is no topic with the id ${topicId}`);
  return topic;
}

/** Reads on where there is more, as far as there is room. Whether nothing more may be added. */
async function read(
  parts: Parts,
  all: readonly Asked[],
  maxBytes: number,
  maxWaitMs: number,
  call: Call,
): Promise<{ readonly sizeBytes: number; readonly isFull: boolean }> {
  let sizeBytes = all.reduce((sum, { found }) => sum + (found?.sizeBytes ?? 0), 0);
  const behind = all.filter(({ found, refusal }) => refusal === undefined && found?.hasMore === true);
  const late = (): KafkaRefusal => new KafkaRefusal('KAFKA_STORAGE_ERROR', 'the store did not answer in time');
  for (let at = 0; at < behind.length; at += readingMax) {
    if (sizeBytes >= maxBytes) return { sizeBytes, isFull: true };
    if (at > 0 && at % turnEvery === 0) await parts.runtime.timers.turn();
    const window = behind.slice(at, at + readingMax);
    const roomBytes = maxBytes - sizeBytes;
    const reads = window.map(async (one) => {
      try {
        const reading = (one.found as FetchedPartition).readOn(roomBytes, call.signal);
        return await parts.deadlines.within(maxWaitMs + readMaxMs, reading, late);
      } catch (cause) {
        if (!call.signal.aborted) one.refusal = refusalOf(cause);
        return [];
      }
    });
    const more = await Promise.all(reads);
    for (const [i, one] of window.entries()) {
      const { found } = one;
      for (const batch of more[i] ?? []) {
        // The first batch of all is given even if it is larger than what was asked for: else nobody could go on.
        const isFirst = sizeBytes === 0;
        if (!isFirst && sizeBytes + batch.byteLength > maxBytes) return { sizeBytes, isFull: true };
        if (!(isFirst || found?.takes(batch))) break;
        if (call.version < zstdFrom && isZstd(batch)) {
          one.refusal = zstdRefusal();
          break;
        }
        if (!call.hold(batch.byteLength)) return { sizeBytes, isFull: sizeBytes > 0 };
        found?.add(batch);
        sizeBytes += batch.byteLength;
      }
    }
  }
  return { sizeBytes, isFull: sizeBytes >= maxBytes || (all.length > 0 && all.every(({ found }) => found?.isFull)) };
}

function zstdRefusal(): KafkaRefusal {
  return new KafkaRefusal('UNSUPPORTED_COMPRESSION_TYPE', `zstd is not for Fetch before version ${zstdFrom}`);
}

/** Resolves when a partition has more than what was read of it, when one of them ends, or when the time is over. */
async function untilMore(parts: Parts, all: readonly Asked[], leftMs: number, outer: AbortSignal): Promise<void> {
  // There is more, but no room for it: others have to take their answers first.
  const isWaitingForRoom = all.some(({ found }) => found?.hasMore === true);
  const ended = new AbortController();
  const { timers } = parts.runtime;
  await new Promise<void>((resolve) => {
    const timer = timers.after(isWaitingForRoom ? Math.min(roomWaitMs, leftMs) : leftMs, resolve);
    const stop = (): void => resolve();
    outer.addEventListener('abort', stop, { once: true });
    ended.signal.addEventListener(
      'abort',
      () => {
        timer.cancel();
        outer.removeEventListener('abort', stop);
      },
      { once: true },
    );
    if (isWaitingForRoom) return;
    for (const one of all) {
      // Where as much was read as is wanted, more changes nothing.
      if (one.found?.isFull !== false) continue;
      one.found.untilMore(ended.signal).then(resolve, (cause: unknown) => {
        if (ended.signal.aborted) return;
        one.refusal = refusalOf(cause);
        resolve();
      });
    }
  });
  ended.abort();
}

function answer(
  { meter }: Parts,
  { partitionIndex, found, refusal }: Asked,
  { isolationLevel }: FetchRequest,
): FetchPartitionData {
  if (refusal !== undefined || found === undefined) {
    const { code, error } = refusal ?? refusalOf(undefined);
    meter.refused('Fetch', error);
    const nothing = { highWatermark: -1, lastStableOffset: -1, logStartOffset: -1 };
    return { partitionIndex, errorCode: code, ...nothing, abortedTransactions: null, records: [] };
  }
  const { highWatermark, logStartOffset, batches, sizeBytes } = found;
  if (sizeBytes > 0) meter.fetched(found.topicName, sizeBytes);
  return {
    partitionIndex,
    errorCode: kafkaErrors.NONE,
    highWatermark,
    lastStableOffset: highWatermark,
    logStartOffset,
    abortedTransactions: isolationLevel === 1 ? [] : null,
    records: batches,
  };
}
