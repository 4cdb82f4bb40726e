// A client that costs little: frames that were encoded before go out, and of answers only the first bytes are looked
// at. It reads into one buffer again and again.
import { connect } from 'node:net';

const readBytes = 256 << 10;
const headMaxBytes = 160;

export class RawConnection {
  #socket;
  #head = Buffer.alloc(headMaxBytes);
  /** Of the frame that comes: bytes that are there, and bytes that there will be; its size is among both. */
  #have = 0;
  #size = 0;
  #onAnswer = () => {};
  #reject = () => {};
  /** Rejects when the connection ends though nobody has closed it. */
  failed = new Promise((_, reject) => (this.#reject = reject));

  static open(port) {
    return new Promise((resolve, reject) => {
      const connection = new RawConnection();
      connection.failed.catch(() => {});
      const buffer = Buffer.allocUnsafe(readBytes);
      const onread = { buffer, callback: (length) => connection.#read(buffer, length) };
      const socket = connect({ port, host: '127.0.0.1', noDelay: true, onread }, () => resolve(connection));
      socket.on('error', (cause) => {
        reject(cause);
        connection.#reject(cause);
      });
      socket.on('close', () => connection.#reject(new Error('the server has closed the connection')));
      connection.#socket = socket;
    });
  }

  /** Calls `onAnswer(head, sizeBytes)` for each answer: its first bytes after the size, and the size of all of it. */
  answers(onAnswer) {
    this.#onAnswer = onAnswer;
  }

  send(bytes) {
    this.#socket.write(bytes);
  }

  /** Sends, and gives a copy of the first bytes of the answer. */
  ask(bytes) {
    const answered = new Promise((resolve) => this.answers((head) => resolve(Buffer.from(head))));
    this.send(bytes);
    return Promise.race([answered, this.failed]);
  }

  close() {
    this.#socket.destroy();
  }

  #read(buffer, length) {
    for (let at = 0; at < length;) {
      if (this.#have < headMaxBytes) {
        const taken = buffer.copy(this.#head, this.#have, at, Math.min(length, at + this.#wanted()));
        this.#have += taken;
        at += taken;
        if (this.#have === 4) this.#size = 4 + this.#head.readInt32BE(0);
      } else {
        const taken = Math.min(length - at, this.#size - this.#have);
        this.#have += taken;
        at += taken;
      }
      if (this.#have >= 4 && this.#have === this.#size) {
        const size = this.#size;
        this.#have = 0;
        this.#size = 0;
        this.#onAnswer(this.#head.subarray(4, Math.min(size, headMaxBytes)), size);
      }
    }
    return true;
  }

  /** Bytes of the frame that belong into the head and are not there. */
  #wanted() {
    if (this.#have < 4) return 4 - this.#have;
    return Math.min(headMaxBytes, this.#size) - this.#have;
  }
}
