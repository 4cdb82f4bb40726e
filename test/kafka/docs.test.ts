// docs/kafka.md says what is served, and with which settings: exactly what the source says.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { apiVersionsApi } from '../../src/kafka/messages/api-versions.ts';
import { brokerSettingTables } from '../../src/kafka/broker-settings.ts';
import { topicConfigs } from '../../src/kafka/topics/topic-configs.ts';
import { tableOf, wordsOf } from '../package/markdown.ts';
import { startBroker } from './broker-in-test.ts';
import { servedApis } from './messages/served-apis.ts';

const text = readFileSync(new URL('../../docs/kafka.md', import.meta.url), 'utf8');
const unquoted = (cell: string): string => cell.replaceAll('`', '');

it('lists every API with its versions', () => {
  const rows = tableOf(text, 'API').map((row) => Object.values(row));
  const served = servedApis
    .toSorted((a, b) => a.key - b.key)
    .map(({ name, key, minVersion, maxVersion, flexibleFrom }) => [
      `${name} (${key})`,
      minVersion === maxVersion ? `${minVersion}` : `${minVersion}–${maxVersion}`,
      flexibleFrom > maxVersion ? '–' : `${flexibleFrom}`,
    ]);
  expect(rows).toEqual(served);
});

it('lists what a client is told', async () => {
  const broker = await startBroker();
  const client = await broker.client();
  const { apiKeys } = await client.send(apiVersionsApi, 0, { clientSoftwareName: '', clientSoftwareVersion: '' });
  expect(apiKeys.map(({ apiKey, minVersion, maxVersion }) => [apiKey, minVersion, maxVersion])).toEqual(
    servedApis
      .toSorted((a, b) => a.key - b.key)
      .map(({ key, minVersion, maxVersion }) => [key, minVersion, maxVersion]),
  );
  await broker.close();
});

it('lists every setting with its default', () => {
  const rows = tableOf(text, 'Setting').map((row) => [unquoted(row['Setting'] ?? ''), row['Default']]);
  const settings = Object.entries(brokerSettingTables).map(([name, { initial }]) => {
    if (initial === Number.MAX_SAFE_INTEGER) return [name, 'no limit'];
    return [name, typeof initial === 'number' ? initial.toLocaleString('en') : String(initial)];
  });
  expect(rows).toEqual(settings);
});

it('names only configurations of topics that there are', () => {
  const names = tableOf(text, 'Configuration').flatMap((row) => wordsOf(row['Configuration']));
  expect(names.length).toBeGreaterThan(5);
  expect(names.filter((name) => !(name in topicConfigs))).toEqual([]);
});
