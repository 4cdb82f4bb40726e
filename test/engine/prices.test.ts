// Price tables: the two that come with the package against the examples of the provider, and what is refused.
import { describe, expect, test } from 'vitest';
import { GiB } from '../../src/base/bytes.ts';
import {
  checkPrices,
  requestCost,
  s3ExpressOneZonePrices,
  s3StandardPrices,
  storageCostPerMonth,
  type PriceTable,
} from '../../src/engine/prices.ts';

describe('the tables', () => {
  test('S3 Standard: storage falls by tiers, each tier at its own price', () => {
    const cost = (gib: number): number => storageCostPerMonth(s3StandardPrices, gib * GiB);
    expect(cost(0)).toBe(0);
    expect(cost(100)).toBeCloseTo(2.3, 10);
    expect(cost(51_200)).toBeCloseTo(1_177.6, 8);
    expect(cost(51_201)).toBeCloseTo(1_177.6 + 0.022, 8);
    expect(cost(512_000)).toBeCloseTo(1_177.6 + 460_800 * 0.022, 6);
    expect(cost(1_000_000)).toBeCloseTo(1_177.6 + 460_800 * 0.022 + 488_000 * 0.021, 6);
  });

  test('S3 Standard: a million of each request', () => {
    const million = { requests: 1_000_000, bytesIn: GiB, bytesOut: GiB };
    const costs = (['put', 'get', 'list', 'delete'] as const).map((operation) =>
      requestCost(s3StandardPrices, operation, million),
    );
    expect(costs).toEqual([5, 0.4, 5, 0]);
  });

  // 10 GB kept for a month, written a million times and read nine million times, 10 KB each: $2.58.
  test("S3 Express One Zone: the provider's own example", () => {
    const size = 10 * 1024;
    const written = requestCost(s3ExpressOneZonePrices, 'put', {
      requests: 1e6,
      bytesIn: size * 1e6,
      bytesOut: 0,
    });
    const read = requestCost(s3ExpressOneZonePrices, 'get', { requests: 9e6, bytesIn: 0, bytesOut: size * 9e6 });
    const stored = storageCostPerMonth(s3ExpressOneZonePrices, 10 * GiB);
    expect(written).toBeCloseTo(1.13 + 0.03, 2);
    expect(read).toBeCloseTo(0.27 + 0.05, 2);
    expect(written + read + stored).toBeCloseTo(2.58, 2);
  });

  test.each([s3StandardPrices, s3ExpressOneZonePrices])('$name is sound, and says of when and from where', (prices) => {
    expect(checkPrices(prices)).toBe(prices);
    expect(new URL(prices.source).protocol).toBe('https:');
    expect(Object.isFrozen(prices)).toBe(true);
  });
});

describe('what is refused', () => {
  const without = (name: keyof PriceTable): unknown => ({ ...s3StandardPrices, [name]: undefined });
  const wrong: readonly (readonly [string, unknown, RegExp])[] = [
    ['nothing', null, /prices are a PriceTable/],
    ['a number', 5, /prices are a PriceTable/],
    ...(['name', 'source', 'date', 'currency'] as const).map(
      (name) => [`no ${name}`, without(name), new RegExp(`'${name}'.*text`)] as const,
    ),
    ['a date in words', { ...s3StandardPrices, date: 'June' }, /'date'.*as in 2026-06; got 'June'/],
    ['no prices of requests', without('perThousandRequests'), /price for each operation/],
    [
      'no price of a deletion',
      { ...s3StandardPrices, perThousandRequests: { put: 1, get: 1, list: 1 } },
      /'perThousandRequests.delete'.*at least 0; got undefined/,
    ],
    [
      'a negative price',
      { ...s3StandardPrices, perThousandRequests: { ...s3StandardPrices.perThousandRequests, put: -1 } },
      /'perThousandRequests.put'.*got -1/,
    ],
    ['a price that is no number', { ...s3StandardPrices, perGiBIn: Number.NaN }, /'perGiBIn'.*got NaN/],
    ['an endless price', { ...s3StandardPrices, perGiBOut: Infinity }, /'perGiBOut'.*got Infinity/],
    ['a price as a text', { ...s3StandardPrices, perGiBOut: '1' }, /'perGiBOut'.*got "1"/],
    ['no storage', { ...s3StandardPrices, storage: [] }, /'storage'.*list of tiers/],
    ['a tier that is none', { ...s3StandardPrices, storage: [null] }, /a tier of storage is an object/],
    ['a last tier that ends', { ...s3StandardPrices, storage: [{ upToGiB: 5, perGiBMonth: 1 }] }, /last tier.*no end/],
    [
      'tiers out of order',
      {
        ...s3StandardPrices,
        storage: [{ upToGiB: 5, perGiBMonth: 1 }, { upToGiB: 5, perGiBMonth: 1 }, { perGiBMonth: 1 }],
      },
      /'storage\[1\].upToGiB' is a number above 5; got 5/,
    ],
    [
      'a tier in the middle without an end',
      { ...s3StandardPrices, storage: [{ perGiBMonth: 1 }, { perGiBMonth: 1 }] },
      /'storage\[0\].upToGiB' is a number above 0/,
    ],
    ['a tier without a price', { ...s3StandardPrices, storage: [{}] }, /'storage\[0\].perGiBMonth'/],
  ];

  test.each(wrong)('%s', (_, prices, sentence) => {
    const check = (): unknown => checkPrices(prices as PriceTable);
    expect(check).toThrow(sentence);
    expect(check).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });
});
