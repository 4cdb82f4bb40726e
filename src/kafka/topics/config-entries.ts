// Configurations as they are shown: each with its value, where that comes from, and everything it would be otherwise.
import { type BrokerSettings, brokerSettingTables } from '../broker-settings.ts';
import {
  allBrokers,
  type BrokerConfigs,
  type ConfigSynonym,
  configSources,
  dynamicBrokerConfigs,
  settingText,
} from './broker-configs.ts';
import type { ConfigType } from './config-value.ts';
import { settingDocs } from './setting-docs.ts';
import { topicConfigs } from './topic-configs.ts';
import type { Topic } from './topic.ts';

/** One configuration, shown. */
export interface ConfigEntry {
  readonly name: string;
  readonly value: string | null;
  readonly readOnly: boolean;
  readonly source: number;
  /** The value that counts first. */
  readonly synonyms: readonly ConfigSynonym[];
  readonly type: ConfigType;
  readonly documentation: string | null;
}

/** Everything there is to say of a topic, in the order of the names. */
export function topicEntries(topic: Topic, configs: BrokerConfigs): readonly ConfigEntry[] {
  return Object.entries(topicConfigs).flatMap(([name, { brokerName, initial, type, doc, isLegacy }]) => {
    const own = Object.hasOwn(topic.overrides, name) ? topic.overrides[name] : undefined;
    if (own === undefined && isLegacy) return [];
    const synonyms = [
      ...(own === undefined ? [] : [{ name, value: own, source: configSources.TOPIC }]),
      ...(brokerName === undefined
        ? [{ name, value: initial, source: configSources.DEFAULT }]
        : configs.synonyms(brokerName, initial)),
    ];
    return [entryOf({ name, type, synonyms, readOnly: false, documentation: doc })];
  });
}

/** What a broker says of itself besides its settings. */
export interface BrokerFacts {
  readonly nodeId: number;
  readonly rack: string | null;
  readonly host: string;
  readonly port: number;
}

/** Everything there is to say of this broker, in the order of the names. */
export function brokerEntries(configs: BrokerConfigs, facts: BrokerFacts): readonly ConfigEntry[] {
  const dynamic = Object.entries(dynamicBrokerConfigs).map(([name, { initial, type, doc }]) =>
    entryOf({ name, type, synonyms: configs.synonyms(name, initial), readOnly: false, documentation: doc }),
  );
  const fixed = Object.entries(brokerSettingTables)
    .filter(([name]) => !Object.hasOwn(dynamicBrokerConfigs, name))
    .map(([name, { initial }]) => {
      const synonyms = configs.synonyms(name, settingText(initial));
      const documentation = settingDocs[name as keyof BrokerSettings] ?? null;
      return entryOf({ name, type: typeOf(initial), synonyms, readOnly: true, documentation });
    });
  return [...dynamic, ...fixed, ...factEntries(facts)].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** What was set for all brokers while they ran, and nothing else. */
export function allBrokersEntries(configs: BrokerConfigs): readonly ConfigEntry[] {
  return Object.entries(configs.overridesOf(allBrokers)).flatMap(([name, value]) => {
    const definition = dynamicBrokerConfigs[name];
    if (definition === undefined) return [];
    const synonyms = [{ name, value, source: configSources.DYNAMIC_DEFAULT_BROKER }];
    return [entryOf({ name, type: definition.type, synonyms, readOnly: false, documentation: definition.doc })];
  });
}

function factEntries({ nodeId, rack, host, port }: BrokerFacts): readonly ConfigEntry[] {
  const listener = `PLAINTEXT://${host}:${port}`;
  const facts: readonly (readonly [string, string, ConfigType])[] = [
    ['advertised.listeners', listener, 'string'],
    ['broker.id', String(nodeId), 'int'],
    ['default.replication.factor', '1', 'int'],
    ['listeners', listener, 'string'],
    ['node.id', String(nodeId), 'int'],
    ['offsets.topic.replication.factor', '1', 'int'],
    ...(rack === null ? [] : [['broker.rack', rack, 'string'] as const]),
  ];
  return facts.map(([name, value, type]) => {
    const synonyms = [{ name, value, source: configSources.STATIC_BROKER }];
    return entryOf({ name, type, synonyms, readOnly: true, documentation: null });
  });
}

function entryOf(entry: Omit<ConfigEntry, 'value' | 'source'>): ConfigEntry {
  const [first] = entry.synonyms;
  return { ...entry, value: first?.value ?? null, source: first?.source ?? configSources.DEFAULT };
}

function typeOf(initial: string | number | boolean): ConfigType {
  if (typeof initial === 'boolean') return 'boolean';
  return typeof initial === 'number' ? 'long' : 'string';
}
