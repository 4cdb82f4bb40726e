// A server under test as a process of its own, so that its processor time is its own: it is asked over the channel
// between parent and child.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export class ServerProcess {
  #child;
  port = 0;

  /** Starts `file` of this folder or of calibrators/ with options; it says its port when it listens. */
  static async start(file, options) {
    const server = new ServerProcess();
    const path = fileURLToPath(new URL(file, import.meta.url));
    server.#child = fork(path, [JSON.stringify(options)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    server.#child.setMaxListeners(0);
    const { port } = await server.#said('port');
    server.port = port;
    return server;
  }

  /** Asks for something by its name: 'cpu' (microseconds), 'upload', 'requests'. */
  async ask(what) {
    this.#child.send(what);
    return (await this.#said(what))[what];
  }

  async stop() {
    const ended = once(this.#child, 'exit');
    this.#child.send('stop');
    await ended;
  }

  async #said(key) {
    for (;;) {
      const [message] = await Promise.race([
        once(this.#child, 'message'),
        once(this.#child, 'exit').then(([code]) => Promise.reject(new Error(`a server ended with ${code}`))),
      ]);
      if (key in message) return message;
    }
  }
}

/** What such a server does: says its port, and answers what it is asked. */
export function serveParent(port, answers) {
  const answer = async (what) => {
    if (what === 'stop') {
      await answers.stop?.();
      process.exit(0);
    }
    const { user, system } = process.cpuUsage();
    process.send({ [what]: what === 'cpu' ? user + system : ((await answers[what]?.()) ?? null) });
  };
  process.on('message', (what) => void answer(what));
  process.on('disconnect', () => process.exit(0));
  process.send({ port });
}
