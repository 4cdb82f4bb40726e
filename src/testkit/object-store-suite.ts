// What every ObjectStore must do, as tests that run under any runner: node:test, vitest, mocha. The tests lie in four
// files: values, conditions, lists, and the calls themselves. Stores that are wrong on purpose fail it (the package's
// own tests keep a collection), so a green suite means something.
import { testObjectStoreCalls } from './object-store-call-tests.ts';
import { testObjectStoreConditions, testObjectStoreSlowPut } from './object-store-condition-tests.ts';
import { testObjectStoreLists } from './object-store-list-tests.ts';
import type { ObjectStoreOffer, ObjectStoreTest, ObjectStoreUnderTest } from './object-store-under-test.ts';
import { checkNames, checkSuiteOptions } from './suite-options.ts';
import { testObjectStoreRestart, testObjectStoreValues } from './object-store-value-tests.ts';

/** What objectStoreSuite is given. */
export interface ObjectStoreSuiteOptions {
  /** The runner's own `test`. */
  readonly test: (title: string, body: () => Promise<void>) => void;
  /** Opens a fresh, empty store. */
  readonly open: () => Promise<ObjectStoreUnderTest>;
  /** What the opened stores have besides: the tests that need it are declared only then. */
  readonly offers?: readonly ObjectStoreOffer[] | undefined;
  /**
   * Keys that what is behind the store cannot hold, such as '.' and '..' for some S3-likes, or not beside keys that go
   * on after them: left out.
   */
  readonly keysRefused?: readonly string[] | undefined;
}

const knownOffers: readonly ObjectStoreOffer[] = ['reopen', 'slowPut'];

/** Declares the conformance tests of an object store. */
export function objectStoreSuite(options: ObjectStoreSuiteOptions): void {
  checkSuiteOptions('objectStoreSuite', options, ['offers', 'keysRefused']);
  const { test, open, offers = [], keysRefused = [] } = options;
  checkNames('offers', offers, knownOffers);
  checkNames('keysRefused', keysRefused);
  const storeTest: ObjectStoreTest = (title, body) => {
    test(title, async () => {
      const opened = await open();
      try {
        await body(opened);
      } finally {
        await opened.close?.();
      }
    });
  };
  testObjectStoreValues(storeTest);
  if (offers.includes('reopen')) testObjectStoreRestart(storeTest);
  testObjectStoreConditions(storeTest);
  if (offers.includes('slowPut')) testObjectStoreSlowPut(storeTest);
  testObjectStoreLists(storeTest, keysRefused);
  testObjectStoreCalls(storeTest, keysRefused);
}
