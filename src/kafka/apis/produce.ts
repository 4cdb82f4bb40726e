// Produce: appends record batches. Each partition of a request stands for itself. Appends begin in the order in which
// the requests of a connection come, partition by partition, so that what a producer has sent first comes first.
import type { BrokerParts } from '../broker-parts.ts';
import type { Call, Handler } from '../handler.ts';
import { kafkaErrors, KafkaRefusal, refusalOf } from '../kafka-error.ts';
import {
  produceApi,
  type PartitionProduceData,
  type PartitionProduceResponse,
  type ProduceRequest,
  type ProduceResponse,
  type TopicProduceResponse,
} from '../messages/produce.ts';
import { isZstd, recordCountOf } from '../records/batch-header.ts';
import type { Partition, Produced } from '../topics/partition.ts';
import { partitionNamed } from './partition-named.ts';

type Parts = Pick<BrokerParts, 'topics' | 'partitions' | 'meter' | 'deadlines'>;

/** Versions before it carry records of an older format. */
const oldestVersion = 3;

/** The first version that knows zstd. */
const zstdFrom = 7;

/** Whoever does not say how long to wait, or says nonsense, waits so long at most. */
const timeoutMaxMs = 300_000;

export function produce(parts: Parts): Handler<ProduceRequest, ProduceResponse> {
  return {
    api: produceApi,
    handle: (request, call) => {
      const refusal = refusalOfAll(request, call);
      const begun = request.topicData.map(({ name, partitionData }) => ({
        name,
        answers: partitionData.map((data) => begin(parts, name, data, request.timeoutMs, refusal, call)),
      }));
      return finish(begun, request.acks);
    },
  };
}

/** Partitions of a topic whose appends are under way. Nothing here holds records: their frame can be let go of. */
interface Begun {
  readonly name: string;
  readonly answers: readonly Promise<PartitionProduceResponse>[];
}

async function finish(begun: readonly Begun[], acks: number): Promise<ProduceResponse | undefined> {
  const responses: TopicProduceResponse[] = [];
  for (const { name, answers } of begun) responses.push({ name, partitionResponses: await Promise.all(answers) });
  if (acks !== 0) return { responses, throttleTimeMs: 0 };
  // Nobody waits for an answer. That something was refused is told by closing the connection, as Kafka does.
  const failed = responses.flatMap((topic) => topic.partitionResponses).find(({ errorCode }) => errorCode !== 0);
  if (failed !== undefined) throw new KafkaRefusal('INVALID_RECORD', failed.errorMessage ?? 'a produce was refused');
  return undefined;
}

function refusalOfAll({ acks, transactionalId }: ProduceRequest, { version }: Call): KafkaRefusal | undefined {
  if (version < oldestVersion)
    return new KafkaRefusal('UNSUPPORTED_VERSION', `records of Produce before version ${oldestVersion} are not taken`);
  if (acks !== 0 && acks !== 1 && acks !== -1)
    return new KafkaRefusal('INVALID_REQUIRED_ACKS', `acks is 0, 1 or -1 (all), not ${acks}`);
  if (transactionalId !== null)
    return new KafkaRefusal('TRANSACTIONAL_ID_AUTHORIZATION_FAILED', 'transactions are not served');
  return undefined;
}

/** Begins to append to one partition. Synchronous, if it is open. */
function begin(
  parts: Parts,
  topicName: string,
  data: PartitionProduceData,
  timeoutMs: number,
  refusal: KafkaRefusal | undefined,
  call: Call,
): Promise<PartitionProduceResponse> {
  try {
    if (refusal !== undefined) throw refusal;
    return answered(parts, data.index, withinTime(parts, timeoutMs, append(parts, topicName, data, call)));
  } catch (cause) {
    return Promise.resolve(refused(parts, data.index, refusalOf(cause)));
  }
}

async function answered(parts: Parts, index: number, appending: Promise<Produced>): Promise<PartitionProduceResponse> {
  try {
    const { baseOffset, logAppendTimeMs, logStartOffset } = await appending;
    return { index, errorCode: kafkaErrors.NONE, baseOffset, logAppendTimeMs, logStartOffset };
  } catch (cause) {
    return refused(parts, index, refusalOf(cause));
  }
}

function append(
  parts: Parts,
  topicName: string,
  { index, records }: PartitionProduceData,
  { version }: Call,
): Promise<Produced> {
  const partition = partitionNamed(parts, topicName, index);
  if (records === null || records.byteLength === 0)
    throw new KafkaRefusal('INVALID_RECORD', 'a produce has no records');
  if (version < zstdFrom && isZstd(records))
    throw new KafkaRefusal('UNSUPPORTED_COMPRESSION_TYPE', `zstd is not for Produce before version ${zstdFrom}`);
  return partition instanceof Promise ? whenOpen(parts, partition, records) : into(parts, partition, records);
}

async function whenOpen(parts: Parts, opening: Promise<Partition>, records: Uint8Array): Promise<Produced> {
  return into(parts, await opening, records);
}

function into(parts: Parts, partition: Partition, records: Uint8Array): Promise<Produced> {
  return counted(parts, partition.topic.name, records.byteLength, recordCountOf(records), partition.append(records));
}

async function counted(
  { meter }: Parts,
  topicName: string,
  sizeBytes: number,
  records: number,
  appending: Promise<Produced>,
): Promise<Produced> {
  const done = await appending;
  meter.produced(topicName, sizeBytes, records);
  return done;
}

/** What takes too long goes on; only nobody waits for it any more. */
function withinTime({ deadlines }: Parts, timeoutMs: number, appending: Promise<Produced>): Promise<Produced> {
  const limitMs = timeoutMs > 0 ? Math.min(timeoutMs, timeoutMaxMs) : timeoutMaxMs;
  const late = (): KafkaRefusal =>
    new KafkaRefusal('REQUEST_TIMED_OUT', `records were not durable after ${limitMs} ms`);
  return deadlines.within(limitMs, appending, late);
}

function refused({ meter }: Parts, index: number, { code, error, message }: KafkaRefusal): PartitionProduceResponse {
  meter.refused('Produce', error);
  return { index, errorCode: code, baseOffset: -1, logAppendTimeMs: -1, logStartOffset: -1, errorMessage: message };
}
