// What a broker is asked for: every option, where it may stand, what outweighs what, and each thing that can be wrong.
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseAddress, isWildcard, showAddress } from '../../src/cli/addresses.ts';
import { parseBrokerOptions, type BrokerRun } from '../../src/cli/broker-options.ts';
import { brokerUsage } from '../../src/cli/broker-usage.ts';
import { parseProperties } from '../../src/cli/properties.ts';
import { brokerSettingNames, brokerSettingTables } from '../../src/kafka/broker-settings.ts';

interface Given {
  readonly words?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** The text of the file `b.properties`, the only one that there is. */
  readonly file?: string;
}

function asked({ words = '', environment = {}, file }: Given) {
  const readFile = (path: string): string => {
    if (path !== 'b.properties' || file === undefined) throw new Error('ENOENT: no such file or directory');
    return file;
  };
  return parseBrokerOptions({ words: words.split(' ').filter((word) => word !== ''), environment, readFile });
}

function runOf(given: Given): BrokerRun {
  const answer = asked(given);
  if (!('run' in answer)) throw new Error(`refused: ${JSON.stringify(answer)}`);
  return answer.run;
}

const plain = '--data d';

describe('a broker that is asked for by the command line', () => {
  test('has defaults for everything but where records are kept', () => {
    expect(runOf({ words: plain })).toEqual({
      place: { kind: 'data', directory: resolve('d') },
      listen: { host: 'localhost', port: 9092 },
      advertise: undefined,
      admin: undefined,
      node: 'broker-1',
      rack: undefined,
      level: 'info',
      settings: {},
    });
  });

  test.each([
    ['--data /srv/d', { place: { kind: 'data', directory: '/srv/d' } }],
    ['--data=a=b', { place: { kind: 'data', directory: resolve('a=b') } }],
    ['--store s3://b/p?region=x', { place: { kind: 'store', url: 's3://b/p?region=x', walDirectory: undefined } }],
    ['--store file:///d --wal object', { place: { kind: 'store', url: 'file:///d', walDirectory: undefined } }],
    ['--store s3://b --wal file:w', { place: { walDirectory: resolve('w') } }],
    ['--store s3://b --wal file:/srv/w', { place: { walDirectory: '/srv/w' } }],
    ['--store s3://b --wal file:///srv/w', { place: { walDirectory: '/srv/w' } }],
    [`${plain} --listen 10.0.0.7:0`, { listen: { host: '10.0.0.7', port: 0 } }],
    [`${plain} --listen [::1]:9093`, { listen: { host: '::1', port: 9093 } }],
    [`${plain} --listen [fe80::1%eth0]:9093`, { listen: { host: 'fe80::1%eth0', port: 9093 } }],
    [`${plain} --listen 0.0.0.0:9092`, { listen: { host: '0.0.0.0', port: 9092 }, advertise: undefined }],
    [`${plain} --advertise kafka.example:443`, { advertise: { host: 'kafka.example', port: 443 } }],
    [`${plain} --admin localhost:9464`, { admin: { host: 'localhost', port: 9464 } }],
    [`${plain} --node b-7 --rack eu-1a`, { node: 'b-7', rack: 'eu-1a' }],
    [`${plain} --log debug`, { level: 'debug' }],
    [`${plain} --set num.partitions=3 --set=message.max.bytes=9`, { settings: { 'num.partitions': '3' } }],
    [`${plain} --set num.partitions=3 --set num.partitions=4`, { settings: { 'num.partitions': '4' } }],
    [`${plain} --set log.cleanup.policy=compact,delete`, { settings: { 'log.cleanup.policy': 'compact,delete' } }],
  ])('%s', (words, expected) => {
    expect(runOf({ words })).toMatchObject(expected);
  });

  test.each(['--help', '-h', '--data d --help', '--nonsense -h'])('%s is answered with help', (words) => {
    expect(asked({ words })).toEqual({ help: true });
  });
});

