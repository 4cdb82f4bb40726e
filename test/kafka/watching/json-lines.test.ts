// The log: lines that machines can read, bounded, without secrets, and never in the way.
import { describe, expect, test } from 'vitest';
import type { LogFields, LogLevel } from '../../../src/kafka/broker-log.ts';
import { engineObserver } from '../../../src/kafka/watching/engine-observer.ts';
import { isoTime } from '../../../src/kafka/watching/iso-time.ts';
import { JsonLines, linesPerSecondMax } from '../../../src/kafka/watching/json-lines.ts';
import { SeededRuntime } from '../../../src/testkit/seeded-runtime.ts';

type Line = Readonly<Record<string, unknown>>;

function openLog(level: LogLevel = 'debug') {
  const runtime = new SeededRuntime({ seed: 1, startMs: 1_763_728_200_123 });
  const written: string[] = [];
  const log = new JsonLines({ write: (line) => void written.push(line), level, runtime });
  const lines = (): readonly Line[] => written.map((line) => JSON.parse(line) as Line);
  return { runtime, written, log, lines };
}

describe('a line of the log', () => {
  test('is one object of JSON with time, level, message and fields, in this order', () => {
    const { log, written } = openLog();
    log.log('info', 'a topic was created', { topic: 'tea\n"', partitions: 3, internal: false, by: undefined });
    expect(written).toEqual([
      '{"time":"2025-11-21T12:30:00.123Z","level":"info","msg":"a topic was created",' +
        '"topic":"tea\\n\\"","partitions":3,"internal":false}\n',
    ]);
  });

  test('cannot be taken for another one by its fields', () => {
    const { log, lines } = openLog();
    log.log('error', 'm', { time: 'x', level: 'debug', msg: 'n' });
    expect(lines()).toEqual([
      { time: '2025-11-21T12:30:00.123Z', level: 'error', msg: 'm', time_: 'x', level_: 'debug', msg_: 'n' },
    ]);
  });

  test.each([
    ['error', ['error']],
    ['info', ['error', 'info']],
    ['debug', ['error', 'info', 'debug']],
  ] as const)('is written at level %s if it is of %j', (level, expected) => {
    const { log, lines } = openLog(level);
    for (const one of ['error', 'info', 'debug'] as const) log.log(one, 'm');
    expect(lines().map((line) => line['level'])).toEqual(expected);
  });

  test('is bounded, whatever it is given', () => {
    const { log, written, lines } = openLog();
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`field${i}`, i]));
    log.log('info', 'x'.repeat(1e6), many);
    log.log('info', 'm', { a: '"'.repeat(1e6), b: '\u0001'.repeat(1e6), [`n${'n'.repeat(1e5)}`]: 1 });
    for (const line of written) expect(line.length).toBeLessThan(16_384);
    expect(lines()[0]).toMatchObject({ field0: 0, cut: true });
    expect(Object.keys(lines()[0] ?? {}).length).toBe(3 + 32 + 1);
    expect(lines()[1]).toMatchObject({ a: expect.stringContaining('(1000000 characters)') as unknown });
  });

  test('tells numbers that JSON has none for as text', () => {
    const { log, lines } = openLog();
    log.log('info', 'm', { a: Number.NaN, b: Infinity });
    expect(lines()[0]).toMatchObject({ a: 'NaN', b: 'Infinity' });
  });
});

describe('a secret', () => {
  test.each([
    [{ password: 'hunter2' }],
    [{ saslPassword: 'hunter2' }],
    [{ secretAccessKey: 'hunter2' }],
    [{ token: 'hunter2' }],
    [{ 'sasl.jaas.config': 'hunter2' }],
    [{ url: 'https://user:hunter2@host/path' }],
    [{ url: `https://user:${'h'.repeat(900)}hunter2@host/path` }],
    [{ url: 'https://host/a?X-Amz-Signature=hunter2&b=c' }],
    [{ cause: 'refused: AWS_SECRET_ACCESS_KEY=hunter2 is wrong' }],
    [{ cause: 'bad line {"password": "hunter2"}' }],
    [{ cause: 'Authorization: Bearer hunter2hunter2' }],
  ] as readonly (readonly [LogFields])[])('is hidden in %j', (fields) => {
    const { log, written } = openLog();
    log.log('error', 'm', fields);
    expect(written[0]).not.toContain('hunter2');
    expect(written[0]).toContain('(hidden)');
  });

  test('is hidden in a message, too, and what is none is left as it is', () => {
    const { log, lines } = openLog();
    log.log('info', 'cannot reach s3://me:hunter2@bucket/p');
    log.log('info', 'm', { topic: 'secretary', url: 's3://bucket/prefix?endpoint=http://localhost:9000' });
    expect(lines()[0]).toMatchObject({ msg: 'cannot reach s3://(hidden)@bucket/p' });
    expect(lines()[1]).toMatchObject({ topic: 'secretary', url: 's3://bucket/prefix?endpoint=http://localhost:9000' });
  });
});

