// What the tests use of server-minio.mjs.
/** Why this server cannot be had here, or the file of the program. */
export function prepareMinio(options: {
  readonly install: boolean;
  readonly limitMs: number;
  readonly say: (line: string) => void;
}): Promise<{ readonly program?: string; readonly reason?: string }>;