describe('a wrong command line is told in a sentence', () => {
  test.each([
    ['', 'it needs --data DIR or --store URL, to know where records are kept'],
    ['--data a --store s3://b', '--data and --store exclude each other; one says where records are kept'],
    ['--data', '--data needs a value'],
    ['--data --node', '--data needs a value'],
    ['--data=', '--data needs a value'],
    ['--data a --data b', '--data is given twice'],
    ['d', 'there is nothing that "d" could be; a directory is given as --data DIR'],
    ['--data d e', 'there is nothing that "e" could be; a directory is given as --data DIR'],
    ['--dta d', "there is no option --dta; did you mean '--data'?"],
    ['--advertised x', "there is no option --advertised; did you mean '--advertise'?"],
    ['-d x', "there is no option -d; did you mean '--data'?"],
    [`${plain} --wal object`, '--wal goes with --store; a directory that is given with --data has its log beside it'],
    ['--store s3://b --wal memory', '--wal is object, or file:DIR; got "memory"'],
    ['--store s3://b --wal file:', '--wal is object, or file:DIR; got "file:"'],
    [`${plain} --listen 9092`, '--listen is a host and a port, such as localhost:9092 or [::1]:9092; got "9092"'],
    [`${plain} --listen a:70000`, '--listen is a host and a port, such as localhost:9092 or [::1]:9092; got "a:70000"'],
    [
      `${plain} --listen ::1:9092`,
      '--listen is a host and a port, such as localhost:9092 or [::1]:9092; got "::1:9092"',
    ],
    [`${plain} --admin x`, '--admin is a host and a port, such as localhost:9092 or [::1]:9092; got "x"'],
    [`${plain} --advertise 0.0.0.0:1`, '--advertise is no address that clients could connect to'],
    [`${plain} --advertise [::]:1`, '--advertise is no address that clients could connect to'],
    [`${plain} --log warn`, '--log is error, info or debug; got "warn"'],
    [`${plain} --rack ${'r'.repeat(300)}`, '--rack has at most 255 characters'],
    [`${plain} --set num.partitions`, '--set takes name=value, such as num.partitions=3; got "num.partitions"'],
    [`${plain} --set num.partition=3`, '--set: there is no setting "num.partition"; did you mean \'num.partitions\'?'],
    [`${plain} --set num.partitions=x`, '--set: num.partitions is an integer from 1 to 100000; got "x"'],
    [`${plain} --set num.partitions=0`, '--set: num.partitions is an integer from 1 to 100000; got "0"'],
    [`${plain} --set auto.create.topics.enable=1`, '--set: auto.create.topics.enable is true or false; got "1"'],
  ])('%s', (words, problem) => {
    expect(asked({ words })).toEqual({ problem });
  });

  test('a node name is one that the engine takes', () => {
    expect(asked({ words: `${plain} --node Broker` })).toEqual({
      problem: expect.stringMatching(/^--node: a node name has 1 to 63 characters .*; got "Broker"$/) as unknown,
    });
  });
});

describe('the environment', () => {
  test('has a variable for each option', () => {
    const environment = {
      QANAT_STORE: 's3://b',
      QANAT_WAL: 'file:/w',
      QANAT_LISTEN: 'h:1',
      QANAT_ADVERTISE: 'a:2',
      QANAT_ADMIN: 'm:3',
      QANAT_NODE: 'n',
      QANAT_RACK: 'r',
      QANAT_LOG: 'error',
      QANAT_SET: ' num.partitions=3\n  group.max.size=7 ',
    };
    expect(runOf({ environment })).toEqual({
      place: { kind: 'store', url: 's3://b', walDirectory: '/w' },
      listen: { host: 'h', port: 1 },
      advertise: { host: 'a', port: 2 },
      admin: { host: 'm', port: 3 },
      node: 'n',
      rack: 'r',
      level: 'error',
      settings: { 'num.partitions': '3', 'group.max.size': '7' },
    });
    expect(runOf({ environment: { QANAT_DATA: '/d' } }).place).toEqual({ kind: 'data', directory: '/d' });
  });

  test('leaves alone what is empty, and what others have put there', () => {
    const environment = { QANAT_NODE: '', QANAT_PORT: 'tcp://10.0.0.1:9092', QANAT_STORE: '', NODE: 'x' };
    expect(runOf({ words: plain, environment })).toEqual(runOf({ words: plain }));
  });

  test.each([
    [{ QANAT_DATA: 'd', QANAT_STORE: 's3://b' }, /^QANAT_DATA and QANAT_STORE exclude each other; /],
    [{ QANAT_DATA: 'd', QANAT_LISTEN: 'x' }, /^QANAT_LISTEN is a host and a port, /],
    [{ QANAT_DATA: 'd', QANAT_SET: 'a.b=c' }, /^QANAT_SET: there is no setting "a\.b"/],
    [{ QANAT_CONFIG: 'none.properties' }, /^QANAT_CONFIG none\.properties cannot be read: ENOENT/],
  ])('%j is refused with a sentence that names the variable', (environment, problem) => {
    expect(asked({ environment })).toEqual({ problem: expect.stringMatching(problem) as unknown });
  });
});