describe('a message that is repeated', () => {
  test('has a few lines in a second, and then it is told how many were left out', async () => {
    const { runtime, log, lines } = openLog();
    await runtime.run(async () => {
      for (let i = 0; i < 1_000; i += 1) log.log('error', 'a request was refused', { i });
      log.log('error', 'something else');
      log.log('info', 'a request was refused');
      await new Promise<void>((resolve) => runtime.timers.after(2_500, resolve));
      log.log('error', 'a request was refused', { i: 1_000 });
    });
    const told = lines();
    const errors = told.filter(({ level, msg }) => level === 'error' && msg === 'a request was refused');
    expect(errors.length).toBe(linesPerSecondMax + 2);
    expect(errors[linesPerSecondMax]).toMatchObject({ omitted: 1_000 - linesPerSecondMax });
    expect(errors.at(-1)).toMatchObject({ i: 1_000 });
    expect(told.filter(({ msg }) => msg === 'something else').length).toBe(1);
    expect(told.filter(({ level }) => level === 'info').length).toBe(1);
    expect(runtime.pendingTimers).toBe(1);
    log.flush();
    expect(runtime.pendingTimers).toBe(0);
  });

  test('is told apart from others only so far: messages that are no constants are bounded as well', () => {
    const { log, lines } = openLog();
    for (let i = 0; i < 10_000; i += 1) log.log('error', `message ${i}`);
    log.flush();
    expect(lines().length).toBeLessThan(400);
    const omitted = lines().reduce((sum, line) => sum + Number(line['omitted'] ?? 0), 0);
    const plain = lines().filter((line) => line['omitted'] === undefined).length;
    expect(omitted + plain).toBe(10_000);
  });
});

describe('a log', () => {
  test('never throws: not for what it is given, not for where it writes', () => {
    const { runtime, log } = openLog();
    const bad = { ['a']: Symbol('x'), b: 1n, c: { toString: () => Promise.reject } } as unknown as LogFields;
    expect(() => log.log('info', undefined as unknown as string, bad)).not.toThrow();
    const throwing = (): void => {
      throw new Error('EPIPE');
    };
    const broken = new JsonLines({ write: throwing, level: 'info', runtime });
    for (let i = 0; i < 100; i += 1) expect(() => broken.log('info', 'm')).not.toThrow();
    expect(() => broken.flush()).not.toThrow();
  });

  test('is told what the engine tells, each at its level', () => {
    const { log, lines } = openLog();
    const observer = engineObserver(log);
    observer.statusChanged?.({ status: 'closed', cause: undefined });
    observer.statusChanged?.({ status: 'failed', cause: new Error('no disk') });
    observer.backgroundFailed?.({ work: 'upload', cause: 'x' });
    observer.journalContended?.({ index: 1, losses: 2 });
    expect(lines().map(({ level, cause }) => [level, cause])).toEqual([
      ['info', undefined],
      ['error', 'no disk'],
      ['error', 'x'],
      ['debug', undefined],
    ]);
  });
});

test('times are those of the calendar', () => {
  const moments = [0, 1, 68_169_599_999, 951_782_400_000, 1_709_251_199_999, 4_107_542_400_000, 253_402_300_799_999];
  for (let i = 0; i < 2_000; i += 1) moments.push(i * 86_400_000 * 37 + i * 7_919);
  for (const ms of moments) expect(isoTime(ms)).toBe(new Date(ms).toISOString());
  expect(isoTime(-1)).toBe('-1');
  expect(isoTime(Number.NaN)).toBe('NaN');
});
