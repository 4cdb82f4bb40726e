// What a failed request to an S3 server means: pure. From what came (an error of the SDK, a status, a code, headers) to
// one of a few kinds, and a sentence that says what to do.
//
// No secret is in any of it: errors of the SDK are taken apart and never handed on, because an answer that a signature
// is wrong repeats the request and its keys.
import type { AnswerHeaders } from './s3-value-window.ts';

/**
 * 'missing', 'precondition', 'not-modified', 'range': answers that a store expects. 'misconfigured': nobody's retry
 * helps until somebody changes something. 'throttled', 'unavailable': later it may work.
 */
export type S3FailureKind =
  | 'missing'
  | 'precondition'
  | 'conflict'
  | 'not-modified'
  | 'range'
  | 'misconfigured'
  | 'throttled'
  | 'unavailable';

/** One failed request, understood. */
export interface S3Failure {
  readonly kind: S3FailureKind;
  /** The server's code, or the system's, or the SDK's name of the error. */
  readonly code: string;
  readonly status: number | undefined;
  /** A sentence without secrets. */
  readonly problem: string;
  /** The permission that is missing, where that is it. */
  readonly permission?: string | undefined;
}

/** What is known about the request that failed. */
export interface S3FailureContext {
  /** The permission that it needs: `s3:GetObject`. */
  readonly permission: string;
  readonly bucket: string;
  /** Key or prefix, as the bucket has it. */
  readonly key: string;
  readonly region: string | undefined;
  /** Where it went, as a person would say it. */
  readonly place: string;
  /** The clock of this machine when it failed. */
  readonly nowMs: number;
  /** The answer, if one came. */
  readonly answer: { readonly status: number; readonly headers: AnswerHeaders } | undefined;
}

const throttledCodes = [
  'SlowDown',
  'SlowDownRead',
  'SlowDownWrite',
  'ServiceUnavailable',
  'Throttling',
  'RequestLimitExceeded',
  'TooManyRequests',
];
const tlsCodes = ['ERR_SSL_WRONG_VERSION_NUMBER', 'EPROTO', 'ERR_SSL_PACKET_LENGTH_TOO_LONG', 'ERR_SSL_HTTP_REQUEST'];
/** What is not there. The third is MinIO's word for it where a key and a slash begin others. */
const missingCodes = ['NoSuchKey', 'NotFound', 'NoSuchVersion', 'NoSuchUpload', '404'];
const tokenCodes = ['ExpiredToken', 'InvalidToken', 'TokenRefreshRequired', 'ExpiredTokenException'];
const regionCodes = ['PermanentRedirect', 'AuthorizationHeaderMalformed', 'IllegalLocationConstraintException'];

const noS3Server = 'is there an S3 server, and is the endpoint right?';

/** Understands a failed request. */
export function understandFailure(cause: unknown, context: S3FailureContext): S3Failure {
  const { code, message, region } = factsOf(cause);
  const status = context.answer?.status ?? statusOf(cause);
  const failure = (kind: S3FailureKind, problem: string, permission?: string): S3Failure => ({
    ...{ kind, code, status, problem },
    ...(permission === undefined ? {} : { permission }),
  });
  const { bucket, key, place } = context;
  const at = `${place} answered ${code}${status === undefined ? '' : ` (HTTP ${status})`}`;

  if (status === undefined) return failure(...withoutAnswer(code, message, context));
  if (status === 304) return failure('not-modified', at);
  if (isPage(context))
    return failure('misconfigured', `${place} answered with a page for people (HTTP ${status}): ${noS3Server}`);
  if (code === 'NoSuchBucket')
    return failure('misconfigured', `there is no bucket '${bucket}' at ${place}: create it, or correct its name`);
  if (code === 'InvalidBucketName')
    return failure('misconfigured', `'${bucket}' is no name of a bucket for ${place}: correct it`);
  if (status === 412) return failure('precondition', at);
  if (code === 'RequestTimeTooSkewed') return failure('misconfigured', skewOf(context));
  if (code === 'InvalidAccessKeyId')
    return failure(
      'misconfigured',
      `${place} does not know the access key id: correct it (AWS_ACCESS_KEY_ID, the profile, or \`credentials\`), ` +
        'or the endpoint',
    );
  if (code === 'SignatureDoesNotMatch')
    return failure(
      'misconfigured',
      `the secret access key is not the one of this access key id at ${place}, or something on the way changes ` +
        'requests: correct the secret (AWS_SECRET_ACCESS_KEY, the profile, or `credentials`)',
    );
  if (tokenCodes.includes(code))
    return failure('misconfigured', `${at}: the session token has ended or is of other credentials; get new ones`);
  if (regionCodes.includes(code) || (status === 301 && context.answer !== undefined))
    return failure('misconfigured', regionProblem(context, region));
  if (status === 404) {
    // Lists and new keys are never missing, only buckets, and those by their name.
    const canBeMissing = !['s3:ListBucket', 's3:ListBucketMultipartUploads'].includes(context.permission);
    if (canBeMissing && missingCodes.includes(code)) return failure('missing', at);
    return failure('misconfigured', `${at}, which is no answer of an S3 server: is the endpoint right?`);
  }
  if (status === 416) return failure('range', at);
  if (status === 401 || status === 403)
    return failure(
      'misconfigured',
      `${at} to ${context.permission} of '${key}' in bucket '${bucket}': ` +
        `allow ${context.permission} to these credentials` +
        (code === 'Error' || code === 'Unknown' ? `; or, since it gives no reason, ${noS3Server}` : '') +
        (context.permission === 's3:GetObject'
          ? ' (and s3:ListBucket, without which a missing key is answered so)'
          : ''),
      context.permission,
    );
  if (status === 409) return failure('conflict', at);
  if (status === 429 || throttledCodes.includes(code)) return failure('throttled', `${at}: it is asked too much`);
  if (status >= 500 && status !== 501) return failure('unavailable', at);
  if (status === 408 || code === 'RequestTimeout' || code === 'BadDigest' || code === 'XAmzContentSHA256Mismatch')
    return failure('unavailable', at);
  if (status < 300) return failure('unavailable', `${place} answered what cannot be read: ${message}; ${noS3Server}`);
  if (code === 'InvalidRequest' || code === 'InvalidArgument' || code === 'NotImplemented' || status === 501)
    return failure('misconfigured', `${at}: ${message}. It may not know this kind of request`);
  return failure('misconfigured', `${at}: ${message}; ${noS3Server}`);
}

