// The configurations of brokers: what the settings say, and what was set since with the tools of Kafka, for all brokers
// or for one. What is set for one counts before what is set for all, and both before the settings.
import type { StreamSet } from '../../index.ts';
import { type BrokerSettings, brokerSettingTables } from '../broker-settings.ts';
import { KafkaRefusal } from '../kafka-error.ts';
import { type ConfigDefinition, checkedConfig, longMax } from './config-value.ts';
import { decodeDocument, encodeDocument, notUnderstood, putDocument, textsOf } from './kv-document.ts';
import { type Overrides, topicConfigDefinition, topicConfigs } from './topic-configs.ts';

/** Where a value comes from, as a number of the protocol. */
export const configSources = {
  TOPIC: 1,
  DYNAMIC_BROKER: 2,
  DYNAMIC_DEFAULT_BROKER: 3,
  STATIC_BROKER: 4,
  DEFAULT: 5,
} as const;

/** One value that a configuration has somewhere. */
export interface ConfigSynonym {
  readonly name: string;
  readonly value: string;
  readonly source: number;
}

/** The resource that stands for all brokers. */
export const allBrokers = '';

const key = 'kafka/configs/brokers';
const attemptsMax = 5;

/** What can be set while brokers run: everything that stands for a configuration of topics. */
export const dynamicBrokerConfigs: Readonly<Record<string, ConfigDefinition>> = Object.fromEntries(
  Object.values(topicConfigs).flatMap(({ brokerName, isLegacy, ...definition }) =>
    brokerName === undefined || isLegacy ? [] : [[brokerName, definition]],
  ),
);

type Resources = Readonly<Record<string, Overrides>>;

/** What the configurations of brokers are made of. */
export interface BrokerConfigsOptions {
  readonly streams: StreamSet;
  readonly settings: BrokerSettings;
  /** The number of this broker. */
  readonly nodeId: number;
}

export class BrokerConfigs {
  readonly settings: BrokerSettings;
  readonly #streams: StreamSet;
  readonly #nodeId: string;
  #resources: Resources = {};
  #version = 0;
  #listener: () => void = () => {};

  private constructor({ streams, settings, nodeId }: BrokerConfigsOptions) {
    this.settings = settings;
    this.#streams = streams;
    this.#nodeId = String(nodeId);
  }

  static async load(options: BrokerConfigsOptions): Promise<BrokerConfigs> {
    const configs = new BrokerConfigs(options);
    await configs.#reload(false);
    return configs;
  }

  /** Called after every change. */
  onChange(listener: () => void): void {
    this.#listener = listener;
  }

  /** What was set for a broker, or for all. */
  overridesOf(resource: string): Overrides {
    return Object.hasOwn(this.#resources, resource) ? (this.#resources[resource] as Overrides) : {};
  }

  /** What a configuration of topics is for topics that do not say otherwise. */
  topicConfig(name: string): string {
    const { brokerName, initial } = topicConfigDefinition(name);
    return (brokerName === undefined ? undefined : this.synonyms(brokerName, initial)[0]?.value) ?? initial;
  }

  /** All values of a configuration of this broker; the first one counts. */
  synonyms(name: string, initial: string): readonly ConfigSynonym[] {
    const found: ConfigSynonym[] = [];
    const add = (value: string | undefined, source: number): void => {
      if (value !== undefined) found.push({ name, value, source });
    };
    add(ownText(this.overridesOf(this.#nodeId), name), configSources.DYNAMIC_BROKER);
    add(ownText(this.overridesOf(allBrokers), name), configSources.DYNAMIC_DEFAULT_BROKER);
    const table = Object.hasOwn(brokerSettingTables, name) ? (name as keyof BrokerSettings) : undefined;
    const set = table === undefined ? undefined : settingText(this.settings[table]);
    const usual = table === undefined ? initial : settingText(brokerSettingTables[table].initial);
    add(set === usual ? undefined : set, configSources.STATIC_BROKER);
    add(usual, configSources.DEFAULT);
    return found;
  }

  /**
   * Replaces what is set for a resource by what `change` makes of it. INVALID_CONFIG for what cannot be set, also
   * where nothing is to be written.
   */
  async alter(resource: string, change: (overrides: Overrides) => Overrides, validateOnly: boolean): Promise<void> {
    for (let attempt = 1; attempt <= attemptsMax; attempt++) {
      const overrides = checkedDynamic(change(this.overridesOf(resource)));
      const resources = { ...this.#resources, [resource]: overrides };
      const bytes = encodeDocument(key, { resources });
      if (validateOnly) return;
      const written = await putDocument(this.#streams.kv, key, bytes, this.#version);
      if (written.done) {
        this.#take(resources, written.version);
        return;
      }
      await this.#reload(true);
    }
    throw new KafkaRefusal('REQUEST_TIMED_OUT', 'The configurations of brokers were changed by others all the time.');
  }

  async #reload(fresh: boolean): Promise<void> {
    const entry = await this.#streams.kv.get(key, { fresh });
    if (entry === undefined) return this.#take({}, 0);
    const { resources } = decodeDocument(key, entry.value);
    if (typeof resources !== 'object' || resources === null) throw notUnderstood(key, 'resources are missing');
    const texts = Object.entries(resources).map(([name, value]) => [name, textsOf(key, value)]);
    this.#take(Object.fromEntries(texts) as Resources, entry.version);
  }

  #take(resources: Resources, version: number): void {
    this.#resources = resources;
    this.#version = version;
    this.#listener();
  }
}

/** A setting as it is shown. */
export function settingText(value: string | number | boolean): string {
  return value === Number.MAX_SAFE_INTEGER ? longMax : String(value);
}

function ownText(overrides: Overrides, name: string): string | undefined {
  return Object.hasOwn(overrides, name) ? overrides[name] : undefined;
}

function checkedDynamic(given: Overrides): Overrides {
  const entries = Object.keys(given)
    .toSorted()
    .map((name) => {
      const definition = Object.hasOwn(dynamicBrokerConfigs, name) ? dynamicBrokerConfigs[name] : undefined;
      if (definition === undefined)
        throw new KafkaRefusal('INVALID_REQUEST', `Cannot update the configuration ${name} while the broker runs.`);
      return [name, checkedConfig(name, definition, given[name] as string)];
    });
  return Object.fromEntries(entries) as Overrides;
}
