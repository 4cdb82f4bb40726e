// One connection: frames in, requests handled, answers out in order. What a client does here touches nobody else: it is
// read no faster than its requests are answered, nothing new begins while it does not take its answers, and what is
// held for it is counted in gates that all connections share.
import type { Socket } from 'node:net';
import type { Clock } from '../../index.ts';
import { WireError } from '../wire/wire-reader.ts';
import type { ByteGate } from './byte-gate.ts';
import { FrameSizeError, FrameSplitter } from './frame-splitter.ts';
import { RequestLine } from './request-line.ts';

/** What becomes of a request: it is called once per frame, in order. */
export interface Answering {
  /** Whether the frame is a produce: the next one need not wait for it. */
  isProduce(frame: Uint8Array): boolean;
  /**
   * The frames of the answer; undefined if there is none. A rejection closes the connection. Bytes that are held for
   * the answer are reported, and given back when it has left.
   */
  answer(frame: Uint8Array, of: ConnectionFacts): Promise<readonly Uint8Array[] | undefined>;
}

/** What requests know of their connection. */
export interface ConnectionFacts {
  readonly clientHost: string;
  /** Aborted when the connection is gone, or is to end. */
  readonly signal: AbortSignal;
  /** Takes room for bytes of an answer, if there is some; it is given back when the answers have left. */
  readonly hold: (sizeBytes: number) => boolean;
}

/** What a connection stands on. */
export interface ConnectionOptions {
  readonly answering: Answering;
  readonly clock: Clock;
  /** Bytes of requests of all connections. */
  readonly requests: ByteGate;
  /** Bytes of answers of all connections. */
  readonly answers: ByteGate;
  readonly requestMaxBytes: number;
  readonly idleMaxMs: number;
  readonly transferMaxMs: number;
  /** It is over; `problem` is why the broker ended it, if it did. */
  readonly onClosed: (connection: Connection, problem: ConnectionProblem | undefined) => void;
}

/** Why a connection was closed by the broker. */
export interface ConnectionProblem {
  /** One of a few words. */
  readonly reason: 'idle' | 'slow' | 'oversized' | 'malformed' | 'failed' | 'stopped';
  readonly cause?: unknown;
}

/** Frames that wait for their turn; when there are so many, no more is read. */
const waitingMax = 64;

/** And so many bytes of them. */
const waitingMaxBytes = 1_048_576;

/** Answers that leave together are copied into one piece up to here: above, a list of pieces costs less. */
const joinedMaxBytes = 16_384;

export class Connection {
  readonly clientHost: string;
  readonly #socket: Socket;
  readonly #options: ConnectionOptions;
  readonly #splitter: FrameSplitter;
  readonly #line = new RequestLine();
  readonly #waiting: Uint8Array[] = [];
  readonly #ended = new AbortController();
  readonly #facts: ConnectionFacts;
  /** Bytes of this connection in the gate of requests. */
  #requestBytes = 0;
  /** Bytes in the gate of answers: of the request that is being answered, and of answers that have not left. */
  #answerBytes = 0;
  #leavingBytes = 0;
  #leaveLine: () => void = () => {};
  #waitingBytes = 0;
  #isWaitingForRoom = false;
  /** Answers that leave at the end of this turn. */
  #leaving: Uint8Array[] = [];
  #isEnding = false;
  #isClosed = false;
  #problem: ConnectionProblem | undefined;
  /** Since when the connection does nothing, a frame is not whole, and an answer is not taken. */
  #idleSince: number;
  #partialSince: number | undefined;
  #stuckSince: number | undefined;

