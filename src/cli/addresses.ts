// Addresses as people write them: `localhost:9092`, `10.0.0.7:9092`, `[::1]:9092`. Pure.

/** A host and a port. */
export interface Address {
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
}

/** Reads an address; undefined if it is none. */
export function parseAddress(text: string): Address | undefined {
  const [, six, four, digits] = /^(?:\[([0-9a-f:.]+(?:%\w+)?)\]|([a-z0-9._-]+)):(\d{1,5})$/i.exec(text) ?? [];
  const host = six ?? four;
  const port = Number(digits);
  if (host === undefined || port > 65_535) return undefined;
  if (six !== undefined && !six.includes(':')) return undefined;
  return { host, port };
}

/** Writes an address. */
export function showAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Whether a server that listens there is reached by every address of the machine, and by none of this name. */
export function isWildcard({ host }: Address): boolean {
  return /^(0\.0\.0\.0|[0:]+)$/.test(host);
}
