// The errors of the Kafka protocol: their numbers, and the one class by which a refusal travels to the answer.
import { isQanatError } from '../index.ts';

/** Error codes of the protocol that this broker gives. */
export const kafkaErrors = {
  UNKNOWN_SERVER_ERROR: -1,
  NONE: 0,
  OFFSET_OUT_OF_RANGE: 1,
  CORRUPT_MESSAGE: 2,
  UNKNOWN_TOPIC_OR_PARTITION: 3,
  INVALID_FETCH_SIZE: 4,
  LEADER_NOT_AVAILABLE: 5,
  NOT_LEADER_OR_FOLLOWER: 6,
  REQUEST_TIMED_OUT: 7,
  BROKER_NOT_AVAILABLE: 8,
  REPLICA_NOT_AVAILABLE: 9,
  MESSAGE_TOO_LARGE: 10,
  OFFSET_METADATA_TOO_LARGE: 12,
  NETWORK_EXCEPTION: 13,
  COORDINATOR_LOAD_IN_PROGRESS: 14,
  COORDINATOR_NOT_AVAILABLE: 15,
  NOT_COORDINATOR: 16,
  INVALID_TOPIC_EXCEPTION: 17,
  RECORD_LIST_TOO_LARGE: 18,
  INVALID_REQUIRED_ACKS: 21,
  ILLEGAL_GENERATION: 22,
  INCONSISTENT_GROUP_PROTOCOL: 23,
  INVALID_GROUP_ID: 24,
  UNKNOWN_MEMBER_ID: 25,
  INVALID_SESSION_TIMEOUT: 26,
  REBALANCE_IN_PROGRESS: 27,
  INVALID_COMMIT_OFFSET_SIZE: 28,
  INVALID_TIMESTAMP: 32,
  UNSUPPORTED_VERSION: 35,
  TOPIC_ALREADY_EXISTS: 36,
  INVALID_PARTITIONS: 37,
  INVALID_REPLICATION_FACTOR: 38,
  INVALID_REPLICA_ASSIGNMENT: 39,
  INVALID_CONFIG: 40,
  NOT_CONTROLLER: 41,
  INVALID_REQUEST: 42,
  UNSUPPORTED_FOR_MESSAGE_FORMAT: 43,
  POLICY_VIOLATION: 44,
  OUT_OF_ORDER_SEQUENCE_NUMBER: 45,
  DUPLICATE_SEQUENCE_NUMBER: 46,
  INVALID_PRODUCER_EPOCH: 47,
  INVALID_TXN_STATE: 48,
  INVALID_PRODUCER_ID_MAPPING: 49,
  INVALID_TRANSACTION_TIMEOUT: 50,
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 53,
  KAFKA_STORAGE_ERROR: 56,
  UNKNOWN_PRODUCER_ID: 59,
  NON_EMPTY_GROUP: 68,
  GROUP_ID_NOT_FOUND: 69,
  FETCH_SESSION_ID_NOT_FOUND: 70,
  INVALID_FETCH_SESSION_EPOCH: 71,
  LISTENER_NOT_FOUND: 72,
  TOPIC_DELETION_DISABLED: 73,
  FENCED_LEADER_EPOCH: 74,
  UNKNOWN_LEADER_EPOCH: 75,
  UNSUPPORTED_COMPRESSION_TYPE: 76,
  STALE_BROKER_EPOCH: 77,
  OFFSET_NOT_AVAILABLE: 78,
  MEMBER_ID_REQUIRED: 79,
  GROUP_MAX_SIZE_REACHED: 81,
  FENCED_INSTANCE_ID: 82,
  GROUP_SUBSCRIBED_TO_TOPIC: 86,
  INVALID_RECORD: 87,
  UNSTABLE_OFFSET_COMMIT: 88,
  THROTTLING_QUOTA_EXCEEDED: 89,
  PRODUCER_FENCED: 90,
  UNKNOWN_TOPIC_ID: 100,
  INCONSISTENT_TOPIC_ID: 103,
  FETCH_SESSION_TOPIC_ID_ERROR: 106,
} as const;

/** The name of an error of the protocol. */
export type KafkaErrorName = keyof typeof kafkaErrors;

/** A request, or a part of one, that is refused with an error of the protocol. */
export class KafkaRefusal extends Error {
  override readonly name = 'KafkaRefusal';
  readonly error: KafkaErrorName;

  constructor(error: KafkaErrorName, message: string, options?: { readonly cause?: unknown }) {
    // A refusal is an answer, not a fault: nobody asks where it was thrown, and to note that is most of its price.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(message, options);
    Error.stackTraceLimit = stackTraceLimit;
    this.error = error;
  }

  /** The number that goes over the wire. */
  get code(): number {
    return kafkaErrors[this.error];
  }
}

/** What a failure of the engine, or of anything else, is to a client. */
export function refusalOf(cause: unknown): KafkaRefusal {
  if (cause instanceof KafkaRefusal) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  return new KafkaRefusal(isQanatError(cause) ? errorOfEngine(cause.code) : 'UNKNOWN_SERVER_ERROR', message, { cause });
}

function errorOfEngine(code: string): KafkaErrorName {
  switch (code) {
    case 'OFFSET_OUT_OF_RANGE':
      return 'OFFSET_OUT_OF_RANGE';
    case 'RECORD_TOO_LARGE':
      return 'MESSAGE_TOO_LARGE';
    case 'STREAM_NOT_FOUND':
      return 'UNKNOWN_TOPIC_OR_PARTITION';
    case 'STREAM_OWNED':
    case 'STREAM_CLOSED':
    case 'NODE_FENCED':
    case 'CLOSED':
      return 'NOT_LEADER_OR_FOLLOWER'; // The client looks for the broker that has it now.
    case 'OVERLOADED':
      return 'REQUEST_TIMED_OUT'; // All clients try again; there is no error for "not now".
    default:
      return 'KAFKA_STORAGE_ERROR';
  }
}
