// Who asks, and may they: the part of Signature Version 4 that clients meet when something is set up wrongly.
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { S3Failure } from './fake-s3-answer.mjs';

const skewMaxMs = 15 * 60_000;
const form =
  /^AWS4-HMAC-SHA256 Credential=([^/,]+)\/(\d{8})\/([^/,]+)\/([^/,]+)\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/;

/**
 * Throws what AWS answers to a request that it does not accept. The signature itself is computed again only if
 * `verifySignatures` says so; the payload is another matter (`checkPayload`).
 */
export function authenticate(request, { credentials, region, now, verifySignatures }) {
  const header = request.headers['authorization'];
  if (header === undefined) throw new S3Failure(403, 'AccessDenied', 'Access Denied');
  const [, id, day, scopeRegion, service, signedHeaders, signature] =
    form.exec(header) ?? malformed('The authorization header is malformed.');
  if (service !== 's3') malformed(`The authorization header is malformed; incorrect service "${service}".`);
  if (scopeRegion !== region)
    throw new S3Failure(
      400,
      'AuthorizationHeaderMalformed',
      `The authorization header is malformed; the region '${scopeRegion}' is wrong; expecting '${region}'`,
      { elements: { Region: region }, headers: { 'x-amz-bucket-region': region } },
    );
  const known = credentials.find(({ accessKeyId }) => accessKeyId === id);
  if (known === undefined)
    throw new S3Failure(
      403,
      'InvalidAccessKeyId',
      'The AWS Access Key Id you provided does not exist in our records.',
      { elements: { AWSAccessKeyId: id } },
    );
  if (known.isExpired === true) throw new S3Failure(400, 'ExpiredToken', 'The provided token has expired.');
  if (known.sessionToken !== request.headers['x-amz-security-token'])
    throw new S3Failure(400, 'InvalidToken', 'The provided token is malformed or otherwise invalid.');
  checkTime(request, now());
  if (!verifySignatures) return;
  const wanted = signatureOf(request, known.secretAccessKey, { day, region, signedHeaders });
  if (!timingSafeEqual(Buffer.from(wanted), Buffer.from(signature)))
    throw new S3Failure(
      403,
      'SignatureDoesNotMatch',
      'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
      { elements: { AWSAccessKeyId: id } },
    );
}

function malformed(message) {
  throw new S3Failure(400, 'AuthorizationHeaderMalformed', message);
}

function checkTime(request, nowMs) {
  const stamp = request.headers['x-amz-date'] ?? '';
  const iso = stamp.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z');
  const difference = Math.abs(Date.parse(iso) - nowMs);
  if (Number.isNaN(difference))
    throw new S3Failure(403, 'AccessDenied', 'AWS authentication requires a valid Date or x-amz-date header');
  if (difference > skewMaxMs)
    throw new S3Failure(
      403,
      'RequestTimeTooSkewed',
      'The difference between the request time and the current time is too large.',
      {
        elements: {
          RequestTime: stamp,
          ServerTime: new Date(nowMs).toISOString(),
          MaxAllowedSkewMilliseconds: skewMaxMs,
        },
      },
    );
}

function signatureOf({ method, path, rawQuery, headers }, secret, { day, region, signedHeaders }) {
  const query = rawQuery
    .split('&')
    .filter((word) => word !== '')
    .map((word) => (word.includes('=') ? word : `${word}=`))
    .toSorted((a, b) => (a < b ? -1 : 1))
    .join('&');
  const lines = signedHeaders
    .split(';')
    .map((name) => `${name}:${(headers[name] ?? '').trim().replaceAll(/ +/g, ' ')}\n`);
  const canonical = [method, path, query, lines.join(''), signedHeaders, headers['x-amz-content-sha256']].join('\n');
  const scope = `${day}/${region}/s3/aws4_request`;
  const hash = createHash('sha256').update(canonical).digest('hex');
  const toSign = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, hash].join('\n');
  const steps = [day, region, 's3', 'aws4_request'];
  const key = steps.reduce((sum, step) => createHmac('sha256', sum).update(step).digest(), `AWS4${secret}`);
  return createHmac('sha256', key).update(toSign).digest('hex');
}

/** Compares the payload with the hash that was signed, where one was. */
export function checkPayload({ headers }, chunks) {
  const signed = headers['x-amz-content-sha256'];
  if (signed === undefined || signed === 'UNSIGNED-PAYLOAD') return;
  const hash = createHash('sha256');
  for (const chunk of chunks) hash.update(chunk);
  if (hash.digest('hex') !== signed)
    throw new S3Failure(
      400,
      'XAmzContentSHA256Mismatch',
      "The provided 'x-amz-content-sha256' header does not match what was computed.",
    );
}
