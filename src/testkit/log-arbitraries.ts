// Arbitrary scripts for logs, as fast-check draws and shrinks them. The only file that knows its types; the package
// itself is loaded by whoever calls this.
import type * as FastCheck from 'fast-check';
import type { Arbitrary } from 'fast-check';
import type { LogDisturbance } from './log-driver.ts';
import type { LogOperation, LogScript } from './log-script.ts';
import { checkCount } from './suite-options.ts';
import { shown, wrongArgument } from './wrong-argument.ts';

/**
 * What is needed of the package fast-check: give the package as it is imported. Only this function is asked for, so
 * that whoever does not have the package can still read these types.
 */
export interface FastCheckForScripts<A> {
  /** The arbitrary of one value. */
  readonly constant: (script: LogScript) => NoInfer<A>;
}

/**
 * Arbitrary scripts for logs, of at most `operationsMax` operations (40 unless given) over three streams, for
 * properties of your own. What is drawn is a LogScript, which is plain data: a seed for the world, and operations, each
 * an object such as `{ do: 'append', stream: 'a', count: 2, sizeBytes: 40, wait: true }`. Every script is a legal one,
 * also after shrinking; `runLogScript` runs one.
 *
 * ```ts
 * import fc from 'fast-check';
 * const scripts: fc.Arbitrary<LogScript> = arbitraryLogScript(fc, 30);
 * await fc.assert(fc.asyncProperty(scripts, async (script) => {
 *   const { violation } = await runLogScript(script, { open });
 *   if (violation !== undefined) throw violation;
 * }));
 * ```
 */
export function arbitraryLogScript<A>(fastCheck: FastCheckForScripts<A>, operationsMax: number = 40): A {
  const fc = fastCheck as unknown as typeof FastCheck;
  if (typeof fc?.oneof !== 'function') {
    throw wrongArgument(`arbitraryLogScript is given fast-check: import fc from 'fast-check'; got ${shown(fastCheck)}`);
  }
  checkCount('operationsMax', operationsMax);
  const operation = arbitraryOperation(fc);
  const single = operation.map((one) => [one]);
  const group = fc.oneof({ arbitrary: single, weight: 5 }, { arbitrary: arbitraryBurst(fc), weight: 1 });
  const groups = fc.array(group, { minLength: 1, maxLength: operationsMax, size: 'max' });
  const operations = groups.map((all) => all.flat().slice(0, operationsMax));
  return fc.record({ seed: fc.nat(), operations }) as A;
}

/** Much under way in one stream, and then something that ends it: what takes most luck to draw one by one. */
function arbitraryBurst(fc: typeof FastCheck): Arbitrary<LogOperation[]> {
  const bursts = fc.record({
    weather: fc.constantFrom('calm', 'calm', 'slow', 'lost-answers'),
    stream: fc.constantFrom('a', 'b'),
    counts: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 }),
    meanwhile: fc.constantFrom('nothing', 'read', 'pause', 'trim'),
    end: fc.constantFrom('crash', 'crash', 'reopen', 'close', 'delete', 'nothing', 'usurp'),
  });
  return bursts.map(({ weather, stream, counts, meanwhile, end }) => {
    const burst: LogOperation[] = weather === 'calm' ? [] : [{ do: 'disturb', by: { kind: weather } }];
    burst.push(...counts.map((count): LogOperation => ({ do: 'append', stream, count, sizeBytes: 40, wait: false })));
    if (meanwhile === 'read') burst.push({ do: 'read', stream, at: 100, wait: true });
    if (meanwhile === 'pause') burst.push({ do: 'pause', ms: 2 });
    if (meanwhile === 'trim') burst.push({ do: 'trim', stream, at: 100, wait: false });
    if (end === 'crash' || end === 'reopen') burst.push({ do: end });
    if (end === 'close' || end === 'delete') burst.push({ do: end, stream });
    if (end === 'usurp') burst.push({ do: end }, { do: 'usurped', call: 'append', stream });
    return burst;
  });
}

