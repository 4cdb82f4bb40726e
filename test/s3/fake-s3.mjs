// An S3 service in memory, over plain HTTP, path style: for tests that need a service that fails in a certain way, and
// for benches that want a service faster than any client.
//
//   node test/s3/fake-s3.mjs [--port N] [--region R] [--bucket NAME] [--latency-ms MS] [--verify-signatures]
//
// What it is told to do wrongly (see fake-s3.d.mts) apart, it does as AWS says it does:
// - a condition of a write is tested when the whole body has arrived, in one step with the write;
// - reads and lists are strong;
// - without the right to list, what is not there is refused instead of missing.
// Etags of large values are no MD5. What it cannot do is answered NotImplemented, never done by halves.
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { failureDocument, S3Failure } from './fake-s3-answer.mjs';
import { authenticate, checkPayload } from './fake-s3-auth.mjs';
import { crc32Of, FakeBucket } from './fake-s3-bucket.mjs';
import * as objects from './fake-s3-objects.mjs';
import * as parts from './fake-s3-parts.mjs';
import { describeRequest, RequestCounts } from './fake-s3-request.mjs';
import { send, sleep } from './fake-s3-wire.mjs';

/** What each operation needs to be allowed, and what does it. */
const operations = {
  PutObject: ['s3:PutObject', objects.putObject],
  GetObject: ['s3:GetObject', objects.getObject],
  HeadObject: ['s3:GetObject', objects.getObject],
  DeleteObject: ['s3:DeleteObject', objects.deleteObject],
  DeleteObjects: [undefined, objects.deleteObjects],
  ListObjectsV2: ['s3:ListBucket', objects.listObjects],
  CreateBucket: ['s3:CreateBucket', objects.createBucket],
  HeadBucket: ['s3:ListBucket', objects.headBucket],
  CreateMultipartUpload: ['s3:PutObject', parts.createMultipartUpload],
  UploadPart: ['s3:PutObject', parts.uploadPart],
  UploadPartCopy: ['s3:PutObject', parts.uploadPartCopy],
  CompleteMultipartUpload: ['s3:PutObject', parts.completeMultipartUpload],
  AbortMultipartUpload: ['s3:AbortMultipartUpload', parts.abortMultipartUpload],
  ListMultipartUploads: ['s3:ListBucketMultipartUploads', parts.listMultipartUploads],
};

const withBody = new Set(['PutObject', 'UploadPart']);

class FakeService {
  buckets = new Map();
  counts = new RequestCounts();
  active = 0;

  constructor(options) {
    const { credentials = { accessKeyId: 'test', secretAccessKey: 'testtest' }, region = 'us-east-1' } = options;
    this.options = options;
    this.region = region;
    this.credentials = [credentials].flat();
    this.defects = { ...options.defects };
    this.now = options.now ?? Date.now;
    for (const name of options.buckets ?? ['qanat-test']) this.createBucket(name);
  }

  createBucket(name) {
    this.buckets.set(name, new FakeBucket());
  }

  bucketOf(name) {
    const bucket = this.buckets.get(name);
    if (bucket !== undefined) return bucket;
    throw new S3Failure(404, 'NoSuchBucket', 'The specified bucket does not exist', {
      elements: { BucketName: name },
    });
  }

  /** Throws where the action is denied. */
  allow(action, key) {
    const refusal = this.refusal(action, key);
    if (refusal !== undefined) throw refusal;
  }

  refusal(action, key) {
    if (this.options.deny?.(action, key) !== true) return undefined;
    const who = 'User: arn:aws:iam::000000000000:user/test is not authorized to perform';
    return new S3Failure(403, 'AccessDenied', `${who}: ${action} because no identity-based policy allows it`);
  }

  deleteFailure(key) {
    const code = this.options.failDelete?.(key);
    return code === undefined ? undefined : new S3Failure(500, code, 'This key was told to fail');
  }

  /** Refuses what cannot even begin, before the body. */
  admit(request) {
    const { region, credentials, now } = this;
    authenticate(request, { region, credentials, now, verifySignatures: this.options.verifySignatures === true });
    if (operations[request.operation] === undefined)
      throw new S3Failure(501, 'NotImplemented', `${request.method} of this kind is not implemented`);
    if (request.operation !== 'CreateBucket') this.bucketOf(request.bucket);
    const [action] = operations[request.operation];
    if (action !== undefined) this.allow(action, request.query.get('prefix') ?? request.key);
  }

  /** Does what a request asks, now that its body is here. */
  perform(request, body, isConditionMet) {
    const { headers, operation } = request;
    const isStreamed = headers['x-amz-content-sha256']?.startsWith('STREAMING-') || headers['x-amz-trailer'];
    if (isStreamed) throw new S3Failure(501, 'NotImplemented', 'Bodies in signed chunks are not implemented');
    if (withBody.has(operation) && headers['content-length'] === undefined)
      throw new S3Failure(411, 'MissingContentLength', 'You must provide the Content-Length HTTP header.');
    if (this.options.verifySignatures === true) checkPayload(request, body.chunks);
    const checksum = headers['x-amz-checksum-crc32'];
    if (checksum !== undefined && checksum !== crc32Of(body.chunks))
      throw new S3Failure(400, 'BadDigest', 'The CRC32 you specified did not match the calculated checksum.');
    const text = withBody.has(operation) ? '' : Buffer.concat(body.chunks).toString();
    return operations[operation][1](this, request, { ...body, crc32: checksum, text, isConditionMet });
  }
}

