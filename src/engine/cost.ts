// What a set has spent (pure): every request carries its purpose, so it is known what each was for, and a price table
// says what it cost. The requests are those of this set alone: other nodes have their own reports, and what no node
// remembers (requests of earlier processes, of people with a shell) is in none.
import { GiB } from '../base/bytes.ts';
import type { StorePurpose } from '../store/object-store.ts';
import type { RequestCounts } from '../store/request-counter.ts';
import { checkPrices, requestCost, storageCostPerMonth, type PriceTable } from './prices.ts';

/** What requests of one operation and purpose have cost, their bytes included. */
export interface RequestCost extends RequestCounts {
  readonly cost: number;
}

/** What a purpose has cost, over all operations. */
export interface PurposeCost {
  readonly purpose: StorePurpose;
  readonly requests: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly cost: number;
}

/** What a set has cost so far, in the currency of the price table. */
export interface CostReport {
  readonly prices: PriceTable;
  readonly requests: readonly RequestCost[];
  readonly purposes: readonly PurposeCost[];
  /** All of the requests. Storage is not in it. */
  readonly total: number;
  /** Bytes of batches that became durable here, and that readers were given here, from memory or not. */
  readonly appendedBytes: number;
  readonly readBytes: number;
  /**
   * What appending a GiB has cost: requests for the log, the upload, the journal and its snapshots, compaction and
   * sweep. Undefined if nothing was appended.
   */
  readonly perGiBWritten: number | undefined;
  /**
   * What reading a GiB has cost: requests for reading and for following other nodes' logs. Looking for news in the
   * journal is not in it. Undefined if nothing was read.
   */
  readonly perGiBRead: number | undefined;
  /** Sizes of all objects that the cluster refers to, as far as this set knows, whoever wrote them. */
  readonly storedBytes: number;
  /**
   * What storing these bytes costs in a month of 30.44 days in which nothing is done: an idle set makes no request.
   * Left out are log segments that are not registered yet, the journal, and garbage that still lies in the store.
   */
  readonly perIdleMonth: number;
}

/** What is priced. */
export interface Spending {
  readonly requests: readonly RequestCounts[];
  readonly appendedBytes: number;
  readonly readBytes: number;
  readonly storedBytes: number;
}

/** What a request is for, in the end. */
const activities: Readonly<Record<StorePurpose, 'opening' | 'writing' | 'reading'>> = {
  cluster: 'opening',
  probe: 'opening',
  recovery: 'opening',
  wal: 'writing',
  upload: 'writing',
  journal: 'writing',
  snapshot: 'writing',
  compaction: 'writing',
  sweep: 'writing',
  read: 'reading',
  follow: 'reading',
};

/** The average month: a twelfth of 365.25 days, rounded as people quote it. */
export const secondsPerMonth: number = 30.44 * 24 * 60 * 60;

/** Prices what a set has done. INVALID_ARGUMENT if the prices are none. */
export function costOf({ requests, appendedBytes, readBytes, storedBytes }: Spending, prices: PriceTable): CostReport {
  checkPrices(prices);
  const costs = requests.map((counts) => ({ ...counts, cost: requestCost(prices, counts.operation, counts) }));
  const spentOn = (activity: 'writing' | 'reading'): number =>
    sumOf(costs.filter(({ purpose }) => activities[purpose] === activity).map(({ cost }) => cost));
  return {
    prices,
    requests: costs,
    purposes: byPurpose(costs),
    total: sumOf(costs.map(({ cost }) => cost)),
    appendedBytes,
    readBytes,
    perGiBWritten: appendedBytes === 0 ? undefined : spentOn('writing') / (appendedBytes / GiB),
    perGiBRead: readBytes === 0 ? undefined : spentOn('reading') / (readBytes / GiB),
    storedBytes,
    perIdleMonth: storageCostPerMonth(prices, storedBytes),
  };
}

/** In the order in which the purposes were first used. */
function byPurpose(costs: readonly RequestCost[]): readonly PurposeCost[] {
  const purposes = new Map<StorePurpose, PurposeCost>();
  for (const { purpose, requests, bytesIn, bytesOut, cost } of costs) {
    const sum = purposes.get(purpose) ?? { purpose, requests: 0, bytesIn: 0, bytesOut: 0, cost: 0 };
    purposes.set(purpose, {
      purpose,
      requests: sum.requests + requests,
      bytesIn: sum.bytesIn + bytesIn,
      bytesOut: sum.bytesOut + bytesOut,
      cost: sum.cost + cost,
    });
  }
  return [...purposes.values()];
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}
