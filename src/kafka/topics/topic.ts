// A topic as the broker knows it, as it is stored, and the names of the streams that hold it.
import type { Random } from '../../index.ts';
import { decodeDocument, encodeDocument, notUnderstood, textsOf } from './kv-document.ts';
import type { Overrides, TopicConfig } from './topic-configs.ts';

/** A topic. Never changed: a changed topic is another object. */
export interface Topic {
  readonly name: string;
  /** 16 bytes as 22 characters of base64url. A topic that is deleted and created again has another one. */
  readonly id: string;
  readonly partitionCount: number;
  /** What was set for it. */
  readonly overrides: Overrides;
  /** What counts for it. */
  readonly config: TopicConfig;
}

/** What is stored of a topic. */
export type StoredTopic = Pick<Topic, 'id' | 'partitionCount' | 'overrides'>;

export const topicKeyPrefix = 'kafka/topics/';

const idPattern = /^[A-Za-z0-9_-]{22}$/;
const streamPattern = /^kafka\/([A-Za-z0-9_-]{22})\//;

/** Draws the id of a new topic. It begins with no hyphen, so that tools of the command line take it for a value. */
export function drawTopicId(random: Random): string {
  for (;;) {
    const id = Buffer.from(random.bytes(16)).toString('base64url');
    if (!id.startsWith('-') && !id.startsWith('AAAAAAAAAAAAAAAAAAAA')) return id;
  }
}

/** The stream of a partition. */
export function partitionStreamName(topicId: string, index: number): string {
  return `kafka/${topicId}/${index}`;
}

/** The stream of what a partition remembers of its producers. */
export function producersStreamName(topicId: string, index: number): string {
  return `${partitionStreamName(topicId, index)}/producers`;
}

/** The id of the topic that a stream belongs to; undefined if it belongs to none. */
export function topicIdOfStream(streamName: string): string | undefined {
  return streamPattern.exec(streamName)?.[1];
}

export function encodeTopic(name: string, { id, partitionCount, overrides }: StoredTopic): Uint8Array {
  return encodeDocument(topicKeyPrefix + name, { id, partitions: partitionCount, configs: overrides });
}

export function decodeTopic(name: string, bytes: Uint8Array): StoredTopic {
  const key = topicKeyPrefix + name;
  const { id, partitions, configs } = decodeDocument(key, bytes);
  if (typeof id !== 'string' || !idPattern.test(id)) throw notUnderstood(key, 'its id is none');
  if (!Number.isSafeInteger(partitions) || (partitions as number) < 1)
    throw notUnderstood(key, 'its number of partitions is none');
  return { id, partitionCount: partitions as number, overrides: textsOf(key, configs) };
}
