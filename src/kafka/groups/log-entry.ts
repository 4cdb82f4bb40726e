// What the log of groups says, as bytes. Each entry sets something to what it is, or removes it, so that reading one
// twice, or a newer one first and then both, changes nothing in the end. That is what allows a snapshot to be taken
// while the groups go on living (see group-log.ts).
//
//   append:  version uint8 · entries
//   entry:   kind uint8 · length varint · fields, in the schema language of the protocol, flexible
import { KafkaRefusal } from '../kafka-error.ts';
import { array, bytes, int32, int64, int8, nullableString, string, struct, type Struct } from '../wire/schema.ts';
import { WireReader } from '../wire/wire-reader.ts';
import { WireWriter } from '../wire/wire-writer.ts';
import type { GroupStateName } from './group.ts';

const logVersion = 1;

/** A member as it is stored. */
export interface StoredMember {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly protocols: readonly { readonly name: string; readonly metadata: Uint8Array }[];
  readonly assignment: Uint8Array;
}

/** A group as it is stored; its offsets are stored apart. */
export interface StoredGroup {
  readonly groupId: string;
  readonly state: number;
  readonly stateSince: number;
  readonly generationId: number;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly leader: string | null;
  readonly members: readonly StoredMember[];
}

export interface StoredOffset {
  readonly partition: number;
  readonly offset: number;
  readonly leaderEpoch: number;
  readonly metadata: string;
  readonly committedAt: number;
  /** −1: when the retention of the broker says. */
  readonly expiresAt: number;
}

interface StoredTopic {
  readonly name: string;
  readonly partitions: readonly StoredOffset[];
}

/** One thing that the log says. */
export type LogEntry =
  | { readonly kind: 'group'; readonly group: StoredGroup }
  | { readonly kind: 'left'; readonly groupId: string; readonly memberIds: readonly string[] }
  | { readonly kind: 'committed'; readonly groupId: string; readonly topics: readonly StoredTopic[] }
  | {
      readonly kind: 'offsets-gone';
      readonly groupId: string;
      readonly topics: readonly { readonly name: string; readonly partitionIndexes: readonly number[] }[];
    }
  | { readonly kind: 'group-gone'; readonly groupId: string }
  | { readonly kind: 'topics-gone'; readonly names: readonly string[] }
  /** Says nothing: whoever appended it had the stream. */
  | { readonly kind: 'nothing' };

/** States by the number under which they are stored. */
export const storedStates: readonly GroupStateName[] = [
  'Empty',
  'PreparingRebalance',
  'CompletingRebalance',
  'Stable',
  'Dead',
];

const protocol = struct<StoredMember['protocols'][number]>({ name: string(), metadata: bytes() });
const member = struct<StoredMember>({
  memberId: string(),
  groupInstanceId: nullableString(),
  clientId: string(),
  clientHost: string(),
  sessionTimeoutMs: int32(),
  rebalanceTimeoutMs: int32(),
  protocols: array(protocol),
  assignment: bytes(),
});
const group = struct<StoredGroup>({
  groupId: string(),
  state: int8(),
  stateSince: int64(),
  generationId: int32(),
  protocolType: nullableString(),
  protocolName: nullableString(),
  leader: nullableString(),
  members: array(member),
});
const storedOffset = struct<StoredOffset>({
  partition: int32(),
  offset: int64(),
  leaderEpoch: int32(),
  metadata: string(),
  committedAt: int64(),
  expiresAt: int64(),
});
const storedTopic = struct<StoredTopic>({ name: string(), partitions: array(storedOffset) });
const goneTopic = struct<{ readonly name: string; readonly partitionIndexes: readonly number[] }>({
  name: string(),
  partitionIndexes: array(int32()),
});

type Kind = LogEntry['kind'];
type EntryOf<K extends Kind> = Extract<LogEntry, { readonly kind: K }>;
type Payload<K extends Kind> = Omit<EntryOf<K>, 'kind'>;

/** Each kind with its number and its fields. A number is never given to another kind. */
const kinds: { readonly [K in Kind]: { readonly number: number; readonly fields: Struct<Payload<K>> } } = {
  nothing: { number: 0, fields: struct({}) },
  group: { number: 1, fields: { codec: (version, isFlexible) => asGroupEntry(group.codec(version, isFlexible)) } },
  left: { number: 2, fields: struct<Payload<'left'>>({ groupId: string(), memberIds: array(string()) }) },
  committed: { number: 3, fields: struct<Payload<'committed'>>({ groupId: string(), topics: array(storedTopic) }) },
  'offsets-gone': {
    number: 4,
    fields: struct<Payload<'offsets-gone'>>({ groupId: string(), topics: array(goneTopic) }),
  },
  'group-gone': { number: 5, fields: struct<Payload<'group-gone'>>({ groupId: string() }) },
  'topics-gone': { number: 6, fields: struct<Payload<'topics-gone'>>({ names: array(string()) }) },
};

type GroupCodec = ReturnType<typeof group.codec>;

function asGroupEntry(codec: GroupCodec): ReturnType<Struct<Payload<'group'>>['codec']> {
  return {
    read: (reader) => ({ group: codec.read(reader) }),
    write: (writer, entry) => codec.write(writer, entry.group),
  };
}

const kindByNumber = new Map(Object.entries(kinds).map(([kind, { number }]) => [number, kind as Kind]));

/** An entry as it stands in an append. */
export function encodeEntry(entry: LogEntry): Uint8Array {
  const { number, fields } = kinds[entry.kind] as { number: number; fields: Struct<LogEntry> };
  const inner = new WireWriter();
  fields.codec(logVersion, true).write(inner, entry);
  const payload = inner.toBytes();
  const outer = new WireWriter(payload.byteLength + 8);
  outer.int8(number);
  outer.unsignedVarint(payload.byteLength);
  outer.bytes(payload);
  return outer.toBytes();
}

/** The bytes of one append with these entries. */
export function encodeAppend(entries: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat([Uint8Array.of(logVersion), ...entries]);
}

/** The entries of one append, in their order. What this version does not know it refuses to guess. */
export function* decodeAppend(append: Uint8Array): Generator<LogEntry> {
  const reader = new WireReader(append);
  const version = reader.int8();
  if (version !== logVersion) throw unreadable(`version ${version}`);
  while (reader.remaining > 0) {
    const number = reader.int8();
    const payload = reader.bytes(reader.unsignedVarint());
    const kind = kindByNumber.get(number);
    if (kind === undefined) throw unreadable(`an entry of kind ${number}`);
    // A reader of its own, because a reader counts the elements of all arrays that it reads.
    const fields = kinds[kind].fields.codec(version, true).read(new WireReader(payload));
    yield { kind, ...fields } as LogEntry;
  }
}

function unreadable(what: string): KafkaRefusal {
  return new KafkaRefusal('KAFKA_STORAGE_ERROR', `the log of groups holds ${what}, which this version cannot read`);
}