function withoutAnswer(code: string, message: string, context: S3FailureContext): [S3FailureKind, string] {
  const { place } = context;
  if (code === 'CredentialsProviderError' || code === 'TokenProviderError')
    return [
      'misconfigured',
      'there are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile, or give `credentials`',
    ];
  if (/region is missing/i.test(message))
    return ['misconfigured', 'there is no region: set AWS_REGION, or give `region` (in a URL `?region=…`)'];
  if (code === 'ENOTFOUND') return ['unavailable', `there is no host of that name: ${place}; is the endpoint right?`];
  if (code === 'ECONNREFUSED') return ['unavailable', `nothing listens at ${place}; is the endpoint right?`];
  if (tlsCodes.includes(code)) return ['misconfigured', `${place} does not speak TLS; write http:// in the endpoint`];
  if (code.startsWith('HPE_') || code === 'HTTPParserError')
    return [
      'misconfigured',
      `${place} does not speak HTTP (${code}); if it speaks TLS, write https:// in the endpoint`,
    ];
  if (/CERT|SELF_SIGNED|UNABLE_TO_/.test(code))
    return [
      'misconfigured',
      `the certificate of ${place} is not trusted (${code}); name its authority in NODE_EXTRA_CA_CERTS`,
    ];
  return ['unavailable', `no answer from ${place}: ${code === 'Error' ? message : `${code}, ${message}`}`];
}

function skewOf({ answer, nowMs, place }: S3FailureContext): string {
  const theirs = Date.parse(String(answer?.headers['date']));
  const seconds = Math.round((nowMs - theirs) / 1000);
  // A proxy on the way may have put a time of its own into the answer.
  const much =
    Number.isNaN(theirs) || Math.abs(seconds) < 60
      ? ''
      : ` by ${Math.abs(seconds)} s (it is ${seconds > 0 ? 'ahead' : 'behind'})`;
  return `the clock of this machine differs from that of ${place}${much}: set it; requests are signed with the time`;
}

function regionProblem({ answer, bucket, region }: S3FailureContext, named: string | undefined): string {
  const right = named ?? answer?.headers['x-amz-bucket-region'];
  const ours = region === undefined ? 'another region' : `region '${region}'`;
  const cure = right === undefined ? 'give the region it is in' : `it is in '${String(right)}'`;
  return `bucket '${bucket}' was asked for in ${ours}; ${cure} (AWS_REGION, \`region\`, or \`?region=…\` in a URL)`;
}

/** What browsers are shown. An S3 server answers XML, or a value, and no value of ours is a page. */
function isPage({ answer }: S3FailureContext): boolean {
  return String(answer?.headers['content-type']).startsWith('text/html');
}

interface Facts {
  readonly code: string;
  readonly message: string;
  /** The region that the server named. */
  readonly region: string | undefined;
}

/** What may be shown of an error: its code, and its message where that repeats nothing of the request. */
function factsOf(cause: unknown): Facts {
  if (typeof cause !== 'object' || cause === null) return { code: 'Error', message: String(cause), region: undefined };
  const { name, code, Code, message, cause: deeper, Region } = cause as Record<string, unknown>;
  const systemCode = typeof code === 'string' ? code : systemCodeOf(deeper);
  return {
    code: text(Code) ?? systemCode ?? text(name) ?? 'Error',
    message: shown(text(message) ?? ''),
    region: text(Region),
  };
}

/** The first line of a message, without what could be a key, a token or a signature that it repeats. */
function shown(message: string): string {
  const [line = ''] = message.split('\n');
  return line.replace(/[A-Za-z0-9+/=_-]{36,}/g, '…').slice(0, 200);
}

function systemCodeOf(cause: unknown): string | undefined {
  return text((cause as { code?: unknown } | null | undefined)?.code);
}

function statusOf(cause: unknown): number | undefined {
  const metadata = (cause as { $metadata?: { httpStatusCode?: unknown } } | null | undefined)?.$metadata;
  return typeof metadata?.httpStatusCode === 'number' ? metadata.httpStatusCode : undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
