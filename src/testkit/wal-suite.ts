// What every WAL must do, as tests that run under any runner: node:test, vitest, mocha. The tests lie in three files:
// appending, recovery, and the fence of a writer that lives. WALs that are wrong on purpose fail it (the package's own
// tests keep a collection), so a green suite means something.
import { checkCount, checkSuiteOptions } from './suite-options.ts';
import { testWalAppends } from './wal-append-tests.ts';
import { testWalFence } from './wal-fence-tests.ts';
import { testWalRecovery } from './wal-recovery-tests.ts';
import type { WalTest, WalUnderTest } from './wal-under-test.ts';

/** What walSuite is given. */
export interface WalSuiteOptions {
  /** The runner's own `test`. */
  readonly test: (title: string, body: () => Promise<void>) => void;
  /** Opens a fresh, empty place for WALs. */
  readonly open: () => Promise<WalUnderTest>;
  /** How long something that must happen may take before it counts as never happening; 10 seconds unless given. */
  readonly patienceMs?: number | undefined;
}

/** Declares the conformance tests of a WAL. */
export function walSuite(options: WalSuiteOptions): void {
  checkSuiteOptions('walSuite', options, ['patienceMs']);
  checkCount('patienceMs', options.patienceMs);
  const { test, open, patienceMs = 10_000 } = options;
  const walTest: WalTest = (title, body) => {
    test(title, async () => {
      const opened = await open();
      try {
        const { walFactory, place, isVolatile } = opened;
        const crash = opened.crash?.bind(opened);
        await body({ walFactory, place, isVolatile, patienceMs, ...(crash && { crash }) });
      } finally {
        await opened.close?.();
      }
    });
  };
  testWalAppends(walTest);
  testWalRecovery(walTest);
  testWalFence(walTest);
}
