// Where the benches of the S3 store work: an S3 server that is there (`--endpoint http://host:port`), or the fake one
// of the tests, started as a process of its own (`--endpoint fake`) so that a client shares no processor time with it.
// They have a bucket of their own and a new prefix for each set, and delete what they wrote.
//
// Keys come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, 'test' and 'testtest' unless given.
import { fork } from 'node:child_process';
import { createHash, createHmac } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { S3ObjectStore } from 'qanat/s3';

// The SDK says at each start that it will need a newer Node; a bench has other things to say.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

export const MiB = 1 << 20;
const bucket = 'qanat-bench';
const region = process.env.AWS_REGION ?? 'us-east-1';
const credentials = {
  accessKeyId: process.env.AWS_ACCESS_KEY_ID ?? 'test',
  secretAccessKey: process.env.AWS_SECRET_ACCESS_KEY ?? 'testtest',
};

/** What the benches of the S3 store take besides what all take. */
export const serviceArguments = { endpoint: 'fake', payload: 'signed' };

/** Connects to the server that the arguments name. */
export async function openService({ endpoint, payload }) {
  if (payload !== 'signed' && payload !== 'unsigned') fail(`--payload is signed or unsigned, not ${payload}`);
  if (endpoint !== 'fake' && !URL.canParse(endpoint)) fail(`--endpoint is fake or a URL, not ${endpoint}`);
  const child = endpoint === 'fake' ? await startFake() : undefined;
  const service = new Service(child?.endpoint ?? endpoint, { endpoint, payload, child });
  await service.createBucket();
  return service;
}

class Service {
  endpoint;
  /** What a figure is of: the server, and the way to it. */
  path;
  #payload;
  #child;
  #run = `${Date.now().toString(36)}-${process.pid}`;
  #prefixes = 0;

  constructor(address, { endpoint, payload, child }) {
    const { protocol, hostname, port } = new URL(address);
    this.endpoint = address;
    this.#payload = payload;
    this.#child = child;
    const isLocal = ['127.0.0.1', 'localhost', '[::1]'].includes(hostname);
    const server = endpoint === 'fake' ? 'the fake server in a process of its own' : `${hostname}:${port}`;
    const way = `${isLocal ? 'loopback' : 'network'}, ${protocol === 'https:' ? 'TLS' : 'no TLS'}`;
    this.path = `${server}, ${way}, payload ${payload}`;
  }

  /** A store under a prefix that nobody has used; through another address, if it is given. */
  newStore(endpoint = this.endpoint) {
    const prefix = `${this.#run}/${this.#prefixes++}`;
    const unsignedPayload = this.#payload === 'unsigned';
    const store = new S3ObjectStore({ bucket, prefix, endpoint, region, credentials, unsignedPayload });
    return { store, prefix };
  }

  /** The path and headers of a GET of a range, signed: what the least client would send. */
  signedGet(prefix, key, { start, end }) {
    const path = `/${bucket}/${`${prefix}/${key}`.split('/').map(encodeURIComponent).join('/')}`;
    const stamp = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '');
    const headers = {
      host: new URL(this.endpoint).host,
      range: `bytes=${start}-${end - 1}`,
      'x-amz-content-sha256': 'UNSIGNED-PAYLOAD',
      'x-amz-date': stamp,
    };
    return { path, headers: { ...headers, authorization: authorizationOf(path, headers, stamp) } };
  }

  async createBucket() {
    const client = new S3Client({ endpoint: this.endpoint, region, forcePathStyle: true, credentials });
    try {
      await client.send(new CreateBucketCommand({ Bucket: bucket }));
    } catch (cause) {
      if (!/BucketAlready/.test(cause.name)) throw cause;
    } finally {
      client.destroy();
    }
  }

  close() {
    this.#child?.disconnect();
  }
}

/** Deletes all that a store holds, and closes it. */
export async function removeAll(store) {
  for (let more = true; more;) {
    const page = await store.list({ prefix: '', purpose: 'sweep' });
    await store.delete(
      page.keys.map(({ key }) => key),
      { purpose: 'sweep' },
    );
    more = page.more;
  }
  store.close();
}

async function startFake() {
  const program = fileURLToPath(new URL('../test/s3/fake-s3.mjs', import.meta.url));
  const child = fork(program, ['--bucket', bucket], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
  const line = await new Promise((resolve, reject) => {
    child.stdout.once('data', (text) => resolve(String(text)));
    child.once('exit', (code) => reject(new Error(`the fake server ended with ${code}`)));
  });
  // Neither the process nor its channel is a reason to go on running.
  child.unref();
  child.channel.unref();
  child.stdout.unref();
  return { endpoint: line.trim().replace('S3_ENDPOINT=', ''), disconnect: () => child.disconnect() };
}

function authorizationOf(path, headers, stamp) {
  const names = Object.keys(headers).toSorted();
  const lines = names.map((name) => `${name}:${headers[name]}\n`).join('');
  const canonical = ['GET', path, '', lines, names.join(';'), 'UNSIGNED-PAYLOAD'].join('\n');
  const steps = [stamp.slice(0, 8), region, 's3', 'aws4_request'];
  const hash = createHash('sha256').update(canonical).digest('hex');
  const toSign = ['AWS4-HMAC-SHA256', stamp, steps.join('/'), hash].join('\n');
  const secret = `AWS4${credentials.secretAccessKey}`;
  const key = steps.reduce((sum, step) => createHmac('sha256', sum).update(step).digest(), secret);
  const signature = createHmac('sha256', key).update(toSign).digest('hex');
  const credential = `${credentials.accessKeyId}/${steps.join('/')}`;
  return `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
}

function fail(sentence) {
  console.error(sentence);
  process.exit(2);
}
