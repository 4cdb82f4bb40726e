// A client that speaks with the broker's own tables, one request after the other or many at once. It shows what went
// over the wire; that the tables are right is judged by clients that others have written.
import { connect, type Socket } from 'node:net';
import type { Api } from '../../src/kafka/wire/api.ts';
import { readResponseHeader, writeRequestHeader } from '../../src/kafka/wire/headers.ts';
import { WireReader } from '../../src/kafka/wire/wire-reader.ts';
import { WireWriter } from '../../src/kafka/wire/wire-writer.ts';
import { FrameSplitter } from '../../src/kafka/connection/frame-splitter.ts';

interface Waiting {
  readonly resolve: (frame: Uint8Array) => void;
  readonly reject: (cause: unknown) => void;
}

/** One connection. */
export class WireClient {
  readonly socket: Socket;
  readonly closed: Promise<void>;
  readonly #splitter = new FrameSplitter(2 ** 30);
  readonly #waiting: Waiting[] = [];
  #correlationId = 0;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Uint8Array) =>
      this.#splitter.push(chunk, (frame) => this.#waiting.shift()?.resolve(Uint8Array.from(frame))),
    );
    socket.on('error', () => {});
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        for (const { reject } of this.#waiting.splice(0)) reject(new Error('the connection was closed'));
        resolve();
      });
    });
  }

  static async open(port: number, host = '127.0.0.1'): Promise<WireClient> {
    const socket = connect({ port, host, noDelay: true });
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', () => resolve());
      socket.once('error', reject);
    });
    return new WireClient(socket);
  }

  /** Sends a request, and gives its answer. */
  async send<Q, S>(api: Api<Q, S>, version: number, request: Q, clientId: string | null = 'test'): Promise<S> {
    const correlationId = ++this.#correlationId;
    const writer = new WireWriter();
    writeRequestHeader(writer, api as Api, { apiVersion: version, correlationId, clientId });
    api.writeRequest(writer, version, request);
    const frame = await this.sendFrame(Buffer.concat(writer.frame()));
    const reader = new WireReader(frame);
    const found = readResponseHeader(reader, api as Api, version);
    if (found !== correlationId) throw new Error(`an answer to ${found} came for ${correlationId}`);
    const response = api.readResponse(reader, version);
    if (reader.remaining > 0) throw new Error(`${reader.remaining} bytes are left of an answer of ${api.name}`);
    return response;
  }

  /** Sends bytes as they are, and gives the next frame that comes. */
  sendFrame(bytes: Uint8Array): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      if (this.socket.destroyed) return reject(new Error('the connection was closed'));
      this.#waiting.push({ resolve, reject });
      this.socket.write(bytes);
    });
  }

  async close(): Promise<void> {
    this.socket.destroy();
    await this.closed;
  }
}
