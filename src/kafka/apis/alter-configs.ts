// AlterConfigs: sets all configurations of a resource anew. IncrementalAlterConfigs: changes single ones. Each resource
// of a request stands for itself.
import type { BrokerParts } from '../broker-parts.ts';
import type { Handler } from '../handler.ts';
import { kafkaErrors, KafkaRefusal, refusalOf } from '../kafka-error.ts';
import {
  alterConfigsApi,
  type AlterConfigsRequest,
  type AlterConfigsResourceResponse,
  type AlterConfigsResponse,
} from '../messages/alter-configs.ts';
import {
  incrementalAlterConfigsApi,
  type IncrementalAlterableConfig,
  type IncrementalAlterConfigsRequest,
} from '../messages/incremental-alter-configs.ts';
import { dynamicBrokerConfigs } from '../topics/broker-configs.ts';
import { type ConfigDefinition, listOf } from '../topics/config-value.ts';
import { type Overrides, topicConfigs } from '../topics/topic-configs.ts';
import { type ConfigResource, configResource, resourceKey } from './config-resources.ts';
import { repeated } from './distinct.ts';

type Parts = Pick<BrokerParts, 'topics' | 'configs' | 'identity' | 'meter'>;

interface AlteredResource {
  readonly resourceType: number;
  readonly resourceName: string;
}

/** What becomes of what was set for a resource. */
type Change = (overrides: Overrides) => Overrides;

export function alterConfigs(parts: Parts): Handler<AlterConfigsRequest, AlterConfigsResponse> {
  return {
    api: alterConfigsApi,
    handle: ({ resources, validateOnly }) =>
      alterAll(parts, 'AlterConfigs', resources, validateOnly, ({ configs }) => {
        checkNames(configs);
        const wanted = Object.fromEntries(configs.map(({ name, value }) => [name, given(name, value)]));
        return () => wanted;
      }),
  };
}

export function incrementalAlterConfigs(parts: Parts): Handler<IncrementalAlterConfigsRequest, AlterConfigsResponse> {
  return {
    api: incrementalAlterConfigsApi,
    handle: ({ resources, validateOnly }) =>
      alterAll(parts, 'IncrementalAlterConfigs', resources, validateOnly, ({ configs }, resource) => {
        checkNames(configs);
        return (overrides) => {
          const changed = new Map(Object.entries(overrides));
          for (const config of configs) applyOne(changed, config, listNow(parts, resource, config.name));
          return Object.fromEntries(changed);
        };
      }),
  };
}

async function alterAll<R extends AlteredResource>(
  { topics, configs, identity, meter }: Parts,
  api: string,
  resources: readonly R[],
  validateOnly: boolean,
  changeOf: (wanted: R, resource: ConfigResource) => Change,
): Promise<AlterConfigsResponse> {
  const keyOf = ({ resourceType, resourceName }: R): string => resourceKey(resourceType, resourceName);
  const twice = repeated(resources.map(keyOf));
  const alterOne = async (wanted: R): Promise<AlterConfigsResourceResponse> => {
    const { resourceType, resourceName } = wanted;
    try {
      if (twice.has(keyOf(wanted)))
        throw new KafkaRefusal('INVALID_REQUEST', 'Each resource must appear at most once.');
      const resource = configResource(resourceType, resourceName, identity.nodeId);
      const change = changeOf(wanted, resource);
      if (resource.kind === 'topic') await topics.alter(resource.name, change, validateOnly);
      else await configs.alter(resource.name, change, validateOnly);
      return { errorCode: kafkaErrors.NONE, errorMessage: null, resourceType, resourceName };
    } catch (cause) {
      const { code, error, message } = refusalOf(cause);
      meter.refused(api, error);
      return { errorCode: code, errorMessage: message, resourceType, resourceName };
    }
  };
  const distinct = [...new Map(resources.map((one) => [keyOf(one), one])).values()];
  return { throttleTimeMs: 0, responses: await Promise.all(distinct.map(alterOne)) };
}

/** A list as it counts now where nothing was set; undefined for what is no list. */
function listNow({ configs }: Parts, { kind }: ConfigResource, name: string): string | undefined {
  const definitions: Readonly<Record<string, ConfigDefinition>> =
    kind === 'topic' ? topicConfigs : dynamicBrokerConfigs;
  const definition = Object.hasOwn(definitions, name) ? definitions[name] : undefined;
  if (definition?.type !== 'list') return undefined;
  return kind === 'topic' ? configs.topicConfig(name) : configs.synonyms(name, definition.initial)[0]?.value;
}

function applyOne(
  changed: Map<string, string>,
  { name, configOperation, value }: IncrementalAlterableConfig,
  list: string | undefined,
): void {
  if (configOperation === 1) {
    changed.delete(name);
    return;
  }
  if (configOperation === 0) {
    changed.set(name, given(name, value));
    return;
  }
  if (configOperation !== 2 && configOperation !== 3)
    throw new KafkaRefusal('INVALID_REQUEST', `Unknown operation ${configOperation} on configuration ${name}.`);
  const isAppend = configOperation === 2;
  if (list === undefined)
    throw new KafkaRefusal(
      'INVALID_CONFIG',
      `Can't ${isAppend ? 'APPEND to' : 'SUBTRACT from'} key ${name} because its type is not LIST.`,
    );
  const before = listOf(changed.get(name) ?? list);
  const named = listOf(given(name, value));
  const after = isAppend ? new Set([...before, ...named]) : before.filter((element) => !named.includes(element));
  changed.set(name, [...after].join(','));
}

function given(name: string, value: string | null): string {
  if (value !== null) return value;
  throw new KafkaRefusal('INVALID_REQUEST', `Null value not supported for: ${name}`);
}

function checkNames(configs: readonly { readonly name: string }[]): void {
  const [twice] = repeated(configs.map(({ name }) => name));
  if (twice !== undefined) throw new KafkaRefusal('INVALID_REQUEST', `Error due to duplicate config keys: ${twice}`);
}
