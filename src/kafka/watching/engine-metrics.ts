// The metrics of the engine below a broker: what `stats()` and `cost()` of its stream set say, read when somebody asks,
// and what its events tell about the store.
//
// - Counters of the engine are of this incarnation of the set, as those of any process: Prometheus copes with restarts.
// - Reading them changes nothing and asks the store for nothing.
import type { Observer, StreamSet } from '../../index.ts';
import type { Prometheus } from './prometheus.ts';

/** What is read of a stream set. */
export type WatchedSet = Pick<StreamSet, 'stats' | 'cost'>;

type Reading = (set: WatchedSet) => void;

const statuses = ['open', 'fenced', 'failed', 'closed'] as const;
const storeBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120];

/** Makes the metrics. The function that is given puts the numbers of a set in them. */
export function engineMetrics(metrics: Prometheus): Reading {
  const writing = writingMetrics(metrics);
  const store = storeMetrics(metrics);
  const status = metrics.gauge('status', 'Where the stream set stands: 1 for its status, 0 for the others.', 'status');
  const journal = metrics.gauge('journal_index', 'The last journal record that was applied here.');
  const streams = metrics.gauge('streams', 'Streams that exist.');
  const hits = metrics.counter('cache_hits_total', 'Blocks of objects that were found in memory.');
  const misses = metrics.counter('cache_misses_total', 'Blocks of objects that had to be read.');
  const cacheBytes = metrics.gauge('cache_bytes', 'Blocks and directories of objects in memory.');
  const readBytes = metrics.counter('read_bytes_total', 'Bytes of batches that readers were given.');
  return (set) => {
    const stats = set.stats();
    for (const one of statuses) status.set({ status: one }, one === stats.status ? 1 : 0);
    journal.set(stats.journalIndex);
    streams.set(stats.streamCount);
    setCounter(hits, stats.cache.hits);
    setCounter(misses, stats.cache.misses);
    cacheBytes.set(stats.cache.sizeBytes);
    setCounter(readBytes, stats.readBytes);
    writing(set);
    store(set);
  };
}

function writingMetrics(metrics: Prometheus): Reading {
  const openStreams = metrics.gauge('open_streams', 'Streams that are open here.');
  const pending = metrics.gauge('pending_appends', 'Appends that are not settled.');
  const oldest = metrics.gauge('oldest_pending_append_seconds', 'How long the oldest of them has been waiting.');
  const appended = metrics.counter('appended_bytes_total', 'Bytes of batches that became durable.');
  const unuploaded = metrics.gauge('unuploaded_bytes', 'Bytes that are durable and not uploaded yet.');
  const age = metrics.gauge('unuploaded_age_seconds', 'How long the oldest of them has been durable.');
  const segments = metrics.gauge('unreleased_segments', 'Segments of the log that a recovery would look at.');
  const walPending = metrics.gauge('wal_pending_bytes', 'Bytes that are on their way to the log.');
  const tail = metrics.gauge('tail_bytes', 'Batches in memory, uploaded or not.');
  const shares = metrics.gauge('memory_share_bytes', 'The shares into which memoryMaxBytes is cut.', 'share');
  return (set) => {
    const { writing } = set.stats();
    if (writing === undefined) return;
    openStreams.set(writing.openStreamCount);
    pending.set(writing.pendingAppends);
    oldest.set(writing.oldestPendingMs / 1_000);
    setCounter(appended, writing.appendedBytes);
    unuploaded.set(writing.unuploadedBytes);
    age.set(writing.unuploadedAgeMs / 1_000);
    segments.set(writing.unreleasedSegments);
    walPending.set(writing.walPendingBytes);
    tail.set(writing.tailSizeBytes);
    for (const [share, bytes] of Object.entries(writing.shares)) shares.set({ share }, bytes);
  };
}

function storeMetrics(metrics: Prometheus): Reading {
  const labels = ['operation', 'purpose'] as const;
  const requests = metrics.counter('store_requests_total', 'Requests to the store, as it charges for them.', ...labels);
  const sent = metrics.counter('store_sent_bytes_total', 'Bytes of values that were sent to the store.', ...labels);
  const received = metrics.counter('store_received_bytes_total', 'Bytes of values that came from it.', ...labels);
  const cost = metrics.counter('store_cost_total', 'What requests would cost at S3 Standard prices.', 'purpose');
  const stored = metrics.gauge('stored_bytes', 'Sizes of all objects that the cluster refers to.');
  const month = metrics.gauge(
    'store_cost_per_month',
    'What keeping them for a month would cost at S3 Standard prices.',
  );
  return (set) => {
    const report = set.cost();
    for (const metric of [requests, sent, received, cost]) metric.reset();
    for (const { operation, purpose, requests: count, bytesIn, bytesOut } of report.requests) {
      requests.inc({ operation, purpose }, count);
      sent.inc({ operation, purpose }, bytesIn);
      received.inc({ operation, purpose }, bytesOut);
    }
    for (const { purpose, cost: amount } of report.purposes) cost.inc({ purpose }, amount);
    stored.set(report.storedBytes);
    month.set(report.perIdleMonth);
  };
}

/** An observer of the set that counts what its numbers do not tell. */
export function eventMetrics(metrics: Prometheus): Observer {
  const retried = metrics.counter('wal_segments_retried_total', 'Segments of the log that had to be sent again.');
  const failed = metrics.counter('background_failures_total', 'Work that failed and was tried again.', 'work');
  const help = 'How long calls to the store took, all tries included.';
  const durations = metrics.histogram('store_request_duration_seconds', help, storeBuckets, 'operation', 'purpose');
  return {
    storeRequest: ({ operation, purpose, durationMs }) => durations.observe({ operation, purpose }, durationMs / 1_000),
    walSegmentRetried: () => retried.inc(),
    backgroundFailed: ({ work }) => failed.inc({ work }),
  };
}

/** A counter that somebody else counts. */
function setCounter(counter: { reset(): void; inc(amount: number): void }, value: number): void {
  counter.reset();
  counter.inc(value);
}
