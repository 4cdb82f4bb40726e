// What the handlers of a broker share.
import type { Runtime, StreamSet } from '../index.ts';
import type { BrokerLog } from './broker-log.ts';
import type { BrokerMeter } from './broker-meter.ts';
import type { BrokerSettings } from './broker-settings.ts';
import type { Deadlines } from './connection/deadlines.ts';
import type { Groups } from './groups/groups.ts';
import type { BrokerConfigs } from './topics/broker-configs.ts';
import type { Partitions } from './topics/partitions.ts';
import type { ProducerIds } from './topics/producer-ids.ts';
import type { Topics } from './topics/topics.ts';

/** The broker as clients are told of it. */
export interface BrokerIdentity {
  readonly nodeId: number;
  /** Where clients are sent. */
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
  readonly clusterId: string;
}

/** The parts of a running broker. Each file of apis/ takes those it needs: `Pick<BrokerParts, 'topics' | …>`. */
export interface BrokerParts {
  readonly streams: StreamSet;
  readonly runtime: Runtime;
  readonly settings: BrokerSettings;
  readonly identity: BrokerIdentity;
  readonly log: BrokerLog;
  readonly meter: BrokerMeter;
  readonly deadlines: Deadlines;
  readonly configs: BrokerConfigs;
  readonly topics: Topics;
  readonly partitions: Partitions;
  readonly producerIds: ProducerIds;
  readonly groups: Groups;
}