describe('a config file', () => {
  test('has the names of options and those of Kafka', () => {
    const file = [
      '# A broker.',
      'data = /srv/kafka',
      'listen: [::1]:9093',
      'node broker-7',
      '',
      'num.partitions=1',
      'num.partitions=6',
      'log.retention.hours=1',
    ].join('\n');
    expect(runOf({ words: '--config b.properties', file })).toMatchObject({
      place: { kind: 'data', directory: '/srv/kafka' },
      listen: { host: '::1', port: 9093 },
      node: 'broker-7',
      settings: { 'num.partitions': '6', 'log.retention.hours': '1' },
    });
    expect(runOf({ environment: { QANAT_CONFIG: 'b.properties' }, file }).node).toBe('broker-7');
  });

  test.each([
    ['x=1', /^b\.properties, line 1: there is no setting "x"$/],
    [
      '\n\nnum.partition=1',
      /^b\.properties, line 3: there is no setting "num\.partition"; did you mean 'num\.partitions'\?$/,
    ],
    ['lisen=a:1', /^b\.properties, line 1: there is no setting "lisen"; did you mean 'listen'\?$/],
    ['listen=a', /^b\.properties, line 1: listen is a host and a port, .*; got "a"$/],
    ['config=c', /^b\.properties, line 1: a config file cannot name another one$/],
    ['rack', /^b\.properties, line 1: rack needs a value$/],
    ['num.partitions=-1', /^b\.properties, line 1: num\.partitions is an integer from 1 to 100000; got "-1"$/],
    ['data=a\nstore=s3://b', /^b\.properties, line 1: data and b\.properties, line 2: store exclude each other; /],
  ])('is refused for %j with a sentence that names the line', (file, problem) => {
    const words = /data=|store=/.test(file) ? '--config b.properties' : `${plain} --config b.properties`;
    expect(asked({ words, file })).toEqual({ problem: expect.stringMatching(problem) as unknown });
  });

  test('that cannot be read is told', () => {
    expect(asked({ words: `${plain} --config none` })).toEqual({
      problem: '--config none cannot be read: ENOENT: no such file or directory',
    });
  });

  test('may have every setting there is, with its default', () => {
    const file = Object.entries(brokerSettingTables).map(([name, { initial }]) => `${name}=${initial}`);
    const { settings } = runOf({ words: `${plain} --config b.properties`, file: file.join('\n') });
    expect(Object.keys(settings).length).toBe(Object.keys(brokerSettingTables).length);
    expect(brokerSettingNames).toEqual(expect.arrayContaining(Object.keys(settings)));
  });
});

