// ListOffsets: the start and the end of partitions, and the offset of a time.
import type { BrokerParts } from '../broker-parts.ts';
import type { Handler } from '../handler.ts';
import { kafkaErrors, KafkaRefusal, refusalOf } from '../kafka-error.ts';
import {
  listOffsetsApi,
  type ListOffsetsPartition,
  type ListOffsetsPartitionResponse,
  type ListOffsetsRequest,
  type ListOffsetsResponse,
} from '../messages/list-offsets.ts';
import type { Partition } from '../topics/partition.ts';
import { ofPartitions } from './in-slices.ts';
import { partitionNamed } from './partition-named.ts';

type Parts = Pick<BrokerParts, 'topics' | 'partitions' | 'meter' | 'runtime'>;

interface Place {
  readonly timestamp: number;
  readonly offset: number;
}

const nowhere: Place = { timestamp: -1, offset: -1 };

export function listOffsets(parts: Parts): Handler<ListOffsetsRequest, ListOffsetsResponse> {
  return {
    api: listOffsetsApi,
    handle: async ({ topics }, { version }) => {
      const answers = await ofPartitions(topics, parts.runtime, ({ name }, asked) =>
        answer(parts, name, asked, version),
      );
      return { throttleTimeMs: 0, topics: topics.map(({ name }, i) => ({ name, partitions: answers[i] ?? [] })) };
    },
  };
}

async function answer(
  parts: Parts,
  name: string,
  asked: ListOffsetsPartition,
  version: number,
): Promise<ListOffsetsPartitionResponse> {
  const { partitionIndex } = asked;
  try {
    const partition = await partitionNamed(parts, name, partitionIndex);
    partition.checkLeaderEpoch(asked.currentLeaderEpoch);
    const place = await find(partition, asked, version);
    return { partitionIndex, errorCode: kafkaErrors.NONE, ...place, leaderEpoch: partition.leaderEpoch };
  } catch (cause) {
    const { code, error } = refusalOf(cause);
    parts.meter.refused('ListOffsets', error);
    return { partitionIndex, errorCode: code, ...nowhere, leaderEpoch: -1 };
  }
}

/** Times that stand for places. */
const latest = -1;
const earliest = -2;
const ofLatestTime = -3;
const earliestLocal = -4;
const latestTiered = -5;

async function find(partition: Partition, { timestamp }: ListOffsetsPartition, version: number): Promise<Place> {
  if (timestamp === latest) return { timestamp: -1, offset: partition.highWatermark };
  // Nothing is only local here, and nothing only in another tier.
  if (timestamp === earliest || (timestamp === earliestLocal && version >= 8))
    return { timestamp: -1, offset: partition.logStartOffset };
  if (timestamp === latestTiered && version >= 9) return nowhere;
  if (timestamp === ofLatestTime && version >= 7) return (await partition.latestTimestamp()) ?? nowhere;
  if (timestamp < 0)
    throw new KafkaRefusal('UNSUPPORTED_VERSION', `${timestamp} stands for no place in version ${version}`);
  return (await partition.offsetAt(timestamp)) ?? nowhere;
}
