// Requests to an S3 service by hand: where a test must stop in the middle of a body, or look at an answer as it is.
import { type ClientRequest, type IncomingHttpHeaders, request } from 'node:http';

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface RawOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | number>>;
  readonly body?: string;
}

/** Headers that a service takes that does not compute signatures again. */
export function signedBy(accessKeyId = 'test', region = 'us-east-1', nowMs = Date.now()): Record<string, string> {
  const stamp = new Date(nowMs).toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const scope = `${accessKeyId}/${stamp.slice(0, 8)}/${region}/s3/aws4_request`;
  const signature = '0'.repeat(64);
  return {
    Authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host;x-amz-date, Signature=${signature}`,
    'x-amz-date': stamp,
    'x-amz-content-sha256': 'UNSIGNED-PAYLOAD',
  };
}

/** Asks, and gives the whole answer. Rejects where the connection breaks. */
export function ask(url: string, options: RawOptions = {}): Promise<RawAnswer> {
  const { body = '', method = 'GET', headers = signedBy() } = options;
  const length = method === 'PUT' || method === 'POST' ? { 'Content-Length': Buffer.byteLength(body) } : {};
  const { message, answer } = begin(url, { method, headers: { ...headers, ...length } });
  message.end(body);
  return answer;
}

/** Begins a request whose body is written by the caller. */
export function begin(url: string, options: RawOptions): { message: ClientRequest; answer: Promise<RawAnswer> } {
  const { method = 'PUT', headers = signedBy() } = options;
  const message = request(url, { method, headers, agent: false });
  const answer = new Promise<RawAnswer>((resolve, reject) => {
    message.once('error', reject);
    message.once('response', (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.once('error', reject);
      incoming.once('end', () =>
        resolve({
          status: incoming.statusCode ?? 0,
          headers: incoming.headers,
          body: Buffer.concat(chunks).toString('latin1'),
        }),
      );
    });
  });
  return { message, answer };
}