describe('what outweighs what', () => {
  const file = 'data=/file\nnode=of-file\nrack=of-file\nnum.partitions=1\nlog.retention.ms=1\ngroup.max.size=1';
  const environment = { QANAT_NODE: 'of-environment', QANAT_RACK: 'of-environment', QANAT_SET: 'num.partitions=2' };

  test('the command line before the environment before the file, each name by itself', () => {
    const words = '--config b.properties --node of-line --set num.partitions=3';
    expect(runOf({ words, environment, file })).toMatchObject({
      place: { kind: 'data', directory: '/file' },
      node: 'of-line',
      rack: 'of-environment',
      settings: { 'num.partitions': '3', 'group.max.size': '1', 'log.retention.ms': '1' },
    });
    expect(runOf({ words: '--config b.properties', environment, file }).settings['num.partitions']).toBe('2');
  });

  test('a place outweighs the other kind of place, with the log that belonged to it', () => {
    const stored = 'store=s3://b\nwal=file:/w';
    expect(runOf({ words: '--config b.properties --data /d', file: stored }).place).toEqual({
      kind: 'data',
      directory: '/d',
    });
    expect(runOf({ words: '--config b.properties --store s3://c', file: stored }).place).toEqual({
      kind: 'store',
      url: 's3://c',
      walDirectory: '/w',
    });
    expect(asked({ words: '--config b.properties --wal object', file: 'data=/d' })).toMatchObject({
      problem: expect.stringContaining('--wal goes with --store') as unknown,
    });
  });

  test('a setting outweighs what says the same in another unit', () => {
    const words = '--config b.properties --set log.retention.hours=5';
    expect(runOf({ words, file }).settings).toEqual({
      'num.partitions': '1',
      'group.max.size': '1',
      'log.retention.hours': '5',
    });
  });
});

test('the text of help names every option, with its default where it has one', () => {
  const names = ['data', 'store', 'wal', 'listen', 'advertise', 'admin', 'node', 'rack', 'set', 'config', 'log'];
  for (const name of names) expect(brokerUsage).toContain(`--${name} `);
  for (const text of ['(localhost:9092)', '(broker-1)', '(info)', 'QANAT_DATA', 'QANAT_SET']) {
    expect(brokerUsage).toContain(text);
  }
  for (const line of brokerUsage.split('\n')) expect(line.length).toBeLessThanOrEqual(120);
});

describe('a file of properties', () => {
  test.each([
    ['a=b', [['a', 'b']]],
    ['a = b c ', [['a', 'b c']]],
    ['a:b=c', [['a', 'b=c']]],
    ['a b', [['a', 'b']]],
    ['  a\t=\tb', [['a', 'b']]],
    ['a', [['a', '']]],
    ['a=', [['a', '']]],
    ['=b', [['', 'b']]],
    ['# c=d\n! e=f\n   # g=h\na=b', [['a', 'b']]],
    [
      'a=b\r\nc=d\re=f',
      [
        ['a', 'b'],
        ['c', 'd'],
        ['e', 'f'],
      ],
    ],
    ['a=b, \\\n   c', [['a', 'b, c']]],
    [
      'a=b\\\\\nc=d',
      [
        ['a', 'b\\'],
        ['c', 'd'],
      ],
    ],
    ['a=b\\', [['a', 'b']]],
    ['a\\=b\\:c\\ d=e', [['a=b:c d', 'e']]],
    ['a=\\t\\u00e9\\n\\x', [['a', '\té\nx']]],
    ['\ufeffa=b', [['a', 'b']]],
    ['a=C:\\\\data', [['a', 'C:\\data']]],
  ] as const)('%j', (text, expected) => {
    expect(parseProperties(text).map(({ name, value }) => [name, value])).toEqual(expected);
  });

  test('tells the line where each begins', () => {
    const text = '# one\na=b\\\n  c\n\nd=e';
    expect(parseProperties(text).map(({ name, line }) => [name, line])).toEqual([
      ['a', 2],
      ['d', 5],
    ]);
  });
});

describe('an address', () => {
  test.each(['a:1', 'a.b-c_d:0', '10.0.0.1:65535', '[::1]:9092', '[::ffff:10.0.0.1]:1'])('%s is one', (text) => {
    const address = parseAddress(text);
    expect(address).toBeDefined();
    expect(showAddress(address ?? { host: '', port: 0 })).toBe(text);
  });

  test.each([
    '',
    'a',
    ':1',
    'a:',
    'a:65536',
    'a:-1',
    'a:1x',
    'a b:1',
    '[]:1',
    '[a]:1',
    '::1:9092',
    'a:1:2',
    'http://a:1',
  ])('%j is none', (text) => expect(parseAddress(text)).toBeUndefined());

  test.each([
    ['0.0.0.0', true],
    ['::', true],
    ['0:0:0:0:0:0:0:0', true],
    ['::1', false],
    ['10.0.0.0', false],
    ['localhost', false],
  ])('%s: that it is a wildcard is %s', (host, expected) => expect(isWildcard({ host, port: 1 })).toBe(expected));
});
