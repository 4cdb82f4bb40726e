// A proxy between a client and an S3 service: it counts what passes, and by rule does to it what networks do. What a
// client sent goes on unchanged, the Host header too, so that its signature stays valid.
//
// Requests without a rule are streamed through; those with one are held as a whole where the rule needs it.
import { Agent, createServer, request as openRequest } from 'node:http';
import { describeRequest, RequestCounts } from './fake-s3-request.mjs';
import { sendBody, sleep } from './fake-s3-wire.mjs';

class Proxy {
  counts = new RequestCounts();
  #agent = new Agent({ keepAlive: true, noDelay: true });
  #upstream;
  #rule;
  #latencyMs;
  /** Requests that were sent on and not yet answered, the client's wishes notwithstanding. */
  #under = new Set();

  constructor({ upstream, rule, latencyMs = 0 }) {
    this.#upstream = new URL(upstream);
    this.#rule = rule;
    this.#latencyMs = latencyMs;
  }

  setRule(rule) {
    this.#rule = rule;
  }

  async serve(message, response) {
    const { socket } = message;
    const request = describeRequest(message) ?? { operation: 'Malformed', headers: message.headers };
    const { operation } = request;
    const deed = (await this.#rule?.(request)) ?? {};
    if (deed.dropBefore === true) {
      this.counts.asked(operation, 0);
      return socket.destroy();
    }
    if (Object.keys(deed).length === 0 && this.#latencyMs === 0) return this.#pass(message, response, operation);
    const { body, isComplete } = await takeBody(message, deed.cutRequestAfter);
    this.counts.asked(operation, body.byteLength);
    if (deed.cutRequestAfter !== undefined) return this.#cutRequest(message, socket, body, deed.cutRequestAfter);
    if (!isComplete || deed.hang === true) return;
    if (deed.answer !== undefined) return answerItself(response, deed.answer);
    if (this.#latencyMs + (deed.delayMs ?? 0) > 0) await sleep(this.#latencyMs + (deed.delayMs ?? 0));
    let answer = await this.#exchange(message, body, deed);
    if (deed.twice === true) answer = await this.#exchange(message, body, deed);
    if (deed.delayAnswerMs !== undefined) await sleep(deed.delayAnswerMs);
    this.counts.answered(operation, answer.status, answer.body.byteLength);
    if (deed.dropAfter === true || socket.destroyed) return socket.destroy();
    response.sendDate = false;
    response.writeHead(answer.status, answer.statusText, answer.rawHeaders);
    if (answer.body.byteLength === 0) response.end();
    else sendBody(response, answer.body, { slowBody: deed.slowBody, cutBodyAfter: deed.cutBodyAfter });
  }

  /** Straight through, without waiting for anything to be whole. */
  #pass(message, response, operation) {
    const { socket } = message;
    const outgoing = this.#open(message);
    let bytesIn = 0;
    message.on('data', (chunk) => (bytesIn += chunk.byteLength));
    message.pipe(outgoing);
    // A client that goes away takes its request along, unless all of it was already sent.
    response.once('close', () => {
      if (!response.writableFinished && !message.complete) outgoing.destroy();
    });
    const asked = () => {
      message.off('end', asked).off('close', asked);
      this.counts.asked(operation, bytesIn);
    };
    message.once('end', asked).once('close', asked);
    outgoing.once('error', () => socket.destroy());
    outgoing.once('response', (incoming) => {
      let bytesOut = 0;
      incoming.on('data', (chunk) => (bytesOut += chunk.byteLength));
      incoming.once('end', () => this.counts.answered(operation, incoming.statusCode, bytesOut));
      incoming.once('error', () => socket.destroy());
      response.sendDate = false;
      response.writeHead(incoming.statusCode, incoming.statusMessage, incoming.rawHeaders);
      incoming.pipe(response);
    });
  }

  #open(message) {
    const { hostname, port } = this.#upstream;
    const { method, url, rawHeaders } = message;
    const outgoing = openRequest({ hostname, port, method, path: url, headers: rawHeaders, agent: this.#agent });
    this.#under.add(outgoing);
    outgoing.once('close', () => this.#under.delete(outgoing));
    return outgoing;
  }

  /** Sends a request on, whatever has become of the client, and gives the whole answer. */
  #exchange(message, body, { holdBodyAfter }) {
    return new Promise((resolve, reject) => {
      const outgoing = this.#open(message);
      outgoing.once('error', reject);
      outgoing.once('response', (incoming) => {
        const chunks = [];
        incoming.on('data', (chunk) => chunks.push(chunk));
        incoming.once('error', reject);
        incoming.once('end', () => {
          const { statusCode: status, statusMessage: statusText, rawHeaders } = incoming;
          resolve({ status, statusText, rawHeaders, body: Buffer.concat(chunks) });
        });
      });
      if (holdBodyAfter === undefined) return void outgoing.end(body);
      outgoing.write(body.subarray(0, holdBodyAfter.bytes));
      holdBodyAfter.until.then(() => outgoing.end(body.subarray(holdBodyAfter.bytes)), reject);
    });
  }

  /** Sends on the beginning of a body, and closes both connections. */
  async #cutRequest(message, socket, body, bytes) {
    const outgoing = this.#open(message);
    outgoing.on('error', () => socket.destroy());
    await new Promise((resolve) => {
      outgoing.write(body.subarray(0, bytes), resolve);
    });
    outgoing.destroy();
    socket.destroy();
  }

  close() {
    for (const outgoing of this.#under) outgoing.destroy();
    this.#agent.destroy();
  }
}

/** The body in one piece, or as much of it as came, or as is wanted. */
function takeBody(message, wanted = Infinity) {
  return new Promise((resolve) => {
    const chunks = [];
    let size = 0;
    const done = () => resolve({ body: Buffer.concat(chunks), isComplete: message.complete });
    message.on('data', (chunk) => {
      chunks.push(chunk);
      size += chunk.byteLength;
      if (size > wanted) done();
    });
    message.once('end', done).once('close', done).once('error', done);
  });
}

function answerItself(response, { status, code = 'InternalError', headers = {} }) {
  const text = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>By the proxy</Message></Error>`;
  const body = Buffer.from(text);
  response.writeHead(status, { 'Content-Type': 'application/xml', 'Content-Length': body.byteLength, ...headers });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}

/** Starts a proxy on a port of the loopback. */
export async function startProxy(options) {
  const proxy = new Proxy(options);
  const server = createServer({ keepAliveTimeout: 120_000, requestTimeout: 0, noDelay: true }, (message, response) => {
    const { socket } = message;
    proxy.serve(message, response).catch(() => socket.destroy());
  });
  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const { port } = server.address();
  return {
    endpoint: `http://127.0.0.1:${port}`,
    port,
    requests: () => proxy.counts.rows(),
    resetRequests: () => proxy.counts.reset(),
    setRule: (rule) => proxy.setRule(rule),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
        proxy.close();
      }),
  };
}
