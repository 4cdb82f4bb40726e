// What the tests use of server-ceph.mjs.
/** Why this server cannot be had here; undefined if it can be started. */
export function prepareCeph(options: {
  readonly install: boolean;
  readonly limitMs: number;
  readonly say: (line: string) => void;
}): Promise<string | undefined>;