/** All of a body; undefined if the client went away before it was here. */
function collect(message) {
  return new Promise((resolve) => {
    const chunks = [];
    let size = 0;
    message.on('data', (chunk) => {
      chunks.push(chunk);
      size += chunk.byteLength;
    });
    message.on('end', () => resolve({ chunks, size }));
    message.on('close', () => resolve(undefined));
    message.on('error', () => resolve(undefined));
  });
}

async function serve(service, message, response) {
  const request = describeRequest(message) ?? unreadable(message);
  const fault = (await service.options.onRequest?.(request)) ?? {};
  if (fault.dropBefore === true) {
    service.counts.asked(request.operation, 0);
    return message.socket.destroy();
  }
  const isEarly = service.defects.conditionAtStart === true && request.operation === 'PutObject';
  const early = isEarly ? attempt(() => objects.checkCondition(service, request)) : undefined;
  const body = await collect(message);
  service.counts.asked(request.operation, body?.size ?? 0);
  if (body === undefined || fault.hang === true) return;
  if (fault.delayMs !== undefined) await sleep(fault.delayMs);
  let answer = attempt(() => {
    if (early?.failure !== undefined) throw early.failure;
    return outcomeOf(service, request, response, body, fault, isEarly);
  });
  if (answer.failure !== undefined) answer = failureAnswer(answer.failure, request);
  const pause = (fault.delayAnswerMs ?? 0) + (service.options.latencyMs ?? 0);
  if (pause > 0) await sleep(pause);
  const bytesOut = message.method === 'HEAD' ? 0 : (answer.body?.byteLength ?? 0);
  service.counts.answered(request.operation, answer.status ?? 200, bytesOut);
  if (fault.dropAfter === true) message.socket.destroy();
  else send(response, answer, fault);
}

function outcomeOf(service, request, response, body, fault, isConditionMet) {
  const { concurrentMax = Infinity } = service.options;
  if (service.active >= concurrentMax) throw new S3Failure(503, 'SlowDown', 'Please reduce your request rate.');
  service.active += 1;
  response.once('close', () => (service.active -= 1));
  if (fault.status !== undefined) {
    const { status, code = 'InternalError', headers = {} } = fault;
    throw new S3Failure(status, code, 'This request was told to fail', { headers });
  }
  if (request.operation === 'Malformed') throw new S3Failure(400, 'InvalidURI', "Couldn't parse the specified URI.");
  service.admit(request);
  return service.perform(request, body, isConditionMet);
}

function attempt(work) {
  try {
    return work() ?? {};
  } catch (failure) {
    return { failure };
  }
}

function failureAnswer(failure, { method, path }) {
  if (!(failure instanceof S3Failure)) process.stderr.write(`${failure.stack}\n`);
  const { status = 500, code = 'InternalError', message, elements = {}, headers = {} } = failure;
  const body = method === 'HEAD' ? undefined : failureDocument({ code, message, elements }, path, 'fake-request');
  return { status, headers, body };
}

function unreadable({ method, url, headers }) {
  return { operation: 'Malformed', method, bucket: '', key: '', query: new Map(), path: url, rawQuery: '', headers };
}

/** Starts a service on a port of the loopback. */
export async function startFakeS3(options = {}) {
  const service = new FakeService(options);
  const server = createServer({ keepAliveTimeout: 120_000, requestTimeout: 0, noDelay: true }, (message, response) => {
    serve(service, message, response).catch((cause) => message.socket.destroy(cause));
  });
  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const { port } = server.address();
  const bucketOf = (name) => service.bucketOf(name ?? service.buckets.keys().next().value);
  return {
    endpoint: `http://127.0.0.1:${port}`,
    port,
    defects: service.defects,
    requests: () => service.counts.rows(),
    resetRequests: () => service.counts.reset(),
    objects: (bucket) => bucketOf(bucket).objects,
    uploads: (bucket) => [...bucketOf(bucket).uploads.values()],
    clear: () => service.buckets.forEach((bucket) => bucket.clear()),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '0' },
      region: { type: 'string', default: 'us-east-1' },
      bucket: { type: 'string', multiple: true, default: ['qanat-test'] },
      'latency-ms': { type: 'string', default: '0' },
      'verify-signatures': { type: 'boolean', default: false },
    },
  });
  const { endpoint } = await startFakeS3({
    port: Number(values.port),
    region: values.region,
    buckets: values.bucket,
    latencyMs: Number(values['latency-ms']),
    verifySignatures: values['verify-signatures'],
  });
  console.log(`S3_ENDPOINT=${endpoint}`);
  // Started with a channel to its parent, it goes when the parent does.
  process.on('disconnect', () => process.exit());
}