  constructor(socket: Socket, options: ConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.clientHost = `/${socket.remoteAddress ?? 'unknown'}`;
    this.#splitter = new FrameSplitter(options.requestMaxBytes);
    this.#idleSince = options.clock.monotonic();
    this.#facts = {
      clientHost: this.clientHost,
      signal: this.#ended.signal,
      hold: (sizeBytes) => this.#hold(sizeBytes),
    };
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 60_000);
    socket.on('data', (chunk: Uint8Array) => this.#onData(chunk));
    socket.on('drain', () => this.#onDrain());
    socket.on('end', () => this.#onEnd());
    socket.on('error', () => this.close(undefined)); // It is the client's, or the network's.
    socket.on('close', () => this.close(undefined));
  }

  /** Closes it if it has been idle, half a request or half an answer for too long. Called now and then. */
  checkTime(): void {
    const now = this.#options.clock.monotonic();
    const { idleMaxMs, transferMaxMs } = this.#options;
    // While it is not read, it is not the client that is slow.
    if (this.#partialSince !== undefined && this.#socket.isPaused()) this.#partialSince = now;
    const partialMs = this.#partialSince === undefined ? 0 : now - this.#partialSince;
    const stuckMs = this.#stuckSince === undefined ? 0 : now - this.#stuckSince;
    if (partialMs > transferMaxMs || stuckMs > transferMaxMs) this.close({ reason: 'slow' });
    else if (this.#line.length === 0 && now - this.#idleSince > idleMaxMs) this.close({ reason: 'idle' });
  }

  /** Lets what is under way be answered, and closes then. */
  end(): void {
    this.#isEnding = true;
    this.#waiting.length = 0;
    this.#socket.pause();
    this.#ended.abort(new Error('the broker stops'));
    if (this.#line.length === 0) this.close({ reason: 'stopped' });
  }

  /** Closes it now. */
  close(problem: ConnectionProblem | undefined): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#problem = problem;
    // What was written may still leave, but nobody waits for a client that does not take it.
    if (problem?.reason === 'stopped') this.#socket.destroySoon();
    else this.#socket.destroy();
    this.#leaveLine();
    this.#options.requests.leave(this.#requestBytes);
    this.#options.answers.leave(this.#answerBytes + this.#leavingBytes);
    this.#requestBytes = 0;
    this.#answerBytes = 0;
    this.#leavingBytes = 0;
    this.#waiting.length = 0;
    this.#ended.abort(new Error('the connection is closed'));
    this.#options.onClosed(this, this.#problem);
  }

  #onData(chunk: Uint8Array): void {
    if (this.#isClosed || this.#isEnding) return;
    this.#idleSince = this.#options.clock.monotonic();
    // It is here already; read on when there is room for it. A chunk of a socket has at most 64 KiB.
    this.#isWaitingForRoom = true;
    this.#leaveLine = this.#options.requests.enter(chunk.byteLength, () => {
      this.#requestBytes += chunk.byteLength;
      this.#isWaitingForRoom = false;
      this.#goOn();
    });
    try {
      this.#splitter.push(chunk, (frame) => {
        this.#waiting.push(frame);
        this.#partialSince = undefined; // What follows is another one.
        this.#waitingBytes += frame.byteLength;
      });
    } catch (cause) {
      return this.close({ reason: cause instanceof FrameSizeError ? 'oversized' : 'malformed', cause });
    }
    if (this.#splitter.partialBytes === 0) this.#partialSince = undefined;
    else this.#partialSince ??= this.#idleSince;
    this.#goOn();
  }

  /** Begins what may begin, and reads on if there is room. */
  #goOn(): void {
    while (!this.#isClosed && !this.#socket.writableNeedDrain) {
      const frame = this.#waiting[0];
      if (frame === undefined) break;
      const isProduce = this.#options.answering.isProduce(frame);
      if (!this.#line.mayBegin(isProduce)) break;
      this.#waiting.shift();
      this.#waitingBytes -= frame.byteLength;
      this.#begin(frame, isProduce);
    }
    if (this.#isClosed || this.#isEnding) return;
    const isFull =
      this.#isWaitingForRoom ||
      this.#waiting.length >= waitingMax ||
      this.#waitingBytes >= waitingMaxBytes ||
      this.#socket.writableNeedDrain;
    if (isFull && !this.#socket.isPaused()) this.#socket.pause();
    else if (!isFull && this.#socket.isPaused()) this.#socket.resume();
  }

  #begin(frame: Uint8Array, isProduce: boolean): void {
    const ready = this.#line.begin(isProduce);
    const sizeBytes = frame.byteLength + 4; // The frame itself is let go of as soon as it was read.
    this.#options.answering.answer(frame, this.#facts).then(
      (answer) => {
        this.#release(sizeBytes);
        ready(answer);
        return this.#send();
      },
      (cause: unknown) => this.close({ reason: cause instanceof WireError ? 'malformed' : 'failed', cause }),
    );
  }

  /** Takes the answers that may leave. Those that become ready together leave in one write. */
  #send(): void {
    if (this.#isClosed) return;
    for (const answer of this.#line.takeReady()) {
      if (this.#leaving.length === 0) process.nextTick(() => this.#write());
      this.#leaving.push(...answer);
      // What was held was held for this one: others that hold something begin after it.
      this.#leavingBytes += this.#answerBytes;
      this.#answerBytes = 0;
    }
    if (this.#leaving.length === 0) this.#afterWrite();
  }

  #write(): void {
    if (this.#isClosed) return;
    const chunks = this.#leaving;
    this.#leaving = [];
    let sizeBytes = 0;
    for (const chunk of chunks) sizeBytes += chunk.byteLength;
    if (chunks.length === 1 || sizeBytes <= joinedMaxBytes) {
      this.#socket.write(chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks, sizeBytes));
    } else {
      this.#socket.cork();
      for (const chunk of chunks) this.#socket.write(chunk);
      this.#socket.uncork();
    }
    this.#idleSince = this.#options.clock.monotonic();
    if (this.#socket.writableNeedDrain) this.#stuckSince ??= this.#idleSince;
    else this.#onTaken();
    this.#afterWrite();
  }

  #afterWrite(): void {
    if (this.#isEnding && this.#line.length === 0) this.close({ reason: 'stopped' });
    else this.#goOn();
  }

  #onDrain(): void {
    if (this.#isClosed) return;
    this.#onTaken();
    this.#goOn();
  }

  #onTaken(): void {
    this.#stuckSince = undefined;
    if (this.#leavingBytes === 0) return;
    this.#options.answers.leave(this.#leavingBytes);
    this.#leavingBytes = 0;
  }

  /** The client sends no more; what it asked for is answered. */
  #onEnd(): void {
    if (this.#line.length === 0) this.close(undefined);
    else this.end();
  }

  #hold(sizeBytes: number): boolean {
    if (this.#isClosed || !this.#options.answers.tryEnter(sizeBytes)) return false;
    this.#answerBytes += sizeBytes;
    return true;
  }

  #release(sizeBytes: number): void {
    const given = Math.min(sizeBytes, this.#requestBytes);
    this.#requestBytes -= given;
    this.#options.requests.leave(given);
  }
}
