// What every set stands on, writing or read-only: the store with its decorators, the cluster, the journal, the catalog,
// and the reader of objects. Opened and closed as one.
import { systemRuntime, type Runtime } from '../base/runtime.ts';
import { checkCallOptions, checkMethods } from '../model/check-options.ts';
import { emit, silentObserver, type Observer } from '../model/events.ts';
import { MeteredObjectStore } from '../store/metered-object-store.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { RetryingObjectStore } from '../store/retrying-object-store.ts';
import type { Journal } from '../journal/journal.ts';
import { Catalog } from '../catalog/catalog.ts';
import { ObjectReader } from '../cache/object-reader.ts';
import { LiveSegments } from '../stream/live-segments.ts';
import { ReadPath } from '../stream/read-path.ts';
import { openCluster } from './cluster.ts';
import { openOwnJournal } from './own-journal.ts';
import { withDiagnostics } from './diagnostics.ts';
import { checkGivenJournal } from './given-journal.ts';
import { memoryShares, type MemoryShares } from './memory-shares.ts';
import { CatalogPoller, RegisteredEnds } from './registered-ends.ts';
import { closedError } from './set-status.ts';
import { resolveSettings, type Settings, type SettingsInput } from './settings.ts';

/** What every set is given. */
export interface FoundationOptions {
  readonly store: ObjectStore;
  readonly journal?: Journal | undefined;
  readonly settings?: SettingsInput | undefined;
  readonly runtime?: Runtime | undefined;
  readonly observer?: Observer | undefined;
  readonly signal?: AbortSignal | undefined;
}

export class Foundation {
  readonly settings: Settings;
  readonly shares: MemoryShares;
  readonly runtime: Runtime;
  readonly observer: Observer;
  readonly metered: MeteredObjectStore;
  /** Reads are tried again until the deadline; what a put did is for its caller to find out. */
  readonly store: ObjectStore;
  readonly clusterId: string;
  readonly catalog: Catalog;
  readonly objects: ObjectReader;
  /** What other nodes have stored and not registered. */
  readonly live: LiveSegments;
  readonly readPath: ReadPath;
  readonly poller: CatalogPoller;
  readonly registeredEnds: RegisteredEnds;
  /** The journal, if it is ours to close. */
  readonly #ownJournal: Journal | undefined;

  private constructor(
    base: Pick<Foundation, 'settings' | 'runtime' | 'observer' | 'metered' | 'store'>,
    clusterId: string,
    catalog: Catalog,
    ownJournal: Journal | undefined,
  ) {
    this.settings = base.settings;
    this.runtime = base.runtime;
    this.observer = base.observer;
    this.metered = base.metered;
    this.store = base.store;
    this.clusterId = clusterId;
    this.catalog = catalog;
    this.#ownJournal = ownJournal;
    this.shares = memoryShares(base.settings.memoryMaxBytes);
    this.objects = new ObjectReader(base.store, clusterId, this.shares.blocks, this.shares.reads);
    const { runtime, observer, settings } = base;
    this.live = new LiveSegments({
      catalog,
      clusterId,
      segments: this.objects,
      onExtended: (stream, endOffset) => this.registeredEnds.wake(stream, endOffset),
      onFailed: (cause) => emit(observer, 'backgroundFailed', { work: 'live segments', cause }),
    });
    this.readPath = new ReadPath(catalog, this.objects, this.live, clusterId, runtime.timers);
    this.poller = new CatalogPoller(() => this.live.refresh(), runtime, observer, settings.catalogRefreshMs);
    this.registeredEnds = new RegisteredEnds(catalog, this.poller);
  }

  static async open(options: FoundationOptions & { readonly node?: string }, create: boolean): Promise<Foundation> {
    checkComponents(options);
    const settings = resolveSettings(options.settings);
    const runtime = options.runtime ?? systemRuntime;
    const observer = withDiagnostics(options.observer ?? silentObserver, options.node ?? '');
    const metered = new MeteredObjectStore(options.store, { runtime, observer });
    const store = new RetryingObjectStore(metered, { runtime, deadlineMs: settings.storeDeadlineMs });
    const { signal } = options;
    const deadlineMs = settings.storeDeadlineMs;
    const clusterId = await openCluster(store, runtime, { create, deadlineMs, signal, probe: metered.probe });
    const journal =
      options.journal ?? (await openOwnJournal({ store, clusterId, runtime, observer, deadlineMs, signal }, create));
    const ownJournal = options.journal === undefined ? journal : undefined;
    if (ownJournal === undefined) await checkGivenJournal(journal, store, clusterId, signal);
    try {
      const catalog = await Catalog.open({ journal, clusterId, runtime, observer, signal });
      return new Foundation({ settings, runtime, observer, metered, store }, clusterId, catalog, ownJournal);
    } catch (cause) {
      await ownJournal?.close();
      throw cause;
    }
  }

  async close(): Promise<void> {
    this.poller.stop();
    this.live.close();
    this.objects.close(closedError());
    this.registeredEnds.close();
    await this.catalog.close();
    await this.#ownJournal?.close();
  }
}

function checkComponents(options: FoundationOptions): void {
  checkCallOptions(options);
  const { store, journal, runtime, observer } = options;
  const stores = '`store` is an ObjectStore: new MemoryObjectStore(), new FileObjectStore(directory), ...';
  checkMethods(store, stores, ['put', 'get', 'list', 'delete']);
  if (journal !== undefined)
    checkMethods(journal, '`journal` is a Journal', ['append', 'read', 'snapshots', 'saveSnapshot', 'truncate']);
  if (runtime !== undefined) {
    checkMethods(runtime, '`runtime` is a Runtime', []);
    checkMethods(runtime.clock, '`runtime` is a Runtime with a clock', ['now', 'monotonic']);
    checkMethods(runtime.random, '`runtime` is a Runtime with a source of chance', ['bytes', 'fraction']);
    checkMethods(runtime.timers, '`runtime` is a Runtime with timers', ['after', 'turn']);
  }
  if (observer !== undefined) checkMethods(observer, '`observer` is an object of listeners', []);
}
