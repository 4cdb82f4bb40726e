// DescribeConfigs: shows the configurations of topics and brokers.
import type { BrokerParts } from '../broker-parts.ts';
import type { Handler } from '../handler.ts';
import { kafkaErrors, KafkaRefusal, refusalOf } from '../kafka-error.ts';
import {
  describeConfigsApi,
  type DescribeConfigsRequest,
  type DescribeConfigsResource,
  type DescribeConfigsResourceResult,
  type DescribeConfigsResponse,
} from '../messages/describe-configs.ts';
import { allBrokers, configSources } from '../topics/broker-configs.ts';
import { allBrokersEntries, brokerEntries, type ConfigEntry, topicEntries } from '../topics/config-entries.ts';
import type { ConfigType } from '../topics/config-value.ts';
import { configResource } from './config-resources.ts';
import { inSlices } from './in-slices.ts';

type Parts = Pick<BrokerParts, 'topics' | 'configs' | 'identity' | 'meter' | 'runtime'>;

/** The types of values as numbers of the protocol. */
const typeCodes: Readonly<Record<ConfigType, number>> = { boolean: 1, string: 2, int: 3, long: 5, double: 6, list: 7 };

export function describeConfigs(parts: Parts): Handler<DescribeConfigsRequest, DescribeConfigsResponse> {
  return {
    api: describeConfigsApi,
    handle: async (request) => ({
      throttleTimeMs: 0,
      results: await inSlices(request.resources, parts.runtime, (resource) => {
        const { resourceType, resourceName, configurationKeys } = resource;
        try {
          const keys = configurationKeys === null || configurationKeys.length === 0 ? undefined : configurationKeys;
          const configs = entriesOf(parts, resource)
            .filter(({ name }) => keys?.includes(name) ?? true)
            .map((entry) => resultOf(entry, request));
          return { errorCode: kafkaErrors.NONE, errorMessage: null, resourceType, resourceName, configs };
        } catch (cause) {
          const { code, error, message } = refusalOf(cause);
          parts.meter.refused('DescribeConfigs', error);
          return { errorCode: code, errorMessage: message, resourceType, resourceName, configs: [] };
        }
      }),
    }),
  };
}

function entriesOf(
  { topics, configs, identity }: Parts,
  { resourceType, resourceName }: DescribeConfigsResource,
): readonly ConfigEntry[] {
  const { kind, name } = configResource(resourceType, resourceName, identity.nodeId);
  if (kind === 'broker') return name === allBrokers ? allBrokersEntries(configs) : brokerEntries(configs, identity);
  const topic = topics.byName(name);
  if (topic === undefined) throw new KafkaRefusal('UNKNOWN_TOPIC_OR_PARTITION', `There is no topic '${name}'.`);
  return topicEntries(topic, configs);
}

function resultOf(
  { name, value, readOnly, source, synonyms, type, documentation }: ConfigEntry,
  { includeSynonyms, includeDocumentation }: DescribeConfigsRequest,
): DescribeConfigsResourceResult {
  return {
    ...{ name, value, readOnly },
    isDefault: source === configSources.DEFAULT,
    configSource: source,
    isSensitive: false,
    synonyms: includeSynonyms ? synonyms : [],
    configType: typeCodes[type],
    documentation: includeDocumentation ? documentation : null,
  };
}
