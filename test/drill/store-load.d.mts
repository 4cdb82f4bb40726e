// What the tests use of store-load.mjs.
import type { ObjectStore, SettingsInput } from '../../src/index.ts';

export class StoreLoad {
  constructor(options: {
    readonly openStore: () => ObjectStore;
    readonly rate: number;
    readonly settings?: SettingsInput;
  });
  readonly violations: readonly string[];
  start(streamCount: number, followerCount: number): Promise<void>;
  nextAcknowledgement(): Promise<number>;
  end(): Promise<void>;
  verify(): Promise<void>;
  figures(): { readonly acknowledged: number; readonly batchesRead: number; readonly rssMaxMiB: number };
}
