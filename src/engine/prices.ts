// What stores charge, as data: each table says where its figures are from and of when. Checked before it is used; what
// cannot be a price is refused, because a sum over it would look like an answer.
//
// Providers write GB and mean 2^30 bytes: the examples in the FAQ of S3 count 1 TB as 1,099,511,627,776 bytes. Here
// it is GiB throughout. What is left out: traffic to another region or the internet, encryption by a key service,
// replication, taxes, free allowances.
import { GiB } from '../base/bytes.ts';
import { invalidArgument } from '../model/errors.ts';
import type { StoreOperation } from '../store/object-store.ts';

/** What bytes that are stored cost, up to so many of them. */
export interface StorageTier {
  /** How far this price reaches, counted from the first byte. The last tier has no end. */
  readonly upToGiB?: number | undefined;
  readonly perGiBMonth: number;
}

/** What a store charges. */
export interface PriceTable {
  readonly name: string;
  /** Where the figures are from: an address. */
  readonly source: string;
  /** Of when the figures are: a day or a month, as in 2026-06. */
  readonly date: string;
  readonly currency: string;
  /** Each thousand requests, by operation. */
  readonly perThousandRequests: Readonly<Record<StoreOperation, number>>;
  /** Each GiB of values sent to the store, besides the requests. */
  readonly perGiBIn: number;
  /** Each GiB of values got from the store, besides the requests. */
  readonly perGiBOut: number;
  readonly storage: readonly StorageTier[];
}

/**
 * Amazon S3 Standard, us-east-1. PUT, COPY, POST and LIST have one price, GET and the rest another, deletions are
 * free; so are bytes between S3 and machines of the same region.
 */
export const s3StandardPrices: PriceTable = Object.freeze({
  name: 'Amazon S3 Standard, us-east-1',
  source: 'https://aws.amazon.com/s3/pricing/',
  date: '2026-06',
  currency: 'USD',
  perThousandRequests: Object.freeze({ put: 0.005, get: 0.0004, list: 0.005, delete: 0 }),
  perGiBIn: 0,
  perGiBOut: 0,
  storage: Object.freeze([
    Object.freeze({ upToGiB: 51_200, perGiBMonth: 0.023 }),
    Object.freeze({ upToGiB: 512_000, perGiBMonth: 0.022 }),
    Object.freeze({ perGiBMonth: 0.021 }),
  ]),
});

/** Amazon S3 Express One Zone, us-east-1, since its prices were lowered. Every byte sent or got costs, too. */
export const s3ExpressOneZonePrices: PriceTable = Object.freeze({
  name: 'Amazon S3 Express One Zone, us-east-1',
  source: 'https://aws.amazon.com/s3/faqs/',
  date: '2025-04',
  currency: 'USD',
  perThousandRequests: Object.freeze({ put: 0.00113, get: 0.00003, list: 0.00113, delete: 0 }),
  perGiBIn: 0.0032,
  perGiBOut: 0.0006,
  storage: Object.freeze([Object.freeze({ perGiBMonth: 0.11 })]),
});

/** What storing so many bytes costs in a month, each tier at its own price. */
export function storageCostPerMonth({ storage }: PriceTable, storedBytes: number): number {
  const stored = storedBytes / GiB;
  let cost = 0;
  let from = 0;
  for (const { upToGiB = Infinity, perGiBMonth } of storage) {
    cost += Math.max(0, Math.min(stored, upToGiB) - from) * perGiBMonth;
    from = upToGiB;
  }
  return cost;
}

/** What requests of one kind cost, with the bytes of their values. */
export function requestCost(
  { perThousandRequests, perGiBIn, perGiBOut }: PriceTable,
  operation: StoreOperation,
  { requests, bytesIn, bytesOut }: { readonly requests: number; readonly bytesIn: number; readonly bytesOut: number },
): number {
  const ofBytes = (bytesIn / GiB) * perGiBIn + (bytesOut / GiB) * perGiBOut;
  return (requests / 1_000) * perThousandRequests[operation] + ofBytes;
}

const operations: readonly StoreOperation[] = ['put', 'get', 'list', 'delete'];

/** Refuses what is no price table. */
export function checkPrices(prices: PriceTable): PriceTable {
  const table = asRecord(prices, 'prices are a PriceTable: s3StandardPrices, or one like it');
  for (const name of ['name', 'source', 'date', 'currency']) {
    const text = table[name];
    if (typeof text !== 'string' || text === '')
      throw invalidArgument(`'${name}' of a price table is a text; got ${String(text)}`, TypeError);
  }
  if (!/^\d{4}-\d{2}(-\d{2})?$/.test(prices.date))
    throw invalidArgument(`'date' of a price table is a day or a month, as in 2026-06; got '${prices.date}'`);
  const perThousand = asRecord(table['perThousandRequests'], `'perThousandRequests' has a price for each operation`);
  for (const operation of operations) checkPrice(perThousand[operation], `'perThousandRequests.${operation}'`);
  checkPrice(table['perGiBIn'], `'perGiBIn'`);
  checkPrice(table['perGiBOut'], `'perGiBOut'`);
  checkStorage(table['storage']);
  return prices;
}

function checkStorage(storage: unknown): void {
  if (!Array.isArray(storage) || storage.length === 0)
    throw invalidArgument(`'storage' of a price table is a list of tiers; got ${show(storage)}`, TypeError);
  let from = 0;
  for (const [i, given] of (storage as readonly unknown[]).entries()) {
    const tier = asRecord(given, 'a tier of storage is an object');
    checkPrice(tier['perGiBMonth'], `'storage[${i}].perGiBMonth'`);
    const upTo = tier['upToGiB'];
    if (i === storage.length - 1) {
      if (upTo !== undefined) throw invalidArgument(`the last tier of storage has no end; got ${show(upTo)}`);
    } else if (typeof upTo !== 'number' || !(upTo > from && upTo < Infinity))
      throw invalidArgument(`'storage[${i}].upToGiB' is a number above ${from}; got ${show(upTo)}`);
    else from = upTo;
  }
}

function checkPrice(price: unknown, what: string): void {
  if (typeof price !== 'number' || !(price >= 0 && price < Infinity))
    throw invalidArgument(`${what} of a price table is a number of at least 0; got ${show(price)}`);
}

function asRecord(value: unknown, sentence: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) throw invalidArgument(`${sentence}; got ${show(value)}`, TypeError);
  return value as Readonly<Record<string, unknown>>;
}

function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  return typeof value === 'number' || value === null ? String(value) : typeof value;
}
