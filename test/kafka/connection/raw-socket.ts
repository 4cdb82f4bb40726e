// A connection below the protocol: bytes out, bytes in, and how it ends.
import { connect, type Socket } from 'node:net';

/** The frame with its length before it. */
export function withLength(frame: Uint8Array): Uint8Array {
  const prefix = Buffer.alloc(4);
  prefix.writeInt32BE(frame.length);
  return Buffer.concat([prefix, frame]);
}

/** A socket, and what came over it. */
export interface RawSocket {
  readonly socket: Socket;
  /** Resolves when it is closed, by whomever. */
  readonly closed: Promise<void>;
  /** Bytes that came. */
  received(): Uint8Array;
  /** Resolves when so many bytes have come. */
  whenReceived(sizeBytes: number): Promise<void>;
}

export async function openRaw(port: number): Promise<RawSocket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const chunks: Uint8Array[] = [];
  let receivedBytes = 0;
  const waiting: { readonly sizeBytes: number; readonly resolve: () => void }[] = [];
  const wake = (): void => {
    for (const one of waiting.filter(({ sizeBytes }) => sizeBytes <= receivedBytes)) one.resolve();
  };
  socket.on('data', (chunk: Uint8Array) => {
    chunks.push(chunk);
    receivedBytes += chunk.byteLength;
    wake();
  });
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', () => resolve());
    socket.once('error', reject);
  });
  socket.on('error', () => {});
  return {
    socket,
    closed,
    received: () => Buffer.concat(chunks),
    whenReceived: (sizeBytes) =>
      new Promise((resolve) => {
        waiting.push({ sizeBytes, resolve });
        wake();
      }),
  };
}