function arbitraryOperation(fc: typeof FastCheck): Arbitrary<LogOperation> {
  const stream = fc.constantFrom('a', 'a', 'b', 'c');
  const wait = fc.boolean();
  const at = fc.oneof(
    { arbitrary: fc.constantFrom(0, 100, 50), weight: 3 },
    { arbitrary: fc.integer({ min: 0, max: 100 }), weight: 3 },
    { arbitrary: fc.constantFrom(-1, 101), weight: 1 },
  );
  const count = fc.oneof(
    { arbitrary: fc.constant(1), weight: 2 },
    { arbitrary: fc.integer({ min: 1, max: 9 }), weight: 1 },
  );
  const sizeBytes = fc.oneof(
    { arbitrary: fc.integer({ min: 16, max: 200 }), weight: 8 },
    { arbitrary: fc.constant(9_000), weight: 1 },
  );
  const timestamp = fc.option(fc.integer({ min: 0, max: 100 }), { nil: undefined });
  const shape = fc.record({ count, sizeBytes, timestamp });
  const disturbance = arbitraryDisturbance(fc);
  const optional = <T>(arbitrary: Arbitrary<T>): Arbitrary<T | undefined> => fc.option(arbitrary, { nil: undefined });
  const all: readonly (readonly [number, Arbitrary<LogOperation>])[] = [
    [14, fc.record({ do: fc.constant('append' as const), stream, count, sizeBytes, timestamp, wait })],
    [
      4,
      fc.record({
        do: fc.constant('append-all' as const),
        stream,
        batches: fc.array(shape, { minLength: 1, maxLength: 4 }),
        wait,
      }),
    ],
    [2, fc.record({ do: fc.constant('append-at' as const), stream, off: fc.constantFrom(0, 0, 1, -1) })],
    [
      8,
      fc.record({
        do: fc.constant('read' as const),
        ...{ stream, at, wait },
        maxBytes: optional(fc.integer({ min: 1, max: 400 })),
        span: optional(fc.integer({ min: 0, max: 8 })),
      }),
    ],
    [3, fc.record({ do: fc.constant('append-once' as const), stream, count, sizeBytes, wait })],
    [2, fc.record({ do: fc.constant('retry' as const), stream })],
    [2, fc.record({ do: fc.constant('look-up' as const), stream, timestamp: fc.nat({ max: 110 }), wait })],
    [1, fc.record({ do: fc.constant('read-twice' as const), stream, at })],
    [3, arbitraryAbort(fc, stream)],
    [3, fc.record({ do: fc.constant('trim' as const), stream, at, wait })],
    [3, fc.record({ do: fc.constant('follow' as const), stream, at })],
    [1, fc.record({ do: fc.constant('leave' as const), stream })],
    [4, fc.record({ do: fc.constant('wait' as const) })],
    [2, fc.record({ do: fc.constant('pause' as const), ms: fc.integer({ min: 1, max: 50 }) })],
    [1, fc.record({ do: fc.constantFrom('create' as const, 'open' as const, 'append-closed' as const), stream })],
    [3, fc.record({ do: fc.constant('close' as const), stream })],
    [2, fc.record({ do: fc.constant('delete' as const), stream })],
    [2, fc.record({ do: fc.constant('maintain' as const) })],
    [2, fc.record({ do: fc.constant('reopen' as const) })],
    [4, fc.record({ do: fc.constant('crash' as const), meanwhile: optional(disturbance) })],
    [4, fc.record({ do: fc.constant('disturb' as const), by: disturbance })],
    [1, fc.record({ do: fc.constant('settle' as const) })],
    [1, fc.record({ do: fc.constant('usurp' as const) })],
    [1, fc.record({ do: fc.constant('usurped' as const), call: fc.constantFrom(...usurpedCalls), stream })],
    [1, fc.record({ do: fc.constantFrom('audit' as const, 'idle' as const) })],
  ];
  return fc.oneof(...all.map(([weight, arbitrary]) => ({ weight, arbitrary })));
}

const usurpedCalls = ['append', 'trim', 'create', 'delete'] as const;
const abortableCalls = ['append', 'append', 'read', 'trim', 'create', 'open', 'delete', 'look-up'] as const;

function arbitraryAbort(fc: typeof FastCheck, stream: Arbitrary<string>): Arbitrary<LogOperation> {
  return fc.record({
    do: fc.constant('abort' as const),
    call: fc.constantFrom(...abortableCalls),
    stream,
    afterTurns: fc.oneof(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 5, max: 40 })),
    afterMs: fc.constantFrom(0, 0, 1, 3, 10),
  });
}

function arbitraryDisturbance(fc: typeof FastCheck): Arbitrary<LogDisturbance> {
  const crash = fc.record({
    kind: fc.constant('crash' as const),
    request: fc.integer({ min: 1, max: 12 }),
    underWay: fc.constantFrom('lands' as const, 'vanishes' as const, 'either' as const),
  });
  const others = fc.record({ kind: fc.constantFrom('slow', 'lost-answers', 'common', 'outage') });
  return fc.oneof({ arbitrary: crash, weight: 2 }, { arbitrary: others as Arbitrary<LogDisturbance>, weight: 1 });
}
